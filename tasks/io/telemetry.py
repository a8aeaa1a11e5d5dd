"""Spans of runs, stages and model calls, as OpenTelemetry has them; nothing where nobody asked for them.

Whoever embeds us has set up a provider. From a shell the standard variables ask for one: OTEL_EXPORTER_OTLP_ENDPOINT,
with the extra `otel`. A span holds names, counts and times: no text of a page, a prompt or an answer, no message of an
error, no key, and of an address the host.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from wellspring.tasks.contracts.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

ASKED_BY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
MOST_CHARS = 200
Facts = Mapping[str, str | bool | int | float | None]


@contextmanager
def span(name: str, facts: Facts, *, calls: bool = False) -> Iterator[None]:
    """Have a span for as long as the block runs; an exception is told by its class alone.

    Args:
        name: What is done: one of few.
        facts: Its attributes; those that are None or empty are left out.
        calls: It is a call of another server.

    Raises:
        UsageError: Spans are asked for, and the extra is not installed.
    """
    tracer = _tracer()
    if tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind, StatusCode

    kind = SpanKind.CLIENT if calls else SpanKind.INTERNAL
    with tracer.start_as_current_span(
        name, kind=kind, attributes=_told(facts), record_exception=False, set_status_on_exception=False
    ) as opened:
        try:
            yield
        except BaseException as error:
            opened.set_attribute("error.type", type(error).__name__)
            opened.set_status(StatusCode.ERROR)
            raise


def note(facts: Facts) -> None:
    """Add attributes to the innermost span; `error.type` says that it failed."""
    if _tracer() is None:
        return
    from opentelemetry.trace import StatusCode, get_current_span

    current = get_current_span()
    current.set_attributes(_told(facts))
    if facts.get("error.type"):
        current.set_status(StatusCode.ERROR)


def _told(facts: Facts) -> dict[str, str | bool | int | float]:
    kept = {name: value for name, value in facts.items() if value is not None and value != ""}
    return {name: value[:MOST_CHARS] if isinstance(value, str) else value for name, value in kept.items()}


def _tracer() -> "Tracer | None":
    is_asked = any(os.environ.get(name) for name in ASKED_BY)
    if not is_asked and "opentelemetry.sdk.trace" not in sys.modules:
        return None
    if is_asked:
        _set_up()
    from opentelemetry.trace import get_tracer

    return get_tracer("wellspring")


@lru_cache(maxsize=1)
def _set_up() -> None:
    """Send spans where the variables say, unless a provider is there already."""
    from opentelemetry import trace

    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # pyright: ignore[reportMissingImports] - an extra
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as missing:
        raise UsageError(
            f"{ASKED_BY[0]} asks for spans, and {missing.name} is not installed",
            hint="pip install 'wellspring[otel]', or unset the variable",
        ) from missing
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "wellspring"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
