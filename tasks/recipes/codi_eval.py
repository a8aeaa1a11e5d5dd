"""Requests for a text under several constraints, said in different forms, with answers held to each constraint.

Paper: CoDI-Eval (arXiv 2401.00690). (1) A taxonomy of constraints: sentiment, topic, both, length, keywords, and what
is to be avoided. (2) Instructions with constraints are written from seeds. (3) Each is said in different forms, so
that nobody learns one wording. (4) A text is held to each constraint, by code or by a classifier.

Ours differs. We know the paper from its abstract and from memory; it is a benchmark, and this makes data of it. The
taxonomy is ours (`codi_eval.jsonl`). A seed's id takes constraints of different categories, and the seed gives the
matter. What code can check is checked by code; the rest is judged by a model in place of classifiers. A form that has
lost a number or a word of its constraints is refused. An answer that keeps to all is exported, and stands in a pair
above the one that keeps to fewest. Words are counted between spaces, so languages without spaces are refused.

    {"text": "How do I descale a kettle?"} -> "A note for the kitchen wall: descaling a kettle, in at most 60 words ..."
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Section

SYSTEM = "CoDI-Eval"
PAPER = "CoDI-Eval, arXiv 2401.00690: its taxonomy, several constraints, diversified, each checked"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "verdicts", "notes")
ROLES = ("generator", "responder", "judge")
MAY = frozenset({"resemble"})
REAL_MODEL = ""

WITHOUT_SPACES = ("zh", "ja", "th", "lo", "km", "my")
MANNERS = (
    "as a short order to somebody who writes for a living",
    "as a friend who asks a favour, and says what it is for",
    "as a question: whether the other could write it",
    "as a brief for a writer, with the constraints as a list below it",
    "as somebody who plays a part, and gives the other one too",
    "as a plan that others are to read, with the constraints in its midst",
)

Constraint = Mapping[str, Any]
_END = re.compile(r"[.!?\u2026\u061f\u0964]+[\"')\]\u201d\u2019]*(?:\s|\Z)")
_BLANK_LINE = re.compile(r"\n\s*\n")


class Knobs(Section):
    """What a profile can set under `[recipes.codi_eval]`."""

    constraints: int = Field(
        default=2, ge=1, le=7, description="constraints of an instruction, of different categories"
    )
    forms: int = Field(default=2, ge=1, le=len(MANNERS), description="forms in which each instruction is said")
    answers: int = Field(default=3, ge=1, le=16, description="answers to each form")


class Written(Answered):
    """A request for a text, and the words that its constraints name."""

    suits: Literal["yes", "no"]
    words_to_use: list[str]
    words_to_avoid: list[str]
    instruction: str


class Diversified(Answered):
    """The request in another form."""

    instruction: str


class Judged(Answered):
    """Whether a text keeps to a constraint."""

    evidence: Aside
    kept: Literal["yes", "no"]


class Held(NamedTuple):
    """An answer, and for each category whether it keeps to the constraint; None where nobody could say."""

    answer: Text
    kept: dict[str, bool | None]

    @property
    def share(self) -> float:
        """The share that it keeps to of those constraints of which something is known."""
        known = [one for one in self.kept.values() if one is not None]
        return sum(known) / len(known) if known else 0


def most_calls(knobs: Knobs) -> int:
    """One for the request; one for each form; for each answer one, and one for each constraint."""
    return 1 + knobs.forms * (1 + knobs.answers * (1 + knobs.constraints))


async def program(row: Row, ask: Ask) -> None:
    """Write a request under constraints, say it in different forms, and hold the answers to each constraint.

    Raises:
        Rejection: `other_language`; `not_suited`, nobody would have a text written on this; `incomplete_answer`, the
            words that a constraint needs are missing.
    """
    if row.get("language") in WITHOUT_SPACES:
        raise Rejection("other_language", f"{row['language']}: words are counted between spaces")
    taken = _taken(row["input_id"], ask.own, ask.knobs.constraints)
    said = await ask("write", Written, text=row["text"], constraints=[one["constraint"] for one in taken])
    if said.suits == "no":
        raise Rejection("not_suited", f"no matter for a text under constraints: {row['text'][:200]}")
    taken = [_with_words(one, said) for one in taken]
    note = ask.made.note("constraints", {"constraints": taken}, said)
    first = int(row["input_id"][:8], 16)
    manners = [MANNERS[(first + i) % len(MANNERS)] for i in range(ask.knobs.forms)]
    await ask.tried([_form(ask, said, manner, taken, note) for manner in manners])


def _taken(input_id: str, own: Sequence[Constraint], number: int) -> list[Constraint]:
    """Return constraints of different categories, as the id says."""
    of = dict[str, Constraint]()
    for one in sorted(own, key=lambda one: content_id("constraint", input_id, one["constraint"])):
        of.setdefault(one["category"], one)
    return list(of.values())[:number]


def _with_words(one: Constraint, said: Written) -> Constraint:
    """Return a constraint with the words that were chosen for it.

    Raises:
        Rejection: `incomplete_answer`: there are too few.
    """
    if one["check"] not in {"holds", "lacks"}:
        return one
    number = int(_numbers(one["constraint"])[0])
    words = list(dict.fromkeys(said.words_to_use if one["check"] == "holds" else said.words_to_avoid))
    if len(words) < number:
        raise Rejection("incomplete_answer", f"{len(words)} words of {number}: {one['constraint']}")
    return {**one, "words": words[:number]}


async def _form(ask: Ask, said: Written, manner: str, taken: Sequence[Constraint], note: Made) -> None:
    """Say the request in one form, and make it with its answers, if one of them keeps to all constraints.

    Raises:
        Rejection: `loses_constraint`, `fails_constraints`.
    """
    constraints = [_told(one) for one in taken]
    form = await ask(
        "diversify", Diversified, instruction=said.instruction, constraints=constraints, manner=ours(manner)
    )
    if lost := [one for one in taken if not _stands(one, form.instruction)]:
        raise Rejection("loses_constraint", f"{_told(lost[0])} - is not in: {form.instruction[:200]}")
    made = ask.made.instruction(form, "instruction", parents=[note])
    answers = await ask.draws(ask.knobs.answers, "answer", Text, role="responder", instruction=bare(made.text))
    different = {one.text: one for one in reversed(answers)}
    if len(different) < len(answers):
        ask.made.refused("same_text", f"{len(answers) - len(different)} answers say what another says")
    held = await ask.each([_held(ask, one, taken) for one in answers if different[one.text] is one])
    whole = [one for one in held if all(one.kept.values())]
    kept = [answer for one in whole if (answer := ask.made.answer(one.answer, made))]
    if not kept:
        raise Rejection("fails_constraints", f"no answer keeps to all of: {' '.join(constraints)}"[:300])
    for answer in kept:
        for one in taken:
            ask.made.verdict(answer, one["category"], passed=True, detail=_told(one))
    _pair(ask, made, kept[0], [one for one in held if False in one.kept.values()])


async def _held(ask: Ask, answer: Text, taken: Sequence[Constraint]) -> Held:
    """Hold an answer to each constraint, first to those that code can check: one that fails is not judged."""
    kept: dict[str, bool | None] = {
        one["category"]: CHECKS[one["check"]](answer.text, one) for one in taken if one["check"] in CHECKS
    }
    left = [one for one in taken if one["check"] not in CHECKS] if all(kept.values()) else []
    marks = await ask.tried([
        ask("judge", Judged, role="judge", constraint=one["constraint"], answer=answer.text) for one in left
    ])  # fmt: skip
    of = {one["category"]: None if mark is None else mark.kept == "yes" for one, mark in zip(left, marks, strict=True)}
    return Held(answer, dict.fromkeys(one["category"] for one in taken) | kept | of)


def _pair(ask: Ask, made: Made, chosen: Made, failed: Sequence[Held]) -> None:
    """Put an answer above the one that keeps to the fewest constraints; the others that fail are refused."""
    for place, one in enumerate(sorted(failed, key=lambda one: one.share)):
        broken = " ".join(category for category, kept in one.kept.items() if kept is False)
        if place:
            ask.made.refused("fails_constraints", f"{broken}: {one.answer.text[:200]}")
        elif rejected := ask.made.answer(one.answer, made, use="rejected"):
            ask.made.verdict(rejected, "constraints", passed=False, detail=broken)
            ask.made.pair(chosen, rejected, "verified", 1 - one.share)


def _told(one: Constraint) -> str:
    """Return a constraint with its words."""
    return " ".join([one["constraint"], *([f"They are: {', '.join(one['words'])}."] if "words" in one else [])])


def _stands(one: Constraint, text: str) -> bool:
    """Whether a text still has the words or the numbers of a constraint that code checks."""
    if one["check"] not in CHECKS:
        return True
    wanted = one.get("words") or _numbers(one["constraint"])
    return all(_has(text, word) for word in wanted)


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _has(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text.casefold()) is not None


def _between(one: Constraint, number: int) -> bool:
    return one["least"] <= number <= one["most"]


CHECKS: dict[str, Callable[[str, Constraint], bool]] = {
    "words": lambda text, one: _between(one, len(text.split())),
    "sentences": lambda text, one: _between(one, len(_END.findall(text))),
    "paragraphs": lambda text, one: _between(one, len(_BLANK_LINE.split(text.strip()))),
    "holds": lambda text, one: all(_has(text, word) for word in one["words"]),
    "lacks": lambda text, one: not any(_has(text, word) for word in one["words"]),
    "ends": lambda text, one: text.rstrip(" \n\"'\u201d\u2019)*_").endswith(one["mark"]),
}
