"""Only-IF (arXiv 2410.04717): whether a set has enough distinct instructions, and none of its parts too large a share.

In the paper a model that is trained from nothing on rewriting of strings never follows a new instruction below some 300
distinct ones, and does from some 1,000 on, whatever the number of rows. Real models gain from a small share of other
domains, and lose where it grows. So the gate has a least number of instructions and of topics, and caps on the share of
a topic and of a site (`selections.min_instructions`, `min_topics`, `max_topic_share`, `max_domain_share`); by default
nothing is stopped, and the card says what there is.

Ours differs: the figures of the paper are of one synthetic task, so they are said, and not held. Texts are the same
instruction where they differ in case and blanks alone; a topic is a cell of k-means.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

SYSTEM = "Only-IF"
PAPER = "arXiv 2410.04717"
VERSION = 1
NEVER, ENOUGH = 300, 1000


class Breadth(NamedTuple):
    """Distinct instructions, topics, and the shares of the largest topic and site."""

    instructions: int
    topics: int
    topic_share: float
    domain_share: float


def breadth(texts: Iterable[str], topics: Sequence[int], domains: Sequence[str | None]) -> Breadth:
    """Measure a set.

    Args:
        texts: Of its instructions.
        topics: Of each row.
        domains: The site of each row, or None; rows without one are in no part.
    """
    named = [one for one in domains if one is not None]
    distinct = len({" ".join(text.lower().split()) for text in texts})
    return Breadth(distinct, len({*topics}), _most(topics, len(topics)), _most(named, len(domains)))


def _most(parts: Sequence[Hashable], rows: int) -> float:
    return max(Counter(parts).values(), default=0) / max(rows, 1)


def said(found: Breadth) -> str:
    """Return what a card says of a set: what there is, and what the paper says of so many."""
    there = (
        f"Only-IF (arXiv 2410.04717): {found.instructions:,} distinct instructions on {found.topics} topics; "
        f"the largest topic has {found.topic_share:.0%} of the rows, the largest site {found.domain_share:.0%}."
    )
    if found.instructions >= ENOUGH:
        return there
    below = f"No model of the paper followed new instructions below some {NEVER}"
    between = f"Between some {NEVER} and {ENOUGH:,} the paper's models followed new instructions in part"
    why = below if found.instructions < NEVER else between
    return f"{there} {why}; from some {ENOUGH:,} on they did, trained from nothing on one synthetic task."
