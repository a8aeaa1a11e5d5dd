"""Verdicts: what checks say of answers; yes, no, or NULL where a check could not say.

Computed checks look at every answer, in workers, a frame of answers at a time; those that are required are looked at
whether or not `verdicts.checks` names them. `not_same` compares all answers with each other: its verdicts are
of one set of answers, named by its content, and are made anew when the set changes. Prompted ones are asked for:
`checklist` (TICK: questions written per instruction, each put to each answer in its own call), `verifiers` (AutoIF:
functions written per instruction, run in the sandbox on each answer) and `moderation` (by the judge, or by a model or
a moderation endpoint of its own, `models.moderator`). A verdict never changes or
removes an answer; `verdicts.required` says whose pass it needs to be selected. A check that is not about an answer says
that it does not apply; one that could not say, or that nobody asked, does not pass.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import orjson
import polars as pl

from wellspring.tasks.contracts import code_answers, prompting, records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.conversation import in_turns
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import PromptedMethod, Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import BenchmarksSettings, VerdictsSettings
from wellspring.tasks.contracts.vectors import Rows
from wellspring.tasks.io import sandbox as sandboxes
from wellspring.tasks.io import waits
from wellspring.tasks.io.containment import Call
from wellspring.tasks.io.protocol.requests import role_of
from wellspring.tasks.io.sandbox import Sandbox
from wellspring.tasks.judges.checklist_questions import MOST
from wellspring.tasks.methods.answers import checks, code_tests, cross_validation, sameness
from wellspring.tasks.methods.answers.code_blocks import code_blocks
from wellspring.tasks.spine.running import blame
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.running.workers import executor, workers
from wellspring.tasks.spine.vectors import contamination
from wellspring.tasks.spine.writing.programs import Ask, Program
from wellspring.tasks.spine.writing.repairs import failure
from wellspring.tasks.spine.writing.runner import conduct

VERSION = 3
FRAME_ROWS = 500
CHECKLIST, QUESTIONED, MODERATION = "checklist_questions", "checklist", "moderation"
RUN_CHECK, PASS_CHECK = "code_runs", "code_passes"  # the computed checks that are no pure methods of one answer
SAME_CHECK = "not_same"
VERIFIERS, VERIFIED = "verifiers", "verified"

UNSAID = {sandboxes.LACKING, "denied"}  # such code may well run where it has what it asks for

Written = tuple[str, str, bool | None, str]  # subject, check, passed, detail


@stage("verdicts")
def check(run: Run) -> Counts:
    """Check every answer that this profile's checks have not looked at."""
    names = set(run.settings.verdicts.computed)
    computed = {_of_checks(run): "checks"} if names - {SAME_CHECK} else {}
    compared = {_of_set(run): SAME_CHECK} if SAME_CHECK in names else {}
    asked = _asked(run)
    run.activate("verdicts", computed | compared | asked, _chosen(run))
    _say_unasked(run)
    counts = Counts()
    for fingerprint in computed:
        counts += _computed(run, fingerprint)
    for fingerprint in compared:
        counts += _compared(run, fingerprint)
    does = {VERIFIERS: _verifiers, VERIFIED: _verified, QUESTIONED: _questioned}
    for fingerprint, name in asked.items():
        counts += does[name](run, fingerprint) if name in does else _prompted(run, fingerprint, name)
    return counts


def _chosen(run: Run) -> dict[str, Any]:
    return run.settings.verdicts.model_dump()


def _say_unasked(run: Run) -> None:
    """Say that no row can be selected, where a check is required that no judge is asked for."""
    if unasked := run.settings.verdicts.unasked:
        run.progress.note(
            f"verdicts.required names {', '.join(unasked)}, and verdicts.judges asks nobody for it: no row passes, "
            "none is selected. Name its judge (checklist, moderation, verifiers), or do not require it"
        )


def _of_checks(run: Run) -> str:
    chosen = run.settings.verdicts
    names = sorted({*chosen.computed} - {SAME_CHECK})
    sandbox = sandboxes.identity(chosen) if {RUN_CHECK, PASS_CHECK} & {*names} else ""
    looked_for = contamination.fingerprint(run.settings) if contamination.CHECK in names else ""
    said = ("checks", checks.VERSION, names, chosen.min_knowledge_precision, sandbox, looked_for)
    own = [(name, module.VERSION) for name, module in _theirs(chosen, run.settings.plugins).items()]
    return content_id(*said, *raised(*checks.OURS.methods(names), own=VERSION).items(), *own)


def _theirs(chosen: VerdictsSettings, folders: Sequence[str]) -> dict[str, ModuleType]:
    """Return the files of the user's checks by name; an exception on one of their lines is told by it."""
    found = {name: checks.theirs(name, folders) for name in chosen.computed if name not in checks.OURS.uses}
    blame.programs.update(str(Path(str(module.__file__)).absolute()) for module in found.values())
    return found


def _of_set(run: Run) -> str:
    """Return the name of the answers that are compared: another answer, or one less, and all are compared anew."""
    found = run.store.query("verdicts/set").row(0)
    return content_id(SAME_CHECK, found, *raised(*checks.OURS.methods([SAME_CHECK]), own=VERSION).items())


def _asked(run: Run) -> dict[str, str]:
    """The prompted checks in their order: fingerprint -> judge, and what is done with what it wrote."""
    judges, found = run.settings.verdicts.judges, dict[str, str]()
    if MODERATION in judges:
        found[_of_judge(run, MODERATION)] = MODERATION
    if QUESTIONED in judges:
        found |= {_of_judge(run, CHECKLIST): CHECKLIST, _of_questions(run): QUESTIONED}
    if VERIFIERS in judges:
        written = _of_verifiers(run)
        found |= {written: VERIFIERS, content_id(VERIFIED, written): VERIFIED}
    return found


def _of_judge(run: Run, name: str, **more: Any) -> str:
    role, method = _asked_of(run, name)
    return method.fingerprint(**role_of(run.settings, role).asked, **more, **raised("loops", own=VERSION))


def _of_questions(run: Run) -> str:
    return _of_judge(run, QUESTIONED, checklist=_of_judge(run, CHECKLIST))


def _of_verifiers(run: Run) -> str:
    least = (run.settings.verdicts.least_functions, run.settings.verdicts.least_cases)
    ran = (sandboxes.identity(run.settings.verdicts), cross_validation.VERSION, *least)
    return _of_judge(run, VERIFIERS, more=ran, detail="functions, engines")


def _asked_of(run: Run, name: str) -> tuple[str, PromptedMethod]:
    """Return whom a prompted check asks, and how: moderation may have a model or an endpoint of its own."""
    moderator = run.settings.models.moderator if name == MODERATION else None
    way = f"{name}_endpoint" if moderator and moderator.api == "moderations" else name
    return "moderator" if moderator else "judge", prompting.load("wellspring.tasks.judges", way)


def _computed(run: Run, fingerprint: str) -> Counts:
    """Check frame after frame, in workers where there is more than one; each frame is one commit."""
    total = run.store.count("verdicts/pending", fingerprint=fingerprint)
    frames = run.store.stream("verdicts/pending", rows=FRAME_ROWS, fingerprint=fingerprint)
    done, proven = 0, set[str]()
    for written, rows in _outcomes(run, frames, is_small=total <= FRAME_ROWS):
        proven = _proven(written, proven)
        with run.store.transaction():
            run.store.append("verdicts", [_verdict(run, fingerprint, one) for one in written])
        done += rows
        run.progress("verdicts", done, total)
    return Counts(rows_in=done, rows_out=done)


def _proven(written: list[Written], proven: set[str]) -> set[str]:
    """Return the checks that have said something of an answer, now or before.

    Raises:
        BrokenError: Another ended in one exception on all of these.
    """
    is_error = {one: one[2] is None and one[3].startswith(f"{blame.METHOD_ERROR}: ") for one in written}
    said = proven | {name for (_, name, _, _), ended in is_error.items() if not ended}
    for name in sorted({name for _, name, _, _ in written} - said):
        details = [detail for _, one, _, detail in written if one == name]
        blame.accuse(name, len(details), details)
    return said


def _compared(run: Run, fingerprint: str) -> Counts:
    """Compare all answers with each other, in one commit: each gets a verdict, also on what no other says."""
    if run.store.query("verdicts/made", fingerprint=fingerprint)["rows_made"][0]:
        return Counts()
    answers, found = list[sameness.Answer](), list[Any]()
    for frame in run.store.stream("verdicts/answers", rows=FRAME_ROWS):
        answers += [sameness.noted(*row) for row in frame.iter_rows()]
        found.append(sameness.bands(frame["response"].to_list()))
    if not answers:
        return Counts()
    pairs = sameness.candidates(answers, np.concatenate(found))
    same = {one.answer_id: one.why for one in sameness.too_many(answers, _alike(run, answers, pairs))}
    written = [(one.answer_id, SAME_CHECK, one.answer_id not in same, same.get(one.answer_id, "")) for one in answers]
    with run.store.transaction():
        run.store.append("verdicts", [_verdict(run, fingerprint, one) for one in written])
    return Counts(rows_in=len(written), rows_out=len(written))


def _alike(run: Run, answers: list[sameness.Answer], pairs: Rows) -> Rows:
    """Return those pairs whose texts are alike; only texts that are in a pair are held."""
    rows = np.unique(pairs)
    wanted = {answers[row].answer_id for row in rows.tolist()}
    texts: dict[str, str] = {}
    for frame in run.store.stream("verdicts/answers", rows=FRAME_ROWS) if wanted else ():
        kept = frame.filter(pl.col("input_id").is_in(wanted))
        texts |= zip(kept["input_id"].to_list(), kept["response"].to_list(), strict=True)
    ordered = [texts[answers[row].answer_id] for row in rows.tolist()]
    return pairs[sameness.alike(ordered, np.searchsorted(rows, pairs))] if len(rows) else pairs


def _outcomes(run: Run, frames: Iterable[pl.DataFrame], *, is_small: bool) -> Iterator[tuple[list[Written], int]]:
    """Yield what the checks said of each frame, in order, a few frames ahead."""
    if is_small:  # starting workers would take longer
        for frame in frames:
            yield checked(frame.to_dicts(), *_given(run)), len(frame)
        return
    with executor(run.settings) as pool:
        ahead: deque[tuple[Future[list[Written]], int]] = deque()
        for frame in frames:
            ahead.append((pool.submit(checked, frame.to_dicts(), *_given(run)), len(frame)))
            if len(ahead) > 2 * workers(run.settings):
                future, rows = ahead.popleft()
                yield waits.result(future), rows
        for future, rows in ahead:
            yield waits.result(future), rows


def _given(run: Run) -> tuple[VerdictsSettings, BenchmarksSettings, tuple[str, ...]]:
    return run.settings.verdicts, run.settings.benchmarks, run.settings.plugins


def checked(
    rows: list[dict[str, Any]], chosen: VerdictsSettings, benchmarks: BenchmarksSettings, folders: Sequence[str] = ()
) -> list[Written]:
    """Run the computed checks over answers, those of the plug-in folders too; module-level, so that a worker can."""
    _theirs(chosen, folders)
    does = {RUN_CHECK: _code_runs, PASS_CHECK: _code_passes}
    of_others = {*does, contamination.CHECK, SAME_CHECK}
    named = checks.checks([name for name in chosen.computed if name not in of_others], folders)
    rows = [in_turns(row, "instruction") for row in rows]
    said = [(row["input_id"], name, _outcome(one, row, chosen)) for row in rows for name, one in sorted(named.items())]
    if contamination.CHECK in chosen.computed:
        said += [(row["input_id"], contamination.CHECK, _not_contaminated(row, benchmarks)) for row in rows]
    if wanted := [name for name in does if name in chosen.computed]:
        with Sandbox(sandboxes.limits(chosen)) as sandbox:
            said += [(row["input_id"], name, does[name](row, sandbox)) for row in rows for name in wanted]
    return [(subject, name, outcome.passed, outcome.detail) for subject, name, outcome in said]


def _outcome(one: checks.Check, row: dict[str, Any], chosen: VerdictsSettings) -> checks.Outcome:
    """Return what a check says of an answer; an exception says nothing, and the detail holds its class and line."""
    try:
        with blame.refusing():
            return one(row, chosen)
    except Rejection as refusal:
        return checks.Outcome(None, failure(refusal))


def _not_contaminated(row: Mapping[str, Any], benchmarks: BenchmarksSettings) -> checks.Outcome:
    """Look for the profile's benchmarks in an answer, and once more in what it answers: nothing of them is exported."""
    if not benchmarks.paths:
        return checks.does_not_apply("the profile names no benchmarks (benchmarks.paths)")
    for text in (row["instruction"], row["response"]):
        try:
            contamination.check(benchmarks, text)
        except Rejection as refusal:
            return checks.Outcome(passed=False, detail=refusal.detail)
    return checks.Outcome(passed=True, detail="")


def _code_runs(row: Mapping[str, Any], sandbox: Sandbox) -> checks.Outcome:
    """Run an answer's Python blocks one after the other, as a notebook would, in the sandbox and nowhere else."""
    code = _python(row)
    if not code:
        return checks.does_not_apply("no Python")
    ran = sandbox.execute(code)
    return checks.Outcome(None if ran.outcome in UNSAID else ran.outcome == "ok", _of_engine(ran))


def _code_passes(row: Mapping[str, Any], sandbox: Sandbox) -> checks.Outcome:
    """Run an answer's Python with the calls of its instruction's tests; what they should give stays outside."""
    if not row.get("tests"):
        return checks.does_not_apply("no tests")
    if (tests := code_tests.noted(row["tests"])) is None:
        return checks.Outcome(None, "the tests have another form than code_tests.py says")
    if not (code := _python(row)):
        return checks.Outcome(passed=False, detail="no Python")
    ran = sandbox.run_program(code, [Call(**call) for call in tests.calls])
    if ran.outcome != "ok":
        return checks.Outcome(None if ran.outcome in UNSAID else False, _of_engine(ran))
    right = sum(map(code_answers.is_same, ran.values, tests.expected))
    said = f"{ran.engine}: {right} of {len(ran.values)} calls give what they should"
    return checks.Outcome(right == len(ran.values), said)


def _python(row: Mapping[str, Any]) -> str:
    blocks = code_blocks(row["response"])
    return "\n".join(block.code for block in blocks if block.language in {"python", "py", "python3"})


def _of_engine(ran: sandboxes.Ran | sandboxes.Outputs) -> str:
    return f"{ran.engine}: {ran.outcome}" + (f": {ran.detail}" if ran.detail else "")


def _verdict(run: Run, fingerprint: str, written: Written) -> records.Verdict:
    subject, name, passed, detail = written
    return records.Verdict(subject, fingerprint, name, passed, detail, None, run.run_id)


def _prompted(run: Run, fingerprint: str, name: str) -> Counts:
    role, method = _asked_of(run, name)

    async def body(row: Row, ask: Ask) -> None:
        def read(parsed: Mapping[str, Any], answer: Answer) -> list[records.Verdict]:
            detail = parsed.get("detail") or orjson.dumps(parsed["questions"]).decode()
            return [_said(run, fingerprint, row, name, (parsed.get("passed", True), detail), answer)]

        failed = _failed(run, fingerprint, row, name)
        shown = in_turns(row, "text")
        await ask.judge("verdicts", failed, method, shown, role=role, settings=run.settings.verdicts, read=read)

    takes = "texts" if name == MODERATION else "answered"
    return conduct(run, Program("verdicts", name, takes, fingerprint, (role,), 1, body))


def _questioned(run: Run, fingerprint: str) -> Counts:
    """Put each question of a checklist to the answer, side by side, in a call of its own."""
    role, method = _asked_of(run, QUESTIONED)

    async def body(row: Row, ask: Ask) -> None:
        async def put(number: int, question: str) -> None:
            name = f"{QUESTIONED}.{number}"

            def read(parsed: Mapping[str, Any], answer: Answer) -> list[records.Verdict]:
                return [_said(run, fingerprint, row, name, (parsed["passed"], parsed["detail"]), answer)]

            shown, failed = in_turns(row, "instruction") | {"question": question}, _failed(run, fingerprint, row, name)
            await ask.judge("verdicts", failed, method, shown, role=role, settings=run.settings.verdicts, read=read)

        await ask.each([put(*one) for one in enumerate(row["questions"][:MOST], start=1)])

    return conduct(run, Program("verdicts", QUESTIONED, "questions", fingerprint, (role,), MOST, body))


def _verifiers(run: Run, fingerprint: str) -> Counts:
    """Have functions written that check the form of an answer, try them in the sandbox, keep those that agree."""
    method, wanted = prompting.load("wellspring.tasks.judges", VERIFIERS), run.settings.verdicts
    with Sandbox(sandboxes.limits(wanted)) as sandbox:

        async def body(row: Row, ask: Ask) -> None:
            def read(parsed: Mapping[str, Any], answer: Answer) -> list[records.Verdict]:
                return [_said(run, fingerprint, row, VERIFIERS, _believed(sandbox, parsed, wanted), answer)]

            failed = _failed(run, fingerprint, row, VERIFIERS)
            await ask.judge("verdicts", failed, method, in_turns(row, "text"), role="judge", settings=wanted, read=read)

        return conduct(run, Program("verdicts", VERIFIERS, "answered", fingerprint, ("judge",), 1, body))


def _believed(sandbox: Sandbox, parsed: Mapping[str, Any], wanted: VerdictsSettings) -> tuple[bool | None, str]:
    """Return whether written verifiers are believed; None where there is nothing to tell by.

    Also return those that are, in JSON, with the engines that tried them.
    """
    functions, cases = parsed["functions"], parsed["cases"]
    if not functions:
        return None, _tried([], [])
    if missing := cross_validation.too_few(functions, cases, wanted.least_functions, wanted.least_cases):
        return None, failure(Rejection("too_few_verifiers", missing))
    ran = [[sandbox.verify(code, text) for text, _ in cases] for code in functions]
    said = [[one.value for one in of] for of in ran]
    kept = cross_validation.cross_validated(said, [expected for _, expected in cases]).functions
    return bool(kept), _tried([functions[i] for i in kept], [one.engine for of in ran for one in of])


def _tried(functions: Sequence[str], engines: Sequence[str]) -> str:
    return orjson.dumps({"functions": functions, "engines": sorted({*engines})}).decode()


def _verified(run: Run, fingerprint: str) -> Counts:
    """Put the believed functions to each answer; more than half must pass it (AutoIF)."""
    params = {"fingerprint": fingerprint, "verifiers": _of_verifiers(run)}
    done = 0
    with Sandbox(sandboxes.limits(run.settings.verdicts)) as sandbox:
        for frame in run.store.stream("verdicts/pending_verified", rows=FRAME_ROWS, **params):
            said = [(row["input_id"], _passes(sandbox, row)) for row in frame.iter_rows(named=True)]
            written = [(subject, VERIFIED, one.passed, one.detail) for subject, one in said]
            run.store.append("verdicts", [_verdict(run, fingerprint, one) for one in written])
            done += len(written)
    return Counts(rows_in=done, rows_out=done)


def _passes(sandbox: Sandbox, row: Row) -> checks.Outcome:
    ran = [sandbox.verify(code, row["response"]) for code in row["functions"]]
    known = [one.value for one in ran if one.value is not None]
    said = ", ".join(f"{one.outcome if one.value is None else one.value} ({one.engine})" for one in ran)
    return checks.Outcome(sum(known) / len(known) > cross_validation.CASE_ACCURACY if known else None, said)


def _said(
    run: Run, fingerprint: str, row: Row, name: str, said: tuple[bool | None, str], answer: Answer
) -> records.Verdict:
    return records.Verdict(row["input_id"], fingerprint, name, *said, answer.completion_id, run.run_id)


def _failed(run: Run, fingerprint: str, row: Row, name: str) -> Callable[[Rejection], list[records.Verdict]]:
    """What a judge that failed writes: NULL, and why."""

    def failed(refusal: Rejection) -> list[records.Verdict]:
        return [records.Verdict(row["input_id"], fingerprint, name, None, failure(refusal), None, run.run_id)]

    return failed
