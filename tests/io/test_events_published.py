"""Every event of real runs against OpenLineage's own JSON schemas, where a copy of them is.

    git clone --depth 1 --branch 1.53.0 https://github.com/OpenLineage/OpenLineage
    WELLSPRING_OPENLINEAGE_SPEC=OpenLineage/spec python -m pytest tests/io/test_events_published.py

The schemas are not ours to copy; without them `tests/openlineage_spec.py` reads events with the classes made from them.
"""

import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable

from tests.openlineage_spec import FACETS
from wellspring.tasks.io import events

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SPEC = os.environ.get("WELLSPRING_OPENLINEAGE_SPEC", "")
FORMATS = FormatChecker(("date-time", "uuid"))
URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[!#$&-;=?-Z\[\]_a-z~]|%[0-9A-Fa-f]{2})+"
)  # RFC 3986: a scheme and its characters
Valid = Callable[[str, Any], list[str]]


@FORMATS.checks("uri")
def is_uri(value: object) -> bool:
    return not isinstance(value, str) or URI.fullmatch(value) is not None


@pytest.fixture(scope="module")
def valid() -> Valid:
    """What is wrong with a value by the published schema that a URL names; refuses a URL whose schema is not there."""
    if not SPEC:
        pytest.skip("WELLSPRING_OPENLINEAGE_SPEC names no copy of OpenLineage's `spec` (see the head of this file)")
    schemas = [json.loads(path.read_bytes()) for path in sorted(Path(SPEC).rglob("*.json"))]
    named = [(schema["$id"], Resource.from_contents(schema)) for schema in schemas if "$id" in schema]
    assert named, f"{SPEC} holds no schema"
    registry: Registry[Any] = Registry().with_resources(named)

    def wrong(url: str, value: Any) -> list[str]:
        registry.resolver().lookup(url)
        validator: Validator = Draft202012Validator({"$ref": url}, registry=registry, format_checker=FORMATS)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    return wrong


def build(store: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "wellspring.flows.cli", "build", "--no-prefect", "--store", str(store), *arguments]


def kill_within_documents(store: Path) -> None:
    """Start a build and kill it with -9 as soon as a stage has said that it began."""
    process = subprocess.Popen(build(store), cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    while not any(b".documents" in path.read_bytes() for path in store.glob("events/*.jsonl")):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def said(valid: Valid, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The events of a killed run of the sample, of one that finishes it, and of one that fails."""
    assert valid
    store = tmp_path_factory.mktemp("published") / "ws"
    kill_within_documents(store)
    subprocess.run(build(store), cwd=ROOT, check=True, capture_output=True)
    subprocess.run(build(store, "--corpus", "nowhere.warc.gz"), cwd=ROOT, check=False, capture_output=True)
    return [what for path in store.glob("events/*.jsonl") for what in events.read(path)]


def facets(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each facet in an event, with its name, however deep it lies."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, dict) and "_schemaURL" in inner:
            yield name, inner
        for item in inner if isinstance(inner, list) else [inner]:
            yield from facets(item)


def test_every_event_of_a_finished_a_failed_and_an_aborted_run_is_valid(
    valid: Valid, said: list[dict[str, Any]]
) -> None:
    wrong = {problem for what in said for problem in valid(what["schemaURL"], what)}

    assert not wrong
    assert {what["eventType"] for what in said} == {"START", "COMPLETE", "FAIL", "ABORT"}


@pytest.mark.parametrize("name", FACETS)
def test_every_facet_is_valid_by_the_schema_it_names(name: str, valid: Valid, said: list[dict[str, Any]]) -> None:
    found = [facet for what in said for facet_name, facet in facets(what) if facet_name == name]
    assert found
    try:
        wrong = {problem for facet in found for problem in valid(facet["_schemaURL"], facet)}
    except Unresolvable:
        pytest.skip(f"{SPEC} does not hold {found[0]['_schemaURL'].partition('#')[0]}")

    assert not wrong


@pytest.mark.parametrize(
    ("url", "damage"),
    [
        ("event", lambda e: e.pop("job")),
        ("event", lambda e: e.update(eventTime="yesterday")),
        ("event", lambda e: e.update(eventType="DONE")),
        ("event", lambda e: e["run"].update(runId="42")),
        ("event", lambda e: e.update(producer="no uri")),
        ("event", lambda e: e["outputs"][0]["facets"]["schema"].pop("_producer")),
        ("schema", lambda e: e["outputs"][0]["facets"]["schema"]["fields"][0].pop("name")),
        ("jobType", lambda e: e["job"]["facets"]["jobType"].pop("integration")),
        ("parent", lambda e: e["run"]["facets"]["parent"]["run"].update(runId="42")),
    ],
)
def test_the_schemas_see_damage(url: str, damage: Any, valid: Valid, said: list[dict[str, Any]]) -> None:
    whole = next(what for what in said if what["outputs"] and what["eventType"] == "COMPLETE")
    broken = copy.deepcopy(whole)
    damage(broken)
    part = {"event": broken} | dict(facets(broken))
    named = part[url].get("_schemaURL", broken["schemaURL"])

    assert valid(named, part[url])
