"""The ways to choose, by name: what a profile may set beside its own selection (`selections.beside`).

Each is one call of a method of this room, with the paper and the cost in that method's file. All choose as many rows
of the same pool, so that they can be compared.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors
from wellspring.tasks.methods import clusters, representatives, targets, zip_alignment
from wellspring.tasks.methods.neighbour_graph import exact_graph

VERSION = 1
GRAPH_K = 32  # neighbours that a facility may cover
ALIGNED_WITH = 64  # texts: alignment compresses every pair of texts


class Pool(NamedTuple):
    """What is chosen from, and for.

    Attributes:
        vectors: (n, d), unit length.
        cells: (n,) topic of each row.
        scores: (n,) the higher the better.
        lengths: (n,) of each text.
        texts: n texts.
        wanted: (q, d), vectors of texts that stand for the target, such as seeds.
        wanted_texts: q of them, in an order that says nothing (ids).
        search: Exact search (queries, base, k) -> scores, rows.
    """

    vectors: Vectors
    cells: Rows
    scores: NDArray[np.float64]
    lengths: NDArray[np.int64]
    texts: Sequence[str]
    wanted: Vectors
    wanted_texts: Sequence[str]
    search: Callable[[Vectors, Vectors, int], tuple[Scores, Rows]]


def _facilities(pool: Pool, size: int) -> Rows:
    if len(pool.vectors) == 1:
        return np.zeros(1, dtype=np.int64)
    graph = exact_graph(pool.vectors, min(GRAPH_K, len(pool.vectors) - 1))
    return representatives.facilities(*graph, size)[0]


WAYS: dict[str, Callable[[Pool, int], Rows]] = {
    "longest_per_topic": lambda pool, size: clusters.longest(pool.cells, pool.lengths, size),
    "best_by_quota": lambda pool, size: clusters.best(pool.cells, pool.scores, size),
    "diversified": lambda pool, size: clusters.in_rounds(pool.cells, pool.scores, size),
    "representative": lambda pool, size: representatives.filtered(
        pool.vectors, np.lexsort((np.arange(len(pool.vectors)), -pool.scores)), limit=size
    ),
    "central": lambda pool, size: representatives.centres(pool.vectors, size)[0],
    "facility_location": _facilities,
    "targeted": lambda pool, size: targets.round_robin(pool.wanted, pool.vectors, size, pool.search)[0],
    "aligned": lambda pool, size: zip_alignment.most_aligned(pool.texts, pool.wanted_texts[:ALIGNED_WITH], size),
}


USES = ("choices", "clusters", "neighbour_graph", "representatives", "targets", "zip_alignment")
FOR_A_TARGET = frozenset({"targeted", "aligned"})  # these look at what is wanted


def choose(name: str, pool: Pool, size: int) -> Rows:
    """Return the rows of a pool that one of `WAYS` chooses.

    Args:
        name: Of the way. Where nothing is wanted, those for a target choose nothing.
        pool: What is chosen from, at least one row.
        size: How many, at least 1, at most all; `representative` may find fewer that are no near copies.
    """
    if name in FOR_A_TARGET and not len(pool.wanted):
        return np.empty(0, dtype=np.int64)
    return WAYS[name](pool, min(size, len(pool.vectors)))
