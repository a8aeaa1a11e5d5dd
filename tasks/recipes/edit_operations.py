"""An answer is mended by edits of its places: a model names what stands there and what is to stand there, code does it.

Paper: Reducing Sequence Length by Predicting Edit Operations with Large Language Models (Kaneko and Okazaki, arXiv
2305.11862, from memory). Where most of a text stays as it is, a model writes edits and not the text: from which word to
which, and by what it is replaced. Edits that follow one another are applied to the source, which costs few tokens.

Ours differs. A model that was not trained for it counts words badly, so an edit names its place by the words that stand
there: they must stand there once. The paper's form of it, in numbers of words, is kept as a note for who trains an
editor. Edits that fit nowhere, in two places or into each other are refused, each with its reason. The edited answer is
kept if a judge, shown both in both orders, gives it more in all; the paper has references, and an instruction has none.

    "Water boils at 90 degrees.", {"what": "90 degrees", "by": "100 degrees"} -> "Water boils at 100 degrees."
"""

import re
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import Field, PrivateAttr

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Predicting Edit Operations"
PAPER = "Predicting Edit Operations, arXiv 2305.11862"
VERSION = 1
TAKES = "instructions"
MAKES = ("responses", "preferences", "notes")
ROLES = ("generator", "responder", "judge")
REAL_MODEL = ""

MOST = 10  # the highest mark
Mark = Annotated[int, Field(ge=0, le=MOST)]


class Knobs(Section):
    """What a profile can set under `[recipes.edit_operations]`."""

    edits: int = Field(default=8, ge=1, le=32, description="the most edits of an answer in one round")
    rounds: int = Field(default=2, ge=1, le=8, description="times that an answer is edited; once in the paper")


class Edit(Answered):
    """What stands in a text, and what is to stand there; nothing where it is to go."""

    what: str
    by: str | None


class Edits(Answered):
    """The edits of a text; none where it may stay as it is."""

    faults: Aside
    edits: list[Edit] = Field(max_length=32)
    _text: str = PrivateAttr(default="")

    @property
    def text(self) -> str:
        """The text after its edits, once they are applied: the words of who wrote them, and of who wrote the text."""
        return self._text

    def apply(self, text: str, spans: Sequence["Span"]) -> None:
        """Put what is to stand there in its places, the last first: so those before it stay where they are."""
        for begin, end, by in sorted(spans, reverse=True):
            text = text[:begin] + by + text[end:]
        self._text = text.strip()


class Marks(Answered):
    """Marks of two answers, in the order in which they were shown."""

    reason: Aside
    first: Mark
    second: Mark


class Span(NamedTuple):
    """A place in a text, in characters, and what is to stand there."""

    begin: int
    end: int
    by: str


def most_calls(knobs: Knobs) -> int:
    """One for the answer; for each round one for its edits and two to compare."""
    return 1 + 3 * knobs.rounds


def placed(text: str, edit: Edit, taken: Sequence[Span]) -> Span | str:
    """Return where an edit belongs, or why it does not fit.

    Args:
        text: What is edited.
        edit: What stands there, and what is to stand there.
        taken: The places of the edits before it.

    Returns:
        Its place, or `place_not_found`; `place_not_clear`, its words stand there more than once; `same_text`, it
        changes nothing; `edits_overlap`.
    """
    begin, by = text.find(edit.what), edit.by or ""
    span = Span(begin, begin + len(edit.what), by)
    if begin < 0:
        return "place_not_found"
    if text.find(edit.what, begin + 1) >= 0:
        return "place_not_clear"
    if edit.what == by:
        return "same_text"
    return "edits_overlap" if any(span.begin < one.end and one.begin < span.end for one in taken) else span


def counted(text: str, spans: Sequence[Span]) -> list[list[int | str]]:
    """Return edits in the paper's form: the first word, the one after the last, and what replaces these words."""
    words, found = list(re.finditer(r"\S+", text)), list[list[int | str]]()
    for begin, end, by in sorted(spans):
        first = sum(word.end() <= begin for word in words)
        last = sum(word.start() < end for word in words)
        low = min([begin, *(word.start() for word in words[first:last])])
        high = max([end, *(word.end() for word in words[first:last])])
        found.append([first, last, f"{text[low:begin]}{by}{text[end:high]}".strip()])
    return found


async def program(row: Row, ask: Ask) -> None:
    """Answer an instruction, and edit the answer as long as that makes it better.

    Raises:
        Rejection: As `_edited`: the answer has faults, and its first edits do not mend them.
    """
    history, asked = row["history"] or "", said(row["history"] or "", row["text"])
    first = await ask("answer", Text, role="responder", history=history, instruction=bare(row["text"]))
    best: Text | Edits = first
    for _ in range(ask.knobs.rounds):
        edits = await ask("edit", Edits, instruction=asked, answer=best.text, most=ask.knobs.edits)
        if not edits.edits:
            break
        if best is first:
            best = await _edited(ask, asked, best.text, edits)
        elif better := (await ask.tried([_edited(ask, asked, best.text, edits)]))[0]:
            best = better
        else:
            break
    _keep(ask, row["input_id"], first, best)


async def _edited(ask: Ask, asked: str, before: str, edits: Edits) -> Edits:
    """Apply edits to an answer, and have it compared with what it was.

    Raises:
        Rejection: `no_edit_fits`; `empty_answer`, nothing is left; `not_better`, by its marks in both orders.
    """
    spans = list[Span]()
    for edit in edits.edits[: ask.knobs.edits]:
        fits = placed(before, edit, spans)
        if isinstance(fits, Span):
            spans.append(fits)
        else:
            ask.made.refused(fits, f"{edit.what} > {edit.by or ''}"[:200])
    if not spans:
        raise Rejection("no_edit_fits", f"{len(edits.edits)} edits: {edits.faults[:200]}")
    edits.apply(before, spans)
    if not edits.text:
        raise Rejection("empty_answer", f"its edits leave nothing of: {before[:200]}")
    one, other = await ask.each([
        ask("compare", Marks, role="judge", instruction=asked, first=first, second=second)
        for first, second in ((before, edits.text), (edits.text, before))
    ])  # fmt: skip
    if one.second + other.first <= one.first + other.second:
        raise Rejection("not_better", f"{one.reason[:200]}: {edits.text[:200]}")
    ask.made.note("edits", {"source": before, "edits": counted(before, spans)}, edits)
    return edits


def _keep(ask: Ask, instruction_id: str, first: Text, best: Text | Edits) -> None:
    """Make the answer, and its pair with the one that it was edited from."""
    answer = ask.made.answer(best, instruction_id)
    if best is first:
        ask.made.refused("nothing_to_mend", f"no pair: {first.text[:200]}")
    elif answer and (rejected := ask.made.answer(first, instruction_id, use="rejected")):
        ask.made.pair(answer, rejected, "refined")
