"""Spans say who did what, how often and for how long, and nothing that is said; where nobody asks, there are none."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store as store
from tests.scripted_model import scripted_model
from wellspring.tasks import responses
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import telemetry
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
ROOT = Path(__file__).parents[2]
SAID, KEY = "Twelve metres, said the canary.", "sk-canary-5e1f-telemetry"

exporting = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")


@pytest.fixture
def spans() -> Iterator[Callable[[], tuple[Any, ...]]]:
    """What was told so far, to a provider as whoever embeds us sets one up; a process may have one."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    kept = exporting.InMemorySpanExporter()
    provider: Any = trace.get_tracer_provider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    yield kept.get_finished_spans
    kept.shutdown()


@pytest.mark.slow
def test_a_run_a_stage_and_each_call_are_spans_within_one_another_and_hold_no_text(
    settings: Callable[..., Settings],
    start: Start,
    spans: Callable[[], tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CANARY_KEY", KEY)
    with scripted_model(lambda _: SAID) as model:
        endpoint = {"base_url": model.base_url, "key_env": "CANARY_KEY"}
        role = {"model": "writer", "endpoints": [endpoint]}
        with start(settings(models={"responder": role})) as run:
            store.fill(run, 6)
            counts = responses.respond(run).counts

    found = {span.name: span for span in spans()}
    calls = [span for span in spans() if span.name == "call responder"]
    told = "".join(span.to_json() for span in spans())
    assert found.keys() == {"run test", "stage embeddings", "stage responses", "call responder"}
    assert found["stage responses"].parent.span_id == found["run test"].context.span_id
    assert {span.parent.span_id for span in calls} == {found["stage responses"].context.span_id}
    assert [span.status.is_ok for span in calls] == [True] * counts.calls
    assert found["run test"].attributes["wellspring.status"] == "done"
    assert found["stage responses"].attributes["wellspring.rows_out"] == counts.rows_out > 0
    assert calls[-1].attributes["gen_ai.request.model"] == "writer"
    assert calls[-1].attributes["gen_ai.usage.output_tokens"] == 5
    assert calls[-1].attributes["server.address"] == "127.0.0.1"
    sent = [message["content"][:40] for body in model.asked for message in body["messages"]]
    assert not [one for one in (SAID, KEY, *sent) if one in told]


def test_an_exception_is_told_by_its_class_alone(spans: Callable[[], tuple[Any, ...]]) -> None:
    with pytest.raises(ValueError, match="canary"), telemetry.span("stage x", {"a": None, "b": "long" * 100}):
        raise ValueError("the canary's words")

    (span,) = spans()
    assert dict(span.attributes) == {"b": ("long" * 100)[: telemetry.MOST_CHARS], "error.type": "ValueError"}
    assert not span.status.is_ok
    assert "canary" not in span.to_json()


def test_where_nobody_asks_nothing_of_opentelemetry_is_loaded() -> None:
    code = (
        "import sys; from wellspring.tasks.io import telemetry\n"
        "with telemetry.span('stage x', {}): telemetry.note({'a': 1})\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )

    assert done.stdout == "[]\n"


def test_who_asks_for_spans_without_the_extra_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry import trace

    monkeypatch.setenv(telemetry.ASKED_BY[0], "http://127.0.0.1:9")
    monkeypatch.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    telemetry._set_up.cache_clear()

    with pytest.raises(UsageError, match="is not installed"), telemetry.span("stage x", {}):
        pass


@pytest.mark.slow
def test_spans_go_where_the_standard_variable_says() -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    came = list[tuple[str, bytes]]()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    code = "from wellspring.tasks.io import telemetry\nwith telemetry.span('stage x', {'wellspring.run': 'r'}): pass"
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        where = {
            telemetry.ASKED_BY[0]: f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        subprocess.run([sys.executable, "-c", code], env=os.environ | where, cwd=ROOT, check=True)
        server.shutdown()

    assert [path for path, _ in came] == ["/v1/traces"]
    assert b"stage x" in came[0][1]
