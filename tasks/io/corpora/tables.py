"""Tables as pages: a card `x.table.json` says what a table is about, and its rows come as pages of JSON.

    {"name": "films", "description": "Films and what people said of them.", "license": "CC-BY-4.0",
     "fields": {"review": "what somebody wrote", "label": "0 is bad, 1 is good"}, "file": "films.csv", "sha256": "..."}

The file lies beside the card: CSV or TSV with a head, JSONL, Parquet, Arrow, or `state.json` of a folder that
`datasets.save_to_disk` wrote; what the card does not say, that folder's `dataset_info.json` does. `sql` is a SELECT
that gives the rows in its place: over the tables of a `.duckdb` file, which needs one, or over the `rows` of any other,
such as `SELECT review, label FROM rows ORDER BY review`. A page is one JSON object: `table`, `about`, `fields`,
`examples` (the first rows of the table, the same on each page) and `rows`. The digest of the file (of a folder's data,
file after file) stands in the card, so that another file is another source; one that differs is refused.
"""

import csv
import hashlib
import io
import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from wellspring.tasks.contracts import outside
from wellspring.tasks.io.corpora import streams

ENDING, DATABASE = ".table.json", ".duckdb"
STATE, INFO = "state.json", "dataset_info.json"  # as `datasets.save_to_disk` calls them
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
    name, folder = card["file"].rpartition("/")[2], uri.rpartition("/")[0] + "/" if "/" in uri else ""
    files = [folder + name]
    if name == STATE:
        card, files = _of_folder(folder, card)
    digest = _digest(files)
    if digest != card["sha256"]:
        raise ValueError(f"{card['file']} has the sha256 {digest}, and its card says {card['sha256'][:80]}")
    cells = map(_row, _chosen(files, card.get("sql")))
    examples = list(itertools.islice(cells, EXAMPLES))
    said = {"table": card["name"], "about": str(card.get("description") or ""), "fields": _fields(card, examples)}
    every = itertools.chain(examples, cells)
    for number, part in enumerate(iter(lambda: list(itertools.islice(every, ROWS_ON_PAGE)), [])):
        text = json.dumps(said | {"examples": examples, "rows": part}, ensure_ascii=False)
        yield Page(number, f"{card['name']}, part {number + 1}", text, card.get("license"))


def _of_folder(folder: str, card: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the card with what a folder of `datasets` says of itself, and the folder's data files.

    Raises:
        ValueError: The folder does not name its files.
    """
    told: list[Any] = []
    for name in (STATE, INFO):
        with streams.opened(folder + name) as file:
            told.append(outside.loads(file.read()))
    state, info = told
    listed = state.get("_data_files") if isinstance(state, dict) else None
    files = [str(one.get("filename")) for one in listed or () if isinstance(one, dict)]
    if not files or any("/" in one for one in files):
        raise ValueError(f"{STATE} names no data files")
    own = {key: info.get(key) for key in ("description", "license")} if isinstance(info, dict) else {}
    return own | card, [folder + one for one in files]


def _digest(files: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for place in files:
        with streams.opened(place) as file:
            while piece := file.read(streams.READ_BYTES * 4):
                digest.update(piece)
    return digest.hexdigest()


def _chosen(files: Sequence[str], sql: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table's files, or what a query gives of them.

    Raises:
        ValueError: A database has no query, or the query fails.
    """
    from wellspring.tasks.io import database_files  # the database is heavy, and few tables are asked by SQL

    if sql is not None and not isinstance(sql, str):
        raise ValueError("`sql` is no text")
    if not files[0].lower().endswith(DATABASE):
        found = itertools.chain.from_iterable(_rows(place) for place in files)
        yield from database_files.of_rows(pa.Table.from_pylist(list(found)), sql) if sql else found
        return
    if not sql:
        raise ValueError(f"a {DATABASE} file has several tables: its card says by `sql` which rows are meant")
    with tempfile.TemporaryDirectory() as own, streams.opened(files[0]) as file:
        copy = Path(own) / f"table{DATABASE}"
        with copy.open("wb") as out:
            shutil.copyfileobj(file, out)
        yield from database_files.of_database(copy, sql)


def _rows(place: str) -> Iterator[dict[str, Any]]:
    with streams.opened(place) as file:
        yield from rows(place.lower(), file)


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
    if name.endswith(".arrow"):
        try:
            for batch in ipc.open_stream(pa.PythonFile(cast("Any", file))):
                yield from batch.to_pylist()
        except pa.ArrowException as error:
            raise ValueError(str(error).splitlines()[0]) from error
        return
    if not name.endswith((".jsonl", ".ndjson", ".csv", ".tsv")):
        raise ValueError(f"{name.rpartition('/')[2]} is no .csv, .tsv, .jsonl, .parquet, .arrow or {DATABASE}")
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        if name.endswith("sv"):
            yield from csv.DictReader(lines, delimiter="\t" if name.endswith("tsv") else ",")
        else:
            yield from (outside.loads(line.encode()) for line in lines if line.strip())


def _row(given: Mapping[str, Any]) -> Row:
    """Return the cells of a row as text; what is no plain value, or empty, is not there."""
    plain = {name: value for name, value in given.items() if isinstance(value, str | int | float)}
    return {name: str(value).strip()[:CUT_CHARS] for name, value in plain.items() if str(value).strip()}
