"""TIGERScore: which errors count, which answer is the best by them, and what is mended or spoiled."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.program_cases import Cases, Start, draw, fenced, pairs, reasons, uses
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import tigerscore
from wellspring.tasks.recipes.tigerscore import Error, fault

pytestmark = pytest.mark.usefixtures("unaudited")

ANSWERS = {  # by case: what is answered; a number at the end is the penalty of the only error, 0 of none
    "mended": ["a 4", "b 3", "c 5"],
    "worse": ["a 1", "b 2", "c 1.5"],
    "same": ["a 2", "b 2", "b  2"],
    "whole": ["a 0", "b 4", "c 5"],
    "odd": ["a -1", "b nowhere", "c 9"],
    "unspoiled": ["a 0", "b 0", "\u00e9 0"],
}
REPAIRS = {"mended": "d 0.5", "worse": "d 1", "same": "a 2"}


def say(case: str, heading: str, body: dict[str, Any]) -> str:
    if heading == "errors":
        [answer] = fenced(body, "answer")
        penalty = answer.split()[-1]
        error = {"place": penalty, "kind": "fact", "reason": "why", "severity": "major"}
        error |= {"place": "some" + penalty, "penalty": 1} if penalty == "nowhere" else {"penalty": float(penalty)}
        return json.dumps({"errors": [] if penalty == "0" else [error]}) if penalty != "-1" else "I see none."
    if heading == "spoil":
        [answer] = fenced(body, "answer")
        places = {"mended": ["x", "y"], "whole": ["0"], "worse": ["z"]}.get(case, ["x"])
        return json.dumps({"text": f"{answer} x y", "places": places})
    if answer := fenced(body, "answer"):
        assert fenced(body, "error")[0].startswith(f"At: {answer[0].split()[-1]}\nmajor, fact: why")
        return f"{case} {REPAIRS[case]}"
    return f"{case} {ANSWERS[case][draw(body)]}"


def test_the_answer_of_the_least_penalty_is_mended_and_stands_above_others(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = Cases(list(ANSWERS), say).run(tigerscore, start, settings)

    assert pairs(made) == {
        ("mended d 0.5", "mended b 3"): 2.5,
        ("mended d 0.5", "mended d 0.5 x y"): 1.0,
        ("worse a 1", "worse b 2"): 1.0,
        ("same a 2", "same a 2 x y"): 0.5,
        ("whole a 0", "whole c 5"): 5.0,
        ("unspoiled a 0", "unspoiled a 0 x y"): 0.5,
    }
    assert reasons(made) == sorted(
        [
            *("not_better", "place_not_found"),  # the repair of `worse`, and its copy
            *("duplicate", "same_text", "margin_too_small"),  # of `same` an answer and the repair
            *("mark_out_of_range", "no_error_found", "place_not_found", "unparsable_answer"),  # before an end
            *("place_not_found", "too_few_draws", "margin_too_small"),  # the error of `whole` stood there before
        ]
    )
    values = {row["subject_id"]: row["value"] for row in made["scores"]}
    texts = {row["response_id"]: row["text"] for row in made["responses"] if row["response_id"] in values}
    assert {text: values[id_] for id_, text in texts.items()} == {
        "mended d 0.5": 9.5, "mended b 3": 7, "worse a 1": 9, "worse b 2": 8, "same a 2": 8, "whole a 0": 10,
        "whole c 5": 5, "unspoiled a 0": 10,
    }  # fmt: skip
    assert {row["kind"] for row in made["preferences"]} == {"refined", "negative", "verified"}
    assert uses(made)["mended d 0.5"] == "answer"
    errors = [json.loads(row["data"]) for row in made["notes"] if row["kind"] == "errors"]
    assert {len(one["errors"]) for one in errors} == {0, 1}


def error(place: str, severity: str, penalty: float) -> Error:
    return Error.model_validate(
        {"place": place, "kind": "logic", "reason": "why", "severity": severity, "penalty": penalty}
    )


@pytest.mark.parametrize(
    ("looked_at", "found"),
    [
        (error("tea", "major", 2), None),
        (error("Tea", "major", 2), "place_not_found"),
        (error("tea", "minor", 2), None),
        (error("tea", "minor", 2.5), "severity_mismatch"),
        (error("\u00fcber", "minor", 0.5), None),
    ],
)
def test_an_error_has_its_place_in_the_answer_and_a_minor_one_costs_no_more(looked_at: Error, found: str) -> None:
    others = [looked_at, error("tea", "major", 2), error("tea", "major", 4)]

    assert fault(looked_at, others, "Drink tea \u00fcber") == found
    assert fault(error("tea", "minor", 5), [error("tea", "minor", 5)], "tea") is None


def test_no_copy_is_spoiled_and_nothing_mended_where_that_is_not_wanted(
    start: Start, settings: Callable[..., Settings]
) -> None:
    cases = Cases(list(ANSWERS), say)

    made = cases.run(tigerscore, start, settings, "spoiled=0", "repairs=0", "answers=2")

    assert {heading for _, heading in cases.asked} == {"", "errors"}
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert tigerscore.most_calls(tigerscore.Knobs(spoiled=0, repairs=0, answers=2)) == 4


def test_with_the_stand_in_answers_are_marked_by_their_errors(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program("tigerscore", start, settings(*of_program("tigerscore")))

    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert made["preferences"]
    assert {row["kind"] for row in made["notes"]} == {"errors", "spoiled"}
    assert {"severity_mismatch", "place_not_found", "not_better"} & {*reasons(made)}
    assert made.calls <= made.settled * tigerscore.most_calls(tigerscore.Knobs())
