"""How complex an instruction is and how good its answer, each ranked and scored among harder or better versions of it.

Paper: Deita (arXiv 2312.15685). Evol-complexity: an instruction is made more complex five times, each time from the one
before, and a model ranks and scores all six versions together, from 1 to 6. Evol-quality: an answer is made better five
times, and all six are ranked and scored together. Side by side small differences are seen that single scores miss. A
model that is trained on these scores marks the whole pool; what is chosen by is complexity times quality.

Ours differs. No model is trained: each answer is scored in this way itself. The notes of kind `ranking` hold all
versions with their scores, which is what a scorer can be trained on. Versions are shown in an order that a hash of
their texts decides, for in the paper the place tells which is the latest. A score that is missing is a refusal; the
paper's code takes 3.0. A version that says what one before says falls away. Of the turns before an instruction the last
one alone is evolved.

    "Name three fish." among harder ones 1, "Cod, eel, carp." among better ones 4 -> 4
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.sameness import folded
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Deita"
PAPER = "Deita, arXiv 2312.15685"
VERSION = 1
TAKES = "responses"
MAKES = ("scores", "notes")
ROLES = ("judge",)
REAL_MODEL = ""
LEAST_VERSIONS = 3  # that make a ranking, the first among them

Scored = Literal["complexity", "quality"]


class Knobs(Section):
    """What a profile can set under `[recipes.deita]`."""

    versions: int = Field(default=5, ge=2, le=5, description="evolved versions of each text; 5 in the paper")


class Mark(Answered):
    """The score of one version, by its number."""

    number: int
    why: Aside
    score: int = Field(ge=1, le=6)


class Ranking(Answered):
    """The scores of all versions."""

    marks: list[Mark] = Field(min_length=1, max_length=16)


def most_calls(knobs: Knobs) -> int:
    """The versions of both texts, and a ranking of each."""
    return 2 * (knobs.versions + 1)


async def program(row: Row, ask: Ask) -> None:
    """Score the instruction among more complex ones, and the answer among better ones.

    Raises:
        Rejection: `too_few_draws`, fewer than three versions differ; `incomplete_answer`, a version has no score.
    """
    complexity, quality = await ask.each(
        [_scored(ask, row, "complexity", row["instruction"]), _scored(ask, row, "quality", row["response"])]
    )
    ask.made.score(row["input_id"], TOTAL, complexity * quality, "complexity times quality")


async def _scored(ask: Ask, row: Row, scored: Scored, text: str) -> int:
    """Return the score of a text among versions of it that a model made."""
    asked = dict[str, Any]()
    if scored == "quality":
        asked["instruction"] = said(row["history"] or "", row["instruction"])
    versions = [text]
    for way in [one["way"] for one in ask.own if one["of"] == scored][: ask.knobs.versions]:
        [version] = await ask.tried([_evolved(ask, scored, way, versions, asked)])
        versions += [version] if version else []
    if len(versions) < LEAST_VERSIONS:
        raise Rejection("too_few_draws", f"{len(versions)} versions for {scored}: {text[:200]}")
    shown = shuffled(versions)
    ranking = await ask(f"rank_{scored}", Ranking, versions=numbered(shown), **asked)
    scores = given(ranking.marks, len(shown))
    ask.made.note("ranking", {"of": scored, "scores": list(zip(shown, scores, strict=True))}, ranking)
    score = scores[shown.index(text)]
    ask.made.score(row["input_id"], scored, score, f"among {len(shown)} versions", ranking)
    return score


async def _evolved(ask: Ask, scored: Scored, way: str, before: Sequence[str], asked: dict[str, Any]) -> str:
    """Return the next version.

    Raises:
        Rejection: `cut_off`; `same_text`, it was there before.
    """
    version = await ask(f"evolve_{scored}", Text, text=before[-1], way=ours(way), **asked)
    if ask.is_cut(version):
        raise Rejection("cut_off", version.text[:200])
    if folded(version.text) in {folded(one) for one in before}:
        raise Rejection("same_text", f"it was there before: {version.text[:200]}")
    return version.text


def shuffled(versions: Sequence[str]) -> list[str]:
    """Return texts in an order that tells nothing of how they came about."""
    return sorted(versions, key=lambda text: content_id("version", text))


def numbered(versions: Sequence[str]) -> list[str]:
    """Return texts as they are shown, each with its number."""
    return [f"Number {number}:\n\n{text}" for number, text in enumerate(versions, start=1)]


def given(marks: Sequence[Mark], number: int) -> list[int]:
    """Return the scores in the order of numbers.

    Raises:
        Rejection: `incomplete_answer`, they are not one for each.
    """
    if sorted(mark.number for mark in marks) != list(range(1, number + 1)):
        raise Rejection("incomplete_answer", f"scores for {[mark.number for mark in marks]}, and not for 1 to {number}")
    return [mark.score for mark in sorted(marks, key=lambda mark: mark.number)]
