"""One record, end to end: from the bytes of the sample archive to a line of the export, and back.

The sample is built once; every test looks at it from another side.
"""

import csv
import gzip
import hashlib
import io
import json
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.exported import exported
from wellspring.flows.dataset import dataset
from wellspring.tasks import documents
from wellspring.tasks.contracts.errors import TransientError, UsageError
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.provenance import lineage
from wellspring.tasks.spine.releases import papers
from wellspring.tasks.spine.watching import summaries

pytestmark = pytest.mark.slow

RECEIPTS = Path(__file__).parent / "data" / "smoke_receipts.csv"
SAMPLE = Path(__file__).parents[1] / "deployments" / "sample"


def datasets_of(exports: Path) -> list[Path]:
    """Return the files of rows: of the papers beside them, one has lines too."""
    return [path for path in exports.rglob("*.jsonl") if path.name != papers.OPT_OUTS]


def build(store: Path, *overrides: str) -> dict[str, Any]:
    dataset.fn(profile="smoke", store=str(store), overrides=list(overrides))
    with Store.read(store) as opened:
        return summaries.of_run(opened)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    store = tmp_path_factory.mktemp("journey") / "ws"
    return store, build(store)


@pytest.fixture
def opened(built: tuple[Path, dict[str, Any]]) -> Iterator[Store]:
    with Store.read(built[0]) as store:
        yield store


def test_what_goes_in_comes_out_or_is_refused_with_a_reason(built: tuple[Path, dict[str, Any]]) -> None:
    stages = built[1]["stages"]

    for row in stages:
        assert row["rows_rejected"] == sum(row["reasons"].values()), row["stage"]
    documents = next(row for row in stages if row["stage"] == "documents")
    assert documents["rows_in"] == documents["rows_out"] + documents["rows_rejected"]


def test_the_rows_of_each_stage_are_those_on_record(built: tuple[Path, dict[str, Any]]) -> None:
    """A change in the data is a reviewed diff: to accept one, write what this prints into the file."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(["stage", "rows_in", "rows_out", "rows_rejected"])
    table.writerows([row[k] for k in ("stage", "rows_in", "rows_out", "rows_rejected")] for row in built[1]["stages"])

    assert written.getvalue() == RECEIPTS.read_text(encoding="utf-8")


def test_the_corpus_and_the_overview_count_the_same_copies(opened: Store) -> None:
    of_sources = opened.query("marts/sources")["duplicates"].sum()

    assert of_sources == opened.query("marts/health")["duplicates"][0] == 2  # an exact one and a near one


def test_every_exported_line_leads_back_to_what_it_was_made_from(opened: Store) -> None:
    paths = sorted(p for p in datasets_of(opened.exports) if "control" not in p.name)
    lines = [(path, n) for path in paths for n, _ in enumerate(path.read_text("utf-8").splitlines(), start=1)]

    roots = [kinds(lineage.trace(opened, f"{path}:{n}")) for path, n in lines]

    assert lines
    assert all({"response", "instruction", "completion", "source"} <= found for found in roots)
    assert any("document" in found for found in roots)
    assert any("document" not in found and "seed" in found for found in roots)


def test_a_line_of_a_paper_is_no_row_and_the_way_to_its_rows_is_told(opened: Store) -> None:
    path = next(opened.exports.rglob(papers.OPT_OUTS))

    with pytest.raises(UsageError, match="a paper of the dataset") as told:
        lineage.trace(opened, f"{path}:1")

    assert "wellspring papers" in str(told.value.hint)


def kinds(node: lineage.Node) -> set[str]:
    return {node.kind}.union(*(kinds(child) for child in node.children))


def test_a_documents_record_is_read_back_from_the_archive_as_it_was(opened: Store) -> None:
    rows = opened.query("documents/some").to_dicts()

    records = [lineage.record_bytes(opened, row["document_id"]) for row in rows]

    assert all(row["url"].encode() in record for row, record in zip(rows, records, strict=True))
    assert all(b"WARC/1." in record[:20] for record in records)


def test_building_again_does_nothing_and_asks_no_model(built: tuple[Path, dict[str, Any]]) -> None:
    before = exported(built[0])

    facts = build(built[0])

    assert facts["is_idle"]
    assert sum(row["calls"] + row["rows_in"] for row in facts["stages"]) == 0
    assert exported(built[0]) == before


@pytest.mark.usefixtures("unaudited", "pageless")
def test_another_machine_with_one_worker_makes_the_same_bytes(
    built: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    build(tmp_path / "other", "threads=1", "runner=thread")

    assert exported(tmp_path / "other") == exported(built[0])


@pytest.mark.usefixtures("unaudited", "pageless")
def test_the_order_in_which_inputs_are_named_changes_no_byte(
    opened: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "SHARD_BYTES", 20_000)  # of which pages `limit` takes, the order of shards decides
    lines = (SAMPLE / "seeds.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    seeds = [tmp_path / "some.jsonl", tmp_path / "others.jsonl"]
    seeds[0].write_text("".join(lines[::2]), encoding="utf-8")
    seeds[1].write_text("".join(lines[1::2] + lines[:6]), encoding="utf-8")  # a few stand in both
    near = [
        {"url": f"https://mirror.example/{n}", "text": text + "\n\nSeen on a mirror of this site." * (n % 3)}
        for n, text in enumerate(opened.query("documents/all")["text"].head(12))
    ]
    pages = tmp_path / "near.jsonl"
    pages.write_text("".join(json.dumps(page) + "\n" for page in near), encoding="utf-8")
    corpora = [SAMPLE / "corpus.warc.gz", pages]

    for name, turn in (("forwards", 1), ("backwards", -1)):
        named = ", ".join(f"{{path = '{path}'}}" for path in corpora[::turn])
        paths = [str(path) for path in seeds[::turn]]
        build(tmp_path / name, "limit=16", f"sources.corpora=[{named}]", f"seeds.paths={json.dumps(paths)}")

    assert exported(tmp_path / "forwards") == exported(tmp_path / "backwards") != {}


@pytest.mark.usefixtures("unaudited", "pageless")
def test_replayed_from_the_journal_alone_it_is_the_same_bytes_and_nothing_is_sent(
    built: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    replayed = tmp_path / "replayed"
    replayed.mkdir()
    shutil.copy(built[0] / "completions.sqlite", replayed)

    facts = build(replayed, "replay=true", "models.base_url=http://127.0.0.1:9/v1")

    assert sum(row["calls"] for row in facts["stages"]) == 0
    assert sum(row["cached_calls"] for row in facts["stages"]) > 0
    assert exported(replayed) == exported(built[0])


@pytest.mark.usefixtures("unaudited", "pageless")
def test_a_budget_parks_the_run_and_raising_it_goes_on_to_the_same_bytes(
    built: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    store = tmp_path / "parked"
    with pytest.raises(TransientError):
        build(store, "budget.max_calls=40")

    build(store)

    assert exported(store) == exported(built[0])


def test_what_a_page_ordered_no_answer_obeyed(built: tuple[Path, dict[str, Any]]) -> None:
    texts = [p.read_text("utf-8") for p in (built[0] / "exports").rglob("*.jsonl")]

    assert texts
    assert not any("MARIGOLD" in text for text in texts)


def test_the_export_says_what_made_it(built: tuple[Path, dict[str, Any]]) -> None:
    folder = next((built[0] / "exports").rglob("manifest.json")).parent
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    card = (folder / "README.md").read_text("utf-8")

    assert card.startswith("---\n")
    assert "offline-extractive" in card
    assert "Not written by a language model" in card
    assert manifest["files"]
    for file in manifest["files"]:
        assert hashlib.sha256((folder / file["path"]).read_bytes()).hexdigest() == file["sha256"]


def test_jsonl_and_parquet_hold_the_same_rows(built: tuple[Path, dict[str, Any]]) -> None:
    paths = datasets_of(built[0] / "exports")

    assert paths
    for path in paths:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]

        assert pl.read_parquet(path.with_suffix(".parquet")).to_dicts() == lines


def test_the_page_of_the_run_is_there_and_asks_for_nothing_outside(built: tuple[Path, dict[str, Any]]) -> None:
    page = Path(built[1]["page"]).read_text("utf-8")

    assert "Content-Security-Policy" in page
    assert 'src="http' not in page
    assert built[1]["run_id"] in page


def test_the_damaged_member_of_the_sample_is_refused_and_what_follows_it_is_read(
    built: tuple[Path, dict[str, Any]],
) -> None:
    reasons = next(row for row in built[1]["stages"] if row["stage"] == "documents")["reasons"]
    archive = Path(__file__).parents[1] / "deployments" / "sample" / "corpus.warc.gz"

    assert reasons["corrupt_gzip"] == 1
    with pytest.raises((OSError, EOFError, zlib.error)), gzip.open(archive) as file:
        file.read()
