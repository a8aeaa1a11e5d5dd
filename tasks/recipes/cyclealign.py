"""Several answers, ranked by two models in turns until they agree; the order that both give becomes pairs.

Paper: CycleAlign (arXiv 2310.16271). Answers to one instruction are ranked by a black-box model, which is shown an
example of a ranking, and by a white-box model, by how likely it holds them. What both orders have in common is the
pseudo-label: it is shown to the black-box model as a further example, and both rank again, for some cycles.

Ours differs. The white-box model is asked for its order like the other one: its probabilities are not given here. It
is not trained between cycles; run again with the trained model in the role `generator`. What is in common is the
longest run of answers, not all next to each other, that stand in the same order in both. The answers change places
from cycle to cycle. A full agreement ends the cycles. The paper's numbers of answers and cycles are from memory.

    {"text": "Plan a picnic for six."} -> its third answer above its first, and both above its second
"""

from collections.abc import Sequence
from itertools import combinations

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, Use, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "CycleAlign"
PAPER = "CycleAlign, arXiv 2310.16271: rankings of a black-box and a white-box model, kept where they agree"
VERSION = 1
TAKES = "instructions"
MAKES = ("responses", "preferences", "notes")
ROLES = ("judge", "generator", "responder")
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.cyclealign]`."""

    answers: int = Field(default=4, ge=2, le=8, description="answers that are ranked; the paper has about as many")
    cycles: int = Field(default=3, ge=1, le=8, description="times that both models rank; the paper has 5")
    least: int = Field(default=2, ge=2, le=8, description="answers that both must have in the same order")


class Ranking(Answered):
    """Numbers of answers, the best first."""

    reason: Aside
    order: list[int]


def most_calls(knobs: Knobs) -> int:
    """One for each answer, and two for each cycle."""
    return knobs.answers + 2 * knobs.cycles


async def program(row: Row, ask: Ask) -> None:
    """Have answers ranked by both models until they agree, and keep what they agree on.

    Raises:
        Rejection: `too_few_draws`; `undecided`, the orders have too little in common.
    """
    history = row.get("history") or ""
    given = await ask.draws(
        ask.knobs.answers, "answer", Text, role="responder", history=history, instruction=bare(row["text"])
    )
    answers = differing(ask.made, given, text=lambda one: one.text)
    if len(answers) < ask.knobs.least:
        raise Rejection("too_few_draws", f"{len(answers)} different answers to: {row['text'][:200]}")
    cycled = await _cycled(ask, row["input_id"], said(history, row["text"]), answers)
    if cycled is None or len(cycled[0]) < ask.knobs.least:
        raise Rejection("undecided", f"no {ask.knobs.least} of {len(answers)} answers have the same order in both")
    agreed, by = cycled
    ask.made.note("ranking", {"order": [answers.index(one) + 1 for one in agreed], "of": len(answers)}, by)
    _keep(ask, row["input_id"], agreed)


async def _cycled(
    ask: Ask, input_id: str, asked: str, answers: Sequence[Text]
) -> tuple[Sequence[Text], Ranking] | None:
    """Return the longest order that both gave in one cycle, with the judge's ranking; None where there was none."""
    best: tuple[Sequence[Text], Ranking] | None = None
    first = int(input_id[:8], 16)
    for cycle in range(ask.knobs.cycles):
        place = (first + cycle) % len(answers)
        shown = [*answers[place:], *answers[:place]]
        agreed = [one.text for one in best[0]] if best else []
        [found] = await ask.tried([_ranked(ask, first, asked, shown, agreed)])
        if found and (best is None or len(found[0]) > len(best[0])):
            best = found
        if best and len(best[0]) == len(answers):
            break
    return best


async def _ranked(
    ask: Ask, first: int, asked: str, shown: Sequence[Text], agreed: Sequence[str]
) -> tuple[Sequence[Text], Ranking]:
    """Have both models rank the answers as they are shown; return what their orders have in common."""
    numbered = [f"{number}: {one.text}" for number, one in enumerate(shown, start=1)]
    example = ask.own[first % len(ask.own)]
    kept = list(agreed) or ["nothing so far"]
    black, white = await ask.each([
        ask("rank", Ranking, instruction=asked, answers=numbered, example=example["example"], agreed=kept),
        ask("weigh", Ranking, role="generator", instruction=asked, answers=numbered),
    ])  # fmt: skip
    orders = [_order(one, len(shown)) for one in (black, white)]
    return [shown[number - 1] for number in in_common(*orders)], black


def _order(ranking: Ranking, number: int) -> list[int]:
    """Return an order.

    Raises:
        Rejection: `not_compared`: a number is missing, there twice, or of no answer.
    """
    if sorted(ranking.order) != list(range(1, number + 1)):
        raise Rejection("not_compared", f"no order of {number} answers: {str(ranking.order)[:100]}")
    return ranking.order


def in_common(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Return the longest sequence that stands in both orders, though not all of it in a row; the first of several."""
    place = {number: at for at, number in enumerate(other)}
    for size in range(len(one), 0, -1):
        for some in combinations(one, size):
            if sorted(some, key=place.__getitem__) == [*some]:
                return [*some]
    return []


def _keep(ask: Ask, input_id: str, agreed: Sequence[Text]) -> None:
    """Make each answer of an order, and a pair of each two; the margin says by how many places they differ."""
    uses: list[Use] = ["answer", *["draw" for _ in agreed[2:]], "rejected"]
    made: list[Made | None] = [ask.made.answer(one, input_id, use=use) for one, use in zip(agreed, uses, strict=True)]
    for better, worse in combinations(range(len(made)), 2):
        if (chosen := made[better]) and (rejected := made[worse]):
            ask.made.pair(chosen, rejected, "verified", margin=worse - better)
