"""How well a selection covers what it was chosen from: how far the rest is from it, and which cells it reaches.

Complexity: O(n m d) for the distances (a search of m chosen rows for n), O(n) for the cells. Compare selections of
equal size only: more rows are always nearer.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tasks.contracts.vectors import Rows, Scores, Vectors

Search = Callable[[Vectors, Vectors, int], tuple[Scores, Rows]]


class Coverage(NamedTuple):
    """How a selection lies in its pool.

    Attributes:
        mean_distance: Mean, over the pool, of 1 - cosine to the nearest chosen row: what facility location makes small.
        radius: The largest such distance: what k-center makes small.
        cells: Share of the pool's cells that hold a chosen row.
    """

    mean_distance: float
    radius: float
    cells: float


def coverage(pool: Vectors, chosen: Rows, cells: Rows, search: Search) -> Coverage:
    """Measure how chosen rows cover their pool.

    Args:
        pool: (n, d), unit length.
        chosen: (m,) rows of the pool, m >= 1.
        cells: (n,) cell of each row of the pool.
        search: Exact search (queries, base, k) -> scores, rows.
    """
    nearest = search(pool, np.ascontiguousarray(pool[chosen]), 1)[0][:, 0]
    reached = len(np.unique(cells[chosen])) / len(np.unique(cells))
    return Coverage(float(np.mean(1 - nearest, dtype=np.float64)), float(1 - nearest.min()), reached)


def mean_nearest_distance(vectors: Vectors, search: Search) -> float:
    """Return the mean of 1 - cosine to the nearest other row: small where a set repeats itself; 0 below two rows."""
    if len(vectors) < 2:  # noqa: PLR2004 - one row has no other
        return 0.0
    scores, rows = search(vectors, vectors, 2)
    other = np.where(rows[:, 0] == np.arange(len(vectors)), scores[:, 1], scores[:, 0])
    return float(np.mean(1 - other, dtype=np.float64))
