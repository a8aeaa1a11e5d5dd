"""Tables as pages: a card `x.table.json` says what a table is about, and its rows come as pages of JSON.

    {"name": "films", "description": "Films and what people said of them.", "license": "CC-BY-4.0",
     "fields": {"review": "what somebody wrote", "label": "0 is bad, 1 is good"}, "file": "films.csv", "sha256": "..."}

The file lies beside the card: CSV or TSV with a head, JSONL, or Parquet. A page is one JSON object: `table`, `about`,
`fields`, `examples` (the first rows of the table, the same on each page) and `rows`. The digest of the file stands in
the card, so that another file is another source; one that differs is refused, with its digest.
"""

import csv
import hashlib
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.contracts import outside
from wellspring.tasks.io.corpora import streams

ENDING = ".table.json"
ROWS_ON_PAGE = 50
EXAMPLES = 2
CUT_CHARS = 2_000  # of a cell
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a table: its number, its title, its text, and the licence that the card states, or none."""

    number: int
    title: str
    text: str
    license: str | None


def pages(uri: str) -> Iterator[Page]:
    """Yield the pages of the table that a card names.

    Raises:
        ValueError: The card lacks something, or the file is another than it says, or cannot be read.
        OSError: One of them is not there.
    """
    with streams.opened(uri) as file:
        card: Any = outside.loads(file.read())
    if not isinstance(card, dict) or not all(isinstance(card.get(name), str) for name in ("name", "file", "sha256")):
        raise ValueError("a card of a table has `name`, `file` and `sha256`")
    card = cast("dict[str, Any]", card)
    place = uri.rpartition("/")[0] + "/" + card["file"].rpartition("/")[2] if "/" in uri else card["file"]
    with streams.opened(place) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # pyright: ignore[reportArgumentType]
        if digest != card["sha256"]:
            raise ValueError(f"{card['file']} has the sha256 {digest}, and its card says {card['sha256'][:80]}")
        file.seek(0)
        cells = map(_row, rows(card["file"].lower(), file))
        examples = list(itertools.islice(cells, EXAMPLES))
        said = {"table": card["name"], "about": str(card.get("description") or ""), "fields": _fields(card, examples)}
        every = itertools.chain(examples, cells)
        for number, part in enumerate(iter(lambda: list(itertools.islice(every, ROWS_ON_PAGE)), [])):
            text = json.dumps(said | {"examples": examples, "rows": part}, ensure_ascii=False)
            yield Page(number, f"{card['name']}, part {number + 1}", text, card.get("license"))


def _fields(card: Mapping[str, Any], rows: list[Row]) -> dict[str, str]:
    about = card.get("fields") or {}
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: str(about.get(name) or "") if isinstance(about, dict) else "" for name in names}


def rows(name: str, file: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table, with cells as its form has them.

    Args:
        name: Of the file, in small letters; its ending says what it is.
        file: Open for reading; it is closed at the end.

    Raises:
        ValueError: It is of no form that we know, or is not as it should be.
    """
    for row in _any(name, file):
        if not isinstance(row, dict):
            raise ValueError("a row is no object")  # noqa: TRY004 - a fault of the file
        yield {str(key): value for key, value in cast("dict[Any, Any]", row).items() if key is not None}


def _any(name: str, file: BinaryIO) -> Iterator[Any]:
    if name.endswith(".parquet"):
        try:
            for batch in pq.ParquetFile(file).iter_batches():
                yield from batch.to_pylist()
        except pa.ArrowException as error:
            raise ValueError(str(error).splitlines()[0]) from error
        return
    if not name.endswith((".jsonl", ".ndjson", ".csv", ".tsv")):
        raise ValueError(f"{name} is no .csv, .tsv, .jsonl or .parquet")
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        if name.endswith("sv"):
            yield from csv.DictReader(lines, delimiter="\t" if name.endswith("tsv") else ",")
        else:
            yield from (outside.loads(line.encode()) for line in lines if line.strip())


def _row(given: Mapping[str, Any]) -> Row:
    """Return the cells of a row as text; what is no plain value, or empty, is not there."""
    plain = {name: value for name, value in given.items() if isinstance(value, str | int | float)}
    return {name: str(value).strip()[:CUT_CHARS] for name, value in plain.items() if str(value).strip()}
