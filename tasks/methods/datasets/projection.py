"""A map of vectors on a page: t-SNE (van der Maaten & Hinton 2008; SynthQuestions draws its coverage with it), seeded.

For people to see where a set is thin; no figure and no choice rests on it.
"""

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.vectors import Vectors

VERSION = 1
MOST_POINTS = 2_000  # about 6 seconds on two cores; time grows a little faster than their number
_FEWEST = 5
_COMPONENTS = 50


def projected(vectors: Vectors) -> NDArray[np.float64]:
    """Return a place (n, 2) for each of up to 2,000 vectors (n, d), near ones near; scaled into [0, 1].

    Raises:
        ValueError: There are more.
    """
    if len(vectors) > MOST_POINTS:
        raise ValueError(f"{len(vectors)} points, at most {MOST_POINTS} are drawn")
    distinct, place_of = np.unique(vectors, axis=0, return_inverse=True)  # t-SNE crashes on points that are all equal
    places = _placed(distinct.astype(np.float64))[place_of.reshape(-1)]
    low, high = places.min(axis=0, initial=np.inf), places.max(axis=0, initial=-np.inf)
    return (places - low) / np.where(high > low, high - low, 1)


def _placed(wide: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(wide) < _FEWEST:
        return np.stack([np.arange(len(wide), dtype=np.float64), np.zeros(len(wide))], axis=1)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    flat = PCA(min(_COMPONENTS, *wide.shape), svd_solver="full").fit_transform(wide)
    perplexity = min(30.0, (len(flat) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(flat).astype(np.float64)
