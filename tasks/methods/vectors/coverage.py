"""How near the rows of a set lie to each other. Compare sets of equal size only: more rows are always nearer.

Complexity: O(n^2 d), a search of the set in itself.
"""

from collections.abc import Callable

import numpy as np

from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors

VERSION = 1
Search = Callable[[Vectors, Vectors, int], tuple[Scores, Rows]]


def mean_nearest_distance(vectors: Vectors, search: Search) -> float:
    """Return the mean of 1 - cosine to the nearest other row: small where a set repeats itself; 0 below two rows.

    Args:
        vectors: (n, d), unit length.
        search: Exact search (queries, base, k) -> scores, rows, best first.
    """
    if len(vectors) < 2:  # noqa: PLR2004 - one row has no other
        return 0.0
    others = search(vectors, vectors, 2)[0][:, 1]  # the best is the row itself, or its equal
    return float(np.mean(1 - others, dtype=np.float64))
