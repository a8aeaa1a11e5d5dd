"""An answer to a task that has a rubric, marked by its items: the share of their weights that it reaches.

Beside the papers. The marker is asked just what the task's verifier asks one (`contracts/rubric_answers.py`): so a mark
here is the partial credit that the exported task gives.

    [["It names the lake.", 3], ["It says when.", 1]] and an answer that names the lake -> 0.75
"""

import json
from typing import Any

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.rubric_answers import FORM, asked_of_marker, share

SYSTEM = ""
PAPER = "beside the papers: answers marked by the weighted items of a rubric"
VERSION = 1
TAKES = "rubrics"
MAKES = ("scores",)
ROLES = ("judge",)
REAL_MODEL = ""
BEST = 1


def most_calls(_: object) -> int:
    """One for each answer."""
    return 1


async def program(row: Row, ask: Ask) -> None:
    """Mark an answer.

    Raises:
        Rejection: `incomplete_answer`, the marker names no items.
    """
    items: list[Any] = json.loads(row["rubric"])
    prompt = asked_of_marker(row["question"], items, row["response"])
    said = await ask("mark", Text, prompt=bare(prompt.removesuffix(FORM)))
    found = share(said.text, items)
    if found is None:
        raise Rejection("incomplete_answer", said.text[:200])
    ask.made.score(row["input_id"], TOTAL, found, said.text, said)
