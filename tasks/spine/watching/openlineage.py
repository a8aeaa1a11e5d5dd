"""What a run says of itself while it works: OpenLineage events for the run, its stages and its audits.

Every START gets exactly one end: COMPLETE, FAIL, or, when the process was killed, ABORT from the next run that gets the
store's lock. Which table is made of which, column by column, is declared in `contracts/stages.py`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.settings import EventsSettings
from wellspring.tasks.contracts.stages import STAGES, made_from
from wellspring.tasks.io import events
from wellspring.tasks.io.events import Dataset, Job


class RunEvents:
    """Says what one run does, into `events/<run_id>.jsonl`, and delivers it when the run is over."""

    def __init__(self, folder: Path, settings: EventsSettings, run_id: str, flow: str, version: str) -> None:
        self._folder = folder
        self._settings = settings
        self._run_id = run_id
        self._version = version
        self._job = Job(settings.namespace, flow, "FLOW")
        self._uuid = events.identity(run_id)
        self._parts = 0

    def began(self) -> None:
        """Say that the run began."""
        self._say(events.START, self._uuid, self._job)

    def ended(self, status: str, problem: str = "") -> None:
        """Say how the run ended, and deliver what a server has not had yet."""
        kind = {"done": events.COMPLETE, "stopped": events.ABORT}.get(status, events.FAIL)
        self._say(kind, self._uuid, self._job, error="" if status == "done" else (problem or status))
        if self._settings.url:
            events.deliver(self._folder, self._settings.url)

    @contextmanager
    def stage(self, noun: str) -> Iterator[dict[str, int]]:
        """Say that a stage begins and how it ends; the block puts `rows` into what it is given."""
        found: dict[str, int] = {}
        with self._part(Job(self._settings.namespace, f"{self._job.name}.{noun}", "STAGE")) as said:
            said["inputs"] = [self._table(table) for table in made_from(noun)]
            made_of = STAGES[noun].made_of
            said["outputs"] = [self._table(noun, made_of=made_of)]
            yield found
            said["outputs"] = [self._table(noun, made_of=made_of, rows=found.get("rows", 0))]

    @contextmanager
    def audit(self, noun: str) -> Iterator[list[Any]]:
        """Say that an audit begins and how it ends; the block puts its results into the list it is given."""
        results: list[Any] = []
        with self._part(Job(self._settings.namespace, f"{self._job.name}.audit.{noun}", "AUDIT")) as said:
            said["inputs"] = [self._table(noun)]
            try:
                yield results
            finally:
                said["inputs"] = [self._table(noun, assertions=[_assertion(noun, result) for result in results])]

    @contextmanager
    def _part(self, job: Job) -> Iterator[dict[str, Any]]:
        self._parts += 1
        uuid = events.identity(self._run_id, job.name, str(self._parts))
        parent, said = (self._uuid, self._job), dict[str, Any]()
        self._say(events.START, uuid, job, parent=parent)
        try:
            yield said
        except BaseException as error:
            why = getattr(error, "message", "") or type(error).__name__
            self._say(events.FAIL, uuid, job, parent=parent, error=why, **said)
            raise
        self._say(events.COMPLETE, uuid, job, parent=parent, **said)

    def _say(self, kind: str, uuid: str, job: Job, **more: Any) -> None:
        events.emit(self._folder, self._run_id, events.event(kind, uuid, job, version=self._version, **more))

    def _table(self, noun: str, **known: Any) -> Dataset:
        columns = [(column.name, str(column.type)) for column in records.schema(noun)]
        return Dataset(self._settings.namespace, noun, columns, **known)


def _assertion(noun: str, result: Any) -> Mapping[str, Any]:
    """Say what an expectation found; counts only, never values of rows."""
    is_column = result.column_name in records.schema(noun).names
    return {
        "name": f"{noun}.{result.column_name or 'table'}",
        "assertion": result.expectation,
        "success": result.success,
        "column": result.column_name if is_column else None,
        "severity": "error" if result.severity == "fail" else "warn",
        "description": result.notes,
        "actual": result.observed,
    }


def abort(folder: Path, run_id: str, why: str = "killed") -> int:
    """End what a killed run left open with ABORT events, its parts before itself; return how many."""
    path = folder / f"{run_id}.jsonl"
    events.mend(path)
    opened = events.unfinished(path)
    for start in opened:
        events.emit(folder, run_id, events.aborted(start, why))
    return len(opened)
