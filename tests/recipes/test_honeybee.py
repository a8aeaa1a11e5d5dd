"""HoneyBee: items are kept by the marks of a verifier, and more are written where a student's marks are below 100."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import answered_seeds
from tests.instruction_store import SUBJECTS
from tests.program_cases import Start, draw, fenced, reasons
from tests.program_runs import Made, answering, of_program, run_program
from tests.scripted_model import ScriptedModel
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import honeybee

pytestmark = pytest.mark.usefixtures("unaudited")

HIGH, MEAN, LEAST = [100, 98, 96, 97], [94, 95, 95, 95], [100, 100, 100, 89]
MARKS = {  # of the first items of each page, by their answers
    "pumps": HIGH,
    "bread": MEAN,
    "tides": LEAST,
    "bees": [95, 95, 95, 95],
    "roofs": [100, 100, 100, 100],
}
STUDENT = {"pumps": [100, 60, 100, 99], "bees": [100, 100, 100, 100], "roofs": [80, 100, 100, 100]}
ASKS = {
    "accuracy": "Name the three figures that matter most for {0}, and say where each of them comes from.",
    "relevance": "My uncle asked about {0} in winter. Which two facts does he need, and which not?",
    "reasonableness": "Somebody claims that {0} are never needed. Argue step by step that this is wrong.",
}


def subject_of(body: dict[str, Any]) -> str:
    said = "\n".join(message["content"] for message in body["messages"])
    return next((name for name, text in SUBJECTS.items() if text in said), "")


def say(heading: str, body: dict[str, Any]) -> str:
    subject = subject_of(body)
    if heading == "write":
        text = f"Explain to a newcomer how one looks after {subject}, and give a reason for each step."
        return json.dumps({"instruction": text, "answer": f"First look at {subject}, \u00fcber all."})
    if heading == "aim":
        said = "\n".join(message["content"] for message in body["messages"])
        criterion = next(name for name in honeybee.CRITERIA if f"In the {name} of" in said)
        return json.dumps({"instruction": ASKS[criterion].format(subject), "answer": f"Aimed {draw(body)}."})
    if heading == "verify":
        [answer] = fenced(body, "answer")
        marks = STUDENT[subject] if answer == "I guess." else MARKS.get(subject, HIGH)
        return json.dumps({"remarks": f"of {subject}", **dict(zip(honeybee.CRITERIA, marks, strict=True))})
    return "I guess."


def run(start: Start, settings: Callable[..., Settings], *knobs: str) -> tuple[Made, ScriptedModel]:
    with answering("honeybee", say) as model:
        roles = {role: model.role(role) for role in honeybee.ROLES}
        chosen = settings(*of_program("honeybee", *(f"recipes.honeybee.{one}" for one in knobs)), models=roles)
        return run_program("honeybee", start, chosen), model


def test_items_are_kept_by_their_marks_and_aimed_at_what_a_student_does_badly(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made, model = run(start, settings, "items=1", "rounds=1")

    found: dict[str, list[str]] = {}
    for row in made["instructions"]:
        subject = next(name for name in SUBJECTS if name in row["text"])
        found.setdefault(subject, []).append(row["text"].split()[0])
    assert {name: sorted(words) for name, words in found.items() if name != "trains"} == {
        "pumps": ["Explain", "My", "Somebody"],
        "bees": ["Explain"],
        "roofs": ["Explain", "Name"],
    }
    aimed = [body for body in model.asked if fenced(body, "remark")]
    assert {subject_of(body): fenced(body, "remark") for body in aimed if subject_of(body) != "trains"} == {
        "pumps": ["of pumps"],
        "roofs": ["of roofs"],
    }
    assert any("the student has 60 of 100" in body["messages"][-1]["content"] for body in aimed)
    assert reasons(made).count("not_verified") == 2
    values = sorted(row["value"] for row in made["scores"] if row["criterion"] == "relevance")
    assert values[0] == pytest.approx(9.5)
    means = [json.loads(row["data"])["means"] for row in made["notes"]]
    assert dict(zip(honeybee.CRITERIA, STUDENT["pumps"], strict=True)) in means


@pytest.fixture(autouse=True)
def _of_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STUDENT, "trains", [100, 100, 100, 100])


def test_what_comes_again_is_no_new_item(start: Start, settings: Callable[..., Settings]) -> None:
    made, model = run(start, settings, "items=2", "rounds=3", "targeted=2")

    texts = [row["text"] for row in made["instructions"]]
    assert len(texts) == len({*texts})
    assert "duplicate" in reasons(made)
    rounds = [fenced(body, "instruction") for body in model.asked if fenced(body, "remark")]
    assert {len(there) for there in rounds if there} == {1, 2, 3}


def test_there_are_twenty_types_of_task() -> None:
    assert len({one["task"] for one in answered_seeds.own(honeybee)}) == 20


@pytest.mark.parametrize(
    ("knobs", "calls"),
    [({}, 30), ({"rounds": 0}, 4), ({"items": 1, "rounds": 1, "targeted": 5}, 2 + 2 + 40), ({"evaluated": 1}, 24)],
)
def test_the_most_calls_of_a_page(knobs: dict[str, int], calls: int) -> None:
    assert honeybee.most_calls(honeybee.Knobs(**knobs)) == calls


def test_with_the_stand_in_pages_give_items_that_are_verified(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program("honeybee", start, settings(*of_program("honeybee")))

    assert made["instructions"]
    assert made["responses"]
    assert {row["criterion"] for row in made["scores"]} == {*honeybee.CRITERIA}
    assert "low_quality" in reasons(made) or "not_verified" in reasons(made)
    assert made.calls <= made.settled * honeybee.most_calls(honeybee.Knobs())
