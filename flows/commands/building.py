"""Commands that make rows: build, export, retry; and what a build would cost."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import wellspring
from wellspring.flows import terminal
from wellspring.flows.commands.options import (
    STORE,
    CorpusOption,
    JsonOption,
    OnlyOption,
    ProfileOption,
    SeedsOption,
    SetOption,
    StoreOption,
    TrustOption,
)


class By(StrEnum):
    """What wanted rows are counted by."""

    recipe = "recipe"
    topic = "topic"


WantOption = Annotated[int | None, typer.Option(min=1, help="Go on until so many rows are accepted.")]
ByOption = Annotated[By | None, typer.Option(help="With --want: so many of each recipe, or of each topic.")]


def build(
    *,
    profile: ProfileOption = None,
    corpus: CorpusOption = None,
    seeds: SeedsOption = None,
    store: StoreOption = STORE,
    only: OnlyOption = None,
    chosen: SetOption = None,
    replay: Annotated[bool, typer.Option("--replay", help="Use recorded answers only, and send nothing.")] = False,
    want: WantOption = None,
    by: ByOption = None,
    prefect: Annotated[
        bool | None,
        typer.Option("--prefect/--no-prefect", help="Run as a Prefect flow. Default: if PREFECT_API_URL is set."),
    ] = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset from web archives and seeds, or continue one. Nothing is done or paid for twice.

    With --want, Wellspring builds in rounds. Each round uses more pages and seeds, by the acceptance so far, until that
    many rows are exported. It stops before if all inputs, `limit` or the budget are used up, and says what is missing.
    """
    asked: dict[str, Any] = {"profile": profile, "only": only, "replay": replay, "prefect": prefect}
    asked |= {"want": want, "by": by.value if by else None}
    built = wellspring.build(corpus, seeds, store, **asked, trust_store=trust, overrides=chosen or ())
    _say_build(built, as_json=as_json)


def export(
    *,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="A form by name, such as messages, dpo or raw, or one of your own. Repeat it for more.",
        ),
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="Keep only these forms, and remove the others.")] = False,
    since: Annotated[
        str | None, typer.Option(help="Also write what is new or changed since this release, in a folder of its own.")
    ] = None,
    profile: ProfileOption = None,
    store: StoreOption = STORE,
    chosen: SetOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the dataset in more forms, next to those that are there. Rows that exist are not asked for again."""
    asked: dict[str, Any] = {"only": only, "since": since, "profile": profile, "trust_store": trust}
    asked["overrides"] = chosen or ()
    _say_build(wellspring.export(formats or (), store, **asked), as_json=as_json)


def _say_build(built: wellspring.Built, *, as_json: bool) -> None:
    facts = dict(built.facts)
    if unread := facts.pop("unread"):  # the run is done all the same
        terminal.hint(f"the run is done ({facts['seconds']:.1f} s); what it did cannot be shown: {unread}")
    elif as_json:
        terminal.as_json(facts)
    else:
        _say_facts(built.store, facts)


def _say_facts(directory: Path, facts: dict[str, Any]) -> None:
    from wellspring.tasks.contracts import casting

    if facts["is_idle"]:
        terminal.say(f"Nothing was left to do: no row was due, no model was asked ({facts['seconds']:.1f} s).")
    else:
        terminal.funnel(facts)
    for file in facts["files"]:
        terminal.say(f"{file['rows']:>7} rows  {file['path']}")
    if want := facts.get("want"):
        _say_want(want)
    if since := facts.get("since"):
        _say_since(since)
    if held := facts.get("held_at"):
        terminal.hint(
            f"releases/current stays at {held}: somebody rolled back; `wellspring release --forward` lifts that"
        )
    terminal.writers(facts["writers"])
    if facts["sandbox"]:
        terminal.say(f"sandbox  {facts['sandbox']}")
    if facts["page"]:
        terminal.say(f"page     {facts['page']}")
    if facts["example_id"]:
        terminal.say(f"trace    wellspring trace {facts['example_id']} --store {directory}")
    if facts["stand_in"]:
        terminal.say(casting.NOT_FOR_TRAINING)


def _say_want(found: dict[str, Any]) -> None:
    of = f" of each {found['by']}" if found["by"] else ""
    rounds = ", ".join(f"{one['accepted']} of at most {one['limit']} inputs" for one in found["rounds"])
    terminal.say(f"wanted   {found['rows']} rows{of}; accepted {found['accepted']} ({rounds})")
    if found["missing"]:
        missing = ", ".join(f"{count} {name}" for name, count in found["missing"].items())
        terminal.say(f"missing  {missing}: {found['ended']}")
        terminal.hint("more rows need more pages or seeds (--corpus, --seeds), or a lower selections.min_score")


def _say_since(found: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {what}" for what, count in found["rows"].items())
    terminal.say(f"since {found['since']}: {counts}")
    for file in found["files"]:
        terminal.say(f"{file['rows']:>7} rows  {file['path']}")


def retry(
    *,
    profile: ProfileOption = None,
    store: StoreOption = STORE,
    run_id: Annotated[str | None, typer.Option("--run", help="Only what this run refused (its id).")] = None,
    stage: Annotated[str | None, typer.Option(help="Only what this stage refused, such as responses.")] = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", "--rejected", help="Only what was refused for this reason, such as no_page_fits."),
    ] = None,
    chosen: SetOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask again for what was refused, and finish what broke. Nothing that was answered is paid for again."""
    asked: dict[str, Any] = {"stage": stage, "reason": reason, "run": run_id, "profile": profile}
    built = wellspring.retry(store, **asked, trust_store=trust, overrides=chosen or ())
    _say_build(built, as_json=as_json)


def estimate(
    *,
    profile: ProfileOption = None,
    corpus: CorpusOption = None,
    seeds: SeedsOption = None,
    store: StoreOption = STORE,
    only: OnlyOption = None,
    pilot: Annotated[
        int | None,
        typer.Option(min=1, help="First ask about so many inputs of each program, and pay for them, to know better."),
    ] = None,
    want: WantOption = None,
    by: ByOption = None,
    chosen: SetOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a build would ask and cost, stage by stage. It rehearses on a copy of the store and sends nothing.

    With --pilot it does send something: that many inputs of each program are built as any build would, and kept.

    With --want it also says what that many exported rows will probably cost, by the rows that were accepted so far.
    """
    asked: dict[str, Any] = {"profile": profile, "only": only, "pilot": pilot, "trust_store": trust}
    asked |= {"want": want, "by": by.value if by else None}
    found = wellspring.estimate(corpus, seeds, store, **asked, overrides=chosen or ())
    if as_json:
        terminal.as_json(found)
        return
    from wellspring.tasks.io.protocol import prices

    terminal.estimate(found, prices.SHIPPED)
