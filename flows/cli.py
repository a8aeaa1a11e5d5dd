"""`wellspring ...`: what people and schedulers type.

Facts go to stdout, progress and hints to stderr. Exit codes: 0 done (what was refused is counted), 1 broken (a person
has to act), 2 wrong usage, 3 parked (budget, quota, rate limit, a busy store: run it again later).
"""

import functools
import http.server
import json
import os
import time
import webbrowser
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows import terminal
from tasks.contracts.errors import BrokenError, UsageError

if TYPE_CHECKING:
    from tasks.spine.runs import Run

app = typer.Typer(
    help="Grounded instruction data from web archives: durable, audited, traceable to the byte.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start here: [bold]wellspring build[/bold] makes a dataset from the sample corpus, with no key and no GPU.",
)


class Policy(StrEnum):
    """What becomes of rows that were only shown what is forgotten."""

    drop = "drop"
    remake = "remake"


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
CorpusOption = Annotated[
    list[str] | None, typer.Option(help="A WARC, WET, JSONL, Parquet, a folder of pages, or a URI. Again for more.")
]
SeedsOption = Annotated[list[str] | None, typer.Option(help="Human instructions: JSONL or Parquet. Again for more.")]
OnlyOption = Annotated[Part | None, typer.Option(help="One part of the job.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Facts as JSON on stdout.")]


def _overrides(
    corpora: list[str] | None, seeds: list[str] | None, chosen: list[str] | None, *, replay: bool = False
) -> list[str]:
    """Say the options as `key=value`, so that a flow gets one kind of thing, from the shell or from Prefect."""
    overrides: list[str] = []
    if corpora:
        overrides.append(
            "sources.corpora=[" + ", ".join(f"{{path = {json.dumps(_absolute(c))}}}" for c in corpora) + "]"
        )
    if seeds:
        overrides.append(f"seeds.paths={json.dumps([_absolute(s) for s in seeds])}")
    if replay:
        overrides.append("replay=true")
    return overrides + list(chosen or ())


def _profile_of(store: Path, profile: str | None) -> str:
    """A command about a store goes by the settings of its latest run, unless a profile is named."""
    kept = store / "settings.json"
    if profile is None and not kept.is_file():
        raise BrokenError(f"there is no store in {store}", hint=f"make one with: wellspring build --store {store}")
    return profile or str(kept)


def _absolute(path: str) -> str:
    """A path means the same when the settings are used again from another directory."""
    return path if "://" in path else str(Path(path).absolute())


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
    corpus: CorpusOption = None,
    seeds: SeedsOption = None,
    store: StoreOption = Path("ws"),
    only: OnlyOption = None,
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
    overrides = _overrides(corpus, seeds, chosen, replay=replay)
    _run(_profile(profile, corpus, seeds), store, overrides, only=only, prefect=prefect, as_json=as_json)


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
    from tasks.contracts import settings

    settings.load(profile, overrides)  # a bad setting is said before anything heavy is loaded
    from flows.dataset import dataset

    scheduled = bool(os.environ.get("PREFECT_API_URL")) if prefect is None else prefect
    if scheduled:
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    job = dataset if scheduled else dataset.fn
    job(profile=profile, store=str(store), overrides=overrides, only=only.value if only else None)
    _say_build(store, time.monotonic() - started, as_json=as_json)


def _say_build(directory: Path, seconds: float, *, as_json: bool) -> None:
    from tasks.io.store import Store
    from tasks.spine import summaries

    with Store.read(directory) as store:
        facts: dict[str, Any] = summaries.of_run(store) | {"seconds": round(seconds, 1)}
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


@app.command(
    epilog="Examples:\n\nwellspring impact --url https://example.org/page --store ./ws\n\n"
    "wellspring impact --model gpt-4.1-mini --json"
)
def impact(
    store: StoreOption = Path("ws"),
    url: Annotated[str | None, typer.Option(help="A page.")] = None,
    domain: Annotated[str | None, typer.Option(help="A site.")] = None,
    source: Annotated[str | None, typer.Option(help="A corpus file: its id or URI.")] = None,
    document: Annotated[str | None, typer.Option(help="A document's id.")] = None,
    seed: Annotated[str | None, typer.Option(help="A seed's id.")] = None,
    prompt: Annotated[str | None, typer.Option(help="A method: its fingerprint or name.")] = None,
    model: Annotated[str | None, typer.Option(help="A model.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what depends on a page, site, corpus, seed, prompt or model, down to the exported lines."""
    from tasks.io.store import Store
    from tasks.spine import lineage

    given = {"url": url, "domain": domain, "source": source, "document": document}
    with Store.read(store) as opened:
        found = lineage.impact(opened, **given, seed=seed, prompt=prompt, model=model).as_dict()
    if as_json:
        terminal.as_json(found)
        return
    terminal.table("rows that depend on it", {"what": "left", "rows": "right"}, found["counts"].items())
    for file in found["files"]:
        terminal.say("  ".join(f"{name} {value}" for name, value in file.items()))


@app.command(epilog="Example:\n\nwellspring export --format dpo --format messages --store ./ws")
def export(
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help="messages, sharegpt, alpaca, dpo, kto, reward_conditioned or raw. Again for more."
        ),
    ] = None,
    profile: ProfileOption = None,
    store: StoreOption = Path("ws"),
    chosen: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the dataset's files in other forms from what is in the store; asks no model for what is there."""
    overrides = [f"exports.formats={json.dumps(formats)}"] if formats else []
    _run(_profile_of(store, profile), store, overrides + list(chosen or ()), only=Part.curation, as_json=as_json)


@app.command(epilog="Examples:\n\nwellspring dashboard --store ./ws --open\n\nwellspring dashboard --serve --port 8400")
def dashboard(
    store: StoreOption = Path("ws"),
    open_it: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    serve_it: Annotated[bool, typer.Option("--serve", help="Serve it on loopback until stopped.")] = False,
    port: Annotated[int, typer.Option(help="Port on loopback, for --serve.")] = 8400,
) -> None:
    """Write the dashboard: a static site over all runs of a store, readable without network, server or database."""
    index = _site(store)
    terminal.say(str(index))
    if open_it:
        webbrowser.open(index.as_uri())
    if serve_it:
        terminal.say(f"http://127.0.0.1:{port}/ (Ctrl-C stops it)")
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(index.parent))
        with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            server.serve_forever()


def _site(store: Path) -> Path:
    """Write the site; of a store that a run holds, take what was written last: it writes it again when it ends."""
    from tasks.io.store import Store, holder
    from tasks.spine import pages

    index = store.absolute() / "pages" / "index.html"
    if holder(store) is not None and index.is_file():
        written = datetime.fromtimestamp(index.stat().st_mtime, UTC)
        terminal.hint(f"a run has the store: these pages are of {written:%Y-%m-%d %H:%M} UTC (wellspring status)")
        return index
    with Store.read(store) as opened:
        return pages.write_site(opened)


@app.command(
    epilog="Examples:\n\n"
    "wellspring estimate --corpus crawl.warc.gz --seeds prompts.jsonl --set models.generator.model=gpt-4.1\n\n"
    "wellspring estimate --profile mine.toml --store ./ws --only synthesis"
)
def estimate(
    profile: ProfileOption = None,
    corpus: CorpusOption = None,
    seeds: SeedsOption = None,
    store: StoreOption = Path("ws"),
    only: OnlyOption = None,
    chosen: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a build would ask and cost, by stage, before anything is sent: rehearsed on a copy of the store."""
    from flows.dataset import dataset
    from tasks.contracts import settings
    from tasks.io import prices
    from tasks.spine import estimating

    overrides = _overrides(corpus, seeds, chosen)
    name = _profile(profile, corpus, seeds)

    def rehearse(run: "Run") -> None:
        dataset.fn(name, str(run.store.path), overrides, only.value if only else None)

    found = estimating.estimate(settings.load(name, overrides), store, rehearse)
    if as_json:
        terminal.as_json(found)
        return
    columns = ("rows", "calls", "recorded", "prompt tokens", "answer tokens", "cost", "minutes")
    terminal.table(
        "what a build would ask",
        {"stage": "left"} | dict.fromkeys(columns, "right") | {"tokens are": "left"},
        [
            (
                *(
                    one[k]
                    for k in ("stage", "rows_in", "calls", "recorded_calls", "prompt_tokens", "completion_tokens")
                ),
                terminal.money(one["cost_usd"]),
                "?" if one["seconds"] is None else f"{one['seconds'] / 60:.1f}",
                "measured on recorded calls" if one["is_measured"] else "estimated",
            )
            for one in found["stages"]
        ],
    )
    terminal.say(
        f"{found['calls']} calls to pay, {found['recorded_calls']} recorded, {terminal.money(found['cost_usd'])}"
    )
    for model in found["unpriced"]:
        terminal.say(
            f"the price of {model} is in no table: copy {prices.SHIPPED}, add it, name the copy in models.prices"
        )
    if found["stopped"]:
        terminal.say(f"the rehearsal ended early: {found['stopped']}")


@app.command(
    epilog="Examples:\n\nwellspring forget --url https://example.org/page --store ./ws\n\n"
    "wellspring forget --domain example.org --policy remake --reason 'asked by its owner'"
)
def forget(
    store: StoreOption = Path("ws"),
    url: Annotated[str | None, typer.Option(help="A page.")] = None,
    domain: Annotated[str | None, typer.Option(help="A site.")] = None,
    source: Annotated[str | None, typer.Option(help="A corpus file: its id or URI.")] = None,
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
    terminal.table("receipt", {"what": "left", "": "left"}, receipt.items())
    terminal.say("the next `wellspring build` writes the dataset without it")


@app.command(
    epilog="Examples:\n\nwellspring retry --reason unparsable_answer --store ./ws\n\n"
    "wellspring retry --stage responses --run 4fd1c09a"
)
def retry(
    profile: ProfileOption = None,
    store: StoreOption = Path("ws"),
    run_id: Annotated[str | None, typer.Option("--run", help="Only what this run refused.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only what this stage refused.")] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", "--rejected", help="Only what was refused for this.")
    ] = None,
    chosen: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask again for what was refused, and finish what broke; nothing that was answered is paid again."""
    started = time.monotonic()
    from flows.retry import retry as again

    again.fn(_profile_of(store, profile), str(store), list(chosen or ()), stage, reason, run_id)
    _say_build(store, time.monotonic() - started, as_json=as_json)


@app.command(
    epilog="Examples:\n\nwellspring batches --store ./ws\n\nwellspring batches --cancel batch_68f1 --store ./ws"
)
def batches(
    store: StoreOption = Path("ws"),
    profile: ProfileOption = None,
    cancel: Annotated[str | None, typer.Option("--cancel", help="A job's id, or `all`.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the batch jobs that are out, or cancel them; the next build collects what they answered until then."""
    from tasks.contracts import settings
    from tasks.io.batches import listed
    from tasks.io.llm import Models

    jobs = listed(store)
    if cancel:
        with Models(settings.load(_profile_of(store, profile)), store, "batches") as models:
            cancelled = sum(models.cancel(role, cancel) for role in sorted({job.role for job in jobs}))
        terminal.say(f"{cancelled} of {len(jobs)} jobs are asked to stop; the next build collects what they answered")
    elif as_json:
        terminal.as_json([asdict(job) for job in jobs])
    else:
        columns = {"job": "left", "role": "left", "endpoint": "left", "calls": "right", "set aside": "right"}
        told = [(job.job_id or "not made yet", job.role, job.endpoint, job.calls) for job in jobs]
        rows = [(*row, terminal.money(job.reserved_micro_usd / 1e6)) for row, job in zip(told, jobs, strict=True)]
        terminal.table("batch jobs that are out", columns, rows)


@app.command(
    epilog="Examples:\n\nwellspring status --store ./ws\n\nwellspring status --run 4fd1c09a --store ./ws --json"
)
def status(
    store: StoreOption = Path("ws"),
    run_id: Annotated[str | None, typer.Option("--run", help="One run: what each of its stages did.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is done, due, refused, failed and running in each stage, what the rest would cost, how runs ended."""
    from tasks.io.store import Store, holder
    from tasks.spine import standing, summaries

    if run_id is None and holder(store) is not None:  # a run has the store for itself: its own words will do
        facts = standing.of_busy_store(store.absolute())
    else:
        with Store.read(store) as opened:
            facts = standing.of_store(opened) if run_id is None else summaries.of_run(opened, run_id)
    if as_json:
        terminal.as_json(facts)
    elif run_id is None:
        terminal.standing(facts)
    else:
        terminal.funnel(facts)


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


@app.command(epilog="Example:\n\nprefect server start &   then   wellspring serve --profile mine.toml --store ./ws")
def serve(profile: ProfileOption = None, store: StoreOption = Path("ws")) -> None:
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


@app.command(
    name="offline-model",
    epilog="Examples:\n\nwellspring offline-model --port 8000\n\n"
    "OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=none wellspring build --set 'models.base_url=\"\"'",
)
def offline_model(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 takes a free one and says which.")] = 8000,
    chosen: Annotated[
        str, typer.Option("--faults", help="Faults to inject, by profile name (seeded); empty injects none.")
    ] = "",
) -> None:
    """Serve the offline stand-in as an OpenAI-compatible server on loopback. It is extractive, not a language model."""
    from tasks.io import faults

    faults.serve(port, chosen)


def main() -> None:
    """Run the command line."""
    with terminal.told():
        app()


if __name__ == "__main__":
    main()
