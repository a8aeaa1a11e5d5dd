"""Since when something is new: the last release, or where there is none, the run before the last one that wrote.

A run that had nothing to do is passed over, so that an idle night neither hides what came before it nor looks like a
loss.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.releases import releases


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a page compares with: its kind (`release`, `run` or `nothing`), its name, and when it stood."""

    kind: str
    name: str
    at: datetime | None


def baseline(store: Store, runs: pl.DataFrame) -> Baseline:
    """Return what the store is compared with; runs that began after its moment are new.

    Args:
        store: The store.
        runs: All its runs.
    """
    name = releases.current(store.path)
    made = str(releases.manifest(releases.folder_of(store.path) / name).get("made_at", "")) if name else ""
    with suppress(ValueError):
        at = datetime.fromisoformat(made)
        return Baseline("release", name, at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at)
    return of_runs(runs)


def of_runs(runs: pl.DataFrame) -> Baseline:
    """Return the run before the last one that exported, or else wrote, anything; nothing where there is none."""
    wrote = runs.filter((pl.col("rows_out") > 0) | (pl.col("rows_rejected") > 0)).sort("started_at", "run_id")
    exported = wrote.filter(pl.col("exported") > 0)
    wrote = exported if exported.height > 1 else wrote
    if wrote.height < 2:  # noqa: PLR2004 - a first run has none before it
        return Baseline("nothing", "", None)
    before = wrote.row(-2, named=True)
    return Baseline("run", before["run_id"], before["started_at"])
