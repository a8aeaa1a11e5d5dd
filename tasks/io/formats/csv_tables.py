"""CSV and TSV: a row each, by the names in the first row. A row is traced to its bytes."""

import csv
from collections.abc import Iterator
from typing import Any, BinaryIO

from wellspring.tasks.contracts import charsets
from wellspring.tasks.contracts.errors import Rejection

VERSION = 1
PLACED = True
DELIMITERS = ",;\t|"
SAMPLE_BYTES = 2**16
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # marks of UTF-16
FIELD_CHARS = 2**27


def is_this(name: str, start: bytes) -> bool:
    """Tell by the name: nothing in the bytes says that they are a table."""
    stem = name.lower().removesuffix(".gz").removesuffix(".bz2").removesuffix(".xz").removesuffix(".zst")
    return stem.endswith((".csv", ".tsv", ".tab")) and (start.startswith(_WIDE) or b"\0" not in start)


def records(file: BinaryIO, name: str) -> Iterator[tuple[int, int, dict[str, Any] | Rejection]]:
    """Yield the rows. One with more fields than the first row has names is refused alone."""
    body = file.read()
    _, codec = charsets.decode(body[:SAMPLE_BYTES])
    csv.field_size_limit(FIELD_CHARS)
    if codec.startswith("utf-16"):
        body = body.decode(codec, "replace").lstrip("\ufeff").encode()
        codec = "utf-8"
    place = [0]
    rows = csv.reader(_lines(body, codec, place), delimiter=_delimiter(body, codec, name))
    names = [one.strip().removeprefix("\ufeff") for one in next(rows, [])]
    while True:
        start = place[0]
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, place[0] - start, Rejection("damaged_row", str(error))
            continue
        if len(row) > len(names):
            yield start, place[0] - start, Rejection("damaged_row", f"{len(row)} fields under {len(names)} names")
        elif row:
            yield start, place[0] - start, dict(zip(names, row, strict=False))


def _lines(body: bytes, codec: str, place: list[int]) -> Iterator[str]:
    """Yield the lines, and keep how far the table was read."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start) + 1 or len(body)
        place[0] = end
        yield body[start:end].decode(codec, "replace").replace("\0", "\ufffd")
        start = end


def _delimiter(body: bytes, codec: str, name: str) -> str:
    """Return the delimiter that the first line has most of; a tab where the name says so."""
    if ".tsv" in name.lower() or ".tab" in name.lower():
        return "\t"
    first = body[: body.find(b"\n") + 1 or len(body)].decode(codec, "replace")
    return max(DELIMITERS, key=first.count)
