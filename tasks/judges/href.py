"""Answers compared with a first one, with what a person answered in hand; how, depends on the kind of the task.

Paper: HREF (arXiv 2412.15524). An answer is compared with that of a baseline model, in both orders, and its figure is
the rate at which it wins. A reference that a person wrote is shown to the judge, which brings it nearer to what people
say (by 3.2%). For each kind of task the way is used that agreed best with people there: the judge with the reference,
the judge alone, or how near each answer is to the reference.

Ours differs. The kinds and their three ways are from memory, and which way a kind goes (`WAYS`) is our choice: the
paper measured it, and we have no such measurements. Nearness is asked of the judge, who says which answer tells what
the reference tells: the paper takes vectors of a RoBERTa, and a judge here embeds nothing. The kind is asked, since our
instructions have none. The baseline is the answer of use `answer`. Where the orders differ it is a tie, which is half a
point; the baseline has what the others lack, on average.

    open question, reference "Lima" -> by nearness: "Lima." wins from "I think it is Cusco.", 1 to 0
"""

from statistics import fmean
from typing import Any, Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.rivals import Rival, drawn, points
from wellspring.tasks.contracts.settings import Section

SYSTEM = "HREF"
PAPER = "HREF, arXiv 2412.15524"
VERSION = 1
TAKES = "answered"
MAKES = ("scores", "preferences", "notes")
ROLES = ("judge",)
BEST = 1
REAL_MODEL = ""

Kind = Literal[
    "brainstorm",
    "open_question",
    "closed_question",
    "extract",
    "generate",
    "rewrite",
    "summarize",
    "classify",
    "check_facts",
    "join_documents",
    "reason_with_numbers",
]
WAYS: dict[Kind, str] = {  # the heading by which a kind is judged
    "brainstorm": "alone",  # one person's ideas say little of other ideas
    "generate": "alone",
    "rewrite": "alone",
    "open_question": "nearness",  # there is one thing to say, in whatever words
    "closed_question": "nearness",
    "extract": "nearness",
    "classify": "nearness",
    "check_facts": "with_reference",
    "summarize": "with_reference",
    "join_documents": "with_reference",
    "reason_with_numbers": "with_reference",
}


class Knobs(Section):
    """What a profile can set under `[recipes.href]`."""

    answers: int = Field(default=8, ge=2, le=16, description="the most answers, the first of which is the baseline")


class Task(Answered):
    """Of which kind an instruction is."""

    kind: Kind


class Verdict(Answered):
    """Which of two answers is better, by the order in which they were shown."""

    evidence: Aside
    better: Literal["first", "second", "tie"]


def most_calls(knobs: Knobs) -> int:
    """One for the kind, and both orders of each answer beside the baseline."""
    return 1 + 2 * (knobs.answers - 1)


async def program(row: Row, ask: Ask) -> None:
    """Compare each answer with the baseline, as the kind of the instruction wants it.

    Raises:
        Rejection: `no_reference`, nobody answered what the instruction was written for; `not_compared`, no verdict
            came.
    """
    if not row["reference"]:
        raise Rejection("no_reference", "the instruction was written for no seed with an answer")
    baseline, *others = sorted(drawn(row, None, "href"), key=lambda one: one.use != "answer")
    rivals = [other for other in others if other.text != baseline.text][: ask.knobs.answers - 1]
    if not rivals:
        ask.made.refused("too_few_answers", "nothing differs from the baseline")
        return
    task = await ask("kind", Task, instruction=said(row["history"] or "", row["text"]))
    ask.made.note("kind", {"kind": task.kind, "way": WAYS[task.kind]}, task)
    found = await ask.tried([_compared(ask, row, WAYS[task.kind], one, baseline) for one in rivals])
    given = {one.id: point for one, point in zip(rivals, found, strict=True) if point is not None}
    if not given:
        raise Rejection("not_compared", f"{len(rivals)} answers beside the baseline, and no verdict came")
    for answer, point in (given | {baseline.id: 1 - fmean(given.values())}).items():
        ask.made.score(answer, TOTAL, point, f"{task.kind}: {WAYS[task.kind]}")


async def _compared(ask: Ask, row: Row, way: str, one: Rival, baseline: Rival) -> float:
    """Return what an answer has of the point that it and the baseline play for, and make their pair."""
    shown: dict[str, Any] = {"instruction": said(row["history"] or "", row["text"])}
    shown |= {} if way == "alone" else {"reference": row["reference"]}
    verdicts = await ask.each(
        [ask(way, Verdict, first=a.text, second=b.text, **shown) for a, b in ((one, baseline), (baseline, one))]
    )
    point = points([verdict.better for verdict in verdicts])
    if point in {0, 1}:
        won, lost = (one, baseline) if point else (baseline, one)
        ask.made.pair(won.id, lost.id, "verified")
    return 0.5 if point is None else point
