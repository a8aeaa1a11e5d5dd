"""Commands around releases: make and list them, compare them, go back; and leave rows out of the next export."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import wellspring
from wellspring.flows import terminal
from wellspring.flows.commands.options import STORE, JsonOption, ProfileOption, StoreOption, TrustOption

SHOWN = 10
ReasonOption = Annotated[str, typer.Option(help="Why; it is kept with the journal.")]
IdsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Ids of rows, pages or anything else (the beginning is enough), or FILE:LINE of an export."),
]


def release(
    name: Annotated[str | None, typer.Argument(help="The name of the release, such as v1.0.")] = None,
    *,
    store: StoreOption = STORE,
    forward: Annotated[
        bool, typer.Option("--forward", help="Lift a rollback first: `current` follows new releases again.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option("--sign", metavar="KEY", help="Sign it with this private key: `wellspring keys`."),
    ] = None,
    reason: ReasonOption = "asked",
    as_json: JsonOption = False,
) -> None:
    """Freeze what is exported under a name, and let STORE/releases/current lead to it.

    A release holds the exported files, the card, a manifest and the lineage of its rows. Nothing in it changes. The
    manifest names each file with its sha256, and one digest for all: the same rows have the same digest.

    `current` is switched at once, so readers see the old release or the new one. After a rollback it stays where it is
    until --forward.
    """
    found = wellspring.release(name, store, forward=forward, reason=reason, key=key)
    if as_json:
        terminal.as_json(found)
        return
    said = "was there already, with the same digest" if found.get("was_there") else "is in its place"
    said = said if name else "is current now"
    terminal.say(f"{found['name']} {said}: {found['rows']} rows, digest {found['digest']}")
    terminal.say(found["folder"])
    if found.get("public_key"):
        terminal.say(f"signed; verify it with: wellspring verify {found['folder']} --key {found['public_key']}")
    if held := found.get("held_at"):
        terminal.hint(f"current stays at {held}: somebody rolled back; `wellspring release --forward` lifts that")


def releases(*, store: StoreOption = STORE, as_json: JsonOption = False) -> None:
    """List the releases, the oldest first: date, rows, digest, which is current, whether its files are whole.

    Every file is read and compared with its sha256 in the manifest.
    """
    found = wellspring.releases(store)
    if as_json:
        terminal.as_json(found)
        return
    columns = {"release": "left", "made (UTC)": "left", "rows": "right", "digest": "left", "": "left"}
    rows = [(one["name"], one["made_at"][:19], one["rows"], one["digest"][:16], _state(one)) for one in found]
    terminal.table("" if found else "there is no release yet: wellspring release NAME", columns, rows)


def _state(one: Mapping[str, Any]) -> str:
    said = ["current"] if one["is_current"] else []
    said += ["rolled back to"] if one["is_held"] else []
    said += ["signed"] if one["is_signed"] else []
    said += [] if one["is_whole"] else ["DAMAGED"]
    said += [f"stands for {one['reissue_of']}, without what was forgotten"] if one["reissue_of"] else []
    return ", ".join(said)


def diff(
    a: Annotated[str, typer.Argument(help="A release, or `now`.")],
    b: Annotated[str, typer.Argument(help="A release, or `now`: what an export would give.")] = "now",
    *,
    store: StoreOption = STORE,
    profile: ProfileOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two releases, and why: rows that were added, removed or changed, settings, measures.

    Rows are matched by the input that they were made from and their place there, not by their ids. So a row that was
    made anew from the same page is changed. `now` is rehearsed on a copy of the store, and sends nothing.
    """
    found = wellspring.diff(a, b, store, profile=profile, trust_store=trust)
    if as_json:
        terminal.as_json(found)
        return
    names = (found["a"]["name"], found["b"]["name"])
    counts = ", ".join(f"{count} {what}" for what, count in found["rows"].items())
    terminal.say(f"{names[0]} -> {names[1]}: {counts}")
    reasons = [(what, why, count) for what, of in found["why"].items() for why, count in of.items()]
    if reasons:
        terminal.table("why", {"rows": "left", "because": "left", "how many": "right"}, reasons)
    forms = [(one["form"], one["rows_a"], one["rows_b"]) for one in found["forms"]]
    terminal.table("forms", {"form": "left", names[0]: "right", names[1]: "right"}, forms)
    for what in ("setting", "measure"):
        rows = [(one[what], one["a"], one["b"]) for one in found[f"{what}s"] if one["a"] != one["b"]]
        if rows:
            terminal.table(f"{what}s that differ", {what: "left", names[0]: "right", names[1]: "right"}, rows)
    for one in found["changes"][:SHOWN]:
        terminal.say(f"{one['what']:<8} {one['line_b'] or one['line_a']}  {one['why']}  {one['id_b'] or one['id_a']}")
    if (more := len(found["changes"]) - SHOWN) > 0:
        terminal.hint(f"{more} more rows differ; --json has all of them")


def rollback(
    name: Annotated[str, typer.Argument(help="The release to go back to.")],
    *,
    store: StoreOption = STORE,
    reason: ReasonOption = "asked",
    as_json: JsonOption = False,
) -> None:
    """Let STORE/releases/current lead to an earlier release, and stay there.

    Builds and new releases leave `current` alone from then on, and say so. `wellspring release --forward` lifts that.
    The decision is kept with the journal, so it also holds if the database is made anew.
    """
    found = wellspring.rollback(name, store, reason=reason)
    if as_json:
        terminal.as_json(found)
        return
    terminal.say(f"current leads to {found['name']} now ({found['rows']} rows); before to {found['before'] or 'none'}")
    terminal.hint("it stays there until `wellspring release --forward`")


def exclude(
    ids: IdsArgument = None,
    *,
    store: StoreOption = STORE,
    where: Annotated[
        str,
        typer.Option(help="Rows that meet this condition on exported columns now: \"score < 5 and not url in ('u')\"."),
    ] = "",
    reason: ReasonOption = "asked",
    as_json: JsonOption = False,
) -> None:
    """Leave rows, pages or anything else out of the next export, with all that rests on it. Nothing is deleted.

    What is left out is in quarantine: `wellspring excluded` lists it, and `wellspring include` takes it out again. It
    also stays out if the database is made anew. The card says what was left out, and why. If an answer is left out,
    another answer to the same instruction may take its place: to leave out both, name the instruction.

    A condition compares columns: = != < <= > >= with a number or a 'text'; `in (..)`, `contains 'text'`, `is null`;
    `and`, `or`, `not` and parentheses. It names the rows that meet it now, not those of later builds.
    """
    _say_excluded(wellspring.exclude(ids or (), store, where=where, reason=reason), store, as_json=as_json)


def include(
    ids: IdsArgument = None,
    *,
    store: StoreOption = STORE,
    everything: Annotated[bool, typer.Option("--all", help="All that is in quarantine.")] = False,
    reason: ReasonOption = "asked",
    as_json: JsonOption = False,
) -> None:
    """Take something out of quarantine: the next export has it again."""
    found = wellspring.include(ids or (), store, everything=everything, reason=reason)
    _say_excluded(found, store, as_json=as_json)


def excluded(*, store: StoreOption = STORE, as_json: JsonOption = False) -> None:
    """List what is in quarantine: left out of exports until it is included again, and why."""
    found = wellspring.excluded(store)
    terminal.as_json(found) if as_json else _quarantine(found)


def _say_excluded(found: Mapping[str, Any], store: object, *, as_json: bool) -> None:
    if as_json:
        terminal.as_json(found)
        return
    _quarantine(found["left_out"])
    if found["already"]:
        terminal.say(f"{len(found['already'])} of these were so before")
    terminal.hint(f"the files change with the next build, or now: wellspring export --store {store}")


def _quarantine(rows: list[dict[str, Any]]) -> None:
    keys = ("id", "reason", "instructions", "answers", "rewrites")
    columns = dict.fromkeys(keys[:2], "left") | dict.fromkeys(keys[2:], "right")
    title = "left out of exports, with what rests on it" if rows else "nothing is left out of exports"
    terminal.table(title, columns, [tuple(row[key] for key in keys) for row in rows])
