"""Commands that look and change nothing of the store: status, trace, impact, dashboard, recipes, doctor."""

import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

import wellspring
from wellspring.flows import terminal
from wellspring.flows.commands.options import (
    STORE,
    JsonOption,
    PageOption,
    ProfileOption,
    SetOption,
    SiteOption,
    SourceOption,
    StoreOption,
)
from wellspring.tasks.contracts.errors import BrokenError


def status(
    *,
    store: StoreOption = STORE,
    run_id: Annotated[str | None, typer.Option("--run", help="Show what each stage of this run did.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what each stage has done, what is due and at what cost, what was refused or broke, and how runs ended."""
    from wellspring.tasks.io.storage.store import is_new
    from wellspring.tasks.spine.watching import stage_status

    if run_id is None and is_new(store):  # its first run has left nothing to read yet: its own words will do
        facts = stage_status.of_new_store(store.absolute())
    else:
        with _opened(store, says=run_id is not None) as opened:
            facts = opened.status(run_id)
    if unknown := facts.pop("unknown", ""):
        terminal.hint(f"whether this code makes more due is not known: {unknown}")
    if as_json:
        terminal.as_json(facts)
    elif run_id is None:
        terminal.standing(facts)
    else:
        terminal.funnel(facts)


@contextmanager
def _opened(store: Path, *, says: bool = True) -> Iterator[wellspring.Opened]:
    """Open a store to look at, and say of when what follows is, if a run is at work on it."""
    with wellspring.open(store) as opened:
        if says:
            _say_of_when(store, opened.as_of)
        yield opened


def _say_of_when(store: Path, seen: datetime | None) -> None:
    from wellspring.tasks.io.storage.store import holder

    if seen is not None and holder(store) is not None:
        terminal.hint(f"a run has the store: this is of {terminal.moment(seen)}")


def trace(
    target: Annotated[
        str,
        typer.Argument(
            help="The id of a row or of something refused (its beginning is enough), or FILE:LINE of an export."
        ),
    ],
    *,
    store: StoreOption = STORE,
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Print the bytes of the page as they were archived, unless the archive has changed."
        ),
    ] = False,
    corpus: Annotated[
        list[str] | None,
        typer.Option(help="Where the archive is now, for --record: a file, a folder or a URI. Repeat it for more."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a row back to where it came from: answer, instruction, demonstrations, document, archive, byte range.

    Each line shows one thing: how the line above used it ("answers", "shown", "grounded in", "record of", "said in"),
    its kind, its id, and some facts. If several lines were made from the same thing, it is shown in full once.

    For the id of something that was refused, trace says which stage refused it, why, and where it was read.

    With --record, Wellspring reads the whole archive and compares its sha256 with the one that it had at first. If they
    differ, it prints nothing. It finds an archive that was moved by this sha256, where a later build has read it, or
    under --corpus.

    With --json, each node has kind, id, relation, facts and children; `is_repeated` marks what was shown before.
    """
    with _opened(store) as opened:
        if record:
            terminal.as_bytes(opened.record(target, corpus or ()))
            return
        tree = opened.trace(target)
        if as_json:
            terminal.as_json(tree.as_dict())
        else:
            terminal.tree(tree)


def impact(
    *,
    store: StoreOption = STORE,
    url: PageOption = None,
    domain: SiteOption = None,
    source: SourceOption = None,
    document: Annotated[str | None, typer.Option(help="A document's id.")] = None,
    seed: Annotated[str | None, typer.Option(help="A seed's id.")] = None,
    prompt: Annotated[str | None, typer.Option(help="A method, by its name or fingerprint.")] = None,
    model: Annotated[str | None, typer.Option(help="A model, by its name.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what depends on a page, a site, a corpus file, a seed, a prompt or a model, down to exported lines.

    Name exactly one thing. Wellspring follows everything that was made from it, or whose prompt showed it: groundings,
    instructions, answers, exported lines. First it prints how many rows of each kind there are. Then it prints the
    exported files, the run that wrote each, and how many of its lines depend on the thing.

    This changes nothing. To remove a page, a site or a corpus file, use `wellspring forget`.

    With --json you also get the ids: start (what you named), counts, files, ids.
    """
    given = {"url": url, "domain": domain, "source": source, "document": document}
    with _opened(store) as opened:
        found = opened.impact(**given, seed=seed, prompt=prompt, model=model).as_dict()
    if as_json:
        terminal.as_json(found)
        return
    terminal.table("rows that depend on it", {"what": "left", "rows": "right"}, found["counts"].items())
    for file in found["files"]:
        terminal.say("  ".join(f"{name} {value}" for name, value in file.items()))


def dashboard(
    *,
    store: StoreOption = STORE,
    open_it: Annotated[bool, typer.Option("--open", help="Open the pages in a browser.")] = False,
    serve_it: Annotated[
        bool, typer.Option("--serve", help="Serve the pages on this machine until you stop it.")
    ] = False,
    port: Annotated[int, typer.Option(help="The port, for --serve.")] = 8400,
) -> None:
    """Write web pages about all runs of a store. They need no network, no server and no database.

    With --serve the page `Live` shows a run while it works. The pages open only on this machine, under the address that
    is printed.
    """
    index = _site(store)
    if not serve_it:
        if open_it:
            webbrowser.open(index.as_uri())
        return
    import asyncio

    from wellspring.tasks.io import loopback
    from wellspring.tasks.site import live

    listening = loopback.opened(port)
    site = loopback.Site(index.parent, live={live.PLACE: live.script_of(store.absolute())})
    address = site.address(listening.getsockname()[1])
    terminal.say(f"{address} (Ctrl-C stops it)")
    if open_it:
        webbrowser.open(address)
    asyncio.run(loopback.served(site, listening))


def _site(store: Path) -> Path:
    """Write the site, in turn with a run at work, which writes it again when it ends; say where it is.

    Raises:
        BrokenError: Some of it could not be written; the rest is.
    """
    from wellspring.tasks.io.storage.store import Store
    from wellspring.tasks.site import pages
    from wellspring.tasks.spine.watching import marts

    Store.read(store).close()  # what cannot be read is refused before a lock is laid beside it
    with marts.alone(store.absolute()), Store.read(store, works=True) as opened:
        _say_of_when(store, opened.snapshot and opened.snapshot.taken_at)
        unwritten, index = pages.write_site(opened), opened.pages / "index.html"
    terminal.say(str(index))
    if unwritten:
        raise BrokenError(
            f"{len(unwritten)} pages could not be written, all others are: {'; '.join(map(str, unwritten))}",
            hint="mend what is named, then run the same command again",
        )
    return index


def mcp(*, store: StoreOption = STORE) -> None:
    """Let a coding agent look at a store, over the Model Context Protocol on stdin and stdout.

    The agent's program starts this command itself. It may ask for status, trace, rows and estimate. Nothing can be
    changed, no port is opened, and no model is asked. Needs the extra `agents`. deployments/agents/SKILL.md tells an
    agent how to work with Wellspring.
    """
    from wellspring.flows import agents

    agents.server(store.absolute()).run()


def recipes(
    name: Annotated[str | None, typer.Argument(help="A recipe, to see all that its files say.")] = None,
    *,
    profile: ProfileOption = None,
    chosen: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which recipes can write instructions, or what one of them asks and makes.

    A recipe is named in `instructions.recipes`. With NAME you see its docstring, what it takes and makes, whom it asks,
    its settings with their defaults, and its prompts with the answers that the offline stand-in gives. Your own
    recipes are found where `plugins` names their folder: --set 'plugins=["recipes"]'.
    """
    found = wellspring.recipes(name, profile=profile, overrides=chosen or ())
    if as_json:
        terminal.as_json(found)
    elif isinstance(found, dict):
        terminal.recipe(found)
    else:
        terminal.recipes(found)


def check_plugin(
    plugin: Annotated[str, typer.Argument(help="A program file, such as mine/autoif.py; or the name of a program.")],
    *,
    profile: ProfileOption = None,
    chosen: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a program file: run it in a small store with the stand-in, kill it, shuffle it, replay it, and so on."""
    found = wellspring.check_plugin(plugin, profile=profile, overrides=chosen or ())
    if as_json:
        terminal.as_json(found)
    else:
        for one in found["checks"]:
            said = f"  {one['said']}" if one["said"] else ""
            terminal.say(f"{one['number']:>2} {one['name']:<11} {one['state']}{said}")
    if not found["is_sound"]:
        raise SystemExit(BrokenError.exit_code)


def doctor(*, store: StoreOption = STORE, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Check Python, packages, GPU, model servers, store, journal, disk and clock, and say what to do."""
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine.operations import diagnosis

    chosen = settings.load(profile)
    findings = diagnosis.examine(chosen, store)
    if all(f.is_fine or f.is_optional for f in findings):
        findings += diagnosis.learned(chosen, store)
    if as_json:
        terminal.as_json([f.as_dict() for f in findings])
    else:
        columns = dict.fromkeys(("", "what", "found", "what to do"), "left")
        terminal.table("", columns, [("ok" if f.is_fine else "!!", f.what, f.found, f.remedy) for f in findings])
    if not all(f.is_fine or f.is_optional for f in findings):
        raise SystemExit(BrokenError.exit_code)
