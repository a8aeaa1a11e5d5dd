"""Rerun what was refused, and nothing else: refusals are taken back, so that their inputs are due again.

A judge that failed refuses nothing: it leaves a NULL mark or verdict, which is taken back in the same way. What was
computed would come out the same again, unless a method raised, or its worker died: then the files are read once more in
which such rows stand, and what is there of them already stays as it is.
"""

import difflib

import polars as pl

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.io.protocol import answers
from wellspring.tasks.io.storage.statements import queries
from wellspring.tasks.spine.running.blame import METHOD_ERROR
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import reads
from wellspring.tasks.spine.writing.repairs import ask_anew

# What another try may change: the server's state, or what a model says when it is asked again.
SERVERS = ("rate_limited", "server_error", "timeout", "connection", "malformed_answer", "expired")
COMPUTED = [stage.noun for stage in STAGES.values() if not stage.role]
MARKED = [noun for noun in STAGES if f"{noun}/failed" in queries(noun)]
JUDGED = (*SERVERS, "content_filter", "refusal", "unparsable_answer")  # of a seed: its other reasons are computed
ENDED = (METHOD_ERROR, "killed_worker", "out_of_memory")  # on a row that a better method, or more room, may get past


def reopen(run: Run, *, stage: str | None = None, reason: str | None = None, run_id: str | None = None) -> int:
    """Take refusals and NULL marks back, in the store and in the journal, and return how many.

    Args:
        run: The run that will ask again.
        stage: Only those of this stage.
        reason: Only those of this reason; without it (and without `stage` and `run_id`) those that a server caused, or
            an exception.
        run_id: Only those of this run; the beginning of its id will do.

    Raises:
        UsageError: The stage computes: it would refuse the same again. Or there is no such stage, or run.
    """
    is_open = stage is None and reason is None and run_id is None
    reasons = [reason] if reason else [*SERVERS, METHOD_ERROR] if is_open else None
    chosen = _worth_it(run.store.query("rejections/chosen", stage=stage, reasons=reasons, run_id=run_id))
    if stage in COMPUTED and chosen.is_empty():
        raise UsageError(
            f"`{stage}` asks no model: what it refused, it would refuse again",
            hint="change the setting that refuses them, which makes their inputs due; shards that broke are due anyway",
        )
    tables = [table for table in MARKED if stage in {None, table}]
    failed = {table: run.store.query(f"{table}/failed", reasons=reasons, run_id=run_id) for table in tables}
    if chosen.is_empty() and all(rows.is_empty() for rows in failed.values()):
        _expect(run, "stage", stage, list(STAGES))
        _expect(run, "run", run_id, run.store.query("runs/all")["run_id"].to_list())
        _say_reason(run, stage, reason)
    taken_back = [chosen, *failed.values()]
    for name in sorted({one for rows in taken_back for one in rows["reason"].to_list()} & answers.REASONS.keys()):
        run.models.journal.reopen(name)
    if not is_open:  # named by a person, who wants another answer and not the recorded one read again
        ask_anew(run, [detail for rows in taken_back for detail in rows["detail"].to_list()])
        reads.drop(run, chosen["input_id"].to_list())
    for name, why in sorted(set(chosen["stage", "reason"].rows())):
        with run.store.transaction():
            if why in ENDED:
                run.store.execute("shards/reopen", stage=name, reason=why, run_id=run_id)
            _take_back(run, name, chosen.filter((chosen["stage"] == name) & (chosen["reason"] == why)))
    marks = sum(_unmark(run, table, rows) for table, rows in failed.items())
    if is_open and not len(chosen) + marks:
        _say_others(run)
    judgements = f", and {marks} failed judgements" if marks else ""
    run.progress.note(f"retry: {len(chosen)} refusals are due again{judgements}")
    return len(chosen) + marks


def _take_back(run: Run, stage: str, refused: pl.DataFrame) -> None:
    """Take refusals out; an input with a refused draw is settled anew, with all its draws: those answered are free."""
    ids, prints = refused["input_id"], refused["fingerprint"].to_list()
    if stage not in COMPUTED:
        ids = ids.str.split("#").list.first()
        _unsettle(run, ids.to_list(), prints)
    run.store.execute("rejections/reopen", stage=stage, input_ids=ids.to_list(), fingerprints=prints)


def _unsettle(run: Run, input_ids: list[str], fingerprints: list[str]) -> None:
    for table in ("settled", "steps"):
        run.store.execute(f"{table}/reopen", ids=input_ids, fingerprints=fingerprints)


def _worth_it(chosen: pl.DataFrame) -> pl.DataFrame:
    """Leave out what was computed, and would come out the same."""
    asks, seeds = ~chosen["stage"].is_in(COMPUTED), chosen["stage"] == "seeds"
    is_judged = (asks & ~seeds) | (seeds & chosen["reason"].is_in(list(JUDGED)))
    return chosen.filter(is_judged | chosen["reason"].is_in(list(ENDED)))


def _unmark(run: Run, table: str, failed: pl.DataFrame) -> int:
    """Take back all that judges said of the subjects that they failed; returns how many subjects of judges."""
    pairs = failed.select("subject_id", "fingerprint").unique()
    if not pairs.is_empty():
        subjects, prints = pairs["subject_id"].to_list(), pairs["fingerprint"].to_list()
        run.store.execute(f"{table}/reopen", ids=subjects, fingerprints=prints)
        _unsettle(run, subjects, prints)
    return len(pairs)


def _say_others(run: Run) -> None:
    """Name the reasons for which a person may ask again, where no server refused anything."""
    others = _worth_it(run.store.query("rejections/chosen", stage=None, reasons=None, run_id=None))["reason"]
    if not others.is_empty():
        names = ", ".join(sorted(set(others.to_list())))
        run.progress.note(
            f"retry: no server refused anything; {len(others)} other refusals can be asked again by --reason: {names}"
        )


def _say_reason(run: Run, stage: str | None, reason: str | None) -> None:
    """Say why nothing is due again for a reason: it is misspelt, was asked again before, or is of a computed stage."""
    refused = run.store.query("rejections/chosen", stage=stage, reasons=None, run_id=None)
    if reason is None:
        return
    if reason in refused["reason"].to_list():
        run.progress.note(
            f"retry: what was refused for `{reason}` was computed, and would be refused again: change the setting that "
            "refuses it"
        )
        return
    near = difflib.get_close_matches(reason, sorted(set(_worth_it(refused)["reason"].to_list())), n=3)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    run.progress.note(f"retry: nothing is refused for `{reason}`{meant}")


def _expect(run: Run, what: str, name: str | None, known: list[str]) -> None:
    if name and not any(one.startswith(name) for one in known):
        raise UsageError(f"there is no {what} `{name}`", hint=f"see: wellspring status --store {run.store.path}")
