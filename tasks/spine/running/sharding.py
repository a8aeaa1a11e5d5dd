"""The loop of every computed stage: pending shards, a pure function, Parquet, one commit.

The function runs in workers (processes, threads, or Dask) and touches no database. What it returns is written as
Parquet, atomically; the one writer reads that back, adds who wrote it, and commits rows and shard together. So a kill
anywhere repeats at most the shards that were under way. Where a worker dies (a crash in a C library, time), the unit
that it noted is refused and the shard computed without it; a shard that breaks otherwise (an exception, memory) is
split until one unit is left, and that is refused.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import files, waits
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running import blame, page_limits
from wellspring.tasks.spine.running.runs import Counts, Run
from wellspring.tasks.spine.running.workers import executor, processes, workers

SHARDS_PER_WORKER_IN_FLIGHT = 4
_SAFE_NAME = re.compile(r"[0-9a-z_]+")
_DIED = "its worker died"
REFUSED = "refused"  # of a payload: units that killed their worker, each with its Rejection; the function refuses them


class Produced(NamedTuple):
    """What a shard's function returns.

    `tables` holds Arrow tables by table name, in the columns of their record without `run_id` and `fingerprint`
    (`rejections` without `stage` too): the writer adds those. `rows_in` is what was read, counted where it is read.
    """

    rows_in: int
    tables: dict[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of work: its id (a content id of what it is made of) and what its function gets (it must pickle)."""

    shard_id: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """How a stage computes its shards.

    Attributes:
        function: payload -> Produced. Module-level and pure; raising Rejection refuses the shard as a whole. One that
            tells `page_limits.unit` what it is at looks into the payload's `REFUSED` first.
        split: payload -> smaller payloads, for a shard that breaks; None means it cannot be split.
        refuse: (payload, why) -> Produced for a unit that breaks alone.
        settle: Last look of the writer, inside the commit: (store, produced) -> Produced, for what only the whole knows
            (a row that is there already). Inputs of which all is there are left out, of `rows_in`, too.
    """

    function: Callable[[Mapping[str, Any]], Produced]
    split: Callable[[Mapping[str, Any]], list[Mapping[str, Any]]] | None = None
    refuse: Callable[[Mapping[str, Any], Rejection], Produced] | None = None
    settle: Callable[[Store, Produced], Produced] | None = None


def done(run: Run, stage: str, fingerprint: str) -> list[str]:
    """Return the ids of the shards that this version of a method has finished."""
    return run.store.query("shards/done", stage=stage, fingerprint=fingerprint)["shard_id"].to_list()


def note_done(run: Run, stage: str, fingerprint: str, shard_ids: Iterable[str], rows: int = 0) -> None:
    """Note shards that were finished in this process, such as the runs whose rows a method has looked at."""
    noted = [records.Shard(stage, id_, fingerprint, "", rows, rows, 0, run.run_id) for id_ in shard_ids]
    run.store.append("shards", noted)


def compute(
    run: Run,
    *,
    stage: str,
    fingerprint: str,
    shards: Iterable[Shard],
    work: Work,
    total: int | None = None,
    most_rows: int | None = None,
) -> Counts:
    """Compute the shards that this version of the method has not finished, and commit each in their order.

    Args:
        run: The run.
        stage: The noun.
        fingerprint: The method, settings included: with the shard's id it says what is due.
        shards: All shards; those that are done are passed over.
        work: What to do with one.
        total: How many shards there are, where they are too large to be held together (their payloads are texts):
            they are then made as they are needed.
        most_rows: Commit no further shard once there are so many new rows; the order of shards, and not the speed of
            workers, says which those are.

    Raises:
        BrokenError: Shards broke; the others were finished first, and each has a row in `failures`.
    """
    if most_rows is not None and most_rows <= 0:
        return Counts()
    over = set(done(run, stage, fingerprint))
    due: Iterable[Shard] = (shard for shard in shards if shard.shard_id not in over)
    if total is None:
        due = list(due)
        total = len(due)
    folder = run.store.shards / stage / fingerprint
    folder.mkdir(parents=True, exist_ok=True)
    counts, broken = Counts(), list[str]()
    with contextlib.closing(_outcomes(run.settings, due, work, folder)) as outcomes:
        for finished, (shard, outcome) in enumerate(_trusted(run, stage, fingerprint, outcomes), start=1):
            if isinstance(outcome, Exception):
                broken.append(_record_failure(run, stage, fingerprint, shard, outcome))
            else:
                counts += _commit(run, stage, fingerprint, shard, outcome, work)
            run.progress(stage, finished, total, rows=counts.rows_out, refused=counts.rows_rejected)
            if most_rows is not None and counts.rows_out >= most_rows:
                break  # what is in flight is due again, should more be wanted one day
    if broken:
        raise BrokenError(
            f"{len(broken)} of {total} shards of `{stage}` broke, the first by {broken[0]}",
            hint="run the same command again: they are due; each is a row in `failures`, with its error",
        )
    return counts


def _trusted(
    run: Run, stage: str, fingerprint: str, outcomes: Iterable[tuple[Shard, "Outcome"]]
) -> Iterator[tuple[Shard, "Outcome"]]:
    """Hold shards back in which no row was read for exceptions, until another one shows that the method works.

    Raises:
        BrokenError: All rows ended in the same exception; nothing was refused for it.
    """
    held = list[tuple[Shard, "Outcome"]]()
    details = list[str]()
    is_proven = run.store.count("methods/written", fingerprint=fingerprint) > 0
    for shard, outcome in outcomes:
        ended = [] if is_proven or isinstance(outcome, Exception) else blame.ended(stage, outcome.tables)
        is_proven |= ended is None
        if ended and not is_proven:
            held.append((shard, outcome))
            details += ended
            continue
        if is_proven:
            yield from held
            held = []
        yield shard, outcome
    if held:
        blame.accuse(stage, len(details), details)
    yield from held


class _Written(NamedTuple):
    rows_in: int
    tables: dict[str, str]


def _produce(work: Work, payload: Mapping[str, Any], stem: str) -> _Written:
    """Run in a worker: compute, write each table as Parquet beside its final name, and rename it into place."""
    with page_limits.noted(_note(stem)), blame.refusing():
        return _write(work.function(payload), stem)


def rejections(refused: list[dict[str, str]]) -> pa.Table:
    """Return refusals of a shard (`input_id`, `reason`, `detail`) as a table; who wrote them is added by the writer."""
    schema = records.schema("rejections")
    names = ("input_id", "reason", "detail")
    return pa.Table.from_pylist(refused, schema=pa.schema([schema.field(name) for name in names]))


def _note(stem: str) -> str:
    return f"{stem}.at"


def _write(produced: Produced, stem: str) -> _Written:
    paths: dict[str, str] = {}
    for table, rows in produced.tables.items():
        path = f"{stem}.{table}.parquet"
        partial = Path(f"{path}.{os.getpid()}.part")
        pq.write_table(rows, partial, compression="zstd")
        files.put(partial, Path(path))
        paths[table] = path
    return _Written(produced.rows_in, paths)


def _stem(folder: Path, shard_id: str) -> str:
    if not _SAFE_NAME.fullmatch(shard_id):
        raise BrokenError(f"`{shard_id}` cannot name a file", hint="a shard id is a content id")
    return str(folder / shard_id)


Outcome = _Written | Exception


def _outcomes(
    settings: Settings, due: Iterable[Shard], work: Work, folder: Path
) -> Generator[tuple[Shard, Outcome], None, None]:
    """Yield each shard with what came of it, in the order of the shards, a few in flight at a time.

    The order makes a commit independent of which worker was faster: which of two equal rows came first is a fact.
    """
    queue = iter(due)
    limit = workers(settings) * SHARDS_PER_WORKER_IN_FLIGHT
    while (first := next(queue, None)) is not None:
        with executor(settings) as pool:
            yield from _flights(pool, itertools.chain([first], queue), limit, work, folder)


def _flights(
    pool: Executor, queue: Iterator[Shard], limit: int, work: Work, folder: Path
) -> Iterator[tuple[Shard, Outcome]]:
    """Keep `limit` shards in flight or waiting for their turn, until the queue is empty or a worker dies.

    Those that a dying worker took along are computed alone, each at its turn; so are those that broke.
    """
    flying: dict[Future[_Written], tuple[int, Shard]] = {}
    ready: dict[int, tuple[Shard, Outcome]] = {}
    died: dict[int, Shard] = {}
    submitted = yielded = 0
    while True:
        while not died and len(flying) + len(ready) < limit and (shard := next(queue, None)) is not None:
            try:
                future = pool.submit(_produce, work, shard.payload, _stem(folder, shard.shard_id))
                flying[future] = (submitted, shard)
            except BrokenExecutor:
                died[submitted] = shard
            submitted += 1
        if not flying:
            break
        for future in waits.first(flying):
            index, shard = flying.pop(future)
            if isinstance(outcome := _landed(future), BrokenExecutor):
                died[index] = shard
            else:
                ready[index] = (shard, outcome)
        while yielded in ready:
            shard, outcome = ready.pop(yielded)
            yield shard, _narrowed(work, shard.payload, _stem(folder, shard.shard_id), outcome)
            yielded += 1
    for index in sorted({*ready, *died}):
        shard, outcome = ready[index] if index in ready else (died[index], None)
        yield shard, _narrowed(work, shard.payload, _stem(folder, shard.shard_id), outcome)


def _landed(future: Future[_Written]) -> Outcome:
    problem = future.exception()
    if problem is None:
        return future.result()
    if isinstance(problem, Exception):
        return problem
    raise problem


def _narrowed(work: Work, payload: Mapping[str, Any], stem: str, outcome: Outcome | None) -> Outcome:
    """Compute a shard that broke without the units that kill, or split it until one unit is left, and refuse that.

    Args:
        work: The stage's.
        payload: Of the shard.
        stem: Of its files.
        outcome: What came of it; None where its worker died, or another one beside it.

    Raises:
        BrokenError: No worker can start, which is no page's fault.
    """
    if outcome is None:
        payload, outcome = _spared(work, payload, stem)
    why = _why(outcome)
    if isinstance(outcome, _Written) or why is None:
        return outcome
    parts = work.split(payload) if work.split else []
    if len(parts) < 2:  # noqa: PLR2004 - one part is the whole again
        return outcome if work.refuse is None else _write(work.refuse(payload, why), stem)
    written: list[_Written] = []
    for i, part in enumerate(parts):
        outcome = _narrowed(work, part, f"{stem}_{i}", None)
        if isinstance(outcome, Exception):
            return outcome
        written.append(outcome)
    return _joined(written, stem)


def _spared(work: Work, payload: Mapping[str, Any], stem: str) -> tuple[Mapping[str, Any], Outcome]:
    """Compute a shard alone; each unit at which its worker dies is refused, and the rest is computed again.

    A worker that ran out of time beside others has said so in its note: its unit does not get that time again.
    """
    spared = set[str]()
    unit, where = page_limits.last_note(_note(stem))
    is_known = bool(where)
    while True:
        if is_known:
            spared.add(unit)
            why = Rejection("killed_worker", f"its time was over at {where}" if where else _DIED)
            payload = {**payload, REFUSED: {**payload.get(REFUSED, {}), unit: why}}
        outcome = _alone(work, payload, stem)
        unit, where = page_limits.last_note(_note(stem))
        is_known = bool(unit) and unit not in spared
        if not isinstance(outcome, BrokenExecutor) or not is_known:
            return payload, outcome


def _alone(work: Work, payload: Mapping[str, Any], stem: str) -> Outcome:
    with processes(1) as pool:
        _check_start(pool)
        future = pool.submit(_produce, work, payload, stem)
        waits.first([future])
        return _landed(future)


def _why(outcome: Outcome) -> Rejection | None:
    """Return why a unit that ends so is refused; None where it is no unit's fault."""
    if isinstance(outcome, BrokenExecutor):
        return Rejection("killed_worker", _DIED)
    if isinstance(outcome, MemoryError):
        return Rejection("out_of_memory", "it needs more than a worker may have")
    return outcome if isinstance(outcome, Rejection) and outcome.reason == blame.METHOD_ERROR else None


def _check_start(pool: Executor) -> None:
    try:
        waits.result(pool.submit(os.getpid))
    except BrokenExecutor as error:
        raise BrokenError(
            "no worker process can start; nothing was refused for it",
            hint="a script that builds needs `if __name__ == '__main__':` before its lines; else see what the worker "
            "said above, free memory, or start none with --set runner=thread",
        ) from error


def _joined(parts: list[_Written], stem: str) -> _Written:
    names = sorted({name for part in parts for name in part.tables})
    tables = {
        name: pa.concat_tables([pq.read_table(part.tables[name]) for part in parts if name in part.tables])
        for name in names
    }
    joined = _write(Produced(sum(part.rows_in for part in parts), tables), stem)
    for part in parts:
        for path in part.tables.values():
            if path not in joined.tables.values():
                Path(path).unlink(missing_ok=True)
    return joined


def _commit(run: Run, stage: str, fingerprint: str, shard: Shard, written: _Written, work: Work) -> Counts:
    tables = {name: pq.read_table(path) for name, path in written.tables.items()}
    commit = partial(_commit_tables, run, stage, fingerprint, shard, work, Produced(written.rows_in, tables))
    return run.store.sparing(commit, sum(rows.nbytes for rows in tables.values()))


def _commit_tables(run: Run, stage: str, fingerprint: str, shard: Shard, work: Work, produced: Produced) -> Counts:
    """Append the tables in one transaction and note the shard; return what was new."""
    known = {"run_id": run.run_id, "fingerprint": fingerprint}
    with run.store.transaction():
        settled = produced if work.settle is None else work.settle(run.store, produced)
        new = {
            name: run.store.append(
                name, _completed(name, rows, known | ({"stage": stage} if name == "rejections" else {}))
            )
            for name, rows in settled.tables.items()
        }
        rows_out, rejected = new.get(stage, 0), new.get("rejections", 0)
        path = str((run.store.shards / stage / fingerprint).relative_to(run.store.path) / shard.shard_id)
        run.store.append(
            "shards",
            [records.Shard(stage, shard.shard_id, fingerprint, path, produced.rows_in, rows_out, rejected, run.run_id)],
        )
    return Counts(rows_in=settled.rows_in, rows_out=rows_out, rows_rejected=rejected)


def _completed(table: str, rows: pa.Table, known: Mapping[str, str]) -> pa.Table:
    """Add the columns that only the writer knows, where the record has them and the rows do not."""
    for column in records.schema(table).names:
        if column not in rows.column_names and column in known:
            rows = rows.append_column(column, pa.array([known[column]] * rows.num_rows, pa.string()))
    return rows


def _record_failure(run: Run, stage: str, fingerprint: str, shard: Shard, problem: Exception) -> str:
    said = f"{type(problem).__name__}: {problem}"
    run.store.append("failures", [records.Failure(stage, shard.shard_id, fingerprint, said[:2000], run.run_id)])
    if isinstance(problem, Rejection):
        run.progress.note(f"{stage}: shard {shard.shard_id} was refused, {problem.reason}")
    return said.splitlines()[0]
