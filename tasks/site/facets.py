"""What exported rows are found by (recipe, language, score and so on): counts for pages, and columns for the script.

A column is a text with one or two characters a row, which a script searches faster than an index: a million rows of
one facet are 1 MB, in files of 250,000 rows. The script loads only the columns that a person chooses by.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from wellspring.tasks.io import files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import shards
from wellspring.tasks.site.since import Baseline

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
ROWS_SAMPLED, VALUES_SAMPLED = 10, 500  # rows of a value that are read beside those of another; values that have them
_SAMPLED = {"instruction": 400, "response": 700}  # texts of such a row, and as many characters of them
OTHERS = "all others"
Codes = np.ndarray[Any, np.dtype[np.uint32]]
_TOTALS = {"facet": pl.String, "value": pl.String, "lines": pl.Int64}
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


@dataclass(slots=True)
class Found:
    """What exported lines are found by: values in the order in which they came, and the number of one for each line."""

    values: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    codes: dict[str, list[Codes]] = field(default_factory=dict[str, list[Codes]])

    def put(self, frame: pl.DataFrame) -> None:
        """Take some lines more, in their order."""
        for name in FACETS:
            known = self.values.setdefault(name, {})
            for value in frame[name].unique(maintain_order=True).to_list():
                known.setdefault(value, len(known))
            coded = frame[name].replace_strict(known, return_dtype=pl.UInt32)
            self.codes.setdefault(name, []).append(coded.to_numpy())

    def whole(self, name: str) -> Codes:
        """Return the numbers of all lines in one array."""
        return np.concatenate(self.codes[name])

    def totals(self) -> pl.DataFrame:
        """Return how many lines there are of each value, the commonest of each facet first."""
        parts = [
            pl.DataFrame({"facet": name, "value": list(known), "lines": np.bincount(self.whole(name))})
            for name, known in self.values.items()
        ]
        empty = pl.DataFrame(schema=_TOTALS)
        return pl.concat([empty, *(part.cast(_TOTALS) for part in parts)]).sort(  # pyright: ignore[reportArgumentType]
            "facet", "lines", "value", descending=[False, True, False]
        )


def find(store: Store, since: Baseline, spans: Iterable[Mapping[str, int]]) -> Found:
    """Ask what each exported line is found by, a span of lines at a time: what is asked at once fits small memory."""
    found = Found()
    for span in spans:
        found.put(store.query("rows/facets", since=since.at, **span))
    return found


def write(store: Store, found: Found, labels: Mapping[str, Mapping[str, str]]) -> None:
    """Write the columns, and an index of them with the names of their values.

    Args:
        store: The store.
        found: What the lines are found by.
        labels: Names of values that have longer ones, by facet.
    """
    facets = _facets(found.totals())
    whole = {facet.name: _ranked(found, facet) for facet in facets}
    for facet in facets:
        _write_column(store, facet, whole[facet.name])
    described = [
        [f.name, FACETS[f.name], f.width, _labelled(f, labels.get(f.name, {})), f.counts, f.values] for f in facets
    ]
    compared = [facet for facet in facets if facet.name in COMPARED]
    for facet in compared:
        shards.write(store.pages, f"facets/crossed-{facet.name}", _crossed(facets, whole, facet.name))
    _write_samples(store, {facet.name: _sampled(facet, whole[facet.name]) for facet in compared})
    index = {"size": ROWS_A_FILE, "letters": _LETTERS, "facets": described}
    shards.write(store.pages, "facets/index", index | {"compared": [facet.name for facet in compared]})


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
    return pl.DataFrame(schema=_TOTALS)


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


def _ranked(found: Found, facet: Facet) -> Codes:
    """Return for each line the place of its value among those of a facet; the last place is that of all others."""
    ranks = {value: n for n, value in enumerate(facet.values)}
    places = [ranks.get(value, len(ranks) - 1) for value in found.values[facet.name]]
    return np.array(places, dtype=np.uint32)[found.whole(facet.name)]


def _write_column(store: Store, facet: Facet, codes: Codes) -> None:
    for number, start in enumerate(range(0, len(codes), ROWS_A_FILE)):
        part = codes[start : start + ROWS_A_FILE]
        letters = _BYTES[part] if facet.width == 1 else _BYTES[np.stack(np.divmod(part, len(_LETTERS)), axis=1)]
        shards.write(store.pages, f"facets/{facet.name}-{number}", letters.tobytes().decode("ascii"))


def _sampled(facet: Facet, codes: Codes) -> list[list[int]]:
    """Return numbers of some rows of each value, from all over its rows."""
    order, found, start = np.argsort(codes, kind="stable"), list[list[int]](), 0
    for count in facet.counts[:VALUES_SAMPLED]:
        some = min(ROWS_SAMPLED, count)
        found.append(order[start + np.arange(some) * count // some].tolist())
        start += count
    return found


def _write_samples(store: Store, sampled: Mapping[str, Sequence[Sequence[int]]]) -> None:
    """Write some rows of each value, a file each: two of these are all that a comparison reads."""
    wanted = sorted({n for of in sampled.values() for numbers in of for n in numbers})
    rows = pl.scan_parquet(store.pages / "marts" / "rows.parquet", glob=False).select(
        "number", *(pl.col(name).str.slice(0, most) for name, most in _SAMPLED.items())
    )
    texts = {n: texts for n, *texts in rows.filter(pl.col("number").is_in(wanted)).collect().iter_rows()}
    for name, of in sampled.items():
        for rank, numbers in enumerate(of):
            shards.write(store.pages, f"facets/sample-{name}-{rank}", [[n, *texts[n]] for n in numbers])


def _labelled(facet: Facet, labels: Mapping[str, str]) -> list[str]:
    return [labels.get(value, value) for value in facet.values]


def _crossed(facets: Iterable[Facet], codes: Mapping[str, Codes], name: str) -> dict[str, list[list[int]]]:
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
