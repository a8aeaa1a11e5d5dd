"""Tasks from a page by one model, verified by another; where a student is weak in answering, tasks aimed at that.

Paper: HoneyBee, MatSci-Instruct (arXiv 2310.08511). An instructor writes instructions with answers on 20 topics of
materials science, in 20 types of task. A verifier of another family marks accuracy, relevance, completeness and
reasonableness from 0 to 100: an item stays if their mean is at least 95 and each at least 90. A student is trained on
them and evaluated; for each mark below 100 the instructor writes five items aimed at it, and so on in rounds.

Ours differs. The topic is a page in place of one of 20; types of task are our own (`honeybee.jsonl`), and the page's id
chooses. The instructor is the role `generator` and the verifier the role `judge`: name models of two families. No
student is trained here: the role `responder` answers the items of a round, and the mean of its marks on the page says
what the next is aimed at. A profile that names the trained student there and runs again goes on as the paper does.

    page on bread, "compare two things" -> "Compare a sourdough ...", marks 97, 98, 95, 96; aimed at completeness: ...
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "HoneyBee"
PAPER = "HoneyBee, arXiv 2310.08511: instructor and verifier of different families, targeted rounds"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "scores", "notes")
ROLES = ("generator", "judge", "responder")
MAY = frozenset({"resemble"})
REAL_MODEL = ""

MARK_DIGITS = 8  # of an id, by which types of task are chosen
FULL, STORED = 100, 10  # marks as the verifier gives them, and as they are stored
CRITERIA = ("accuracy", "relevance", "completeness", "reasonableness")

Mark = Annotated[float, Field(ge=0, le=FULL)]


class Knobs(Section):
    """What a profile can set under `[recipes.honeybee]`."""

    items: int = Field(
        default=2, ge=1, le=20, description="types of task of a page at first; the paper has 20 of a topic"
    )
    rounds: int = Field(
        default=2, ge=0, le=8, description="times that a student is evaluated and items aimed at its marks"
    )
    targeted: int = Field(default=1, ge=1, le=10, description="items aimed at each mark below 100; the paper has 5")
    evaluated: int = Field(
        default=3, ge=1, le=32, description="items of a round that the student answers; paper: a test set"
    )
    mean: float = Field(default=95, ge=0, le=FULL, description="the least mean of the marks of an item; as the paper")
    each: float = Field(default=90, ge=0, le=FULL, description="the least of each mark of an item; as the paper")


class Item(Answered):
    """An instruction and its answer."""

    instruction: str
    answer: str


class Marks(Answered):
    """Marks of an answer to an instruction."""

    remarks: Aside
    accuracy: Mark
    relevance: Mark
    completeness: Mark
    reasonableness: Mark

    @property
    def all(self) -> dict[str, float]:
        """The marks by their criteria."""
        return {criterion: getattr(self, criterion) for criterion in CRITERIA}


def most_calls(knobs: Knobs) -> int:
    """Two for each item; in each round two for each answer of the student, and two for each item aimed at a mark."""
    aimed, found, calls = len(CRITERIA) * knobs.targeted, knobs.items, 2 * knobs.items
    for _ in range(knobs.rounds):
        calls += 2 * min(knobs.evaluated, found) + 2 * aimed
        found = aimed
    return calls


async def program(row: Row, ask: Ask) -> None:
    """Write items from a page, keep those that are verified, and more where a student answers them badly.

    Raises:
        Rejection: `not_verified`, none of the first items is kept.
    """
    first = int(row["input_id"][:MARK_DIGITS], 16)
    tasks = [ask.own[(first + at) % len(ask.own)]["task"] for at in range(min(ask.knobs.items, len(ask.own)))]
    page: dict[str, Any] = {"title": row["title"] or "", "text": row["text"]}
    written = await ask.tried([ask("write", Item, task=ours(task), **page) for task in tasks])
    kept = await _verified(ask, page, [one for one in written if one], [])
    if not kept:
        raise Rejection("not_verified", f"{len(tasks)} items, and none is kept")
    there = [one.text for one in kept]
    for _ in range(ask.knobs.rounds):
        weak = await _weak(ask, page, kept[: ask.knobs.evaluated])
        found = await ask.each([_aimed(ask, page, there, *one) for one in weak])
        kept = await _verified(ask, page, [one for some in found for one in some], there)
        if not kept:
            break
        there += [one.text for one in kept]


async def _verified(ask: Ask, page: Mapping[str, Any], items: Sequence[Item], there: Sequence[str]) -> list[Made]:
    """Keep the items that the checks and the verifier let pass; returns their instructions."""
    new = differing(ask.made, items, beside=there, text=lambda one: one.instruction)
    kept = await ask.tried([_item(ask, page, item) for item in new])
    return [one for one in kept if one]


async def _item(ask: Ask, page: Mapping[str, Any], item: Item) -> Made:
    """Make an item, if it is verified.

    Raises:
        Rejection: `low_quality`, as its marks say; `not_verified`, its answer cannot be kept.
    """
    made = ask.made.instruction(item, "instruction")
    pair: dict[str, Any] = {"instruction": item.instruction, "answer": item.answer}
    marks = await ask("verify", Marks, role="judge", **pair, **page)
    given = marks.all.values()
    if sum(given) / len(given) < ask.knobs.mean or min(given) < ask.knobs.each:
        raise Rejection("low_quality", f"{marks.all}: {marks.remarks[:200]}")
    answer = ask.made.answer(item, made, "answer")
    if answer is None:
        raise Rejection("not_verified", f"its answer cannot be kept: {item.answer[:200]}")
    for criterion, mark in marks.all.items():
        ask.made.score(answer, criterion, mark * STORED / FULL, marks.remarks, marks)
    return made


async def _weak(ask: Ask, page: Mapping[str, Any], items: Sequence[Made]) -> list[tuple[str, float, list[str]]]:
    """Have a student answer items; each criterion below 100, with the mean of its marks and what was remarked."""
    found = await ask.tried([_evaluated(ask, page, item) for item in items])
    marks = [one for one in found if one]
    means = {name: sum(one.all[name] for one in marks) / len(marks) for name in CRITERIA if marks}
    if marks:
        ask.made.note("evaluation", {"means": means, "items": [item.id for item in items]}, marks[0])
    return [(name, mean, [one.remarks for one in marks]) for name, mean in means.items() if mean < FULL]


async def _evaluated(ask: Ask, page: Mapping[str, Any], item: Made) -> Marks:
    answer = await ask("answer", Text, role="responder", instruction=bare(item.text))
    return await ask("verify", Marks, role="judge", instruction=item.text, answer=answer.text, **page)


async def _aimed(
    ask: Ask, page: Mapping[str, Any], there: Sequence[str], criterion: str, mean: float, remarks: Sequence[str]
) -> list[Item]:
    """Have items written that ask for what a student does badly."""
    given: dict[str, Any] = {"criterion": ours(criterion), "mean": round(mean), "remarks": remarks}
    return await ask.draws(ask.knobs.targeted, "aim", Item, instructions=there, **given, **page)
