"""Neighbours beyond one machine: parts of a matrix are searched by workers (processes, threads or Dask) and merged.

Workers map the same `.npy` file (a Dask cluster needs it on a shared disk), so what travels is queries and lists, never
the matrix. Scores are final wherever they are computed (`tasks/contracts/vectors.py`), so the answer is that of one
machine, bit for bit, however the rows were cut.
"""

import functools
import itertools
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numba
import numpy as np
from threadpoolctl import threadpool_limits

from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors, merged
from wellspring.tasks.io import waits
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.vectors import overlap_graph
from wellspring.tasks.spine.running.workers import executor, workers

PART_ROWS = 500_000  # of 384 numbers: 0.8 GB a worker


def exact(settings: Settings, path: Path, queries: Vectors, k: int, *, parts: int | None = None) -> tuple[Scores, Rows]:
    """Return the k rows of a saved matrix nearest each query, as `index.exact` does.

    Args:
        settings: Which workers, and how many.
        path: A `.npy` file (n, d) float32, rows of unit length.
        queries: (nq, d), unit length.
        k: Neighbours per query, 1 <= k <= n.
        parts: Into how many ranges of rows the matrix is cut; by size and workers when not said.
    """
    n = len(np.load(path, mmap_mode="r", allow_pickle=False))
    count = min(n, parts or max(workers(settings), -(-n // PART_ROWS)))
    bounds = np.linspace(0, n, count + 1).astype(int).tolist()
    with executor(settings) as pool:
        waiting = [pool.submit(_part, str(path), start, end, queries, k) for start, end in itertools.pairwise(bounds)]
        return merged([waits.result(future) for future in waiting], k)


def graph(settings: Settings, path: Path, k: int, centroids: Vectors, *, joined: int = 2) -> tuple[Scores, Rows]:
    """Return the approximate neighbour graph of a saved matrix, a shard a cell (`methods/vectors/overlap_graph.py`).

    Args:
        settings: Which workers, and how many.
        path: A `.npy` file (n, d) float32, rows of unit length.
        k: Neighbours.
        centroids: (cells, d), unit length.
        joined: Cells that a vector joins.
    """
    vectors: Vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    shards = overlap_graph.shards(vectors, centroids, joined, index.exact)
    found = overlap_graph.Merger(len(vectors), k)
    with executor(settings) as pool:
        for shard in _in_flight(pool, path, shards, k, 2 * workers(settings)):
            found.add(*shard)
    return found.scores, found.rows.astype(np.int64)


def _in_flight(pool: Executor, path: Path, shards: Iterator[Rows], k: int, most: int) -> Iterator[Any]:
    """Yield shards in their order, so many ahead as keep the workers busy and the memory bounded."""
    waiting: list[Any] = []
    for rows in shards:
        waiting.append(pool.submit(_cell, str(path), rows, k))
        if len(waiting) >= most:
            yield waits.result(waiting.pop(0))
    for future in waiting:
        yield waits.result(future)


@functools.cache
def _alone() -> None:
    """Let a worker process use one thread: its siblings have the other cores, and small tiles gain nothing from two."""
    if multiprocessing.parent_process() is not None:
        numba.set_num_threads(1)
        threadpool_limits(1)


def _part(path: str, start: int, end: int, queries: Vectors, k: int) -> tuple[Scores, Rows]:
    _alone()
    base = np.ascontiguousarray(np.load(path, mmap_mode="r", allow_pickle=False)[start:end])
    scores, rows = index.exact(queries, base, min(k, end - start))
    return scores, rows + start


def _cell(path: str, rows: Rows, k: int) -> Any:
    _alone()
    return overlap_graph.shard_graph(np.load(path, mmap_mode="r", allow_pickle=False), rows, k)
