"""How sure a model is of its answer: it answers, revises that, and the likelihoods of both texts are compared.

Paper: ProbDiff (xiatingyu/ProbDiff). A model answers a query, then revises its own
answer, at temperature 0.1. The gap is the mean log-probability of a token of the revision less that of the first
answer. Where a model finds its revision the likelier one, it did not know what it wanted to say: a larger gap tells of
a weaker model. The paper's code counts the items whose gap is not below -0.05.

Ours differs. The paper reads the likelihood of both texts after the query alone, which takes a server that scores a
given text. A chat has none: here each text has the likelihoods with which it was written. The revision is written with
the first answer in sight, which makes it likelier, so the gap is larger than the paper's, the bound is a knob, and
models are compared by the same prompts only. A revision that is the first answer again, or a text that ran out of
room, is refused. What is judged is the instruction: how hard it is for the responder.

    "Lima." at -0.02 a token, "It is Lima, I think." at -0.61 -> gap -0.59: it stands by its answer
"""

from statistics import fmean

from pydantic import Field

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import folded
from wellspring.tasks.contracts.settings import Section

SYSTEM = "ProbDiff"
PAPER = "ProbDiff, xiatingyu/ProbDiff"
VERSION = 1
TAKES = "instructions"
MAKES = ("scores", "verdicts")
ROLES = ("responder",)
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.probdiff]`."""

    bound: float = Field(
        default=-0.05, description="the gap from which on a model does not stand by its answer; -0.05 in the paper"
    )


def most_calls(_: Knobs) -> int:
    """An answer and its revision."""
    return 2


async def program(row: Row, ask: Ask) -> None:
    """Have the instruction answered and the answer revised, and say by how much the revision is the likelier one.

    Raises:
        Rejection: `no_logprobs`, the server gave none; `cut_off`; `same_text`, the revision changes nothing.
    """
    history = row["history"] or ""
    first = await ask("answer", Text, history=history, logprobs=1, instruction=bare(row["text"]))
    asked = said(history, row["text"])
    second = await ask("revise", Text, temperature=0.1, logprobs=1, instruction=asked, answer=first.text)
    if ask.is_cut(first) or ask.is_cut(second):
        raise Rejection("cut_off", "a text that ran out of room is no whole answer")
    if folded(first.text) == folded(second.text):
        raise Rejection("same_text", f"the revision changes nothing: {first.text[:200]}")
    marks = {"answer": likelihood(first), "revision": likelihood(second)}
    gap = marks["revision"] - marks["answer"]
    for (name, mark), text in zip(marks.items(), (first, second), strict=True):
        ask.made.score(row["input_id"], name, mark, "log-probability of a token, on average", text)
    ask.made.score(row["input_id"], TOTAL, gap, "revision less answer", second)
    detail = f"the gap is {gap:.3f}"
    ask.made.verdict(row["input_id"], "stands_by_answer", passed=gap < ask.knobs.bound, detail=detail, answer=second)


def likelihood(text: Text) -> float:
    """Return the mean log-probability of a text's tokens."""
    return fmean(place.logprob for place in text.logprobs)
