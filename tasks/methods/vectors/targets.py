"""Rows nearest to what is wanted: every query in turn takes its nearest row that is still there (RDS+).

Paper: Ivison et al., "Large-scale data selection for instruction tuning", arXiv 2503.01807: embed queries of the target
and the pool, then round-robin; over several tasks, a row's score for a task is its highest over the task's queries, and
tasks take turns. Theirs embeds with the model's own states, weighted by position; ours takes any unit vectors. Its
warning holds: queries of an evaluation that is reported must not be used, and a poor query set does harm.

Complexity: O(queries n d) as a product, then picks; rankings beyond `depth` are computed only for queries that need it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors

VERSION = 1
Search = Callable[[Vectors, Vectors, int], tuple[Scores, Rows]]


def round_robin(queries: Vectors, pool: Vectors, count: int, search: Search) -> tuple[Rows, Rows]:
    """Choose rows of the pool, each query in turn taking the nearest one that is left.

    Args:
        queries: (q, d), unit length; their order is the order of the turns.
        pool: (n, d), unit length.
        count: Rows to choose, at most n.
        search: Exact search (queries, base, k) -> scores, rows; equal scores by lower row.

    Returns:
        Rows in the order chosen, and the query that chose each.
    """
    count = min(count, len(pool))
    depth = min(len(pool), 2 * -(-count // max(len(queries), 1)) + 16)
    rankings = search(queries, pool, depth)[1]
    return _turns(rankings, count, lambda query: search(queries[query : query + 1], pool, len(pool))[1][0])


def by_task(queries: Vectors, tasks: NDArray[np.int64], pool: Vectors, count: int) -> tuple[Rows, Rows]:
    """Choose rows, each task in turn taking the row nearest to any of its queries; returns rows and tasks.

    Args:
        queries: (q, d), unit length.
        tasks: (q,) task of each query, from 0.
        pool: (n, d), unit length.
        count: Rows to choose, at most n.
    """
    products = queries @ pool.T
    scores = np.stack([products[tasks == task].max(axis=0) for task in range(int(tasks.max()) + 1)])
    rows = np.broadcast_to(np.arange(len(pool)), scores.shape)
    rankings = np.lexsort((rows, -scores), axis=1)
    return _turns(rankings, min(count, len(pool)), lambda task: rankings[task])


def _turns(rankings: Rows, count: int, whole: Callable[[int], Rows]) -> tuple[Rows, Rows]:
    """Let each ranking take in turn; one that runs out of its depth is replaced by the whole."""
    lists = [ranking.tolist() for ranking in rankings]
    places = [0] * len(lists)
    taken: set[int] = set()
    chosen: list[int] = []
    by: list[int] = []
    while len(chosen) < count and lists:
        turn = len(chosen) % len(lists)
        while places[turn] < len(lists[turn]) and lists[turn][places[turn]] in taken:
            places[turn] += 1
        if places[turn] == len(lists[turn]):
            lists[turn], places[turn] = whole(turn).tolist(), 0
            continue
        row = lists[turn][places[turn]]
        taken.add(row)
        chosen.append(row)
        by.append(turn)
    return np.array(chosen, dtype=np.int64), np.array(by, dtype=np.int64)
