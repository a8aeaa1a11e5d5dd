"""Which instructions are taken: the best of each topic in turn, under a budget and a cap on any one domain.

Paper: SynthQuestions, step E (a threshold, then the highest scored of each topic until the budget), whose tie-break,
topic count and quota are not given although 45% tie at the top score. Ours declares them: within a topic by score,
then novelty (distance to the nearest other instruction), then id; topics give one each in turn, in the order of their
best member, until the budget is full. Controls are drawn from everything that could have been taken, whatever its
score: Rethinking Data Selection (PAPERS C) finds that almost nothing beats them, so they are always there, five of
equal size.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

VERSION = 1


class Candidate(NamedTuple):
    """An instruction that may be taken: `novelty` is 1 minus the cosine to its nearest neighbour."""

    instruction_id: str
    score: float
    novelty: float
    topic: int
    domain: str | None


class Taken(NamedTuple):
    """An instruction that was taken, at its rank."""

    instruction_id: str
    rank: int
    topic: int


def best_per_topic(
    candidates: Sequence[Candidate], budget: int, per_topic: int, max_domain_share: float
) -> list[Taken]:
    """Take candidates round by round: in each round the next best of every topic, best first.

    Args:
        candidates: Those over the threshold, in any order.
        budget: How many to take; 0 takes as many as the other rules allow.
        per_topic: At most so many of a topic; 0 is no limit.
        max_domain_share: At most this share of the budget (of the candidates, without one) from one domain, at least
            one row.
    """
    ranked = sorted(candidates, key=lambda c: (-c.score, -c.novelty, c.instruction_id))
    size = min(budget or len(ranked), len(ranked))
    most = size if max_domain_share >= 1 else max(1, int(max_domain_share * size))
    waves: dict[int, list[Candidate]] = {}
    seen: Counter[int] = Counter()
    for candidate in ranked:
        waves.setdefault(seen[candidate.topic], []).append(candidate)
        seen[candidate.topic] += 1
    taken: list[Taken] = []
    domains: Counter[str] = Counter()
    for wave in sorted(waves):
        if per_topic and wave >= per_topic:
            break
        for candidate in waves[wave]:
            if len(taken) < size and (candidate.domain is None or domains[candidate.domain] < most):
                taken.append(Taken(candidate.instruction_id, len(taken), candidate.topic))
                if candidate.domain is not None:
                    domains[candidate.domain] += 1
    return taken


def control(candidates: Sequence[tuple[str, int]], size: int, seed: str) -> list[Taken]:
    """Draw a random control of `size` from (instruction id, topic): ordered by a hash of seed and id.

    The same candidates give the same control in any order and on any machine; growing the pool keeps most of it.
    """
    drawn = sorted(candidates, key=lambda c: hashlib.sha256(f"{seed}/{c[0]}".encode()).digest())[:size]
    return [Taken(instruction_id, rank, topic) for rank, (instruction_id, topic) in enumerate(drawn)]
