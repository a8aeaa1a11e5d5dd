"""The FAISS door: nearest neighbours by inner product of unit vectors, on a GPU or on two cores, with the same answer.

FAISS finds candidates; `tasks/contracts/vectors.py` gives them their final scores and order, and a candidate list is
accepted only where it provably holds the answer (`exact`). So results do not depend on the kernel, the batch, the
thread count or the device. Rows are sorted by id: equal scores keep the lower row first, which is the lower id.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from tasks.contracts.vectors import Rows, Scores, Vectors, enter, padded, ranked, whole

# Below nq * d of this, FAISS compares pair by pair instead of multiplying matrices; its 128,000 makes batches of up to
# 333 queries 13 times slower than this (README).
faiss.cvar.distance_compute_blas_threshold = 1024

Search = Callable[[Vectors, Vectors, int], tuple[Scores, Rows]]

TILE = 1024  # rows and columns of a tile of products: 4 MB, stays in the cache
TILED_QUERIES = 256  # from here on tiles are faster than faiss.knn (README)
TILED_MAX_K = 128  # beyond, ordered lists cost more than FAISS's heaps
SPARE = 4  # candidates beyond k that are fetched to see where the k-th score ends
GPU_MAX_K = 2048


def gpus() -> int:
    """Return how many GPUs FAISS can use; asked before anything else, since its GPU calls abort without one."""
    return faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0


def exact(queries: Vectors, base: Vectors, k: int, *, find: Search | None = None) -> tuple[Scores, Rows]:
    """Return the k base vectors nearest each query, by inner product, ties and all.

    k + 4 candidates are fetched and scored anew. A row that was not fetched scores at most the last fetched score plus
    the rounding of two sums; a query whose k-th score is not above that is fetched again, with four times as many.

    Args:
        queries: (nq, d) float32, rows of unit length.
        base: (n, d), same d, rows of unit length.
        k: Neighbours per query, 1 <= k <= n.
        find: How candidates are found: (queries, base, k) -> scores, rows. The device's by default.

    Returns:
        Scores (nq, k), cosine, best first; and row numbers of `base` (nq, k) int64. Equal scores keep the lower row
        first.

    Raises:
        ValueError: The widths differ, or k is out of range.
    """
    if queries.shape[1] != base.shape[1]:
        raise ValueError(f"queries are {queries.shape[1]} wide, the base {base.shape[1]}")
    if not 1 <= k <= len(base):
        raise ValueError(f"k is {k}, the base has {len(base)} rows")
    find = find or candidates
    scores = np.empty((len(queries), k), dtype=np.float32)
    rows = np.empty((len(queries), k), dtype=np.int64)
    rounding = base.shape[1] * 2.0**-23
    due, fetch = np.arange(len(queries)), min(len(base), k + SPARE)
    while due.size:
        asked = queries if due.size == len(queries) else np.ascontiguousarray(queries[due])
        rough, found = find(asked, base, fetch)
        scores[due], rows[due] = ranked(asked, base, found, k)
        open_ = scores[due, -1] <= rough[:, -1] + rounding
        due = due[open_] if fetch < len(base) else due[:0]
        fetch = min(len(base), fetch * 4)
    return scores, rows


Keep = Callable[[Rows, Scores, Rows], NDArray[np.bool_]]


def kept(queries: Vectors, base: Vectors, k: int, keep: Keep, *, find: Search | None = None) -> tuple[Scores, Rows]:
    """Return the k nearest base vectors that a filter keeps: not itself, not of the same document, not too alike.

    More and more neighbours are fetched for the queries that lack some. For a filter that keeps few rows whatever the
    query (a language, a source), search a copy of those rows instead: below one row in twenty that is faster.

    Args:
        queries: (nq, d), unit length.
        base: (n, d), unit length.
        k: Neighbours per query, 1 <= k.
        keep: (query numbers (m, 1), scores (m, c), rows (m, c)) -> which of them may stand (m, c).
        find: As in `exact`.

    Returns:
        Scores (nq, k) and rows (nq, k) in the one order; where the base runs out, -inf and -1.
    """
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    due, fetch = np.arange(len(queries)), min(len(base), 2 * k + SPARE)
    while due.size:
        found_scores, found = exact(np.ascontiguousarray(queries[due]), base, fetch, find=find)
        stands = keep(due[:, None], found_scores, found)
        order = np.argsort(~stands, axis=1, kind="stable")[:, :k]  # those that stand first, in their order
        stands = np.take_along_axis(stands, order, 1)
        width = order.shape[1]
        scores[due, :width] = np.where(stands, np.take_along_axis(found_scores, order, 1), -np.inf)
        rows[due, :width] = np.where(stands, np.take_along_axis(found, order, 1), -1)
        due = due[rows[due, -1] < 0] if fetch < len(base) else due[:0]
        fetch = min(len(base), fetch * 4)
    return scores, rows


def candidates(queries: Vectors, base: Vectors, k: int) -> tuple[Scores, Rows]:
    """Find k candidates for each query on the device at hand; scores are as the device rounds them."""
    if gpus() and k <= GPU_MAX_K:
        budget = _free_gpu_bytes()
        scores, rows = faiss.knn_gpu(
            _gpu_resources(),
            queries,
            base,
            k,
            metric=faiss.METRIC_INNER_PRODUCT,
            vectorsMemoryLimit=budget // 2,
            queriesMemoryLimit=budget // 8,
        )
        return np.asarray(scores, dtype=np.float32), rows
    if len(queries) >= TILED_QUERIES and k <= TILED_MAX_K:
        return _tiled(queries, base, k)
    scores, rows = faiss.knn(queries, base, k, metric=faiss.METRIC_INNER_PRODUCT)
    return np.asarray(scores, dtype=np.float32), rows


def _tiled(queries: Vectors, base: Vectors, k: int) -> tuple[Scores, Rows]:
    """Multiply in tiles with numpy's BLAS, which knows this CPU, and keep a running top k."""
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


@lru_cache(maxsize=1)
def _gpu_resources() -> Any:
    return faiss.StandardGpuResources()


def _free_gpu_bytes() -> int:
    """Return what we allow ourselves of the device: FAISS tiles sets that are larger and keeps a running top k."""
    free = getattr(faiss, "getFreeMemory", None)
    return int(free(0) * 0.8) if free else 8 * 2**30


def kmeans(vectors: Vectors, k: int, seed: int, *, iterations: int = 20) -> tuple[Vectors, Rows]:
    """Cluster unit vectors into at most k cells (spherical k-means, at most 256 points a cell are trained on).

    Args:
        vectors: (n, d), unit length.
        k: Cells, at least 1; no more than n are made.
        seed: Of the initial centroids and of the training sample.
        iterations: Of Lloyd.

    Returns:
        Centroids (k, d), unit length, and the cell of each vector (n,), the lower cell on ties.
    """
    cells = min(k, len(vectors))
    if cells < 1:
        raise ValueError(f"k is {k} for {len(vectors)} vectors")
    engine = faiss.Kmeans(
        vectors.shape[1],
        cells,
        niter=iterations,
        seed=seed % 2**31,
        spherical=True,
        gpu=bool(gpus()),
        min_points_per_centroid=1,
        max_points_per_centroid=256,
    )
    engine.train(vectors)
    centroids = np.ascontiguousarray(engine.centroids, dtype=np.float32)
    _, nearest = exact(vectors, centroids, 1)
    return centroids, nearest[:, 0]
