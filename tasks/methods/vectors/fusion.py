"""Score fusion: several rankings into one, by scores that are stretched to 0..1 over what each ranking found.

Paper: Fox and Shaw, "Combination of multiple searches", TREC-2, 1994 (the weighted sum), scaled as Lee, "Analyses of
multiple evidence combination", SIGIR 1997. How far the first is ahead of the second says much, and ranks lose it: on
seven collections sums of stretched scores are ahead of reciprocal ranks (README). O(rankings x k log k).
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

VERSION = 2
Item = TypeVar("Item", bound=Hashable)
Ranking = Iterable[tuple[Item, float]]


def fuse(
    rankings: Sequence[Ranking[Item]], k: int, *, weights: Sequence[float] | None = None
) -> list[tuple[Item, float]]:
    """Fuse rankings into one of at most k.

    Args:
        rankings: (item, score), in any order; an item counts once in each, at its best score. The best of a ranking
            adds its whole weight, the worst nothing, as what it did not find.
        k: Items to return.
        weights: One for each ranking; 1 for all by default.

    Returns:
        (item, score), best first; equal scores in the order of the items.

    Raises:
        ValueError: Weights and rankings differ in number.
    """
    shares = [1.0] * len(rankings) if weights is None else list(weights)
    scores: dict[Item, float] = {}
    for ranking, share in zip(rankings, shares, strict=True):
        for item, value in stretched(ranking).items():
            scores[item] = scores.get(item, 0.0) + share * value
    return ordered(scores, k)


def stretched(ranking: Ranking[Item]) -> dict[Item, float]:
    """Return item -> score from 0 (the worst found) to 1 (the best); 1 for all where all are alike."""
    best: dict[Item, float] = {}
    for item, score in ranking:
        best[item] = max(score, best.get(item, score))
    low, high = min(best.values(), default=0.0), max(best.values(), default=0.0)
    return {item: (score - low) / (high - low) if high > low else 1.0 for item, score in best.items()}


def ordered(scores: Mapping[Item, float], k: int) -> list[tuple[Item, float]]:
    """Return the k items of highest score, equal scores in the order of the items."""
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:k]  # type: ignore[operator] - ids sort
