"""Instructions and answers whose text a program puts together, or takes from its input."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import instruction_store
from tests.program_runs import ABOVE, of_program, read, run_program
from wellspring.tasks import instructions
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

PROGRAM = """
from wellspring.tasks.contracts.answers import Text

SYSTEM, PAPER, VERSION = "Composed", "a test", 1
TAKES, MAKES, ROLES, MAY = "seeds", ("instructions",), ("generator",), frozenset({"resemble"})


def most_calls(knobs):
    return 1


async def program(row, ask):
    said = await ask("demand", Text, query=row["text"])
    for more in ("Answer in one line.", "Answer in two lines."):
        ask.made.instruction(said, text=f"{row['text']} {said.text} {more}")
"""
PROMPTS = """
# demand
## user
Write one demand that an answer to this question must keep to.

$query
## examples
```text
Use no digits.
```
```text
Name a source.
```
"""


@pytest.mark.usefixtures("unaudited")
def test_one_answer_can_stand_in_several_instructions_that_a_program_puts_together(
    start: Callable[[Settings], AbstractContextManager[Run]], settings: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "composed.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "composed.md").write_text(PROMPTS, encoding="utf-8")

    made = run_program("composed", start, settings(*of_program("composed"), f'plugins=["{tmp_path}"]'))

    ends = sorted(row["text"].split("? ")[1] for row in made["instructions"])
    assert len(ends) == len({row["instruction_id"] for row in made["instructions"]}) == 12
    assert {end.split(". ", 1)[1] for end in ends} == {"Answer in one line.", "Answer in two lines."}
    assert {end.split(". ", 1)[0] for end in ends} <= {"Use no digits", "Name a source"}


REPEATS = """
from wellspring.tasks.contracts.answers import Text

SYSTEM, PAPER, VERSION = "Repeated", "a test", 1
TAKES, MAKES, ROLES, MAY = "seeds", ("instructions", "responses"), ("generator",), frozenset({"resemble", "repeat"})


def most_calls(knobs):
    return 1


async def program(row, ask):
    said = await ask("demand", Text, query=row["text"])
    made = ask.made.instruction(said, text=row["text"], parents=[row["input_id"]])
    for text in ("", " Ask the \u00f1andu. ", "<answer 0123456789ab>"):
        ask.made.answer(said, made, text=text, model="given" if text else "", use="rejected" if text else "answer")
"""


@pytest.mark.usefixtures("unaudited")
@pytest.mark.parametrize("may", ['"resemble", "repeat"', '"resemble"'])
def test_a_program_that_may_gives_a_seed_as_it_stands_answers_of_a_model_and_of_nobody(
    start: Callable[[Settings], AbstractContextManager[Run]],
    settings: Callable[..., Settings],
    tmp_path: Path,
    may: str,
) -> None:
    (tmp_path / "repeated.py").write_text(REPEATS.replace('"resemble", "repeat"', may), encoding="utf-8")
    (tmp_path / "repeated.md").write_text(PROMPTS, encoding="utf-8")

    made = run_program("repeated", start, settings(*of_program("repeated"), f'plugins=["{tmp_path}"]'))

    if "repeat" not in may:
        assert made["instructions"] == made["responses"] == []
        assert {reason for _, reason in made.refused} == {"copy_of_demonstration"}
        return
    assert all(row["text"].startswith("What should I know about ") for row in made["instructions"])
    assert len(made["instructions"]) == 6
    said = {(row["text"], row["use"], row["model"]) for row in made["responses"]}
    assert {one for one in said if one[2] == "given"} == {("Ask the \u00f1andu.", "rejected", "given")}
    assert {text for text, use, _ in said if use == "answer"} <= {"Use no digits.", "Name a source."}
    assert [reason for _, reason in made.refused] == ["repeats_prompt"] * 6


@pytest.mark.usefixtures("unaudited")
def test_two_programs_may_repeat_one_seed_and_nobody_who_was_asked_wrote_it(
    start: Callable[[Settings], AbstractContextManager[Run]], settings: Callable[..., Settings], tmp_path: Path
) -> None:
    names = ("repeated", "repeated_too")
    for name in names:
        (tmp_path / f"{name}.py").write_text(REPEATS, encoding="utf-8")
        (tmp_path / f"{name}.md").write_text(PROMPTS, encoding="utf-8")
    recipes = f'instructions.recipes=["{ABOVE}", "{names[0]}", "{names[1]}"]'
    more = ("instructions.max_pool_cosine=0.8", f'plugins=["{tmp_path}"]')
    with start(settings(*of_program(ABOVE), recipes, *more)) as run:
        instruction_store.fill(run, 6)
        receipt = instructions.synthesize(run)
        made = [read(run, name, receipt)["instructions"] for name in names]
        wrote = dict(run.store._connection.execute("SELECT instruction_id, model FROM lineage_writers").fetchall())

    repeated = {row["instruction_id"] for rows in made for row in rows}
    assert [len(rows) for rows in made] == [6, 6]
    assert {name for name, model in wrote.items() if model == "given"} == repeated
    assert len(wrote) > 12
