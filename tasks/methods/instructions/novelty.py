"""Which texts of a new set are too near what is there, or too near each other: one pass in a fixed order.

KNN-Instruct keeps every row it writes, so that its pool fills with variations (PAPERS, SURPRISES 7). Here a new text is
refused when its cosine with anything known, or with a new text accepted before it, is above a ceiling. The order is the
caller's (ids), so the outcome depends on nothing else. O(n m d) in blocks; exact: a block's products find the pairs,
and the final score of a pair decides, which is the same on every machine.
"""

from collections.abc import Callable

import numpy as np

from wellspring.tasks.contracts.vectors import Vectors, pair_scores

VERSION = 1
BLOCK_SCORES = 2**24  # 64 MB of products at a time


def repeats(
    fresh: Vectors, known: Vectors, ceiling: float, may: Callable[[int, int], bool] | None = None
) -> dict[int, tuple[int, float]]:
    """Return the rows of `fresh` to refuse: row -> (the row it is too near, their cosine).

    Args:
        fresh: (n, d) float32, rows of unit length, in the order in which they are accepted.
        known: (m, d), same d.
        ceiling: A cosine above this is too near.
        may: Whether a row of `fresh` may be near another one, counted as below; none may, where it is not given.

    Returns:
        The other row is one of `known` where it is below m, else m + a row of `fresh` that was accepted before. Of
        several the lowest row is named.
    """
    refused: dict[int, tuple[int, float]] = {}
    slack = ceiling - fresh.shape[1] * 2.0**-23  # what the rounding of a product may take
    rows_at_once = max(1, BLOCK_SCORES // max(1, len(known) + len(fresh)))
    for start in range(0, len(fresh), rows_at_once):
        block = fresh[start : start + rows_at_once]
        for base, first in ((known, 0), (fresh[: start + len(block)], len(known))):
            if not len(base):
                continue
            near, others = np.nonzero(block @ base.T > slack)
            is_before = others + first < len(known) + start + near
            near, others = near[is_before] + start, others[is_before]
            scores = pair_scores(fresh[near], base[others])
            for row, other, cosine in zip(near.tolist(), (others + first).tolist(), scores.tolist(), strict=True):
                is_free = row not in refused and other - len(known) not in refused
                if cosine > ceiling and is_free and not (may is not None and may(row, other)):
                    refused[row] = (other, cosine)
    return refused
