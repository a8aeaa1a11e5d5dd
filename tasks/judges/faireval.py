"""Two answers marked 1 to 10 side by side, several times and in both orders; where the judge wavers, people are asked.

Paper: FairEval (arXiv 2305.17926). Multiple evidence: the judge writes its evidence before its two marks, k times at
temperature 1. Balanced position: all of it again with the answers in the other order, and the marks are averaged over
both. Human in the loop: of the 2k results (won, lost, tie) the entropy is taken, and the items where it is highest go
to people. Swapping the order alone let a weak model win 66 of 80.

Ours differs. A draw that cannot be read is left out, and where an order has none the meeting is refused; the paper's
code divides by zero. People are asked where the entropy is above a bound, and not for a share of the items, since an
item here does not see the others: their meeting is a note of kind `for_people`, and makes no pair. Every two answers of
an instruction meet, and an answer's total is the mean of its marks.

    8, 7, 8 before 6 and 8, 8, 7 after 7, 6, 6 -> 7.67 and 6.33: the first is better in all six, entropy 0
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.rivals import Rival, meetings
from wellspring.tasks.contracts.settings import Section

SYSTEM = "FairEval"
PAPER = "FairEval, arXiv 2305.17926"
VERSION = 1
TAKES = "answered"
MAKES = ("scores", "preferences", "notes")
ROLES = ("judge",)
BEST = 10
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.faireval]`."""

    answers: int = Field(default=4, ge=2, le=8, description="the most answers of an instruction that meet, each other")
    draws: int = Field(default=3, ge=1, le=8, description="judgements in each order; 3 in the paper")
    entropy: float = Field(
        default=0.65,
        ge=0,
        description="above it people are asked: 4 alike of 6 give 0.64, 3 give 0.69; 1.1 is most",
    )


class Judgement(Answered):
    """The marks of two answers, by the order in which they were shown."""

    evidence: Aside
    first: float = Field(ge=1, le=10)
    second: float = Field(ge=1, le=10)


@dataclass(frozen=True, slots=True)
class Balanced:
    """The marks of two answers over both orders, and how much the results waver."""

    marks: tuple[float, float]
    entropy: float
    of: Judgement


def most_calls(knobs: Knobs) -> int:
    """All draws in both orders for every two answers."""
    return knobs.draws * knobs.answers * (knobs.answers - 1)


async def program(row: Row, ask: Ask) -> None:
    """Have every two answers marked side by side; keep the mean marks, and a pair where the judge does not waver.

    Raises:
        Rejection: `too_few_draws`, no meeting was judged in both orders.
    """
    met = meetings(row, ask, ask.knobs.answers, "faireval")
    marks = defaultdict[str, list[float]](list)
    for two, found in zip(met, await ask.tried([_met(ask, row, *two) for two in met]), strict=True):
        if found is None:
            continue
        for rival, mark in zip(two, found.marks, strict=True):
            marks[rival.id].append(mark)
        _pair(ask, two, found)
    if met and not marks:
        raise Rejection("too_few_draws", f"{len(met)} meetings, of which none was judged in both orders")
    for rival_id, given in marks.items():
        ask.made.score(rival_id, TOTAL, fmean(given), f"mean of {len(given)} meetings")


def _pair(ask: Ask, two: tuple[Rival, Rival], found: Balanced) -> None:
    """Make the pair of a meeting, or say why there is none."""
    margin = found.marks[0] - found.marks[1]
    between = f"{two[0].model} has {found.marks[0]:.2f}, {two[1].model} {found.marks[1]:.2f}"
    if found.entropy > ask.knobs.entropy:
        ids = [rival.id for rival in two]
        ask.made.note("for_people", {"answers": ids, "marks": found.marks, "entropy": found.entropy}, found.of)
        ask.made.refused("undecided", f"{between}: the entropy is {found.entropy:.2f}, so people are to decide")
    elif not margin:
        ask.made.refused("margin_too_small", between)
    else:
        won, lost = two if margin > 0 else two[::-1]
        ask.made.pair(won.id, lost.id, "verified", margin=abs(margin))


async def _met(ask: Ask, row: Row, one: Rival, other: Rival) -> Balanced:
    """Judge two answers in both orders.

    Raises:
        Rejection: `too_few_draws`, an order has no draw that can be read.
    """
    orders = await ask.each([_drawn(ask, row, one, other), _drawn(ask, row, other, one)])
    if not all(orders):
        raise Rejection("too_few_draws", f"{one.model} and {other.model}: an order has no judgement")
    given = [[(it.first, it.second) for it in orders[0]], [(it.second, it.first) for it in orders[1]]]
    marks = [fmean(fmean(marks[side] for marks in order) for order in given) for side in (0, 1)]
    results = [(one > other) - (one < other) for order in given for one, other in order]
    return Balanced((marks[0], marks[1]), entropy(results), orders[0][0])


async def _drawn(ask: Ask, row: Row, first: Rival, second: Rival) -> list[Judgement]:
    asked = said(row["history"] or "", row["text"])
    shown: dict[str, Any] = {"instruction": asked, "first": first.text, "second": second.text}
    return await ask.draws(ask.knobs.draws, "mark", Judgement, temperature=1.0, **shown)


def entropy(results: Sequence[int]) -> float:
    """Return how much results waver, in nats: 0 where all are the same, log 3 where each of three comes as often."""
    shares = [count / len(results) for count in Counter(results).values()]
    return sum(share * math.log(1 / share) for share in shares)
