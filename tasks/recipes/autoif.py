"""Queries of people with a demand that code can check, and answers that were run through that code.

Paper: AutoIF (arXiv 2406.13542), all seven steps, with the numbers of its code where the two differ. (1) Constraints:
`autoif.jsonl` holds ours, and a model writes more. (2) For each, functions `evaluate(response)` with cases. (3) Those
are believed that agree with each other. (4) What a function checks is said in words; a constraint that this contradicts
is dropped. (5) A query gets the constraint. (6) It is answered several times, and each answer is run through the
functions. (7) A judge marks the answers that keep to the constraint. Those with a good mark are answers, and stand in
pairs above answers that no function passes.

Ours differs. An input is a query that takes some constraints; the paper gives a constraint to 16 queries. What is asked
of a constraint is the same for all queries, so it is paid once. Entailment is judged by a prompt; the paper has a model
of its own for it. The better side of a pair passed more than half of the functions and the judge, too; half is enough
in the paper. Functions that fail to run have no vote; in the paper their vote is no. The constraints are in English, so
queries in other languages are refused. The one who answers is told to keep to the form. An instruction
is made where an answer to it is kept, and not before. With `as_tasks` it is a task that can be verified, too.

    {"text": "How do vaccines stay cold without electricity?"} -> the same with "Use no commas." below it, and answers
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from wellspring.tasks.contracts import variants, verifiable
from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Section

SYSTEM = "AutoIF"
PAPER = "AutoIF, arXiv 2406.13542, all seven steps"
VERSION = 2
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "verdicts", "scores", "notes")
ROLES = ("generator", "responder", "judge")
REAL_MODEL = "SmolLM2 of 135M parameters, 3 inputs: all refused, it wrote too few cases"
MAY = frozenset({"resemble"})

CASES = 3
LEAST_FUNCTIONS, LEAST_CASES = 3, 10
CASE_ACCURACY, FUNCTION_ACCURACY = 0.5, 0.8
LANGUAGES = ("en", "und", None)


class Knobs(Section):
    """What a profile can set under `[recipes.autoif]`."""

    augmentations: int = Field(
        default=1, ge=0, le=16, description="times that new constraints are asked for; 0 takes the list as it is"
    )
    new_constraints: int = Field(default=50, ge=1, le=100, description="new constraints asked for at a time")
    constraints: int = Field(
        default=2, ge=1, le=16, description="constraints a query is given, each in a row of its own"
    )
    functions: int = Field(
        default=5,
        ge=4,
        le=16,
        description="functions for a constraint, with three cases each; three must differ",
    )
    translations: int = Field(default=3, ge=1, le=16, description="functions that are said in words and compared")
    answers: int = Field(default=4, ge=1, le=32, description="answers to each query with its constraint")
    min_accuracy: float = Field(
        default=0.5, ge=0, lt=1, description="of an answer: the share of functions that pass it must be above this"
    )
    min_quality: float = Field(default=8, ge=0, le=10, description="least mark of the judge, of 10")
    pair_sides: int = Field(default=2, ge=0, le=8, description="most answers of an instruction on a side of its pairs")
    min_chars: int = Field(default=20, ge=0, description="a query has more characters than this")
    max_chars: int = Field(default=300, ge=1, description="a query has fewer characters than this")
    as_tasks: bool = Field(
        default=False,
        description="note each instruction as a task with its functions as the verifier; it is exported if the judge "
        "`certificate` certifies it",
    )


class Augmented(Answered):
    """New constraints, in the manner of those that were shown."""

    constraints: Annotated[list[str], Field(min_length=1, max_length=100)]


class Case(Answered):
    """A text, and whether it keeps to the constraint."""

    response: str
    expected: bool


class Verifier(Answered):
    """A function that checks a constraint, with cases to try it on."""

    function: str
    cases: Annotated[list[Case], Field(max_length=8)]


class Demand(Answered):
    """What a function checks, in words."""

    demand: str


class Relation(Answered):
    """How what a function checks stands to the constraint that it was written for."""

    reason: Aside
    relation: Literal["entailment", "contradiction", "neutral"]


class Quality(Answered):
    """How well an answer goes with both the query and the constraint."""

    reason: str
    score: Annotated[float, Field(ge=0, le=10)]


class Verified(NamedTuple):
    """A constraint with the functions that are believed, and the answer that wrote the first of them."""

    constraint: str
    functions: list[str]
    source: Verifier


class Ran(NamedTuple):
    """An answer, and the share of functions that pass it; None where none of them says anything. `engines` ran them."""

    answer: Text
    share: float | None
    engines: str


def most_calls(knobs: Knobs) -> int:
    """What is asked for new constraints, and of each constraint: its functions, their meanings, answers and marks."""
    return knobs.augmentations + knobs.constraints * (knobs.functions + 2 * knobs.translations + 2 * knobs.answers)


async def program(row: Row, ask: Ask) -> None:
    """Give the query some constraints, and have each such instruction answered.

    Raises:
        Rejection: `other_language`, `too_short`, `too_long`: the query is none for this list.
    """
    _suits(row, ask.knobs)
    own = [str(one["constraint"]) for one in ask.own]
    shown = ours("\n".join(f"- {one}" for one in own))
    times, wanted = ask.knobs.augmentations, ask.knobs.new_constraints
    new = await ask.draws(times, "augment", Augmented, constraints=shown, wanted=wanted)
    known = [*own, *(one for said in new for one in said.constraints)]
    taken = _taken(row["input_id"], known, ask.knobs.constraints)
    await ask.tried([_constrained(row, one, ask) for one in taken])


def _suits(row: Row, knobs: Knobs) -> None:
    if row.get("language") not in LANGUAGES:
        raise Rejection("other_language", f"{row['language']}, and the constraints are in English")
    if not knobs.min_chars < (length := len(row["text"])) < knobs.max_chars:
        reason = "too_short" if length <= knobs.min_chars else "too_long"
        raise Rejection(reason, f"{length} characters, more than {knobs.min_chars}, fewer than {knobs.max_chars}")


def _taken(input_id: str, known: Sequence[str], number: int) -> list[str]:
    """Return the constraints that an input takes: another constraint in the list changes few of them."""
    different = {" ".join(one.casefold().split()): one for one in reversed(known)}
    return sorted(different.values(), key=lambda one: content_id("constraint", input_id, one))[:number]


async def _constrained(row: Row, constraint: str, ask: Ask) -> None:
    verified = await _verified(constraint, ask)
    await _hold_against(verified, ask)
    text = f"{row['text']}\n\n{constraint}"
    ran = await _answered(text, verified, ask)
    passed = [one for one in ran if one.share is not None and one.share > ask.knobs.min_accuracy]
    marks = await ask.tried([_marked(row, constraint, one.answer, ask) for one in passed])
    kept = [(one, mark) for one, mark in zip(passed, marks, strict=True) if mark is not None]
    failed = [one for one in ran if one.share == 0][: ask.knobs.pair_sides if kept else 0]
    for one in ran:
        if one not in passed and one not in failed:
            ask.made.refused("fails_verifiers", _told(one, verified))
    if kept:
        _make(row, text, verified, kept, failed, ask)


async def _verified(constraint: str, ask: Ask) -> Verified:
    """Have functions written that check a constraint, and return those that are believed (cross-validation).

    Raises:
        Rejection: `too_few_verifiers`: too few were written, or none is believed.
    """
    written = await ask.draws(ask.knobs.functions, "verify", Verifier, constraint=constraint, cases=CASES)
    of = dict[str, Verifier]()
    for one in written:
        of.setdefault(_code(one.function), one)
    functions, cases = [*of], [*{(case.response, case.expected): case for one in written for case in one.cases}]
    expected = [wanted for _, wanted in cases]
    if len(functions) < LEAST_FUNCTIONS or len(cases) < LEAST_CASES or len({*expected}) == 1:
        raise Rejection(
            "too_few_verifiers", f"{len(functions)} functions, {len(cases)} cases, {sum(expected)} of them kept to"
        )
    believed = _believed(await ask.run(functions, [text for text, _ in cases]), expected)
    if not believed:
        raise Rejection("too_few_verifiers", f"the functions and cases do not agree with each other: {constraint}")
    return Verified(constraint, [functions[i] for i in believed], of[functions[believed[0]]])


def _code(function: str) -> str:
    """Return a function without the fence that some models put around code."""
    return function.strip().removeprefix("```python").removeprefix("```").removesuffix("```").strip()


def _believed(said: Sequence[Sequence[bool | None]], expected: Sequence[bool]) -> list[int]:
    """Keep cases that most functions agree with, then the functions that agree with most of those."""
    votes = [[None if one is None else one == want for one, want in zip(row, expected, strict=True)] for row in said]
    cases = [j for j in range(len(expected)) if (_share([row[j] for row in votes]) or 0) > CASE_ACCURACY]
    return [i for i, row in enumerate(votes) if (_share([row[j] for j in cases]) or 0) >= FUNCTION_ACCURACY]


def _share(votes: Sequence[bool | None]) -> float | None:
    known = [vote for vote in votes if vote is not None]
    return sum(known) / len(known) if known else None


async def _hold_against(verified: Verified, ask: Ask) -> None:
    """Have the first functions said in words, and compared with the constraint (back-translation).

    Raises:
        Rejection: `contradicted`; `not_compared`, nobody could say.
    """
    first = verified.functions[: ask.knobs.translations]
    found = [one for one in await ask.tried([_relation(verified.constraint, one, ask) for one in first]) if one]
    if not found:
        raise Rejection("not_compared", verified.constraint)
    if against := next((demand for demand, relation in found if relation == "contradiction"), ""):
        raise Rejection("contradicted", f"{verified.constraint} - but a function checks: {against}")


async def _relation(constraint: str, function: str, ask: Ask) -> tuple[str, str]:
    said = await ask("translate", Demand, function=function)
    found = await ask("compare", Relation, role="judge", constraint=constraint, demand=said.demand)
    return said.demand, found.relation


async def _answered(text: str, verified: Verified, ask: Ask) -> list[Ran]:
    """Have an instruction answered, and run each answer through the functions; of equal answers one is left."""
    said = await ask.draws(ask.knobs.answers, "answer", Text, role="responder", instruction=bare(text))
    different = dict[str, Text]()
    for one in said:
        if different.setdefault(one.text, one) is not one:
            ask.made.refused("same_text", f"it was answered before: {one.text[:200]}")
    if not different:
        return []
    votes = await ask.run(verified.functions, list(different))
    engines = ", ".join(votes.engines)
    return [Ran(one, _share(of), engines) for one, of in zip(different.values(), zip(*votes, strict=True), strict=True)]


async def _marked(row: Row, constraint: str, answer: Text, ask: Ask) -> Quality:
    """Return the mark of an answer that keeps to its constraint.

    Raises:
        Rejection: `low_quality`.
    """
    mark = await ask("mark", Quality, role="judge", query=row["text"], constraint=constraint, answer=answer.text)
    if mark.score < ask.knobs.min_quality:
        raise Rejection("low_quality", f"{mark.score:g} of at least {ask.knobs.min_quality:g}: {mark.reason}")
    return mark


def _told(one: Ran, verified: Verified) -> str:
    said = "none can say" if one.share is None else f"{one.share:.0%} say yes"
    return f"{said} of {len(verified.functions)} functions ({one.engines}): {verified.constraint}"


def _make(
    row: Row, text: str, verified: Verified, kept: Sequence[tuple[Ran, Quality]], failed: Sequence[Ran], ask: Ask
) -> None:
    data = {"constraint": verified.constraint, "functions": verified.functions}
    note = ask.made.note("verifiers", data, verified.source)
    made = ask.made.instruction(verified.source, text=text, parents=[row["input_id"], note])
    chosen, rejected = list[tuple[Made, float]](), list[Made]()
    for one, mark in kept:
        if answer := ask.made.answer(one.answer, made):
            ask.made.verdict(answer, "verified", passed=True, detail=_told(one, verified))
            ask.made.score(answer, "quality", mark.score, mark.reason, mark)
            chosen.append((answer, one.share or 0.0))
    if ask.knobs.as_tasks and chosen:
        task = _task(row["text"], text, verified, [one.text for one, _ in chosen], [one.answer.text for one in failed])
        ask.made.note(verifiable.NOTE, verifiable.noted(task, made.id), verified.source)
    for one in failed:
        if answer := ask.made.answer(one.answer, made, use="rejected"):
            ask.made.verdict(answer, "verified", passed=False, detail=_told(one, verified))
            rejected.append(answer)
    for better, share in chosen[: ask.knobs.pair_sides]:
        for worse in rejected:
            ask.made.pair(better, worse, "verified", share)


def _task(query: str, text: str, verified: Verified, right: Sequence[str], wrong: Sequence[str]) -> verifiable.Task:
    """Return an instruction as a task: what more than half of the functions accept is right."""
    known, others = right[0], [*right[1:], f"{right[0]}\n"]
    made = [
        ("empty", ""),
        ("empty", " \n"),
        *(("refusal", one) for one in variants.REFUSALS),
        ("echo", text),
        ("echo", query),
    ]
    return verifiable.Task(
        kind="constrained",
        question=text,
        passage="",
        known=verified.constraint,
        reference=known,
        verifier=verifiable.by_vote(verified.functions, query),
        author="generator",
        cited=(),
        follows=verifiable.FREE,
        right=others,
        wrong=[*made, *(("near_miss", one) for one in wrong)],
        is_line=False,
    )
