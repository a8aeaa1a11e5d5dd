"""Lineage events: of the published form, in order, one end for every beginning, delivered where a server is."""

import copy
import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import openlineage_spec
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import events
from wellspring.tasks.io.events import Dataset, Job

JOB = Job("wellspring", "dataset.documents", "STAGE")
FLOW = Job("wellspring", "dataset", "FLOW")


def full() -> dict[str, Any]:
    """An event with every facet that we write."""
    assertion = {"assertion": "expect_x", "success": False, "column": "text", "severity": "error", "actual": "1 of 2"}
    return events.event(
        events.FAIL,
        events.identity("run", "documents"),
        JOB,
        inputs=[Dataset("wellspring", "sources", [("uri", "string")], assertions=[assertion])],
        outputs=[
            Dataset("wellspring", "documents", [("text", "string")], {"text": [("sources", "uri")]}, rows=2),
        ],
        parent=(events.identity("run"), FLOW),
        error="documents broke",
        version="0.1.0",
    )


def test_an_event_with_every_facet_is_of_the_published_form() -> None:
    read = openlineage_spec.read(full())

    assert read.eventType.value == "FAIL"
    assert set(read.run.facets) == {"processing_engine", "parent", "errorMessage"}
    assert read.outputs[0].outputFacets["outputStatistics"].rowCount == 2
    assert read.inputs[0].inputFacets["dataQualityAssertions"].assertions[0].column == "text"


@pytest.mark.parametrize(
    "damage",
    [
        lambda e: e.pop("eventTime"),
        lambda e: e.update(eventTime="yesterday"),
        lambda e: e.update(eventType="DONE"),
        lambda e: e["run"].update(runId="42"),
        lambda e: e["job"].pop("namespace"),
        lambda e: e["outputs"][0]["outputFacets"]["outputStatistics"].update(rowCount="2"),
        lambda e: e["inputs"][0]["facets"]["schema"].pop("_producer"),
        lambda e: e["inputs"][0]["facets"]["schema"].update(_schemaURL="https://example.org"),
        lambda e: e["run"]["facets"]["parent"].update(more=1),
    ],
)
def test_the_check_of_the_form_sees_damage(damage: Any) -> None:
    broken = copy.deepcopy(full())
    damage(broken)

    with pytest.raises((ValueError, TypeError)):
        openlineage_spec.read(broken)


def test_a_run_has_the_same_uuid_whenever_it_is_asked_for_and_parts_have_their_own() -> None:
    assert events.identity("a") == events.identity("a")
    assert len({events.identity("a"), events.identity("b"), events.identity("a", "b")}) == 3


def test_times_are_utc_with_milliseconds() -> None:
    at = datetime(2026, 3, 1, 3, 0, 0, 125000, tzinfo=UTC)

    assert events.event(events.START, events.identity("r"), FLOW, at=at)["eventTime"] == "2026-03-01T03:00:00.125Z"


def begun(folder: Path, *names: str) -> None:
    for name in names:
        events.emit(folder, "r", events.event(events.START, events.identity(name), Job("w", name, "STAGE")))


def test_what_was_left_open_is_found_innermost_first_and_ends_with_an_abort(tmp_path: Path) -> None:
    begun(tmp_path, "flow", "documents", "passages")
    events.emit(tmp_path, "r", events.event(events.COMPLETE, events.identity("documents"), Job("w", "d", "STAGE")))

    opened = events.unfinished(tmp_path / "r.jsonl")
    ends = [events.aborted(start, "killed") for start in opened]

    assert [start["job"]["name"] for start in opened] == ["passages", "flow"]
    assert all(openlineage_spec.read(end).eventType.value == "ABORT" for end in ends)
    assert ends[0]["run"]["runId"] == opened[0]["run"]["runId"]


def test_a_line_that_a_kill_has_torn_is_left_out_and_the_next_begins_its_own(tmp_path: Path) -> None:
    begun(tmp_path, "flow", "documents")
    path = tmp_path / "r.jsonl"
    path.write_bytes(path.read_bytes()[:-40])

    events.mend(path)
    begun(tmp_path, "passages")

    assert [what["job"]["name"] for what in events.read(path)] == ["flow", "passages"]


class Receiver(http.server.ThreadingHTTPServer):
    """An OpenLineage endpoint on loopback that takes events until it is told to refuse them."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.refuses_after = 10**9
        super().__init__(("127.0.0.1", 0), self._Handler)

    @property
    def url(self) -> str:
        """Where it takes events."""
        return f"http://127.0.0.1:{self.server_address[1]}/api/v1/lineage"

    class _Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            server: Any = self.server
            what = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            takes = len(server.taken) < server.refuses_after
            if takes:
                server.taken.append(what)
            self.send_response(201 if takes else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_events_are_delivered_once_and_in_order(tmp_path: Path, receiver: Receiver) -> None:
    begun(tmp_path, "flow", "documents")
    first = events.deliver(tmp_path, receiver.url)
    begun(tmp_path, "passages")

    second = events.deliver(tmp_path, receiver.url)

    assert (first, second) == (2, 1)
    assert [what["job"]["name"] for what in receiver.taken] == ["flow", "documents", "passages"]


@pytest.mark.slow
def test_a_server_that_was_away_or_refused_gets_the_rest_next_time(tmp_path: Path, receiver: Receiver) -> None:
    begun(tmp_path, "flow", "documents", "passages")
    receiver.refuses_after = 1
    refused = events.deliver(tmp_path, receiver.url)
    away = events.deliver(tmp_path, "http://127.0.0.1:9/api/v1/lineage")
    receiver.refuses_after = 10**9

    rest = events.deliver(tmp_path, receiver.url)

    assert (refused, away, rest) == (1, 0, 2)
    assert [what["job"]["name"] for what in receiver.taken] == ["flow", "documents", "passages"]


@pytest.mark.parametrize("url", ["ftp://host/x", "localhost:5000", "file:///etc/passwd"])
def test_only_http_addresses_are_delivered_to(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="is no http address"):
        events.deliver(tmp_path, url)
