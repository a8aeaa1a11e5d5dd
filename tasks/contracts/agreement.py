"""How far judges agree, with people or with each other."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

LEAST = 2  # things that can be in an order


class Agreement(NamedTuple):
    """Over `n` subjects both judged: the share they agree on, and Cohen's kappa (None where chance alone agrees)."""

    n: int
    share: float
    kappa: float | None


def agreement(one: Sequence[Hashable | None], other: Sequence[Hashable | None]) -> Agreement:
    """Compare two judges over the same subjects; a subject that either failed on (None) is left out, not counted as no.

    Raises:
        ValueError: The lengths differ.
    """
    both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    if not both:
        return Agreement(0, 0.0, None)
    share = sum(a == b for a, b in both) / len(both)
    left, right = Counter(a for a, _ in both), Counter(b for _, b in both)
    chance = sum(left[label] * right[label] for label in left) / len(both) ** 2
    return Agreement(len(both), share, None if chance == 1 else (share - chance) / (1 - chance))


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Spearman's correlation of two judges' weights; None where one of them makes no difference between things.

    Raises:
        ValueError: The lengths differ.
    """
    both = list(zip(one, other, strict=True))
    if len(both) < LEAST:
        return None
    left, right = (_ranks([pair[side] for pair in both]) for side in (0, 1))
    mean = (len(both) + 1) / 2
    spread = [sum((rank - mean) ** 2 for rank in ranks) for ranks in (left, right)]
    if not all(spread):
        return None
    return sum((a - mean) * (b - mean) for a, b in zip(left, right, strict=True)) / (spread[0] * spread[1]) ** 0.5


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, from 1; equal ones share the mean of theirs."""
    return [sum(other < one for other in values) + (sum(other == one for other in values) + 1) / 2 for one in values]
