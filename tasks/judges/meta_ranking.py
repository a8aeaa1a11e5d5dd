"""Whether an answer is right, by comparing it with answers to other questions of which that is known.

Paper: Meta Ranking (arXiv 2402.12146). A weak model judges poorly whether an answer is right, and better which of two
question-answer pairs is the better answered one. So the pair is compared with N = 5 reference pairs whose answers are
known to be right or wrong, across different questions, and the comparisons vote. The verdict filters data, or says
which answers a stronger model should give.

Ours differs. The reference pairs are our own (`meta_ranking.jsonl`); a hash of the answer draws them, so that right and
wrong ones take turns, and none has the question that is judged. The paper does not print its formula of votes. Here a
comparison with a right answer votes for it unless it is worse, and one with a wrong answer votes against it unless it
is better. Each is asked in both orders, which the paper does not: one that follows the order is a tie and votes as
such. Without a majority the verdict is NULL. The stronger model that answers again is no part of a judge.

    not worse than two of the three right ones, and better than both wrong ones -> 4 of 5 votes: reliable, 0.8
"""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.rivals import points
from wellspring.tasks.contracts.sameness import folded
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Meta Ranking"
PAPER = "Meta Ranking, arXiv 2402.12146"
VERSION = 1
TAKES = "responses"
MAKES = ("scores", "verdicts")
ROLES = ("judge",)
BEST = 1
REAL_MODEL = ""

Reference = Mapping[str, Any]


class Knobs(Section):
    """What a profile can set under `[recipes.meta_ranking]`."""

    references: int = Field(default=5, ge=1, le=16, description="pairs that an answer is compared with; 5 in the paper")


class Compared(Answered):
    """Which of two questions is the better answered one, by the order in which they were shown."""

    evidence: Aside
    better: Literal["first", "second", "tie"]


def most_calls(knobs: Knobs) -> int:
    """Both orders of each reference."""
    return 2 * knobs.references


async def program(row: Row, ask: Ask) -> None:
    """Compare the answer with its references, and count their votes.

    Raises:
        Rejection: `not_compared`, no comparison came.
    """
    asked = said(row["history"] or "", row["instruction"])
    references = drawn(ask.own, row["input_id"], row["instruction"], ask.knobs.references)
    votes = await ask.tried([_vote(ask, asked, row["response"], one) for one in references])
    given = [vote for vote in votes if vote is not None]
    if not given:
        raise Rejection("not_compared", f"{len(references)} references, and no comparison came")
    share = sum(given) / len(given)
    detail = f"{sum(given)} of {len(given)} votes"
    ask.made.score(row["input_id"], TOTAL, share, detail)
    ask.made.verdict(row["input_id"], "reliable", passed=None if share == 0.5 else share > 0.5, detail=detail)  # noqa: PLR2004 - half


async def _vote(ask: Ask, asked: str, answer: str, reference: Reference) -> bool:
    """Whether a reference speaks for the answer."""
    pair, known = (asked, answer), (reference["question"], reference["answer"])
    verdicts = await ask.each([_compared(ask, pair, known), _compared(ask, known, pair)])
    share = points([one.better for one in verdicts])
    won = 0.5 if share is None else share
    return won > 0 if reference["is_right"] else won == 1


async def _compared(ask: Ask, one: tuple[str, str], other: tuple[str, str]) -> Compared:
    (first_question, first_answer), (second_question, second_answer) = one, other
    return await ask(
        "compare",
        Compared,
        first_question=first_question,
        first_answer=first_answer,
        second_question=second_question,
        second_answer=second_answer,
    )


def drawn(own: Sequence[Reference], input_id: str, question: str, number: int) -> list[Reference]:
    """Return the references of an answer: a right one, a wrong one, and so on; none asks what the answer answers.

    Args:
        own: All that there are.
        input_id: Of the answer; by its hash they are drawn.
        question: What it answers.
        number: How many are wanted.
    """
    others = [one for one in own if folded(one["question"]) != folded(question)]
    lots = sorted(others, key=lambda one: content_id("reference", input_id, one["question"], one["answer"]))
    sides = [[one for one in lots if one["is_right"] == is_right] for is_right in (True, False)]
    return [one for one in chain.from_iterable(zip_longest(*sides)) if one][:number]
