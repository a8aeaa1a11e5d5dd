"""URIAL: a base model completes a page of constant examples; its answer ends where it goes on with something else."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import urial
from wellspring.tasks.spine.running.runs import Run

NAME = "urial"
Start = Callable[[Settings], AbstractContextManager[Run]]
OWN = [json.loads(line) for line in Path(urial.__file__).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]

pytestmark = pytest.mark.usefixtures("unaudited")


def test_with_the_stand_in_given_instructions_are_answered_up_to_the_fence(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, f"recipes.{NAME}.answers=2")))

    assert made["responses"]
    assert all("+++++" not in row["text"] and "Go on." not in row["text"] for row in made["responses"])
    assert {reason for _, reason in made.refused} == {"empty_answer"}
    assert made.calls == 12


def test_an_answer_ends_where_its_fence_does_and_one_that_is_no_answer_is_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    case: list[dict[str, Any] | str] = [
        "+++++\nSay ++++++ and\n\n# Query: a heading\n+++++ \n\n# Query:\n+++++\nAnd then?",
        {"content": "It comes to an end\n+++++\n\n# Que", "finish_reason": "length"},
        {"content": "It comes to no e", "finish_reason": "length"},
        f"{OWN[1]['answer'].upper()}\n+++++",
        "\n+++++\n# Query:\nWell?",
        "Warm\n# Query:\nWhy?",
    ]
    said = dict[str, Any]()

    def say(_: str, body: dict[str, Any]) -> Any:
        return said.setdefault(body["messages"][0]["content"], case[len(said) % 6])

    with answering(NAME, say) as model:
        made = run_program(NAME, start, settings(*of_program(NAME), models={"responder": model.role("r")}))

    assert {row["text"] for row in made["responses"]} == {
        "Say ++++++ and\n\n# Query: a heading", "It comes to an end", "Warm",
    }  # fmt: skip
    assert Counter(reason for _, reason in made.refused) == {
        "cut_off": 1, "copy_of_demonstration": 1, "empty_answer": 1,
    }  # fmt: skip
    assert {tuple(body["stop"]) for body in model.asked} == {("\n+++++\n", "\n# Query:\n", "\n# Answer:\n")}
    pages = [body["messages"][0]["content"] for body in model.asked]
    begins = {page[: page.index(OWN[2]["answer"])] for page in pages}
    assert len(begins) == 1
    assert all(one["query"] in begins.copy().pop() for one in OWN)
    assert all(page.endswith("\n+++++\n\n# Answer:\n+++++") and page.count("# Query:") == 4 for page in pages)


TALK = """
from wellspring.tasks.contracts.answers import Text

SYSTEM = PAPER = "talk"
VERSION, TAKES, MAKES, ROLES, MAY = 1, "seeds", ("instructions",), ("generator",), {"resemble", "need_history"}


def most_calls(knobs):
    return 1


async def program(row, ask):
    said = await ask("say", Text, text=row["text"])
    turns = [("system", "Be brief."), ("user", "Hello!"), ("assistant", "Hello.")]
    history = [{"role": role, "content": text} for role, text in turns]
    ask.made.instruction(said, text=row["text"] + " Tell me three things.", history=history)
"""


def test_turns_before_an_instruction_stand_on_the_page_as_examples_do(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "talk.py").write_text(TALK, encoding="utf-8")
    prompt = "# say\n## user\nGo on with this: $text\n## examples\n" + "```text\nWell.\n```\n" * 2
    (tmp_path / "talk.md").write_text(prompt, encoding="utf-8")
    chosen = [f'plugins=["{tmp_path}"]', f'instructions.recipes=["talk", "{NAME}"]', f"recipes.{NAME}.examples=1"]
    with answering(NAME, lambda *_: "Three.") as model:
        made = run_program(NAME, start, settings(*chosen, models={"responder": model.role("r")}))

    assert {row["text"] for row in made["responses"]} == {"Three."}
    pages = [body["messages"][0]["content"] for body in model.asked]
    turns = "Be brief.\n\n# Query:\n+++++\nHello!\n+++++\n\n# Answer:\n+++++\nHello.\n+++++\n\n# Query:\n+++++\nWhat"
    assert all(turns in page and OWN[1]["query"] not in page for page in pages)
