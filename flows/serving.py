"""Every deployment of `deployments/prefect.yaml`, served by one process: schedules without a work pool or a worker."""

import contextlib
import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prefect import serve as serve_deployments
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron

from wellspring.tasks.contracts.errors import UsageError

DECLARED = Path(__file__).parents[1] / "deployments" / "prefect.yaml"


def declared(profile: str, store: str) -> list[RunnerDeployment]:
    """Return the deployments that prefect.yaml declares, on this profile and this store.

    Raises:
        UsageError: An entrypoint names no flow.
    """
    return [_deployment(entry, {"profile": profile, "store": store}) for entry in _entries()]


def _entries() -> list[dict[str, Any]]:
    return yaml.safe_load(DECLARED.read_text(encoding="utf-8"))["deployments"]


def _deployment(entry: Mapping[str, Any], chosen: Mapping[str, str]) -> RunnerDeployment:
    path, _, name = entry["entrypoint"].partition(":")
    module = importlib.import_module(f"wellspring.{path.removesuffix('.py').replace('/', '.')}")
    if not hasattr(module, name):
        raise UsageError(f"{entry['entrypoint']} names no flow", hint=f"correct it in {DECLARED.name}")
    return getattr(module, name).to_deployment(
        name=entry["name"],
        description=entry["description"],
        tags=entry["tags"],
        parameters=entry["parameters"] | chosen,
        schedules=[Cron(each["cron"], timezone=each["timezone"]) for each in entry["schedules"]],
        concurrency_limit=ConcurrencyLimitConfig(**entry["concurrency_limit"]),
    )


def serve(profile: str, store: str) -> None:
    """Serve all deployments until stopped, one run at a time, since a store has one writer.

    Raises:
        UsageError: A worker runs them: they were made by `prefect deploy`.
    """
    entries, served = _entries(), declared(profile, store)
    _refuse_a_workers([f"{each.flow_name}/{each.name}" for each in served])
    for variables in (entry["work_pool"]["job_variables"]["env"] for entry in entries):
        for name, value in variables.items():
            os.environ.setdefault(name, value)
    serve_deployments(*served, limit=1)


def _refuse_a_workers(names: Sequence[str]) -> None:
    """Refuse deployments that have a work pool: a worker would run them beside us, and their code is found its way."""
    pools: dict[str, str] = {}
    with get_client(sync_client=True) as client:
        for name in names:
            with contextlib.suppress(ObjectNotFound):
                pools[name] = client.read_deployment_by_name(name).work_pool_name or ""
    if not (taken := [name for name, pool in pools.items() if pool]):
        return
    pool = pools[taken[0]]
    raise UsageError(
        f"`prefect deploy` gave these to the work pool `{pool}`: {', '.join(taken)}",
        hint=f"run them there with: prefect worker start --pool {pool}; or delete them and serve again: "
        f"for name in {' '.join(taken)}; do prefect deployment delete $name; done",
    )
