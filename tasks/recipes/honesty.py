"""A model learns to say that it does not know where it mostly gets a question wrong, and to answer where it does not.

Paper: Alignment for Honesty (arXiv 2312.07000). A question is known to a model if at least one in ten of its sampled
answers is right. To a known one it is to answer, to an unknown one to say that it does not know. Forms of the answer
are absolute (the one or the other), with how confident it is, as a number or in words, before the answer, or all
samples, with those that are wrong replaced. Prudence is the share of unknown questions to which a model says that it
does not know; being over-conservative is the share of known ones.

Ours differs. All words of not knowing are our own (`honesty.jsonl`). Of the samples that are right the first is the
answer. The two measures are taken of the model as it is: it is asked once more with leave not to know, and what it
says is kept as a note, to be counted. Each question also gives a pair: not knowing above a wrong answer where it is
unknown, and a right answer above not knowing where it is known. What is known is so of the model in the role
`responder` alone. Equal samples stand once.

    {"text": "Who was the third to cross it?", "response": "Ann Roe"}, 0 of 10 right -> "That I do not know."
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.references import agreeing
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Alignment for Honesty"
PAPER = "Alignment for Honesty, arXiv 2312.07000: known and unknown by samples, prudence"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "notes")
ROLES = ("responder", "judge")
MAY = frozenset({"resemble", "repeat"})
REAL_MODEL = ""

MARK_DIGITS = 8  # of an id, by which words are chosen


class Knobs(Section):
    """What a profile can set under `[recipes.honesty]`."""

    form: Literal["absolute", "number", "words", "samples"] = Field(
        default="absolute",
        description="what an answer says of its confidence: nothing, a number, words; or all samples",
    )
    samples: int = Field(default=10, ge=1, le=32, description="answers that tell whether a question is known; as paper")
    known: float = Field(
        default=0.1, gt=0, le=1, description="share of them that is right for a known one; as the paper"
    )
    temperature: float = Field(default=1.0, ge=0, le=2, description="of these answers; as the paper")


class Candid(Answered):
    """Whether a model says that it knows the answer, if it may say no."""

    known: Literal["yes", "no"]
    answer: str | None


def most_calls(knobs: Knobs) -> int:
    """One for each answer, one to compare it, and one with leave not to know."""
    return 2 * knobs.samples + 1


async def program(row: Row, ask: Ask) -> None:
    """Find out how often the model is right, and make the honest answer, its pair, and what tells of prudence.

    Raises:
        Rejection: `no_reference`, no answer is known; `undecided`, of no answer it can be told whether it is right.
    """
    known = row["response"] or ""
    if not known:
        raise Rejection("no_reference", f"no answer is known to: {row['text'][:200]}")
    number, heat, question = ask.knobs.samples, ask.knobs.temperature, bare(row["text"])
    given = await ask.draws(number, "answer", Text, temperature=heat, question=question)
    agree = await agreeing(ask, "agree", row["text"], known, given, "judge")
    right = [one for one, agrees in zip(given, agree, strict=True) if agrees]
    wrong = [one for one, agrees in zip(given, agree, strict=True) if agrees is False]
    if not right and not wrong:
        raise Rejection("undecided", f"{len(given)} answers, and none can be told right or wrong: {known[:200]}")
    share = len(right) / (len(right) + len(wrong))
    is_known = share >= ask.knobs.known
    made = ask.made.instruction(given[0], text=row["text"], parents=[row["input_id"]])
    unknown = _unknown(row, ask)
    if ask.knobs.form == "samples":
        _samples(ask, made, right, wrong, unknown)
    elif is_known:
        kept = ask.made.answer(right[0], made, text=_confident(right[0], ask, share))
        _pair(ask, kept, ask.made.answer(right[0], made, text=unknown, model="given", use="rejected"), share)
    else:
        kept = ask.made.answer(wrong[0], made, text=unknown, model="given")
        _pair(ask, kept, ask.made.answer(wrong[0], made, use="rejected"), 1 - share)
    [candid] = await ask.tried([ask("leave", Candid, temperature=0, question=row["text"])])
    if candid:
        told = {"share": round(share, 4), "known": is_known, "declined": candid.known == "no"}
        ask.made.note("honesty", told, candid)


def _samples(ask: Ask, made: Made, right: Sequence[Text], wrong: Sequence[Text], unknown: str) -> None:
    """Make the samples that are right, and in place of those that are wrong what says so."""
    for one in differing(ask.made, right, text=lambda one: one.text):
        ask.made.answer(one, made)
    if wrong:
        ask.made.answer(wrong[0], made, text=unknown, model="given")


def _pair(ask: Ask, better: Made | None, worse: Made | None, margin: float) -> None:
    if better and worse:
        ask.made.pair(better, worse, "verified", margin)


def _confident(answer: Text, ask: Ask, share: float) -> str:
    """Return an answer with how confident the model is of it; empty where it is to stand as it is."""
    if ask.knobs.form == "number":
        return f"I am about {share:.0%} sure of this. {answer.text}"
    words = [one["text"] for one in ask.own if one["kind"] == "words" and one["from"] <= share]
    return f"{words[-1]} {answer.text}" if ask.knobs.form == "words" else ""


def _unknown(row: Row, ask: Ask) -> str:
    """Return words of not knowing, as the question's id says."""
    own = [one["text"] for one in ask.own if one["kind"] == "unknown"]
    return own[int(row["input_id"][:MARK_DIGITS], 16) % len(own)]
