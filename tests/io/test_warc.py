"""Archives of every form are read past any damage, and every record can be read back."""

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.io.corpora import messages, streams, warc
from wellspring.tasks.io.corpora.warc import Damage, Record

LIMIT_BYTES = 2**20


def response(url: str, body: bytes, http: str = "", length: int | None = None, digest: str = "") -> bytes:
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{http}\r\n".encode() + body
    said_length = len(block) if length is None else length
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2025-01-02T03:04:05Z\r\n{digest}"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {said_length}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def archive(count: int, seed: int = 0) -> list[bytes]:
    letters = random.Random(seed)
    words = ["".join(letters.choices("abcdefgh", k=6)) for _ in range(200)]
    return [
        response(f"http://site.example/{i}", " ".join(letters.choices(words, k=150)).encode()) for i in range(count)
    ]


def write(path: Path, form: str, members: list[bytes]) -> str:
    whole = {
        "plain": lambda: b"".join(members),
        "gzip": lambda: b"".join(gzip.compress(m, mtime=0) for m in members),
        "one gzip": lambda: gzip.compress(b"".join(members), mtime=0),
        "lz4": lambda: b"".join(lz4.frame.compress(m) for m in members),
    }
    path.write_bytes(whole[form]())
    return str(path)


def urls(items: Iterator[Record | Damage]) -> list[str]:
    return [item.url for item in items if isinstance(item, Record)]


@pytest.mark.parametrize("form", ["plain", "gzip", "one gzip", "lz4"])
def test_every_record_is_found_and_can_be_read_back(tmp_path: Path, form: str) -> None:
    members = archive(20)
    uri = write(tmp_path / "a.warc", form, members)

    found = list(warc.records(uri, LIMIT_BYTES))

    assert [item.url for item in found] == [f"http://site.example/{i}" for i in range(20)]
    for item, member in zip(found, members, strict=True):
        assert warc.read_record(uri, item.offset, item.length).strip() == member.strip()


@pytest.mark.parametrize("form", ["plain", "gzip", "one gzip", "lz4"])
def test_ranges_give_each_record_once_wherever_they_are_cut(tmp_path: Path, form: str) -> None:
    uri = write(tmp_path / "a.warc.gz", form, archive(30))
    end = 40_000
    whole = urls(warc.records(uri, LIMIT_BYTES))

    for step in (500, 777, 4096, 10_000):
        parts = [
            url for start in range(0, end, step) for url in urls(warc.records(uri, LIMIT_BYTES, start, start + step))
        ]
        assert parts == whole, step


@pytest.mark.parametrize("form", ["plain", "gzip"])
@pytest.mark.parametrize("seed", range(60))
def test_damage_costs_only_the_records_it_touches(tmp_path: Path, form: str, seed: int) -> None:
    chance = random.Random(seed)
    members = [gzip.compress(m, mtime=0) if form == "gzip" else m for m in archive(12, seed)]
    starts = [sum(map(len, members[:i])) for i in range(len(members) + 1)]
    data = bytearray(b"".join(members))
    at, size = chance.randrange(len(data)), chance.choice((1, 3, 40))
    kind = chance.choice(("flip", "cut", "delete", "insert"))
    if kind == "flip":
        for i in range(at, min(at + size, len(data))):
            data[i] ^= chance.randrange(1, 256)
    elif kind == "cut":
        del data[at:]
    elif kind == "delete":
        del data[at : at + size]
    else:
        data[at:at] = chance.randbytes(size)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(data)
    end = starts[-1] if kind == "cut" else at + size
    touched = {i for i in range(12) if starts[i] < end and starts[i + 1] > at}

    items = list(warc.records(str(path), LIMIT_BYTES))

    found = urls(iter(items))
    whole = [f"http://site.example/{i}" for i in range(12) if i not in touched]
    # An insertion between two records touches neither; one at a border may be taken for either.
    assert len(set(whole) - set(found)) <= 1, (kind, at, size)
    assert sum(a.length for a in items) <= len(data) + 4 * len(items)
    if form == "gzip" and len(found) < 12 and kind != "cut":
        assert any(isinstance(item, Damage) for item in items)


def test_a_wrong_length_is_a_damage_and_its_neighbours_are_whole(tmp_path: Path) -> None:
    members = archive(6)
    members[1] = response("http://bad.example/short", b"x" * 500, length=37)
    members[3] = response("http://bad.example/long", b"x" * 500, length=9999)
    members[4] = response("http://bad.example/huge", b"x" * 500, length=10**12)
    uri = write(tmp_path / "a.warc", "plain", members)

    items = list(warc.records(uri, LIMIT_BYTES))

    assert [(item.url, item.reason) for item in items if isinstance(item, Damage)] == [
        ("http://bad.example/short", "wrong_length"),
        ("http://bad.example/long", "wrong_length"),
        ("http://bad.example/huge", "wrong_length"),
    ]
    assert urls(iter(items)) == [f"http://site.example/{i}" for i in (0, 2, 5)]


@pytest.mark.parametrize("form", ["plain", "gzip", "one gzip", "lz4"])
def test_a_record_over_the_limit_is_skipped_without_being_held(tmp_path: Path, form: str) -> None:
    members = archive(3)
    members[1] = response("http://bomb.example/", b"\0" * (8 * LIMIT_BYTES))
    uri = write(tmp_path / "a.warc", form, members)

    items = list(warc.records(uri, LIMIT_BYTES))

    assert [(type(item), item.url) for item in items] == [
        (Record, "http://site.example/0"),
        (Damage, "http://bomb.example/"),
        (Record, "http://site.example/2"),
    ]
    assert isinstance(items[1], Damage)
    assert items[1].reason == "too_large"


def test_a_flipped_byte_in_a_plain_archive_is_told_by_its_digest(tmp_path: Path) -> None:
    digest = "WARC-Block-Digest: sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ\r\n"
    uri = write(tmp_path / "a.warc", "plain", [response("http://site.example/", b"text", digest=digest)])
    (item,) = warc.records(uri, LIMIT_BYTES)

    assert isinstance(item, Record)
    with pytest.raises(Rejection, match="wrong_digest"):
        warc.check_digest(item)


@pytest.mark.slow
@given(st.binary(max_size=3000))
@settings(max_examples=200)
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.warc"
    for prefix in (
        b"",
        b"WARC/1.0\r\n",
        streams.GZIP_MAGIC,
        streams.LZ4_MAGIC,
        streams.ZSTD_MAGIC,
        b"filedesc://a 1.1.1.1 20200101000000 t 1\n",
    ):
        path.write_bytes(prefix + data)
        for item in warc.records(str(path), LIMIT_BYTES):
            assert item.length > 0


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("identity", lambda b: b),
        ("gzip", lambda b: b),
        ("br", lambda b: b),
        ("deflate", lambda b: __import__("zlib").compress(b)),
        ("deflate", lambda b: __import__("zlib").compress(b)[2:-4]),
        ("br", lambda b: __import__("brotli").compress(b)),
    ],
)
def test_content_codings_are_undone_where_they_are_real(coding: str, encode: object) -> None:
    body = b"<html><p>" + b"text " * 100

    assert streams.decoded(encode(body), coding, LIMIT_BYTES) == body  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate"])
def test_a_body_that_inflates_past_the_limit_is_refused(coding: str) -> None:
    import zlib

    import brotli

    bomb = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[coding](b"\0" * (4 * LIMIT_BYTES))

    with pytest.raises(Rejection, match="too_large"):
        streams.decoded(bomb, coding, LIMIT_BYTES)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", b"hello world"),
        (b"not chunked at all", b"not chunked at all"),
        (b"5\r\nhello\r\nffff\r\n world", b"helloffff\r\n world"),
        (b"", b""),
    ],
)
def test_chunks_are_joined_as_far_as_they_are_chunks(body: bytes, expected: bytes) -> None:
    assert streams.decoded(body, "chunked", LIMIT_BYTES) == expected


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match=r"gone\.warc"):
        list(warc.records(str(tmp_path / "gone.warc"), LIMIT_BYTES))


@pytest.mark.shared
def test_adversarial_archives_give_every_whole_record_and_name_the_damaged(shared: Path) -> None:
    expected = json.loads((shared / "adversarial/expected.json").read_text())

    for name, told in expected.items():
        if ".warc" not in name or "whole" not in told:
            continue
        whole, damaged = [], []
        for item in warc.records(str(shared / "adversarial" / name), 16 * 2**20):
            if isinstance(item, Damage):
                damaged.append(item.url)
            elif item.kind == "response":
                try:
                    messages.page(item, 16 * 2**20)
                    whole.append(item.url)
                except Rejection:
                    damaged.append(item.url)
        assert whole == told["whole"], name
        assert damaged == told.get("damaged", [told["bomb"]] if "bomb" in told else []), name


@pytest.mark.shared
def test_archives_of_public_projects_are_read_whole(shared: Path) -> None:
    counted = {
        "iah_blackbook_2008.warc.gz": 822,
        "iah_blackbook_2008.arc.gz": 300,
        "cc2020_resiliparse.warc": 38,
        "cc2020_resiliparse.warc.gz": 38,
        "cc2020_resiliparse.warc.lz4": 38,
        "CC-MAIN-20150226074105-00336.sample.warc.gz": 56,
        "aut_issue493_revisit.warc": 32,
        "warcio_bad.warc.gz": 6,
        "warcio_wrong_chunks.warc.gz": 2,
        "warcio_space_in_url.arc": 2,
        "ccnet_sample.wet.txt": 4,
    }
    for name, count in counted.items():
        uri = str(shared / "warc" / name)
        items = list(warc.records(uri, 16 * 2**20))
        assert Counter(type(item) for item in items) == {Record: count}, name
        for item in items:
            assert isinstance(item, Record)
            back = warc.read_record(uri, item.offset, item.length)
            assert item.block[:5000] in back, (name, item.url)
