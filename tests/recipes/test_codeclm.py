"""CodecLM: an instruction is made harder by one action after the other until its two answers differ."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.instruction_store import SUBJECTS
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import codeclm
from wellspring.tasks.spine.running.runs import Run

NAME = "codeclm"
Start = Callable[[Settings], AbstractContextManager[Run]]
ALONE = f'instructions.recipes=["{NAME}"]'
SEEDS = {content_id("seed", f"What should I know about {subject}?"): subject for subject in SUBJECTS}
ACTIONS = ["Add a limit.", "Add a doubt.", "Add a limit."]

pytestmark = pytest.mark.usefixtures("unaudited")


def fenced(body: Mapping[str, Any], name: str) -> str:
    said = "\n".join(message["content"] for message in body["messages"])
    found = re.search(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", said, re.DOTALL)
    return found[2] if found else ""


class Script:
    """A model whose answers to a subject, round by round, are (strong, mark), (target, mark)."""

    def __init__(self, rounds: Mapping[str, Sequence[tuple[tuple[str, Any], tuple[str, Any]]]]) -> None:
        self.rounds = rounds
        self.marks = {text: mark for some in rounds.values() for one in some for text, mark in one}

    def __call__(self, heading: str, body: dict[str, Any]) -> str:
        """Say what a request is answered with."""
        if heading == "encode":
            subject = fenced(body, "text").partition(" about ")[2].rstrip("?")
            return json.dumps({"use_case": f"advice on {subject}", "skills": ["planning", "planning", "Kosten in €"]})
        if heading == "decode":
            subject = fenced(body, "use_case").removeprefix("advice on ")
            return json.dumps({"instruction": f"How do I begin with {subject}, and what does it cost me in a year?"})
        if heading == "rubrics":
            return json.dumps({"rubrics": [{"rubric": "Is it hard?", "action": action} for action in ACTIONS]})
        if heading == "improve":
            text, action = fenced(body, "instruction"), fenced(body, "action")
            idle = "trains" in text and action == ACTIONS[0]
            return json.dumps({"change": "", "instruction": text if idle else f"{text} Please: {action}"})
        if heading == "mark":
            first, second = (self.marks[fenced(body, side)] for side in ("first", "second"))
            if "biased" in (first, second):
                first, second = 9, 1
            return json.dumps({"reason": "", "first": first, "second": second})
        text = fenced(body, "instruction") or body["messages"][-1]["content"]
        subject = next(subject for subject in SUBJECTS if f"with {subject}," in text)
        turn = min(text.count("Please:"), len(self.rounds[subject])) - 1
        return self.rounds[subject][turn][body["model"] == "responder"][0]


def run_script(script: Script, start: Start, settings: Callable[..., Settings], *knobs: str) -> Made:
    with answering(NAME, script) as model:
        roles = {role: model.role(role) for role in codeclm.ROLES}
        return run_program(NAME, start, settings(*of_program(NAME, ALONE, *knobs), models=roles))


def test_with_the_stand_in_seeds_become_instructions_with_an_answer_and_a_pair(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, ALONE)))

    notes = {row["note_id"]: json.loads(row["data"]) for row in made["notes"]}
    assert made["instructions"]
    assert all([len(notes[one]["skills"]) for one in row["parent_ids"]] for row in made["instructions"])
    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert all(row["margin"] > 3 and row["kind"] == "verified" for row in made["preferences"])
    assert {row["subject_id"] for row in made["scores"]} == {row["response_id"] for row in made["responses"]}
    assert {"margin_too_small", "same_text"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * codeclm.most_calls(codeclm.Knobs())


def test_an_instruction_is_kept_with_its_better_answer_once_the_two_differ_by_more_than_the_gap(
    start: Start, settings: Callable[..., Settings]
) -> None:
    near = (("near a", 8), ("near b", 5))
    script = Script({
        "pumps": [(("Pumpen: für 3 €.", 9), ("p weak", 4))],
        "bread": [(("b weak", 2.5), ("b good", 6))],
        "tides": [near, (("t good", 7), ("t weak", 3))],
        "bees": [near],
        "roofs": [(("the same", 9), ("the same", 1))],
        "trains": [(("z good", "biased"), ("z weak", "biased"))],
    })  # fmt: skip

    made = run_script(script, start, settings, "recipes.codeclm.rounds=2")

    texts = {row["instruction_id"]: (SEEDS[row["input_id"]], row["text"]) for row in made["instructions"]}
    kept = {(texts[row["instruction_id"]][0], row["use"]): row["text"] for row in made["responses"]}
    assert kept == {
        ("pumps", "answer"): "Pumpen: für 3 €.", ("pumps", "rejected"): "p weak",
        ("bread", "answer"): "b good", ("bread", "rejected"): "b weak",
        ("tides", "answer"): "t good", ("tides", "rejected"): "t weak",
    }  # fmt: skip
    assert sorted(row["margin"] for row in made["preferences"]) == [3.5, 4, 5]
    asked = dict(texts.values())
    assert asked["tides"].count("Please:") == 2
    assert all(action in asked["tides"] for action in ACTIONS), "each action has its turn"
    reasons = sorted((SEEDS[one.partition("#")[0]], reason) for one, reason in made.refused)
    assert reasons == [
        ("bees", "margin_too_small"), ("bees", "margin_too_small"),
        ("roofs", "same_text"), ("roofs", "same_text"),
        ("tides", "margin_too_small"),
        ("trains", "margin_too_small"), ("trains", "same_text"),
    ]  # fmt: skip
    data = [json.loads(row["data"]) for row in made["notes"]]
    assert {(*one["skills"], *one["actions"]) for one in data} == {("planning", "Kosten in €", *ACTIONS[:2])}


def test_an_answer_that_cannot_be_kept_costs_the_instruction_or_the_pair(
    start: Start, settings: Callable[..., Settings]
) -> None:
    fence = "<answer 0123456789ab>"
    better, worse = ((f"good {fence}", 9), ("weak", 1)), (("good", 9), (f"weak {fence}", 1))
    script = Script({subject: [better if subject == "bees" else worse] for subject in SUBJECTS})

    made = run_script(script, start, settings, "recipes.codeclm.rounds=1", "recipes.codeclm.rubrics=3")

    inputs = {SEEDS[row["input_id"]] for row in made["instructions"]}
    reasons = [(SEEDS[one.partition("#")[0]], reason) for one, reason in made.refused]
    assert "bees" not in inputs
    assert len(inputs) >= 4
    assert {row["text"] for row in made["responses"]} == {"good"}
    assert made["preferences"] == []
    assert {reason for subject, reason in reasons if subject == "bees"} == {"repeats_prompt", "no_answer_kept"}
    assert {reason for subject, reason in reasons if subject == "pumps"} == {"repeats_prompt"}


def test_an_input_whose_answers_never_differ_takes_all_the_calls_that_it_says(
    start: Start, settings: Callable[..., Settings]
) -> None:
    same = {subject: [((f"{subject} a", 5), (f"{subject} b", 5))] for subject in SUBJECTS if subject != "trains"}

    made = run_script(Script(same | {"trains": [(("z", 9), ("y", 1))]}), start, settings, "recipes.codeclm.rounds=3")

    assert [SEEDS[row["input_id"]] for row in made["instructions"]] == ["trains"]
    most = codeclm.most_calls(codeclm.Knobs(rounds=3))
    assert 5 * most < made.calls <= 6 * most
