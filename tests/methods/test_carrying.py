"""A message may carry a passage of its page for a task; one that only copies or retells the page has none."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench import carrying
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.methods.instructions.acceptance import Limits, Shown, accept
from wellspring.tasks.methods.instructions.carrying import Parts, own_words, parted, sets_task

PAGE = (
    "Cold dough rises slowly. At five degrees a loaf that doubles in two hours in a warm room takes twelve to sixteen. "
    "Salt slows the yeast further, so salted dough may stand for a night. Press it with a finger: if "
    "the dent fills slowly, it is ready to be baked. Bakers who work at night keep three doughs at three temperatures. "
    "What is a sponge? A sponge is flour, water and yeast that ferment for hours before the rest is added to it."
)
LIMITS = Limits(min_tokens=5, max_tokens=2000, max_rouge_l=0.7, max_coverage=0.3, min_own_words=2)
LONG = " ".join(f"{PAGE} Loaf number {number} of the night was {number + 3} minutes late again." for number in range(6))


def _refused(text: str, page: str = PAGE) -> str:
    try:
        accept(text, LIMITS, Shown(document=page))
    except Rejection as refused:
        return refused.reason
    return ""


TASKS = [
    f"Rewrite this for a nine-year-old, in four sentences:\n\n{PAGE}",
    f"{PAGE}\n\nWhich two of these statements contradict each other?",
    f'My apprentice wrote: "{PAGE}" Mark what he got wrong and why.',
    f"We bake for a school.\n\n```\n{PAGE}\n```\n\nmake a timetable of it pls, night shift starts at ten",
    "\n".join(f"> {line}." for line in PAGE.split(". ")) + "\n\nTurn the quotation into a checklist for the wall.",
    f"Reword the note so that a tired baker gets it at once: {PAGE}",
    f"Schreibe daraus einen Aushang für unsere Backstube, höchstens achtzig Wörter: {PAGE}",
    f"Réécris-le en cent mots pour des apprentis de quinze ans : {PAGE}",
    f"请把下面这段话改写成一百字以内的说明。{PAGE}",
    f"Ta fram en ordlista över de tio svåraste orden: {PAGE}",
    f"Find the weakest argument and answer it in two paragraphs.\n\n{LONG}",
    f"Summarise this: {PAGE}",
    f"Translate into Dutch:\n\n{PAGE}",
    f"Our baker sent me this. {PAGE} Too short?",
    f"I need to know whether the salted dough may stand for a night. {PAGE}",
    f"{PAGE}\n\nHow many doughs do bakers who work at night keep, and at how many temperatures?",
    f"JSON with fields step and minutes, nothing else:\n\n{PAGE}",
    f"Что мне ответить пекарю? {PAGE}",
    f"صحح الأخطاء اللغوية: {PAGE}",
    f"इसे सरल भाषा में फिर से लिखो: {PAGE}",
]
NO_TASKS = [
    PAGE,
    PAGE.replace(".", "?"),
    f"Dough and cold\n\n{PAGE}",
    f"Did you know that {PAGE[0].lower()}{PAGE[1:]}",
    f"{PAGE} What do you think?",
    f"Summarise: {PAGE}",
    f"I read this today and found it very interesting, so here it is for everybody: {PAGE}",
    ". ".join(sorted(PAGE.split(". "))),
    "Moreover, " + ". In addition, ".join(PAGE.split(". ")),
    PAGE.replace("slowly", "gradually").replace("further", "more").replace("keep", "hold"),
    f"Wussten Sie, dass {PAGE} Was halten Sie davon?",
    f"以下是一些值得了解的事实。{PAGE}",
    f"So how is bread made? {PAGE}",
    f"Question: how is bread made? Answer: {PAGE}",
    f"L'article explique la situation en détail. {PAGE} Merci de votre attention.",
    f"皆さん、こんにちは。{PAGE}ご清聴ありがとうございました。",
    f"{PAGE} Subscribe to our newsletter and share this with your friends!",
    (
        "Cold dough needs time: in a warm room two hours, at five degrees twelve to twenty. Salt slows it more, "
        "and yeast is slow at night. Bakers who are wise keep three kinds and press their dough."
    ),
]


def test_messages_that_carry_a_passage_for_a_task_are_kept_however_long_the_passage() -> None:
    lost = [message for message in TASKS if _refused(message, LONG)]

    assert len(lost) <= len(TASKS) * 0.15, lost


def test_messages_that_only_copy_or_retell_their_page_are_refused() -> None:
    kept = [message for message in NO_TASKS if not _refused(message)]

    assert len(kept) <= len(NO_TASKS) * 0.15, kept


def test_what_a_carried_passage_says_of_itself_and_quotes_is_not_held_against_the_message() -> None:
    page = f'{PAGE} As mentioned above, this article says what to write: "three doughs for one night" is the motto.'

    assert _refused(f"Turn this into a checklist of seven steps for beginners. {page}", page) == ""
    assert _refused("According to the article, what do bakers do at night?", page) == "not_self_contained"
    assert _refused("I bake at night. Is three doughs for one night enough, as mentioned above?", page) != ""


def test_own_words_and_carried_ranges_are_told_apart() -> None:
    text = f"Mend this. {PAGE[:113]}\n\nThen tell me why it was wrong."

    parts = parted(text, PAGE)

    assert [text[start:end] for start, end in parts.carried] == [PAGE[:112]]
    assert [part.strip() for part in parts.own] == ["Mend this.", "Then tell me why it was wrong."]
    assert own_words(parts) == 9


@given(st.text(alphabet="ab .?\n\"'", max_size=60), st.text(alphabet="ab .?\n", max_size=60))
@settings(max_examples=60)
def test_any_text_is_taken_apart_into_ranges_in_order(text: str, source: str) -> None:
    parts = parted(text, source)

    places = [place for span in parts.carried for place in span]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
    assert 0 <= parts.share <= 1


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("is_aside", [True, False])
def test_of_two_hundred_real_pages_of_each_kind_95_in_100_go_the_right_way(shared: Path, *, is_aside: bool) -> None:  # noqa: ARG001 - it says that the pages are there
    for carries in (True, False):
        made = carrying.messages(carries=carries, is_aside=is_aside)
        right = sum(bool(carrying.outcome(message)) != carries for message in made)
        assert len(made) == 100
        assert right >= 95


@pytest.mark.shared
@pytest.mark.slow
def test_of_200_of_each_that_nothing_was_learned_from_nine_in_ten_go_the_right_way(shared: Path) -> None:  # noqa: ARG001 - it says that the pages are there
    for carries in (True, False):
        made = [message for message in carrying.sets("report", carrying.TWICE) if message.carries == carries]
        assert len(made) >= carrying.EACH
        assert sum(bool(carrying.outcome(message)) != carries for message in made) >= 0.91 * len(made)


@pytest.mark.shared
def test_tasks_that_people_set_on_a_given_text_are_known_for_tasks(shared: Path) -> None:
    with gzip.open(shared / "instructions" / "pool_alpaca_a.jsonl.gz", "rt", encoding="utf-8") as lines:
        asked = [row["instruction"] for row in map(json.loads, lines) if row["input"]][:500]
    parts = [Parts((), (text,), 0.9) for text in asked if len(text.split()) > 5]

    assert sum(sets_task(part) for part in parts) / len(parts) > 0.96
