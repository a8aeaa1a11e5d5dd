"""Dialogues with a goal: kept where what was told last is wanted and what is put down is that, and else refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.certified_tasks import rejected
from tests.instruction_store import SUBJECTS
from tests.program_cases import Start, fenced, reasons
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import verify
from wellspring.tasks.recipes import goal_dialogues

pytestmark = pytest.mark.usefixtures("unaudited")

PAGE = SUBJECTS["trains"]
SLOTS = [
    {"name": "time", "says": "When it leaves.", "options": ["21:40", "9 hours", "noon"]},
    {"name": "way", "says": "Which way it goes.", "options": ["over the pass", "the day track"]},
]
Turns = Callable[[dict[str, str], tuple[str, str], int], str]


def talk(wanted: dict[str, str], first: tuple[str, str], turn: int) -> str:
    slot, before = first
    other = next(name for name in wanted if name != slot)
    return (f"I want {before}, please.", f"And {wanted[other]}.", f"No, make it {wanted[slot]}. That is all.")[turn]


def put_down(wanted: dict[str, str], _: tuple[str, str], turn: int) -> str:
    return "What else?" if turn < 2 else f"Booked:\n{json.dumps(wanted)}"


def run(
    start: Start,
    settings: Callable[..., Settings],
    *knobs: str,
    slots: list[dict[str, Any]] = SLOTS,
    person: Turns = talk,
    agent: Turns = put_down,
) -> Made:
    known: dict[str, Any] = {}

    def say(_: str, body: dict[str, Any]) -> str:
        if "Make a form with" in str(body):
            mine = fenced(body, "passage") == [PAGE]
            return json.dumps({"purpose": "a journey", "slots": slots}) if mine else "none"
        if wanted := fenced(body, "wanted"):
            [first], [told] = fenced(body, "first"), fenced(body, "dialogue")
            known.update(wanted=json.loads(wanted[0]), first=tuple(first.split(": ")), turn=told.count("user: "))
            return person(known["wanted"], known["first"], known["turn"])
        assert len(body["messages"]) == 2 + 2 * known["turn"]
        assert "wanted" not in str(body)
        return agent(known["wanted"], known["first"], known["turn"])

    with answering("goal_dialogues", say) as model:
        roles = {role: model.role(role) for role in ("generator", "responder")}
        chosen = of_program("goal_dialogues", *(f"recipes.goal_dialogues.{one}" for one in knobs))
        return run_program("goal_dialogues", start, settings(*chosen, models=roles))


def test_a_dialogue_that_comes_to_its_goal_is_a_task(start: Start, settings: Callable[..., Settings]) -> None:
    made = run(start, settings)

    [note], [instruction] = [json.loads(row["data"]) for row in made["notes"]], made["instructions"]
    goal, facts = json.loads(note["reference"]), note["facts"]
    [(slot, before)] = facts["first"].items()
    assert [one.get(slot) for one in facts["states"]] == [before, before, goal[slot]]
    assert facts["states"][-1] == goal
    assert before != goal[slot]
    history = json.loads(instruction["history"])
    assert [turn["role"] for turn in history] == ["system", "user", "assistant", "user", "assistant"]
    assert PAGE in history[0]["content"]
    assert instruction["text"] == f"No, make it {goal[slot]}. That is all."
    assert verifiable.quoted(PAGE, note["cited"]) == list(goal.values())
    assert note["follows"] == "computed"
    assert note["right"][-1].startswith("Booked:")
    assert all(verify.verify(note["verifier"], one) is True for one in [note["reference"], *note["right"]])
    found = rejected(note)
    assert found["stale"] == [1, 1]
    assert all(some == of for some, of in found.values())


def stubborn(wanted: dict[str, str], first: tuple[str, str], turn: int) -> str:
    return talk(wanted, first, min(turn, 1))


def stale(wanted: dict[str, str], first: tuple[str, str], turn: int) -> str:
    return put_down(wanted | dict([first]), first, turn)


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        (["goal_not_told"], {"person": stubborn}),
        (["goal_missed"], {"agent": stale}),
        (["goal_missed"], {"agent": lambda *_: "What else?", "person": lambda *_: "Hm."}),
        (
            ["too_few_slots"],
            {"slots": [SLOTS[0], SLOTS[1] | {"options": ["over the pass", "by sea"]}]},
        ),
        (["too_few_slots"], {"slots": [SLOTS[0], SLOTS[1] | {"options": ["the day track", "day"]}]}),
        (["too_few_slots"], {"slots": [SLOTS[0], SLOTS[1] | {"options": ["9 hours", "21:40"]}]}),
        (["too_few_slots"], {"slots": [SLOTS[0], SLOTS[1] | {"name": "time"}]}),
    ],
)
def test_what_makes_no_task(
    reason: list[str], changed: dict[str, Any], start: Start, settings: Callable[..., Settings]
) -> None:
    made = run(start, settings, "turns=3", **changed)

    assert made["instructions"] == []
    assert [one for one in reasons(made) if one != "unparsable_answer"] == reason


def test_the_most_calls_of_a_page() -> None:
    assert goal_dialogues.most_calls(goal_dialogues.Knobs(turns=4)) == 9
