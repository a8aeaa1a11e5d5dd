"""A document becomes the message of someone to whom its matter is a problem.

Paper: SynthQuestions (arXiv 2506.03968), synthesis: thought, scene, query compositions and query in one call, with
demonstrations drawn from attributed seeds. Ours differs: the judge's criteria are told only when the profile says so
(the paper always tells them, so its score measures compliance), the JSON form shown is valid, documents are cut by
tokens, and everything that is not ours stands behind fences.

    {"text": "Compound growth. An amount P that grows ...", "demonstrations": [{"document_text", "scene", "text", ...}]}
    -> {"text": "Two savings plans: A pays 3.1 % ...", "scene": ..., "ability": ..., ...}
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.program import Ask, Made, ours
from wellspring.tasks.contracts.prompting import Row, fenced, language
from wellspring.tasks.contracts.settings import DemonstratedSettings
from wellspring.tasks.recipes.scene import Compositions

SYSTEM = "SynthQuestions"
PAPER = "SynthQuestions, arXiv 2506.03968, step C"
VERSION = 4
TAKES = "documents"
MAKES = ("instructions",)
ROLES = ("generator",)
Knobs = DemonstratedSettings
THOUGHT = (
    "Who works with the matter of this page has to {ability}. That asks for {knowledge}, which is where it gets hard. "
    "What would settle it is {output}."
)
CRITERIA = """
The message will be judged by these questions; meet as many as the scene allows.

- Does it ask for something definite?
- Does the answer need knowledge of a field?
- Does it have several parts or limits that bear on each other?
- Does it need a problem to be solved, and not only facts?
- Does it leave room for an original answer?
- Does it demand that technical detail is right?
- Does it come from something that people really do?
"""


class Grounded(Answered):
    """The message of someone to whom the matter of a page is a problem."""

    FIRST = ("query",)
    thought: Aside
    scene: str
    """Who writes, and why."""
    query_compositions: Compositions
    query: str
    """The message itself."""


def most_calls(knobs: Knobs) -> int:
    """One for each draw."""
    return knobs.draws


async def program(row: Row, ask: Ask) -> None:
    """Have the message of someone written to whom the matter of the page is a problem."""

    def keep(said: Grounded) -> Made:
        return ask.made.instruction(said, "query", scene=said.scene, composed=said.query_compositions)

    shown = await ask.demonstrations("write", fields)
    await ask.draws(ask.knobs.draws, "write", Grounded, keep=keep, **fields(row, shown, ask.knobs))


def fields(row: Row, shown: Sequence[Row], knobs: Knobs) -> dict[str, Any]:
    """Return what the prompt's fields hold.

    Args:
        row: `text` and `title` of the document, cut to its budget.
        shown: Groundings with their seed's `text` and their document's `document_text`.
        knobs: Of them what the message is checked by is told, too: its languages, the words of its own that go with a
            passage.
    """
    return {
        "criteria": ours(CRITERIA if knobs.criteria_told else ""),
        "own_words": knobs.min_own_words,
        "language": ours(language(knobs.languages, "the language of the page")),
        "demonstrations": ours("".join(_example(number, one) for number, one in enumerate(shown, start=1))),
        "document": f"{row['title']}\n\n{row['text']}" if row["title"] else row["text"],
    }


def _example(number: int, shown: Row) -> str:
    parts = tuple((name, shown[name]) for name in Compositions.model_fields)
    return f"Example {number}. Its page:\n\n{_of(shown['document_text'], shown['scene'], parts, shown['text'])}\n\n"


@lru_cache(maxsize=512)  # a few pages are shown beside all others
def _of(page: str, scene: str, parts: tuple[tuple[str, str], ...], query: str) -> str:
    named = dict(parts)
    answer = {"thought": THOUGHT.format(**named), "scene": scene, "query_compositions": named, "query": query}
    written = fenced("example_answer", json.dumps(answer, ensure_ascii=False))
    return f"{fenced('example_page', page)}\n\n{written}"
