"""Questions over a passage of a page with one short answer that is compared by rule: a text, an amount, a set, a date.

Beside the papers. A page is cut into passages. A model writes a question on one, with its answer and the sentence that
it rests on; the page's id chooses the passages and the kinds. The answer must stand in the sentence (of a set each
member), and the sentence must stand in the passage as it is. The verifier compares by rule
(`contracts/comparers.py`). The judge `certificate` says whether the task can be trusted.

    "... The bridge is 5 km long ..." -> "How long is the bridge?" with its passage, known 5 km
"""

from typing import Any

from pydantic import Field

from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import in_english, plainly
from wellspring.tasks.contracts.program import Ask, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = ""
PAPER = "beside the papers: questions whose answers are compared by rule"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator",)
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.short_answers]`."""

    tasks: int = Field(default=4, ge=1, le=32, description="tasks that are written of a page, of the kinds in turn")
    passage_tokens: int = Field(default=300, ge=30, le=1500, description="tokens of a passage, about")
    most_words: int = Field(default=25, ge=1, le=100, description="most words of an answer; of a set, of a member")


class Asked(Answered):
    """A question with its answer and where it stands."""

    question: str
    answer: str
    quote: str


def most_calls(knobs: Knobs) -> int:
    """One for each task."""
    return knobs.tasks


async def program(row: Row, ask: Ask) -> None:
    """Write questions over passages of the page.

    Raises:
        Rejection: `other_language`; `empty_text`, the page says nothing.
    """
    passages = in_english(row, ask.knobs.passage_tokens, "the forms of answers")
    first, own = int(row["input_id"][:8], 16), ask.own
    wanted = [(first + number, own[(first + number) % len(own)]) for number in range(ask.knobs.tasks)]
    await ask.tried([_task(row, ask, kind, passages[number % len(passages)]) for number, kind in wanted])


async def _task(row: Row, ask: Ask, kind: Any, passage: str) -> None:
    """Write a question of a kind over a passage, and note it as a task.

    Raises:
        Rejection: `not_in_passage`, the quote does not stand there or the answer not in it; `too_long`, the answer is;
            `not_of_kind`; or as `verifiable.make` has it.
    """
    said = await ask("write", Asked, passage=passage, kind=ours(kind["says"]))
    members = [one.strip() for one in said.answer.split(";")] if kind["kind"] == "set" else [said.answer]
    if said.quote not in passage or not all(plainly(one) in plainly(said.quote) for one in members):
        raise Rejection("not_in_passage", f"{said.answer[:100]} <- {said.quote[:200]}")
    if max(len(one.split()) for one in members) > ask.knobs.most_words:
        raise Rejection("too_long", said.answer[:200])
    cited = verifiable.range_of(row["text"], said.quote)
    if cited is None:
        raise Rejection("not_in_passage", f"it stands in no one place of the page: {said.quote[:200]}")
    verifiable.make(ask, said, verifiable.short_answer(kind["kind"], said.question, passage, said.answer, [cited]))
