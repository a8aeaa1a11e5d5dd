"""`wellspring ...`: what people and schedulers type, in the order of `--help`, each with its examples.

Facts go to stdout, progress and hints to stderr; with `--json`, an error is one object on stdout. Exit codes: 0 done
(what was refused is counted), 1 broken (a person has to act), 2 wrong usage, 3 parked (budget, quota, rate limit, a
busy store: run it again later).
"""

import functools
import inspect
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from wellspring.flows import terminal
from wellspring.flows.commands import building, looking, publishing, releasing, reviewing, upkeep
from wellspring.flows.commands.options import STORE
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import interrupts

app = typer.Typer(
    help="Make instruction data for language models from web archives, and trace every row back to its page.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start here: [bold]wellspring build[/bold] makes a dataset from the sample. It needs no key and no GPU.",
)

COMMANDS = {
    building.build: (
        "wellspring build",
        "wellspring build --corpus crawl.warc.gz --seeds prompts.jsonl --store ./ws --set limit=200",
        "wellspring build --profile mine.toml --want 1000 --set budget.max_cost_usd=20",
        "wellspring build --only corpus --corpus A.warc.gz --corpus B.warc.gz",
        "wellspring build --profile mine.toml --replay   (uses recorded answers and sends nothing)",
    ),
    looking.trace: (
        "wellspring trace 4fd1c09a --store ./ws",
        "wellspring trace ws/exports/wellspring-dataset/messages/train.jsonl:17",
        "wellspring trace 4fd1c09a --record > page.http",
        "wellspring trace 4fd1c09a --record --corpus /archive/2026   (if the archive was moved)",
    ),
    looking.impact: (
        "wellspring impact --url https://example.org/page --store ./ws",
        "wellspring impact --model gpt-4.1-mini --json",
    ),
    building.export: (
        "wellspring export --format dpo --format messages --store ./ws",
        "wellspring export --since v1.0 --store ./ws   (also writes what is new since that release)",
    ),
    releasing.release: (
        "wellspring release v1.0 --store ./ws",
        "wellspring release --forward --reason 'v1.1 is good again'",
    ),
    releasing.releases: ("wellspring releases --store ./ws",),
    releasing.diff: (
        "wellspring diff v1.0 v1.1 --store ./ws",
        "wellspring diff v1.0 now --json",
    ),
    releasing.rollback: ("wellspring rollback v1.0 --reason 'rows in French' --store ./ws",),
    releasing.exclude: (
        "wellspring exclude 4fd1c09a --reason 'wrong answer' --store ./ws",
        "wellspring exclude ws/exports/wellspring-dataset/messages/train.jsonl:17",
        "wellspring exclude --where \"score < 5 and url contains 'forum'\" --reason 'weak rows of forums'",
    ),
    releasing.include: (
        "wellspring include 4fd1c09a --store ./ws",
        "wellspring include --all",
    ),
    releasing.excluded: ("wellspring excluded --store ./ws",),
    looking.dashboard: (
        "wellspring dashboard --store ./ws --open",
        "wellspring dashboard --serve --port 8400",
    ),
    reviewing.review: (
        "wellspring review --to sample --for label-studio --count 50 --store ./ws",
        "wellspring review --marks wellspring-marks.jsonl --by anna --store ./ws",
    ),
    building.estimate: (
        "wellspring estimate --corpus crawl.warc.gz --seeds prompts.jsonl --set models.generator.model=gpt-4.1",
        "wellspring estimate --profile mine.toml --store ./ws --only synthesis",
        "wellspring estimate --profile mine.toml --store ./ws --want 1000",
    ),
    upkeep.forget: (
        "wellspring forget --url https://example.org/page --store ./ws",
        "wellspring forget --domain example.org --policy remake --reason 'asked by its owner'",
        "wellspring forget --url https://example.org/page --near-copies name   (keeps near copies and lists them)",
    ),
    publishing.papers: (
        "wellspring papers ws/exports/wellspring-dataset",
        "wellspring papers ws/exports/wellspring-dataset 2.3-4",
    ),
    publishing.environment: (
        "wellspring environment ws/exports/wellspring-dataset ./my-tasks",
        "wellspring environment ws/exports/wellspring-dataset ./my-server --for nemo-gym",
    ),
    publishing.keys: ("wellspring keys ~/.ssh/wellspring-release",),
    publishing.sign: ("wellspring sign ws/exports/wellspring-dataset --key ~/.ssh/wellspring-release",),
    publishing.verify: (
        "wellspring verify ws/exports/wellspring-dataset --key wellspring-release.pub",
        "wellspring verify pulled --key ed25519:MCowBQYDK2VwAyEAn1e... --json",
    ),
    publishing.push: (
        "wellspring push hf://my-org/my-dataset ws/exports/wellspring-dataset --dry-run",
        "HF_TOKEN=... wellspring push hf://my-org/my-dataset ws/exports/wellspring-dataset",
    ),
    publishing.pull: ("wellspring pull hf://my-org/my-dataset ./pulled",),
    building.retry: (
        "wellspring retry --reason unparsable_answer --store ./ws",
        "wellspring retry --stage responses --run 4fd1c09a",
    ),
    upkeep.batches: (
        "wellspring batches --store ./ws",
        "wellspring batches --cancel batch_68f1 --store ./ws",
    ),
    looking.status: (
        "wellspring status --store ./ws",
        "wellspring status --run 4fd1c09a --store ./ws --json",
    ),
    looking.recipes: (
        "wellspring recipes",
        "wellspring recipes attributed_grounding",
        "wellspring recipes knn_instruct --json",
    ),
    upkeep.init: (
        "wellspring init mine.toml && wellspring build --profile mine.toml",
        "wellspring init new.toml --profile mine.toml   (also shows the knobs of its plug-ins)",
    ),
    looking.mcp: ("wellspring mcp --store ./ws   (an agent's program starts it)",),
    looking.doctor: ("wellspring doctor --store ./ws --profile mine.toml",),
    looking.check_plugin: (
        "wellspring check-plugin plugins/mine.py",
        "wellspring check-plugin rephrase_and_respond --set recipes.rephrase_and_respond.answers=3",
    ),
    upkeep.tune_prompt: (
        "wellspring tune-prompt href kind --examples deployments/sample/prompt-examples.jsonl --out href.md",
    ),
    upkeep.serve: (
        "prefect server start &   then   wellspring serve --profile mine.toml --store ./ws",
        "wellspring serve --profile mine.toml --store ./ws --watch 60   (reads new archives when they come)",
    ),
    upkeep.offline_model: (
        "wellspring offline-model --port 8000",
        "wellspring offline-model --profile mine.toml   (knows the examples of its plug-ins)",
        "wellspring offline-model --quirk think_block --quirk no_seed --quirk slots=1,seconds=2",
        "OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=none wellspring build --set 'models.base_url=\"\"'",
    ),
}


def _stoppable(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def stoppable(**options: Any) -> None:
        with terminal.stoppable(_again(sys.argv[1:]), is_json=bool(options.get("as_json"))):
            command(**options)

    return stoppable


for command, examples in COMMANDS.items():
    title = "Example" if len(examples) == 1 else "Examples"
    kind = upkeep.WithQuirks if command is upkeep.offline_model else None
    app.command(cls=kind, epilog=f"{title}:\n\n" + "\n\n".join(examples))(_stoppable(command))


def main() -> None:
    """Run the command line."""
    interrupts.own_process()
    is_json = "--json" in sys.argv[1:]
    with terminal.told(is_json=is_json):
        if is_json:
            sys.exit(_answered_in_json())
        app()


def _answered_in_json() -> int:
    """Run a command that is to answer in JSON, and return its exit code; what Typer refuses is an error like ours.

    Raises:
        UsageError: What was typed is no command, or none of its options.
    """
    try:
        return app(standalone_mode=False) or 0
    except typer.TyperException as error:
        said = getattr(error, "format_message", error.__str__)()
        raise UsageError(said, hint="`wellspring COMMAND --help` lists its options") from None


def _again(typed: Sequence[str]) -> str:
    """Return the command as it was typed, with its store: it means the same when WELLSPRING_STORE is another."""
    with_store = {name.__name__ for name in COMMANDS if "store" in inspect.signature(name).parameters}
    is_named = any(word.partition("=")[0] == "--store" for word in typed)
    store = ["--store", os.environ.get("WELLSPRING_STORE", str(STORE))]
    needed = store if typed and typed[0].replace("-", "_") in with_store and not is_named else []
    from wellspring.tasks.io.protocol.keys import Scrubber

    return Scrubber()(shlex.join(["wellspring", *typed, *needed]))


if __name__ == "__main__":
    main()
