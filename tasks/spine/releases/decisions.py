"""What a person decided: of rows, whether they are left out; of releases, at which one the link stays.

A decision is a row that nothing changes, and of one value the latest counts. It lies with the journal, too, as
tombstones do: a database that is made anew knows it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.visible import visible
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running.runs import now

MOST_REASON_CHARS = 1_000


def decide(store: Store, kind: str, values: Sequence[str], reason: str) -> None:
    """Write down what a person decided, with the journal, too; what was decided before stays on record.

    Args:
        store: The store, held for writing.
        kind: `exclude`, `include`, `rollback` or `forward`.
        values: Ids, or the name of a release.
        reason: Why.

    Raises:
        UsageError: The reason is too long.
    """
    if len(reason) > MOST_REASON_CHARS:
        raise UsageError(f"the reason has {len(reason):,} characters, and may have {MOST_REASON_CHARS:,}")
    last = cast("datetime | None", store.query("decisions/all")["decided_at"].max())
    at = now() if last is None else max(now(), last + timedelta(microseconds=1))
    said = visible(reason.replace("\n", " ")).strip()
    store.append("decisions", [records.Decision(kind, value, said, at) for value in values])
    store.entrust()


def held_at(store: Store) -> str:
    """Return the name of the release that a person rolled back to, while that stands; else nothing."""
    found = [(one["kind"], one["value"]) for one in store.query("decisions/all").to_dicts()]
    last = next((one for one in reversed(found) if one[0] in {"rollback", "forward"}), ("", ""))
    return last[1] if last[0] == "rollback" else ""
