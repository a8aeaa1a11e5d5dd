"""FairEval: several judgements in both orders, balanced marks, and people where they waver."""

import json
import math
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import faireval
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "faireval"

pytestmark = pytest.mark.usefixtures("unaudited")


def scripted(good_first: Sequence[Any], good_second: Sequence[Any]) -> Callable[[str, dict[str, Any]], str]:
    """Marks (of the good answer, of the other one) for each draw in the one order and in the other."""
    left = {True: list(good_first), False: list(good_second)}

    def say(_: str, body: dict[str, Any]) -> str:
        content = body["messages"][1]["content"]
        is_first = bool(re.search(r"<first \w+>\nGood", content))
        marks = left[is_first].pop(0)
        if marks is None:
            return "no"
        first, second = marks if is_first else marks[::-1]
        return json.dumps({"evidence": "x", "first": first, "second": second})

    return say


def test_marks_are_means_of_six_judgements_over_both_orders(settings: Callable[..., Settings], start: Start) -> None:
    say = scripted([(8, 6), (7, 6), (8, 6)], [(8, 7), (8, 6), (7, 6)])
    found, instruction, asked = judge_runs.play(NAME, settings, start, say, ["Good one.", "Other one."])

    assert len(asked) == 6
    assert {body["temperature"] for body in asked} == {1.0}
    assert judge_runs.totals(found, instruction, 2) == pytest.approx([46 / 6, 37 / 6])
    [pair] = found["preferences"]
    assert pair["chosen_id"] == judge_runs.id_of(instruction, 0)
    assert pair["margin"] == pytest.approx(9 / 6)


def test_a_judge_that_follows_the_order_is_balanced_out_and_people_are_asked(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, _, _ = judge_runs.play(
        NAME, settings, start, scripted([(9, 5)] * 3, [(5, 9), (5, 9), (5, 8)]), ["Good one.", "Other one."]
    )

    assert sorted(row["value"] for row in found["scores"]) == pytest.approx([41 / 6, 7])
    assert found["preferences"] == []
    [note] = judge_runs.notes(found, "for_people")
    assert note["entropy"] == pytest.approx(math.log(2))
    assert [row["reason"] for row in found["rejections"]] == ["undecided"]


def test_the_bound_of_entropy_is_a_knob(settings: Callable[..., Settings], start: Start) -> None:
    wavering = scripted([(9, 5)] * 3, [(5, 9), (5, 9), (5, 8)])
    found, instruction, _ = judge_runs.play(
        NAME, settings, start, wavering, ["Good one.", "Other one."], "recipes.faireval.entropy=0.7"
    )

    [pair] = found["preferences"]
    assert (pair["chosen_id"], pair["margin"]) == (judge_runs.id_of(instruction, 0), pytest.approx(1 / 6))
    assert [row for row in found["notes"] if row["kind"] == "for_people"] == []


def test_equal_marks_make_no_pair(settings: Callable[..., Settings], start: Start) -> None:
    found, _, _ = judge_runs.play(
        NAME, settings, start, scripted([(6, 6)] * 3, [(6, 6)] * 3), ["Good one.", "Other one."]
    )

    assert [row["value"] for row in found["scores"]] == [6, 6]
    assert [row["reason"] for row in found["rejections"]] == ["margin_too_small"]


def test_an_order_without_a_judgement_is_no_division_by_zero(settings: Callable[..., Settings], start: Start) -> None:
    say = scripted([(8, 6)] * 3, [None] * 3 * 2)
    found, _, _ = judge_runs.play(NAME, settings, start, say, ["Good one.", "Other one."])

    assert [row["value"] for row in found["scores"]] == [None, None]
    assert {row["reason"] for row in found["rejections"]} == {"too_few_draws", "unparsable_answer"}


@pytest.mark.parametrize(
    ("results", "found"),
    [([1] * 6, 0), ([1, 1, 1, -1, -1, -1], math.log(2)), ([1, 0, -1], math.log(3)), ([1, 1, 1, 1, -1, -1], 0.6365)],
)
def test_the_entropy_says_how_much_results_waver(results: list[int], found: float) -> None:
    assert faireval.entropy(results) == pytest.approx(found, abs=1e-4)
