"""The exact k-nearest-neighbour graph of a set with itself, for half the multiplications: the cosine is symmetric.

A tile of products of rows i and rows j says who is near to the rows i and, read the other way, who is near to the rows
j. So only tiles on and above the diagonal are multiplied (by BLAS), and a compiled scan keeps the best of both sides.
No library does this; `faiss.knn` multiplies every pair twice. Naive reference: the full product, sorted.

Complexity: n^2 d multiplications (a search of the set in itself: 2 n^2 d), n (k + 4) candidates, tiles of 9 MB.

The scan reads each score once. It compares blocks of 64, score by score, with the lower of two bounds: the k-th score
of the row so far, and that of the column; only blocks that hold a hit are looked at closely (of real texts one in 18;
against the least bound of the 64 columns it was one in 3). Hits of columns are kept aside by each thread, since two
rows may hit the same column, and entered by one thread for each share of the columns. What comes out are candidates:
`ranked` gives their final scores and order, and rows whose k-th score is not above all that was left out, rounding
included, are searched again more widely.
"""

from collections.abc import Callable

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray

from wellspring.tasks.contracts.vectors import (
    BLOCK,
    TILE,
    Rows,
    Scores,
    Shape,
    Tile,
    Vectors,
    enter,
    padded,
    put,
    ranked,
    whole,
)

VERSION = 1
Product = Callable[[slice, slice, NDArray[np.float32]], None]

LEAST_TILE = 512  # small sets are cut finer, so that less is multiplied twice
SPARE = 4  # candidates beyond k: where the k-th score ends is seen in nearly every row
_STEP = 16  # scores looked at closely at once
_HIT_SHARE = 8  # a thread sets room aside for one score in eight of a tile; beyond that the columns are scanned again
_WIDENED_ROWS = 256


def products(vectors: Vectors) -> Product:
    """Return how rows (a, d) are multiplied with the transpose of rows (b, d) into a tile (a, b), in float32."""

    def multiply(rows: slice, columns: slice, out: NDArray[np.float32]) -> None:
        np.matmul(vectors[rows], vectors[columns].T, out=out)

    return multiply


def exact_graph(
    vectors: Vectors,
    k: int,
    *,
    multiplier: Callable[[Vectors], Product] = products,
    rounding: float | None = None,
    spare: int = SPARE,
) -> tuple[Scores, Rows]:
    """Return the k nearest other vectors of each vector.

    Args:
        vectors: (n, d) float32, rows of unit length.
        k: Neighbours, 1 <= k < n; a vector is not its own neighbour, its equals are.
        multiplier: How tiles are multiplied, such as by bf16 units where there are any.
        rounding: By how much its products may be off; by default as float32 sums are. Infinite asks for no proof: what
            was found among k + spare candidates is taken.
        spare: Candidates beyond k.

    Returns:
        Scores (n, k), best first, and rows (n, k); equal scores keep the lower row first.

    Raises:
        ValueError: k is out of range.
    """
    if not 1 <= k < len(vectors):
        raise ValueError(f"k is {k}, and each of {len(vectors)} rows has {len(vectors) - 1} others")
    rough, found = candidates(vectors, min(k + spare, len(vectors) - 1), multiplier(vectors))
    scores, rows = ranked(vectors, vectors, found.astype(np.int64), k)
    if rounding == np.inf or found.shape[1] == len(vectors) - 1:
        return scores, rows
    slack = 2.0**-23 * vectors.shape[1] if rounding is None else rounding
    _widen(vectors, scores, rows, np.flatnonzero(scores[:, -1] <= rough[:, -1] + slack), found.shape[1] * 4)
    return scores, rows


def candidates(vectors: Vectors, count: int, multiply: Product) -> tuple[Scores, NDArray[np.int32]]:
    """Return for each vector the `count` others of highest score as multiplied, best first; ties as they fall."""
    n = len(vectors)
    scores = np.full((n, count), -np.inf, dtype=np.float32)
    rows = np.full((n, count), -1, dtype=np.int32)
    side = max(LEAST_TILE, min(TILE, n // 6))
    tile = np.empty((side, whole(side)), dtype=np.float32)
    hits = _room(tile.size)
    # The diagonal first, so that every row has bounds before columns are scanned and few scores pass them.
    for start in range(0, n, side):
        own = slice(start, min(n, start + side))
        view = tile[: own.stop - start, : own.stop - start]
        multiply(own, own, view)
        np.fill_diagonal(view, -np.inf)
        enter(padded(tile, view.shape), view.shape, start, start, scores, rows)
    for start in range(0, n, side):
        for first in range(start + side, n, side):
            shape = (side, min(side, n - first))
            multiply(slice(start, start + side), slice(first, first + side), tile[: shape[0], : shape[1]])
            _enter_both(padded(tile, shape), shape, start, first, scores, rows, hits)
    return scores, rows


Hits = tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]


def _room(tile_scores: int) -> Hits:
    threads, room = get_num_threads(), tile_scores // _HIT_SHARE
    values = np.empty((threads, room), dtype=np.float32)
    return values, np.empty((threads, room), np.int32), np.empty((threads, room), np.int32), np.zeros(threads, np.int64)


def _enter_both(
    tile: Tile, shape: Shape, start: int, first: int, scores: Scores, rows: NDArray[np.int32], hits: Hits
) -> None:
    values, hit_rows, hit_columns, counts = hits
    bounds = np.full(whole(shape[1]), np.inf, dtype=np.float32)
    bounds[: shape[1]] = scores[first : first + shape[1], -1]
    _scan(tile, shape, start, first, scores, rows, bounds, values, hit_rows, hit_columns, counts)
    if (counts <= values.shape[1]).all():
        _enter_hits(first, scores, rows, values, hit_rows, hit_columns, counts)
    else:
        turned = np.full((shape[1], whole(shape[0])), -np.inf, dtype=np.float32)
        turned[:, : shape[0]] = tile[: shape[0], : shape[1]].T
        enter(turned, (shape[1], shape[0]), first, start, scores, rows)


@njit(parallel=True, nogil=True, cache=True)
def _scan(tile, shape, start, first, scores, rows, bounds, values, hit_rows, hit_columns, counts):  # noqa: ANN001, ANN202 - compiled
    """Enter a tile's scores on the side of its rows, and put those that beat a column's bound aside, by thread."""
    height = shape[0]
    threads = len(counts)
    for thread in prange(threads):
        aside = (values[thread], hit_rows[thread], hit_columns[thread])
        kept = 0
        for r in range(thread * height // threads, (thread + 1) * height // threads):
            bound = scores[start + r, -1]
            for begin in range(0, len(bounds), BLOCK):
                near, limits = tile[r, begin : begin + BLOCK], bounds[begin : begin + BLOCK]  # for SIMD: see `enter`
                hit = np.int32(0)
                for c in range(BLOCK):
                    hit |= np.int32(near[c] > min(bound, limits[c]))
                if hit:
                    kept = _look(tile, r, begin, start, first, scores, rows, bounds, aside, kept)
                    bound = scores[start + r, -1]
        counts[thread] = kept


@njit(nogil=True, cache=True)
def _look(tile, r, begin, start, first, scores, rows, bounds, aside, kept):  # noqa: ANN001, ANN202 - compiled
    """Look at a block that holds a hit; return how many are kept aside (those beyond the room for them are lost)."""
    values, hit_rows, hit_columns = aside
    bound = scores[start + r, -1]
    for near in range(begin, begin + BLOCK, _STEP):
        close, limits = tile[r, near : near + _STEP], bounds[near : near + _STEP]
        hit = np.int32(0)
        for c in range(_STEP):
            hit |= np.int32((close[c] > bound) | (close[c] > limits[c]))
        if not hit:
            continue
        for c in range(near, near + _STEP):
            score = tile[r, c]
            if score > bound:
                put(scores, rows, start + r, score, first + c)
                bound = scores[start + r, -1]
            if score > bounds[c]:
                if kept < len(values):
                    values[kept] = score
                    hit_rows[kept] = start + r
                    hit_columns[kept] = c
                kept += 1
    return kept


@njit(parallel=True, nogil=True, cache=True)
def _enter_hits(first, scores, rows, values, hit_rows, hit_columns, counts):  # noqa: ANN001, ANN202 - compiled
    """Enter what was kept aside; each thread its columns, in the order in which they were found."""
    shares = len(counts)
    for share in prange(shares):
        for thread in range(len(counts)):
            for hit in range(counts[thread]):
                column = hit_columns[thread, hit]
                row = first + column
                if column % shares == share and values[thread, hit] > scores[row, -1]:
                    put(scores, rows, row, values[thread, hit], hit_rows[thread, hit])


def _widen(vectors: Vectors, scores: Scores, rows: Rows, due: NDArray[np.int64], fetch: int) -> None:
    """Search the rows that are due again, four times as widely each time, until their k-th score is proven."""
    k, n = scores.shape[1], len(vectors)
    slack = 2.0**-23 * vectors.shape[1]
    while due.size:
        fetch = min(fetch, n - 1)
        still: list[NDArray[np.int64]] = []
        for begin in range(0, len(due), _WIDENED_ROWS):
            some = due[begin : begin + _WIDENED_ROWS]
            rough = vectors[some] @ vectors.T
            rough[np.arange(len(some)), some] = -np.inf
            found = np.argpartition(-rough, fetch - 1, axis=1)[:, :fetch]
            scores[some], rows[some] = ranked(vectors[some], vectors, found, k)
            last = np.take_along_axis(rough, found, 1).min(axis=1)
            still.append(some[(scores[some, -1] <= last + slack) & (fetch < n - 1)])
        due, fetch = np.concatenate(still), fetch * 4
