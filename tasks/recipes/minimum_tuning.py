"""Requests for long texts of a given length, and answers that are as long as they were asked to be.

Paper: Minimum Tuning to Unlock Long Output (arXiv 2410.10210). Of LongWriter-6k 666 rows are left, once those are
dropped whose length is not the length that was asked for, and those of one more kind. One such row stands to twenty
rows of a usual alignment set. So mixed, a model learns to write at length from few rows.

Ours differs. The long rows are made here: one input in so many, by its id, gives the matter of a request. How well a
length is kept is measured as LongWriter does, as far as we remember: 10 (100 there) where it is met, 0 at four times
the length and at a third of it. We do not know the other kind that was dropped; a request that does not say its
length, and an answer that ran out of room, are refused. Words are counted between spaces.

    {"text": "How do bees live through winter?"} -> "Write a handbook chapter of about 1000 words on wintering bees ..."
"""

import re
from typing import NamedTuple

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Minimum Tuning"
PAPER = "Minimum Tuning to Unlock Long Output, arXiv 2410.10210"
VERSION = 1
TAKES = "instructions"
MAKES = ("instructions", "responses", "preferences", "scores")
ROLES = ("generator", "responder")
MAY = frozenset({"resemble"})
REAL_MODEL = ""

TOKENS_OF_WORD = 3  # room for a word of any language, and for headings
UP, DOWN = 3.0, 2.0  # LongWriter: a text may be too long by more than it may be too short
_CHARACTERS = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


class Knobs(Section):
    """What a profile can set under `[recipes.minimum_tuning]`."""

    one_in: int = Field(default=21, ge=1, description="one input in so many gets a long row; the paper mixes 1 to 20")
    lengths: tuple[int, ...] = Field(
        default=(500, 1000, 2000), min_length=1, description="words that are asked for; the paper has 2,000 and more"
    )
    answers: int = Field(default=3, ge=1, le=16, description="answers to each request, of which the nearest is kept")
    min_score: float = Field(default=8, ge=0, le=10, description="how well the length must be kept, of 10")


class Request(Answered):
    """A request for a long text."""

    kind: Aside
    instruction: str


class Measured(NamedTuple):
    """An answer, its words, and how well it keeps the length."""

    answer: Text
    words: int
    score: float


def most_calls(knobs: Knobs) -> int:
    """One for the request, one for each answer."""
    return 1 + knobs.answers


async def program(row: Row, ask: Ask) -> None:
    """Have a long text asked for and written, where the input is one of those that the mix takes.

    Raises:
        Rejection: `not_in_mix`; `unsupported`, its language does not part words by spaces; `no_length_asked`;
            `length_missed`, no answer is as long as it was asked to be.
    """
    mark, knobs = int(row["input_id"][:8], 16), ask.knobs
    if mark % knobs.one_in:
        raise Rejection("not_in_mix", f"one input in {knobs.one_in} gets a long row")
    if len(_CHARACTERS.findall(row["text"])) > len(row["text"]) / 4:
        raise Rejection("unsupported", "words are counted between spaces, and here are none")
    length = knobs.lengths[mark // knobs.one_in % len(knobs.lengths)]
    said = await ask("request", Request, text=row["text"], length=length)
    if str(length) not in re.findall(r"\d+", re.sub(r"(?<=\d)[,. \u00a0](?=\d{3})", "", said.instruction)):
        raise Rejection("no_length_asked", f"not {length} words: {said.instruction[:200]}")
    made = ask.made.instruction(said, "instruction", parents=[row["input_id"]])
    answers = await ask.draws(
        knobs.answers, "answer", Text, role="responder", max_tokens=length * TOKENS_OF_WORD,
        instruction=bare(made.text), length=length,
    )  # fmt: skip
    _keep(ask, made, [_measured(one, length) for one in answers if not _ran_out(ask, one)], length)


def _ran_out(ask: Ask, answer: Text) -> bool:
    """Whether an answer ended because it had no more room; that is recorded."""
    if is_cut := ask.is_cut(answer):
        ask.made.refused("cut_off", f"it ran out of room: {answer.text[-200:]}")
    return is_cut


def _measured(answer: Text, length: int) -> Measured:
    words = len(answer.text.split())
    return Measured(answer, words, score(words, length))


def score(words: int, length: int) -> float:
    """Return how well a text keeps the length that was asked for, of 10.

    Args:
        words: Of the text.
        length: Asked for.
    """
    over = (words / length - 1) / UP if words > length else (length / max(words, 1) - 1) / DOWN
    return 10 * max(0.0, 1 - over)


def _keep(ask: Ask, made: Made, found: list[Measured], length: int) -> None:
    """Make the answer that is nearest to its length, and its pair with the one that misses it most.

    Raises:
        Rejection: `length_missed`.
    """
    ranked = sorted(found, key=lambda one: -one.score)
    if not ranked or ranked[0].score < ask.knobs.min_score:
        nearest = f"{ranked[0].words} words" if ranked else "no answer"
        raise Rejection("length_missed", f"{nearest} of {length}: {made.text[:200]}")
    best, worst = ranked[0], ranked[-1]
    chosen = ask.made.answer(best.answer, made)
    if chosen is None:
        raise Rejection("no_answer", f"it cannot be kept: {best.answer.text[:200]}")
    ask.made.score(chosen, "length", best.score, f"{best.words} words of {length}")
    if worst.score >= ask.knobs.min_score:
        ask.made.refused("nothing_failed", f"{len(ranked)} answers keep the length of {length}: there is no pair")
    elif rejected := ask.made.answer(worst.answer, made, use="rejected"):
        ask.made.score(rejected, "length", worst.score, f"{worst.words} words of {length}")
        ask.made.pair(chosen, rejected, "verified", (best.score - worst.score) / 10)
