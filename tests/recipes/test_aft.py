"""AFT: reasonings are right or wrong by their final answers, and right ones stand above wrong ones."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import instruction_store
from tests.program_cases import Start, draw, fenced, pairs, reasons, uses
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import aft

pytestmark = pytest.mark.usefixtures("unaudited")

KNOWN = {  # subjects of the store: the seed's answer, and the final answers that a model comes to
    "pumps": ("Six by seven.\n#### 1,042", ["1042", "1041", "The answer is 1042.0 \u20ac", "9"]),
    "bread": ("A long story that ends with the crust, and not with a figure.", ["12 g", "12", "13", "12"]),
    "tides": ("Advice on tides and boats, at great length and in general.", ["1", "2", "3", "4"]),
    "bees": ("So the answer is: (B)", ["b", "B.", "(b)", " B"]),
    "roofs": ("Schön \u00e4hnlich", ["sch\u00f6n", "anders", "1", "2"]),
    "trains": ("", ["1", "2", "3", "4"]),
}


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds of the store have answers."""

    def seed(line: int, subject: str, source_id: str, of: Callable[..., records.Seed] = instruction_store._seed) -> Any:
        return dataclasses.replace(of(line, subject, source_id), response=KNOWN[subject][0] or None)

    monkeypatch.setattr(instruction_store, "_seed", seed)


def say(heading: str, body: dict[str, Any]) -> str:
    subject = next(name for name in KNOWN if f"about {name}" in fenced(body, "question")[0])
    if heading == "final":
        return json.dumps({"answer": "12" if subject == "bread" else None})
    answer = KNOWN[subject][1][draw(body)]
    return json.dumps({"steps": f"{subject} {'same' if answer == '12' else draw(body)}", "answer": answer})


@pytest.mark.usefixtures("answered")
def test_right_reasonings_stand_above_wrong_ones_and_nothing_is_made_without_both(
    start: Start, settings: Callable[..., Settings]
) -> None:
    with answering("aft", say) as model:
        roles = {role: model.role(role) for role in aft.ROLES}
        knobs = ("recipes.aft.reasonings=4", "recipes.aft.pairs=3")
        made = run_program("aft", start, settings(*of_program("aft", *knobs), models=roles))

    def text(subject: str, number: int | str) -> str:
        at = 1 if number == "same" else number
        return f"{subject} {number}\n\nThe answer is: {KNOWN[subject][1][int(at)].strip()}"

    assert pairs(made).keys() == {
        (text("pumps", 0), text("pumps", 1)), (text("pumps", 0), text("pumps", 3)),
        (text("pumps", 2), text("pumps", 1)),
        (text("bread", 0), text("bread", 2)), (text("bread", "same"), text("bread", 2)),
    }  # fmt: skip
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    right = [*(text("pumps", at) for at in (0, 2)), text("bread", 0), text("bread", "same")]
    assert {one for one, use in uses(made).items() if use == "answer"} == {
        *right,
        *(text("bees", at) for at in range(4)),
    }
    assert reasons(made) == ["duplicate", "no_reference", "no_reference", "no_right_answer", "nothing_failed"]
    assert not [body for body in model.asked if "about trains" in str(body)]  # nothing is asked where nothing is known
    assert sorted(row["text"].split()[5] for row in made["instructions"]) == ["bees?", "bread?", "pumps?"]
    assert all(row["text"].endswith(f"\n\n{aft.WISH}") for row in made["instructions"])
    passed = {row["subject_id"]: row["passed"] for row in made["verdicts"]}
    assert all(passed[row["response_id"]] == (row["use"] == "answer") for row in made["responses"])


@pytest.mark.usefixtures("answered")
def test_with_the_stand_in_seeds_with_answers_have_right_and_wrong_reasonings(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for subject in KNOWN:
        monkeypatch.setitem(KNOWN, subject, ("It is so. #### 42", []))

    made = run_program("aft", start, settings(*of_program("aft")))

    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert made["preferences"]
    assert made.calls <= made.settled * aft.most_calls(aft.Knobs())
