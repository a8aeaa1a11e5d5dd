"""What a program makes: an equal text under a system prompt of its own, and a part of what was said as an answer."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
PROGRAM = """
from wellspring.tasks.contracts.answers import Text

SYSTEM = PAPER = "under"
VERSION, TAKES, ROLES, MAY = 1, "instructions", ("responder",), {{"resemble"}}
MAKES = ("instructions", "responses")


def most_calls(knobs):
    return 1


async def program(row, ask):
    said = await ask("answer", Text, text=row["text"])
    made = ask.made.instruction(said, text={text}, history={history}, parents=[row["input_id"]])
    ask.made.answer(said, made, text=said.text.partition(" Query:")[0])
"""
PROMPT = "# answer\n## user\n$text\n\nAnswer in your own way.\n## examples\n" + "```text\nSo. Query: no.\n```\n" * 2
BRIEF = [{"role": "system", "content": "Be brief."}]

pytestmark = pytest.mark.usefixtures("unaudited")


def run_made(
    folder: Path, start: Start, settings: Callable[..., Settings], history: object, text: str = "row['text']"
) -> Made:
    (folder / "under.py").write_text(PROGRAM.format(history=repr(history), text=text), encoding="utf-8")
    (folder / "under.md").write_text(PROMPT, encoding="utf-8")
    with answering("under", lambda *_: None) as model:
        chosen = settings(
            f'plugins=["{folder}"]',
            *of_program("under", "instructions.max_pool_cosine=0.8"),
            models={"responder": model.role("r")},
        )
        return run_program("under", start, chosen)


def test_an_equal_text_is_kept_under_a_system_prompt_that_its_input_has_not(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made = run_made(tmp_path, start, settings, BRIEF)

    assert made.refused == []
    assert len(made["instructions"]) == 6
    assert {row["history"] for row in made["instructions"]} == {json.dumps(BRIEF)}
    assert {row["text"] for row in made["responses"]} == {"So."}


@pytest.mark.parametrize(
    "history", [[], [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "?"}]]
)
def test_an_equal_text_is_a_copy_without_one(
    history: list[Any], start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made = run_made(tmp_path, start, settings, history)

    assert made["instructions"] == []
    assert {reason for _, reason in made.refused} == {"copy_of_demonstration"}


def test_a_text_under_a_system_prompt_alone_may_not_point_at_turns_before_it(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made = run_made(tmp_path, start, settings, BRIEF, "'Explain the table above once more, with a figure.'")

    assert made["instructions"] == []
    assert {reason for _, reason in made.refused} == {"not_self_contained"}
