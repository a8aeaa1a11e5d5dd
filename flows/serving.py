"""Every deployment of `deployments/prefect.yaml`, served by one process: schedules without a work pool or a worker."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from prefect import serve as serve_deployments
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron

from tasks.contracts.errors import UsageError

DECLARED = Path(__file__).parents[1] / "deployments" / "prefect.yaml"


def declared(profile: str | None = None, store: str = "ws") -> list[RunnerDeployment]:
    """Return the deployments that prefect.yaml declares, on this store, and on this profile where one is given.

    Raises:
        UsageError: An entrypoint names no flow.
    """
    chosen = {"store": store} | ({"profile": profile} if profile is not None else {})
    entries = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))["deployments"]
    return [_deployment(entry, chosen) for entry in entries]


def _deployment(entry: Mapping[str, Any], chosen: Mapping[str, str]) -> RunnerDeployment:
    path, _, name = entry["entrypoint"].partition(":")
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
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


def serve(profile: str | None = None, store: str = "ws") -> None:
    """Serve all deployments until stopped, one run at a time, since a store has one writer."""
    serve_deployments(*declared(profile, store), limit=1)
