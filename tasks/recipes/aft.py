"""Several ways to reason to an answer: those that come to the right one stand above those that do not.

Paper: AFT, Making Large Language Models Better Reasoners with Alignment (arXiv 2309.02144). A model reasons several
times over a question whose answer is known. Each reasoning is right or wrong by its final answer. A model is trained
to score the right ones above the wrong ones, and not to push the wrong ones down without bound.

Ours differs. The bound is the trainer's; pairs are what we make, at most so many of a question. The paper compares
final answers of maths and choices; so do we: numbers by their value, other answers by their letters and digits. A seed
whose answer does not name its final one is read by a judge. The paper's version with ranked wrong answers is left out.

    {"text": "6 boxes of 7 eggs?", "response": "... #### 42"} -> reasoning that ends in 42, above one that ends in 13
"""

from itertools import product

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.references import final, is_same
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "AFT"
PAPER = "AFT, arXiv 2309.02144: reasonings right and wrong by their final answers"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "verdicts")
ROLES = ("responder", "judge")
MAY = frozenset({"resemble", "need_history"})
REAL_MODEL = ""

WISH = "Think step by step. Give the final answer alone in the last line."


class Knobs(Section):
    """What a profile can set under `[recipes.aft]`."""

    reasonings: int = Field(default=6, ge=2, le=32, description="times that a model reasons over a question, as paper")
    pairs: int = Field(default=4, ge=1, le=64, description="the most pairs of a question; the paper takes all")


class Reasoned(Answered):
    """A reasoning and its final answer."""

    steps: str
    answer: str

    @property
    def text(self) -> str:
        """Both, as they are read."""
        return f"{self.steps}\n\nThe answer is: {self.answer}"


class Final(Answered):
    """The final answer that a text comes to, if it has one."""

    answer: str | None


def most_calls(knobs: Knobs) -> int:
    """One to find the final answer, and one for each reasoning."""
    return 1 + knobs.reasonings


async def program(row: Row, ask: Ask) -> None:
    """Have a model reason over a question several times, and hold each final answer against the known one.

    Raises:
        Rejection: `no_reference`, the seed has no answer, or none that is final; `no_right_answer`.
    """
    known = await _known(row, ask)
    given = await ask.draws(ask.knobs.reasonings, "reason", Reasoned, question=row["text"])
    reasoned = differing(ask.made, given, text=lambda one: one.text)
    right = [one for one in reasoned if is_same(one.answer, known)]
    if not right:
        raise Rejection("no_right_answer", f"{len(reasoned)} reasonings, and none comes to {known[:100]}")
    made = ask.made.instruction(right[0], text=f"{row['text']}\n\n{WISH}", parents=[row["input_id"]])
    if len(right) == len(reasoned):
        ask.made.refused("nothing_failed", f"all {len(right)} reasonings are right: there is no pair")
    sides: tuple[list[Made], list[Made]] = ([], [])
    for one in reasoned:
        is_right = one in right
        if answer := ask.made.answer(one, made, use="answer" if is_right else "rejected"):
            ask.made.verdict(answer, "final_answer", passed=is_right, detail=f"{one.answer} for {known}", answer=one)
            sides[not is_right].append(answer)
    places = sorted(product(range(len(sides[0])), range(len(sides[1]))), key=lambda at: (sum(at), at))
    for better, worse in places[: ask.knobs.pairs]:
        ask.made.pair(sides[0][better], sides[1][worse], "verified")


async def _known(row: Row, ask: Ask) -> str:
    """Return the final answer of a seed.

    Raises:
        Rejection: `no_reference`.
    """
    if not (response := row["response"] or ""):
        raise Rejection("no_reference", f"no answer to: {row['text'][:200]}")
    if named := final(response):
        return named
    found = await ask("final", Final, role="judge", question=row["text"], answer=response)
    if found.answer is None:
        raise Rejection("no_reference", f"no final answer in: {response[:200]}")
    return found.answer
