"""How far judges agree, with people or with each other."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

VERSION = 1


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
