"""Scores that were made elsewhere: a Parquet, CSV or JSONL file of ids and values, checked as a whole.

What a file is, its first bytes say. Each row has an id (`id`, `subject_id`, `response_id` or `instruction_id`) and a
`value` (or `score`), and may have a `criterion` (else `total`) and a `reason`. A value that is null or empty says that
the judge failed. A file that cannot be read, or has one wrong row, is an error that names the row.

What a method gives that trains a model, or reads its gradients, comes in here: influence on a target (LESS, arXiv
2402.04333), alignment of gradients (Dynamic Gradient Alignment, arXiv 2410.02498), preference over other models'
likelihood (PoFT), rewards of steps as `step_1`, `step_2` and so on (Free Process Rewards, arXiv 2412.01981). Rows are
then chosen by it (`scores.judges`), weighed by it (`exports.weights`), or have it in a form (`stepwise`). Ours differs:
none of it is computed here, and a mixture that follows the training is a file for each round.
"""

import csv
import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import UsageError

SYSTEM = ("LESS", "Dynamic Gradient Alignment", "PoFT", "Free Process Rewards")
_IDS = ("id", "subject_id", "response_id", "instruction_id")
_VALUES = ("value", "score")
_CRITERION = re.compile(r"[a-z][a-z0-9_]*")


class Mark(NamedTuple):
    """A value that a row of a file gives: to which id, for which criterion, and where it stands (from 1)."""

    subject_id: str
    criterion: str
    value: float | None
    reason: str
    row: int


def digest(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _fault(path, f"it cannot be read: {error.strerror}") from error


def read(path: Path) -> list[Mark]:
    """Return all marks of a file, in its order.

    Raises:
        UsageError: It cannot be read, has no marks, or a row is wrong: without an id or a number, or of an id and a
            criterion that an earlier row has.
    """
    found: dict[tuple[str, str], Mark] = {}
    try:
        for number, row in enumerate(_rows(path), start=1):
            mark = _mark(path, number, row)
            if before := found.get(mark[:2]):
                raise _fault(path, f"row {number} says again what row {before.row} says of {mark.subject_id}")
            found[mark[:2]] = mark
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise _fault(path, f"it cannot be read: {str(error).splitlines()[0]}") from error
    if not found:
        raise _fault(path, "it holds no scores")
    return list(found.values())


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as file:
        begins = file.read(4)
    if begins == b"PAR1":
        with pq.ParquetFile(path) as parquet:
            for batch in parquet.iter_batches():
                yield from batch.to_pylist()
        return
    with path.open(encoding="utf-8-sig", newline="") as lines:
        if begins.removeprefix(b"\xef\xbb\xbf").startswith(b"{"):
            for line in filter(str.strip, lines):
                said = outside.loads(line.encode())
                yield said if isinstance(said, dict) else {}
        else:
            yield from csv.DictReader(lines)


def _mark(path: Path, number: int, row: Mapping[str, Any]) -> Mark:
    subject_id = next((str(row[name]) for name in _IDS if row.get(name)), "")
    named = next((name for name in _VALUES if name in row), "")
    criterion = str(row.get("criterion") or "total")
    if not subject_id or not named:
        lacking = f"none of {', '.join(_VALUES if subject_id else _IDS)}"
        raise _fault(path, f"row {number} has {lacking}; it has {', '.join(map(str, row)) or 'no fields'}")
    if not _CRITERION.fullmatch(criterion):
        raise _fault(path, f"row {number} names the criterion {criterion!r}, which is no name in small letters")
    return Mark(subject_id, criterion, _value(path, number, row[named]), str(row.get("reason") or ""), number)


def _value(path: Path, number: int, given: Any) -> float | None:
    if given is None or given == "":
        return None
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise _fault(path, f"row {number} has the value {given!r:.100}, which is no number")
    return value


def _fault(path: Path, said: str) -> UsageError:
    return UsageError(
        f"the file of scores {path}: {said}",
        hint="give Parquet, CSV or JSONL with `id` and `value`, or take it out of [scores.imports]",
    )
