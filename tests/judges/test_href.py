"""HREF: by its kind an instruction is judged with the reference or without it, beside a baseline, in both orders."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, get_args

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import href
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "href"
ANSWERS = ["Cusco 2.", "Lima 3.", "Ötztal 1."]
REFERENCE = "It is Lima."

pytestmark = pytest.mark.usefixtures("unaudited")


def saying(kind: str, better: str = "") -> Callable[[str, dict[str, Any]], str]:
    def say(heading: str, body: dict[str, Any]) -> str:
        if heading == "kind":
            return json.dumps({"kind": kind})
        first, second = re.findall(r"\w+ (\d)\.", body["messages"][1]["content"])
        return json.dumps({"evidence": "x", "better": better or ("first" if first > second else "second")})

    return say


@pytest.mark.parametrize(
    ("kind", "heading", "is_shown"),
    [("open_question", "nearness", True), ("summarize", "with_reference", True), ("generate", "alone", False)],
)
def test_each_answer_is_held_against_the_baseline_as_its_kind_wants_it(
    settings: Callable[..., Settings], start: Start, kind: str, heading: str, *, is_shown: bool
) -> None:
    found, instruction, asked = judge_runs.play(NAME, settings, start, saying(kind), ANSWERS, reference=REFERENCE)

    compared = [body for body in asked if not body["response_format"]["json_schema"]["name"].endswith("-kind")]
    assert len(compared) == len(asked) - 1 == 4
    assert {body["response_format"]["json_schema"]["name"] for body in compared} == {f"href-{heading}"}
    assert {REFERENCE in str(body) for body in compared} == {is_shown}
    assert all("Cusco" in str(body) for body in compared)
    assert judge_runs.totals(found, instruction, 3) == [0.5, 1, 0]
    pairs = {(row["chosen_id"], row["rejected_id"]) for row in found["preferences"]}
    first, second, third = (judge_runs.id_of(instruction, n) for n in range(3))
    assert pairs == {(second, first), (first, third)}
    assert judge_runs.notes(found, "kind") == [{"kind": kind, "way": heading}]


def test_a_judge_that_follows_the_order_gives_half_a_point_and_no_pair(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, instruction, _ = judge_runs.play(
        NAME, settings, start, saying("classify", "second"), ANSWERS[:2], reference=REFERENCE
    )

    assert judge_runs.totals(found, instruction, 2) == [0.5, 0.5]
    assert found["preferences"] == []


def test_without_a_reference_nobody_is_asked_and_the_totals_are_null(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, instruction, asked = judge_runs.play(NAME, settings, start, saying("classify"), ANSWERS)

    assert asked == []
    assert judge_runs.totals(found, instruction, 3) == [None] * 3
    assert [row["reason"] for row in found["rejections"]] == ["no_reference"]


def test_an_answer_whose_verdict_cannot_be_read_is_left_out(settings: Callable[..., Settings], start: Start) -> None:
    def say(heading: str, body: dict[str, Any]) -> str:
        return "no" if "Ötztal" in str(body["messages"]) else saying("classify")(heading, body)

    found, instruction, _ = judge_runs.play(NAME, settings, start, say, ANSWERS, reference=REFERENCE)

    assert len(found["scores"]) == 2
    assert judge_runs.id_of(instruction, 2) not in {row["subject_id"] for row in found["scores"]}
    assert {row["reason"] for row in found["rejections"]} == {"unparsable_answer"}


def test_where_no_verdict_can_be_read_the_totals_are_null(settings: Callable[..., Settings], start: Start) -> None:
    def say(heading: str, body: dict[str, Any]) -> str:
        return saying("classify")(heading, body) if heading == "kind" else "no"

    found, _, _ = judge_runs.play(NAME, settings, start, say, ANSWERS[:2], reference=REFERENCE)

    assert [row["value"] for row in found["scores"]] == [None, None]
    assert {row["reason"] for row in found["rejections"]} == {"not_compared", "unparsable_answer"}


def test_the_baseline_stays_whatever_the_lots_say_and_the_knob_bounds_the_others(
    settings: Callable[..., Settings], start: Start
) -> None:
    texts = [f"Base {n}." for n in range(5, 0, -1)]
    found, instruction, asked = judge_runs.play(
        NAME, settings, start, saying("rewrite"), texts, "recipes.href.answers=2", reference=REFERENCE
    )

    assert len(asked) == 3
    [pair] = found["preferences"]
    assert pair["chosen_id"] == judge_runs.id_of(instruction, 0)


def test_each_kind_has_a_way() -> None:
    assert set(href.WAYS) == set(get_args(href.Kind))
    assert href.most_calls(href.Knobs()) == 15
