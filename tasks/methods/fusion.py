"""Reciprocal rank fusion: several rankings into one, by ranks alone, since scores of different kinds do not compare.

Paper: Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning
methods", SIGIR 2009: score(d) = sum over rankings of 1 / (60 + rank), rank from 1. Weights are ours. O(rankings x k).
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

VERSION = 1
Item = TypeVar("Item", bound=Hashable)
RANK_CONSTANT = 60


def fuse(
    rankings: Sequence[Sequence[Item]],
    k: int,
    *,
    weights: Sequence[float] | None = None,
    constant: float = RANK_CONSTANT,
) -> list[tuple[Item, float]]:
    """Fuse rankings, best first, into one of at most k.

    Args:
        rankings: Items, best first; an item counts once in each, at its best rank.
        k: Items to return.
        weights: One for each ranking; 1 for all by default.
        constant: How little the first ranks stand out.

    Returns:
        (item, score), best first; equal scores in the order of the items.

    Raises:
        ValueError: Weights and rankings differ in number.
    """
    shares = [1.0] * len(rankings) if weights is None else list(weights)
    scores: dict[Item, float] = {}
    for ranking, share in zip(rankings, shares, strict=True):
        for rank, item in enumerate(dict.fromkeys(ranking), start=1):
            scores[item] = scores.get(item, 0.0) + share / (constant + rank)
    return ordered(scores, k)


def ordered(scores: Mapping[Item, float], k: int) -> list[tuple[Item, float]]:
    """Return the k items of highest score, equal scores in the order of the items."""
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:k]  # type: ignore[operator] - ids sort
