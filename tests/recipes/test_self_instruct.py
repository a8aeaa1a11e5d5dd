"""Self-Instruct: lists of new tasks beside seeds that were drawn by lot."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.instruction_store import SUBJECTS
from tests.program_runs import Made, answering, of_program, run_program
from tests.scripted_model import ScriptedModel
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import self_instruct
from wellspring.tasks.spine.running.runs import Run

NAME = "self_instruct"
Start = Callable[[Settings], AbstractContextManager[Run]]
ALONE = f'instructions.recipes=["{NAME}"]'
SEEDS = {f"What should I know about {subject}?": subject for subject in SUBJECTS}
IDS = {content_id("seed", text): subject for text, subject in SEEDS.items()}

pytestmark = pytest.mark.usefixtures("unaudited")


def shown(body: Mapping[str, Any]) -> list[str]:
    said = "\n".join(message["content"] for message in body["messages"])
    return [SEEDS[text] for _, text in re.findall(r"<task (\w+)>\n(.*?)\n</task \1>", said, re.DOTALL)]


def run_script(
    say: Callable[[str, dict[str, Any]], str | None], start: Start, settings: Callable[..., Settings], *knobs: str
) -> tuple[Made, ScriptedModel]:
    with answering(NAME, say) as model:
        roles = {"generator": model.role("generator")}
        return run_program(NAME, start, settings(*of_program(NAME, ALONE, *knobs), models=roles)), model


def test_with_the_stand_in_drawn_seeds_lead_to_new_tasks_with_and_without_an_input(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, ALONE)))

    assert {"\n\n" in row["text"] for row in made["instructions"]} == {True, False}
    assert all(len(row["parent_ids"]) >= 3 and row["input_id"] not in row["parent_ids"] for row in made["instructions"])
    assert {"duplicate", "unsupported"} & {reason for _, reason in made.refused}
    assert made["responses"] == []
    assert made.calls == made.settled * self_instruct.most_calls(self_instruct.Knobs())


def test_each_list_is_asked_for_beside_seeds_of_its_own_and_never_beside_its_input(
    start: Start, settings: Callable[..., Settings]
) -> None:
    def say(_: str, body: dict[str, Any]) -> str:
        return json.dumps({"tasks": [{"instruction": f"Say why {' '.join(shown(body))} matter.", "input": None}]})

    made, model = run_script(say, start, settings, f"recipes.{NAME}.calls=3", f"recipes.{NAME}.seeds=2")

    drawn = [shown(body) for body in model.asked]
    assert len(drawn) >= 12, "lists of one input differ"
    assert all(len({*of}) == 2 for of in drawn)
    assert {subject for of in drawn for subject in of} == {*SUBJECTS}
    assert all(IDS[row["input_id"]] not in row["text"] for row in made["instructions"])
    assert all("English" in body["messages"][-1]["content"] for body in model.asked)


def test_a_task_that_is_there_already_or_points_at_what_nobody_sees_is_refused_and_the_others_stay(
    start: Start, settings: Callable[..., Settings]
) -> None:
    tasks = [
        {"instruction": "Sort these words by length.", "input": "Öl, 蜂蜜, café"},
        {"instruction": "SORT these  words by length.", "input": "öl, 蜂蜜, café"},
        {"instruction": "Tell me what you see in this picture of a harbour.", "input": ""},
        {"instruction": "Why do people hang pictures in their halls?", "input": None},
        {"instruction": "Hm."},
        {"instruction": "Name a town that nobody asked for.", "input": None},
    ]
    made, _ = run_script(lambda *_: json.dumps({"tasks": tasks}), start, settings, f"recipes.{NAME}.tasks=5")

    kept = ["Sort these words by length.\n\nÖl, 蜂蜜, café", "Why do people hang pictures in their halls?"]
    assert {row["text"] for row in made["instructions"]} == {*kept}
    reasons = Counter(reason for _, reason in made.refused)
    assert reasons == {"duplicate": 6 * 6, "unsupported": 6, "too_short": 6, "too_near_the_pool": 5 * 2}


def test_a_list_that_nobody_can_read_costs_no_other_list(start: Start, settings: Callable[..., Settings]) -> None:
    def say(_: str, body: dict[str, Any]) -> str:
        if "bees" in shown(body):
            return json.dumps({"tasks": []})
        return json.dumps({"tasks": [{"instruction": f"Say why {' '.join(shown(body))} matter.", "input": None}]})

    made, _ = run_script(say, start, settings, f"recipes.{NAME}.calls=4", f"recipes.{NAME}.seeds=1")

    assert made["instructions"]
    unread = {one.partition("#")[0] for one, reason in made.refused if reason == "incomplete_answer"}
    assert unread & {row["input_id"] for row in made["instructions"]}
    assert not any("bees" in row["text"] for row in made["instructions"])
