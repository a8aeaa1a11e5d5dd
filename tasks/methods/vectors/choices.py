"""The ways to choose, by name: what a profile may set beside its own selection (`selections.beside`).

Each of ours is one call of a method of this room, with the paper and the cost in that method's file. All choose as many
rows of the same pool, so that they can be compared.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.plugins import WAYS, Ours
from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors
from wellspring.tasks.methods.vectors import clusters, representatives, tag_sampling, targets, zip_alignment
from wellspring.tasks.methods.vectors.neighbour_graph import exact_graph

VERSION = 1
GRAPH_K = 32  # neighbours that a facility may cover
ALIGNED_WITH = 64  # texts: alignment compresses every pair of texts
TAKEN = re.compile(r"best_per_topic|random_\d+")  # the selection itself, and its controls


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
        tags: Name of a method over sets -> the tags of each row; of those that were asked for.
    """

    vectors: Vectors
    cells: Rows
    scores: NDArray[np.float64]
    lengths: NDArray[np.int64]
    texts: Sequence[str]
    wanted: Vectors
    wanted_texts: Sequence[str]
    search: Callable[[Vectors, Vectors, int], tuple[Scores, Rows]]
    tags: Mapping[str, Sequence[Sequence[str]]] = {}


Way = Callable[[Pool, int], Rows]
OURS = Ours[Way]()
BY_TAGS = frozenset({"alike_tags", "alike_steps"})  # these are called as the method over sets whose tags they look at
FOR_A_TARGET = frozenset({"targeted", "aligned"})  # these look at what is wanted


@OURS.resting_on("clusters")
def _longest_per_topic(pool: Pool, size: int) -> Rows:
    return clusters.longest(pool.cells, pool.lengths, size)


@OURS.resting_on("clusters")
def _best_by_quota(pool: Pool, size: int) -> Rows:
    return clusters.best(pool.cells, pool.scores, size)


@OURS.resting_on("clusters")
def _diversified(pool: Pool, size: int) -> Rows:
    return clusters.in_rounds(pool.cells, pool.scores, size)


@OURS.resting_on("representatives")
def _representative(pool: Pool, size: int) -> Rows:
    order = np.lexsort((np.arange(len(pool.vectors)), -pool.scores))
    return representatives.filtered(pool.vectors, order, limit=size)


@OURS.resting_on("representatives")
def _central(pool: Pool, size: int) -> Rows:
    return representatives.centres(pool.vectors, size)[0]


@OURS.resting_on("neighbour_graph", "representatives")
def _facility_location(pool: Pool, size: int) -> Rows:
    if len(pool.vectors) == 1:
        return np.zeros(1, dtype=np.int64)
    graph = exact_graph(pool.vectors, min(GRAPH_K, len(pool.vectors) - 1))
    return representatives.facilities(*graph, size)[0]


@OURS.resting_on("targets")
def _targeted(pool: Pool, size: int) -> Rows:
    return targets.round_robin(pool.wanted, pool.vectors, size, pool.search)[0]


@OURS.resting_on("zip_alignment")
def _aligned(pool: Pool, size: int) -> Rows:
    return zip_alignment.most_aligned(pool.texts, pool.wanted_texts[:ALIGNED_WITH], size)


@OURS.resting_on("tag_sampling")
def _alike_tags(pool: Pool, size: int) -> Rows:
    return np.array(tag_sampling.sampled(pool.tags["alike_tags"], size), dtype=np.int64)


@OURS.resting_on("tag_sampling")
def _alike_steps(pool: Pool, size: int) -> Rows:
    return np.array(tag_sampling.sampled(pool.tags["alike_steps"], size), dtype=np.int64)


def theirs(name: str, folders: Sequence[str] = ()) -> ModuleType:
    """Return the file of a way that is none of ours.

    Raises:
        UsageError: It is unknown, with the nearest there are; its file is not whole; or the selection itself has its
            name.
    """
    if TAKEN.fullmatch(name):
        raise UsageError(f"`{name}` is a name of the selection's own", hint="give the way to select another name")
    return WAYS.theirs(name, folders)


def choose(name: str, pool: Pool, size: int, folders: Sequence[str] = ()) -> Rows:
    """Return the rows of a pool that a way chooses: one of ours, of a plug-in folder, or of an installed package.

    Args:
        name: Of the way. Where nothing is wanted, those of ours for a target choose nothing.
        pool: What is chosen from, at least one row.
        size: How many, at least 1, at most all; `representative` may find fewer that are no near copies.
        folders: Where a way of the user may be.

    Raises:
        UsageError: There is no such way.
        BrokenError: A way of the user gives something else than so many rows, each once.
    """
    if name in FOR_A_TARGET and not len(pool.wanted):
        return np.empty(0, dtype=np.int64)
    most = min(size, len(pool.vectors))
    if name in OURS:
        return OURS[name](pool, most)
    module = theirs(name, folders)
    said = module.choose(pool, most)
    if fault := _fault(said, most, len(pool.vectors)):
        raise BrokenError(f"{module.__file__} {fault}", hint=f"mend `choose`: it gives {most} row numbers, each once")
    return np.asarray(said, dtype=np.int64)


def _fault(said: Any, size: int, rows: int) -> str:
    """Return what is wrong with what a way of the user gives."""
    found: list[Any] = list(said) if isinstance(said, Sequence | np.ndarray) else [said]
    if odd := [one for one in found if not isinstance(one, int | np.integer)]:
        return f"gives {outside.shown(odd[0])} as the number of a row"
    if beyond := [row for row in found if not 0 <= row < rows]:
        return f"chooses row {beyond[0]}, and there are rows 0 to {rows - 1}"
    if len(found) != size:
        return f"chooses {len(found)} rows, not {size}"
    twice = [row for row, count in Counter(found).items() if count > 1]
    return f"chooses row {twice[0]} twice" if twice else ""
