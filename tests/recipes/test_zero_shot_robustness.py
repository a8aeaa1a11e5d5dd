"""Zero-shot robustness: phrasings that mean the same have one answer, and the instruction a score."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.program_runs import ABOVE, Made, answering, of_program, run_program
from tests.scripted_model import ScriptedModel
from wellspring.tasks.contracts.sameness import folded
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import zero_shot_robustness
from wellspring.tasks.spine.running.runs import Run

NAME = "zero_shot_robustness"
Start = Callable[[Settings], AbstractContextManager[Run]]
LIST = Path(zero_shot_robustness.__file__).with_suffix(".jsonl")
MANNERS = [json.loads(line)["manner"] for line in LIST.read_text("utf-8").splitlines()]
FENCE = "<answer 0123456789ab>"

pytestmark = pytest.mark.usefixtures("unaudited")


def fenced(body: Mapping[str, Any], name: str) -> str:
    said = "\n".join(message["content"] for message in body["messages"])
    found = re.search(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", said, re.DOTALL)
    return found[2] if found else ""


class Script:
    """A model that says each instruction in other words by how many manners there were; the first words tell which."""

    def __init__(self, phrasings: list[str], answers: Mapping[str, str]) -> None:
        self.phrasings, self.answers = phrasings, answers
        self.given: dict[str, list[str]] = {}

    def __call__(self, heading: str, body: dict[str, Any]) -> str:
        """Say what a request is answered with."""
        if heading == "phrase":
            text, manner = fenced(body, "instruction"), fenced(body, "manner")
            own = [*self.given.setdefault(text, [manner]), *([] if manner in self.given[text] else [manner])]
            self.given[text] = own
            return json.dumps({"instruction": self.phrasings[own.index(manner)].format(text)})
        if heading == "mean_the_same":
            same = "Nein" not in fenced(body, "other") and "Nein" not in fenced(body, "one")
            return json.dumps({"difference": "Nein", "same": same})
        if heading == "agree":
            return json.dumps({"difference": "", "agree": fenced(body, "other").startswith("Almost")})
        text = body["messages"][-1]["content"]
        return next((said for begins, said in self.answers.items() if text.startswith(begins)), "The answer: 3 €.")


def run_script(
    script: Script, start: Start, settings: Callable[..., Settings], *more: str
) -> tuple[Made, ScriptedModel]:
    with answering(NAME, script) as model:
        model_of = {role: model.role(role, max_concurrency=1) for role in zero_shot_robustness.ROLES}
        return run_program(NAME, start, settings(*of_program(NAME, *more), models=model_of)), model


def test_with_the_stand_in_instructions_have_phrasings_an_answer_and_a_score(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME)))

    answers = {row["instruction_id"]: row["text"] for row in made["responses"]}
    by_input: dict[str, set[str]] = {}
    for row in made["instructions"]:
        by_input.setdefault(row["input_id"], set()).add(answers[row["instruction_id"]])
    assert by_input
    assert all(len(texts) == 1 for texts in by_input.values())
    assert {row["subject_id"] for row in made["scores"]} <= by_input.keys()
    assert {row["value"] for row in made["scores"]} != {1.0}
    assert {"other_meaning", "duplicate"} <= {reason for _, reason in made.refused}
    assert made.calls <= made.settled * zero_shot_robustness.most_calls(zero_shot_robustness.Knobs())


def test_phrasings_of_the_same_meaning_have_the_one_answer_and_the_share_that_agrees_is_the_score(
    start: Start, settings: Callable[..., Settings]
) -> None:
    phrasings = ["Bitte: {0}", "Nein: {0}", "{0}", "BITTE:  {0}", "Kurz, 蜂: {0}", "Lang: {0}", "Gern: {0}"]
    script = Script(phrasings, {"Kurz": "Almost the same.", "Lang": "Something else."})

    made, model = run_script(script, start, settings, f"recipes.{NAME}.phrasings=7")

    given = {text: [one.format(text) for one in phrasings] for text in script.given}
    kept = {folded(one) for some in given.values() for one in (some[0], *some[4:])}
    assert len(given) == 6
    assert {folded(row["text"]) for row in made["instructions"]} == kept
    assert {row["text"] for row in made["responses"]} == {"The answer: 3 €."}
    assert len(made["responses"]) == len(made["instructions"]) == 24
    assert [row["value"] for row in made["scores"]] == [0.75] * 6
    assert {row["criterion"] for row in made["scores"]} == {"robustness"}
    assert sorted(reason for _, reason in made.refused) == ["duplicate"] * 12 + ["other_meaning"] * 6
    assert all({*manners} <= {*MANNERS} and len({*manners}) == 7 for manners in script.given.values())
    compared = [fenced(body, "one") for body in model.asked if "mean_the_same" in json.dumps(body)]
    assert {*compared} == {*given}, "each phrasing is held against the instruction"


def test_the_test_can_be_left_out(start: Start, settings: Callable[..., Settings]) -> None:
    knobs = (f"recipes.{NAME}.test=false", f"recipes.{NAME}.phrasings=2")

    made, _ = run_script(Script(["Bitte: {0}", "Gern: {0}"], {}), start, settings, *knobs)

    assert len(made["responses"]) == len(made["instructions"]) == 12
    assert made["scores"] == made.refused == []
    assert made.calls == 6 * zero_shot_robustness.most_calls(zero_shot_robustness.Knobs(phrasings=2, test=False))


def test_where_the_answer_cannot_be_kept_there_are_no_phrasings_of_it(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made, _ = run_script(Script(["Bitte: {0}"] * 4, {"": f"{FENCE} it is"}), start, settings)

    assert made["instructions"] == made["responses"] == []
    assert [reason for _, reason in made.refused].count("no_answer_kept") == 6


def test_a_turn_of_a_conversation_is_left_alone(start: Start, settings: Callable[..., Settings]) -> None:
    more = (f'instructions.recipes=["{ABOVE}", "parrot", "{NAME}"]', "recipes.parrot.turns=4")
    knobs = ("recipes.parrot.rejected=[]", f"recipes.{NAME}.phrasings=1", f"recipes.{NAME}.test=false")

    made = run_program(NAME, start, settings(*of_program(NAME, *more, *knobs)))

    left_alone = [one for one, reason in made.refused if reason == "not_a_first_turn"]
    assert len(left_alone) == made.settled - 6 > 0
    assert 0 < made.calls <= 6 * 3
