"""Lineage events as OpenLineage speaks them: built here, written to a file, then delivered to a server if there is one.

The file is the truth: `events/<run_id>.jsonl`, one event a line, in order. Delivery reads the files and remembers how
far it came, so a server that was away gets what it missed with the next run, and never holds a run up. The events are
plain JSON after the specification (openlineage.io/spec, 2-0-2); tests alone need the client library and the schemas.
"""

import contextlib
import http.client
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import files

START, COMPLETE, FAIL, ABORT = "START", "COMPLETE", "FAIL", "ABORT"
TERMINAL = frozenset({COMPLETE, FAIL, ABORT})
PRODUCER = "urn:wellspring:events"
DELIVERY_SECONDS = 5.0
_SPEC = "https://openlineage.io/spec"
_FACETS = {
    "schema": "facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    "columnLineage": "facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet",
    "dataQualityAssertions": (
        "facets/1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"
    ),
    "outputStatistics": (
        "facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
    ),
    "parent": "facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet",
    "errorMessage": "facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
    "processing_engine": "facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
    "jobType": "facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
}
_NAMES = uuid.uuid5(uuid.NAMESPACE_URL, PRODUCER)


@dataclass(frozen=True, slots=True)
class Job:
    """What ran: a namespace, a name, and whether it is a flow, a stage or an audit."""

    namespace: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table or file that a job read or wrote, with what is known of it.

    Attributes:
        namespace: Where it lives.
        name: Its name there.
        columns: Name and type of each column.
        made_of: For each column, the (dataset, column) pairs it was computed from.
        rows: How many rows the job wrote, if it wrote.
        assertions: What an audit found: expectation, column, whether it held, severity, observed.
    """

    namespace: str
    name: str
    columns: Sequence[tuple[str, str]] = ()
    made_of: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    rows: int | None = None
    assertions: Sequence[Mapping[str, Any]] = ()


def identity(*parts: str) -> str:
    """Return the UUID of a run or of a part of one, the same whenever it is asked for."""
    return str(uuid.uuid5(_NAMES, "/".join(parts)))


def event(
    kind: str,
    run_uuid: str,
    job: Job,
    *,
    inputs: Iterable[Dataset] = (),
    outputs: Iterable[Dataset] = (),
    parent: tuple[str, Job] | None = None,
    error: str = "",
    version: str = "",
    at: datetime | None = None,
) -> dict[str, Any]:
    """Build one event.

    Args:
        kind: START, COMPLETE, FAIL or ABORT.
        run_uuid: What `identity` gave.
        job: What ran.
        inputs: What it read.
        outputs: What it wrote.
        parent: The run this one is a part of, and its job.
        error: Why it failed.
        version: Of Wellspring.
        at: When; now, if not given.
    """
    facets: dict[str, Any] = {"processing_engine": _facet("processing_engine", version=version, name="Wellspring")}
    if parent is not None:
        of = {"namespace": parent[1].namespace, "name": parent[1].name}
        facets["parent"] = _facet("parent", run={"runId": parent[0]}, job=of)
    if error:
        facets["errorMessage"] = _facet("errorMessage", message=error, programmingLanguage="python")
    kind_of_job = _facet("jobType", processingType="BATCH", integration="WELLSPRING", jobType=job.kind)
    return {
        "eventType": kind,
        "eventTime": (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "producer": PRODUCER,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run_uuid, "facets": facets},
        "job": {"namespace": job.namespace, "name": job.name, "facets": {"jobType": kind_of_job}},
        "inputs": [_dataset(dataset, is_output=False) for dataset in inputs],
        "outputs": [_dataset(dataset, is_output=True) for dataset in outputs],
    }


def _facet(name: str, /, **values: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{_SPEC}/{_FACETS[name]}", **values}


def _dataset(dataset: Dataset, *, is_output: bool) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if dataset.columns:
        facets["schema"] = _facet("schema", fields=[{"name": n, "type": t} for n, t in dataset.columns])
    if dataset.made_of:
        facets["columnLineage"] = _facet("columnLineage", fields=_column_lineage(dataset))
    described: dict[str, Any] = {"namespace": dataset.namespace, "name": dataset.name, "facets": facets}
    if is_output:
        rows = (
            {"outputStatistics": _facet("outputStatistics", rowCount=dataset.rows)} if dataset.rows is not None else {}
        )
        return described | {"outputFacets": rows}
    held = [{k: v for k, v in assertion.items() if v is not None} for assertion in dataset.assertions]
    found = {"dataQualityAssertions": _facet("dataQualityAssertions", assertions=held)} if held else {}
    return described | {"inputFacets": found}


def _column_lineage(dataset: Dataset) -> dict[str, Any]:
    return {
        column: {"inputFields": [{"namespace": dataset.namespace, "name": n, "field": f} for n, f in origins]}
        for column, origins in dataset.made_of.items()
    }


def emit(folder: Path, run_id: str, what: Mapping[str, Any]) -> None:
    """Append an event to the run's file, as one line."""
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps(what, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    with (folder / f"{run_id}.jsonl").open("a", encoding="ascii") as file:
        file.write(f"{line}\n")


def read(path: Path) -> list[dict[str, Any]]:
    """Read a run's events; a last line that was torn by a kill is left out."""
    events: list[dict[str, Any]] = []
    if path.is_file():
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                if isinstance(what := json.loads(line), dict):
                    events.append(what)
    return events


def unfinished(path: Path) -> list[dict[str, Any]]:
    """Return the START events of a run's file that nothing has ended, the innermost first."""
    opened: dict[str, dict[str, Any]] = {}
    for what in read(path):
        with contextlib.suppress(KeyError, TypeError):  # a damaged line ends nothing
            if what["eventType"] == START and isinstance(what["run"]["facets"], dict):
                opened[what["run"]["runId"]] = what
            elif what["eventType"] in TERMINAL:
                opened.pop(what["run"]["runId"], None)
    return list(opened.values())[::-1]


def aborted(start: Mapping[str, Any], why: str) -> dict[str, Any]:
    """Build the ABORT event of a START whose process died."""
    facets = {
        **start["run"]["facets"],
        "errorMessage": _facet("errorMessage", message=why, programmingLanguage="python"),
    }
    when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**start, "eventType": ABORT, "eventTime": when, "run": {**start["run"], "facets": facets}}


def mend(path: Path) -> None:
    """End a last line that a kill has torn, so that the next event begins a line of its own."""
    if path.is_file() and not path.read_bytes().endswith(b"\n"):
        with path.open("a", encoding="ascii") as file:
            file.write("\n")


def deliver(folder: Path, url: str) -> int:
    """Send what the server at `url` has not had yet, in order, and return how many events that were.

    Stops at the first event the server does not take; the next call goes on from there.

    Raises:
        UsageError: The address is not http or https.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            f"events.url = `{url}` is no http address", hint="such as http://localhost:5000/api/v1/lineage"
        )
    marks_path = folder / "delivered.json"
    marks: dict[str, int] = files.read_json(marks_path, dict[str, int]) or {}
    sent = 0
    with contextlib.suppress(OSError, http.client.HTTPException):
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        with contextlib.closing(kind(parts.hostname, parts.port, timeout=DELIVERY_SECONDS)) as connection:
            for path in sorted(folder.glob("*.jsonl"), key=lambda p: (p.stat().st_mtime_ns, p.name)):
                for what in read(path)[marks.get(path.name, 0) :]:
                    if not _post(connection, parts.path or "/", what):
                        return _marked(marks_path, marks, sent)
                    marks[path.name] = marks.get(path.name, 0) + 1
                    sent += 1
    return _marked(marks_path, marks, sent)


def _post(connection: http.client.HTTPConnection, path: str, what: Mapping[str, Any]) -> bool:
    body = json.dumps(what, ensure_ascii=True)
    connection.request("POST", path, body=body, headers={"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return 200 <= answer.status < 300  # noqa: PLR2004 - HTTP's own


def _marked(path: Path, marks: Mapping[str, int], sent: int) -> int:
    if sent:
        files.write_json(path, marks)
    return sent
