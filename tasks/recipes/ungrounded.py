"""The paper's ablation: a message written after other messages only, with no document.

Paper: SynthQuestions (arXiv 2506.03968), ablation "no grounding". `instructions.grounded = false` puts it in the place
of `attributed_grounding`: the documents then only say how many messages are written, one for each, and no row claims to
come from one.
"""

from collections.abc import Sequence
from typing import Any

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.program import Ask, Made, ours
from wellspring.tasks.contracts.prompting import Row, fenced, language
from wellspring.tasks.contracts.settings import DemonstratedSettings
from wellspring.tasks.recipes.attributed_grounding import CRITERIA
from wellspring.tasks.recipes.scene import Compositions

SYSTEM = ""
PAPER = "SynthQuestions, arXiv 2506.03968, ablation without grounding"
VERSION = 4
TAKES = "documents"
MAKES = ("instructions",)
ROLES = ("generator",)
MAY = frozenset({"leave_page"})
Knobs = DemonstratedSettings


class Ungrounded(Answered):
    """One more message, of a person who is named by no page."""

    FIRST = ("query",)
    scene: str
    query_compositions: Compositions
    query: str
    """The message itself."""


def most_calls(knobs: Knobs) -> int:
    """One for each draw."""
    return knobs.draws


async def program(row: Row, ask: Ask) -> None:
    """Have one more message written beside those that are shown."""

    def keep(said: Ungrounded) -> Made:
        return ask.made.instruction(said, "query", scene=said.scene, composed=said.query_compositions)

    shown = await ask.demonstrations("write", fields)
    await ask.draws(ask.knobs.draws, "write", Ungrounded, keep=keep, **fields(row, shown, ask.knobs))


def fields(row: Row, shown: Sequence[Row], knobs: Knobs) -> dict[str, Any]:
    """Return what the prompt's fields hold; `row["input_id"]` tells the calls apart."""
    return {
        "criteria": ours(CRITERIA if knobs.criteria_told else ""),
        "language": ours(language(knobs.languages, "the language of the examples")),
        "demonstrations": ours("\n\n".join(fenced("example", one["text"]) for one in shown)),
        "number": int(row["input_id"][:6], 16),
    }
