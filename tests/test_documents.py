"""Every item of a corpus is a document or a rejection with its place and its reason, whatever order it was read in."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks import documents, sources
from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.contracts.settings import DocumentsSettings, Settings
from wellspring.tasks.io.corpora import corpus_files, warc
from wellspring.tasks.spine.running import runs, sharding, validation
from wellspring.tasks.spine.running.runs import Counts, Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]

PROSE = (
    "The kettle stood on the stove for an hour before anyone thought of it. By then the water had boiled away, and the "
    "bottom had turned blue. She put it under the tap, where it hissed, and opened the window. Number {n} of the row "
    "of houses had the same stove, the same kettle, and as it turned out the same habit of being forgotten."
)
METHOD = DocumentsSettings().model_dump() | {
    "limit_bytes": 16 * 2**20,
    "page_seconds": 10.0,
    "benchmarks": {},
    "ngram_words": 13,
    "containment": 0.8,
}
LONG = " ".join(PROSE.format(n=i).replace("window", f"window {i}") for i in range(6))


def page(text: str, title: str = "A kettle") -> bytes:
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>".encode()


def record(
    url: str,
    body: bytes,
    kind: str = "response",
    status: str = "200 OK",
    mime: str = "text/html",
    date: str = "2025-01-02T03:04:05Z",
) -> bytes:
    block = f"HTTP/1.1 {status}\r\nContent-Type: {mime}\r\n\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: {date}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0)


def archive(path: Path, *members: bytes) -> Path:
    path.write_bytes(b"".join(members))
    return path


Rows = list[dict[str, Any]]


def read(start: Start, settings: Make, *paths: Path, more: tuple[str, ...] = ()) -> tuple[Counts, Rows, dict[str, str]]:
    """Read corpora in a run of their own: counts, all documents in the store, all rejections by detail."""
    chosen = settings("runner=thread", *more, sources={"corpora": [{"path": str(path)} for path in paths]})
    with start(chosen) as run:
        sources.register(run)
        counts = documents.extract(run).counts
        rows = run.store.query("documents/all").to_dicts()
        refused = {row["detail"]: row["reason"] for row in run.store.query("rejections/all").to_dicts()}
    return counts, rows, refused


def test_a_page_becomes_a_document_that_can_be_read_back(tmp_path: Path, settings: Make, start: Start) -> None:
    path = archive(tmp_path / "a.warc.gz", record("http://site.example/kettle", page(PROSE)))

    counts, (row,), _ = read(start, settings, path)

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (1, 1, 0)
    assert (row["url"], row["domain"], row["title"]) == ("http://site.example/kettle", "site.example", "A kettle")
    assert (row["language"], row["fetched_at"]) == ("en", "2025-01-02T03:04:05Z")
    assert PROSE in row["text"]
    assert PROSE.encode() in warc.read_record(str(path), row["record_offset"], row["record_length"])


def test_what_is_no_page_is_refused_with_place_and_reason(tmp_path: Path, settings: Make, start: Start) -> None:
    path = archive(
        tmp_path / "a.warc.gz",
        record("http://site.example/ok", page(PROSE)),
        record("http://site.example/ask", b"", kind="request"),
        record("http://site.example/gone", page(PROSE), status="404 Not Found"),
        record("http://site.example/picture", b"\x89PNG", mime="image/png"),
        record("http://site.example/empty", b""),
        record("http://site.example/short", page("Too short.")),
        record("http://site.example/again", b"", kind="revisit"),
        b"damage",
    )

    counts, rows, refused = read(start, settings, path)

    assert counts.rows_in == counts.rows_out + counts.rows_rejected == 8
    assert len(rows) == 1
    assert Counter(refused.values()) == Counter(
        ["not_a_page", "http_status", "not_text", "no_text", "too_short", "revisit", "corrupt_gzip"]
    )
    assert all(str(path) in detail and " at " in detail for detail in refused)


@pytest.mark.slow
def test_twice_is_once_and_only_new_files_are_read(tmp_path: Path, settings: Make, start: Start) -> None:
    first = archive(tmp_path / "a.warc.gz", record("http://site.example/1", page(PROSE.format(n=1))))
    second = archive(tmp_path / "b.warc.gz", record("http://site.example/2", page(PROSE.format(n=2))))
    read(start, settings, first)

    again, _, _ = read(start, settings, first)
    more, rows, _ = read(start, settings, first, second)

    assert again == Counts()
    assert (more.rows_in, more.rows_out) == (1, 1)
    assert {row["url"] for row in rows} == {"http://site.example/1", "http://site.example/2"}


def test_one_run_or_several_in_any_order_give_the_same_documents(tmp_path: Path, settings: Make) -> None:
    texts = [f"{LONG} {n}" for n in range(3)]
    told = [
        [("/1", texts[0], 3), ("/2", texts[0], 2), ("/3", PROSE.format(n=7), 1)],
        [("/1", texts[1], 4), ("/2", texts[0], 1), ("/4", texts[2], 2)],
        [("/3", PROSE.format(n=7) + " Once more.", 9), ("/4", texts[0], 5), ("/1", texts[1], 2)],
    ]
    paths = [tmp_path / f"{n}.jsonl" for n in range(3)]
    for path, rows in zip(paths, told, strict=True):
        lines = [{"url": f"http://a.example{at}", "text": t, "fetched_at": f"2025-01-0{day}"} for at, t, day in rows]
        path.write_text("\n".join(map(json.dumps, lines)))
    found = list[list[tuple[str, ...]]]()
    for number, runs_of in enumerate(([paths], [[one] for one in paths], [[one] for one in reversed(paths)])):
        for group in runs_of:
            chosen = settings("runner=thread", sources={"corpora": [{"path": str(path)} for path in group]})
            with runs.start("test", chosen, tmp_path / f"store{number}", quiet=True, may_mix=True) as run:
                sources.register(run)
                documents.extract(run)
                validation.audit(run, "documents", may_be_empty=True)
                ids = run.store.query("documents/all")["document_id"].to_list()
                valid = run.store.query("passages/texts", document_ids=ids).rows()
        found.append(valid)

    assert len(found[0]) > 1
    assert found[0] == found[1] == found[2]


def test_the_first_copy_is_kept_and_the_same_page_is_refused(tmp_path: Path, settings: Make, start: Start) -> None:
    path = archive(
        tmp_path / "a.warc.gz",
        record("http://site.example/1", page(PROSE)),
        record("http://mirror.example/1", page(PROSE.upper().replace(".", ".\n"))),
        record("http://site.example/1", page(PROSE)),
    )

    counts, rows, refused = read(start, settings, path)

    kept, copy = sorted(rows, key=lambda row: row["duplicate_of"] or "")
    assert (kept["url"], copy["url"]) == ("http://site.example/1", "http://mirror.example/1")
    assert copy["duplicate_of"] == kept["document_id"]
    assert counts.rows_rejected == 1
    ((detail, reason),) = refused.items()
    assert reason == "already_seen"
    assert kept["document_id"] in detail


@pytest.mark.slow
def test_near_copies_are_marked_and_the_longest_is_kept(tmp_path: Path, settings: Make, start: Start) -> None:
    texts = [LONG, LONG.replace("kettle", "teapot", 1), LONG + " And so it went.", PROSE]
    members = [record(f"http://site.example/{i}", page(text)) for i, text in enumerate(texts)]
    read(start, settings, archive(tmp_path / "a.warc.gz", *members))

    with start(settings("runner=thread")) as run:
        rows = run.store.query("duplicates/all").to_dicts()
        urls = {row["document_id"]: row["url"][-1] for row in run.store.query("documents/all").to_dicts()}

    assert sorted((urls[row["document_id"]], urls[row["duplicate_of"]]) for row in rows) == [("0", "2"), ("1", "2")]
    assert all(0.8 <= row["similarity"] < 1 for row in rows)


@pytest.mark.slow
def test_a_new_crawl_is_compared_with_all_that_came_before(tmp_path: Path, settings: Make, start: Start) -> None:
    first = archive(tmp_path / "a.warc.gz", record("http://site.example/0", page(LONG)))
    second = archive(tmp_path / "b.warc.gz", record("http://site.example/1", page(LONG + " And so on."), date="2026"))
    third = archive(
        tmp_path / "c.warc.gz",
        record("http://site.example/2", page(LONG.replace("kettle", "teapot", 1)), date="2024-12"),
    )
    for paths in ((first,), (first, second), (first, second, third)):
        read(start, settings, *paths)

    with start(settings("runner=thread")) as run:
        rows = run.store.query("duplicates/all").to_dicts()
        urls = {row["document_id"]: row["url"][-1] for row in run.store.query("documents/all").to_dicts()}

    assert sorted((urls[row["document_id"]], urls[row["duplicate_of"]]) for row in rows) == [("0", "2"), ("1", "2")]


@pytest.mark.slow
def test_near_copies_are_valid_where_they_are_wanted(tmp_path: Path, settings: Make, start: Start) -> None:
    members = [record(f"http://site.example/{i}", page(LONG + " And so on." * i)) for i in range(3)]
    corpus = {"corpora": [{"path": str(archive(tmp_path / "a.warc.gz", *members))}]}
    valid = {}
    for near in ("true", "false"):
        with start(settings("runner=thread", f"documents.near_duplicates={near}", sources=corpus)) as run:
            sources.register(run)
            documents.extract(run)
            validation.audit(run, "documents")
            valid[near] = run.store.query("documents/audience")["rows_valid"][0]

    assert valid == {"true": 1, "false": 3}


@pytest.mark.slow
def test_rows_are_the_same_whatever_the_workers(
    tmp_path: Path, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [record(f"http://site.example/{i}", page(PROSE.format(n=i // 2))) for i in range(12)]
    path = archive(tmp_path / "a.warc.gz", *members)
    columns = [name for name in documents.records.schema("documents").names if name != "run_id"]

    found = []
    for threads, shard_bytes in ((1, 2**20), (3, 300)):
        monkeypatch.setattr(documents, "SHARD_BYTES", shard_bytes)
        store = tmp_path / f"store{threads}"
        chosen = settings("runner=thread", f"threads={threads}", sources={"corpora": [{"path": str(path)}]})
        with runs.start("test", chosen, store, quiet=True) as run:
            sources.register(run)
            documents.extract(run)
            found.append(run.store.query("documents/all").select(columns))

    assert found[0].equals(found[1])


@pytest.mark.slow
def test_settings_that_change_rows_make_pages_due_again(tmp_path: Path, settings: Make, start: Start) -> None:
    path = archive(tmp_path / "a.warc.gz", record("http://site.example/1", page(PROSE)))
    read(start, settings, path)

    counts, _, refused = read(start, settings, path, more=("documents.min_tokens=1000",))

    assert (counts.rows_in, counts.rows_out) == (1, 0)
    assert list(refused.values()) == ["too_short"]


@pytest.mark.slow
def test_the_audit_passes_and_publishes(tmp_path: Path, settings: Make, start: Start) -> None:
    path = archive(tmp_path / "a.warc.gz", record("http://site.example/1", page(PROSE)))

    with start(settings("runner=thread", sources={"corpora": [{"path": str(path)}]})) as run:
        sources.register(run)
        documents.extract(run)
        validation.audit(run, "documents")
        valid = run.store.query("documents/audience")["rows_valid"][0]

    assert valid == 1


def test_what_pages_talk_about_and_odd_addresses_stop_no_corpus(tmp_path: Path, settings: Make, start: Start) -> None:
    urls = ["HTTP://A.EXAMPLE/1", "/2", "http://me@you:secret@a.example/3", "http://a.example?mail=a:b@c.example"]
    taught = PROSE + " Close each box with </div>, and the row with </td>."
    lines = [json.dumps({"url": url, "text": taught.format(n=i)}) for i, url in enumerate(urls)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))

    with start(settings("runner=thread", sources={"corpora": [{"path": str(tmp_path / "a.jsonl")}]})) as run:
        sources.register(run)
        documents.extract(run)
        validation.audit(run, "documents")
        valid = run.store.query("documents/all")["url"].to_list()
        assert not run.store.count("documents/unpublished")

    assert sorted(valid) == sorted([*urls[:2], "http://a.example/3", urls[3]])


@pytest.mark.slow
def test_lines_and_rows_become_documents_by_their_fields(tmp_path: Path, settings: Make, start: Start) -> None:
    path = tmp_path / "lines.jsonl"
    lines = [
        {
            "text": PROSE.format(n=1),
            "url": "http://a.example/",
            "title": "One",
            "date": "2024-05-06",
            "license": "CC0-1.0",
        },
        {"html": page(PROSE.format(n=2), "Two").decode(), "url": "http://b.example/"},
        {"content": "\ud83d" + PROSE.format(n=3) + "\x00"},
        {"text": None},
        {"other": 1},
        [1],
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "\n{")

    counts, rows, refused = read(start, settings, path)

    assert (counts.rows_in, counts.rows_out) == (8, 3)
    assert Counter(refused.values()) == Counter(no_text=2, not_an_object=1, blank_line=1, not_json=1)
    found = {row["url"]: row for row in rows}
    assert found["http://a.example/"]["title"] == "One"
    assert found["http://a.example/"]["published_at"] == "2024-05-06"
    assert found["http://a.example/"]["license"] == "CC0-1.0"
    assert found["http://b.example/"]["title"] == "Two"
    (bare,) = (row for url, row in found.items() if url.startswith("file:"))
    assert "\x00" not in bare["text"]
    assert (
        json.loads(corpus_files.read_record(str(path), "jsonl", bare["record_offset"], bare["record_length"]))
        == lines[2]
    )


@pytest.mark.slow
def test_reservations_are_respected_and_recorded(tmp_path: Path, settings: Make, start: Start) -> None:
    rules = b"User-agent: GPTBot\nDisallow: /closed\n"
    path = archive(
        tmp_path / "a.warc.gz",
        record("http://site.example/robots.txt", rules, mime="text/plain"),
        record("http://site.example/open", page(PROSE.format(n=1))),
        record("http://site.example/closed/1", page(PROSE.format(n=2))),
        record(
            "http://other.example/1",
            page(PROSE.format(n=3)).replace(b"<head>", b"<head><meta name=robots content=noai>"),
        ),
        record("http://other.example/2", page(PROSE.format(n=4)), mime="text/html\r\nX-Robots-Tag: noai"),
    )

    _, rows, refused = read(start, settings, path)
    _, every, _ = read(start, settings, path, more=("documents.respect_opt_outs=false",))

    taken_back = {detail for detail, reason in refused.items() if "robots.txt of site.example" in detail}
    assert {row["url"] for row in rows} == {"http://site.example/open", "http://site.example/closed/1"}
    assert taken_back == {"http://site.example/closed/1: robots.txt of site.example says disallow: /closed"}
    assert Counter(refused.values()) == Counter(opt_out=3, not_a_page=1)
    assert sum("noai" in detail for detail in refused) == 2
    assert len({row["url"] for row in every}) == 4


@pytest.mark.slow
def test_what_was_dropped_copied_and_licensed_can_be_asked(tmp_path: Path, settings: Make, start: Start) -> None:
    cc = b'<a rel=license href="https://creativecommons.org/licenses/by/4.0/">CC</a></body>'
    path = archive(
        tmp_path / "a.warc.gz",
        record("http://site.example/1", page(LONG).replace(b"</body>", cc)),
        record("http://site.example/2", page(LONG + " And so it went, on and on.")),
        record("http://site.example/3", page(LONG.upper() + " And so it WENT, on and on.")),
        record("http://site.example/4", page("the same words again " * 60)),
        record("http://site.example/5", page(PROSE).replace(b"<head>", b"<head><meta name=robots content=noai>")),
    )
    corpus = {"corpora": [{"path": str(path)}]}

    with start(settings("runner=thread", 'documents.quality=["gopher_repetition.top_2_gram"]', sources=corpus)) as run:
        sources.register(run)
        documents.extract(run)
        validation.audit(run, "documents")
        found = {name: run.store.query(f"marts/{name}").rows() for name in ("dropped", "copies", "licences")}

    assert sorted(found["dropped"]) == [
        ("opt_out", "meta robots: noai", 1),
        ("quality", "gopher_repetition.top_2_gram", 1),
    ]
    assert found["copies"] == [("exact", 1), ("near", 1), ("same page again", 0)]
    assert [(name, count) for name, count, _ in found["licences"]] == [("none declared", 1)]


def test_a_revisit_names_the_document_it_stands_for_or_where_it_was(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    path = archive(
        tmp_path / "a.warc.gz",
        record("http://site.example/1", page(PROSE)),
        record("http://site.example/1", b"", kind="revisit"),
        record("http://site.example/2", b"", kind="revisit"),
    )

    _, (row,), refused = read(start, settings, path)

    known, unknown = sorted(refused, key=lambda detail: "site.example/2" in detail)
    assert set(refused.values()) == {"revisit"}
    assert known.endswith(f": document {row['document_id']}")
    assert unknown.endswith("of http://site.example/2 as it was at some time")


@pytest.mark.slow
def test_a_limit_stops_reading_and_a_larger_one_reads_on(
    tmp_path: Path, settings: Make, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "SHARD_BYTES", 300)
    members = [record(f"http://site.example/{i}", page(PROSE.format(n=i))) for i in range(9)]
    path = archive(tmp_path / "a.warc.gz", *members)

    few, rows, _ = read(start, settings, path, more=("limit=2",))
    same, _, _ = read(start, settings, path, more=("limit=2",))
    every, _, _ = read(start, settings, path)

    assert (few.rows_in, same.rows_in, every.rows_in) == (2, 0, 7)
    assert {row["url"][-1] for row in rows} == {"0", "1"}


@pytest.mark.slow
def test_personal_data_is_replaced_and_counted(tmp_path: Path, settings: Make, start: Start) -> None:
    text = PROSE + " Write to ann@site.example or bo@site.example, or call (212) 555-0187."
    path = archive(tmp_path / "a.warc.gz", record("http://site.example/1", page(text)))

    _, (row,), _ = read(start, settings, path)

    assert row["text"].endswith("Write to [EMAIL] or [EMAIL], or call [PHONE].")
    with start(settings()) as run:
        counts = run.store.query("redactions/by_kind").rows()
    assert counts == [("EMAIL", 2, 1), ("PHONE", 1, 1)]


@pytest.mark.slow
def test_quality_rules_refuse_by_name_and_value(tmp_path: Path, settings: Make, start: Start) -> None:
    path = archive(tmp_path / "a.warc.gz", record("http://site.example/1", page("the same words again " * 60)))

    _, rows, refused = read(start, settings, path, more=('documents.quality=["gopher_repetition"]',))

    assert rows == []
    assert list(refused.values()) == ["quality"]
    assert "gopher_repetition." in next(iter(refused))
    with pytest.raises(UsageError, match="no quality rule"):
        read(start, settings, path, more=('documents.quality=["c4.nothing"]',))


def test_benchmark_prompts_are_refused_and_named(tmp_path: Path, settings: Make, start: Start) -> None:
    bench = tmp_path / "bench.jsonl"
    bench.write_text(
        json.dumps({"id": "q7", "prompt": "Why did the kettle turn blue after an hour on the stove?"}) + "\n"
    )
    path = archive(
        tmp_path / "a.warc.gz",
        record("http://site.example/1", page(PROSE + " why did the kettle turn BLUE, after an hour on the stove")),
        record("http://site.example/2", page(PROSE.format(n=2))),
    )

    _, rows, refused = read(start, settings, path, more=(f'benchmarks.paths={{mine = "{bench}"}}',))

    assert [row["url"] for row in rows] == ["http://site.example/2"]
    ((detail, reason),) = refused.items()
    assert reason == "contaminated"
    assert "mine:q7" in detail


@pytest.mark.slow
def test_a_page_that_kills_its_worker_is_refused_alone(tmp_path: Path, settings: Make, start: Start) -> None:
    members = [record(f"http://site.example/{i}", page(PROSE.format(n=i))) for i in range(5)]
    members[2] = record("http://site.example/bomb", b"<div>" * 200_000 + PROSE.encode())
    path = archive(tmp_path / "a.warc.gz", *members)
    corpus = {"corpora": [{"path": str(path)}], "max_page_seconds": 1.0}

    with start(settings("threads=2", sources=corpus)) as run:
        sources.register(run)
        counts = documents.extract(run).counts
        refused = run.store.query("rejections/all").to_dicts()

    assert (counts.rows_in, counts.rows_out) == (5, 4)
    assert [row["reason"] for row in refused] == ["killed_worker"]
    assert "http://site.example/bomb" in refused[0]["detail"]


@pytest.mark.slow
def test_a_page_over_its_time_is_named_before_its_worker_dies_and_costs_its_time_once(
    tmp_path: Path, settings: Make, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [record(f"http://site.example/{i}", page(PROSE.format(n=i))) for i in range(12)]
    for bomb in (3, 8):
        members[bomb] = record(f"http://site.example/{bomb}", b"<div>" * 200_000 + PROSE.encode())
    path = archive(tmp_path / "a.warc.gz", *members)
    alone, workers = sharding._alone, list[str]()

    def counted(*given: Any) -> Any:
        workers.append("one more")
        return alone(*given)

    monkeypatch.setattr(sharding, "_alone", counted)
    with start(settings("threads=1", sources={"corpora": [{"path": str(path)}], "max_page_seconds": 1.0})) as run:
        sources.register(run)
        counts = documents.extract(run).counts
        refused = run.store.query("rejections/all").to_dicts()
        notes = list(run.store.shards.rglob("*.at"))

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (12, 10, 2)
    assert {row["reason"] for row in refused} == {"killed_worker"}
    assert all("its time was over at tasks/" in row["detail"] for row in refused)
    assert len(workers) == 2  # one for each death: neither page is met again
    assert notes == []


def test_a_shard_is_split_at_its_records_until_one_is_left(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.warc.gz", *(record(f"http://site.example/{i}", page(PROSE)) for i in range(5)))
    size = path.stat().st_size
    part = {
        "source_id": "s",
        "uri": str(path),
        "part_id": "p",
        "kind": "warc",
        "start": 0,
        "stop": size,
        "license": None,
    }
    pending: list[Any] = [{"parts": [part], "method": {"limit_bytes": 2**20}}]
    single = []
    while pending:
        payload = pending.pop()
        pieces = documents._split(payload)
        pending += pieces
        if not pieces:
            single.append(payload)

    refused = [documents._refuse(payload, Rejection("killed_worker", "it died")) for payload in single]

    assert len(single) == 5
    assert all(produced.rows_in == 1 for produced in refused)
    reasons = [produced.tables["rejections"].column("reason").to_pylist() for produced in refused]
    assert reasons == [["killed_worker"]] * 5


@pytest.mark.slow
@pytest.mark.shared
def test_adversarial_files_hold_what_is_expected_of_them(shared: Path) -> None:
    expected = json.loads((shared / "adversarial/expected.json").read_text())
    method = METHOD | {"min_tokens": 1}

    for name in ("bomb_line.jsonl.gz", "bad_lines.jsonl.gz"):
        uri = str(shared / "adversarial" / name)
        file = corpus_files.look(uri)
        items = corpus_files.read(uri, file.kind, 0, file.extent, 16 * 2**20)
        ids = [item.fields["id"] for item in items if isinstance(item, corpus_files.CorpusRow)]
        assert ids == expected[name]["whole"], name

    def counted(name: str) -> dict[str, int]:
        uri = str(shared / "adversarial" / name)
        file = corpus_files.look(uri)
        part = {
            "source_id": "s",
            "uri": uri,
            "part_id": "p",
            "kind": file.kind,
            "start": 0,
            "stop": file.extent,
            "license": None,
        }
        produced = documents._read({"parts": [part], "method": method})
        assert produced.rows_in == sum(produced.tables[name].num_rows for name in ("documents", "rejections"))
        reasons = produced.tables["rejections"].column("reason").to_pylist()
        return dict(Counter(reasons), kept=produced.tables["documents"].num_rows)

    assert counted("nested_nulls.parquet") == {"no_text": 58, "kept": 342}
    assert counted("truncated.parquet") == {"corrupt_parquet": 1, "kept": 0}
    assert counted("deep_nesting.html.gz")["kept"] in {0, 1}
