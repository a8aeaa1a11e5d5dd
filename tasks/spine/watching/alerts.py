"""What a person should be called for, as Prefect events that automations act on (deployments/automations.yaml)."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts.records import content_id

NEARLY = 0.9
_NO_KEY = re.compile(r"[^a-z0-9]+")


def store_label(store: str | Path) -> str:
    """Name a store in keys that all stores of a server share: its folder's name, and a digest of where that is."""
    path = Path(store).absolute()
    name = _NO_KEY.sub("-", path.name.lower()).strip("-") or "store"
    return f"{name}-{content_id('store', str(path))[:8]}"


def audit_failed(store: str | Path, noun: str, run_id: str, failed: Sequence[Any]) -> None:
    """Say that a table broke expectations: which, and in how many rows; never the rows."""
    from prefect.events import emit_event

    broken = [f"{r.column_name or 'table'}: {r.expectation}, {r.unexpected} of {r.evaluated}" for r in failed]
    emit_event(
        "wellspring.audit.failed",
        resource={
            "prefect.resource.id": f"wellspring.table.{store_label(store)}.{noun}",
            "prefect.resource.name": f"{noun} of {store}",
        },
        payload={"run_id": run_id, "expectations": broken},
    )


def budget_nearly_spent(store: str | Path, run_id: str, spent_usd: float, cap_usd: float) -> bool:
    """Say that nine tenths of a store's budget are spent; returns whether that was so."""
    if not cap_usd or spent_usd < NEARLY * cap_usd:
        return False
    from prefect.events import emit_event

    emit_event(
        "wellspring.budget.nearly-spent",
        resource={"prefect.resource.id": f"wellspring.store.{store_label(store)}"},
        payload={"run_id": run_id, "spent_usd": round(spent_usd, 6), "max_cost_usd": cap_usd},
    )
    return True


def mark_crashed(flow_run_id: str) -> bool:
    """Tell Prefect that a flow run is dead whose process let go of the store without a word; False if it knew better.

    Without this it would show as running for ever: nothing in a self-hosted server looks after it.
    """
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Crashed

    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(UUID(flow_run_id)).state
        except ObjectNotFound:  # another server's, or long deleted
            return False
        if state is None or state.is_final():
            return False
        client.set_flow_run_state(UUID(flow_run_id), Crashed(message="Its process died; see the store."), force=True)
    return True
