"""Answers ranked by the share of constraints that they keep: on a text, on its prompt, and on several texts.

Paper: ACT, From Instructions to Constraints (arXiv 2403.06326). A task has constraints, each with a verifier; they are
of three classes, by what the verifier is given: the response, prompt and response, or several responses. A response's
score is the share of constraints that it keeps. Several responses to a prompt are ranked by it, and a model is trained
on the ranks; no person marks anything.

Ours differs. The paper's people name the constraints of each of its three tasks; here a model names those of the
instruction. The first class is checked by code that a model writes, in the sandbox; the second by a judge, a call for
each answer; the third by a judge who sees all answers and says which of them keep it. A constraint whose verifier says
nothing of an answer is dropped for all, so that all shares are of one list. The numbers of answers and constraints are
ours.

    {"text": "Sum up this report in a sentence."} -> the answer with 5 of 5, above those with 4 and with 2
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, Use, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "ACT"
PAPER = "ACT, From Instructions to Constraints, arXiv 2403.06326: three classes, share of constraints, ranks"
VERSION = 1
TAKES = "instructions"
MAKES = ("responses", "preferences", "scores", "notes")
ROLES = ("generator", "responder", "judge")
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.act]`."""

    answers: int = Field(default=4, ge=2, le=16, description="answers that are ranked")
    of_each: int = Field(default=2, ge=1, le=4, description="the most constraints of each of the three classes")


class Named(Answered):
    """The constraints of an instruction, by what one must see to check them."""

    of_text: list[str]
    of_prompt: list[str]
    of_several: list[str]


class Function(Answered):
    """Code that checks a constraint."""

    function: str


class Held(Answered):
    """Whether an answer keeps a constraint."""

    evidence: Aside
    kept: Literal["yes", "no"]


class Among(Answered):
    """Which of several answers keep a constraint, by their numbers."""

    evidence: Aside
    kept: list[int]


@dataclass(frozen=True, slots=True)
class Checked:
    """A constraint, and for each answer whether it keeps it."""

    constraint: str
    kept: Sequence[bool]


def most_calls(knobs: Knobs) -> int:
    """One for the constraints, one for each answer; code, a call for each answer, and one call, by the class."""
    return 1 + knobs.answers + knobs.of_each * (2 + knobs.answers)


async def program(row: Row, ask: Ask) -> None:
    """Name the instruction's constraints, hold several answers against them, and pair the answers by their shares.

    Raises:
        Rejection: `too_few_draws`; `too_few_verifiers`, nothing can be checked.
    """
    history = row.get("history") or ""
    asked, most = said(history, row["text"]), ask.knobs.of_each
    named = await ask("constraints", Named, instruction=asked, most=most)
    given = await ask.draws(
        ask.knobs.answers, "answer", Text, role="responder", history=history, instruction=bare(row["text"])
    )
    if len(answers := differing(ask.made, given, text=lambda one: one.text)) < 2:  # noqa: PLR2004 - a pair has two
        raise Rejection("too_few_draws", f"{len(answers)} different answers to: {row['text'][:200]}")
    texts = [one.text for one in answers]
    classes = [list(dict.fromkeys(some))[:most] for some in (named.of_text, named.of_prompt, named.of_several)]
    checks = (_of_text, _of_prompt, _of_several)
    checked = [
        one
        for found in await ask.each([by(ask, asked, texts, some) for by, some in zip(checks, classes, strict=True)])
        for one in found
    ]
    if not checked:
        raise Rejection("too_few_verifiers", f"{sum(map(len, classes))} constraints, and none was checked")
    ask.made.note("constraints", [one.constraint for one in checked], named)
    _keep(ask, row["input_id"], answers, checked)


async def _of_text(ask: Ask, _: str, texts: Sequence[str], constraints: Sequence[str]) -> list[Checked]:
    """Check constraints by code; a function that says nothing of a text is dropped."""
    written = await ask.tried([ask("verify", Function, constraint=constraint) for constraint in constraints])
    found = [(constraint, one.function) for constraint, one in zip(constraints, written, strict=True) if one]
    votes: Sequence[list[bool | None]] = []
    if found:
        votes = await ask.run([_code(function) for _, function in found], list(texts))
    for (constraint, _), of in zip(found, votes, strict=True):
        if None in of:
            ask.made.refused("fails_to_run", f"the code for: {constraint[:200]}")
    return [
        Checked(constraint, [vote is True for vote in of])
        for (constraint, _), of in zip(found, votes, strict=True)
        if None not in of
    ]


def _code(function: str) -> str:
    """Return a function without the fence that some models put around code."""
    return function.strip().removeprefix("```python").removeprefix("```").removesuffix("```").strip()


async def _of_prompt(ask: Ask, asked: str, texts: Sequence[str], constraints: Sequence[str]) -> list[Checked]:
    """Have constraints checked on each answer beside its prompt; one without all its calls is dropped."""

    async def check(constraint: str) -> Checked:
        given = await ask.each(
            [ask("hold", Held, role="judge", instruction=asked, answer=text, constraint=constraint) for text in texts]
        )
        return Checked(constraint, [one.kept == "yes" for one in given])

    return [one for one in await ask.tried([check(constraint) for constraint in constraints]) if one]


async def _of_several(ask: Ask, asked: str, texts: Sequence[str], constraints: Sequence[str]) -> list[Checked]:
    """Have constraints checked on all answers at once; one that names an answer that is not there is dropped."""
    numbered = [f"{number}: {text}" for number, text in enumerate(texts, start=1)]

    async def check(constraint: str) -> Checked:
        among = await ask("among", Among, role="judge", instruction=asked, answers=numbered, constraint=constraint)
        if not {*among.kept} <= {*range(1, len(texts) + 1)}:
            raise Rejection("choice_out_of_range", f"{among.kept} of {len(texts)} answers: {constraint[:200]}")
        return Checked(constraint, [number in among.kept for number in range(1, len(texts) + 1)])

    return [one for one in await ask.tried([check(constraint) for constraint in constraints]) if one]


def _keep(ask: Ask, input_id: str, answers: Sequence[Text], checked: Sequence[Checked]) -> None:
    """Make the answers with their shares, and a pair of each two whose shares differ."""
    shares = [sum(one.kept[at] for one in checked) / len(checked) for at in range(len(answers))]
    ranked = sorted(range(len(answers)), key=lambda at: -shares[at])
    made = dict[int, Made | None]()
    for at in ranked:
        use: Use = "answer" if at == ranked[0] else "draw" if shares[at] > shares[ranked[-1]] else "rejected"
        made[at] = ask.made.answer(answers[at], input_id, use=use)
        if response := made[at]:
            missed = "; ".join(one.constraint for one in checked if not one.kept[at])
            ask.made.score(response, "constraints", shares[at], missed)
    if shares[ranked[0]] == shares[ranked[-1]]:
        ask.made.refused("margin_too_small", f"all answers keep {shares[ranked[0]]:.2f} of the constraints")
    for better, worse in combinations(ranked, 2):
        if shares[better] > shares[worse] and (chosen := made[better]) and (rejected := made[worse]):
            ask.made.pair(chosen, rejected, "verified", margin=shares[better] - shares[worse])
