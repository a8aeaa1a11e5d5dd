"""Whether a task can be verified: its certificate, with all evidence, or the reason why it has none.

Beside the papers. A certificate says that (a) the reference stands on cited bytes of the page, and a role finds that
it follows from them, or it was computed; (b) the verifier accepts the reference, right answers by rule, and right
answers of two solvers; (c) it rejects at least 95 % of mutants: by rule, by another model than the verifier's author,
and what the solvers get wrong; (d) how often a strong and a weak solver solve it; (e) how often it is solved without
its passage, or the turns before it, and no more often than a bound. What stands in a benchmark is no task: checks of
instructions and answers see to that (`benchmarks.paths`).

Whether an answer of a model is right is said by an examiner who never sees the verifier; what says the known answer
letter by letter is right without him. An answer that has no last line `Answer: ...` is wrong by its form alone. All
answers, and what the verifier said of each, stand in the note. Checks that cost nothing come first.

    "How long is the bridge?", known 5 km -> certified; 61 of 61 mutants rejected; strong 3 of 3, weak 1 of 3, closed 0
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from wellspring.tasks.contracts import comparers, verifiable
from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.rubric_answers import FORM
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.contracts.variants import final

SYSTEM = ""
PAPER = "beside the papers: evidence that a task's verifier is right"
VERSION = 2
TAKES = "tasks"
MAKES = ("verdicts", "notes")
ROLES = ("examiner", "mutator", "strong", "weak", "marker")
ROLE_OF = {"examiner": "judge", "mutator": "judge", "strong": "responder", "weak": "generator", "marker": "judge"}
APART = (("strong", "weak"),)
REAL_MODEL = ""

PARTS = "\ndef score("  # of a verifier that says how much of an answer is right
TOGETHER = 16  # answers that the verifier is asked about at a time
SHOWN = 3  # mutants that passed, in the detail of a verdict
FIRST = "monty"  # the engine that every user of an exported task can have
REASONS = frozenset(
    {"not_cited", "verifier_fails", "right_refused", "mutants_passed", "not_entailed"}
    | {"too_few_right", "too_few_mutants", "known_without_page"}
)


class Knobs(Section):
    """What a profile can set under `[recipes.certificate]`."""

    solves: int = Field(default=3, ge=1, le=32, description="answers of each of the two solvers")
    closed: int = Field(default=2, ge=1, le=32, description="answers of the strong solver without the passage")
    mutants: int = Field(default=4, ge=1, le=16, description="wrong answers that another model is asked for")
    examined: int = Field(default=8, ge=1, le=64, description="most different answers that the examiner looks at")
    marked: int = Field(default=32, ge=0, description="most answers that are marked, of a task with a rubric")
    least_right: int = Field(default=2, ge=0, description="right answers of the solvers that the verifier must accept")
    least_rejected: float = Field(default=0.95, gt=0, le=1, description="least share of mutants that it must reject")
    most_closed: float = Field(
        default=0.5, ge=0, le=1, description="a task over a passage may be solved without it no more often than this"
    )


class Entailed(Answered):
    """Whether an answer follows from what is cited."""

    reason: Aside
    follows: Literal["yes", "no"]


class Misled(Answered):
    """Wrong answers that look right."""

    answers: list[str] = Field(max_length=16)


class Examined(Answered):
    """Whether an answer says what is known."""

    difference: Aside
    right: Literal["yes", "no"]


@dataclass(slots=True)
class Evidence:
    """What was found of a task; `answers` hold origin, kind, text, and whether each is right and accepted."""

    task: Mapping[str, Any]
    follows: str = ""
    engine: str = ""
    marked: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    solved: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    credit: dict[str, float] = field(default_factory=dict[str, float])
    source: Answered | Text | None = None

    def of(self, *, right: bool) -> list[dict[str, Any]]:
        """Return the answers that are right, or those that are wrong."""
        return [one for one in self.answers if one["right"] is right]

    @property
    def passed(self) -> list[dict[str, Any]]:
        """The mutants that the verifier let pass."""
        return [one for one in self.of(right=False) if one["accepted"]]


def most_calls(knobs: Knobs) -> int:
    """One for what follows, one for mutants; the solvers' answers, and one for each that is examined or marked."""
    return 2 + 2 * knobs.solves + knobs.closed + knobs.examined + knobs.marked


async def program(row: Row, ask: Ask) -> None:
    """Gather the evidence, and say whether it is enough.

    Raises:
        Rejection: A role gave no answer of use: nothing is said of the task then.
    """
    found, reason, detail = Evidence(json.loads(row["task"])), "", ""
    try:
        await _gather(row, ask, found)
    except Rejection as refusal:
        if refusal.reason not in REASONS:
            raise
        reason, detail = refusal.reason, refusal.detail
    told = f"{reason}: {detail}" if reason else _told(found)
    ask.made.verdict(row["input_id"], verifiable.CHECK, passed=not reason, detail=told, answer=found.source)
    if reason:
        ask.made.refused(reason, detail)
    if found.source:
        ask.made.note(verifiable.CERTIFICATE, _certificate(row, found, reason), found.source)


async def _gather(row: Row, ask: Ask, found: Evidence) -> None:
    """Look at the task from all sides, what is free first.

    Raises:
        Rejection: `not_cited`, `verifier_fails`, `right_refused`, `mutants_passed`, `not_entailed`, `too_few_mutants`,
            `too_few_right`, `known_without_page`: why there is no certificate.
    """
    task = found.task
    cited = _cited(row, task)
    by_rule = [{"origin": "rule", "kind": "right", "text": one, "right": True} for one in task["right"]]
    by_rule += [{"origin": "rule", "kind": kind, "text": one, "right": False} for kind, one in task["wrong"]]
    own = {"origin": "reference", "kind": "right", "text": task["reference"], "right": True}
    await _verify(ask, found, [own, *by_rule])
    _hold(ask.knobs, found)
    await _entailed(ask, found, cited)
    await _verify(ask, found, await _of_models(row, ask, found))
    _hold(ask.knobs, found)
    _hold_models(ask.knobs, found)
    await _credited(ask, found)


def _cited(row: Row, task: Mapping[str, Any]) -> list[str]:
    """Return what the task cites, of its page and of others.

    Raises:
        Rejection: `not_cited`, a range is no text of its page, or a task that rests on its page cites nothing.
    """
    texts, found = json.loads(row["others"] or "{}"), list[str]()
    places = [(row["page"] or "", task["cited"])]
    places += [(texts.get(one["document_id"], ""), one["cited"]) for one in task.get("elsewhere", ())]
    for page, ranges in places:
        quotes = verifiable.quoted(page, ranges)
        if not quotes and task["follows"] != verifiable.FREE:
            raise Rejection("not_cited", f"bytes {ranges} are no text of the page")
        found += quotes or []
    return found


async def _verify(ask: Ask, found: Evidence, answers: Sequence[dict[str, Any]]) -> None:
    """Have the verifier say of each answer whether it accepts it.

    Raises:
        Rejection: `verifier_fails`, it says nothing of one.
    """
    said = await _said(ask, found, "evaluate", [one["text"] for one in answers])
    asked = [at for at, value in enumerate(said) if isinstance(value, dict)]
    if asked:
        found.marked += sum("prompt" in said[at] for at in asked)
        if found.marked > ask.knobs.marked:
            raise Rejection("verifier_fails", f"more than {ask.knobs.marked} answers would have to be marked")
        done = await ask.each([_done(ask, said[at]) for at in asked])
        for at, value in zip(asked, await _said(ask, found, "judge", done), strict=True):
            said[at] = value
    if odd := [value for value in said if not isinstance(value, bool)]:
        raise Rejection("verifier_fails", f"it says neither yes nor no: {odd[0]}"[:300])
    found.answers += [one | {"accepted": value} for one, value in zip(answers, said, strict=True)]


async def _said(ask: Ask, found: Evidence, function: str, given: Sequence[Any]) -> list[Any]:
    """Return what a function of the verifier says of each value, asked of some at a time: an answer has its bounds.

    Raises:
        Rejection: `verifier_fails`.
    """
    said = list[Any]()
    for first in range(0, len(given), TOGETHER):
        calls = [{"function": function, "arguments": [one]} for one in given[first : first + TOGETHER]]
        ran = await ask.execute(found.task["verifier"], calls)
        found.engine = ran.engine
        if ran.outcome != "ok":
            raise Rejection("verifier_fails", f"{ran.outcome}: {ran.detail}"[:300])
        if not ran.engine.startswith(FIRST):
            raise Rejection("verifier_fails", f"it runs in `{ran.engine}` alone, which is not everywhere")
        said += ran.values
    return said


async def _done(ask: Ask, step: Mapping[str, Any]) -> list[Any] | str | None:
    """Return what a marker says, or what calls of a program gave; None where it fails, or runs only here."""
    if "prompt" in step:
        return (await ask("mark", Text, role="marker", prompt=bare(step["prompt"].removesuffix(FORM)))).text
    ran = await ask.execute(step["source"], step["calls"])
    return ran.values if ran.outcome == "ok" and ran.engine.startswith(FIRST) else None


def _hold(knobs: Knobs, found: Evidence) -> None:
    """Return if no right answer is rejected, and enough of the wrong ones are.

    Raises:
        Rejection: `right_refused`, `mutants_passed`.
    """
    if refused := [one["text"] for one in found.of(right=True) if not one["accepted"]]:
        raise Rejection("right_refused", f"{len(refused)} right answers, such as: {refused[0][:200]}")
    mutants, passed = len(found.of(right=False)), found.passed
    if mutants and len(passed) > (1 - knobs.least_rejected) * mutants:
        shown = "; ".join(f"{one['kind']}: {one['text'][-80:]}" for one in passed[:SHOWN])
        raise Rejection("mutants_passed", f"{len(passed)} of {mutants}: {shown}")


async def _entailed(ask: Ask, found: Evidence, cited: Sequence[str]) -> None:
    """Return if the known answer follows from what is cited.

    Raises:
        Rejection: `not_entailed`.
    """
    found.follows = found.task["follows"]
    if found.follows != verifiable.ASKED:
        return
    task = found.task
    claim = task.get("claim") or task["known"]
    said = await ask("follows", Entailed, cited=cited, question=task["question"], answer=claim)
    found.source, found.follows = said, said.follows
    if said.follows == "no":
        raise Rejection("not_entailed", f"{claim[:100]}: {said.reason[:200]}")


async def _of_models(row: Row, ask: Ask, found: Evidence) -> list[dict[str, Any]]:
    """Return what solvers answer, and what a mutator says that is wrong, each examined."""
    task, knobs = found.task, ask.knobs
    whole, history = verifiable.asked(task["question"], task["passage"]), row["history"] or ""
    closed = knobs.closed if task["passage"] or history else 0
    strong, weak, without = await ask.each([
        ask.draws(knobs.solves, "solve", Text, role="strong", task=bare(whole), history=history),
        ask.draws(knobs.solves, "solve", Text, role="weak", task=bare(whole), history=history),
        ask.draws(closed, "recall", Text, role="strong", question=bare(task["question"])),
    ])  # fmt: skip
    misled = await _misled(ask, task)
    if without:
        await _without(ask, found, without)
    found.source = next(iter([*strong, *weak, *misled]), found.source)
    answers = [(origin, one.text) for origin, said in (("strong", strong), ("weak", weak)) for one in said]
    whole = final if task["is_line"] else str
    texts = [("mutator", whole(one)) for said in misled for one in said.answers]
    return await _examined(ask, task, [*answers, *texts])


async def _misled(ask: Ask, task: Mapping[str, Any]) -> list[Misled]:
    """Have another model write wrong answers: last lines, or whole ones."""
    how: Any = {"role": "mutator", "number": ask.knobs.mutants}
    if task["is_line"]:
        return await ask.draws(1, "mislead", Misled, **how, **_of_task(task))
    return await ask.draws(1, "spoil", Misled, **how, question=_examined_by(task), known=task["reference"])


def _of_task(task: Mapping[str, Any]) -> dict[str, Any]:
    passage = task.get("excerpt") or task["passage"]
    return {"question": task["question"], "passage": passage, "known": task["known"]}


def _examined_by(task: Mapping[str, Any]) -> str:
    """Return the task as an examiner of whole answers is told it."""
    return verifiable.asked(task["question"], task.get("excerpt") or task["passage"])


async def _without(ask: Ask, found: Evidence, answers: Sequence[Text]) -> None:
    """Note how often the task is solved without its passage."""
    alone = Evidence(found.task, marked=found.marked)
    await _verify(ask, alone, [{"text": one.text} for one in answers])
    found.marked = alone.marked
    found.solved["closed"] = [sum(one["accepted"] for one in alone.answers), len(answers)]


async def _examined(ask: Ask, task: Mapping[str, Any], answers: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return each answer with whether it is right; one that nobody could judge is left out."""
    known = comparers.plain(task["known"]) if task["is_line"] else task["reference"]
    lines = {text: comparers.final(text) if task["is_line"] else text for _, text in answers}
    told: dict[str | None, bool | None] = {None: False, known: True}
    unsure = [line for line in dict.fromkeys(lines.values()) if line not in told][: ask.knobs.examined]
    said = await ask.tried([_right(ask, task, line or "") for line in unsure])
    told |= {line: one and one.right == "yes" for line, one in zip(unsure, said, strict=True)}
    return [
        {"origin": origin, "kind": _kind(origin, right=told[lines[text]]), "text": text, "right": told[lines[text]]}
        for origin, text in answers
        if told.get(lines[text]) is not None
    ]


async def _right(ask: Ask, task: Mapping[str, Any], answer: str) -> Examined:
    if task["is_line"]:
        return await ask("examine", Examined, role="examiner", answer=answer, **_of_task(task))
    return await ask("examine_whole", Examined, role="examiner", question=_examined_by(task), answer=answer)


def _kind(origin: str, *, right: bool | None) -> str:
    return "right" if right else "misleading" if origin == "mutator" else "unsolved"


def _hold_models(knobs: Knobs, found: Evidence) -> None:
    """Return if models gave enough to hold the verifier to, and the passage is needed.

    Raises:
        Rejection: `too_few_right`, `too_few_mutants`, `known_without_page`.
    """
    for role in ("strong", "weak"):
        mine = [one["accepted"] for one in found.answers if one["origin"] == role]
        found.solved[role] = [sum(mine), len(mine)]
    right = [one for one in found.of(right=True) if one["origin"] in {"strong", "weak"}]
    if len(right) < knobs.least_right:
        raise Rejection("too_few_right", f"{len(right)} right answers of solvers of at least {knobs.least_right}")
    if not any(one["kind"] == "misleading" for one in found.answers):
        raise Rejection("too_few_mutants", "another model wrote no wrong answer")
    solved, tried = found.solved.get("closed", (0, 0))
    if solved > knobs.most_closed * tried:
        raise Rejection("known_without_page", f"{solved} of {tried} answers without the passage are right")


async def _credited(ask: Ask, found: Evidence) -> None:
    """Note how much of each solver's answers is right, where the verifier says that."""
    if PARTS not in found.task["verifier"]:
        return
    for role in ("strong", "weak"):
        said = await _said(ask, found, "score", [one["text"] for one in found.answers if one["origin"] == role])
        found.credit[role] = round(sum(said) / max(len(said), 1), 4)


def _told(found: Evidence) -> str:
    """Say in words what the certificate says."""
    mutants = found.of(right=False)
    solved = ", ".join(f"{role} {some} of {of}" for role, (some, of) in sorted(found.solved.items()))
    return f"{len(mutants) - len(found.passed)} of {len(mutants)} mutants rejected; solved: {solved}"


def _certificate(row: Row, found: Evidence, reason: str) -> dict[str, Any]:
    """Return the certificate as it is noted."""
    mutants = Counter(one["kind"] for one in found.of(right=False))
    rejected = Counter(one["kind"] for one in found.of(right=False) if not one["accepted"])
    origins = Counter(one["origin"] for one in found.of(right=True) if one["accepted"])
    return {
        "instruction_id": row["input_id"],
        "kind": found.task["kind"],
        "certified": not reason,
        "reason": reason,
        "engine": found.engine,
        "cited": found.task["cited"],
        "follows": found.follows,
        "right": dict(sorted(origins.items())),
        "mutants": {kind: [rejected[kind], number] for kind, number in sorted(mutants.items())},
        "solved": found.solved,
        "answers": found.answers,
        **({"credit": found.credit} if found.credit else {}),
        **{name: found.task[name] for name in ("elsewhere", "facts") if name in found.task},
    }
