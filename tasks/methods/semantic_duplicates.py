"""Pairs that mean the same: all of them, communities of them, and those that a division into cells finds.

- `pairs`: every pair of rows with a cosine of at least a threshold: the upper triangle in tiles. O(n^2 d / 2).
- `communities`: what sentence-transformers calls community detection, used by SynthQuestions (arXiv 2506.03968, at
  0.85) on its seeds: a row and all that are near it are a candidate; candidates are taken from large to small, rows
  that are taken already left out. One of each community stays, and all who are in none.
- `within_cells`: SemDeDup (Abbas et al., arXiv 2303.09540): compare within k-means cells only, keep of each group of
  copies the one farthest from its cell's centroid. O(n^2 d / cells).

Ours differs from the library in its ties: communities of equal size by their lowest row, and a community is centred on
the row with the most neighbours, the lower one if equal; so the same set gives the same communities in any order.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tasks.contracts.vectors import Rows, Scores, Vectors, pair_scores

TILE_ROWS = 2048


def pairs(vectors: Vectors, threshold: float) -> tuple[Rows, Rows, Scores]:
    """Return every pair (left < right) whose cosine is at least the threshold, in the order of rows.

    Args:
        vectors: (n, d) float32, unit length.
        threshold: Of the final score, not of a product as rounded by BLAS.

    Returns:
        Left rows, right rows, cosines: three arrays of one length.
    """
    found = list(_tiles(vectors, threshold))
    left = np.concatenate([part[0] for part in found]) if found else np.empty(0, dtype=np.int64)
    right = np.concatenate([part[1] for part in found]) if found else np.empty(0, dtype=np.int64)
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    scores = pair_scores(vectors[left], vectors[right])
    above = scores >= threshold
    return left[above], right[above], scores[above]


def _tiles(vectors: Vectors, threshold: float) -> Iterator[tuple[Rows, Rows]]:
    """Yield pairs whose product is at least the threshold, less what rounding may take."""
    slack = threshold - vectors.shape[1] * 2.0**-23
    for start in range(0, len(vectors), TILE_ROWS):
        own = vectors[start : start + TILE_ROWS]
        for first in range(start, len(vectors), TILE_ROWS):
            near = own @ vectors[first : first + TILE_ROWS].T >= slack
            if first == start:
                near = np.triu(near, 1)
            rows, columns = np.nonzero(near)
            yield rows + start, columns + first


def communities(vectors: Vectors, threshold: float = 0.85, min_size: int = 2) -> list[list[int]]:
    """Return groups of rows that lie around one of them, disjoint, largest first.

    Args:
        vectors: (n, d) float32, unit length.
        threshold: Least cosine to the row in the middle.
        min_size: Smaller groups are none; the middle counts.

    Returns:
        Rows of each community, the middle first, the others by row.
    """
    left, right, _ = pairs(vectors, threshold)
    sources, targets = np.concatenate([left, right]), np.concatenate([right, left])
    order = np.lexsort((targets, sources))
    targets = targets[order]
    counts = np.bincount(sources, minlength=len(vectors))
    starts = np.concatenate([[0], np.cumsum(counts)])
    taken = np.zeros(len(vectors), dtype=np.bool_)
    found: list[list[int]] = []
    for middle in np.lexsort((np.arange(len(vectors)), -counts)):
        if counts[middle] + 1 < min_size:
            break
        if taken[middle]:
            continue
        around = targets[starts[middle] : starts[middle + 1]]
        members = [int(middle), *around[~taken[around]].tolist()]
        if len(members) >= min_size:
            found.append(members)
            taken[members] = True
    return sorted(found, key=lambda members: (-len(members), min(members)))


def repeats(vectors: Vectors, threshold: float = 0.85) -> dict[int, int]:
    """Return the rows to drop so that one of each community stays: row -> the lowest row of its community."""
    return {row: min(group) for group in communities(vectors, threshold) for row in group if row != min(group)}


def within_cells(vectors: Vectors, cells: Rows, centroids: Vectors, threshold: float) -> NDArray[np.bool_]:
    """Return which rows stay (n,) when copies are looked for within cells.

    Args:
        vectors: (n, d) float32, unit length.
        cells: (n,) cell of each row, such as `index.kmeans` gives.
        centroids: (cells, d), unit length.
        threshold: A row whose cosine to one that stays is at least this goes.
    """
    stays = np.ones(len(vectors), dtype=np.bool_)
    order = np.argsort(cells, kind="stable")
    bounds = np.searchsorted(cells[order], np.arange(len(centroids) + 1))
    for cell, (start, end) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        members = order[start:end]
        if len(members) < 2:  # noqa: PLR2004 - one has no copy
            continue
        to_centroid = pair_scores(vectors[members], np.repeat(centroids[cell : cell + 1], len(members), axis=0))
        members = members[np.lexsort((members, to_centroid))]  # the farthest first: SemDeDup keeps the hardest
        left, right, _ = pairs(np.ascontiguousarray(vectors[members]), threshold)
        stays[members] = _survivors(len(members), left, right)
    return stays


@njit(cache=True)
def _survivors(count, left, right):  # noqa: ANN001, ANN202 - compiled
    """Return who stays, in a walk in order: whoever has no copy before it that stays. Pairs are in order of rows."""
    stays = np.ones(count, dtype=np.bool_)
    for place in range(len(left)):
        if stays[left[place]]:
            stays[right[place]] = False
    return stays
