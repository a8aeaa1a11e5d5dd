"""AlignScore: the best chunk counts for a sentence, the mean of sentences for an answer, by p(yes)."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "alignscore"
FILLER = "Nothing of that kind stands here at all. " * 80
PAGE = f"A pump lifts water 12 metres. {FILLER}A loaf weighs 900 grams. {FILLER}"

pytestmark = pytest.mark.usefixtures("unaudited")


def word(said: str, **shares: float) -> dict[str, Any]:
    likely = [{"token": one, "logprob": math.log(share)} for one, share in shares.items()]
    place = {"token": said, "logprob": math.log(shares[said]), "top_logprobs": likely}
    return {"content": said, "logprobs": {"content": [place]}}


def held(
    settings: Any, start: Start, say: Any, answer: str, *more: str, page: str = PAGE, reference: str = ""
) -> tuple[Any, list[str]]:
    def put(run: Run) -> None:
        do = run.store._connection.execute
        do("UPDATE documents SET text = ?", [page])
        if page:
            do("UPDATE methods SET name = 'answer_grounded' WHERE stage = 'responses'")
        if reference:
            do("UPDATE seeds SET response = ?", [reference])
            do("UPDATE instructions SET input_id = (SELECT min(seed_id) FROM seeds)")

    found, _, asked = judge_runs.play_all(NAME, settings, start, say, [[answer]], *more, before=put)
    return found, asked


def by_words(_: str, body: dict[str, Any]) -> dict[str, Any]:
    """Yes where the context holds the claim's number."""
    context, _, claim = body["messages"][-1]["content"].partition("<claim ")
    number = "12 metres" if "12 metres" in claim else "900 grams" if "900 grams" in claim else "never"
    return word("yes", yes=0.8, no=0.1, neither=0.1) if number in context else word("neither", neither=0.9, yes=0.1)


def test_a_sentence_has_its_best_chunk_and_an_answer_the_mean_of_its_sentences(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, asked = held(settings, start, by_words, "It lifts 12 metres. A loaf weighs 900 grams. It is blue.")

    [score] = found["scores"]
    assert score["value"] == pytest.approx((0.8 + 0.8 + 0.1) / 3)
    assert score["reason"] == "least: yes 0.10, no 0.00, neither 0.90: It is blue."
    assert score["completion_id"]
    assert len(asked) == 3 * 3


def test_only_the_chunks_that_are_most_like_a_sentence_are_asked(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, asked = held(settings, start, by_words, "A loaf weighs 900 grams.", "recipes.alignscore.chunks=1")

    assert found["scores"][0]["value"] == pytest.approx(0.8)
    assert ["900 grams. Nothing" in one for one in asked] == [True]


def test_without_a_page_the_reference_is_the_context(settings: Callable[..., Settings], start: Start) -> None:
    found, [asked] = held(settings, start, by_words, "It lifts 12 metres.", page="", reference="12 metres at most.")

    assert found["scores"][0]["value"] == pytest.approx(0.8)
    assert "12 metres at most." in asked


@pytest.mark.parametrize(
    ("answer", "page", "reason"), [("It lifts 12 metres.", "", "no_reference"), ("*** 🐝", PAGE, "empty_text")]
)
def test_without_a_context_or_a_claim_nothing_is_asked(
    settings: Callable[..., Settings], start: Start, answer: str, page: str, reason: str
) -> None:
    found, asked = held(settings, start, by_words, answer, page=page)

    assert ([row["value"] for row in found["scores"]], asked) == ([None], [])
    assert [row["reason"] for row in found["rejections"]] == [reason]


@pytest.mark.parametrize(
    ("said", "reason"), [("yes", "no_logprobs"), (word("Perhaps", Perhaps=0.9, yes=0.1), "no_choice")]
)
def test_one_sentence_without_a_probability_leaves_the_answer_without_a_mark(
    settings: Callable[..., Settings], start: Start, said: Any, reason: str
) -> None:
    def say(heading: str, body: dict[str, Any]) -> Any:
        is_second = "It is blue" in body["messages"][-1]["content"]
        return (dict(said) if isinstance(said, dict) else said) if is_second else by_words(heading, body)

    found, _ = held(settings, start, say, "It lifts 12 metres. It is blue.")

    assert [row["value"] for row in found["scores"]] == [None]
    assert [row["reason"] for row in found["rejections"]] == [reason]


def test_sentences_beyond_the_most_are_refused(settings: Callable[..., Settings], start: Start) -> None:
    answer = "It lifts 12 metres. It is blue. It is red."

    found, _ = held(settings, start, by_words, answer, "recipes.alignscore.sentences=1")

    assert found["scores"][0]["value"] == pytest.approx(0.8)
    assert [(row["reason"], row["detail"][:16]) for row in found["rejections"]] == [("too_long", "sentences 2 to 3")]

    whole, _ = held(settings, start, by_words, answer, "recipes.alignscore.sentences=3")
    assert whole["rejections"] == []
