"""Data augmentation: a seed is expanded, refined, and expanded with its answer."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import instruction_store
from tests.instruction_store import SUBJECTS
from tests.program_runs import Made, answering, of_program, read, run_program
from tests.scripted_model import ScriptedModel
from wellspring.tasks import instructions
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import data_augmentation
from wellspring.tasks.spine.running.runs import Run

NAME = "data_augmentation"
Start = Callable[[Settings], AbstractContextManager[Run]]
ALONE = f'instructions.recipes=["{NAME}"]'
SEEDS = {subject: f"What should I know about {subject}?" for subject in SUBJECTS}
IDS = {content_id("seed", text): subject for subject, text in SEEDS.items()}
ENDING = "Name the reason for each step, please."

pytestmark = pytest.mark.usefixtures("unaudited")


def fenced(body: Mapping[str, Any], name: str) -> str:
    said = "\n".join(message["content"] for message in body["messages"])
    found = re.search(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", said, re.DOTALL)
    return found[2] if found else ""


def say(heading: str, body: dict[str, Any]) -> str:
    """Expand, refine and pair; what is odd comes back as it was, and a seed is answered by its subject."""
    text = fenced(body, "text")
    subject = next((one for one in SUBJECTS if one in text), "")
    if heading == "expand":
        new = [
            f"Wie lange halten {subject} im Winter?",
            f"Who invented {subject}, and where?",
            text.upper(),
            f"Why are {subject} so?",
        ]
        return json.dumps({"kind": "facts", "instructions": [new[1], *new]})
    if heading == "refine":
        odd = {"Wie lange": "Hm.", "Who invented": text.swapcase()}
        said = next((odd[one] for one in odd if text.startswith(one)), f"{text} {ENDING}")
        return json.dumps({"missing": "", "instruction": said})
    if heading == "pair":
        response, draw = fenced(body, "response"), body["seed"] % 7919
        instructions = [f"How heavy is one of the {subject}, in grams?", f"How old are {subject}?", text, "So?", text]
        responses = [f"As heavy as {response}", response.upper(), "Never asked.", "Too short to keep.", "Nor this."]
        return json.dumps({"instruction": instructions[draw], "response": responses[draw]})
    return f"All about {body['messages'][-1]['content']}"


def run_script(start: Start, settings: Callable[..., Settings], *knobs: str) -> tuple[Made, ScriptedModel]:
    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in data_augmentation.ROLES}
        return run_program(NAME, start, settings(*of_program(NAME, ALONE, *knobs), models=roles)), model


def texts_of(made: Made, subject: str) -> set[str]:
    return {row["text"] for row in made["instructions"] if IDS[row["input_id"]] == subject}


def reasons_of(made: Made, subject: str) -> list[str]:
    return sorted(reason for one, reason in made.refused if IDS.get(one.partition("#")[0]) == subject)


def test_with_the_stand_in_seeds_are_expanded_refined_and_paired(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, ALONE)))

    answered = {row["instruction_id"] for row in made["responses"]}
    assert answered
    assert len(made["instructions"]) > len(answered) + made.settled
    assert {row["use"] for row in made["responses"]} == {"answer"}
    assert any(SEEDS[IDS[row["input_id"]]] in row["text"] for row in made["instructions"]), "a refined seed"
    assert {"same_text", "duplicate"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * data_augmentation.most_calls(data_augmentation.Knobs())


def test_an_expansion_is_refined_or_stays_as_it_is_and_one_that_is_there_already_is_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    knobs = (f'recipes.{NAME}.operators=["expand", "refine"]', f"recipes.{NAME}.expansions=5")

    made, model = run_script(start, settings, *knobs)

    assert texts_of(made, "bees") == {
        f"{SEEDS['bees']} {ENDING}",
        "Wie lange halten bees im Winter?",
        "Who invented bees, and where?",
        f"Why are bees so? {ENDING}",
    }
    assert reasons_of(made, "bees") == ["duplicate", "duplicate", "same_text", "too_short"]
    assert made["responses"] == []
    assert not any(body["model"] == "responder" for body in model.asked)


@pytest.mark.parametrize(
    ("operator", "texts"),
    [
        ("expand", {"Who invented roofs, and where?", "Wie lange halten roofs im Winter?"}),
        ("refine", {f"{SEEDS['roofs']} {ENDING}"}),
    ],
)
def test_an_operator_can_be_had_alone(
    operator: str, texts: set[str], start: Start, settings: Callable[..., Settings]
) -> None:
    knobs = data_augmentation.Knobs.model_validate({"operators": (operator,), "expansions": 2})

    made, _ = run_script(start, settings, f'recipes.{NAME}.operators=["{operator}"]', f"recipes.{NAME}.expansions=2")

    assert texts_of(made, "roofs") == texts
    assert made.calls == 6 * data_augmentation.most_calls(knobs)


def test_a_pair_is_made_of_the_seed_and_its_answer_and_a_copy_on_either_side_is_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made, model = run_script(start, settings, f'recipes.{NAME}.operators=["pair"]', f"recipes.{NAME}.pairs=5")

    texts = {row["instruction_id"]: row["text"] for row in made["instructions"]}
    assert {texts[row["instruction_id"]]: row["text"] for row in made["responses"]} == {
        f"How heavy is one of the {subject}, in grams?": f"As heavy as All about {seed}"
        for subject, seed in SEEDS.items()
    }
    assert set(texts.values()) == {f"How heavy is one of the {subject}, in grams?" for subject in SUBJECTS}
    assert reasons_of(made, "tides") == ["duplicate", "duplicate", "duplicate", "too_short"]
    assert {body["messages"][-1]["content"] for body in model.asked if body["model"] == "responder"} == {
        *SEEDS.values()
    }


def test_a_seed_that_has_an_answer_is_not_answered_anew(start: Start, settings: Callable[..., Settings]) -> None:
    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in data_augmentation.ROLES}
        with start(settings(*of_program(NAME, ALONE, f'recipes.{NAME}.operators=["pair"]'), models=roles)) as run:
            instruction_store.fill(run, 6)
            run.store._connection.execute("UPDATE seeds SET response = 'Much about: ' || text")
            made = read(run, NAME, instructions.synthesize(run))

    assert {row["text"] for row in made["responses"]} == {f"As heavy as Much about: {one}" for one in SEEDS.values()}
    assert {body["model"] for body in model.asked} == {"generator"}
