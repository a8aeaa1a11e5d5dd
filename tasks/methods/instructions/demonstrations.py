"""Which demonstrations an input is shown: drawn by chance that the input itself decides, or by how near they are.

Paper: SynthQuestions (arXiv 2506.03968) draws ten at random for each document, without a seed, and its ablation
takes the nearest ones; ours draws by a seed made of the input's id, so that the same input is shown the same
demonstrations in every run, on every machine, in any order. Each candidate draws its own lot from the input and its
own id (rendezvous hashing: Thaler and Ravishankar, 1998), and the lowest lots are taken: a candidate that comes or
goes changes only the draws that it is in.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.vectors import Vectors, pair_scores

VERSION = 2
ROUNDING = 1e-4  # of products; final scores are the house's


Marks = NDArray[np.uint64]


def marks(names: Iterable[str]) -> Marks:
    """Return the mark of each candidate, computed once for many draws."""
    return np.array([_mark(name) for name in names], dtype=np.uint64)


def drawn(count: int, candidates: Marks, *parts: object) -> list[int]:
    """Return the places of `count` of the candidates (all, if there are fewer), in the order of their lots.

    Args:
        count: How many.
        candidates: Their `marks`.
        parts: What decides the draw, such as the id of an input.
    """
    lots = _mixed(candidates ^ np.uint64(_mark(content_id("demonstrations", *parts))))
    count = min(count, len(lots))
    found = np.argpartition(lots, count - 1)[:count] if 0 < count < len(lots) else np.arange(len(lots))[:count]
    return found[np.lexsort((found, lots[found]))].tolist()


def _mark(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def _mixed(values: Marks) -> Marks:
    """Mix the bits of each value (the last steps of SplitMix64), so that every bit of a mark decides every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def by_distance(count: int, vectors: Vectors, target: Vectors, *, farthest: bool = False) -> list[int]:
    """Return the `count` rows nearest to the target, nearest first, or the farthest, farthest first.

    Args:
        count: How many; all, if there are fewer.
        vectors: (n, d) float32, rows of unit length.
        target: (d,) float32 of unit length.
        farthest: Take the other end.

    Returns:
        Row numbers; equal cosines keep the lower row first.
    """
    count = min(count, len(vectors))
    if not count:
        return []
    rough = vectors @ (target if farthest else -target)
    bound = np.partition(rough, count - 1)[count - 1] + ROUNDING
    found = np.flatnonzero(rough <= bound)  # ties included, however many
    scores = pair_scores(vectors[found], np.repeat(target[None], len(found), axis=0))
    order = np.argsort(scores if farthest else -scores, kind="stable")
    return found[order[:count]].tolist()
