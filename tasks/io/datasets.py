"""The files of a dataset: JSON lines with their Parquet twin, written in a folder beside its place and put there whole.

The bytes depend on the rows alone: fixed batches, no clock, no machine. A reader sees the dataset as it was or as it
is, and what a former version left behind is gone.
"""

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.io import files

TABLE = ".parquet"
ROWS_IN_GROUP = 5_000  # rows of one Parquet row group, and what is held in memory of a file


@dataclass(frozen=True, slots=True)
class File:
    """A written file: its path inside the dataset, its size, its digest, and how many rows it has (0: no table)."""

    path: str
    bytes: int
    sha256: str
    rows: int


@dataclass(slots=True)
class Table:
    """A table being written as `path`.jsonl and `path`.parquet; rows have the keys of `schema`, in its order."""

    path: str
    schema: pa.Schema
    lines: BinaryIO
    parquet: pq.ParquetWriter
    rows: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    held: list[Mapping[str, Any]] = field(default_factory=list)

    def append(self, row: Mapping[str, Any]) -> int:
        """Write a row and return its line, counted from 1."""
        line = orjson.dumps(row) + b"\n"
        self.lines.write(line)
        self.digest.update(line)
        self.held.append(row)
        if len(self.held) == ROWS_IN_GROUP:
            self.flush()
        self.rows += 1
        return self.rows

    def flush(self) -> None:
        """Write the rows that are held as one row group."""
        if self.held:
            self.parquet.write_table(pa.Table.from_pylist([dict(row) for row in self.held], schema=self.schema))
            self.held = []


class Dataset:
    """A dataset being written; made by `replacing`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, Table] = {}
        self._open = ExitStack()
        self.files: list[File] = []

    def table(self, path: str, schema: pa.Schema) -> Table:
        """Return the table of that path (without an ending), opened at its first row."""
        if path not in self._tables:
            place = self._folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            lines = self._open.enter_context((self._folder / f"{path}.jsonl").open("wb"))
            parquet = self._open.enter_context(
                pq.ParquetWriter(self._folder / f"{path}.parquet", schema, compression="zstd")
            )
            self._tables[path] = Table(path, schema, lines, parquet)
        return self._tables[path]

    @property
    def schemas(self) -> dict[str, pa.Schema]:
        """The columns of each table, by its path."""
        return {path: table.schema for path, table in self._tables.items()}

    def digest(self, path: str) -> str:
        """Return the sha256 of the JSON lines of a table, as far as they are written."""
        return self._tables[path].digest.hexdigest()

    def close_tables(self) -> None:
        """End all tables; their files are in `files` from now on, in the order of their paths."""
        for table in self._tables.values():
            table.flush()
        self._open.close()
        for path, table in sorted(self._tables.items()):
            self.files += [self._described(f"{path}.{ending}", table.rows) for ending in ("jsonl", "parquet")]

    def text(self, path: str, content: str) -> str:
        """Write a file of text and return its digest."""
        (self._folder / path).write_text(content, encoding="utf-8")
        self.files.append(self._described(path, 0))
        return self.files[-1].sha256

    def columns(self, path: str, table: pa.Table) -> None:
        """Write a file of columns, which is no table of the dataset: it has no lines of JSON beside it."""
        pq.write_table(table, self._folder / path, compression="zstd", row_group_size=ROWS_IN_GROUP)
        self.files.append(self._described(path, table.num_rows))

    def _described(self, path: str, rows: int) -> File:
        place = self._folder / path
        return File(path, place.stat().st_size, digest(place), rows)


def staged(folder: Path) -> Path:
    """Return where a dataset waits that is to be put in place of what lies at `folder`."""
    return folder.with_name(f".{folder.name}.part")


@contextmanager
def staging(folder: Path) -> Iterator[Dataset]:
    """Write a dataset beside what lies at `folder`, whole or not at all; `put_in_place` lets it take that place."""
    partial = staged(folder)
    discard(folder)
    partial.mkdir(parents=True)
    dataset = Dataset(partial)
    try:
        yield dataset
    except BaseException:
        dataset._open.close()  # noqa: SLF001 - the other half of this class
        discard(folder)
        raise


def discard(folder: Path) -> None:
    """Take away what waits for a place, if anything does."""
    shutil.rmtree(staged(folder), ignore_errors=True)


def put_in_place(folder: Path) -> None:
    """Put what waits in place of what lies at `folder`; killed in between, the former one lies beside it."""
    former = folder.with_name(f".{folder.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    if folder.exists():
        folder.replace(former)
    files.put(staged(folder), folder)
    shutil.rmtree(former, ignore_errors=True)


def is_whole(folder: Path, files: Mapping[str, str], beside: Collection[str] = ()) -> bool:
    """Whether a dataset lies there as it was written: every file (path -> sha256) with its bytes, and no other.

    Args:
        folder: Where it lies.
        files: Its files.
        beside: What may lie beside them, or not.
    """
    found = (
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else set()
    )
    return found - set(beside) == set(files) and all(
        digest(folder / path) == expected for path, expected in files.items()
    )


def digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
