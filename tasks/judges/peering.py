"""Answers rated one by one and ranked two by two, each kept apart; a pair is made only where both say the same.

Paper: Peering Through Preferences. Feedback is collected in two forms: a rating of each answer alone, from 1 to 7, and
a ranking of each two. Turned into preferences, ratings and rankings disagree in about 60% of the cases: who rates
rewards density, who compares rewards accuracy. A reward model is then best on feedback of its own form.

Ours differs. We know the paper from a short note and from memory, the scale of 7 too. All feedback is a model's, where
the paper has people beside it. Each two answers are ranked in both orders; if the orders disagree they count as equal.
Ratings and rankings are scores of their own (`rating`, `ranking`: the share of its comparisons that an answer won).
Neither is turned into the other: the total is the rating alone, and so is a pair's margin. A pair is made where both
name the same answer; each disagreement is a refusal, so it is counted.

    rated 6 and 4, the first ranked above the second -> a pair; rated 6 and 6, the first above -> a disagreement
"""

import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any, Literal, NamedTuple

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Peering Through Preferences"
PAPER = "Peering Through Preferences: ratings and rankings, their agreement; no reward model"
VERSION = 1
TAKES = "answered"
MAKES = ("scores", "preferences", "notes")
ROLES = ("judge",)
REAL_MODEL = ""
BEST = 7


class Knobs(Section):
    """What a profile can set under `[recipes.peering]`."""

    answers: int = Field(
        default=5, ge=2, le=12, description="most answers of an instruction that are rated and ranked, drawn by lot"
    )


class Rating(Answered):
    """How good one answer is, seen alone."""

    reason: Aside
    rating: int = Field(ge=1, le=7)


class Ranking(Answered):
    """Which of two answers is better, seen beside each other."""

    reason: Aside
    better: Literal["first", "second", "equal"]


class Rated(NamedTuple):
    """An answer and its rating."""

    id: str
    text: str
    rating: Rating


def most_calls(knobs: Knobs) -> int:
    """One for each answer, two for each two of them."""
    return knobs.answers + knobs.answers * (knobs.answers - 1)


async def program(row: Row, ask: Ask) -> None:
    """Rate the answers, rank them, and pair those on which both agree.

    Raises:
        Rejection: `too_few_answers`, fewer than two are rated.
    """
    asked = said(row["history"] or "", row["text"])
    answers = sorted(json.loads(row["answers"]), key=lambda one: content_id("lot", row["input_id"], one["response_id"]))
    rated = await ask.tried([_rated(ask, asked, one) for one in answers[: ask.knobs.answers]])
    known = [one for one in rated if one]
    if len({one.text for one in known}) < 2:  # noqa: PLR2004 - two sides
        raise Rejection("too_few_answers", f"{len(answers)} answers, of which {len(known)} are rated")
    sides = [pair for pair in combinations(known, 2) if pair[0].text != pair[1].text]
    ranked = await ask.tried([_ranked(ask, asked, *pair) for pair in sides])
    found = [(*pair, rank) for pair, rank in zip(sides, ranked, strict=True) if rank is not None]
    for one in known:
        ask.made.score(one.id, "rating", one.rating.rating, one.rating.reason, one.rating)
        ask.made.score(one.id, TOTAL, one.rating.rating, "the rating", one.rating)
        won = [rank == (1 if one is first else -1) for first, second, rank in found if one in {first, second}]
        if won:
            ask.made.score(one.id, "ranking", sum(won) / len(won), f"won {sum(won)} of {len(won)} comparisons")
    agreed = sum(_paired(ask, *compared) for compared in found)
    ask.made.note("feedback", {"compared": len(found), "agreed": agreed}, known[0].rating)


async def _rated(ask: Ask, asked: str, answer: dict[str, Any]) -> Rated:
    rating = await ask("rate", Rating, instruction=asked, answer=answer["text"])
    return Rated(answer["response_id"], answer["text"], rating)


async def _ranked(ask: Ask, asked: str, one: Rated, other: Rated) -> int:
    """Return 1 where the first is better in both orders, -1 where the second is, else 0."""
    orders: Sequence[tuple[str, str]] = ((one.text, other.text), (other.text, one.text))
    said = await ask.each([ask("rank", Ranking, instruction=asked, first=a, second=b) for a, b in orders])
    return {("first", "second"): 1, ("second", "first"): -1}.get((said[0].better, said[1].better), 0)


def _paired(ask: Ask, one: Rated, other: Rated, rank: int) -> bool:
    """Make the pair on which rating and ranking agree; returns whether they do, be it that both are equal."""
    margin = one.rating.rating - other.rating.rating
    if (margin > 0) - (margin < 0) != rank:
        ask.made.refused("rating_and_ranking_differ", f"rated {margin:+} and ranked {rank:+}: {one.id}, {other.id}")
        return False
    if rank:
        better, worse = (one, other) if rank > 0 else (other, one)
        ask.made.pair(better.id, worse.id, "verified", margin=abs(margin))
    return True
