"""Faceted Rasch (arXiv 2009.10277): where a row stands, free of who judged it and by which criterion.

The log odds of level k against k - 1 are place(row) - severity(judge) - difficulty(criterion) - step(k) (Linacre's
many-facet model with one rating scale). All are found together by joint maximum likelihood. The total of a row is its
place, in logits. The reason names the severity of its judges with their infit: near 1 as the model expects, far above
it a judge who marks without order.

A criterion's marks are cut into `levels` of equal width between its least and greatest mark, of all judges. So judges
are only compared where they mark by criteria of one name, on one scale. `total` marks are sums, and do not count.

Ours differs: a small weight on squares (`ridge`) holds places of rows with only the best or the worst marks, and the
zero of each facet; the usual program adjusts such rows, and centres the facets.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.lifting import frame

SYSTEM = "Faceted Rasch"
PAPER = "arXiv 2009.10277"
VERSION = 1
TAKES, SUBJECT = ("scores",), "instruction"
RESTS_ON = ("lifting",)
STEPS = 500
DIGITS = 4  # what the last bits of a machine decide is left out

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class Knobs(Section):
    """The scale, and whose marks count."""

    levels: int = Field(default=5, ge=2, le=20, description="of the one rating scale")
    ridge: float = Field(default=0.02, gt=0, description="weight of the squares")
    judges: tuple[str, ...] = Field(default=(), description="whose marks count; empty: all that name criteria")


class Marks(NamedTuple):
    """Marks (n,): the number of the row, judge and criterion, and the level."""

    rows: Int
    judges: Int
    criteria: Int
    levels: Int


class Places(NamedTuple):
    """What was found: rows, severities of judges, difficulties of criteria, steps between levels."""

    rows: Float
    judges: Float
    criteria: Float
    steps: Float


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the place of each row that judges marked by criteria."""
    marks = tables["scores"].filter(pl.col("criterion") != TOTAL, pl.col("value").is_not_null())
    marks = marks.filter(pl.col("judge").is_in(list(knobs.judges))) if knobs.judges else marks
    if marks.is_empty():
        return frame(())
    names = [sorted({*marks[column].to_list()}) for column in ("subject_id", "judge", "criterion")]
    numbers = [
        np.searchsorted(np.array(of), np.array(marks[column].to_list()))
        for of, column in zip(names, ("subject_id", "judge", "criterion"), strict=True)
    ]
    rows, judges, criteria = numbers
    of = Marks(rows, judges, criteria, levels(marks["value"].to_numpy(), criteria, knobs.levels))
    places = fitted(of, knobs.levels, knobs.ridge)
    infit = _infit(of, places)
    said = [f"{name} {places.judges[j]:+.2f} (infit {infit[j]:.2f})" for j, name in enumerate(names[1])]
    by = defaultdict[int, set[int]](set)
    for row, judge in zip(of.rows.tolist(), of.judges.tolist(), strict=True):
        by[row].add(judge)
    return frame(
        (one, TOTAL, round(float(places.rows[i]), DIGITS), f"severity: {', '.join(said[j] for j in sorted(by[i]))}")
        for i, one in enumerate(names[0])
    )


def levels(values: Float, criteria: Int, count: int) -> Int:
    """Cut the marks of each criterion into levels of equal width between its least and its greatest mark."""
    found = np.zeros(len(values), dtype=np.int64)
    for criterion in np.unique(criteria):
        own = criteria == criterion
        low, high = values[own].min(), values[own].max()
        shares = (values[own] - low) / (high - low) if high > low else np.zeros(own.sum())
        found[own] = np.minimum((shares * count).astype(np.int64), count - 1)
    return found


def fitted(marks: Marks, count: int, ridge: float) -> Places:
    """Return the places that make these marks most likely, less the weighted squares."""
    sizes = [int(of.max()) + 1 for of in marks[:3]]
    start = np.zeros(sum(sizes) + count - 1)

    def of(flat: Float) -> tuple[float, Float]:
        places = _split(flat, sizes)
        chances = _chances(marks, places)
        spots = np.arange(len(marks.levels))
        lack = -np.log(chances[spots, marks.levels]).sum() + ridge / 2 * (flat @ flat)
        over = chances @ np.arange(count) - marks.levels  # expected less observed
        at_least = chances[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        steps = ((marks.levels[:, None] >= np.arange(1, count)) - at_least).sum(axis=0)
        parts = [np.bincount(marks.rows, over, sizes[0])]
        parts += [-np.bincount(one, over, size) for one, size in zip(marks[1:3], sizes[1:], strict=True)]
        return float(lack), np.concatenate([*parts, steps]) + ridge * flat

    options = {"maxiter": STEPS, "ftol": 1e-15, "gtol": 1e-8, "maxfun": 10 * STEPS}
    return _split(np.asarray(minimize(of, start, jac=True, method="L-BFGS-B", options=options).x), sizes)


def _split(flat: Float, sizes: list[int]) -> Places:
    return Places(*np.split(flat, np.cumsum(sizes)))


def _chances(marks: Marks, places: Places) -> Float:
    """Return the chance of each level (n, levels) for each mark."""
    place = places.rows[marks.rows] - places.judges[marks.judges] - places.criteria[marks.criteria]
    steps = np.concatenate([[0.0], np.cumsum(places.steps)])
    odds = place[:, None] * np.arange(len(steps)) - steps
    chances = np.exp(odds - odds.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


def _infit(marks: Marks, places: Places) -> Float:
    """Return for each judge the squares of what its marks differ by, over what the model expects of them."""
    chances, count = _chances(marks, places), np.arange(len(places.steps) + 1)
    expected = chances @ count
    squares = (marks.levels - expected) ** 2
    spread = chances @ count**2 - expected**2
    judges = len(places.judges)
    return np.bincount(marks.judges, squares, judges) / np.maximum(np.bincount(marks.judges, spread, judges), 1e-12)
