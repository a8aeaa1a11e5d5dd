"""Commands around a store: take something out, batch jobs, a profile to begin with, and what is served."""

import os
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperCommand

import wellspring
from wellspring.flows import choices, terminal
from wellspring.flows.commands.options import (
    STORE,
    JsonOption,
    PageOption,
    ProfileOption,
    SetOption,
    SiteOption,
    SourceOption,
    StoreOption,
    TrustOption,
)
from wellspring.tasks.contracts.errors import UsageError

if TYPE_CHECKING:
    from wellspring.tasks.io.models.jobs import Job


class Policy(StrEnum):
    """What becomes of rows that were only shown what is forgotten."""

    drop = "drop"
    remake = "remake"


class NearCopies(StrEnum):
    """What becomes of pages that are nearly what is forgotten."""

    remove = "remove"
    only_named = "name"


def forget(
    *,
    store: StoreOption = STORE,
    url: PageOption = None,
    domain: SiteOption = None,
    source: SourceOption = None,
    policy: Annotated[
        Policy, typer.Option(help="What to do with rows whose prompt only showed it: drop them, or make them again.")
    ] = Policy.drop,
    near_copies: Annotated[
        NearCopies,
        typer.Option(help="Remove near copies on other pages, too; or keep them and name them in the receipt."),
    ] = NearCopies.remove,
    reason: Annotated[str, typer.Option(help="Why; the tombstone keeps it.")] = "asked",
    as_json: JsonOption = False,
) -> None:
    """Remove a page, a site or a corpus file for good, with everything made from it. Print a checked receipt."""
    what: dict[str, Any] = {"url": url, "domain": domain, "source": source, "reason": reason}
    receipt = wellspring.forget(store, **what, policy=policy.value, near_copies=near_copies.value)
    for warning in receipt.pop("unwritten"):
        terminal.hint(warning)
    if as_json:
        terminal.as_json(receipt)
        return
    terminal.receipt(receipt)
    terminal.hint(f"wellspring build --profile {store}/settings.json --store {store} writes the dataset without it")


def tune_prompt(
    program: Annotated[str, typer.Argument(help="A program: its name, such as href.")],
    heading: Annotated[str, typer.Argument(help="Which of its prompts: a heading of its .md file.")],
    *,
    examples: Annotated[
        Path,
        typer.Option(help='A JSON Lines file: {"fields": {...}, "wanted": ...} a line, wanted an object or a text.'),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the prompt file there, with the better prompt in its place.")
    ] = None,
    store: StoreOption = STORE,
    profile: ProfileOption = None,
    chosen: SetOption = None,
    role: Annotated[str, typer.Option(help="Whose model answers. Without it, whom the program asks.")] = "",
    groups: Annotated[int, typer.Option(min=1, max=50, help="Groups of examples that prompts are proposed from.")] = 4,
    proposals: Annotated[int, typer.Option(min=1, max=100, help="Prompts proposed from each (the paper: 50).")] = 3,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds of trials.")] = 5,
    arms: Annotated[int, typer.Option(min=1, max=200, help="Prompts tried in a round (the paper: 50).")] = 4,
    samples: Annotated[int, typer.Option(min=1, max=200, help="Examples for each in a round (the paper: 50).")] = 5,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Search for a prompt that does better on labelled examples, and say by how much on those it has not seen.

    A model proposes instructions from some of your examples. They compete with the prompt that is there: those that
    answer more examples right are tried more often. A third of the examples is kept out, and both are held against it
    at the end. Answers are recorded in the store: cut it and run it again, and nothing is paid twice.
    """
    search = {"groups": groups, "proposals": proposals, "rounds": rounds, "arms": arms, "samples": samples}
    asked: dict[str, Any] = {"profile": profile, "role": role, "out": out, "trust_store": trust, **search}
    found = wellspring.tune_prompt(
        program, heading, examples, store, **asked, overrides=chosen or (), say=terminal.note
    )
    if as_json:
        terminal.as_json(found)
        return
    terminal.tuned(found)


def batches(
    *,
    store: StoreOption = STORE,
    profile: ProfileOption = None,
    cancel: Annotated[
        str | None, typer.Option("--cancel", help="Cancel a job by its name in the list, or `all`.")
    ] = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the open batch jobs and the last that failed; or cancel some, so that their calls can be sent again."""
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.io.models.jobs import OPEN, listed
    from wellspring.tasks.io.models.llm import Models
    from wellspring.tasks.io.storage.store import refuse_newer

    refuse_newer(store)
    jobs = listed(store)
    if cancel:
        out = [job for job in jobs if job.state in OPEN]
        with Models(settings.load(choices.profile_of(store, profile, trust=trust)), store, "batches") as models:
            cancelled = sum(models.cancel(role, cancel) for role in sorted({job.role for job in out}))
        said = f"{cancelled} of {len(out)} jobs are asked to stop; the next build collects what they answered"
        terminal.as_json({"cancelled": cancelled, "out": len(out)}) if as_json else terminal.say(said)
    elif as_json:
        terminal.as_json([asdict(job) for job in jobs])
    else:
        columns = dict.fromkeys(("job", "role", "endpoint", "state", "since"), "left")
        columns |= dict.fromkeys(("calls", "done", "failed", "set aside"), "right")
        terminal.table("batch jobs that are out, and the last that ended in trouble", columns, map(_job_row, jobs))
        for job in jobs:
            if job.said:
                terminal.say(f"{job.name}: {job.said}")


def _job_row(job: "Job") -> tuple[object, ...]:
    """Return a job as a row; the server's own word for its state stands behind ours."""
    state = f"{job.state} ({job.status})" if job.status and job.status != job.state else job.state
    since = datetime.fromtimestamp(job.since, UTC).strftime("%Y-%m-%d %H:%M UTC") if job.since else "?"
    aside = terminal.money(job.reserved_micro_usd / 1e6)
    return job.name, job.role, job.endpoint, state, since, job.calls, job.done, job.failed, aside


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("wellspring.toml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    profile: Annotated[
        str | None, typer.Option(help="A profile whose plug-ins are shown, too: their folders and their knobs.")
    ] = None,
    chosen: SetOption = None,
) -> None:
    """Write a profile to edit: a TOML file with every setting, its default and its meaning."""
    from wellspring.tasks.contracts import profiles, settings

    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="give another name, or overwrite it with --force")
    from wellspring.tasks.spine.running import judging, recipes

    own = settings.load(profile, chosen or ()) if profile or chosen else settings.Settings()
    told = {f"recipes.{one.name}": one.knobs for one in recipes.plugged_in(own)} if profile or chosen else {}
    told |= {f"methods.{one.name}": one.knobs for one in judging.all_over_sets(own)}
    with_knobs = {name: knobs for name, knobs in told.items() if type(knobs).model_fields}
    path.write_text(profiles.commented(own.plugins, with_knobs), encoding="utf-8")
    terminal.say(f"{path} is written; build with: wellspring build --profile {path}")


def serve(
    *,
    profile: ProfileOption = None,
    store: StoreOption = STORE,
    watch: Annotated[
        int, typer.Option(min=0, help="Look for new archives every so many seconds, and read them; 0: by the clock.")
    ] = 0,
) -> None:
    """Run every schedule in deployments/prefect.yaml from this process. It needs a running Prefect server."""
    if not os.environ.get("PREFECT_API_URL"):
        raise UsageError(
            "there is no Prefect server to serve for: PREFECT_API_URL is not set",
            hint="prefect server start, then PREFECT_API_URL=http://127.0.0.1:4200/api wellspring serve",
        )
    from wellspring.tasks.contracts import settings

    chosen = settings.load(profile or "full")
    from wellspring.flows import serving, watching

    if watch:
        places = [corpus.path for corpus in chosen.sources.corpora]
        if not places:
            raise UsageError("the profile names no corpus to watch", hint="add [[sources.corpora]] to the profile")
        watching.watch(places, store.absolute(), watch, watching.started, watching.outcome)
    serving.serve(profile or "full", str(store.absolute()))


class WithQuirks(TyperCommand):
    """A command whose help ends with all quirks; they are read when the help is asked for, and not before."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        from wellspring.tasks.io.standin import quirks

        plain, lines = self.epilog, [self.epilog or ""]
        for group, told in quirks.sentences().items():
            lines += [f"Quirks, {group}:", *(f"[bold]{name}[/bold]  {escape(said)}" for name, said in told.items())]
        self.epilog = "\n\n".join(lines)
        super().format_help(ctx, formatter)
        self.epilog = plain


def offline_model(
    *,
    port: Annotated[int, typer.Option(help="The port on this machine; 0 takes a free one and prints it.")] = 8000,
    chosen: Annotated[
        str, typer.Option("--faults", help="Answer with faults: the name of a fault profile. Empty: no faults.")
    ] = "",
    quirk: Annotated[
        list[str] | None,
        typer.Option(
            help="Behave as some real servers do: NAME, NAME=VALUE or NAME=VALUE,option=value. Repeat it for more."
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="A profile whose plug-ins are known: their examples answer their prompts."),
    ] = None,
) -> None:
    """Serve the offline stand-in as an OpenAI-compatible server on this machine. It is not a language model."""
    if profile:
        from wellspring.tasks.contracts import settings
        from wellspring.tasks.spine.running import recipes

        recipes.plugged_in(settings.load(profile))
    if quirk:
        from wellspring.tasks.io.standin import quirks

        quirks.serve(port, quirk, chosen)
        return
    from wellspring.tasks.io.standin import faults

    faults.serve(port, chosen)
