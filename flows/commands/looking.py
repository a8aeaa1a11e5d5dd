"""Commands that look and change nothing of the store: status, trace, impact, dashboard, doctor."""

import asyncio
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
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
    SiteOption,
    SourceOption,
    StoreOption,
)
from wellspring.tasks.contracts.errors import BrokenError


def status(
    *,
    store: StoreOption = STORE,
    run_id: Annotated[str | None, typer.Option("--run", help="One run: what each of its stages did.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is done, due, refused, failed and running in each stage, what the rest would cost, how runs ended."""
    from wellspring.tasks.io.store import is_new
    from wellspring.tasks.spine import standing

    if run_id is None and is_new(store):  # its first run has left nothing to read yet: its own words will do
        facts = standing.of_new_store(store.absolute())
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
    from wellspring.tasks.io.store import holder

    with wellspring.open(store) as opened:
        if says and opened.as_of is not None and holder(store) is not None:
            terminal.hint(f"a run has the store: this is of {terminal.moment(opened.as_of)}")
        yield opened


def trace(
    target: Annotated[
        str,
        typer.Argument(help="An id (or its beginning) of any row, or of what was refused, or FILE:LINE of an export."),
    ],
    *,
    store: StoreOption = STORE,
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Print the bytes of the original record, if its archive is the one that was read."
        ),
    ] = False,
    corpus: Annotated[
        list[str] | None,
        typer.Option(help="Where the archive of --record lies now: a file, folder or URI. Again for more."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a row back to the bytes it came from: answer, instruction, demonstrations, document, archive, offset.

    Each line is a thing: how the one above it used it ("answers", "shown", "grounded in", "record of", "said in"), its
    kind, its id, and what is worth knowing. What several were made from is shown once, and "as above" after that.

    An id of something refused (the funnel and `status` name some) says what refused it, why, and where it was read.

    --record reads the whole archive to compare its sha256 with that of when it was read, and prints nothing of one that
    has changed. An archive that moved is found by that digest: where a build has seen it since, or under --corpus.

    --json is the same tree: kind, id, relation, facts, children; `is_repeated` marks what was given in full before.
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
    prompt: Annotated[str | None, typer.Option(help="A method: its fingerprint or name.")] = None,
    model: Annotated[str | None, typer.Option(help="A model.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what depends on a page, site, corpus, seed, prompt or model, down to the exported lines.

    Name one thing, in one way. It is followed down through all that was made from it or was shown it: groundings,
    instructions, answers, lines of exported files. The first table counts rows of each kind (of what was named, too);
    then come the files, with the run that wrote them and how many lines of each depend on it.

    Nothing is changed: `wellspring forget` takes a page, site or corpus out with all that.

    --json has the ids as well: start (what was named), counts, files, ids.
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
    open_it: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    serve_it: Annotated[bool, typer.Option("--serve", help="Serve it on loopback until stopped.")] = False,
    port: Annotated[int, typer.Option(help="Port on loopback, for --serve.")] = 8400,
) -> None:
    """Write the dashboard: a static site over all runs of a store, readable without network, server or database."""
    index = _site(store)
    if open_it:
        webbrowser.open(index.as_uri())
    if serve_it:
        from wellspring.tasks.io import loopback

        listening = loopback.opened(port)
        terminal.say(f"http://127.0.0.1:{listening.getsockname()[1]}/ (Ctrl-C stops it)")
        asyncio.run(loopback.served(loopback.Site(index.parent), listening))


def _site(store: Path) -> Path:
    """Write the site, in turn with a run at work, which writes it again when it ends; say where it is.

    Raises:
        BrokenError: Some of it could not be written; the rest is.
    """
    from wellspring.tasks.io.store import Store, holder, refuse_none
    from wellspring.tasks.site import pages
    from wellspring.tasks.spine import marts

    refuse_none(store)
    with marts.alone(store.absolute()), Store.read(store, works=True) as opened:
        if opened.snapshot is not None and holder(store) is not None:
            terminal.hint(f"a run has the store: this is of {terminal.moment(opened.snapshot.taken_at)}")
        unwritten, index = pages.write_site(opened), opened.pages / "index.html"
    terminal.say(str(index))
    if unwritten:
        raise BrokenError(
            f"{len(unwritten)} pages could not be written, all others are: {'; '.join(map(str, unwritten))}",
            hint="mend what is named, then run the same command again",
        )
    return index


def doctor(*, store: StoreOption = STORE, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Check Python, packages, GPU, endpoints, store, journal, disk and clock, and say what to do."""
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine import diagnosis

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
