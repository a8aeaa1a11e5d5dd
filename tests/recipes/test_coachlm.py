"""CoachLM: of several revisions the largest edit that has more points is kept, beside the pair it was made of."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import answered_seeds
from tests.answered_seeds import Start, of_subjects, reasons_of
from tests.program_cases import draw, fenced, pairs, reasons, uses
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import coachlm

pytestmark = pytest.mark.usefixtures("unaudited")

GOOD = "A good old answer of ten words that needs no hand."
POINTS = {"low": 3, "fair": 6, "high": 9, "best": 10}  # the word an answer ends with: its marks
GIVEN = {
    "pumps": "A pump of old, low",
    "bread": f"{GOOD} best",
    "tides": "The tide comes twice a day, says the book, fair",
    "bees": "Bienen \U0001f41d brauchen Honig, low",
    "roofs": "Slate lasts a century if its nails are of copper and not of iron, fair",
}
REVISED = {  # of each seed: instruction (empty for a copy), answer; by draws, first of what it was, then of what came
    "pumps": [
        ("", "A small pump, high"),
        ("", "Quite other words about lifting water from the well, fair"),
        ("", "Low"),
    ],
    "tides": [("", "Twice, low"), ("", "The moon pulls the water, fair"), ("", "The moon pulls the water,  fair")],
    "bees": [("I keep bees. What should I know about bees?", "Honig, \u00fcber den Winter, best"), ("", ""), ("", "")],
    "roofs": [("", "Slate lasts a century if its nails are of copper and not of wood, best")] * 3,
    "trains": [("", "They go at night, best"), ("", "They  go at night, best"), ("", "Trains run, high")],
}


def say(subject: str, heading: str, body: dict[str, Any]) -> str | None:
    [instruction], response = fenced(body, "instruction") or [""], fenced(body, "response")
    if heading == "mark":
        points = POINTS[response[0].split()[-1].casefold()]
        names = [name for name in coachlm.Marks.model_fields if name != "faults"]
        return json.dumps({"faults": f"faults of {response[0]}"} | dict.fromkeys(names, points) | {"safe": 10})
    if heading == "revise":
        assert fenced(body, "faults") == [f"faults of {response[0]}"]
        changed, answer = REVISED[subject][draw(body)]
        return json.dumps({"instruction": changed or instruction, "response": answer})
    return "Trains run, low"


def test_the_largest_edit_that_is_better_is_kept_and_a_good_pair_stays(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_seeds.give(monkeypatch, GIVEN)

    made = answered_seeds.run(coachlm, say, start, settings, "rounds=1", "min_edit=0.15")

    assert uses(made) == {
        REVISED["pumps"][1][1]: "answer",
        GIVEN["pumps"]: "rejected",
        GIVEN["bread"]: "answer",
        REVISED["bees"][0][1]: "answer",
        REVISED["trains"][0][1]: "answer",
        "Trains run, low": "rejected",
    }
    assert pairs(made) == {
        (REVISED["pumps"][1][1], GIVEN["pumps"]): pytest.approx(0.3),
        (REVISED["trains"][0][1], "Trains run, low"): pytest.approx(0.7),
    }
    assert {row["kind"] for row in made["preferences"]} == {"refined"}
    assert reasons_of(made) == {
        "pumps": ["not_better", "smaller_edit"],
        "bread": ["nothing_to_mend"],
        "tides": ["not_better", "duplicate", "not_better", "not_better"],
        "bees": ["incomplete_answer", "incomplete_answer", "instruction_revised"],
        "roofs": ["not_better", "duplicate", "duplicate", "edit_too_small"],
        "trains": ["duplicate", "edit_too_small"],
    }
    assert sorted(of_subjects(made).values()) == ["bees", "bread", "pumps", "trains"]
    models = {row["text"]: row["model"] for row in made["responses"]}
    assert models[GIVEN["pumps"]] == models[GIVEN["bread"]] == "given"
    notes = [json.loads(row["data"]) for row in made["notes"]]
    assert all(coachlm.edited(note["response"], note["revised"]["response"]) >= note["edit"] > 0 for note in notes)


def test_a_revision_that_is_not_good_is_revised_again(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GIVEN, "tides", "Tides come and go, low")
    answered_seeds.give(monkeypatch, {"tides": GIVEN["tides"]})
    asked = list[str]()

    def again(subject: str, heading: str, body: dict[str, Any]) -> str | None:
        if heading != "revise":
            return say(subject, heading, body)
        asked.extend(fenced(body, "response"))
        is_first = fenced(body, "response")[0].endswith("low")
        text = "The moon pulls the water, fair" if is_first else "The moon pulls the water up, best"
        return json.dumps({"instruction": fenced(body, "instruction")[0], "response": text})

    made = answered_seeds.run(coachlm, again, start, settings, "rounds=3", "revisions=1")

    assert asked.count("The moon pulls the water, fair") == 6  # and never after the best
    assert not any(text.endswith("best") for text in asked)
    assert ("The moon pulls the water up, best", GIVEN["tides"]) in pairs(made)


@pytest.mark.parametrize(
    ("marks", "points"),
    [
        ({}, 100),
        ({"in_context": 0}, 90),
        ({"readable": 0, "feasible": 0}, 60),
        ({"rich": 0, "human": 0}, 90),
        ({"correct": 0, "relevant": 0, "comprehensive": 0}, 60),
        ({"safe": 5}, 100),
        ({"safe": 4}, 50),
    ],
)
def test_an_unsafe_answer_has_nothing_and_basic_criteria_have_eighty_of_a_hundred(
    marks: dict[str, int], points: float
) -> None:
    names = [name for name in coachlm.Marks.model_fields if name != "faults"]

    given = coachlm.Marks.model_validate({"faults": ""} | dict.fromkeys(names, 10) | marks)

    assert given.points == pytest.approx(points)


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        ("a b c d", "a b c d", 0),
        ("a b c d", "a x c d", 0.25),
        ("a b", "a b c d", 0.5),
        ("", "", 0),
        ("", "\u00e4 b", 1),
    ],
)
def test_an_edit_is_counted_in_words(before: str, after: str, share: float) -> None:
    assert coachlm.edited(before, after) == pytest.approx(share)


def test_with_the_stand_in_seeds_are_revised_and_answered(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program("coachlm", start, settings(*of_program("coachlm")))

    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert made["preferences"]
    assert {"edit_too_small", "not_better"} & {*reasons(made)}
    assert made.calls <= made.settled * coachlm.most_calls(coachlm.Knobs())
