"""What a release rests on: a snapshot of the lineage of its rows, as Parquet beside its files, without any text.

| file | a row is |
|---|---|
| `rows` | a line of a file: its row, its key, its method, its page, and the digest of the line |
| `edges` | a thing and what it was made from |
| `pages`, `seeds`, `calls` | a page, a seed, a model call that the rows rest on |
| `left_out` | an instruction that was not taken, by its key, and why |
| `methods` | a method in force, with its settings |

The key of a row says from what input it was made and at which place, whatever its id: the address of a page, the id of
a seed, or the key of another row; then who made it, and at which step. So rows of two releases can be matched.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import polars as pl
import pyarrow.parquet as pq

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.storage.store import Store

FOLDER, TAKEN_OUT = "lineage", "taken_out"
DIGEST_CHARS = 20
_READ_FROM = ("record of", "line of")  # a page, a seed, and its source
ROWS: Mapping[str, type[pl.DataType]] = {
    "file": pl.String,
    "line": pl.Int64,
    "row_id": pl.String,
    "made_id": pl.String,
    "key": pl.String,
    "maker": pl.String,
    "method": pl.String,
    "answer_method": pl.String,
    "model": pl.String,
    "document_id": pl.String,
    "url": pl.String,
    "digest": pl.String,
}
LEFT_OUT: Mapping[str, type[pl.DataType]] = {
    "key": pl.String,
    "id": pl.String,
    "reason": pl.String,
    "detail": pl.String,
}


@dataclass(slots=True)
class _Made:
    """How things were made, and the keys that follow from it."""

    rows: Mapping[str, Mapping[str, Any]]
    urls: Mapping[str, str]
    keys: dict[str, str] = field(default_factory=dict[str, str])

    def root(self, id_: str) -> str:
        """Return the first input of a thing: a page, a seed, or what else was made of nothing that is known."""
        seen = set[str]()
        while id_ in self.rows and id_ not in seen:
            seen.add(id_)
            id_ = self.rows[id_]["input_id"]
        return id_

    def key(self, id_: str) -> str:
        """Return the key of a thing."""
        way = list[str]()
        at = id_
        while at in self.rows and at not in self.keys and at not in way:
            way.append(at)
            at = self.rows[at]["input_id"]
        key = self.keys.get(at) or (f"page {self.urls[at]}" if at in self.urls else at)
        for one in reversed(way):
            made = self.rows[one]
            key = self.keys[one] = content_id("key", made["maker"], key, made["place"], made["round"], made["draw"])
        return key


def hold(store: Store, source: Path, folder: Path) -> None:
    """Write the snapshot of what the export in force rests on.

    Args:
        store: The store.
        source: Where the exported files lie, or a copy of them.
        folder: The folder in which `lineage` is made.
    """
    lines = store.query("releases/lines")
    left_out = store.query("releases/left_out")
    edges = store.query("releases/edges", ids=lines["row_id"].unique().sort().to_list())
    ids = sorted({*edges["child_id"], *edges["parent_id"], *lines["row_id"]})
    rows = {row["id"]: row for row in store.query("releases/made").iter_rows(named=True)}
    made = _Made(rows, {})
    roots = {made.root(one) for one in (*lines["made_id"].unique(), *left_out["id"])}
    pages = store.query("releases/pages", ids=sorted({*ids, *roots}))
    made.urls = dict(pages.select("document_id", "url").iter_rows())
    seeds = store.query("releases/seeds", ids=ids)
    write(folder, "rows", pl.DataFrame([*_rows(lines, made, source)], schema=ROWS))
    write(folder, "edges", _in_force(edges, pages, seeds))
    write(folder, "pages", pages.filter(pl.col("document_id").is_in(ids)))
    write(folder, "seeds", seeds)
    write(folder, "calls", store.query("releases/calls", ids=ids))
    refused = [(made.key(id_), id_, reason, detail) for id_, reason, detail in left_out.iter_rows()]
    write(folder, "left_out", pl.DataFrame(refused, schema=LEFT_OUT, orient="row"))
    write(folder, "methods", store.query("releases/methods"))


def _in_force(edges: pl.DataFrame, pages: pl.DataFrame, seeds: pl.DataFrame) -> pl.DataFrame:
    """Return the edges without those from a page or a seed to a source that it was read from by an older method."""
    homes = [frame.select(child_id=frame.columns[0], parent_id="source_id") for frame in (pages, seeds)]
    read = edges.filter(pl.col("relation").is_in(_READ_FROM)).join(
        pl.concat(homes), "child_id", how="left", suffix="_in_force"
    )
    strays = read.filter(pl.col("parent_id") != pl.col("parent_id_in_force")).select(edges.columns)
    return edges.join(strays, on=edges.columns, how="anti", maintain_order="left")


def _rows(lines: pl.DataFrame, made: _Made, folder: Path) -> Iterator[dict[str, Any]]:
    digests = dict[str, list[str]]()
    for row in lines.iter_rows(named=True):
        file = "/".join(row["path"].split("/")[2:]).removesuffix(".jsonl")
        if file not in digests:
            digests[file] = [*line_digests(folder / f"{file}.jsonl")]
        of = made.rows.get(row["made_id"], {})
        root = made.root(row["made_id"])
        yield {
            "file": file,
            **{name: row[name] for name in ("line", "row_id", "made_id", "answer_method", "model")},
            "key": made.key(row["made_id"]),
            "maker": of.get("maker", ""),
            "method": of.get("fingerprint", ""),
            "document_id": root if root in made.urls else "",
            "url": made.urls.get(root, ""),
            "digest": digests[file][row["line"] - 1],
        }


def line_digests(path: Path) -> Iterator[str]:
    """Yield a digest of each line of a file."""
    with path.open("rb") as file:
        for line in file:
            yield hashlib.sha256(line).hexdigest()[:DIGEST_CHARS]


def write(folder: Path, name: str, rows: pl.DataFrame) -> None:
    """Write one of the files of a snapshot; the bytes depend on the rows alone."""
    (folder / FOLDER).mkdir(exist_ok=True)
    pq.write_table(rows.to_arrow(), folder / FOLDER / f"{name}.parquet", compression="zstd")


def read(folder: Path, name: str) -> pl.DataFrame:
    """Return one of the files of a snapshot; only `taken_out` may be missing, and is an empty table then.

    Raises:
        BrokenError: It is missing or damaged.
    """
    path = folder / FOLDER / f"{name}.parquet"
    if name == TAKEN_OUT and not path.is_file():
        return pl.DataFrame(schema={**ROWS, "release": pl.String})
    try:
        return cast("pl.DataFrame", pl.from_arrow(pq.read_table(path)))
    except (OSError, ValueError) as error:
        raise BrokenError(
            f"the release in {folder} is damaged: {path.name} cannot be read",
            hint="put the file back from a copy of the release, or take the whole folder away",
        ) from error


def below(edges: pl.DataFrame, ids: Iterable[str]) -> set[str]:
    """Return these ids and all that was made from them, by the edges of a snapshot."""
    return _reached(((parent, child) for child, _, parent in edges.iter_rows()), ids)


def above(edges: pl.DataFrame, ids: Iterable[str]) -> set[str]:
    """Return these ids and all that they were made from, by the edges of a snapshot."""
    return _reached(((child, parent) for child, _, parent in edges.iter_rows()), ids)


def _reached(steps: Iterable[tuple[str, str]], ids: Iterable[str]) -> set[str]:
    following = dict[str, list[str]]()
    for one, other in steps:
        following.setdefault(one, []).append(other)
    found, left = set[str](), [*ids]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += following.get(one, ())
    return found
