"""Edit operations: which edits fit, what they make of an answer, and which edited answers are kept."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.program_cases import Cases, Start, fenced, pairs, reasons, uses
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import edit_operations
from wellspring.tasks.recipes.edit_operations import Edit, Edits, Span, counted, placed

pytestmark = pytest.mark.usefixtures("unaudited")

EDITS = {  # by case: the edits of each text that it has
    "twice": {
        "Boil it at 90 degrees. twice": [("90 degrees", "100 degrees"), ("twice", "twice, \u00fcber 3 minutes")],
        "Boil it at 100 degrees. twice, \u00fcber 3 minutes": [("Boil it", "Boil it well")],
    },
    "once": {
        "Boil it at 90 degrees. once": [("it", "tea"), ("Boil it", "Boil tea"), ("oil it at 90", ""), ("nowhere", "x")],
        "Boil tea at 90 degrees. once": [("tea at", "tea at")],
    },
    "worse": {"Boil it at 90 degrees. worse": [("Boil it", "Fry it")]},
    "nothing": {"Boil it at 90 degrees. nothing": []},
    "empty": {"Boil it at 90 degrees. empty": [("Boil it at 90 degrees. empty", None)]},
    "misplaced": {"Boil it at 90 degrees. misplaced": [("Roast", "Fry"), ("e", "a")]},
}


def mark(text: str) -> int:
    return next(mark for word, mark in (("Fry", 4), ("well", 7), ("90", 5), ("", 6)) if word in text) + ("tea" in text)


def say(case: str, heading: str, body: dict[str, Any]) -> str:
    if heading == "edit":
        [answer] = fenced(body, "answer")
        edits = [{"what": what, "by": by} for what, by in EDITS[case].get(answer, [])]
        return json.dumps({"faults": f"of {case}", "edits": edits})
    if heading == "compare":
        marks = {name: mark(fenced(body, name)[0]) for name in ("first", "second")}
        return json.dumps({"reason": "", **marks, "first": marks["first"] + 2})  # who stands first is liked better
    return f"Boil it at 90 degrees. {case}"


def test_an_answer_is_edited_where_edits_fit_as_long_as_that_makes_it_better(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = Cases(list(EDITS), say).run(edit_operations, start, settings, "rounds=3")

    last = "Boil it well at 100 degrees. twice, \u00fcber 3 minutes"
    assert pairs(made).keys() == {
        (last, "Boil it at 90 degrees. twice"),
        ("Boil tea at 90 degrees. once", "Boil it at 90 degrees. once"),
    }
    assert {one for one, use in uses(made).items() if use == "answer"} == {
        last, "Boil tea at 90 degrees. once", "Boil it at 90 degrees. nothing",
    }  # fmt: skip
    assert reasons(made) == sorted([
        *("edits_overlap", "place_not_found", "same_text", "no_edit_fits"),  # of `once`, in two rounds
        *("not_better", "nothing_to_mend", "empty_answer", "no_edit_fits"),
        *("place_not_clear", "place_not_found"),
    ])  # fmt: skip
    assert {row["model"] for row in made["responses"] if row["text"] == last} == {"generator"}
    notes = [json.loads(row["data"]) for row in made["notes"]]
    assert {"source": "Boil it at 90 degrees. once", "edits": [[1, 2, "tea"]]} in notes


@pytest.mark.parametrize(
    ("what", "by", "found"),
    [
        ("tea", "milk", Span(5, 8, "milk")),
        ("\u00fc", None, Span(9, 10, "")),
        ("e", "a", "place_not_clear"),
        ("aa", "a", "place_not_clear"),
        ("coffee", "tea", "place_not_found"),
        ("inktea", "x", "edits_overlap"),
        ("Drink", "Drink", "same_text"),
    ],
)
def test_an_edit_fits_where_its_words_stand_once_and_no_edit_was(what: str, by: str | None, found: Span | str) -> None:
    taken = [Span(0, 5, "Take")] if found == "edits_overlap" else []

    assert placed("Drinktea \u00fc re aaa", Edit(what=what, by=by), taken) == (
        found if isinstance(found, str) else Span(*found)
    )


def test_edits_are_counted_in_whole_words_and_applied_from_the_end() -> None:
    text, edits = "The  cat sat on mats.", Edits(faults="", edits=[])
    spans = [Span(16, 20, "a mat"), Span(5, 8, "\u00e4ffchen"), Span(0, 5, "")]

    edits.apply(text, spans)

    assert edits.text == "\u00e4ffchen sat on a mat."
    assert counted(text, spans) == [[0, 1, ""], [1, 2, "\u00e4ffchen"], [4, 5, "a mat."]]


def test_with_the_stand_in_answers_are_edited(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program("edit_operations", start, settings(*of_program("edit_operations")))

    answers, rejected = ([row for row in made["responses"] if row["use"] == use] for use in ("answer", "rejected"))
    assert made.settled == len(answers) + reasons(made).count("not_better")
    assert len(answers) == len(rejected) + reasons(made).count("nothing_to_mend") > 0
    assert [row["kind"] for row in made["preferences"]] == ["refined"] * len(rejected)
    assert made.calls <= made.settled * edit_operations.most_calls(edit_operations.Knobs())
