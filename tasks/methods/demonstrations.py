"""Which demonstrations an input is shown: drawn by chance that the input itself decides, or by how near they are.

Paper: SynthQuestions (arXiv 2506.03968) draws ten at random for each document, without a seed, and its ablation
takes the nearest ones; ours draws by a seed made of the input's id, so that the same input is shown the same
demonstrations in every run, on every machine, in any order.
"""

import random
from collections.abc import Sequence

import numpy as np

from tasks.contracts.records import content_id
from tasks.contracts.vectors import Vectors, pair_scores

VERSION = 1
ROUNDING = 1e-4  # of products; final scores are the house's


def chance(*parts: object) -> random.Random:
    """Return a source of chance that these parts decide: the same parts, the same draws."""
    return random.Random(int(content_id(*parts), 16))  # noqa: S311 - a sample, not a secret


def drawn(count: int, candidates: Sequence[int], *parts: object) -> list[int]:
    """Return `count` of the candidates (all, if there are fewer) in an order that chance decides."""
    return chance("demonstrations", *parts).sample(candidates, min(count, len(candidates)))


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
