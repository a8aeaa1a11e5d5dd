"""Questions over two pages that name the same thing, which neither page answers alone.

Beside the papers. Of the pages nearest to a page, those are taken that share a name with it, the rarer the better. A
model reads a passage of each and writes a question that needs both, its answer, and a quote of each. Another model is
asked with the first passage alone, with the second alone, and with both: alone it must fail, and with both it must say
the answer. Both pages are cited.

    "The Ohm Bridge was built by A. Reed ..." + "A. Reed was born in Lund ..." -> "Where was the builder ... born?"
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts import comparers, variants, verifiable
from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import ENGLISH, pieces, plainly
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = ""
PAPER = "beside the papers: questions that neither of two pages answers alone"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator", "responder")
APART = (("generator", "responder"),)
REAL_MODEL = ""

LEAST_NAME = 4  # characters


class Knobs(Section):
    """What a profile can set under `[recipes.two_page_questions]`."""

    neighbours: int = Field(default=8, ge=1, le=64, description="nearest pages that are looked at")
    tasks: int = Field(default=1, ge=1, le=16, description="most neighbours of a page that get a question with it")
    passage_tokens: int = Field(default=300, ge=30, le=1500, description="tokens of a passage, about")
    tries: int = Field(default=1, ge=1, le=8, description="answers with each passage alone, and with both")
    most_alike: float = Field(default=0.5, gt=0, le=1, description="most words in common, as a share of all of both")


class Asked(Answered):
    """A question over two passages, with what it rests on in each."""

    question: str
    kind: Literal["text", "amount", "set", "date"]
    answer: str
    first_quote: str
    second_quote: str


def most_calls(knobs: Knobs) -> int:
    """For each neighbour one to write the question, and three for each try."""
    return knobs.tasks * (1 + 3 * knobs.tries)


async def program(row: Row, ask: Ask) -> None:
    """Write questions over the page and some of its neighbours.

    Raises:
        Rejection: `other_language`; `no_neighbour`, no page near it shares a name with it and says something else.
    """
    if row.get("language") not in ENGLISH:
        raise Rejection("other_language", f"{row['language']}, and the forms of answers are in English")
    near = await ask.near(row["text"], "documents", ask.knobs.neighbours)
    found = [(other, shared) for other in near if (shared := _shared(row, other, near, ask))]
    if not found:
        raise Rejection("no_neighbour", f"none of {len(near)} pages shares a name with it")
    await ask.tried([_task(row, other, ask, *shared) for other, shared in found[: ask.knobs.tasks]])


def _shared(row: Row, other: Row, near: list[Row], ask: Ask) -> tuple[str, str, str] | None:
    """Return a name that stands in both pages, the rarest near the page, and the passage of each that has it."""
    if other.get("language") not in ENGLISH:
        return None
    both = [name for name in variants.names(row["text"]) if len(name) >= LEAST_NAME and name in other["text"]]
    for name in sorted(both, key=lambda one: (sum(one in page["text"] for page in near), -len(one), one)):
        first, second = (_holding(page["text"], name, ask.knobs.passage_tokens) for page in (row, other))
        if first and second and _alike(first, second) <= ask.knobs.most_alike:
            return name, first, second
    return None


def _holding(page: str, name: str, size: int) -> str:
    return next((one for one in pieces(page, size) if name in one), "")


def _alike(one: str, other: str) -> float:
    words, others = ({*comparers.folded(text).split()} for text in (one, other))
    return len(words & others) / max(len(words | others), 1)


async def _task(row: Row, other: Row, ask: Ask, name: str, first: str, second: str) -> None:
    """Write a question over two passages, ask it in three ways, and note it as a task.

    Raises:
        Rejection: `not_in_passage`; `needs_one_page`, a passage answers it alone; `answers_disagree`, both together
            give another answer; or as `verifiable.make` has it.
    """
    said = await ask("write", Asked, name=name, first=first, second=second)
    cited = [verifiable.range_of(page["text"], quote) for page, quote in _quotes(row, other, said)]
    both = plainly(f"{said.first_quote} {said.second_quote}")
    members = said.answer.split(";") if said.kind == "set" else [said.answer]
    if not (said.first_quote in first and said.second_quote in second and all(cited)):
        raise Rejection("not_in_passage", f"{said.first_quote[:150]} / {said.second_quote[:150]}")
    if not all(plainly(one) in both for one in members):
        raise Rejection("not_in_passage", f"{said.answer[:100]} <- {both[:200]}")
    passage = "\n\n".join(_titled(page, text) for page, text in ((row, first), (other, second)))
    task = verifiable.short_answer(said.kind, said.question, passage, said.answer, [cited[0] or ()], family="two pages")
    asked, tries = bare(task.question), ask.knobs.tries
    alone, apart, together = await ask.each([
        ask.draws(tries, "alone", Text, role="responder", question=asked, passage=first),
        ask.draws(tries, "alone", Text, role="responder", question=asked, passage=second),
        ask.draws(tries, "both", Text, role="responder", question=asked, first=first, second=second),
    ])  # fmt: skip
    solved = [[_is_right(one, said) for one in answers] for answers in (alone, apart, together)]
    if any(solved[0]) or any(solved[1]):
        raise Rejection("needs_one_page", f"{said.question[:200]}: {said.answer[:100]}")
    if not solved[2] or not all(solved[2]):
        raise Rejection("answers_disagree", f"{said.answer[:100]} and {[one.text[-80:] for one in together]}")
    facts = {
        "name": name,
        **{part: [sum(of), len(of)] for part, of in zip(("first", "second", "both"), solved, strict=True)},
    }
    elsewhere: list[verifiable.Elsewhere] = [{"document_id": other["input_id"], "cited": [cited[1] or ()]}]
    verifiable.make(ask, said, replace(task, more={"elsewhere": elsewhere, "facts": facts}))


def _quotes(row: Row, other: Row, said: Asked) -> Iterator[tuple[Row, str]]:
    yield row, said.first_quote
    yield other, said.second_quote


def _titled(page: Row, text: str) -> str:
    return f"{page['title']}\n\n{text}" if page["title"] else text


def _is_right(answer: Text, said: Asked) -> bool:
    return comparers.is_right(answer.text, said.kind, said.answer)
