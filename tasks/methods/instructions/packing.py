"""Demonstrations into a token budget: take them in their order, skip one that does not fit, go on with the next.

Paper: SynthQuestions (arXiv 2506.03968) stops at the first one that does not fit, so that one long demonstration costs
all that come after it; ours goes on, and never holds fewer. O(n).
"""

from collections.abc import Sequence

VERSION = 1


def pack(costs: Sequence[int], budget: int) -> list[int]:
    """Return the positions taken, ascending: each in turn if it fits beside those taken before it.

    Args:
        costs: Tokens of each demonstration, in the order in which they are offered.
        budget: Tokens that all of them together may take; nothing fits a negative one.
    """
    taken: list[int] = []
    for position, cost in enumerate(costs):
        if cost <= budget:
            taken.append(position)
            budget -= cost
    return taken
