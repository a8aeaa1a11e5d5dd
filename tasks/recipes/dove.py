"""Pairs of answers to different instructions: which of two messages is answered better, said in both orders.

Paper: DOVE, joint preferences (arXiv 2404.00530). A pair is (I1, R1) against (I2, R2): two instructions, each with an
answer. A judge is shown both in both orders. Where it says the same thing twice, one is better; where it does not, the
two are a tie and are dropped. The paper trains on these joint pairs and on the usual ones, of one instruction, mixed.

Ours differs. The paper takes both instructions from a dataset that is there. Here the other one is written anew, after
one that is drawn by the input's id: what a program makes of an input has to be its own, and an answer to what was drawn
belongs to another input. A tie cannot be said: two orders that differ are the only one.

    {"text": "Plan a picnic for six."} -> its answer, above the answer to "Name a bird that cannot fly."
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, Use, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing, folded
from wellspring.tasks.contracts.settings import Section

SYSTEM = "DOVE"
PAPER = "DOVE, arXiv 2404.00530: joint preferences over instruction-response pairs, in both orders"
VERSION = 1
TAKES = "instructions"
MAKES = ("instructions", "responses", "preferences")
ROLES = ("responder", "generator", "judge")
MAY = frozenset({"switch_language"})
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.dove]`."""

    others: int = Field(default=2, ge=1, le=16, description="other instructions that each one is held against")
    conditional: bool = Field(
        default=True, description="also a pair of two answers to the instruction itself; the paper mixes both kinds"
    )


class Written(Answered):
    """A message of somebody else."""

    message: str


class Better(Answered):
    """Which of two messages is answered better."""

    reason: Aside
    better: Literal["first", "second"]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """An instruction, given or made, and as a judge is shown it, with an answer."""

    of: str | Made
    asked: str
    answer: Text


def most_calls(knobs: Knobs) -> int:
    """One for each answer and each other instruction, two for each pair."""
    return 1 + 3 * knobs.conditional + 4 * knobs.others


async def program(row: Row, ask: Ask) -> None:
    """Answer the instruction and others, have the answers compared, and keep the pairs.

    Raises:
        Rejection: `too_few_draws`, nobody answered the instruction.
    """
    history = row.get("history") or ""
    answers = await ask.draws(1 + ask.knobs.conditional, "answer", Text, history=history, instruction=bare(row["text"]))
    asked = said(history, row["text"])
    own = [Side(row["input_id"], asked, answer) for answer in differing(ask.made, answers, text=lambda one: one.text)]
    if not own:
        raise Rejection("too_few_draws", f"no answer to: {row['text'][:200]}")
    drawn = await ask.drawn("instructions", ask.knobs.others, "joint")
    others = await ask.tried([_other(ask, like["text"]) for like in drawn])
    found = await ask.tried([_compared(ask, own[0], other) for other in (*filter(None, others), *own[1:])])
    _keep(ask, [pair for pair in found if pair])


async def _other(ask: Ask, like: str) -> Side:
    """Have an instruction written after one that was drawn, and answered.

    Raises:
        Rejection: `copy_of_demonstration`, it is the one that was drawn; what a check says of it.
    """
    written = await ask("write", Written, role="generator", example=like)
    if folded(written.message) == folded(like):
        raise Rejection("copy_of_demonstration", f"it is what was drawn: {like[:200]}")
    made = ask.made.instruction(written, "message")
    return Side(made, made.text, await ask("answer", Text, instruction=bare(made.text)))


async def _compared(ask: Ask, one: Side, other: Side) -> tuple[Side, Side]:
    """Return the two, the better first.

    Raises:
        Rejection: `inconsistent_pair`: the judge says otherwise when they change places.
    """
    there, back = await ask.each([_told(ask, one, other), _told(ask, other, one)])
    if there.better == back.better:
        raise Rejection("inconsistent_pair", f"the {there.better} is better in both orders: {there.reason[:200]}")
    return (one, other) if there.better == "first" else (other, one)


async def _told(ask: Ask, first: Side, second: Side) -> Better:
    return await ask(
        "compare",
        Better,
        role="judge",
        first_message=first.asked,
        first_answer=first.answer.text,
        second_message=second.asked,
        second_answer=second.answer.text,
    )


def _keep(ask: Ask, pairs: Sequence[tuple[Side, Side]]) -> None:
    """Make each answer once, and its pairs: one that never lost is exported alone, too."""
    won, lost = {better for better, _ in pairs}, {worse for _, worse in pairs}
    made: dict[Side, Made | None] = {}
    for side in dict.fromkeys(side for pair in pairs for side in pair):
        use: Use = "answer" if side not in lost else "draw" if side in won else "rejected"
        made[side] = ask.made.answer(side.answer, side.of, use=use)
    for better, worse in pairs:
        if (chosen := made[better]) and (rejected := made[worse]):
            ask.made.pair(chosen, rejected, "verified")
