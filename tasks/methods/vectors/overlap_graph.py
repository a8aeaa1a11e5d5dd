"""The approximate neighbour graph of a large set: exact search inside overlapping cells, in shards, then a merge.

Every vector joins the cells of its nearest centroids, inside each cell the exact graph is built, and the lists of a
vector are merged: what cuVS calls all-neighbours. A cell is a shard: shards need no order and no common memory, and
since their scores are final the answer does not depend on where and when they ran. A pair is lost only if its two
vectors share no cell.

Complexity: n C d for the cells, then (o n)^2 d / (2 C) for C cells that each vector joins o of; against n^2 d / 2.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors
from wellspring.tasks.methods.vectors.neighbour_graph import exact_graph

VERSION = 1
Search = Callable[[Vectors, Vectors, int], tuple[Scores, Rows]]


def shards(vectors: Vectors, centroids: Vectors, joined: int, search: Search) -> Iterator[Rows]:
    """Yield the rows of each cell, ascending.

    Args:
        vectors: (n, d), unit length.
        centroids: (cells, d), unit length.
        joined: How many cells a vector joins.
        search: Search for the nearest centroids: (queries, base, k) -> scores, rows.
    """
    cells = search(vectors, centroids, min(joined, len(centroids)))[1]
    members = np.argsort(cells.ravel(), kind="stable") // cells.shape[1]
    bounds = np.cumsum(np.bincount(cells.ravel(), minlength=len(centroids)))[:-1]
    for rows in np.split(members, bounds):
        if len(rows) > 1:
            yield rows


def shard_graph(vectors: Vectors, rows: Rows, k: int) -> tuple[Rows, Scores, NDArray[np.int32]]:
    """Compute one shard: (rows (m,), scores (m, k'), neighbours (m, k') as rows of the whole set); k' <= k.

    Args:
        vectors: (n, d), the whole set, such as a memory-mapped file.
        rows: Of the shard.
        k: Neighbours.
    """
    scores, found = exact_graph(np.ascontiguousarray(vectors[rows]), min(k, len(rows) - 1))
    return rows, scores, rows.astype(np.int32)[found]


class Merger:
    """The best k lists so far (n, k), into which the lists of shards are merged in any order."""

    def __init__(self, n: int, k: int) -> None:
        self.scores = np.full((n, k), -np.inf, dtype=np.float32)
        self.rows = np.full((n, k), -1, dtype=np.int32)

    def add(self, rows: Rows, scores: Scores, neighbours: NDArray[np.int32]) -> None:
        """Merge a shard's lists: a neighbour that both lists hold stands once; equal scores keep the lower row."""
        k = self.rows.shape[1]
        both_rows = np.concatenate([self.rows[rows], neighbours], axis=1)
        both_scores = np.concatenate([self.scores[rows], scores], axis=1)
        by_row = np.argsort(both_rows, axis=1, kind="stable")
        sorted_rows = np.take_along_axis(both_rows, by_row, 1)
        sorted_scores = np.take_along_axis(both_scores, by_row, 1)
        sorted_scores[:, 1:][sorted_rows[:, 1:] == sorted_rows[:, :-1]] = -np.inf  # scores are final: both are the same
        order = np.argsort(-sorted_scores, axis=1, kind="stable")[:, :k]
        self.scores[rows] = np.take_along_axis(sorted_scores, order, 1)
        self.rows[rows] = np.where(np.isfinite(self.scores[rows]), np.take_along_axis(sorted_rows, order, 1), -1)


def overlap_graph(
    vectors: Vectors, k: int, centroids: Vectors, search: Search, *, joined: int = 2
) -> tuple[Scores, Rows]:
    """Return the k nearest others of each vector, as far as they share a cell with it.

    Args:
        vectors: (n, d) float32, unit length.
        k: Neighbours.
        centroids: (cells, d), unit length; about n / 1,000 of them.
        search: How the nearest centroids are found.
        joined: Cells that a vector joins: 2 finds most, 4 nearly all (README).

    Returns:
        Scores (n, k), final, best first, and rows (n, k); -inf and -1 where a vector's cells hold too few.
    """
    merged = Merger(len(vectors), k)
    for rows in shards(vectors, centroids, joined, search):
        merged.add(*shard_graph(vectors, rows, k))
    return merged.scores, merged.rows.astype(np.int64)
