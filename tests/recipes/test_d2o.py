"""D2O: answers with a fault that shows are pairs without a better side, and what the model says itself are draws."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.program_cases import Cases, Start, draw, fenced, pairs, reasons, uses
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import d2o

pytestmark = pytest.mark.usefixtures("unaudited")


def test_with_the_stand_in_negatives_stand_alone_and_own_answers_are_draws(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program("d2o", start, settings(*of_program("d2o")))

    use = {row["response_id"]: row["use"] for row in made["responses"]}
    assert {*use.values()} == {"draw", "rejected"}
    assert {row["chosen_id"] for row in made["preferences"]} == {""}
    assert {use[row["rejected_id"]] for row in made["preferences"]} == {"rejected"}
    assert len(made["preferences"]) == len(made["verdicts"]) == list(use.values()).count("rejected") > 0
    assert {row["kind"] for row in made["preferences"]} == {"negative"}
    assert "not_worse" in {reason for _, reason in made.refused}
    assert made.calls <= made.settled * d2o.most_calls(d2o.Knobs())


def test_a_fault_must_show_and_an_answer_that_the_model_gives_itself_is_no_negative(
    start: Start, settings: Callable[..., Settings]
) -> None:
    def say(case: str, heading: str, body: dict[str, Any]) -> str:
        if heading == "notice":
            is_seen = case != "fine" or not fenced(body, "answer")[0].startswith("fine faulty")
            return json.dumps({"evidence": f"{case}: 见", "has_it": "yes" if is_seen else False})
        if not fenced(body, "instruction"):
            return f"{case} own {draw(body)}"
        return "same own 1" if case == "same" else f"{case} faulty"

    cases = Cases(["faulty", "fine", "same", "rest"], say)

    made = cases.run(d2o, start, settings, "negatives=1")

    assert uses(made) == {
        **{f"{case} own {number}": "draw" for case in ("faulty", "fine", "same", "rest") for number in (0, 1)},
        **{f"{case} faulty": "rejected" for case in ("faulty", "rest")},
    }
    assert pairs(made).keys() == {("", "faulty faulty"), ("", "rest faulty")}
    assert reasons(made) == ["duplicate", "not_worse"]
    listed = Path(d2o.__file__).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    known = {json.loads(line)["name"] for line in listed}
    assert {(row["passed"], row["check_name"] in known) for row in made["verdicts"]} == {(False, True)}
    assert {row["detail"] for row in made["verdicts"]} == {"faulty: 见", "rest: 见"}


def test_an_input_has_different_faults_of_the_list_and_not_more_than_there_are() -> None:
    own = [{"name": str(number)} for number in range(5)]

    assert [one["name"] for one in d2o.faults(own, "00000003ff", 3)] == ["3", "4", "0"]
    assert [one["name"] for one in d2o.faults(own, "0000000cff", 8)] == ["2", "3", "4", "0", "1"]


def test_without_own_answers_only_negatives_are_made(start: Start, settings: Callable[..., Settings]) -> None:
    cases = Cases(["any"], lambda *_: None)

    made = cases.run(d2o, start, settings, "own=0")

    assert {*uses(made).values()} == {"rejected"}
    assert cases.asked["any", "notice"] == 6 * 3
