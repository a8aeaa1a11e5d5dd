"""The papers of a dataset: each sentence lists its rows, each opt-out has its evidence, Croissant loads the rows."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import wellspring
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.spine.releases import papers

pytestmark = pytest.mark.slow  # its fixture builds a store, end to end

CLOSED = "http://tides.example/closed"
TOPICS = {
    "http://bread.example/starter": "sourdough starter flour water kitchen baker loaf crust oven steam",
    "http://bread.example/rye": "rye dough tin crumb hands starch gluten morning sticky shaped",
    "http://bees.example/winter": "bee colony honey winter hive queen cluster frame smoke keeper",
    CLOSED: "tide moon harbour spring lag table water coast record level",
    "http://pumps.example/noai": "pump valve well metre watt pipe pressure lift motor check",
}
ROBOTS = "User-agent: GPTBot\nDisallow: /closed\n"
SEEDS = (
    "How do I keep a sourdough starter alive through a cold winter?",
    "What does a bee colony need to live until spring?",
    "Why does my rye dough stick to the hands and the tin?",
    "Plan a morning of baking loaves for a small kitchen.",
)
CHOSEN = (
    "groundings.min_fit=0",
    "selections.min_score=0",
    "embeddings.embedder=hashing",
    'verdicts.required=["not_refused"]',
    'exports.formats=["messages", "raw"]',
    "exports.publisher.name=Rivers and Sons",
    "documents.near_duplicates=false",
)


def archive(path: Path) -> Path:
    """Write the pages, and the rules of one site, as an archive."""
    members = [("http://tides.example/robots.txt", "text/plain", ROBOTS)]
    for url, words in TOPICS.items():
        text = " ".join(
            f"On day {n} the {word} was looked at again by all of us." for n, word in enumerate(words.split())
        )
        head = "<meta name=robots content=noai>" if url.endswith("noai") else "<title>A page</title>"
        members.append((url, "text/html", f"<html><head>{head}</head><body><p>{text} Ask bob@example.org.</p></body>"))
    path.write_bytes(b"".join(_record(*member) for member in members))
    return path


def _record(url: str, mime: str, body: str) -> bytes:
    block = f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\n\r\n{body}".encode()
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-02-01T00:00:00Z\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("papers")
    seeds = folder / "seeds.jsonl"
    seeds.write_text("".join(json.dumps({"instruction": seed}) + "\n" for seed in SEEDS))
    build(folder / "ws", corpus=archive(folder / "pages.warc.gz"), seeds=seeds)
    return folder / "ws"


def build(store: Path, **what: Any) -> None:
    """Build, or go on with the settings of the store."""
    named: dict[str, Any] = {} if what else {"profile": store / "settings.json"}
    wellspring.build(store=store, runner="thread", overrides=CHOSEN, **named, **what)


def dataset(store: Path) -> Path:
    """Where the dataset lies."""
    return store / "exports" / "wellspring-dataset"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_sentence_lists_as_many_rows_as_it_counts_and_they_can_be_traced(built: Path) -> None:
    folder = dataset(built)
    said = wellspring.papers(folder)
    listed = {one["ref"]: wellspring.papers(folder, one["ref"]) for one in said if one["evidence"]}
    ids = {(row["kind"], row["id"]) for rows in listed.values() for row in rows if row["kind"] != "rule of a site"}
    with wellspring.open(built) as store:
        traced = {(kind, store.trace(id_).id) for kind, id_ in ids}

    assert {ref: len(rows) for ref, rows in listed.items()} == {
        one["ref"]: one["rows"] for one in said if one["evidence"]
    }
    assert traced == ids
    assert {kind for kind, _ in ids} == {"document", "seed", "instruction", "response", "refused"}


def test_sentences_say_what_is_in_the_dataset(built: Path) -> None:
    said = {(one["section"], one["text"]) for one in wellspring.papers(dataset(built))}
    answers = lines(dataset(built) / "raw" / "train.jsonl")
    size = sum(len(row["response"].encode()) for row in answers)
    written = f"offline-extractive wrote {len(answers)} answers, {size:,} bytes."

    assert ("1.1", "Name: Rivers and Sons.") in said
    assert ("1.1", "Contact: to be filled in by the provider.") in said
    assert ("2.5", written) in said
    assert ("3.1", "robots.txt reserved 1 page: withdrawn after they were read.") in said
    assert ("3.1", "meta robots reserved 1 page: refused before a row was made.") in said
    assert ("3.1", "1 site reserved pages by robots.txt.") in said
    assert any(section == "3.2" and "kind EMAIL" in text for section, text in said)
    assert not any("tides.example" in text or "pumps.example" in text for section, text in said if section == "2.3")


def test_each_opt_out_has_its_page_its_evidence_and_what_was_done(built: Path) -> None:
    found = {(row["what"], row["protocol"]): row for row in lines(dataset(built) / papers.OPT_OUTS)}

    assert found.keys() == {("refused", "meta robots"), ("document", "robots.txt"), ("rule of a site", "robots.txt")}
    assert (
        found["document", "robots.txt"]["evidence"] == f"{CLOSED}: robots.txt of tides.example says disallow: /closed"
    )
    assert "http://pumps.example/noai: meta robots: noai" in found["refused", "meta robots"]["evidence"]
    assert found["rule of a site", "robots.txt"]["evidence"] == "tides.example: disallow: /closed"
    assert str(built.parent) not in (dataset(built) / papers.OPT_OUTS).read_text()


def test_a_sentence_of_settings_has_no_rows_to_list_and_an_unknown_one_is_refused(built: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="rests on no rows"):
        wellspring.papers(dataset(built), "1.1-1")
    with pytest.raises(UsageError, match=r"no statement 9\.9-9"):
        wellspring.papers(dataset(built), "9.9-9")
    with pytest.raises(BrokenError, match=r"no training_summary\.json"):
        wellspring.papers(tmp_path)
    for damage in ("[]", "{", '{"statements": [{"ref": 1}]}'):
        (tmp_path / "training_summary.json").write_text(damage)
        with pytest.raises(BrokenError, match="is damaged"):
            wellspring.papers(tmp_path)
    (tmp_path / papers.EVIDENCE).write_text("no columns")
    assert papers.holds(tmp_path, ["an id"])


@pytest.mark.filterwarnings("ignore")  # those of the library
def test_croissant_describes_every_table_and_its_library_loads_the_rows(built: Path, tmp_path: Path) -> None:
    croissant = pytest.importorskip("mlcroissant")
    folder = tmp_path / "moved"
    shutil.copytree(dataset(built), folder)
    loaded = croissant.Dataset(jsonld=folder / papers.CROISSANT)
    sets = {one.id: list(loaded.records(one.id)) for one in loaded.metadata.record_sets}
    first, row = sets["messages_train"][0], lines(folder / "messages" / "train.jsonl")[0]

    assert not loaded.metadata.ctx.issues.errors
    assert str(loaded.metadata.ctx.conforms_to) == "CroissantVersion.V_1_1"
    assert {name: len(rows) for name, rows in sets.items()} == {
        f"{form}_train": len(lines(folder / form / "train.jsonl")) for form in ("messages", "raw")
    }
    assert first["messages_train/id"].decode() == row["id"]
    assert [turn["messages_train/messages/content"].decode() for turn in first["messages_train/messages"]] == [
        turn["content"] for turn in row["messages"]
    ]
    assert loaded.metadata.data_collection
    assert {str(moment)[:10] for moment in loaded.metadata.data_collection_timeframe} == {"2026-02-01"}


def _loaded(folder: Path) -> int:
    """Return how many rows the library of Croissant loads."""
    croissant = pytest.importorskip("mlcroissant")
    return len(list(croissant.Dataset(jsonld=folder / papers.CROISSANT).records("messages_train")))


@pytest.mark.filterwarnings("ignore")  # those of the library
def test_a_release_that_is_issued_again_has_the_papers_of_what_is_left(built: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(built, tmp_path / "ws"))
    wellspring.release("v1", store=store)
    first = pl.read_parquet(store / "releases" / "v1" / papers.EVIDENCE)
    page, url = _a_page_of(store)

    wellspring.forget(store, url=url)
    again = store / "releases" / "v1+1"
    left = pl.read_parquet(again / papers.EVIDENCE)
    build(store)
    anew = pl.read_parquet(dataset(store) / papers.EVIDENCE)
    said = {one["ref"]: one for one in papers.statements(again)}

    assert page in first["id"].to_list()
    assert not {page, url} & {*left["id"], *left["key"]}
    assert _of_rows(left).equals(_of_rows(anew))
    assert not _of_rows(left).equals(_of_rows(first))
    assert "Forgotten with all that was made from it, and kept out: 1 by url." in {one["text"] for one in said.values()}
    assert all(papers.rows(again, ref).height == one["rows"] for ref, one in said.items() if one["evidence"])
    assert _loaded(again) == len(lines(again / "messages" / "train.jsonl")) > 0
    assert all(one["is_whole"] for one in wellspring.releases(store))


def test_a_release_whose_papers_alone_name_what_is_forgotten_is_issued_again(built: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(built, tmp_path / "ws"))
    wellspring.release("v1", store=store)

    wellspring.forget(store, url=CLOSED)
    every = b"".join(path.read_bytes() for path in sorted((store / "releases").rglob("*")) if path.is_file())

    assert [one["name"] for one in wellspring.releases(store)] == ["v1+1"]
    assert CLOSED.encode() not in every
    assert len(_closed(store / "releases" / "v1+1")) == len(_closed(dataset(built))) - 1


def _a_page_of(store: Path) -> tuple[str, str]:
    """Return the id and the address of a page that some rows rest on, and others do not."""
    rows = pl.read_parquet(store / "releases" / "v1" / "lineage" / "rows.parquet").filter(pl.col("url") != "")
    return rows.sort("url").select("document_id", "url").row(0)


def _of_rows(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col("claim").is_in(papers._OF_ROWS)).sort("claim", "key", "kind", "id")


def _closed(folder: Path) -> list[str]:
    return pl.read_parquet(folder / papers.EVIDENCE).filter(claim="opt-out")["id"].to_list()


def test_what_is_forgotten_is_in_no_paper_and_papers_that_named_it_are_withdrawn(built: Path, tmp_path: Path) -> None:
    store = tmp_path / "ws"
    shutil.copytree(built, store)

    withdrawn = wellspring.forget(store, url=CLOSED)["datasets_withdrawn"]
    build(store)
    every = b"".join(path.read_bytes() for path in sorted(dataset(store).rglob("*")) if path.is_file())
    said = [one["text"] for one in wellspring.papers(dataset(store))]

    assert withdrawn == ["wellspring-dataset"]  # no line is of it: only the evidence of its opt-out names it
    assert CLOSED.encode() not in every
    assert "Forgotten with all that was made from it, and kept out: 1 by url." in said
    assert not any("withdrawn after" in text for text in said)
