"""A noun is declared once: what is declared holds of the tables, and a new one takes five places."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import sample_store
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.stages import SAID, STAGES, Stage, made_from
from wellspring.tasks.io.storage import statements
from wellspring.tasks.io.storage.store import Store

ROOT = Path(__file__).parents[2]
ROOMS = ("flows", "tasks", "sql", "expectations", "deployments")
PARTS = (
    "edge",
    "node",
    "thing",
    "was_read",
    "was_written",
    "word",
    "ledger",
    "judged",
    "rows_in_force",
    "by_method",
    "mix",
)


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_declaration_names_columns_that_there_are(stage: Stage) -> None:
    columns = records.schema(stage.noun).names
    named = [*stage.made_of, *stage.shown, *stage.words, *(edge.column for edge in stage.edges), stage.method]

    assert {*named, *filter(None, (stage.id, stage.about))} <= {*columns}
    assert {name for edge in stage.edges for name in edge.unless or ()} <= {*columns}
    for origin, column in (pair for origins in stage.made_of.values() for pair in origins):
        assert column in records.schema(origin).names
    assert bool(stage.id) != bool(stage.about)  # a thing of its own, or what is said of one


def test_what_is_made_of_nothing_is_read_or_recorded() -> None:
    order = list(STAGES)

    assert [noun for noun in STAGES if not made_from(noun)] == ["sources", "completions"]
    assert made_from("groundings") == ["completions", "documents", "seeds"]
    assert all(order.index("sources") < order.index(noun) for noun in STAGES if noun != "sources")
    assert SAID.keys() <= records.TABLES.keys()


def test_every_question_to_all_nouns_can_be_asked_of_each(tmp_path: Path) -> None:
    with Store.open(tmp_path / "ws") as store:
        for stage in STAGES.values():
            assert store.query(f"{stage.noun}/size")["rows_all"][0] == 0
            assert store.count(f"{stage.noun}/unpublished") == 0
            assert store.execute(f"{stage.noun}/publish") == 0
            assert store.query(f"{stage.noun}/audit", run_id="", fingerprint=None).height == 1
            assert not stage.is_by_method or store.query(f"{stage.noun}/audience")["rows_valid"][0] == 0
            assert not stage.id or store.query(f"{stage.noun}/of_ids", ids=["0"]).is_empty()
        assert store.query("methods/rows").is_empty()
        assert store.query("lineage/left", fragments=["any"]).is_empty()
        assert store.query("lineage/calls_of", ids=["0"]).is_empty()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_all_nouns_leaves_no_word_of_it_open(part: str) -> None:
    union = statements._union(part)

    assert "noun" not in union.replace("AS noun", "").replace("embeddings.noun", "")
    assert ";" not in union


DECLARED = """    Stage(
        "weather",
        "computed",
        {"document_id": [("documents", "document_id")], "text": [("documents", "text")]},
        id="weather_id",
        edges=(Edge("weather of", "document_id"),),
        shown=("text", "degrees", "fingerprint", "run_id"),
        telling="{text:160}",
        note="{degrees} degrees",
        words=("text",),
    ),
"""
RECORD = '''@dataclass(frozen=True, slots=True)
class Weather:
    """What the weather is on a page."""

    weather_id: str
    fingerprint: str
    document_id: str
    text: str
    degrees: int
    run_id: str


'''
TABLE = """-- What the weather is on a page.
-- owner:  tasks/weather.py
-- grain:  one row per document x method
-- params: none
CREATE TABLE IF NOT EXISTS weather (
    weather_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    document_id VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    degrees BIGINT NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (weather_id, fingerprint)
);
"""
PENDING = """-- Documents without weather.
-- owner:  tasks/weather.py
-- grain:  one row per document
-- params: $fingerprint
SELECT DISTINCT documents.document_id, documents.text
FROM documents
WHERE documents.document_id NOT IN (SELECT weather.document_id FROM weather WHERE weather.fingerprint = $fingerprint)
ORDER BY documents.document_id;
"""
SUITE = '''"""What must hold of weather."""

from wellspring.expectations import accounted, content_ids
from wellspring.tasks.io.suites import Suite

SUITE = Suite("weather", rows=content_ids("weather_id", "document_id"), facts=accounted())
'''
STAGE = '''"""Weather: what it is like on a page."""

from wellspring.tasks.contracts.records import Weather, content_id
from wellspring.tasks.spine.running.runs import Counts, Run, stage


@stage("weather")
def observe(run: Run) -> Counts:
    """Look at the pages that were not looked at yet."""
    fingerprint = content_id("weather", 1)
    run.activate("weather", {fingerprint: "looking up"})
    due = run.store.query("weather/pending", fingerprint=fingerprint).to_dicts()
    run.store.append("weather", [_seen(row, fingerprint, run.run_id) for row in due])
    return Counts(rows_in=len(due), rows_out=len(due))


def _seen(row: dict[str, str], fingerprint: str, run_id: str) -> Weather:
    id_ = content_id("weather", row["document_id"])
    return Weather(id_, fingerprint, row["document_id"], f"Rain on: {row['text']}", 7, run_id)
'''
STORY = """
import json, sys
from wellspring.flows.quality import quality
from wellspring.tasks import weather
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import events
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.operations import retrying
from wellspring.tasks.spine.provenance import forgetting, lineage
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.watching import stage_status

store, overrides = sys.argv[1], json.loads(sys.argv[2])
chosen, said = settings.load("full", overrides), {}
with runs.start("test", chosen, store, quiet=True, may_mix=True, has_readers=False) as run:
    weather.observe(run)
    said["seen before its audit"] = run.store.query("weather/audience")["rows_valid"][0]
    try:
        retrying.reopen(run, stage="weather")
    except UsageError as error:
        said["retry"] = str(error)
    said["events"] = [
        [event["job"]["name"], [one["name"] for one in event["inputs"]], [one["name"] for one in event["outputs"]]]
        for event in events.read(run.store.events / f"{run.run_id}.jsonl")
        if event["job"]["name"] == "test.weather" and event["eventType"] == "COMPLETE"
    ]
quality.fn("full", store, overrides)
with Store.open(store) as opened:
    rows = opened.query("weather/unpublished").height, opened.query("weather/audience")["rows_valid"][0]
    said["audited"] = list(rows)
    said["suite"] = opened.query("validations/all").filter(noun="weather")["success"].to_list()
    said["status"] = next(row for row in stage_status.of_store(opened)["stages"] if row["stage"] == "weather")
    url = opened.query("documents/all")["url"].sort()[0]
    (row,) = lineage.impact(opened, url=url).ids["weather"]
    said["trace"] = lineage.trace(opened, row).as_dict()
    said["url"] = url
    receipt = forgetting.forget(opened, url=url).as_dict()
    said["forgotten"] = [receipt["rows"]["weather"], receipt["descendants_left"], receipt["texts_left"]]
    said["left"] = opened.query("weather/size")["rows_all"][0]
print(json.dumps(said))
"""


def with_weather(folder: Path) -> Path:
    """Copy the package, add a noun to it, and return the folder that it is imported from."""
    package = folder / "wellspring"
    for room in ROOMS:
        shutil.copytree(ROOT / room, package / room, ignore=shutil.ignore_patterns("__pycache__", "*.svg"))
    shutil.copy(ROOT / "flows" / "wellspring" / "__init__.py", package / "__init__.py")
    declared, record = package / "tasks/contracts/stages.py", package / "tasks/contracts/records.py"
    before = '    Stage(\n        "completions",'
    declared.write_text(declared.read_text().replace(before, DECLARED + before))
    text = record.read_text().replace(
        "TABLES: dict[str, type] = {\n", 'TABLES: dict[str, type] = {\n    "weather": Weather,\n'
    )
    record.write_text(
        text.replace(
            "@dataclass(frozen=True, slots=True)\nclass Tombstone:",
            f"{RECORD}@dataclass(frozen=True, slots=True)\nclass Tombstone:",
        )
    )
    (package / "sql/weather").mkdir()
    (package / "sql/weather/table.sql").write_text(TABLE)
    (package / "sql/weather/pending.sql").write_text(PENDING)
    (package / "expectations/weather.py").write_text(SUITE)
    (package / "tasks/weather.py").write_text(STAGE)
    return folder


def touched(package: Path) -> set[str]:
    """Return what differs from the package here; a folder of SQL is one."""
    found: set[str] = set()
    for path in (path for room in ROOMS for path in (package / room).rglob("*") if path.is_file()):
        name, here = path.relative_to(package), ROOT / path.relative_to(package)
        if path.suffix in {".py", ".sql"} and not (here.is_file() and filecmp.cmp(path, here, shallow=False)):
            found.add(str(name.parent if name.parts[0] == "sql" else name))
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a package with one noun more says of a store that was made without it."""
    folder = tmp_path_factory.mktemp("weather")
    sample = sample_store.fill(folder)
    sample_store.publish(sample)
    sample.store.close()
    code = with_weather(folder / "code")
    overrides = [f'sources.corpora=[{{path="{sample.archive}"}}]', "events.url="]
    done = subprocess.run(
        [sys.executable, "-c", STORY, str(folder / "ws"), json.dumps(overrides)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return {**json.loads(done.stdout.splitlines()[-1]), "touched": touched(code / "wellspring")}


@pytest.mark.slow
def test_a_new_noun_takes_five_places(told: dict[str, Any]) -> None:
    assert told["touched"] == {
        "tasks/contracts/stages.py",
        "tasks/contracts/records.py",
        "sql/weather",
        "expectations/weather.py",
        "tasks/weather.py",
    }


@pytest.mark.slow
def test_a_new_noun_is_audited_published_and_counted_by_what_stands(told: dict[str, Any]) -> None:
    pages = len(sample_store.PAGES)

    assert told["seen before its audit"] == 0
    assert told["audited"] == [0, pages]
    assert len(told["suite"]) == 6
    assert all(told["suite"])
    assert (told["status"]["rows"], told["status"]["rows_valid"], told["status"]["rows_due"]) == (pages, pages, 0)


@pytest.mark.slow
def test_a_new_noun_is_traced_told_of_and_not_asked_again(told: dict[str, Any]) -> None:
    (page,) = told["trace"]["children"]

    assert told["events"] == [["test.weather", ["documents"], ["weather"]]]
    assert (told["trace"]["kind"], told["trace"]["facts"]["degrees"]) == ("weather", 7)
    assert (page["kind"], page["relation"]) == ("document", "weather of")
    assert page["facts"]["url"] == told["url"]
    assert told["retry"].startswith("`weather` asks no model")


@pytest.mark.slow
def test_a_new_noun_goes_with_the_page_that_it_tells_of(told: dict[str, Any]) -> None:
    assert told["forgotten"] == [1, 0, 0]
    assert told["left"] == len(sample_store.PAGES) - 1
