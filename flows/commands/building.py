"""Commands that make rows: build, export, retry; and what a build would cost."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wellspring.flows import terminal
from wellspring.flows.commands import options
from wellspring.flows.commands.options import (
    STORE,
    CorpusOption,
    JsonOption,
    OnlyOption,
    Part,
    ProfileOption,
    SeedsOption,
    SetOption,
    StoreOption,
    TrustOption,
)
from wellspring.tasks.contracts.errors import WellspringError

if TYPE_CHECKING:
    from wellspring.tasks.spine.runs import Run


def build(
    *,
    profile: ProfileOption = None,
    corpus: CorpusOption = None,
    seeds: SeedsOption = None,
    store: StoreOption = STORE,
    only: OnlyOption = None,
    chosen: SetOption = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Answer from recorded completions only; send nothing.")
    ] = False,
    prefect: Annotated[
        bool | None,
        typer.Option("--prefect/--no-prefect", help="Run as a Prefect flow. Default: where PREFECT_API_URL is set."),
    ] = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset from web archives, or go on with one: only what is left is done, nothing is paid twice."""
    overrides = options.overrides(corpus, seeds, chosen, replay=replay)
    named = options.profile(profile, corpus, seeds, trust=trust)
    _run(named, store, overrides, only=only, prefect=prefect, as_json=as_json)


def export(
    *,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help="messages, sharegpt, alpaca, dpo, kto, reward_conditioned or raw. Again for more."
        ),
    ] = None,
    only: Annotated[
        bool, typer.Option("--only", help="Only these forms; those that are there are taken away.")
    ] = False,
    profile: ProfileOption = None,
    store: StoreOption = STORE,
    chosen: SetOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the dataset's files in more forms, beside those that are there; asks no model for what is there."""
    overrides = [f"exports.{'formats' if only else 'also'}={json.dumps(formats)}"] if formats else []
    overrides += ["exports.also=[]", "exports.added=drop"] if only else []
    named = options.profile_of(store, profile, trust=trust)
    _run(named, store, overrides + list(chosen or ()), only=Part.curation, as_json=as_json)


def _run(
    profile: str,
    store: Path,
    overrides: list[str],
    *,
    only: Part | None,
    as_json: bool,
    prefect: bool | None = None,
) -> None:
    """Run the main job or a part of it, as a Prefect flow where a server is configured, and say what came of it."""
    started = time.monotonic()
    from wellspring.tasks.contracts import casting, settings
    from wellspring.tasks.spine import preflight

    wanted = settings.load(profile, overrides)
    casting.refuse_stand_ins(wanted)
    preflight.look(wanted, store, _parts(only))  # the run looks again; here it is said before Prefect is loaded
    from wellspring.flows.dataset import dataset

    scheduled = bool(os.environ.get("PREFECT_API_URL")) if prefect is None else prefect
    if scheduled:
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
        from wellspring.flows.temporary_server import TemporaryServer

        TemporaryServer()  # Prefect starts this one, should it need one
    job = dataset if scheduled else dataset.fn
    job(profile=profile, store=str(store), overrides=overrides, only=only.value if only else None)
    _say_build(store, time.monotonic() - started, as_json=as_json)


def _parts(only: Part | None) -> list[str]:
    return [only.value] if only else [part.value for part in Part]


def _say_build(directory: Path, seconds: float, *, as_json: bool) -> None:
    from wellspring.tasks.io.store import Store
    from wellspring.tasks.spine import summaries

    try:
        with Store.read(directory) as store:
            facts: dict[str, Any] = summaries.of_run(store) | {"seconds": round(seconds, 1)}
    except WellspringError as fault:  # the run is done all the same
        terminal.hint(f"the run is done ({seconds:.1f} s); what it did cannot be shown: {fault}")
        return
    if as_json:
        terminal.as_json(facts)
    else:
        _say_facts(directory, facts)


def _say_facts(directory: Path, facts: dict[str, Any]) -> None:
    from wellspring.tasks.contracts import casting

    if facts["is_idle"]:
        terminal.say(f"Nothing was left to do: no row was due, no model was asked ({facts['seconds']:.1f} s).")
    else:
        terminal.funnel(facts)
    for file in facts["files"]:
        terminal.say(f"{file['rows']:>7} rows  {file['path']}")
    terminal.writers(facts["writers"])
    if facts["page"]:
        terminal.say(f"page     {facts['page']}")
    if facts["example_id"]:
        terminal.say(f"trace    wellspring trace {facts['example_id']} --store {directory}")
    if facts["stand_in"]:
        terminal.say(casting.NOT_FOR_TRAINING)


def retry(
    *,
    profile: ProfileOption = None,
    store: StoreOption = STORE,
    run_id: Annotated[str | None, typer.Option("--run", help="Only what this run refused.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only what this stage refused.")] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", "--rejected", help="Only what was refused for this.")
    ] = None,
    chosen: SetOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask again for what was refused, and finish what broke; nothing that was answered is paid again."""
    started = time.monotonic()
    from wellspring.flows.retry import retry as again

    again.fn(options.profile_of(store, profile, trust=trust), str(store), list(chosen or ()), stage, reason, run_id)
    _say_build(store, time.monotonic() - started, as_json=as_json)


def estimate(
    *,
    profile: ProfileOption = None,
    corpus: CorpusOption = None,
    seeds: SeedsOption = None,
    store: StoreOption = STORE,
    only: OnlyOption = None,
    chosen: SetOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what a build would ask and cost, by stage, before anything is sent: rehearsed on a copy of the store."""
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine import preflight

    overrides = options.overrides(corpus, seeds, chosen)
    name = options.profile(profile, corpus, seeds, trust=trust)
    wanted = settings.load(name, overrides)
    preflight.look(wanted, store, _parts(only), is_sending=False)  # before Prefect is loaded
    from wellspring.flows.dataset import dataset
    from wellspring.tasks.io import prices
    from wellspring.tasks.spine import estimating

    def rehearse(run: "Run") -> None:
        dataset.fn(name, str(run.store.path), overrides, only.value if only else None)

    found = estimating.estimate(wanted, store, rehearse)
    if as_json:
        terminal.as_json(found)
    else:
        terminal.estimate(found, prices.SHIPPED)
