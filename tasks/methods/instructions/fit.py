"""How well a page fits what a seed is after: the share of the search words, by their rarity, that the page holds.

Ours (SynthQuestions takes the first page of the search, however far it is from the seed). Fused ranks and sums of
keyword scores say which page is best, not whether it is good: they grow with the length of the query and with the
corpus. A share does not; a word that no page of the corpus has counts in full against every page.
"""

from collections.abc import Collection, Mapping

VERSION = 1


def fit(rarity: Mapping[str, float], held: Collection[str]) -> float:
    """Return how much of the searched words a page holds, in [0, 1]; 0 where nothing is searched for.

    Args:
        rarity: The searched words, each with how rare it is in the corpus (`KeywordIndex.rarity`).
        held: Words of the page.
    """
    total = sum(rarity.values())
    return sum(weight for word, weight in sorted(rarity.items()) if word in held) / total if total else 0.0
