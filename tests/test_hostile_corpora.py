"""Real files, spoilt in seeded ways: every whole record is read, every loss is told, and nothing crashes or hangs.

`WELLSPRING_MUTATIONS=500` runs the whole campaign; a run of the suite takes a sample of it.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks import documents
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.settings import DocumentsSettings
from wellspring.tasks.io.corpora import corpus_files, warc

MUTATIONS = int(os.environ.get("WELLSPRING_MUTATIONS", "60"))
LIMIT_BYTES = 2**22
FILES = (
    "warc/warcio_example.warc",
    "warc/warcio_example.warc.gz",
    "warc/warcio_example.arc.gz",
    "warc/whirlwind.warc.gz",
    "warc/dolma_sample0000.warc.gz",
    "warc/cc2020_resiliparse.warc.lz4",
    "adversarial/bad_lines.jsonl.gz",
    "adversarial/nested_nulls.parquet",
)


Spoilt = tuple[bytes, int, int]  # what is left, and where the bytes lay that were touched


def flipped(data: bytes, dice: random.Random) -> Spoilt:
    place = dice.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :], place, place + 1


def cut(data: bytes, dice: random.Random) -> Spoilt:
    place = dice.randrange(1, len(data))
    return data[:place], place, len(data)


def without(data: bytes, dice: random.Random) -> Spoilt:
    start = dice.randrange(len(data))
    end = start + dice.randrange(1, 400)
    return data[:start] + data[end:], start, end


def doubled(data: bytes, dice: random.Random) -> Spoilt:
    start = dice.randrange(len(data))
    return data[:start] + data[start : start + dice.randrange(1, 400)] + data[start:], start, start + 1


def overwritten(data: bytes, dice: random.Random) -> Spoilt:
    start = dice.randrange(len(data))
    return data[:start] + dice.randbytes(200) + data[start + 200 :], start, start + 200


WAYS: tuple[Callable[[bytes, random.Random], Spoilt], ...] = (flipped, cut, without, doubled, overwritten)


def read(path: Path) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Read a file as a shard would: rows in, and the rows of its tables."""
    method = DocumentsSettings(min_tokens=1).model_dump() | {
        "limit_bytes": LIMIT_BYTES,
        "page_seconds": 10.0,
        "benchmarks": {},
        "ngram_words": 13,
        "containment": 0.8,
    }
    file = corpus_files.look(str(path))
    part = {"source_id": "s", "uri": str(path), "part_id": "p", "kind": file.kind, "license": None}
    produced = documents._read({"parts": [part | {"start": 0, "stop": file.extent}], "method": method})
    return produced.rows_in, {name: rows.to_pylist() for name, rows in produced.tables.items()}


def records(path: Path) -> list[warc.Record]:
    return [item for item in warc.records(str(path), LIMIT_BYTES) if isinstance(item, warc.Record)]


@pytest.mark.slow
@pytest.mark.shared
def test_spoilt_files_are_read_past_the_damage_and_every_loss_is_told(shared: Path, tmp_path: Path) -> None:
    unread: list[str] = []
    lost: list[str] = []
    for number in range(MUTATIONS):
        dice = random.Random(number)
        original = shared / FILES[number % len(FILES)]
        data, start, end = WAYS[dice.randrange(len(WAYS))](original.read_bytes(), dice)
        spoilt = tmp_path / original.name
        spoilt.write_bytes(data)
        try:
            rows_in, tables = read(spoilt)
        except BrokenError as error:  # nothing of it can be told: the file as a whole is refused
            unread.append(str(error))
            continue

        assert rows_in == len(tables["documents"]) + len(tables["rejections"]) == tables["shards"][0]["rows_in"]
        assert all(f"{spoilt} at " in row["detail"] and row["reason"] for row in tables["rejections"])
        if original.name.endswith("arc.gz"):
            untouched = [r for r in records(original) if r.offset + r.length <= start or r.offset >= end]
            found = {record.block for record in records(spoilt)}
            lost += [f"{number}: {original.name} at {r.offset}" for r in untouched if r.block not in found]

    assert not lost
    assert all(str(tmp_path) in said for said in unread)
    assert len(unread) <= MUTATIONS // 10
