"""Rows that stand for the others: a filter of near copies, centres, and a facility location; each exact, each batched.

- `filtered`: Deita's Repr Filter (Liu et al., "What makes good data for alignment?", arXiv 2312.15685): in the order of
  the scores, a row is admitted if its cosine to every admitted one is below 0.9. O(n kept d / 3) as matrix products:
  a third of the numbers and the length of the rest bound a cosine from above (Cauchy and Schwarz), and few pairs pass.
- `centres`: k-center greedy (Gonzalez, TCS 1985; as core sets, Sener and Savarese, ICLR 2018): always the row farthest
  from what is chosen. O(n m d) as matrix products; a round takes several picks at once where that provably changes
  nothing: a pick stays the farthest while it is farther than any row outside the round's candidates was at its start.
- `facilities`: facility location on a neighbour graph, by lazy greedy (Minoux 1978; Lin and Bilmes, ACL 2011): the rows
  that raise most the sum, over all rows, of the cosine to the nearest chosen one. O(n k + evaluations x k).

Comparisons with a threshold are made on the scores of `tasks/contracts/vectors.py`, not on those of a product, wherever
rounding could decide. Ours differs from Deita's code in that the score may be NULL upstream: such rows are not given.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from wellspring.tasks.contracts.vectors import BLOCK, Rows, Scores, Vectors, at_least, enter, padded, score, whole

VERSION = 1
_BATCH = 512
_CANDIDATES = 512  # for the picks of a round: comparing more costs more than the rounds that are saved
_LEAST_HEAD = 31
_TILE_ROWS = 4096  # of products with a round's picks: they stay in the cache until their maximum is taken


def filtered(vectors: Vectors, order: Rows, threshold: float = 0.9, *, limit: int | None = None) -> Rows:
    """Return the rows that Deita's Repr Filter admits, in the order in which it does.

    Args:
        vectors: (n, d) float32, unit length.
        order: Rows from best to worst score (ties are the caller's to break).
        threshold: A row as near as this to an admitted one is a copy.
        limit: Stop when so many are admitted; all by default.
    """
    most = len(order) if limit is None else min(limit, len(order))
    heads = _heads(vectors)
    admitted = np.empty(len(order), dtype=np.int64)
    kept = np.empty((len(order), vectors.shape[1]), dtype=np.float32)
    kept_heads = np.empty((len(order), heads.shape[1]), dtype=np.float32)
    count = 0
    for start in range(0, len(order), _BATCH):
        rows = np.asarray(order[start : start + _BATCH], dtype=np.int64)
        own = vectors[rows]
        is_new = ~_near_any(own, heads[rows], kept[:count], kept_heads[:count], threshold)
        rows, own = rows[is_new], own[is_new]
        chosen = rows[_apart(at_least(own, own, threshold))][: most - count]
        end = count + len(chosen)
        admitted[count:end], kept[count:end], kept_heads[count:end] = chosen, vectors[chosen], heads[chosen]
        count = end
        if count == most:
            break
    return admitted[:count]


def _heads(vectors: Vectors) -> Vectors:
    """Return the third of the numbers that hold most, and the length of the rest: products of these are no less."""
    order = np.argsort(-np.einsum("nd,nd->d", vectors, vectors, dtype=np.float64), kind="stable")
    width = max(len(order) // 3 - 1, min(len(order), _LEAST_HEAD))
    rest = vectors[:, order[width:]]
    return np.column_stack([vectors[:, order[:width]], np.sqrt(np.einsum("nd,nd->n", rest, rest))])


def _near_any(own: Vectors, heads: Vectors, kept: Vectors, kept_heads: Vectors, threshold: float) -> NDArray[np.bool_]:
    """Tell which rows (a, d) have a cosine of at least the threshold to any kept one; heads are theirs."""
    found = np.zeros(len(own), dtype=np.bool_)
    tile = np.empty((len(own), whole(_TILE_ROWS)), dtype=np.float32)
    low = np.float32(threshold - 2 * own.shape[1] * 2.0**-23)  # what the rounding of both sums may take
    for first in range(0, len(kept), _TILE_ROWS):
        shape = (len(own), min(_TILE_ROWS, len(kept) - first))
        np.matmul(heads, kept_heads[first : first + _TILE_ROWS].T, out=tile[: shape[0], : shape[1]])
        _confirm(padded(tile, shape), shape, first, own, kept, low, np.float32(threshold), found)
    return found


@njit(parallel=True, nogil=True, cache=True)
def _confirm(tile, shape, first, own, kept, low, threshold, found):  # noqa: ANN001, ANN202 - compiled
    """Score the pairs of a tile whose bound reaches the threshold, until one of a row's scores does."""
    for row in prange(shape[0]):
        for begin in range(0, shape[1], BLOCK):
            if found[row]:
                break
            bounds = tile[row, begin : begin + BLOCK]  # a slice, for SIMD: see `enter`
            hit = np.int32(0)
            for column in range(BLOCK):
                hit |= np.int32(bounds[column] >= low)
            if hit:
                for column in range(BLOCK):
                    if bounds[column] >= low and score(own, row, kept, first + begin + column) >= threshold:
                        found[row] = True
                        break


@njit(cache=True)
def _apart(near):  # noqa: ANN001, ANN202 - compiled
    """Return which rows a greedy walk admits, given which pairs are near."""
    admitted = np.zeros(len(near), dtype=np.bool_)
    for row in range(len(near)):
        is_copy = False
        for other in range(row):
            if admitted[other] and near[row, other]:
                is_copy = True
                break
        admitted[row] = not is_copy
    return admitted


def centres(vectors: Vectors, count: int, *, first: int = 0) -> tuple[Rows, float]:
    """Choose rows by k-center greedy.

    Args:
        vectors: (n, d) float32, unit length.
        count: How many, 1 <= count <= n.
        first: The first of them.

    Returns:
        Rows in the order chosen, the lower row where two are equally far; and the radius: 1 minus the least cosine of
        any row to its nearest centre.

    Raises:
        ValueError: count is out of range.
    """
    n = len(vectors)
    if not 1 <= count <= n:
        raise ValueError(f"count is {count} of {n} rows")
    chosen = [first]
    nearest = vectors @ vectors[first]  # cosine of each row to its nearest centre; chosen rows are out of the race
    nearest[first] = np.inf
    while len(chosen) < count:
        wide = min(_CANDIDATES, n - 1)
        edge = np.argpartition(nearest, wide)[: wide + 1]
        edge = edge[np.lexsort((edge, nearest[edge]))]
        bound = nearest[edge[wide]]
        rows = np.sort(edge[:wide])
        own = vectors[rows]
        picks = _picked(own @ own.T, nearest[rows], bound, count - len(chosen))
        new = rows[picks]
        chosen += new.tolist()
        _draw_near(nearest, vectors, own[picks])
        nearest[new] = np.inf
    own = nearest.copy()
    own[chosen] = 1.0
    return np.array(chosen, dtype=np.int64), float(1 - own.min())


def _draw_near(nearest: Scores, vectors: Vectors, new: Vectors) -> None:
    """Raise each row's cosine to its nearest centre (n,) by those to new centres (p, d)."""
    tile = np.empty((_TILE_ROWS, whole(len(new))), dtype=np.float32)
    best, by = nearest[:, None], np.empty((len(nearest), 1), dtype=np.int32)
    for start in range(0, len(vectors), _TILE_ROWS):
        part = vectors[start : start + _TILE_ROWS]
        shape = (len(part), len(new))
        np.matmul(part, new.T, out=tile[: shape[0], : shape[1]])
        enter(padded(tile, shape), shape, start, 0, best, by)


@njit(cache=True)
def _picked(products, nearest, bound, most):  # noqa: ANN001, ANN202 - compiled
    """Pick greedily among candidates while the pick is at least as far as any row outside can be; at least one."""
    nearest = nearest.copy()
    picks = np.empty(min(most, len(nearest)), dtype=np.int64)
    count = 0
    while count < len(picks):
        pick = np.argmin(nearest)  # the first of equals: the lower row
        if nearest[pick] == np.inf or (count > 0 and nearest[pick] >= bound):
            break
        picks[count] = pick
        count += 1
        for row in range(len(nearest)):
            nearest[row] = max(nearest[row], products[pick, row])
        nearest[pick] = np.inf
    return picks[:count]


def facilities(scores: Scores, rows: Rows, count: int) -> tuple[Rows, NDArray[np.float64]]:
    """Choose rows that cover a neighbour graph best, by lazy greedy: the picks of plain greedy, few gains computed.

    A row covers itself with 1 and the rows that have it among their neighbours with their cosine (0 if negative).

    Args:
        scores: (n, k) cosines of a neighbour graph.
        rows: (n, k) its rows; -1 is none.
        count: How many to choose, 1 <= count <= n.

    Returns:
        Rows in the order chosen, the lower row on equal gains; and the gain of each.

    Raises:
        ValueError: count is out of range.
    """
    n = len(rows)
    if not 1 <= count <= n:
        raise ValueError(f"count is {count} of {n} rows")
    starts, covered, by = _covers(scores, rows)
    gains = np.add.reduceat(by, starts[:-1])
    return _lazy(starts, covered, by, gains, count)


def _covers(scores: Scores, rows: Rows) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """Return by facility: where its list starts (n + 1), the rows that it covers, and by how much; itself first."""
    n, k = rows.shape
    use = (rows >= 0) & (scores > 0) & (rows != np.arange(n)[:, None])
    facility = np.concatenate([np.arange(n), rows[use]])
    covered = np.concatenate([np.arange(n), np.repeat(np.arange(n), k).reshape(n, k)[use]])
    by = np.concatenate([np.ones(n), scores[use].astype(np.float64)])
    order = np.argsort(facility, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(facility, minlength=n))]).astype(np.int64)
    return starts, covered[order], by[order]


@njit(cache=True)
def _lazy(starts, covered, by, gains, count):  # noqa: ANN001, ANN202 - compiled
    """Keep gains in a heap by (gain, lower row); a stale top is computed anew, and stays if it still leads."""
    n = len(gains)
    heap = np.argsort(-gains, kind="mergesort")  # sorted is a heap; equal gains by lower row
    fresh = np.zeros(n, dtype=np.int64)
    best = np.zeros(n, dtype=np.float64)
    chosen = np.empty(count, dtype=np.int64)
    won = np.empty(count, dtype=np.float64)
    size = n
    for step in range(count):
        while fresh[heap[0]] != step:
            row = heap[0]
            gain = 0.0
            for place in range(starts[row], starts[row + 1]):
                gain += max(by[place] - best[covered[place]], 0.0)
            gains[row] = gain
            fresh[row] = step
            _sink(heap, gains, size)
        row = heap[0]
        chosen[step] = row
        won[step] = gains[row]
        for place in range(starts[row], starts[row + 1]):
            best[covered[place]] = max(best[covered[place]], by[place])
        size -= 1
        heap[0] = heap[size]
        _sink(heap, gains, size)
    return chosen, won


@njit(cache=True)
def _sink(heap, gains, size):  # noqa: ANN001, ANN202 - compiled
    place = 0
    row = heap[0]
    while 2 * place + 1 < size:
        child = 2 * place + 1
        other = child + 1
        if other < size and _leads(heap[other], heap[child], gains):
            child = other
        if not _leads(heap[child], row, gains):
            break
        heap[place] = heap[child]
        place = child
    heap[place] = row


@njit(cache=True, inline="always")
def _leads(one, two, gains):  # noqa: ANN001, ANN202 - compiled
    return gains[one] > gains[two] or (gains[one] == gains[two] and one < two)
