"""Which texts of a new set are too near what is there, or too near each other: one pass in a fixed order.

KNN-Instruct keeps every row it writes, so that its pool fills with variations (PAPERS, SURPRISES 7). Here a new text is
refused when its cosine with anything known, or with a new text accepted before it, is above a ceiling. The order is the
caller's (ids), so the outcome depends on nothing else. O(n m) in blocks; exact: pairs within rounding of the ceiling
are summed again in double precision, so that the number of threads decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
BLOCK_ROWS = 1024
ROUNDING = 1e-4


def repeats(fresh: Vectors, known: Vectors, ceiling: float) -> dict[int, tuple[int, float]]:
    """Return the rows of `fresh` to refuse: row -> (the row it is too near, their cosine).

    Args:
        fresh: (n, d) float32, rows of unit length, in the order in which they are accepted.
        known: (m, d), same d.
        ceiling: A cosine above this is too near.

    Returns:
        The other row is one of `known` where it is below m, else m + a row of `fresh` that was accepted before. Of
        several the lowest row is named.
    """
    base = np.concatenate([known, fresh]) if len(known) else fresh
    refused: dict[int, tuple[int, float]] = {}
    for start in range(0, len(fresh), BLOCK_ROWS):
        block = fresh[start : start + BLOCK_ROWS]
        near = block @ base[: len(known) + start + len(block)].T > ceiling - ROUNDING
        for row, other in np.argwhere(near):
            new = start + int(row)
            earlier = int(other) - len(known)
            if new in refused or earlier >= new or earlier in refused:
                continue
            cosine = float(np.sum(base[other].astype(np.float64) * fresh[new]))
            if cosine > ceiling:
                refused[new] = (int(other), cosine)
    return refused
