"""Answers are marked by their errors, each with its place, kind, severity and penalty; the best is mended by them.

Paper: TIGERScore (arXiv 2310.00752). A model lists the errors of an answer without a reference: where each stands, its
kind, why it is one, whether it is major or minor, and by how much it lowers the score, from 0.5 to 5. The score is the
sum of these penalties, below 0. Its 48,000 rows of training are answers of real models, and answers into which a model
put errors of given kinds; rows are filtered by heuristics, first of all by whether a place stands in its answer.

Ours differs. The errors are asked of a judge that is not trained for them, and feed a repair. An error is refused if
its place does not stand in the answer, or if a minor one costs more than a major one of its answer (the kinds and
bounds are from memory, in our words). The best of several answers is mended, and kept so only if its penalty falls. The
score that is stored is 10 less the penalty, at least 0. Errors are kept as notes.

    "Paris has 20 people." -> {"place": "20 people", "kind": "fact", "severity": "major", "penalty": 4} -> it is mended
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Read, Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, Use, bare
from wellspring.tasks.contracts.prompting import Row, Template
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "TIGERScore"
PAPER = "TIGERScore, arXiv 2310.00752: errors with place, kind, severity and penalty"
VERSION = 1
TAKES = "instructions"
MAKES = ("responses", "preferences", "scores", "notes")
ROLES = ("judge", "responder", "generator")
REAL_MODEL = ""

MOST = 10  # the most that a stored score can be
SHOWN = 3  # errors of which the reason of a score tells


class Knobs(Section):
    """What a profile can set under `[recipes.tigerscore]`."""

    answers: int = Field(
        default=3, ge=1, le=16, description="answers of which the one with the least penalty is mended"
    )
    repairs: int = Field(default=1, ge=0, le=4, description="times that the best answer is mended; ours")
    spoiled: int = Field(
        default=2,
        ge=0,
        le=3,
        description="errors put into a copy of the best answer; 0 leaves it out, the paper has 1-3",
    )


class Error(Answered):
    """One error of an answer."""

    place: str
    """The words of the answer where it is."""
    kind: Literal["comprehension", "fact", "logic", "missing", "coherence", "language"]
    reason: str
    severity: Literal["major", "minor"]
    penalty: Annotated[float, Field(ge=0.5, le=5)]


def _all(said: Mapping[str, Any], name: str, form: Template | None) -> list[Error]:
    """Read a list of errors; one that cannot be read refuses the list, which would be too short without it."""
    if not isinstance(listed := said.get(name), list):
        raise Rejection("incomplete_answer", f"`{name}` is no list")
    return [
        Error.taken(cast("dict[str, Any]", one) if isinstance(one, dict) else {}, form)
        for one in cast("list[Any]", listed)
    ]


class Errors(Answered):
    """The errors of an answer, none where it has none."""

    errors: Annotated[list[Error], Read(_all)]


class Spoiled(Answered):
    """An answer with errors that were put in, and where each stands."""

    text: str
    places: list[str] = Field(min_length=1, max_length=3)


@dataclass(frozen=True, slots=True)
class Analysed:
    """An answer and its errors."""

    answer: Text
    errors: Sequence[Error]
    source: Errors

    @property
    def text(self) -> str:
        """Of the answer."""
        return self.answer.text

    @property
    def penalty(self) -> float:
        """The sum of what its errors cost."""
        return sum(error.penalty for error in self.errors)


def most_calls(knobs: Knobs) -> int:
    """For each answer and each repair one, and one for its errors; one for the spoiled copy."""
    return 2 * (knobs.answers + knobs.repairs) + (knobs.spoiled > 0)


def fault(error: Error, errors: Sequence[Error], answer: str) -> str | None:
    """Return why an error is not counted: `place_not_found`, or `severity_mismatch` with the others of its answer."""
    if error.place not in answer:
        return "place_not_found"
    major = [other.penalty for other in errors if other.severity == "major"]
    return "severity_mismatch" if error.severity == "minor" and major and error.penalty > min(major) else None


async def program(row: Row, ask: Ask) -> None:
    """Answer an instruction several times, have the errors of each answer named, and mend the best.

    Raises:
        Rejection: `too_few_draws`, the errors of no answer were named.
    """
    asked, history = said(row["history"] or "", row["text"]), row["history"] or ""
    number, text = ask.knobs.answers, bare(row["text"])
    given = await ask.draws(number, "answer", Text, role="responder", history=history, instruction=text)
    found = await ask.tried(
        [_analysed(ask, asked, one) for one in differing(ask.made, given, text=lambda one: one.text)]
    )
    analysed = sorted((one for one in found if one), key=lambda one: one.penalty)
    if not analysed:
        raise Rejection("too_few_draws", f"{len(given)} answers, and the errors of none were named")
    best = analysed[0]
    for _ in range(ask.knobs.repairs):
        [again] = await ask.tried([_repaired(ask, asked, best)]) if best.errors else [None]
        best = again or best
    await _keep(ask, row["input_id"], asked, best, analysed)


async def _analysed(ask: Ask, asked: str, answer: Text) -> Analysed:
    named = await ask("errors", Errors, instruction=asked, answer=answer.text)
    counted = list[Error]()
    for error in named.errors:
        if why := fault(error, named.errors, answer.text):
            ask.made.refused(why, f"{error.kind}, {error.severity}, {error.penalty}: {error.place}"[:200])
        else:
            counted.append(error)
    if len(counted) < len(named.errors) and not counted:
        raise Rejection("no_error_found", f"{len(named.errors)} errors, and none can be counted: {answer.text[:200]}")
    return Analysed(answer, counted, named)


async def _repaired(ask: Ask, asked: str, best: Analysed) -> Analysed:
    """Have the errors of an answer mended.

    Raises:
        Rejection: `same_text`, it comes back as it was; `not_better`, its errors cost no less.
    """
    errors = [f"At: {error.place}\n{error.severity}, {error.kind}: {error.reason}" for error in best.errors]
    text = await ask("repair", Text, role="generator", instruction=asked, answer=best.text, errors=errors)
    if text.text == best.text:
        raise Rejection("same_text", f"the repair changes nothing: {text.text[:200]}")
    again = await _analysed(ask, asked, text)
    if again.penalty >= best.penalty:
        raise Rejection("not_better", f"a penalty of {again.penalty} after {best.penalty}: {text.text[:200]}")
    return again


async def _keep(ask: Ask, instruction_id: str, asked: str, best: Analysed, analysed: Sequence[Analysed]) -> None:
    """Make the best answer, and its pairs: with what it was mended from or the worst, and with a spoiled copy."""
    answer = _made(ask, instruction_id, best, "answer")
    if answer is None:
        return
    is_mended = best is not analysed[0]
    other = analysed[0] if is_mended else analysed[-1]
    if other.penalty <= best.penalty:
        ask.made.refused("margin_too_small", f"all answers have a penalty of {best.penalty}: there is no pair")
    elif rejected := _made(ask, instruction_id, other, "rejected"):
        ask.made.pair(answer, rejected, "refined" if is_mended else "verified", other.penalty - best.penalty)
    if ask.knobs.spoiled:
        await ask.tried([_spoil(ask, instruction_id, asked, best, answer)])


def _made(ask: Ask, instruction_id: str, one: Analysed, use: Use) -> Made | None:
    """Make an answer, its score, and a note of its errors."""
    made = ask.made.answer(one.answer, instruction_id, use=use)
    if made is not None:
        why = " ".join(f"{error.place}: {error.reason}" for error in one.errors[:SHOWN])
        ask.made.score(made, "errors", max(0.0, MOST - one.penalty), why, one.source)
        listed = [error.model_dump() for error in one.errors]
        ask.made.note("errors", {"response": made.id, "penalty": one.penalty, "errors": listed}, one.source)
    return made


async def _spoil(ask: Ask, instruction_id: str, asked: str, best: Analysed, answer: Made) -> None:
    """Have errors put into a copy of the best answer, as its worse side.

    Raises:
        Rejection: `place_not_found`, an error stands not where it is said to be; `same_text`.
    """
    spoiled = await ask(
        "spoil", Spoiled, role="generator", instruction=asked, answer=best.text, number=ask.knobs.spoiled
    )
    if lost := [place for place in spoiled.places if place not in spoiled.text or place in best.text]:
        raise Rejection("place_not_found", f"{lost[0][:100]} is nowhere, or was there before: {spoiled.text[:200]}")
    if rejected := ask.made.answer(spoiled, instruction_id, use="rejected"):
        ask.made.note("spoiled", {"response": rejected.id, "places": spoiled.places}, spoiled)
        ask.made.pair(answer, rejected, "negative", min(1.0, len(spoiled.places) / ask.knobs.spoiled))
