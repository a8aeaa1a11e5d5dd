"""Rephrase and Respond: the question said anew is a row, and who answers it sees both."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

NAME = "rephrase_and_respond"
Start = Callable[[Settings], AbstractContextManager[Run]]

pytestmark = pytest.mark.usefixtures("unaudited")


def test_each_instruction_of_the_recipes_above_is_said_anew_and_answered(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, f"recipes.{NAME}.answers=2")))

    new = {row["instruction_id"]: row for row in made["instructions"]}
    assert len(new) + len(made.refused) == 6
    assert {reason for _, reason in made.refused} == {"copy_of_demonstration"}  # what came back as it was
    assert all(row["parent_ids"] == [row["input_id"]] for row in new.values())
    assert len(made["responses"]) == 2 * len(new) > 0
    assert {row["instruction_id"] for row in made["responses"]} == new.keys()
    assert {row["use"] for row in made["responses"]} == {"answer"}
    assert (made.settled, made.calls) == (6, 6 + 2 * len(new))


def test_who_answers_sees_the_new_question_bare_and_the_old_one_between_fences(
    start: Start, settings: Callable[..., Settings]
) -> None:
    def say(heading: str, _: dict[str, Any]) -> str:
        if heading == "rephrase":
            return json.dumps({"unclear": "the place", "question": "How do I graft a quince onto a hawthorn in March?"})
        return "Cut both on the slant."

    with answering(NAME, say) as model:
        roles = {"generator": model.role("g"), "responder": model.role("r")}
        run_program(NAME, start, settings(*of_program(NAME), models=roles))

    answered = [one["messages"] for one in model.asked if one["model"] == "r"]
    assert answered
    assert all(messages[-1]["content"].startswith("How do I graft a quince") for messages in answered)
    assert all("<original " in messages[-1]["content"] for messages in answered)


def test_a_question_that_comes_back_unchanged_is_refused_and_never_answered(
    start: Start, settings: Callable[..., Settings]
) -> None:
    def say(_: str, body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"].split("\n", 1)[1].split("\n</text", 1)[0]
        return json.dumps({"unclear": "nothing", "question": text.upper()})

    with answering(NAME, say) as model:
        chosen = settings(*of_program(NAME), models={"generator": model.role("g")})
        made = run_program(NAME, start, chosen)

    assert made["instructions"] == made["responses"] == []
    assert {reason for _, reason in made.refused} == {"copy_of_demonstration"}
