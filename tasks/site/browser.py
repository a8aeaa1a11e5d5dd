"""The browser of exported rows: all of them, cut into files of a page each, and an index of their words.

A page of rows is one small script file, fetched when it is looked at; so is a part of the index, when somebody types
one of its words, and a few of the pages that rows rest on, when one of them is read. Nothing grows with the dataset but
the number of files. A file holds rows as people read them and the graph of what they were made from, each thing once;
the site's script draws both (deployments/dashboard/rows.js).
"""

import contextlib
import itertools
import operator
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io import files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import facets, lists, pairs, shards
from wellspring.tasks.site.since import Baseline

ROWS_A_PAGE = 25
ROWS_A_MEGABYTE = 50  # of the database's memory: so many are asked for, and cut into words, at once
LINES_OF_A_WORD = 2000  # as many as anybody looks through; of commoner words the first lines are kept
TEXTS_A_FILE = 10
TEXTS_AT_ONCE = 200
TEXT_CHARS = 20_000  # of a page: more than anybody reads beside a row
INDEX_BYTES = 2**16  # of a file of the index
PARTS_AT_ONCE = 2000  # lists of a word's lines in a part of all lines: as many as are in memory
FORM = 4  # raised when the files change, so that those that stand are written anew
_MARTS = ("rows", "origins")


_FOLDERS = ("rows", "words", "texts", "facets", "lists", "pairs")
Labels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to browse: rows, pages of them, and pairs of answers."""

    rows: int
    pages: int
    pairs: int = 0


def write(store: Store, *, shows_values: bool, since: Baseline, labels: Labels) -> Extent:
    """Write the files of the browser and its marts, unless those that stand are of the same rows; return their extent.

    Where the profile keeps values of rows to itself there are only counts, and lists of ids; the marts have no rows.

    Args:
        store: The store.
        shows_values: Whether texts of rows may be shown.
        since: What is new is newer than this.
        labels: Names of values, by facet.
    """
    store.execute("rows/open")
    try:
        store.execute("rows/lines")
        found = store.query("rows/digest").to_dicts()[0]
        rows = found["lines"] if shows_values else 0
        extent = Extent(rows, -(-rows // ROWS_A_PAGE), found["preferences"] if shows_values else 0)
        digest = content_id(FORM, shows_values, list(found.values()), str(since.at), labels)
        mark = store.pages / "rows" / "digest"
        if not mark.is_file() or mark.read_bytes() != digest.encode():
            for stale in _FOLDERS:  # a row that is no longer exported must not stay readable
                shutil.rmtree(store.pages / stale, ignore_errors=True)
            _write_rows(store, extent)
            _write_words(store, extent)
            _write_beside(store, extent, found["lines"], since, labels, shows_values=shows_values)
            files.write_whole(mark, digest.encode())
    finally:
        store.execute("rows/drop")
    return extent


def _write_beside(
    store: Store, extent: Extent, lines: int, since: Baseline, labels: Labels, *, shows_values: bool
) -> None:
    """Write what leads to rows and what is read beside them."""
    found = facets.find(store, since, _spans(store, lines))
    facets.publish(store, found.totals())
    if extent.rows:
        facets.write(store, found, labels)
        texts = shards.Shelf(store.pages, "texts", TEXTS_A_FILE)
        for frame in store.stream("rows/texts", rows=TEXTS_AT_ONCE, most=TEXT_CHARS):
            texts.put(frame.drop("page").to_dicts())
        texts.close()
    lists.write(store, shows_values=shows_values)
    pairs.write(store, extent.pairs)


def first(store: Store) -> list[dict[str, Any]]:
    """Return the rows of the first page, from the mart."""
    path = store.pages / "marts" / "rows.parquet"
    return pl.scan_parquet(path, glob=False).head(ROWS_A_PAGE).collect().to_dicts()


def _write_rows(store: Store, extent: Extent) -> None:
    (store.pages / "rows").mkdir(parents=True, exist_ok=True)
    store.execute("rows/pages")
    _climb(store)
    with contextlib.ExitStack() as open_until_done:
        writers = {name: open_until_done.enter_context(_parquet(store.pages / "marts", name)) for name in _MARTS}
        for span in _spans(store, extent.rows) or [{"start": 0, "stop": 0}]:
            frames = {name: store.query(f"marts/{name}", block=ROWS_A_PAGE, **span) for name in _MARTS}
            for name, frame in frames.items():
                writers[name](frame)
            _write_pages(store.pages, **frames)


def _climb(store: Store) -> None:
    """Note what every line was made from, a step for all lines at a time: small joins, where a recursive one is not."""
    store.execute("rows/steps", block=ROWS_A_PAGE)
    height = 1
    while store.execute("rows/climb", height=height):
        height += 1


def _spans(store: Store, lines: int) -> list[dict[str, int]]:
    """Cut the numbers of lines into spans of whole pages that fit the database's memory."""
    at_once = max(1, ROWS_A_MEGABYTE * store.memory_mb // ROWS_A_PAGE) * ROWS_A_PAGE
    return [{"start": n, "stop": min(n + at_once, lines)} for n in range(0, lines, at_once)]


@contextlib.contextmanager
def _parquet(folder: Path, name: str) -> Iterator[Any]:
    """Give a function that writes frames into one Parquet file, which is there when all are written."""
    folder.mkdir(parents=True, exist_ok=True)
    writers = list[pq.ParquetWriter]()

    with files.replacing(folder / f"{name}.parquet") as partial:

        def write_frame(frame: pl.DataFrame) -> None:
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if not writers:
                writers.append(pq.ParquetWriter(partial, table.schema, compression="zstd"))
            writers[0].write_table(table)

        try:
            yield write_frame
        finally:
            for writer in writers:
                writer.close()


def _write_pages(folder: Path, rows: pl.DataFrame, origins: pl.DataFrame) -> None:
    """Write the files of some whole pages."""
    above = {block: part for (block,), part in origins.group_by("block", maintain_order=True)}
    for (block,), part in rows.group_by(pl.col("number") // ROWS_A_PAGE, maintain_order=True):
        shards.write(folder, shards.place("rows", block), _page(part, above.get(block, origins.clear())))


def _page(rows: pl.DataFrame, origins: pl.DataFrame) -> dict[str, Any]:
    """Describe a page: its rows, the things they were made from, and edges between their numbers.

    The rows are the first things; an edge is (child, relation, parent).
    """
    shown = rows.drop("number").to_dicts()
    numbers = {row["export_id"]: n for n, row in enumerate(shown)}
    things: list[tuple[str, ...]] = []
    relations: dict[str, int] = {}
    edges: list[tuple[str, int, int]] = []
    for child, relation, parent, kind, telling, note in origins.drop("block").iter_rows():
        if parent not in numbers:
            numbers[parent] = len(numbers)
            things.append((parent, kind or "missing", telling or "", note or ""))
        edges.append((child, relations.setdefault(relation, len(relations)), numbers[parent]))
    return {
        "rows": shown,
        "things": things,
        "relations": list(relations),
        "edges": [(numbers[child], relation, parent) for child, relation, parent in edges],
    }


def _write_words(store: Store, extent: Extent) -> None:
    """Write the index: words in order of their bytes, cut into files, and a file that says where each file begins.

    A word has its number of lines and the numbers of these, each as the difference to the one before.
    """
    if not extent.rows:
        return
    folder, begins, words, size = store.pages, list[str](), dict[str, list[Any]](), 0
    for word, lines, numbers in _words(store, extent):
        words[word] = [lines, *(after - before for before, after in zip([0, *numbers], numbers, strict=False))]
        size += len(word) + 4 * len(numbers)
        if size > INDEX_BYTES:
            size = _write_bucket(folder, begins, words)
            words = {}
    if words:
        _write_bucket(folder, begins, words)
    shards.write(folder, "words/index", begins)


def _words(store: Store, extent: Extent) -> Iterator[tuple[str, int, list[int]]]:
    """Yield each word, its number of lines, and the first of these."""
    store.execute("rows/parts")
    for span in _spans(store, extent.rows):
        store.execute("rows/cut", most=LINES_OF_A_WORD, **span)
    frames = store.stream("rows/words", rows=PARTS_AT_ONCE)
    parts = itertools.chain.from_iterable(zip(*frame.get_columns(), strict=True) for frame in frames)
    for word, of_a_word in itertools.groupby(parts, key=operator.itemgetter(0)):
        lines, numbers = 0, list[int]()
        for _, count, some in of_a_word:
            lines += count
            numbers.extend(some.head(LINES_OF_A_WORD - len(numbers)))
        yield word, lines, numbers


def _write_bucket(folder: Path, begins: list[str], words: Mapping[str, Any]) -> int:
    shards.write(folder, f"words/{len(begins)}", words)
    begins.append(next(iter(words)))
    return 0
