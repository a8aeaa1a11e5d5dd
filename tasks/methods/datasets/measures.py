"""What a set of texts looks like as a whole: lexical diversity, spread over groups, distribution of a number.

Each is given with its definition, since published figures differ by it: MTLD over the texts joined in the order given
(McCarthy & Jarvis 2010, with the least length of a factor that their programs and TAALED have: ten words; the paper's
worked example has none, and neither has lexicalrichness, which comes out up to 3% lower), distinct-n over all n-grams
of the set (Li et al. 2016), Vendi score with the cosine kernel (Friedman & Dieng 2023). Compare sets of equal size
only: distinct-n falls and the Vendi score rises with their number.
"""

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from wellspring.tasks.contracts.vectors import Vectors

VERSION = 2
MTLD_THRESHOLD = 0.72  # McCarthy & Jarvis: where the type-token ratio has settled
MTLD_LEAST_WORDS = 10  # a word said twice in a short run is no sign that the text has run dry
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


def tokens(text: str) -> list[str]:
    """Return the lower-case words of a text, stop words included: diversity is measured on what is read."""
    return _WORD.findall(text.lower())


def mtld(words: Sequence[str], threshold: float = MTLD_THRESHOLD) -> float:
    """Return the measure of textual lexical diversity: the mean length of runs that keep their type-token ratio.

    A run ends where its ratio falls below the threshold, and not before its tenth word. The mean of both directions,
    the last partial run counted in part; 0 for no words.
    """
    if not words:
        return 0.0
    return (_one_way(words, threshold) + _one_way(words[::-1], threshold)) / 2


def _one_way(words: Sequence[str], threshold: float) -> float:
    factors, types, length = 0.0, set[str](), 0
    for word in words:
        types.add(word)
        length += 1
        if length >= MTLD_LEAST_WORDS and len(types) < threshold * length:
            factors, types, length = factors + 1, set[str](), 0
    if length:
        factors += (1 - len(types) / length) / (1 - threshold)
    return len(words) / factors if factors else float(len(words))


def distinct(texts: Iterable[Sequence[str]], n: int) -> float:
    """Return distinct n-grams as a share of all n-grams of the texts; 0 when there are none."""
    grams: Counter[tuple[str, ...]] = Counter()
    for words in texts:
        grams.update(zip(*(words[i:] for i in range(n)), strict=False))
    return len(grams) / grams.total() if grams else 0.0


def vendi(vectors: Vectors) -> float:
    """Return the Vendi score of unit vectors (n, d): how many wholly different ones would be as diverse, 1 to n.

    The eigenvalues of the (n, n) cosine kernel are those of the smaller (d, d) matrix, but for zeros.
    """
    if not len(vectors):
        return 0.0
    wide = vectors.astype(np.float64)
    kernel = wide @ wide.T if len(wide) <= wide.shape[1] else wide.T @ wide
    shares = np.clip(np.linalg.eigvalsh(kernel) / len(wide), 0, None)
    shares = shares[shares > 1e-12] / shares.sum()  # noqa: PLR2004 - below are rounding errors of zeros
    return float(np.exp(-(shares * np.log(shares)).sum()))


class Spread(NamedTuple):
    """How a set is spread over groups: how many it reaches, its entropy (1 is even over all), the largest's share."""

    groups: int
    entropy: float
    largest_share: float
    largest: str


def spread(groups: Iterable[Hashable], possible: int | None = None) -> Spread:
    """Measure the spread of members over groups.

    Args:
        groups: The group of each member.
        possible: How many groups there are, reached or not; those reached by default.
    """
    counts = Counter(groups)
    total = counts.total()
    if not total:
        return Spread(0, 0.0, 0.0, "")
    entropy = -sum(count / total * math.log(count / total) for count in sorted(counts.values()))
    name, most = min(counts.items(), key=lambda item: (-item[1], str(item[0])))
    scale = math.log(max(possible or 0, len(counts)))
    return Spread(len(counts), entropy / scale if scale else 0.0, most / total, str(name))


def histogram(values: Iterable[float], edges: Sequence[float]) -> list[int]:
    """Count values into bins [edge, next edge), the last one open; those below the first edge are in the first bin."""
    counts = [0] * len(edges)
    for value in values:
        counts[max(0, int(np.searchsorted(edges, value, side="right")) - 1)] += 1
    return counts
