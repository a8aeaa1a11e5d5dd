"""Ratings and rankings: each is kept as it is, a pair needs both, and a disagreement is counted."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Say = Callable[[str, dict[str, Any]], str]
NAME = "peering"

pytestmark = pytest.mark.usefixtures("unaudited")


def answer(rating: int, strength: int) -> str:
    return f"An answer: rated {rating}, strength {strength}."


def honest(heading: str, body: dict[str, Any]) -> str:
    """Rate and rank as the answers say of themselves."""
    text = next(message["content"] for message in body["messages"] if message["role"] == "user")
    if heading == "rate":
        return json.dumps({"reason": "x", "rating": int(re.findall(r"rated (\d+)", text)[0])})
    first, second = map(int, re.findall(r"strength (\d+)", text))
    better = "equal" if first == second else "first" if first > second else "second"
    return json.dumps({"reason": "x", "better": better})


def play(settings: Any, start: Start, say: Say, texts: list[str], *more: str) -> tuple[Any, list[str], list[str]]:
    found, [instruction], asked = judge_runs.play_all(NAME, settings, start, say, [texts], *more)
    return found, [judge_runs.id_of(instruction, place) for place in range(len(texts))], asked


def feedback(found: Any) -> dict[str, int]:
    [said] = [json.loads(row["data"]) for row in found["notes"] if row["kind"] == "feedback"]
    return said


def test_where_both_agree_there_is_a_pair_and_both_are_kept_apart(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, ids, asked = play(settings, start, honest, [answer(3, 1), answer(6, 9), answer(5, 4)])

    pairs = {(row["chosen_id"], row["rejected_id"], row["margin"]) for row in found["preferences"]}
    assert pairs == {(ids[1], ids[0], 3), (ids[1], ids[2], 1), (ids[2], ids[0], 2)}
    marks = {(row["subject_id"], row["criterion"]): row["value"] for row in found["scores"]}
    assert [marks[one, "rating"] for one in ids] == [3, 6, 5] == [marks[one, "total"] for one in ids]
    assert [marks[one, "ranking"] for one in ids] == [0, 1, 0.5]
    assert feedback(found) == {"compared": 3, "agreed": 3}
    assert len(asked) == 3 + 3 * 2


@pytest.mark.parametrize(
    "texts", [(answer(6, 1), answer(4, 9)), (answer(6, 9), answer(6, 1)), (answer(6, 3), answer(4, 3))]
)
def test_where_they_differ_there_is_no_pair_and_it_is_counted(
    settings: Callable[..., Settings], start: Start, texts: tuple[str, ...]
) -> None:
    found, _, _ = play(settings, start, honest, [*texts])

    assert found["preferences"] == []
    assert [row["reason"] for row in found["rejections"]] == ["rating_and_ranking_differ"]
    assert feedback(found) == {"compared": 1, "agreed": 0}


def test_equal_in_both_is_agreement_without_a_pair(settings: Callable[..., Settings], start: Start) -> None:
    found, _, _ = play(settings, start, honest, [answer(6, 3), answer(6, 3) + " Indeed."])

    assert (found["preferences"], found["rejections"]) == ([], [])
    assert feedback(found) == {"compared": 1, "agreed": 1}


def test_who_names_the_first_in_both_orders_ranks_nothing(settings: Callable[..., Settings], start: Start) -> None:
    def first(heading: str, body: dict[str, Any]) -> str:
        return honest(heading, body) if heading == "rate" else json.dumps({"reason": "x", "better": "first"})

    found, _, _ = play(settings, start, first, [answer(6, 3), answer(4, 3)])

    assert found["preferences"] == []
    assert {row["value"] for row in found["scores"] if row["criterion"] == "ranking"} == {0}
    assert [row["reason"] for row in found["rejections"]] == ["rating_and_ranking_differ"]


def test_a_rating_out_of_range_takes_its_answer_out(settings: Callable[..., Settings], start: Start) -> None:
    found, ids, _ = play(settings, start, honest, [answer(6, 3), answer(8, 9), answer(4, 1)])

    assert {row["subject_id"] for row in found["scores"]} == {ids[0], ids[2]}
    assert len(found["preferences"]) == 1
    assert [row["reason"] for row in found["rejections"]] == ["mark_out_of_range"]


@pytest.mark.parametrize(("texts", "calls"), [([answer(6, 3)] * 2, 1), ([answer(6, 3), answer(8, 9)], 3)])
def test_two_different_answers_must_be_rated(
    settings: Callable[..., Settings], start: Start, texts: list[str], calls: int
) -> None:
    found, _, asked = play(settings, start, honest, texts)

    assert [row["value"] for row in found["scores"]] == [None, None]
    assert "too_few_answers" in {row["reason"] for row in found["rejections"]}
    assert len(asked) == calls


def test_no_more_answers_are_compared_than_the_knob_says(settings: Callable[..., Settings], start: Start) -> None:
    texts = [answer(n, n) for n in (1, 2, 3)]

    found, _, asked = play(settings, start, honest, texts, "recipes.peering.answers=2")

    assert len({row["subject_id"] for row in found["scores"]}) == 2
    assert len(asked) == 2 + 2
