"""What a stage did, as numbers: what receipts keep, progress shows and Prefect carries instead of data."""

import math
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Counts:
    """What a stage, or a part of it, did. `cached_calls` are answers that were recorded earlier and cost nothing.

    `unpriced_calls` were paid for at a price that no table lists. With one of them the cost is unknown: the store keeps
    NaN for it, as for every sum that it is in, so that no sum of a part of the calls passes for that of all.
    """

    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    calls: int = 0
    cached_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = field(default=0, compare=False)

    @property
    def paid_usd(self) -> float:
        """What it cost in US dollars; NaN where nobody knows."""
        return math.nan if self.unpriced_calls else self.cost_usd

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def known(usd: float | None) -> float | None:
    """Return a cost for programs and people: None where nobody knows it."""
    return None if usd is None or math.isnan(usd) else usd


@dataclass(frozen=True, slots=True)
class Receipt:
    """What Prefect carries instead of data: which stage of which run, what it counted, how long it took."""

    run_id: str
    stage: str
    counts: Counts
    seconds: float


@dataclass(frozen=True, slots=True)
class Conducted:
    """What one program did in a run: inputs that it began, calls, recorded ones included, and what they came to.

    `waves` is how many calls of an input had to wait for each other, at most. `most_calls` is what the program says.
    """

    stage: str
    program: str
    fingerprint: str
    inputs: int
    calls: int
    waves: int
    most_calls: int
