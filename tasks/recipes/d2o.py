"""Worse answers alone: pairs that have a rejected side and no chosen one, beside what the model says by itself.

Paper: D2O, Negating Negatives (arXiv 2403.03419). Answers that people marked as harmful are all that is labelled. The
model is trained away from them, against answers that it makes itself; those are not labelled, and may be poor. The
paper has it make several of them, under a text that tells it to be careful.

Ours differs. The negatives are made, since no person marked any: the model is told one fault of our list (`d2o.jsonl`)
and answers with it, and a judge must find that fault. The paper's negatives are of harm; ours are of poor help as well
as of small harm. What the model says by itself is kept as draws, for a trainer makes its own anew. The number of them
(11) and the careful text are as we remember the paper.

    {"text": "Plan a picnic for six."} -> a plan for two, as the rejected side of a pair that has no chosen one
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "D2O"
PAPER = "D2O, Negating Negatives, arXiv 2403.03419: negatives only, and self-made answers"
VERSION = 1
TAKES = "instructions"
MAKES = ("responses", "preferences", "verdicts")
ROLES = ("responder", "judge")
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.d2o]`."""

    negatives: int = Field(default=3, ge=1, le=8, description="faulty answers to each instruction, a fault each")
    own: int = Field(default=2, ge=0, le=16, description="answers that the model makes by itself; the paper has 11")


class Found(Answered):
    """Whether an answer has a fault."""

    evidence: Aside
    has_it: Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Spoilt:
    """An answer with a fault, and what shows it."""

    answer: Text
    fault: str
    mark: Found

    @property
    def text(self) -> str:
        """What it says."""
        return self.answer.text


def most_calls(knobs: Knobs) -> int:
    """One for each answer, and one more to look at each faulty one."""
    return knobs.own + 2 * knobs.negatives


def faults(own: Sequence[Mapping[str, Any]], input_id: str, number: int) -> list[Mapping[str, Any]]:
    """Return different faults of the list, in its order from where the id says."""
    first = int(input_id[:8], 16)
    return [own[(first + place) % len(own)] for place in range(min(number, len(own)))]


async def program(row: Row, ask: Ask) -> None:
    """Have the model answer by itself, then with each fault; keep the faulty answers, each in a pair of its own."""
    history, input_id = row.get("history") or "", row["input_id"]
    asked, chosen = said(history, row["text"]), faults(ask.own, input_id, ask.knobs.negatives)
    own = await ask.draws(ask.knobs.own, "careful", Text, history=history, instruction=bare(row["text"]))
    found = await ask.tried([_spoilt(ask, asked, fault) for fault in chosen])
    for one in differing(ask.made, [*own, *filter(None, found)], text=lambda one: one.text):
        if isinstance(one, Text):
            ask.made.answer(one, input_id, use="draw")
        elif rejected := ask.made.answer(one.answer, input_id, use="rejected"):
            ask.made.pair(None, rejected, "negative")
            ask.made.verdict(rejected, one.fault, passed=False, detail=one.mark.evidence, answer=one.mark)


async def _spoilt(ask: Ask, asked: str, fault: Mapping[str, Any]) -> Spoilt:
    """Have an instruction answered with a fault, and have the fault found.

    Raises:
        Rejection: `not_worse`: it does not show.
    """
    answer = await ask("spoil", Text, instruction=asked, fault=ours(fault["do"]))
    mark = await ask("notice", Found, role="judge", instruction=asked, answer=answer.text, fault=ours(fault["seen"]))
    if mark.has_it == "no":
        raise Rejection("not_worse", f"{fault['name']} does not show: {answer.text[:200]}")
    return Spoilt(answer, fault["name"], mark)
