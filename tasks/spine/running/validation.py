"""Write, audit, publish: nothing is read by a later stage before its table's suite has passed it.

An audit looks at all rows that no audit has passed yet, whoever wrote them; so rows of a killed run are audited by the
next one, and a run that wrote nothing costs nothing here.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.spine.running import judging, recipes
from wellspring.tasks.spine.running.runs import Run, as_task, in_flow, now
from wellspring.tasks.spine.watching import alerts

_OF_INSTRUCTIONS = frozenset({"instructions", "responses", "scores", "selections", "exports"})
AUDIT_BATCH_ROWS, AUDIT_BATCH_BYTES = 10_000, 2**24  # a library of pandas frames holds a batch some ten times over


def audit(run: Run, noun: str, *, may_be_empty: bool = False) -> None:
    """Audit what is not published yet of one table, and publish it.

    Args:
        run: The run.
        noun: The table.
        may_be_empty: An empty table passes; else it does where its declaration says so, and else is a failure.

    Raises:
        BrokenError: An expectation of severity `fail` does not hold; the message shows the rows, later stages stay
            unpaid, and the rows stay unpublished until they pass. Where rows of one program break it and those of
            another do not, these are published, the run goes on with them, and fails at its end.
    """
    as_task(f"audit {noun}", _audit)(run, noun, may_be_empty=may_be_empty)


def _audit(run: Run, noun: str, *, may_be_empty: bool) -> None:
    unpublished = run.store.count(f"{noun}/unpublished")
    if not unpublished:
        if not may_be_empty and _is_void(run, noun):
            raise _empty(run, noun)
        return
    from wellspring.tasks.io import suites

    run.progress(f"audit {noun}", 0, unpublished)
    prints = set[str]()
    shows = run.settings.pages.show_values
    with run.announcer.audit(noun) as results:
        results.extend(suites.check(noun, _unpublished(run, noun, prints), run.store, run.run_id))
        run.store.append("validations", [_row(run, noun, result, shows=shows) for result in results])
        _show(run, noun, results)
        for result in results:
            if not result.success and result.severity == "warn" and result.evaluated > 1:  # of facts the pages tell
                found = f"{result.column_name}, {result.unexpected} of {result.evaluated} rows"
                run.progress.note(f"audit {noun}: {found}. {result.notes}")
        failed = [r for r in results if not r.success and r.severity == "fail"]
        if failed:
            if in_flow():
                alerts.audit_failed(run.store.path, noun, run.run_id, failed)
            _go_on_without(run, noun, _broken(run, noun, failed, shows=shows), prints)
            return
    run.store.execute(f"{noun}/publish")
    run.progress(f"audit {noun}", unpublished, unpublished, expectations=len(results))


def _unpublished(run: Run, noun: str, prints: set[str], only: str | None = None) -> Iterator[pl.DataFrame]:
    """Yield what is to be audited, in batches, and take down which methods wrote it; or what one of them wrote."""
    column = STAGES[noun].method
    for frame in _batches(run.store.stream(f"{noun}/unpublished", rows=AUDIT_BATCH_ROWS)):
        if column in frame.columns:
            prints.update(frame[column].unique().to_list())
        yield frame if only is None else frame.filter(frame[column] == only)


def _go_on_without(run: Run, noun: str, error: BrokenError, prints: set[str]) -> None:
    """Publish what those programs wrote whose rows pass alone; the run ends with this error, but later.

    Raises:
        BrokenError: There is one program only, or none passes.
    """
    from wellspring.tasks.io import suites

    names = {print_: name for stage in (noun, "instructions", "scores") for print_, name in _names(run, stage)}
    passing = list[str]()
    for one in sorted(prints) if STAGES[noun].role and len(prints) > 1 else ():
        found = suites.check(noun, _unpublished(run, noun, set(), one), run.store, run.run_id, one)
        if all(result.success or result.severity != "fail" for result in found):
            passing.append(one)
    if not passing:
        raise error
    for one in passing:
        run.store.execute(f"{noun}/publish_method", fingerprint=one)
    held = ", ".join(sorted({names.get(one, one) for one in prints if one not in passing}))
    broken = error.message.partition("\n")[2].strip()
    said = f"rows of {held} break it and stay unpublished ({broken}); the run goes on with the others"
    run.progress.note(f"audit {noun}: {said}")
    run.held.append(
        BrokenError(error.message, hint=f"{said}: why each expectation is there is in expectations/{noun}.py")
    )


def _names(run: Run, stage: str) -> list[tuple[str, str]]:
    return run.store.query("methods/active", stage=stage).rows()


def _is_void(run: Run, noun: str) -> bool:
    """Whether a table is empty that may not be, by these settings and by what its stage refused."""
    if STAGES[noun].may_be_empty(run.settings, frozenset()):
        return False
    if STAGES[noun].is_by_method and run.store.query(f"{noun}/audience")["rows_valid"][0]:
        return False
    return not may_lack_rows(run, noun)


def may_lack_rows(run: Run, noun: str) -> bool:
    """Whether an empty table passes, by these settings and by what its stage refused."""
    if noun in _OF_INSTRUCTIONS and not recipes.makes(run.settings, "instructions"):
        return True
    if noun == "scores" and not judging.gives_marks(run.settings):
        return True
    reasons = set(run.store.query("rejections/of_stage", stage=noun)["reason"].to_list())
    return STAGES[noun].may_be_empty(run.settings, reasons)


def _batches(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Cut frames of long texts into more batches."""
    for frame in frames:
        rows = frame.height * AUDIT_BATCH_BYTES // max(int(frame.estimated_size()), 1)
        yield from frame.iter_slices(max(rows, 1))


def _row(run: Run, noun: str, result: Any, *, shows: bool) -> records.Validation:
    sample = (
        f" such as {json.dumps(result.sample, ensure_ascii=False, default=str)[:500]}"
        if shows and result.sample
        else ""
    )
    return records.Validation(
        run_id=run.run_id,
        noun=noun,
        expectation=result.expectation,
        column_name=result.column_name,
        severity=result.severity,
        success=result.success,
        evaluated=result.evaluated,
        unexpected=result.unexpected,
        observed=f"{result.observed}{sample}",
        notes=result.notes,
        checked_at=now(),
    )


def _broken(run: Run, noun: str, failed: list[Any], *, shows: bool) -> BrokenError:
    lines = [
        f"  {r.column_name or 'table'}: {r.expectation}, {r.unexpected} of {r.evaluated} rows"
        + (f", such as {r.sample[:3]!r}" if shows and r.sample else "")
        for r in failed
    ]
    return BrokenError(
        f"`{noun}` breaks {len(failed)} of its expectations in run {run.run_id}\n" + "\n".join(lines),
        hint=f"why each expectation is there is in `expectations/{noun}.py`; nothing later was paid for, and what is "
        "recorded stays recorded",
    )


def _empty(run: Run, noun: str) -> BrokenError:
    refused = run.store.query("rejections/of_stage", stage=noun)
    reasons = ", ".join(f"{row['rows_rejected']} {row['reason']}" for row in refused.to_dicts()) or "nothing came in"
    if noun == "documents" and (forgotten := run.store.count("documents/forgotten")):
        reasons += f"; {forgotten} pages, sites, sources or texts were forgotten and stay away"
    return BrokenError(
        f"`{noun}` is empty: {reasons}",
        hint="`wellspring status` shows what each stage refused; a setting may be too strict, or an input empty",
    )


def _show(run: Run, noun: str, results: list[Any]) -> None:
    if not in_flow():
        return
    from prefect.artifacts import create_table_artifact

    create_table_artifact(
        key=f"{run.label}-audit-{noun}",
        table=[
            {
                "column": r.column_name or "(table)",
                "expectation": r.expectation,
                "severity": r.severity,
                "holds": r.success,
                "evaluated": r.evaluated,
                "unexpected": r.unexpected,
            }
            for r in results
        ],
        description=f"The audit of `{noun}` in run {run.run_id}",
    )
