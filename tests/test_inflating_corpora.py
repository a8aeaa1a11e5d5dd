"""Small files that stand for millions of lines or rows, and ranges of large ones: what is good in them costs its share.

What is measured is work (bytes that a codec gave, rows that were kept), never seconds.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from wellspring.tasks import documents
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.plugins import FORMATS
from wellspring.tasks.contracts.settings import DocumentsSettings
from wellspring.tasks.io import files
from wellspring.tasks.io.corpora import conversations, corpus_files, streams, unpacking, warc
from wellspring.tasks.io.corpora.corpus_files import MOST_ALIKE

STEP = 2**16
LIMIT_BYTES = 2**20
METHOD = DocumentsSettings(min_tokens=1).model_dump() | {
    "limit_bytes": LIMIT_BYTES,
    "page_seconds": 10.0,
    "benchmarks": {},
    "ngram_words": 13,
    "containment": 0.8,
}


def line(number: int, text: str = "A kettle stood on the stove.") -> bytes:
    return json.dumps({"text": f"{text} {number}", "url": f"http://a.example/{number}"}).encode() + b"\n"


def read(path: Path, step: int) -> tuple[list[str], list[dict[str, Any]], int]:
    """Read a file in ranges: texts, refusals, and how many ranges there were."""
    file = corpus_files.look(str(path))
    texts, refused = list[str](), list[dict[str, Any]]()
    starts = range(0, file.extent, step)
    for start in starts:
        part = {"source_id": "s", "uri": str(path), "part_id": "p", "kind": file.kind, "license": None, "start": start}
        tables = documents._read({"parts": [part | {"stop": min(start + step, file.extent)}], "method": METHOD}).tables
        texts += map(str, tables["documents"]["text"].to_pylist())
        refused += tables["rejections"].to_pylist()
    return texts, refused, len(starts)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the codecs of files gave, for each piece."""
    pieces, inflated = list[int](), streams.inflated
    counted: Callable[..., Any] = streams.contextmanager(lambda uri: _counted(inflated, uri, pieces))
    monkeypatch.setattr(streams, "inflated", counted)
    return pieces


def _counted(inflated: Callable[..., Any], uri: str, pieces: list[int]) -> Iterator[Callable[[int], bytes]]:
    with inflated(uri) as read_bytes:

        def read_counted(size: int) -> bytes:
            piece = read_bytes(size)
            pieces.append(len(piece))
            return piece

        yield read_counted


@pytest.mark.parametrize("alike", [b"\n", b"{}\n", b"[]\n", b'{"text": "a"}\n'])
def test_a_line_again_and_again_is_one_refusal_that_counts_and_costs_no_good_line(tmp_path: Path, alike: bytes) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(line(1) + alike * 1_000_000 + line(2)))

    texts, refused, ranges = read(path, 2**19)

    assert [text[-1] for text in texts if "kettle" in text] == ["1", "2"]
    assert len(texts) + len(refused) <= ranges * (MOST_ALIKE + 1) + 2
    assert sum(_count(row["detail"]) for row in refused) + len(texts) == 1_000_002


def _count(detail: str) -> int:
    said = detail.rpartition("no items: ")[2] if "no items" in detail else detail.rpartition(": ")[2]
    first = said.partition(" ")[0]
    return int(first) if first.isdigit() and ("more of" in said or "no items" in detail) else 1


def test_damaged_lines_that_differ_are_told_one_by_one_up_to_a_number_and_then_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(1) + b"".join(b"[%d]\n{%d\n" % (n, n) for n in range(MOST_ALIKE)) + line(2))

    texts, refused, _ = read(path, 2**30)

    assert len(texts) == 2
    assert len(refused) == MOST_ALIKE + 1
    assert [row["detail"].partition("no items: ")[2] for row in refused if row["reason"] == "too_many"] == [
        "500 not_an_object, 500 not_json"
    ]


def test_a_line_without_end_is_passed_by_once(tmp_path: Path, given: list[int]) -> None:
    path, size = tmp_path / "a.jsonl.zst", 2**25
    path.write_bytes(zstandard.compress(line(1) + b'{"text": "' + b"a" * size + b'"}\n' + line(2)))

    texts, refused, ranges = read(path, STEP)

    assert [text[-1] for text in texts] == ["1", "2"]
    assert [row["reason"] for row in refused] == ["too_large"]
    assert ranges > 500
    assert sum(given) < 6 * size  # what it is, its extent, to its end, and to the range behind it


@pytest.mark.parametrize("value", [None, ""])
def test_empty_rows_without_number_cost_no_good_row(tmp_path: Path, value: str | None) -> None:
    path, rows = tmp_path / "a.parquet", 1_000_000
    good = [pa.table({"text": [json.loads(line(n))["text"]]}) for n in (1, 2)]
    with pq.ParquetWriter(path, good[0].schema) as writer:
        for table in (good[0], pa.table({"text": pa.repeat(pa.scalar(value, pa.string()), rows)}), good[1]):
            writer.write_table(table, row_group_size=rows)

    texts, refused, ranges = read(path, documents._step(corpus_files.look(str(path)), corpus_files.NONE))

    assert [text[-1] for text in texts] == ["1", "2"]
    assert ranges < 20
    assert len(refused) <= ranges * (MOST_ALIKE + 1)


def test_the_rows_of_a_group_are_unpacked_once_for_all_its_ranges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, unpacked = tmp_path / "a.parquet", list[int]()
    pq.write_table(pa.table({"text": [f"A kettle of {n} litres" for n in range(4_000)]}), path, row_group_size=4_000)
    batches = unpacking.batches

    def counted(*args: Any) -> Iterator[pa.RecordBatch]:
        for batch in batches(*args):
            unpacked.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(unpacking, "batches", counted)
    found = [row for start in range(0, 4_000, 100) for row in corpus_files._rows(str(path), start, start + 100, 2**20)]

    assert [row.offset for row in found] == list(range(4_000))
    assert sum(unpacked) == 4_000


def archived(number: int, body: bytes) -> bytes:
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/%d\r\nContent-Length: %d\r\n\r\n"
    return head % (number, len(body)) + body + b"\r\n\r\n"


def lines_of(path: Path, start: int, stop: int) -> list[int]:
    return [offset for offset, _, _ in corpus_files.lines(str(path), start, stop, LIMIT_BYTES)]


def records_of(path: Path, start: int, stop: int) -> list[int]:
    return [one.offset for one in warc.records(str(path), LIMIT_BYTES, start, stop)]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("kind", ["jsonl", "warc"])
def test_ranges_in_their_order_inflate_a_file_once_and_in_any_order_give_the_same(
    tmp_path: Path, given: list[int], pack: Callable[[bytes], bytes], kind: str
) -> None:
    path, texts = tmp_path / f"a.{kind}.packed", [f"{n} " * (n % 900) for n in range(3_000)]
    many = [line(n, text) if kind == "jsonl" else archived(n, text.encode()) for n, text in enumerate(texts)]
    places = [sum(map(len, many[:n])) for n in range(len(many))]
    whole = b"".join(many)
    path.write_bytes(pack(whole))
    of, ranges = (lines_of if kind == "jsonl" else records_of), range(0, len(whole), STEP)

    in_order = [of(path, start, start + STEP) for start in ranges]
    inflated = sum(given)
    backwards = [of(path, start, start + STEP) for start in reversed(ranges)][::-1]

    assert len(ranges) > 40
    assert [place for found in in_order for place in found] == places
    assert backwards == in_order
    assert inflated < 1.5 * len(whole)


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    for text in ("first ", "second "):
        path.write_bytes(gzip.compress(b"".join(line(n, text * 40) for n in range(1_000))))
        list(corpus_files.lines(str(path), 0, STEP, LIMIT_BYTES))
        (_, _, found), *_ = corpus_files.lines(str(path), STEP, 2 * STEP, LIMIT_BYTES)
        assert text.encode() in bytes(found)  # pyright: ignore[reportArgumentType] - a line


def test_a_seed_again_and_again_is_counted_and_later_ones_keep_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    ask = b'{"prompt": "How does a kettle sing?"}\n'
    path.write_bytes(gzip.compress(ask + b"\n" * 500_000 + ask))

    found = list(conversations.read(path))

    assert conversations.survey(path) == 500_002
    assert len(found) == MOST_ALIKE + 3
    assert [number for number, one in found if not isinstance(one, Rejection)] == [1, 500_002]


def small(folder: Path, count: int) -> list[str]:
    for number in range(count):
        (folder / f"{number:03}.txt").write_text(f"Kettle {number}")
    return [str(folder / f"{number:03}.txt") for number in range(count)]


def test_many_small_files_are_kept_in_few_writes_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uris, cache, writes = small(tmp_path, 300), tmp_path / "c.json", list[int]()
    write, clock = files.write_json, iter(range(10**6))
    monkeypatch.setattr(files, "write_json", lambda path, said: (writes.append(len(said)), write(path, said)))
    monkeypatch.setattr(corpus_files.time, "monotonic", lambda: float(next(clock)))

    found = list(corpus_files.looks(uris, cache))
    monkeypatch.setattr(corpus_files, "_looked_at", None)

    assert [file.uri for file in found] == uris
    assert sum(writes) < 5 * len(uris)
    assert writes[-1] == len(uris)
    assert list(corpus_files.looks(uris, cache)) == found


def test_what_was_looked_at_before_a_file_that_is_gone_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uris, cache = small(tmp_path, 3), tmp_path / "c.json"
    with pytest.raises(BrokenError, match=r"gone\.txt"):
        list(corpus_files.looks([*uris, str(tmp_path / "gone.txt")], cache))
    monkeypatch.setattr(corpus_files, "_looked_at", None)

    assert [file.uri for file in corpus_files.looks(uris, cache)] == uris


def test_what_is_installed_is_not_asked_for_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uris, asked = small(tmp_path, 20), list[str]()
    list(corpus_files.looks(uris[:1]))
    whole = FORMATS.whole
    monkeypatch.setattr(type(FORMATS), "whole", lambda _, name, *more: (asked.append(name), whole(name, *more))[1])

    list(corpus_files.looks(uris))

    assert asked == []


def test_shards_of_seeds_in_their_order_inflate_a_file_once(tmp_path: Path, given: list[int]) -> None:
    path, count = tmp_path / "a.jsonl.gz", 4_000
    whole = b"".join(
        b'{"prompt": "How does kettle %d sing%s?"}\n' % (n, b" and sing" * 60) for n in range(1, count + 1)
    )
    path.write_bytes(gzip.compress(whole))
    given.clear()

    found = [one for first in range(1, count, 100) for one in conversations.read(path, first, first + 99)]

    assert [(line, turn.text.split()[3]) for line, turn in found if not isinstance(turn, Rejection)] == [
        (line, str(line)) for line in range(1, count + 1)
    ]
    assert sum(given) < 1.5 * len(whole) + 40 * streams.READ_BYTES  # each range looks at what it is
    assert list(conversations.read(path, 50, 60)) == found[49:60]
