"""A message that only states, sells or greets asks for nothing; questions, orders, wishes and troubles ask."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.bench import asking
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.methods.instructions.acceptance import Limits, Shown, accept
from wellspring.tasks.methods.instructions.asking import states_only

LIMITS = Limits(min_tokens=3, max_tokens=2000, max_rouge_l=0.7, max_coverage=0.3, min_own_words=2)


@pytest.mark.parametrize(
    "text",
    [
        "Our team is working diligently to deliver the best services to your business.",
        "I'm here to help you with everything around your garden.",
        "Looking for a reliable plumber? Our certified team is only a call away!",
        "Opening Hours and Directions",
        "How can I help you today?",
        "Sie suchen einen Maler? Wir sind immer für Sie da.",
        "Le musée occupe son bâtiment actuel depuis la fin de la guerre.",
        "博物馆成立于1871年。它在河边。",
        "Позвоните нам сегодня и получите скидку.",
    ],
)
def test_statements_advertisements_and_greetings_ask_for_nothing(text: str) -> None:
    assert states_only(text)


@pytest.mark.parametrize(
    "text",
    [
        "We have a budget of 500 and three weeks. I need a plan for the party.",
        "Given a list of towns, sort them by how far north they lie.",
        "As a nurse on nights, could you suggest stretches",
        "My rye loaves tear when I take them out of the tin.",
        "I'm struggling with the last line of my poem.",
        "Traceback (most recent call last):\n  KeyError: 'price'",
        "Looking for a plumber? Tell me which three questions to put to him first.",
        "Schreib mir eine Absage.",
        "Explique-moi pourquoi le ciel est bleu",
        "Mi horno no calienta y ya no sé qué mirar.",
        "この文を要約して",
        "Подскажи идею подарка",
        "Dedem için bir hediye öner.",
    ],
)
def test_questions_orders_wishes_and_troubles_ask(text: str) -> None:
    assert not states_only(text)


@pytest.mark.parametrize("text", ["Muzeum zostało założone w 1871 roku.", "박물관은 1871년에 세워졌다."])
def test_a_language_without_signs_is_not_judged(text: str) -> None:
    assert not states_only(text)


def test_who_asks_in_the_middle_of_a_long_message_is_not_heard() -> None:
    line = "The dough rises slowly in the cold cellar of the bakery. "

    assert states_only(line * 8)
    assert not states_only(line * 8 + "Why does it?")
    assert states_only(line * 8 + "Why does it? " + line * 8)


def test_an_instruction_that_asks_for_nothing_is_refused_by_name() -> None:
    with pytest.raises(Rejection) as refused:
        accept("Our bakers shape every loaf by hand and bake it in a tin.", LIMITS, Shown(document="A page."))

    assert refused.value.reason == "asks_nothing"


def test_a_message_with_a_passage_is_judged_by_its_own_words_alone() -> None:
    page = "Cold dough rises slowly, and salt slows the yeast further, so that dough may stand for a night. " * 2
    wide = Limits(min_tokens=3, max_tokens=2000, max_rouge_l=0.7, max_coverage=0.95, min_own_words=2)

    accept(f"Same text, but kinder, and half as long:\n\n{page}", wide, Shown(document=page))


def _refused(said: Sequence[asking.Said]) -> float:
    return sum(states_only(row.text) for row in said) / len(said)


def test_of_our_own_messages_few_requests_and_most_statements_are_refused() -> None:
    for code, own in asking.OWN.items():
        assert sum(map(states_only, own["requests"])) <= 1, code
        assert sum(map(states_only, own["statements"])) >= 0.8 * len(own["statements"]), code


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "name", "is_right"),
    [
        (asking.requests, "seeds_knn_instruct_a", lambda share: share <= 0.01),
        (asking.statements, "sentences", lambda share: share >= 0.9),
    ],
)
def test_of_real_messages_one_in_a_hundred_is_refused_and_of_sentences_of_pages_nine_in_ten(
    shared: Path,  # noqa: ARG001 - it says that the pages are there
    rows: Callable[[], Sequence[asking.Said]],
    name: str,
    is_right: Callable[[float], bool],
) -> None:
    for is_report in (False, True):
        said = [r for r in rows() if r.kind == name and r.is_report == is_report and r.language != "others"]

        assert len(said) > 700
        assert is_right(_refused(said))
