"""`wellspring ...`: what people and schedulers type.

Facts go to stdout, progress and hints to stderr. Exit codes: 0 done (what was refused is counted), 1 broken (a person
has to act), 2 wrong usage, 3 parked (budget, quota, rate limit, a busy store: run it again later).
"""

import errno
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.contracts.errors import BrokenError, WellspringError

app = typer.Typer(
    help="Grounded instruction data from web archives: durable, audited, traceable to the byte.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start here: [bold]wellspring build[/bold] makes a dataset from the sample corpus, with no key and no GPU.",
)
_out = Console()
_err = Console(stderr=True)


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
        facts = summaries.of_latest_run(store) | {"seconds": round(seconds, 1)}
    if as_json:
        _json(facts)
        return
    if facts["is_idle"]:
        _out.print(f"Nothing was left to do: no row was due, no model was asked ({seconds:.1f} s).")
    else:
        _out.print(_funnel(facts))
    for file in facts["files"]:
        _out.print(f"{file['rows']:>7} rows  {escape(file['path'])}", highlight=False, soft_wrap=True)
    if facts["page"]:
        _out.print(f"page     {escape(facts['page'])}", highlight=False, soft_wrap=True)
    if facts["example_id"]:
        _out.print(
            f"trace    wellspring trace {facts['example_id']} --store {escape(str(directory))}",
            highlight=False,
            soft_wrap=True,
        )


def _funnel(facts: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, title=f"run {facts['run_id']}", title_justify="left")
    for name in ("stage", "in", "out", "refused", "calls", "recorded", "cost", "seconds"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    table.add_column("refused because")
    for row in facts["stages"]:
        reasons = ", ".join(f"{n} {reason}" for reason, n in list(row["reasons"].items())[:4])
        table.add_row(
            row["stage"],
            *(str(row[k]) for k in ("rows_in", "rows_out", "rows_rejected", "calls", "cached_calls")),
            f"${row['cost_usd']:.4f}",
            f"{row['seconds']:.1f}",
            escape(reasons),
        )
    return table


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
            sys.stdout.buffer.write(lineage.record_bytes(opened, _document_of(tree)))
        elif as_json:
            _json(tree.as_dict())
        else:
            _out.print(_tree(tree))


def _document_of(tree: Any) -> str:
    if tree.kind == "document":
        return tree.id
    for child in tree.children:
        found = _document_of(child)
        if found:
            return found
    return ""


def _tree(node: Any) -> Any:
    from rich.tree import Tree

    def label(n: Any) -> str:
        facts = "  ".join(
            f"[dim]{escape(k)}[/dim] {escape(str(v))}" for k, v in n.facts.items() if v not in (None, "", [])
        )
        return f"[bold]{n.kind}[/bold] {n.id}  {facts}"

    def grow(branch: Tree, n: Any) -> Tree:
        for child in n.children:
            grow(branch.add(label(child), highlight=False), child)
        return branch

    return grow(Tree(label(node), highlight=False), node)


def _json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


@contextmanager
def _told() -> Iterator[None]:
    """Turn what went wrong into a message and an exit code; a fault of ours keeps its traceback."""
    try:
        yield
    except WellspringError as error:
        kind = type(error).__name__
        _err.print(f"[red]{kind}[/red]: {escape(error.message)}", highlight=False, soft_wrap=True)
        if error.hint:
            _err.print(f"\nhint: {escape(error.hint)}", highlight=False, soft_wrap=True)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _err.print(f"[red]BrokenError[/red]: the disk is full ({error.filename or 'while writing'})")
        _err.print("\nhint: free space, then run the same command: it goes on where it stopped")
        raise SystemExit(BrokenError.exit_code) from None
    except KeyboardInterrupt:
        _err.print("stopped; what was done is kept. Run the same command to go on.")
        raise SystemExit(130) from None


def main() -> None:
    """Run the command line."""
    with _told():
        app()


if __name__ == "__main__":
    main()
