"""Tasks of code from pages on programs and algorithms, with a solution and tests that two models wrote apart.

Beside the papers. A model reads a passage and writes the task of a function, with the rule that the function follows
and the sentence that the rule rests on. A second model writes the solution; a third, which sees the task alone, writes
calls and what each should give. All of these must agree, and no stub may pass. Mutants are made of the solution by rule
(`contracts/code_mutants.py`); one that gives what the solution gives, also on calls that are a little different, is no
mutant. What is expected is compared outside, and never comes where an answer's code runs.

    "... The factorial of n is the product ..." -> "Write `factorial(n)` ...", a solution, 6 tests
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import Field

from wellspring.tasks.contracts import code_answers, code_mutants, verifiable
from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import ENGLISH, pieces
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.contracts.variants import REFUSALS, Mutant

SYSTEM = ""
PAPER = "beside the papers: code whose tests were run"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator", "responder", "tester")
ROLE_OF = {"tester": "judge"}
APART = (("responder", "tester"),)
REAL_MODEL = ""

FORM = (
    "Name the function `{}`. Answer with one block of Python, between ``` and ```, that holds all it needs. It may "
    "import math, re, json, itertools and collections, reads and prints nothing, and has no generators."
)
SAFELY = "called_safely"
_SAFE = """

def {safely}(*given):
    try:
        return [{function}(*given)]
    except Exception:
        return None
"""
_SIGNS = ("```", "algorithm", "function", "formula", "method(", "def ", "returns", "compute", "parameter")


class Knobs(Section):
    """What a profile can set under `[recipes.code_with_tests]`."""

    tasks: int = Field(default=2, ge=1, le=16, description="tasks that are written of a page, each of another passage")
    passage_tokens: int = Field(default=400, ge=30, le=2000, description="tokens of a passage, about")
    tests: int = Field(default=6, ge=1, le=20, description="calls that the tester is asked for")
    least_tests: int = Field(default=3, ge=1, le=20, description="calls that a task has at least")
    mutants: int = Field(default=4, ge=1, le=16, description="most mutants of a kind")
    probes: int = Field(default=24, ge=0, le=96, description="calls that tell a mutant from a program that is the same")


class Asked(Answered):
    """A task, the function that it asks for, and what that rests on."""

    question: str
    function: str
    rule: str
    quote: str


class Solved(Answered):
    """A solution."""

    code: str


class Case(Answered):
    """A call: its arguments and what it should give, both in JSON."""

    arguments: str
    expected: str


class Tests(Answered):
    """Calls with what they should give."""

    cases: list[Case] = Field(min_length=1, max_length=20)


def most_calls(knobs: Knobs) -> int:
    """For each task one to write it, one to solve it, and one for tests."""
    return 3 * knobs.tasks


async def program(row: Row, ask: Ask) -> None:
    """Write tasks over passages that speak of something to compute.

    Raises:
        Rejection: `other_language`; `no_code`, the page speaks of nothing to compute.
    """
    if row.get("language") not in ENGLISH:
        raise Rejection("other_language", f"{row['language']}, and tasks of code are in English")
    cut = pieces(row["text"], ask.knobs.passage_tokens)
    passages = [one for one in cut if any(sign in one.lower() for sign in _SIGNS)]
    if not passages:
        raise Rejection("no_code", "no passage has code, or speaks of something to compute")
    await ask.tried([_task(row, ask, one) for one in passages[: ask.knobs.tasks]])


async def _task(row: Row, ask: Ask, passage: str) -> None:
    """Write a task over a passage, its solution and its tests, and note it.

    Raises:
        Rejection: `not_in_passage`; `not_of_kind`, no function of that name is written; `too_few_tests`;
            `tests_disagree`, the solution gives another thing; `weak_tests`, a stub passes them; or as
            `verifiable.make` has it.
    """
    said = await ask("write", Asked, passage=passage, title=row["title"] or "")
    cited = verifiable.range_of(row["text"], said.quote)
    if said.quote not in passage or cited is None:
        raise Rejection("not_in_passage", said.quote[:200])
    if not said.function.isidentifier():
        raise Rejection("not_of_kind", f"no name of a function: {said.function[:100]}")
    question = f"{said.question}\n\n{FORM.format(said.function)}"
    said_both: list[Any] = await ask.each([
        ask("solve", Solved, role="responder", question=question),
        ask("test", Tests, role="tester", question=question, number=ask.knobs.tests),
    ])  # fmt: skip
    solved, tested = said_both
    code = code_answers.code_of(solved.code) or solved.code.strip()
    if not code_mutants.has_function(code, said.function):
        raise Rejection("not_of_kind", f"it defines no `{said.function}`: {code[:200]}")
    calls, expected = _tests(tested, said.function, ask.knobs.least_tests)
    await _hold(ask, code, calls, expected)
    task = verifiable.Task(
        kind="code",
        question=question,
        passage="",
        known=code,
        reference=_answer(code),
        verifier=verifiable.by_tests(calls, expected),
        author="tester",
        cited=[cited],
        right=[f"This does it:\n\n{_answer(one)}" for one in code_mutants.same(code, said.function)],
        wrong=await _wrong(ask, question, code, calls),
        is_line=False,
        more={"claim": said.rule, "facts": {"tests": len(calls)}},
    )
    verifiable.make(ask, said, task)


def _answer(code: str) -> str:
    return f"```python\n{code.strip()}\n```"


def _tests(said: Tests, function: str, least: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the calls that can be read, each once, and what they should give.

    Raises:
        Rejection: `too_few_tests`.
    """
    found: dict[str, tuple[list[Any], Any]] = {}
    for case in said.cases:
        try:
            arguments, expected = json.loads(case.arguments), json.loads(case.expected)
        except (ValueError, RecursionError):
            continue
        if isinstance(arguments, list):
            found.setdefault(json.dumps(arguments), (cast("list[Any]", arguments), expected))
    if len(found) < least:
        raise Rejection("too_few_tests", f"{len(found)} calls of at least {least} can be read")
    return [{"function": function, "arguments": one} for one, _ in found.values()], [one for _, one in found.values()]


async def _hold(ask: Ask, code: str, calls: Sequence[dict[str, Any]], expected: Sequence[Any]) -> None:
    """Return if the solution gives what is expected, and no stub does.

    Raises:
        Rejection: `tests_disagree`, `weak_tests`.
    """
    ran = await ask.execute(code, calls)
    if ran.outcome != "ok" or not code_answers.is_same(ran.values, list(expected)):
        raise Rejection("tests_disagree", f"{ran.outcome} {ran.detail}: {ran.values} for {list(expected)}"[:400])
    stubs = code_mutants.stubs(code, calls[0]["function"])
    for stub, done in zip(stubs, await ask.each([ask.execute(one, calls) for one in stubs]), strict=True):
        if done.outcome == "ok" and code_answers.is_same(done.values, list(expected)):
            raise Rejection("weak_tests", f"a stub passes: {stub[-200:]}")


async def _wrong(ask: Ask, question: str, code: str, calls: Sequence[Mapping[str, Any]]) -> list[Mutant]:
    """Return answers that are wrong: mutants of the solution that give something else, stubs, and what is no answer."""
    function = calls[0]["function"]
    changed = code_mutants.mutants(code, function, ask.knobs.mutants)
    given = [one["arguments"] for one in calls]
    tried = [{"function": SAFELY, "arguments": one} for one in [*given, *_probes(given)[: ask.knobs.probes]]]
    safe = _SAFE.format(safely=SAFELY, function=function)
    own = await ask.execute(code + safe, tried)
    if own.outcome != "ok":  # it cannot stand calls that are a little different
        tried = tried[: len(given)]
        own = await ask.execute(code + safe, tried)
    others = await ask.each([ask.execute(one.text + safe, tried) for one in changed])
    told = [one for one, ran in zip(changed, others, strict=True) if (ran.outcome, ran.values) != ("ok", own.values)]
    stubs = [Mutant("stub", _answer(one)) for one in code_mutants.stubs(code, function)]
    none = [Mutant("refusal", one) for one in REFUSALS] + [Mutant("empty", one) for one in ("", " \n", _answer(""))]
    echo = [Mutant("echo", one) for one in (question, _answer(f"# {question.splitlines()[0]}"))]
    once = [Mutant("every_answer", f"{_answer(code)}\n\nor\n\n{_answer(one.text)}") for one in told[:2]]
    return [*(Mutant(one.kind, _answer(one.text)) for one in told), *stubs, *none, *echo, *once]


def _probes(given: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return arguments of which one is a little different, in turn of each call, each once."""
    rows = [list(_near(one)) for one in given]
    turns = [row[at] for at in range(max(map(len, rows), default=0)) for row in rows if at < len(row)]
    return [json.loads(one) for one in dict.fromkeys(json.dumps(one) for one in turns) if json.loads(one) not in given]


def _near(arguments: Sequence[Any]) -> Iterator[list[Any]]:
    for at, value in enumerate(arguments):
        for other in _others(value):
            yield [*arguments[:at], other, *arguments[at + 1 :]]


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1, 0, -value]
    if isinstance(value, str | list):
        some = cast("list[Any]", value)
        return [some[1:], some[::-1], some + some, some[:0]]
    return []
