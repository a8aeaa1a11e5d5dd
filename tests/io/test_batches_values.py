"""Any value in any field of any line that a batch server returns costs that line's call at most."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import VALUES
from tests.io.batch_server import Job, Line, error, serving
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import TransientError
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.io.models import batches
from wellspring.tasks.io.models.llm import Models

BESIDE = 3  # calls that are answered
ANSWERED = {"custom_id": "@", "response": {"status_code": 200, "request_id": "r", "body": {}}, "error": None}
REFUSED = {"custom_id": "@", "response": {"status_code": 400, "body": error("no", "bad")}, "error": None}
BROKEN = {"custom_id": "@", "response": None, "error": {"code": "server_error", "message": "it broke", "line": 1}}


def spoilt(record: Any, whole: Any) -> Iterator[Any]:
    """Yield a record for each of its fields, however deep, with a mark in the field's place."""
    for key, inner in record.items() if isinstance(record, Mapping) else enumerate(record):
        changed: Any = dict(record) if isinstance(record, Mapping) else list(record)
        changed[key] = "@@"
        yield whole(changed)
        if isinstance(inner, Mapping | list) and inner:

            def outer(value: Any, key: Any = key, changed: Any = changed) -> Any:
                return whole({**changed, key: value} if isinstance(changed, dict) else [value])

            yield from spoilt(inner, outer)


def told(form: str, marked: list[Any], keys: list[str]) -> bytes:
    """Return lines with a value in the place of their marks, each for another call."""
    named = zip(map(json.dumps, marked), map(json.dumps, keys), strict=False)
    lines = [line.replace('"@@"', form).replace('"@"', key) for line, key in named]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def ends(directory: Path, url: str, count: int) -> list[Answer | Refused]:
    """Ask until every call has ended."""
    asked = {"endpoints": [{"base_url": url}], "mode": "batch", "batch_poll_seconds": 0.01, "attempts": 1}
    chosen = settings_.load(None, (), environment={}, extra={"models": {"generator": asked}})
    calls = [Call(str(n), Prompt((Message("user", f"Say something of river {n}."),))) for n in range(count)]
    found: list[Answer | Refused] = []
    for _ in range(5):
        with Models(chosen, directory, "run") as models:
            try:
                found = list(models.ask("generator", calls))
            except TransientError:
                continue
        if len(found) == count:
            break
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", VALUES)
def test_any_value_in_any_field_of_a_line_of_results_costs_its_own_call_at_most(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LISTED_SECONDS", 0.0)
    errors = [*spoilt(REFUSED, lambda line: line), *spoilt(BROKEN, lambda line: line)]
    with serving() as server:
        body = server.chat({"model": "offline-extractive", "messages": [{"role": "user", "content": "Say it."}]})
        good = ANSWERED | {"response": {**ANSWERED["response"], "body": body}}  # pyright: ignore[reportGeneralTypeIssues]
        outputs = list(spoilt(good, lambda line: line))
        count = len(outputs) + len(errors) + BESIDE

        def results(_: Job, lines: list[Line]) -> tuple[str, Any, Any]:
            keys = [line["custom_id"] for line in lines]
            whole = "\n".join(map(json.dumps, lines[len(outputs) + len(errors) :])).encode()
            return (
                "completed",
                told(VALUES[name], outputs, keys) + b"\n" + whole,
                told(VALUES[name], errors, keys[len(outputs) :]),
            )

        server.results = results
        found = ends(tmp_path, server.url, count)

    assert len(found) == count
    beside = [one for one in found if int(one.call.input_id) >= len(outputs) + len(errors)]
    assert [type(one) for one in beside] == [Answer] * BESIDE
    for one in found:
        (one.text if isinstance(one, Answer) else one.detail).encode()
