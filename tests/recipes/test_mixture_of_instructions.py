"""Mixture-of-Instructions: an instruction keeps its text below the prompt of its domain, and is answered under it."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.program_runs import answering, of_program, run_program
from tests.scripted_model import ScriptedModel
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import mixture_of_instructions as moi
from wellspring.tasks.spine.running.runs import Run

NAME = "mixture_of_instructions"
Start = Callable[[Settings], AbstractContextManager[Run]]
OWN = [json.loads(line) for line in Path(moi.__file__).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
PROMPTS = {one["domain"]: one["prompt"] for one in OWN}
HISTORIES = {
    "held": [{"role": "system", "content": "Be brief."}],
    "turned": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}],
}
ABOVE = """
from wellspring.tasks.contracts.answers import Text

SYSTEM = PAPER = "talk"
VERSION, TAKES, MAKES, ROLES, MAY = 1, "seeds", ("instructions",), ("generator",), {{"resemble", "need_history"}}


def most_calls(knobs):
    return 1


async def program(row, ask):
    said = await ask("say", Text, text=row["text"])
    ask.made.instruction(said, text=row["text"] + " Tell me three things.", history={history})
"""

pytestmark = pytest.mark.usefixtures("unaudited")


def roles(model: ScriptedModel) -> dict[str, Any]:
    return {role: model.role(role) for role in moi.ROLES}


def test_each_domain_of_the_list_has_a_prompt_of_its_own() -> None:
    assert {*PROMPTS} == {*get_args(moi.Domain)} - {"other"} == {*moi.Knobs().domains}
    assert len({*PROMPTS.values()}) == len(OWN)


def test_with_the_stand_in_texts_stay_and_stand_under_a_prompt(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME)))

    assert made["instructions"]
    assert {row["instruction_id"] for row in made["instructions"]} == {
        row["instruction_id"] for row in made["responses"]
    }
    for row in made["instructions"]:
        [turn] = json.loads(row["history"])
        assert turn == {"role": "system", "content": PROMPTS[row["scene"].removeprefix("domain: ")]}
    assert made.calls <= 2 * made.settled


def test_the_answer_is_given_under_the_prompt_and_what_has_no_wanted_domain_is_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    domains = ["Code", "mathematics", "other", "tools", "gardening", "code"]
    said = dict[str, str]()

    def say(heading: str, body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        if heading == "domain":
            of = said.setdefault(body["messages"][1]["content"].split("\n")[1], domains[len(said) % 6])
            return json.dumps({"reason": "", "domain": of})
        return "<answer 0123456789ab>" if said[text] == "mathematics" else f"Answer: {text}"

    with answering(NAME, say) as model:
        wanted = f'recipes.{NAME}.domains=["code", "mathematics"]'
        made = run_program(NAME, start, settings(*of_program(NAME, wanted), models=roles(model)))

    assert Counter(row["scene"] for row in made["instructions"]) == {"domain: code": 2}
    assert {row["text"] for row in made["responses"]} == {f"Answer: {row['text']}" for row in made["instructions"]}
    assert Counter(reason for _, reason in made.refused) == {
        "no_domain": 2, "incomplete_answer": 1, "no_answer": 1, "repeats_prompt": 1,
    }  # fmt: skip
    answered = [body["messages"] for body in model.asked if body["model"] == "responder"]
    assert all(turns[0]["content"] in PROMPTS.values() and len(turns) == 2 for turns in answered)


@pytest.mark.parametrize(("history", "reason"), [("held", "has_system"), ("turned", "not_a_first_turn")])
def test_an_instruction_with_a_system_prompt_or_turns_before_it_is_refused_before_it_costs_a_call(
    history: str, reason: str, start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "talk.py").write_text(ABOVE.format(history=HISTORIES[history]), encoding="utf-8")
    examples = "```text\nWell.\n```\n" * 2
    (tmp_path / "talk.md").write_text(
        f"# say\n## user\nGo on with this: $text\n## examples\n{examples}", encoding="utf-8"
    )
    made = run_program(NAME, start, settings(f'plugins=["{tmp_path}"]', f'instructions.recipes=["talk", "{NAME}"]'))

    assert made["instructions"] == []
    assert made.calls == 0
    assert {one for _, one in made.refused} == {reason}
