"""New tasks in the manner of a few that were drawn by lot: the baseline that other recipes must beat.

Paper: Self-Instruct (arXiv 2212.10560), as BioInstruct (arXiv 2310.19975) has it. Three tasks of people are drawn by
lot and shown; a model writes a list of new tasks, each with an input where it needs one. Tasks about what a text model
cannot see, and tasks that are there already, are left out. The filter by ROUGE-L against the whole pool is the house's.

Ours differs. What is drawn are seeds alone: in Self-Instruct two of eight examples were made before. A call is tied to
an input, whose text is not shown: it gives the lot and the language. The answers are written where those of other
recipes are, in the stage `responses`, so that the recipes are compared and not those who answer. Self-Instruct has a
task classified first, and then answered by the same model; BioInstruct has the output in the list. Self-Instruct leaves
out every task that names a picture or a graph; ours only one that points at one (`the picture`), or has one drawn.

    three seeds -> {"tasks": [{"instruction": "Sort these words by length.", "input": "pear, fig, banana"}, ...]}
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Read
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, ours
from wellspring.tasks.contracts.prompting import Row, Template, language
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "BioInstruct / Self-Instruct"
PAPER = "Self-Instruct, arXiv 2212.10560; BioInstruct, arXiv 2310.19975"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions",)
ROLES = ("generator",)
REAL_MODEL = "SmolLM2 of 135M parameters, 1 input: 4 rows of 5, none that a person would ask"

_UNSEEN = re.compile(
    r"\b(?:(?:this|that|these|those|the|following|attached|given)\s+(?:images?|pictures?|photos?|graphs?|plots?|diagrams?"
    r"|charts?|videos?|recordings?|audio)|attachments?|draw)\b",
    re.IGNORECASE,
)


class Knobs(Section):
    """What a profile can set under `[recipes.self_instruct]`."""

    calls: int = Field(default=2, ge=1, le=32, description="lists that are asked for, each with seeds of its own")
    seeds: int = Field(default=3, ge=1, le=8, description="seeds that are shown; Self-Instruct shows 8 tasks")
    tasks: int = Field(default=6, ge=1, le=20, description="new tasks in a list")


def _text(said: Mapping[str, Any], name: str, _: Template | None) -> str:
    return str(said.get(name) or "").strip()


Input = Annotated[str, Read(_text, is_needed=False)]  # models write "", null, or leave it out where there is none


class Task(Answered):
    """A task; its input is the text or the data that it is about, or nothing."""

    instruction: str
    input: Input


class Tasks(Answered):
    """New tasks."""

    tasks: Annotated[list[Task], Field(min_length=1, max_length=20)]


def most_calls(knobs: Knobs) -> int:
    """One for each list."""
    return knobs.calls


async def program(row: Row, ask: Ask) -> None:
    """Have lists of new tasks written, and keep each task that is in none of the lists before."""
    lists = await ask.tried([_tasks(row, ask, number) for number in range(ask.knobs.calls)])
    texts = [(said, _whole(task)) for said in lists if said for task in said.tasks[: ask.knobs.tasks]]
    new = differing(ask.made, texts, text=lambda one: one[1])
    await ask.tried([_kept(ask, said, text) for said, text in new])


def _whole(task: Task) -> str:
    return f"{task.instruction}\n\n{task.input}" if task.input else task.instruction


async def _tasks(row: Row, ask: Ask, number: int) -> Tasks:
    """Ask for a list beside seeds that no other list was asked for with.

    Raises:
        Rejection: `no_neighbours`, there is no other seed.
    """
    shown = await ask.drawn("seeds", ask.knobs.seeds, str(number))
    if not shown:
        raise Rejection("no_neighbours", "there is no other seed to draw")
    known = row["language"] if row["language"] not in {None, "und"} else ""
    wanted = ours(language([known] if known else [], "the language of the tasks above"))
    return await ask("tasks", Tasks, tasks=[one["text"] for one in shown], number=ask.knobs.tasks, language=wanted)


async def _kept(ask: Ask, said: Tasks, text: str) -> None:
    """Make a task.

    Raises:
        Rejection: `unsupported`, it is about what a text model cannot see; what the checks of an instruction refuse.
    """
    if found := _UNSEEN.search(text):
        raise Rejection("unsupported", f"`{found.group()}` in: {text[:200]}")
    ask.made.instruction(said, text=text)
