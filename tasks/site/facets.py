"""What exported rows are found by (recipe, language, score and so on): counts for pages, and columns for the script.

A column is a text with one or two characters a row, which a script searches faster than an index: a million rows of
one facet are 1 MB, in files of 250,000 rows. The script loads only the columns that a person chooses by.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wellspring.tasks.io import files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import shards
from wellspring.tasks.spine.watching.since import Baseline

FACETS = {  # name of the column: how a page calls it
    "recipe": "Recipe",
    "language": "Language",
    "topic": "Topic",
    "score": "Score",
    "answer_score": "Score of the answer",
    "verdict": "Checks",
    "people": "People",
    "length": "Length in tokens",
    "model": "Model",
    "source": "Source",
    "form": "File",
    "written": "Date",
    "since": "Since",
}
COMPARED = ("recipe", "model", "source", "written", "since")  # whose values are set side by side
ROWS_A_FILE = 250_000
ROWS_AT_ONCE = 50_000
OTHERS = "all others"
# Characters of a column: what one sees, without those that a script literal would have to escape.
_LETTERS = "".join(chr(n) for n in range(0x21, 0x7F) if chr(n) not in "\"\\<&'")
_MOST = len(_LETTERS) ** 2
_BYTES = np.frombuffer(_LETTERS.encode(), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet of the rows: its values, the commonest first, and how many characters stand for one."""

    name: str
    values: list[str]
    counts: list[int]

    @property
    def width(self) -> int:
        """Characters for a value in a column."""
        return 1 if len(self.values) <= len(_LETTERS) else 2


def prepare(store: Store, since: Baseline) -> pl.DataFrame:
    """Note in the database what each exported line is found by, and return how many there are of each value."""
    store.execute("rows/facets", since=since.at)
    return store.query("rows/found_totals")


def write(store: Store, totals: pl.DataFrame, labels: Mapping[str, Mapping[str, str]]) -> None:
    """Write the columns, and an index of them with the names of their values.

    Args:
        store: The store, prepared.
        totals: What `prepare` found.
        labels: Names of values that have longer ones, by facet.
    """
    facets = _facets(totals)
    codes = {facet.name: list[np.ndarray[Any, np.dtype[np.uint16]]]() for facet in facets}
    for frame in store.stream("rows/found_by", rows=ROWS_AT_ONCE):
        for facet in facets:
            codes[facet.name].append(_codes(frame[facet.name], facet.values))
    whole = {name: np.concatenate(parts) for name, parts in codes.items() if parts}
    for facet in facets:
        _write_column(store, facet, whole[facet.name])
    described = [
        [f.name, FACETS[f.name], f.width, _labelled(f, labels.get(f.name, {})), f.counts, f.values] for f in facets
    ]
    crossed = {name: _crossed(facets, whole, name) for name in COMPARED if name in whole}
    shards.write(store.pages, "facets/index", {"size": ROWS_A_FILE, "letters": _LETTERS, "facets": described} | crossed)


def publish(store: Store, totals: pl.DataFrame) -> None:
    """Keep the counts beside the other marts, for pages and other tools."""
    path = store.pages / "marts" / "facets.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as partial:
        totals.write_parquet(partial)


def kept(store: Store) -> pl.DataFrame:
    """Return the counts that were published last; none before there are any."""
    path = store.pages / "marts" / "facets.parquet"
    if path.is_file():
        return pl.read_parquet(path)
    return pl.DataFrame(schema={"facet": pl.String, "value": pl.String, "lines": pl.Int64})


def _facets(totals: pl.DataFrame) -> list[Facet]:
    """Return the facets in their order; the rarest values of one that has very many are one value together."""
    found: list[Facet] = []
    for name in FACETS:
        part = totals.filter(facet=name)
        if part.is_empty():
            continue
        values, counts = part["value"].to_list(), part["lines"].to_list()
        if len(values) > _MOST:
            values, counts = [*values[: _MOST - 1], OTHERS], [*counts[: _MOST - 1], sum(counts[_MOST - 1 :])]
        found.append(Facet(name, values, counts))
    return found


def _codes(column: pl.Series, values: Sequence[str]) -> np.ndarray[Any, np.dtype[np.uint16]]:
    numbers = pl.Series(range(len(values)), dtype=pl.UInt16)
    coded = column.replace_strict(pl.Series(values), numbers, default=len(values) - 1, return_dtype=pl.UInt16)
    return coded.to_numpy()


def _write_column(store: Store, facet: Facet, codes: np.ndarray[Any, np.dtype[np.uint16]]) -> None:
    for number, start in enumerate(range(0, len(codes), ROWS_A_FILE)):
        part = codes[start : start + ROWS_A_FILE]
        letters = _BYTES[part] if facet.width == 1 else _BYTES[np.stack(np.divmod(part, len(_LETTERS)), axis=1)]
        shards.write(store.pages, f"facets/{facet.name}-{number}", letters.tobytes().decode("ascii"))


def _labelled(facet: Facet, labels: Mapping[str, str]) -> list[str]:
    return [labels.get(value, value) for value in facet.values]


def _crossed(
    facets: Iterable[Facet], codes: Mapping[str, np.ndarray[Any, np.dtype[np.uint16]]], name: str
) -> dict[str, list[list[int]]]:
    """Count how often values of one facet come with values of the others: triples of two numbers and a count."""
    found: dict[str, list[list[int]]] = {}
    for other in facets:
        if other.name == name:
            continue
        wide = len(other.values)
        counts = np.bincount(codes[name].astype(np.int64) * wide + codes[other.name])
        there = np.flatnonzero(counts)
        if len(there) <= _MOST:
            found[other.name] = [[int(n) // wide, int(n) % wide, int(counts[n])] for n in there]
    return found
