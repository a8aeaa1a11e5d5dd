"""Names for topics: the phrases that set each apart from the others, and groups of topics that lie close.

A topic's phrases are ranked by class-based tf-idf (Grootendorst 2022, of BERTopic, which SynthQuestions names its
topics with): how often a phrase is in the topic, times the logarithm of how rare it is over all. Ours differs: phrases
are single words and pairs of neighbouring words, a pair is preferred to its parts, and ties go by the alphabet, so
that names do not depend on the order of the texts.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.methods.vectors.words import words

VERSION = 1
PHRASES = 3
_FEWEST_CHARS = 3  # a shorter word says little
_FEWEST_TEXTS = 2  # a phrase of one text names that text, not a topic


class Topic(NamedTuple):
    """A topic: its number, its group, how many texts it has, its name and its group's."""

    topic: int
    group: int
    rows: int
    name: str
    group_name: str


def phrases(text: str) -> set[str]:
    """Return the words and the pairs of neighbouring words of a text, each once."""
    found = words(text)
    singles = {word for word in found if len(word) >= _FEWEST_CHARS and not word.isdigit()}
    return singles | {f"{a} {b}" for a, b in pairwise(found) if not (a.isdigit() or b.isdigit())}


def labels(texts: Mapping[int, Sequence[str]], most: int = PHRASES) -> dict[int, str]:
    """Name each topic by the phrases that set it apart.

    Args:
        texts: Topic -> its texts.
        most: Phrases in a name.
    """
    counts = {topic: Counter(p for text in members for p in phrases(text)) for topic, members in texts.items()}
    everywhere: Counter[str] = Counter()
    for of_topic in counts.values():
        everywhere.update(of_topic)
    mean = sum(everywhere.values()) / max(1, len(counts))
    return {
        topic: ", ".join(_telling(of_topic, everywhere, mean, len(texts[topic]), most))
        for topic, of_topic in sorted(counts.items())
    }


def _telling(of_topic: Counter[str], everywhere: Counter[str], mean: float, size: int, most: int) -> list[str]:
    least = min(_FEWEST_TEXTS, size)
    weights = {p: n * math.log(1 + mean / everywhere[p]) for p, n in of_topic.items() if n >= least}
    ranked = sorted(weights, key=lambda p: (-weights[p] * (1 + 0.5 * (" " in p)), p))
    taken: list[str] = []
    for phrase in ranked:
        parts = set(phrase.split())
        if not any(parts & set(other.split()) for other in taken):
            taken.append(phrase)
        if len(taken) == most:
            break
    return taken or ["(no phrase)"]


def hierarchy(texts: Mapping[int, Sequence[str]], centroids: Vectors) -> list[Topic]:
    """Group topics whose centroids lie close, and name both; largest groups first, then largest topics.

    Args:
        texts: Topic -> its texts.
        centroids: (number of topics, d) unit vectors, in ascending order of topic.
    """
    order = sorted(texts)
    groups = _groups(centroids)
    members: dict[int, list[str]] = {}
    for topic, group in zip(order, groups, strict=True):
        members.setdefault(group, []).extend(texts[topic])
    named, of_groups = labels(texts), labels(members, most=2)
    found = [
        Topic(topic, group, len(texts[topic]), named[topic], of_groups[group])
        for topic, group in zip(order, groups, strict=True)
    ]
    return sorted(found, key=lambda t: (-len(members[t.group]), t.group, -t.rows, t.topic))


def _groups(centroids: Vectors) -> list[int]:
    """Join close centroids into about as many groups as the square root of their number (average linkage, cosine)."""
    if len(centroids) < 3:  # noqa: PLR2004 - nothing to join
        return [0] * len(centroids)
    distances = np.clip(1 - centroids.astype(np.float64) @ centroids.T.astype(np.float64), 0, 2)
    upper = np.round(distances[np.triu_indices(len(centroids), 1)], 6)  # below are last bits, which threads may change
    from scipy.cluster.hierarchy import fcluster, linkage

    return fcluster(linkage(upper, "average"), max(2, math.isqrt(len(centroids))), "maxclust").tolist()
