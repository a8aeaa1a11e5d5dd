"""WildFeedback: the first answer that met discontent, below one that goes by what the person wants."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store
from tests.program_cases import Start, fenced, pairs, reasons, uses
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import wildfeedback

pytestmark = pytest.mark.usefixtures("unaudited")

RYE = "And how long does a loaf of rye bread have to rest before it is cut?"
LATER: dict[
    str, list[Any]
] = {  # of the seeds of the store; a turn without a name is the assistant's and the person's in turn
    "pumps": ["Dig.", "\u00a1No! Shorter.", "Dig it.", "Thanks."],
    "bread": ["Bake.", "Thanks.", "More?", RYE, "Rye too.", "Bad answer."],
    "tides": ["Wait.", "Thanks."],
    "bees": ["Feed."],
    "roofs": ["Slate.", {"role": "tool", "content": "4"}, "Bad one."],
    "trains": ["Go.", "Bad."],
}


@pytest.fixture
def talked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds of the store have later turns."""

    def seed(line: int, subject: str, source_id: str, of: Callable[..., records.Seed] = instruction_store._seed) -> Any:
        roles = ("assistant", "user")
        turns = [
            turn if isinstance(turn, dict) else {"role": roles[at % 2], "content": turn}
            for at, turn in enumerate(LATER[subject])
        ]
        system = "Be brief." if subject in {"bread", "trains"} else ""
        return dataclasses.replace(of(line, subject, source_id), turns=json.dumps(turns), system=system)

    monkeypatch.setattr(instruction_store, "_seed", seed)


def say(heading: str, body: dict[str, Any]) -> str:
    if heading == "signals":
        [message] = fenced(body, "message")
        found = {"Thanks.": ["thanks", "odd"], RYE: []}.get(message, ["asks_again", "thanks", "tone"])
        return json.dumps({"signals": found})
    if heading == "preferences":
        return json.dumps({"preferences": [f"short: {' '.join(sorted(fenced(body, 'signal')))}"]})
    return f"{body['messages'][-1]['content']} \u2713"


@pytest.mark.usefixtures("talked")
def test_the_first_answer_that_met_discontent_is_the_worse_side_of_one_by_the_person_s_wishes(
    start: Start, settings: Callable[..., Settings]
) -> None:
    with answering("wildfeedback", say) as model:
        roles = {role: model.role(role) for role in wildfeedback.ROLES}
        made = run_program("wildfeedback", start, settings(*of_program("wildfeedback"), models=roles))

    pumps, trains = "What should I know about pumps?", "What should I know about trains?"
    assert pairs(made).keys() == {
        (f"{pumps} \u2713", "Dig."),
        (f"{RYE} \u2713", "Rye too."),
        (f"{trains} \u2713", "Go."),
    }
    assert uses(made) == {
        f"{pumps} \u2713": "answer",
        "Dig.": "rejected",
        f"{RYE} \u2713": "answer",
        "Rye too.": "rejected",
        f"{trains} \u2713": "answer",
        "Go.": "rejected",
    }
    assert {row["model"] for row in made["responses"] if row["use"] == "rejected"} == {"given"}
    assert {row["kind"] for row in made["preferences"]} == {"refined"}
    bread = [
        ("user", "What should I know about bread?"),
        ("assistant", "Bake."),
        ("user", "Thanks."),
        ("assistant", "More?"),
    ]
    histories = {row["text"]: json.loads(row["history"] or "[]") for row in made["instructions"]}
    assert {text: [(turn["role"], turn["content"]) for turn in turns] for text, turns in histories.items()} == {
        pumps: [],
        trains: [("system", "Be brief.")],
        RYE: [("system", "Be brief."), *bread],
    }
    assert reasons(made) == ["no_feedback", "nothing_failed", "unsupported"]
    told = {
        body["messages"][-1]["content"]: [(turn["role"], turn["content"]) for turn in body["messages"]]
        for body in model.asked
        if body["model"] == "responder"
    }
    assert told[RYE][1:-1] == bread
    assert told[RYE][0][1].startswith("Be brief.\n")
    assert told[pumps][0][1].startswith(wildfeedback.RULES)
    assert all("short: asks_again thanks tone" in turns[0][1] for turns in told.values())
    signals = [json.loads(row["data"]) for row in made["notes"] if row["kind"] == "signals"]
    assert sorted((one["turn"], one["signals"]) for one in signals) == [
        (1, ["asks_again", "thanks", "tone"]),
        (1, ["asks_again", "thanks", "tone"]),
        (1, ["thanks"]),
        (1, ["thanks"]),
        (3, ["thanks"]),
        (5, ["asks_again", "thanks", "tone"]),
    ]


@pytest.mark.usefixtures("talked")
def test_no_more_messages_are_looked_at_than_the_knob_says(start: Start, settings: Callable[..., Settings]) -> None:
    with answering("wildfeedback", say) as model:
        roles = {role: model.role(role) for role in wildfeedback.ROLES}
        chosen = settings(*of_program("wildfeedback", "recipes.wildfeedback.messages=1"), models=roles)
        made = run_program("wildfeedback", start, chosen)

    assert sorted(row["text"] for row in made["instructions"]) == [
        "What should I know about pumps?",
        "What should I know about trains?",
    ]
    looked = [fenced(body, "turn") for body in model.asked if "signs of content" in body["messages"][-1]["content"]]
    assert len(looked) == 4
    assert {len(turns) for turns in looked} == {2}


@pytest.mark.usefixtures("talked")
def test_with_the_stand_in_all_kinds_are_made(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for subject in LATER:
        monkeypatch.setitem(LATER, subject, ["So.", f"No {subject} then!", "No.", f"{subject}?", "Yes.", "Oh."])

    made = run_program("wildfeedback", start, settings(*of_program("wildfeedback")))

    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert {row["kind"] for row in made["notes"]} == {"signals", "preferences"}
    assert len(made["preferences"]) == len(made["instructions"]) > 0
    assert made.calls <= made.settled * wildfeedback.most_calls(wildfeedback.Knobs())


def test_the_list_has_nine_signs_of_content_and_nine_of_discontent() -> None:
    lines = Path(wildfeedback.__file__).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    kinds = [one["kind"] for one in map(json.loads, lines)]

    assert kinds == ["content"] * 9 + ["discontent"] * 9
    assert len({json.loads(line)["name"] for line in lines}) == 18
