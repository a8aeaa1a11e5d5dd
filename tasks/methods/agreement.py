"""How far judges agree: with people, with each other, and with themselves when the order is turned round."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple


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


class Consistency(NamedTuple):
    """Pairs judged in both orders: how many, the share with one winner, the share won by the first place."""

    pairs: int
    consistent: float
    first_place: float


def consistency(verdicts: Sequence[tuple[str | None, str | None]]) -> Consistency:
    """Measure position bias.

    Args:
        verdicts: For each pair the winner by place (`first`, `second`, `tie`) in one order and in the other; pairs
            with a failed verdict are left out.

    Returns:
        `first_place` is the share of all verdicts but ties that name the first answer: 0.5 without bias.
    """
    judged = [(a, b) for a, b in verdicts if a is not None and b is not None]
    if not judged:
        return Consistency(0, 0.0, 0.0)
    swapped = {"first": "second", "second": "first", "tie": "tie"}
    same = sum(swapped[b] == a for a, b in judged) / len(judged)
    named = [place for pair in judged for place in pair if place != "tie"]
    return Consistency(len(judged), same, named.count("first") / len(named) if named else 0.0)
