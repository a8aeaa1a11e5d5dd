"""Commands around a store: take something out, batch jobs, a profile to begin with, and what is served."""

import os
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows import terminal
from flows.commands import options
from flows.commands.options import (
    STORE,
    JsonOption,
    PageOption,
    ProfileOption,
    SiteOption,
    SourceOption,
    StoreOption,
)
from tasks.contracts.errors import UsageError


class Policy(StrEnum):
    """What becomes of rows that were only shown what is forgotten."""

    drop = "drop"
    remake = "remake"


def forget(
    *,
    store: StoreOption = STORE,
    url: PageOption = None,
    domain: SiteOption = None,
    source: SourceOption = None,
    policy: Annotated[Policy, typer.Option(help="What becomes of rows that were only shown it.")] = Policy.drop,
    reason: Annotated[str, typer.Option(help="Why, for the tombstone.")] = "asked",
    as_json: JsonOption = False,
) -> None:
    """Take a page, site or corpus out with everything made from it, for good; prints a receipt that was checked."""
    from tasks.io.store import Store
    from tasks.spine import forgetting

    with Store.read(store) as opened:
        receipt = forgetting.forget(
            opened, policy=policy.value, reason=reason, url=url, domain=domain, source=source
        ).as_dict()
    if as_json:
        terminal.as_json(receipt)
        return
    terminal.receipt(receipt)
    terminal.hint(f"wellspring build --profile {store}/settings.json --store {store} writes the dataset without it")


def batches(
    *,
    store: StoreOption = STORE,
    profile: ProfileOption = None,
    cancel: Annotated[str | None, typer.Option("--cancel", help="A job's id, or `all`.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the batch jobs that are out, or cancel them; the next build collects what they answered until then."""
    from tasks.contracts import settings
    from tasks.io.batches import listed
    from tasks.io.llm import Models
    from tasks.io.store import refuse_newer

    refuse_newer(store)
    jobs = listed(store)
    if cancel:
        with Models(settings.load(options.profile_of(store, profile)), store, "batches") as models:
            cancelled = sum(models.cancel(role, cancel) for role in sorted({job.role for job in jobs}))
        terminal.say(f"{cancelled} of {len(jobs)} jobs are asked to stop; the next build collects what they answered")
    elif as_json:
        terminal.as_json([asdict(job) for job in jobs])
    else:
        columns = {"job": "left", "role": "left", "endpoint": "left", "calls": "right", "set aside": "right"}
        told = [(job.job_id or "not made yet", job.role, job.endpoint, job.calls) for job in jobs]
        rows = [(*row, terminal.money(job.reserved_micro_usd / 1e6)) for row, job in zip(told, jobs, strict=True)]
        terminal.table("batch jobs that are out", columns, rows)


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("wellspring.toml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a profile with every setting, its default and what it means, ready to edit."""
    from tasks.contracts import profiles

    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="give another name, or --force to write over it")
    path.write_text(profiles.commented(), encoding="utf-8")
    terminal.say(f"{path} is written; build with: wellspring build --profile {path}")


def serve(*, profile: ProfileOption = None, store: StoreOption = STORE) -> None:
    """Serve every schedule of deployments/prefect.yaml from this process, against a running Prefect server."""
    if not os.environ.get("PREFECT_API_URL"):
        raise UsageError(
            "there is no Prefect server to serve for: PREFECT_API_URL is not set",
            hint="prefect server start, then PREFECT_API_URL=http://127.0.0.1:4200/api wellspring serve",
        )
    from tasks.contracts import settings

    settings.load(profile or "full")
    from flows import serving

    serving.serve(profile, str(store.absolute()))


def offline_model(
    *,
    port: Annotated[int, typer.Option(help="Port on loopback; 0 takes a free one and says which.")] = 8000,
    chosen: Annotated[
        str, typer.Option("--faults", help="Faults to inject, by profile name (seeded); empty injects none.")
    ] = "",
) -> None:
    """Serve the offline stand-in as an OpenAI-compatible server on loopback. It is extractive, not a language model."""
    from tasks.io import faults

    faults.serve(port, chosen)
