"""What a vector is here, and how two are compared: float32 rows of unit length, one order of sums, one order of ties.

Matrix products give scores that differ in the last bits with the kernel, the batch and the thread count, so equal
vectors get unequal scores and ties fall as they like. Whoever searches therefore finds candidates as fast as it can
(`enter` keeps the best of a tile of products), and takes their final scores and order from `ranked`: sums in 16 lanes
of fixed order, without contraction, so that a pair has one score on every machine; equal scores in the order of the
rows (which are sorted by id).
"""

from collections.abc import Sequence

import numpy as np
from numba import njit, prange  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType] - numba has no stubs
from numpy.typing import NDArray

from wellspring.tasks.contracts.errors import BrokenError

Vectors = NDArray[np.float32]
Scores = NDArray[np.float32]
Rows = NDArray[np.int64]
Tile = NDArray[np.float32]  # whole and contiguous: compiled loops over a cut-out are four times slower
Shape = tuple[int, int]  # how much of a tile is in use

NORM_TOLERANCE = 1e-3
TILE = 1536  # rows and columns of a tile of products: 9 MB, stays in the third cache
BLOCK = 64  # scores of a tile that are compared at once
_LANES = 16
_TOGETHER = 16  # candidates that are read at once: memory answers them together (twice as fast as one by one)
_MATRIX = 2


def checked(vectors: Vectors, name: str = "vectors") -> Vectors:
    """Return the vectors as they are if they are (n, d) float32, finite and of unit length.

    Raises:
        BrokenError: They are not; the message names the first bad row.
    """
    if len(vectors.shape) != _MATRIX or vectors.dtype != np.float32:
        raise BrokenError(f"{name} are {vectors.dtype} of shape {vectors.shape}, not (n, d) float32")
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    bad = np.flatnonzero(~(np.abs(norms - 1) <= NORM_TOLERANCE))  # a NaN is not within anything
    if bad.size:
        raise BrokenError(
            f"{name} hold {bad.size} rows that are not of unit length; row {bad[0]} has norm {norms[bad[0]]}",
            hint="embed these texts again; a model that gives NaN or zero vectors cannot be searched",
        )
    return vectors


def unit(matrix: NDArray[np.floating]) -> Vectors:
    """Scale rows (n, d) to unit length, as float32; rows of zeros stay zero."""
    norms = np.sqrt(np.einsum("nd,nd->n", matrix, matrix, dtype=np.float64))
    return np.ascontiguousarray(matrix / np.where(norms > 0, norms, 1)[:, None], dtype=np.float32)


def ranked(queries: Vectors, base: Vectors, candidates: Rows, k: int) -> tuple[Scores, Rows]:
    """Score candidate rows of the base anew and return the best k of each query, in the one order.

    Args:
        queries: (nq, d), unit length.
        base: (n, d), unit length.
        candidates: (nq, c) rows of the base, c >= k; -1 is no candidate. A row must not stand twice.
        k: How many to return.

    Returns:
        Scores (nq, k) and rows (nq, k), best first, equal scores by lower row; where candidates run out, -inf and -1.
    """
    shape = (len(candidates), min(k, candidates.shape[1]))
    scores, rows = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.int64)
    _rank(queries, base, candidates, scores, rows)
    return scores, rows


def merged(parts: Sequence[tuple[Scores, Rows]], k: int) -> tuple[Scores, Rows]:
    """Merge the answers of searches in disjoint parts of a base: the k best of all, in the one order.

    Args:
        parts: Scores (nq, any) and rows (nq, any) of the whole base, such as `ranked` gives; -1 is none.
        k: How many to keep; fewer where all parts together hold fewer.
    """
    scores = np.concatenate([part[0] for part in parts], axis=1)
    rows = np.concatenate([part[1] for part in parts], axis=1)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)


def pair_scores(left: Vectors, right: Vectors) -> Scores:
    """Return the scores (n,) of row i of `left` with row i of `right`, as `ranked` gives them."""
    return ranked(left, right, np.arange(len(left), dtype=np.int64)[:, None], 1)[0][:, 0]


def at_least(left: Vectors, right: Vectors, threshold: float) -> NDArray[np.bool_]:
    """Tell which pairs (a, b) score at least the threshold; where rounding could decide, by their final score."""
    products, slack = left @ right.T, left.shape[1] * 2.0**-23
    above = products >= threshold
    rows, columns = np.nonzero(above ^ (products >= threshold - slack) | above & (products <= threshold + slack))
    above[rows, columns] = pair_scores(left[rows], right[columns]) >= threshold
    return above


@njit(parallel=True, nogil=True, cache=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _rank(queries: Vectors, base: Vectors, candidates: Rows, best_scores: Scores, best_rows: Rows) -> None:
    for i in prange(candidates.shape[0]):  # pyright: ignore[reportUnknownVariableType] - a range to the type checker
        rows = np.sort(candidates[i])  # then a stable sort by score leaves the lower row first
        scores = np.full(len(rows), -np.inf, dtype=np.float32)
        lanes = np.empty((_TOGETHER, _LANES), dtype=np.float32)
        for first in range(0, len(rows), _TOGETHER):
            _sum(queries[i], base, rows[first : first + _TOGETHER], lanes, scores[first : first + _TOGETHER])
        order = np.argsort(-scores, kind="mergesort")
        for j in range(best_rows.shape[1]):
            best_scores[i, j] = scores[order[j]]
            best_rows[i, j] = rows[order[j]]


@njit(nogil=True, cache=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _sum(query: NDArray[np.float32], base: Vectors, rows: Rows, lanes: Vectors, scores: Scores) -> None:
    """Score a few rows with a query, all at the same place at once; -1 is left as it is."""
    even = len(query) - len(query) % _LANES
    lanes[:] = 0
    for start in range(0, even, _LANES):
        asked = query[start : start + _LANES]
        for j in range(len(rows)):
            if rows[j] >= 0:
                near = base[rows[j], start : start + _LANES]
                for lane in range(_LANES):
                    lanes[j, lane] += asked[lane] * near[lane]
    for j in range(len(rows)):
        if rows[j] >= 0:
            total = np.float32(0)
            for lane in range(_LANES):
                total += lanes[j, lane]
            for column in range(even, len(query)):
                total += query[column] * base[rows[j], column]
            scores[j] = total


@njit(nogil=True, cache=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def score(left: Vectors, i: int, right: Vectors, j: int) -> np.float32:
    """Return the score of row i of `left` with row j of `right`, as `ranked` gives it; for compiled callers."""
    width = left.shape[1]
    even = width - width % _LANES
    lanes = np.zeros(_LANES, dtype=np.float32)
    for start in range(0, even, _LANES):
        for lane in range(_LANES):
            lanes[lane] += left[i, start + lane] * right[j, start + lane]
    total = np.float32(0)
    for lane in range(_LANES):
        total += lanes[lane]
    for column in range(even, width):
        total += left[i, column] * right[j, column]
    return total


def whole(columns: int) -> int:
    """Return how many columns whole blocks of them take: compiled loops of a fixed length are twice as fast."""
    return -(-columns // BLOCK) * BLOCK


def padded(tile: Tile, shape: Shape) -> Tile:
    """Fill the last block of columns in use up with what is never among the best."""
    tile[: shape[0], shape[1] : whole(shape[1])] = -np.inf
    return tile


@njit(inline="always")  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def put(scores: Scores, rows: NDArray[np.int32], row: int, score: float, other: int) -> None:
    """Enter a score that beats the last of its row's list, which is ordered."""
    slot = scores.shape[1] - 1
    while slot > 0 and scores[row, slot - 1] < score:
        scores[row, slot] = scores[row, slot - 1]
        rows[row, slot] = rows[row, slot - 1]
        slot -= 1
    scores[row, slot] = score
    rows[row, slot] = other


@njit(parallel=True, nogil=True, cache=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def enter(tile: Tile, shape: Shape, start: int, first: int, scores: Scores, rows: NDArray[np.int32]) -> None:
    """Enter a padded tile of scores (rows from `start`, columns from `first`) into the best lists of its rows."""
    for r in prange(shape[0]):  # pyright: ignore[reportUnknownVariableType] - a range to the type checker
        bound = scores[start + r, -1]
        for begin in range(0, shape[1], BLOCK):
            block = tile[r, begin : begin + BLOCK]  # a slice: its loop needs no test for negative places, so it is SIMD
            hit = np.int32(0)
            for c in range(BLOCK):
                hit |= np.int32(block[c] > bound)
            if hit:
                for c in range(begin, begin + BLOCK):
                    if tile[r, c] > bound:
                        put(scores, rows, start + r, tile[r, c], first + c)
                        bound = scores[start + r, -1]


def tiled(queries: Vectors, base: Vectors, k: int) -> tuple[Scores, Rows]:
    """Find k candidates for each query: products in tiles by numpy's BLAS, which knows the CPU, and a running top k."""
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int32)
    tile = np.empty((TILE, whole(TILE)), dtype=np.float32)
    for start in range(0, len(queries), TILE):
        asked = queries[start : start + TILE]
        for first in range(0, len(base), TILE):
            part = base[first : first + TILE]
            shape = (len(asked), len(part))
            np.matmul(asked, part.T, out=tile[: shape[0], : shape[1]])
            enter(padded(tile, shape), shape, start, first, scores, rows)
    return scores, rows.astype(np.int64)
