"""Questions on one fact of a page, asked over many pages of the corpus among which that fact has to be found.

Beside the papers. A model writes a question on a passage with its answer and its quote, as `short_answers` has it. The
passage then stands between pages that are drawn from the corpus, at a chosen place of a chosen length: all of it is the
turn of the system, and the question comes after it. A page that holds the answer is left out, and another model that is
shown all but the passage must fail. The answer is compared by rule.

    a passage on a bridge + 20 other pages -> "How long is the Ohm Bridge?", 4,000 tokens, the passage in the middle
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts import comparers, verifiable
from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import ENGLISH, in_english, pieces, plainly
from wellspring.tasks.contracts.program import Ask, Turn, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = ""
PAPER = "beside the papers: facts of a page to be found among other pages"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator", "responder")
APART = (("generator", "responder"),)
REAL_MODEL = ""

RULE = "Answer questions from these texts, and from nothing else."
CHARS = 4  # in a token, about
_WORDS = re.compile(r"\S+")


class Knobs(Section):
    """What a profile can set under `[recipes.long_contexts]`."""

    tasks: int = Field(default=2, ge=1, le=16, description="tasks that are written of a page")
    passage_tokens: int = Field(default=200, ge=30, le=1500, description="tokens of the passage to find, about")
    lengths: list[int] = Field(
        default=[4000, 16000],
        min_length=1,
        description="tokens of all that is shown, about; of one task after the other",
    )
    positions: list[float] = Field(
        default=[0.0, 0.5, 1.0, 0.25, 0.75],
        min_length=1,
        description="where the passage stands, as a share of the length; of one task after the other",
    )
    page_tokens: int = Field(default=600, ge=30, description="most tokens of another page")
    pages: int = Field(default=64, ge=1, le=512, description="most other pages that are drawn")


class Asked(Answered):
    """A question with its answer and where it stands."""

    question: str
    kind: Literal["text", "amount", "set", "date"]
    answer: str
    quote: str


def most_calls(knobs: Knobs) -> int:
    """For each task one to write it, and one without the passage."""
    return 2 * knobs.tasks


async def program(row: Row, ask: Ask) -> None:
    """Write tasks on passages of the page, beginning where its id says.

    Raises:
        Rejection: `other_language`; `empty_text`, the page says nothing; `too_few_pages`, there is no other one.
    """
    passages = in_english(row, ask.knobs.passage_tokens, "the forms of answers")
    drawn = await ask.drawn("documents", ask.knobs.pages)
    others = [one for one in drawn if one.get("language") in ENGLISH and one["text"].strip()]
    if not others:
        raise Rejection("too_few_pages", "no other page can stand around the passage")
    first, number = int(row["input_id"][:8], 16), min(ask.knobs.tasks, len(passages))
    await ask.tried(
        [_task(row, ask, others, first + at, passages[(first + at) % len(passages)]) for at in range(number)]
    )


async def _task(row: Row, ask: Ask, others: Sequence[Row], lot: int, passage: str) -> None:
    """Write a question on a passage, hide the passage among other pages, and note the task.

    Raises:
        Rejection: `not_in_passage`; `too_few_pages`, all others hold the answer; `known_without_page`; or as
            `verifiable.make` has it.
    """
    said = await ask("write", Asked, passage=passage)
    members = [one.strip() for one in said.answer.split(";")] if said.kind == "set" else [said.answer]
    cited = verifiable.range_of(row["text"], said.quote)
    if said.quote not in passage or cited is None or not all(plainly(one) in plainly(said.quote) for one in members):
        raise Rejection("not_in_passage", f"{said.answer[:100]} <- {said.quote[:200]}")
    own = _titled(row, passage)
    task = verifiable.short_answer(said.kind, said.question, own, said.answer, [cited], family="long context")
    length = ask.knobs.lengths[lot % len(ask.knobs.lengths)]
    around, left_out = _around(others, said.kind, said.answer, length * CHARS - len(own), ask.knobs.page_tokens)
    if not around:
        raise Rejection("too_few_pages", f"all {left_out} other pages hold the answer: {said.answer[:100]}")
    asked = bare(task.question)
    without = await ask("without", Text, role="responder", question=asked, pages="\n\n".join(around))
    if comparers.is_right(without.text, said.kind, said.answer):
        raise Rejection("known_without_page", f"{said.question[:200]}: {said.answer[:100]}")
    at = _place(around, ask.knobs.positions[lot % len(ask.knobs.positions)])
    whole = "\n\n".join([*around[:at], own, *around[at:]])
    before = len("\n\n".join(around[:at])) / max(len(whole) - len(own), 1)
    facts = {"tokens": len(whole) // CHARS, "wanted": length, "position": round(before, 3), "pages": len(around)}
    more: verifiable.More = {"excerpt": own, "facts": facts | {"left_out": left_out}}
    before_it = [Turn(role="system", content=f"{RULE}\n\n{whole}")]
    verifiable.make(ask, said, replace(task, passage="", more=more), before_it)


def _around(others: Sequence[Row], kind: str, known: str, chars: float, page_tokens: int) -> tuple[list[str], int]:
    """Return as many pages as fit that do not hold the answer, and how many were left out because they do."""
    found, left_out = list[str](), 0
    for other in others:
        text = _titled(other, next(iter(pieces(other["text"], page_tokens)), ""))
        if found and sum(map(len, found)) + len(text) > chars:
            break
        if holds(text, kind, known):
            left_out += 1
        else:
            found.append(text)
    return found, left_out


def _titled(page: Row, text: str) -> str:
    return f"{page['title']}\n\n{text}" if page["title"] else text


def _place(around: Sequence[str], position: float) -> int:
    """Return before which page the passage stands, so that its place is nearest to the one that is wanted."""
    ends = [0, *accumulate(map(len, around))]
    return min(range(len(ends)), key=lambda at: abs(ends[at] - position * ends[-1]))


def holds(text: str, kind: str, known: str) -> bool:
    """Return whether a text says what is known, or a member of it: by its words, or as the same amount or date.

    Args:
        text: Of a page.
        kind: One of `comparers.KINDS`.
        known: The answer alone; members of a set are parted by semicolons.
    """
    said = f" {comparers.folded(text)} "
    members = known.split(";") if kind == "set" else [known]
    if any(f" {comparers.folded(one)} " in said for one in members):
        return True
    compare = {"amount": comparers.same_amount, "date": comparers.same_date}.get(kind)
    return compare is not None and any(compare(one, known) for one in _runs(text))


def _runs(text: str) -> Iterator[str]:
    """Yield runs of one to three words with a digit."""
    words = _WORDS.findall(text)
    for at in range(len(words)):
        for size in (1, 2, 3):
            run = " ".join(words[at : at + size])
            if any(sign.isdigit() for sign in run):
                yield run.strip(".,;:()")
