"""Minimum Tuning: one input in so many gets a request for a long text, and an answer as long as asked."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import minimum_tuning
from wellspring.tasks.recipes.minimum_tuning import Knobs, most_calls, score
from wellspring.tasks.spine.running.runs import Run

NAME = "minimum_tuning"
Start = Callable[[Settings], AbstractContextManager[Run]]
ALL = f"recipes.{NAME}.one_in=1"

pytestmark = pytest.mark.usefixtures("unaudited")


def test_with_the_stand_in_long_texts_are_kept_by_their_length(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, ALL)))

    scores = {row["subject_id"]: row["value"] for row in made["scores"]}
    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert all((scores[row["response_id"]] >= 8) == (row["use"] == "answer") for row in made["responses"])
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert {"no_length_asked", "length_missed"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * most_calls(Knobs())


def run_cases(start: Start, settings: Callable[..., Settings], cases: dict[str, Any], *more: str) -> tuple[Made, Any]:
    """Run the program on a model that answers each request that comes by the next case."""
    of, left = dict[str, str](), list(cases)

    def say(heading: str, body: dict[str, Any]) -> Any:
        text = "\n".join(message["content"] for message in body["messages"])
        if heading == "request":
            case = of.setdefault(body["messages"][1]["content"], [*left, ""][len(of)])
            asked = {"silent": "Write a long text of 10,000 words", "grouped": "Write 1,000 words"}.get(case)
            return json.dumps(
                {"kind": "", "instruction": f"{asked or 'Write 1000 words'} on this: the {case} of pumps."}
            )
        case = next((one for one in cases if f"the {one} of" in text), "")
        if not case:
            return "yes"  # to what is asked of a server that had no more room
        said = cases[case][body["seed"] % 7919]
        if isinstance(said, str):
            return {"content": said, "finish_reason": "length"} if said == "cut" else said
        return "word " * said

    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in minimum_tuning.ROLES}
        knobs = (f"recipes.{NAME}.lengths=[1000]", f"recipes.{NAME}.answers=3", *more)
        return run_program(NAME, start, settings(*of_program(NAME, *knobs), models=roles)), model.asked


def test_the_nearest_answer_is_kept_and_stands_above_the_one_that_misses_its_length_most(
    start: Start, settings: Callable[..., Settings]
) -> None:
    cases = {
        "near": [700, 950, 4000],
        "grouped": [999, 1000, 1200],
        "silent": [10000, 1000, 1000],
        "short": [600, 100, 0],
        "cut off": ["cut", 1500, "cut"],
        "broken": ["<answer 0123456789ab> " + "word " * 1000, 10, 20],
    }

    made, asked = run_cases(start, settings, cases, ALL)

    words = Counter((row["use"], len(row["text"].split())) for row in made["responses"])
    assert words == {("answer", 950): 1, ("rejected", 4000): 1, ("answer", 1000): 1, ("answer", 1500): 1}
    assert sorted(reason for _, reason in made.refused) == [
        "cut_off", "cut_off", "empty_answer", "length_missed", "no_answer", "no_length_asked", "nothing_failed",
        "nothing_failed", "repeats_prompt",
    ]  # fmt: skip
    assert [row["margin"] for row in made["preferences"]] == [pytest.approx(1 - (1000 / 950 - 1) / 2)]
    assert {body.get("max_tokens", body.get("max_completion_tokens")) for body in asked[-3:]} == {3000}


def test_of_so_many_inputs_one_is_in_the_mix(start: Start, settings: Callable[..., Settings]) -> None:
    cases = {f"case {number}": [1000] * 3 for number in range(6)}
    made, _ = run_cases(start, settings, cases, f"recipes.{NAME}.one_in=3")

    taken = {row["input_id"] for row in made["instructions"]}
    left = {input_id for input_id, reason in made.refused if reason == "not_in_mix"}
    assert len(taken) + len(left) == 6
    assert all(int(one[:8], 16) % 3 == 0 for one in taken)
    assert all(int(one[:8], 16) % 3 for one in left)


@pytest.mark.parametrize(
    ("words", "expected"), [(1000, 10), (2500, 5), (4000, 0), (9000, 0), (500, 5), (333, 0), (0, 0), (1600, 8)]
)
def test_a_length_is_scored_as_by_longwriter(words: int, expected: float) -> None:
    assert score(words, 1000) == pytest.approx(expected, abs=0.02)


def test_the_most_calls_are_the_request_and_its_answers() -> None:
    assert most_calls(Knobs()) == 4
