"""`wellspring ...`: what people and schedulers type.

Facts go to stdout, progress and hints to stderr. Exit codes: 0 done (what was refused is counted), 1 broken (a person
has to act), 2 wrong usage, 3 parked (budget, quota, rate limit, a busy store: run it again later).
"""

import json
import os
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import terminal
from tasks.contracts.errors import BrokenError, UsageError

app = typer.Typer(
    help="Grounded instruction data from web archives: durable, audited, traceable to the byte.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start here: [bold]wellspring build[/bold] makes a dataset from the sample corpus, with no key and no GPU.",
)


class Part(StrEnum):
    """A part of the main job."""

    corpus = "corpus"
    grounding = "grounding"
    synthesis = "synthesis"
    curation = "curation"


StoreOption = Annotated[
    Path, typer.Option("--store", help="The store: a directory with everything a run knows.", envvar="WELLSPRING_STORE")
]
ProfileOption = Annotated[
    str | None, typer.Option(help="smoke, full, or a TOML file of your own (`wellspring init` writes one).")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, as key=value; a dotted key reaches into a section. Again for more."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Facts as JSON on stdout.")]


def _overrides(
    corpora: list[str] | None, seeds: list[str] | None, chosen: list[str] | None, *, replay: bool = False
) -> list[str]:
    """Say the options as `key=value`, so that a flow gets one kind of thing, from the shell or from Prefect."""
    overrides: list[str] = []
    if corpora:
        overrides.append("sources.corpora=[" + ", ".join(f"{{path = {json.dumps(c)}}}" for c in corpora) + "]")
    if seeds:
        overrides.append(f"seeds.paths={json.dumps(seeds)}")
    if replay:
        overrides.append("replay=true")
    return overrides + list(chosen or ())


def _profile(profile: str | None, corpora: list[str] | None, seeds: list[str] | None) -> str:
    """The sample is for those who name nothing of their own."""
    return profile or ("defaults" if corpora or seeds else "smoke")


@app.command(
    epilog="Examples:\n\n"
    "wellspring build\n\n"
    "wellspring build --corpus crawl.warc.gz --seeds prompts.jsonl --store ./ws --set limit=200\n\n"
    "wellspring build --only corpus --corpus A.warc.gz --corpus B.warc.gz\n\n"
    "wellspring build --profile mine.toml --replay   (from recorded answers, network off)"
)
def build(
    profile: ProfileOption = None,
    corpus: Annotated[
        list[str] | None, typer.Option(help="A WARC, WET, JSONL, Parquet, a folder of pages, or a URI. Again for more.")
    ] = None,
    seeds: Annotated[
        list[str] | None, typer.Option(help="Human instructions: JSONL or Parquet. Again for more.")
    ] = None,
    store: StoreOption = Path("ws"),
    only: Annotated[Part | None, typer.Option(help="Run one part.")] = None,
    chosen: SetOption = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Answer from recorded completions only; send nothing.")
    ] = False,
    prefect: Annotated[
        bool | None,
        typer.Option("--prefect/--no-prefect", help="Run as a Prefect flow. Default: where PREFECT_API_URL is set."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset from web archives, or go on with one: only what is left is done, nothing is paid twice."""
    started = time.monotonic()
    overrides = _overrides(corpus, seeds, chosen, replay=replay)
    chosen_profile = _profile(profile, corpus, seeds)
    from tasks.contracts import settings

    settings.load(chosen_profile, overrides)  # a bad setting is said before anything heavy is loaded
    from flows.dataset import dataset

    scheduled = bool(os.environ.get("PREFECT_API_URL")) if prefect is None else prefect
    if scheduled:
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    job = dataset if scheduled else dataset.fn
    job(profile=chosen_profile, store=str(store), overrides=overrides, only=only.value if only else None)
    _say_build(store, time.monotonic() - started, as_json=as_json)


def _say_build(directory: Path, seconds: float, *, as_json: bool) -> None:
    from tasks.io.store import Store
    from tasks.spine import summaries

    with Store.read(directory) as store:
        facts: dict[str, Any] = summaries.of_latest_run(store) | {"seconds": round(seconds, 1)}
    if as_json:
        terminal.as_json(facts)
        return
    if facts["is_idle"]:
        terminal.say(f"Nothing was left to do: no row was due, no model was asked ({seconds:.1f} s).")
    else:
        terminal.funnel(facts)
    for file in facts["files"]:
        terminal.say(f"{file['rows']:>7} rows  {file['path']}")
    if facts["page"]:
        terminal.say(f"page     {facts['page']}")
    if facts["example_id"]:
        terminal.say(f"trace    wellspring trace {facts['example_id']} --store {directory}")


@app.command(
    epilog="Examples:\n\n"
    "wellspring trace 4fd1c09a --store ./ws\n\n"
    "wellspring trace ws/exports/wellspring-dataset/train.jsonl:17\n\n"
    "wellspring trace 4fd1c09a --record > page.http"
)
def trace(
    target: Annotated[str, typer.Argument(help="An id (or its beginning) of any row, or FILE:LINE of an export.")],
    store: StoreOption = Path("ws"),
    record: Annotated[
        bool, typer.Option("--record", help="Print the bytes of the original record, read back from the archive.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Follow a row back to the bytes it came from: answer, instruction, demonstrations, document, archive, offset."""
    from tasks.io.store import Store
    from tasks.spine import lineage

    with Store.read(store) as opened:
        tree = lineage.trace(opened, target)
        if record:
            terminal.as_bytes(lineage.record_bytes(opened, _document_of(tree, target)))
        elif as_json:
            terminal.as_json(tree.as_dict())
        else:
            terminal.tree(tree)


def _document_of(tree: Any, target: str) -> str:
    found = [node.id for node in _nodes(tree) if node.kind == "document"]
    if not found:
        raise UsageError(f"{target} was made without a document", hint="`wellspring trace` shows what it was made from")
    return found[0]


def _nodes(tree: Any) -> Iterator[Any]:
    yield tree
    for child in tree.children:
        yield from _nodes(child)


@app.command(epilog="Example:\n\nwellspring status --store ./ws --json")
def status(store: StoreOption = Path("ws"), as_json: JsonOption = False) -> None:
    """Say what is done, refused and failed in each stage, and how the latest runs ended."""
    from tasks.io.store import Store
    from tasks.spine import summaries

    with Store.read(store) as opened:
        facts = summaries.of_store(opened)
    if as_json:
        terminal.as_json(facts)
        return
    right = ("rows", "valid", "refused", "failed shards", "calls", "cost")
    terminal.table(
        "stages",
        {"stage": "left"} | dict.fromkeys(right, "right") | {"refused because": "left"},
        [
            (
                *(s[k] for k in ("stage", "rows", "rows_valid", "rows_rejected", "shards_failed", "calls")),
                f"${s['cost_usd']:.4f}",
                terminal.because(s["reasons"]),
            )
            for s in facts["stages"]
        ],
    )
    terminal.table(
        "runs",
        dict.fromkeys(("run", "flow", "status", "started", "error"), "left"),
        [(r["run_id"], r["flow"], r["status"], str(r["started_at"])[:19], r["error"] or "") for r in facts["runs"]],
    )


@app.command(epilog="Example:\n\nwellspring init mine.toml && wellspring build --profile mine.toml")
def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("wellspring.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a profile with every setting, its default and what it means, ready to edit."""
    from tasks.contracts import profiles

    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="give another name, or --force to write over it")
    path.write_text(profiles.commented(), encoding="utf-8")
    terminal.say(f"{path} is written; build with: wellspring build --profile {path}")


@app.command(epilog="Example:\n\nwellspring doctor --store ./ws --profile mine.toml")
def doctor(store: StoreOption = Path("ws"), profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Check Python, packages, GPU, endpoints, store, journal, disk and clock, and say what to do."""
    from tasks.contracts import settings
    from tasks.spine import diagnosis

    findings = diagnosis.examine(settings.load(profile), store)
    if as_json:
        terminal.as_json([f.as_dict() for f in findings])
    else:
        columns = dict.fromkeys(("", "what", "found", "what to do"), "left")
        terminal.table("", columns, [("ok" if f.is_fine else "!!", f.what, f.found, f.remedy) for f in findings])
    if not all(f.is_fine or f.is_optional for f in findings):
        raise SystemExit(BrokenError.exit_code)


@app.command(
    name="offline-model",
    epilog="Examples:\n\nwellspring offline-model --port 8000\n\n"
    "OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=none wellspring build --set 'models.base_url=\"\"'",
)
def offline_model(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 takes a free one and says which.")] = 8000,
    faults: Annotated[str, typer.Option(help="Faults to inject, by profile name (seeded); empty injects none.")] = "",
) -> None:
    """Serve the offline stand-in as an OpenAI-compatible server on loopback. It is extractive, not a language model."""
    from tasks.io import offline

    offline.serve(port, faults)


def main() -> None:
    """Run the command line."""
    with terminal.told():
        app()


if __name__ == "__main__":
    main()
