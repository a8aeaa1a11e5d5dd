"""OccuQuest: an input opens branches of the tree, and each row notes on which of them it stands."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.program_runs import Made, answering, of_program, run_program
from tests.scripted_model import ScriptedModel
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import occuquest
from wellspring.tasks.spine.running.runs import Run

NAME = "occuquest"
Start = Callable[[Settings], AbstractContextManager[Run]]
ALONE = f'instructions.recipes=["{NAME}"]'
OWN = [json.loads(line) for line in Path(occuquest.__file__).with_suffix(".jsonl").read_text("utf-8").splitlines()]
DUTIES = [f"Duty {number} of the day" for number in range(5)]
TOPICS = [{"topic": f"matter {number}", "features": [] if number else ["größe", "3 €"]} for number in range(3)]

pytestmark = pytest.mark.usefixtures("unaudited")


def fenced(body: Mapping[str, Any], name: str) -> str:
    said = "\n".join(message["content"] for message in body["messages"])
    found = re.search(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", said, re.DOTALL)
    return found[2] if found else ""


def say(heading: str, body: dict[str, Any]) -> str:
    job = f"{fenced(body, 'occupation')}, {fenced(body, 'responsibility')}, {fenced(body, 'topic')}"
    if heading == "responsibilities":
        return json.dumps({"responsibilities": DUTIES})
    if heading == "topics":
        return json.dumps({"topics": TOPICS})
    if heading == "questions":
        asked = f"Which tool do I need for {job} when it rains for a week?"
        return json.dumps({"questions": [asked, asked.upper(), "Hm.", "How long do I wait, one more time?"]})
    if heading == "dialogue":
        first, second = f"What comes first in {job}?", "And how long does that take?"
        last = "Was fehlt dann noch, und wie viel kostet es?"
        if fenced(body, "topic") == "matter 1":
            last = first.upper()
        said = [{"question": one, "answer": f"It takes {number} days."} for number, one in enumerate((first, second))]
        return json.dumps({"exchanges": [*said, {"question": "One too many?", "answer": "Yes."}], "last": last})
    return f"An answer to: {body['messages'][-1]['content']}"


def run_script(start: Start, settings: Callable[..., Settings], *knobs: str) -> tuple[Made, ScriptedModel]:
    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in occuquest.ROLES}
        return run_program(NAME, start, settings(*of_program(NAME, ALONE, *knobs), models=roles)), model


def branches_of(made: Made) -> dict[str, dict[str, Any]]:
    return {row["note_id"]: json.loads(row["data"]) for row in made["notes"]}


def test_the_list_has_some_hundred_occupations_in_26_categories_and_none_twice() -> None:
    assert len({one["occupation"].casefold() for one in OWN}) == len(OWN) > 300
    assert len({one["category"] for one in OWN}) == 26
    assert len(OWN) % occuquest.STRIDE, "else an input would have an occupation twice"


def test_with_the_stand_in_inputs_become_questions_and_dialogues_each_with_its_branch(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, ALONE)))

    branches = branches_of(made)
    assert all(row["parent_ids"][0] in branches for row in made["instructions"])
    assert {bool(row["history"]) for row in made["instructions"]} == {True, False}
    assert {row["instruction_id"] for row in made["responses"]} <= {
        row["instruction_id"] for row in made["instructions"]
    }
    assert len({one["occupation"] for one in branches.values()}) > made.settled
    assert "duplicate" in {reason for _, reason in made.refused}
    assert made.calls <= made.settled * occuquest.most_calls(occuquest.Knobs())


def test_questions_that_differ_are_answered_and_note_the_branch_that_the_id_of_their_input_says(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made, model = run_script(start, settings, f"recipes.{NAME}.dialogues=false", f"recipes.{NAME}.branches=3")

    taken: dict[str, set[str]] = {}
    for row in made["notes"]:
        one, lot = json.loads(row["data"]), row["input_id"]
        assert {"category": one["category"], "occupation": one["occupation"]} in OWN
        assert one["responsibility"] == DUTIES[int(lot[8:12], 16) % 5]
        assert {"topic": one["topic"], "features": one["features"]} == TOPICS[int(lot[12:16], 16) % 3]
        taken.setdefault(lot, set()).add(one["occupation"])
    assert [len(jobs) for jobs in taken.values()] == [3] * 6
    texts = {row["instruction_id"]: row["text"] for row in made["instructions"]}
    assert all(text.startswith("Which tool") for text in texts.values())
    assert {row["text"]: texts[row["instruction_id"]] for row in made["responses"]} == {
        f"An answer to: {text}": text for text in texts.values()
    }
    reasons = [reason for _, reason in made.refused]
    assert {"duplicate", "too_short"} <= {*reasons}
    assert reasons.count("duplicate") == 18
    assert not any("one more time" in body["messages"][-1]["content"] for body in model.asked), "three were wanted"


def test_a_dialogue_stands_before_its_last_question_and_one_that_turns_in_a_circle_is_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made, model = run_script(start, settings, f"recipes.{NAME}.questions=0", f"recipes.{NAME}.branches=1")

    branches = branches_of(made)
    circles = [one for one in branches.values() if one["topic"] == "matter 1"]
    histories = [json.loads(row["history"]) for row in made["instructions"]]
    assert len(branches) == 6
    assert len(made["instructions"]) + len(circles) == 6
    assert [reason for _, reason in made.refused] == ["duplicate"] * len(circles)
    assert histories
    assert circles
    for turns, row in zip(histories, made["instructions"], strict=True):
        assert row["text"] == "Was fehlt dann noch, und wie viel kostet es?"
        assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
        assert branches[row["parent_ids"][0]]["occupation"] in turns[0]["content"]
    answered = [body["messages"] for body in model.asked if body["model"] == "responder"]
    assert [len(messages) for messages in answered] == [5] * len(histories)
    assert made.calls == 6 * occuquest.most_calls(occuquest.Knobs(branches=1, questions=0)) - len(circles)


def test_what_two_inputs_share_of_the_tree_is_paid_once(start: Start, settings: Callable[..., Settings]) -> None:
    made, model = run_script(start, settings, f"recipes.{NAME}.branches=16", f"recipes.{NAME}.dialogues=false")

    jobs = {json.loads(row["data"])["occupation"] for row in made["notes"]}
    asked = [body for body in model.asked if "responsibilities" in json.dumps(body.get("response_format", ""))]
    assert len(made["notes"]) == 96
    assert len(asked) == len(jobs) < 96
