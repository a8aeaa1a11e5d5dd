"""Since when something is new: the last release, or where there is none, the run before the last one that wrote.

A run that had nothing to do is passed over, so that an idle night neither hides what came before it nor looks like a
loss.
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from wellspring.tasks.io.storage.store import Store


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a page compares with: its kind (`release`, `run` or `nothing`), its name, and when it stood."""

    kind: str
    name: str
    at: datetime | None


def baseline(store: Store) -> Baseline:
    """Return what the store is compared with; runs that began after its moment are new.

    Args:
        store: The store.
    """
    return of_runs(store.query("marts/runs", run_id=None))


def of_runs(runs: pl.DataFrame) -> Baseline:
    """Return the run before the last one that exported, or else wrote, anything; nothing where there is none."""
    wrote = runs.filter((pl.col("rows_out") > 0) | (pl.col("rows_rejected") > 0)).sort("started_at", "run_id")
    exported = wrote.filter(pl.col("exported") > 0)
    wrote = exported if exported.height > 1 else wrote
    if wrote.height < 2:  # noqa: PLR2004 - a first run has none before it
        return Baseline("nothing", "", None)
    before = wrote.row(-2, named=True)
    return Baseline("run", before["run_id"], before["started_at"])
