"""What a stage did, as numbers: what receipts keep, progress shows and Prefect carries instead of data."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Counts:
    """What a stage, or a part of it, did. `cached_calls` are answers that were recorded earlier and cost nothing."""

    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    calls: int = 0
    cached_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What Prefect carries instead of data: which stage of which run, what it counted, how long it took."""

    run_id: str
    stage: str
    counts: Counts
    seconds: float
