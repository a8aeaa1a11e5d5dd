"""How facts look on a terminal: tables, trees, JSON; and how an error becomes a message and an exit code.

Facts go to stdout, everything else to stderr. What came from the web is shown without control characters.
"""

import errno
import json
import math
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from wellspring.tasks.contracts.errors import BrokenError, WellspringError
from wellspring.tasks.contracts.visible import visible
from wellspring.tasks.io import interrupts

PIPED_COLUMNS = 160  # a file or a pipe has no width of its own

_out = interrupts.Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_COLUMNS)
_err = interrupts.Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a fact, as it is."""
    _out.print(escape(visible(text)), soft_wrap=True)


def hint(text: str) -> None:
    """Print what is worth knowing besides the facts, on stderr."""
    _err.print(f"\nhint: {escape(visible(text))}", soft_wrap=True)


def note(text: str) -> None:
    """Print how far something is, on stderr."""
    _err.print(escape(visible(text)), soft_wrap=True)


def as_json(value: Any) -> None:
    """Print facts as JSON."""
    as_bytes(json.dumps(_plain(value), ensure_ascii=False, indent=2, default=str).encode() + b"\n")


def _plain(value: Any) -> Any:
    """Return facts with null where a number is unknown: JSON has no NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def as_bytes(value: bytes) -> None:
    """Print bytes as they are."""
    try:
        sys.stdout.buffer.write(value)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        interrupts.unread(sys.stdout)


def table(title: str, columns: Mapping[Any, str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under columns; a column's value is `left` or `right`."""
    if title:
        _out.print(title, style="bold")  # a table wraps its own title to its width
    drawn = Table(box=None, pad_edge=False)
    for name, justify in columns.items():
        drawn.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(escape(visible(str(cell))) for cell in row))
    _out.print(drawn)


def funnel(facts: Mapping[str, Any]) -> None:
    """Print what each stage of a run took in, gave out and refused, and why."""
    columns = {"stage": "left"} | dict.fromkeys(
        ("in", "out", "refused", "calls", "recorded", "cost", "seconds"), "right"
    )
    table(
        f"run {facts['run_id']}",
        columns | {"refused because": "left"},
        [
            (
                row["stage"],
                *(row[k] for k in ("rows_in", "rows_out", "rows_rejected", "calls", "cached_calls")),
                money(row["cost_usd"]),
                f"{row['seconds']:.1f}",
                because(row["reasons"]),
            )
            for row in facts["stages"]
        ],
    )


def standing(facts: Mapping[str, Any]) -> None:
    """Print where a store stands: who is at work, the stages, the latest runs, and what to type next."""
    if facts["held_by"] is not None:
        _at_work(facts)
    for one in facts.get("versions", {}).get("upgrades", []):
        at = f"{one['upgraded_at']:%Y-%m-%d %H:%M} UTC"
        say(f"the store was upgraded from version {one['upgraded_from']} to {one['version']} at {at}")
    if facts["stages"]:
        _stages(facts["stages"])
    due = {row["stage"]: row["rows_due"] for row in facts["stages"]}
    for stage in facts.get("changed", []):
        say(f"`{stage}`: its rows were written by an older method; {due[stage]} are due again, and what rests on them")
    writers(facts.get("writers", []))
    if facts["unfinished_cost_usd"]:
        say(f"spent besides, in stages that parked or were killed: {_figure(facts['unfinished_cost_usd'], 'cost_usd')}")
    if cut := facts.get("cut_texts"):
        say(f"texts that were cut for the embedder, whose server takes no longer ones: {cut:,}")
    if facts["runs"]:
        _runs(facts["runs"], is_held=facts["held_by"] is not None)
    steps = [step for step in facts["seeds_funnel"] if step["seeds"]]
    if steps:
        say("\nseeds: " + " > ".join(f"{step['seeds']:,} {step['label']}" for step in steps))
    hint(_next(facts))


def writers(found: Sequence[Mapping[str, Any]]) -> None:
    """Say by which versions of the code the instructions in force were written, where it was more than one."""
    if len(found) > 1:
        said = ", ".join(f"{one['rows_valid']} by {one['commit'][:10]} ({one['since']:%Y-%m-%d})" for one in found)
        say(f"the instructions in force were written by {len(found)} versions of the code, by one method each: {said}")


def _stages(stages: Iterable[Mapping[str, Any]]) -> None:
    numbers = ("rows", "valid", "due", "would cost", "refused", "broken shards", "calls", "spent")
    keys = ("rows", "rows_valid", "rows_due", "due_cost_usd", "rows_rejected", "shards_failed", "calls", "cost_usd")
    table(
        "stages",
        {"stage": "left"} | dict.fromkeys(numbers, "right") | {"refused because": "left"},
        [
            (
                row["stage"],
                *("" if key.startswith("due") and not row["rows_due"] else _figure(row[key], key) for key in keys),
                because(row["reasons"]),
            )
            for row in stages
        ],
    )


def _runs(runs: Iterable[Mapping[str, Any]], *, is_held: bool) -> None:
    table(
        "\nruns",
        dict.fromkeys(("run", "flow", "status", "began (UTC)"), "left")
        | dict.fromkeys(("took", "exported", "refused", "spent"), "right")
        | {"error": "left"},
        [
            (
                *(run["run_id"][:8], run["flow"]),
                "killed" if run["status"] == "running" and not is_held else run["status"],  # the next run will say so
                str(run["started_at"])[:16],
                f"{run['seconds']:.0f} s" if run["seconds"] is not None else "",
                *(run["exported"], run["rows_rejected"], _figure(run["cost_usd"], "cost_usd")),
                (run["error"] or "").partition("\n")[0][:90],
            )
            for run in runs
        ],
    )


def _at_work(facts: Mapping[str, Any]) -> None:
    holder, running = facts["held_by"], facts["running"]
    process = f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"
    if running:
        say(f"running: {running['flow']} run {running['run_id'][:8]} in {process}, since {running['started_at']} UTC")
        for stage, done in running["stages"].items():
            say(f"  {stage:<22} {_how_far(done)}")
    else:
        say(f"{process} has the store open ({holder.get('owner') or 'no run'})")
    at = facts["as_of"]
    say(f"below: as it was at {moment(at)}\n" if at else "it has left nothing to read yet\n")


def _how_far(stage: Mapping[str, Any]) -> str:
    if stage["is_done"]:
        return f"done: {stage.get('rows_in', stage.get('total'))} in, {stage.get('rows_out', stage['done'])} out"
    from wellspring.tasks.spine.watching import progress

    total = "?" if stage.get("total") is None else stage["total"]
    return f"{stage['done']} of {total}  {progress.described(stage.get('facts', {}))}"


def _figure(value: float | None, name: str) -> str:
    if value is None:
        return "?" if name == "due_cost_usd" else "unknown"
    return f"${value:,.4f}" if name.endswith("_usd") else f"{value:,}"


def _next(facts: Mapping[str, Any]) -> str:
    """Say what to type next, from where the store stands."""
    store, stages, runs = facts["store"], facts["stages"], facts["runs"]
    if facts["held_by"] is not None:
        shown = "; `wellspring dashboard --serve` shows the same as pages" if facts["as_of"] else ""
        return f"look again later{shown}"
    again = f"--profile {store}/settings.json --store {store}"
    if any(row["rows_due"] or row["shards_failed"] for row in stages):
        return f"wellspring build {again} goes on; what that costs: wellspring estimate {again}"
    if runs and runs[0]["status"] != "done":
        return f"the latest run did not finish; wellspring build {again} goes on where it stopped"
    if any(row["rows_rejected"] for row in stages):
        return f"nothing is due; to ask again for refusals: wellspring retry --reason REASON --store {store}"
    return "nothing is due"


def estimate(found: Mapping[str, Any], prices: object) -> None:
    """Print what a build would ask and cost, stage by stage; `prices` is the table a missing price is added to."""
    columns = ("rows", "calls", "recorded", "waves", "prompt tokens", "answer tokens", "cost", "minutes")
    keys = ("stage", "rows_in", "calls", "recorded_calls", "waves", "prompt_tokens", "completion_tokens")
    table(
        "what a build would ask",
        {"stage": "left"} | dict.fromkeys(columns, "right") | {"calls are": "left", "tokens are": "left"},
        [
            (
                *(one[key] for key in keys),
                money(one["cost_usd"]),
                "?" if one["seconds"] is None else f"{one['seconds'] / 60:.1f}",
                f"of {one['settled']} inputs here" if one["settled"] else "rehearsed",
                "measured on recorded calls" if one["is_measured"] else "estimated",
            )
            for one in found["stages"]
        ],
    )
    for one in found["superseded"]:
        say(
            f"`{one['stage']}`: {one['rows']} rows were written by a method that is another now, and are made again "
            f"from {one['rows_in']} inputs"
        )
    say(f"{found['calls']} calls to pay, {found['recorded_calls']} recorded, {money(found['cost_usd'])}")
    for model in found["unpriced"]:
        say(f"the price of {model} is in no table: copy {prices}, add it, name the copy in models.prices")
    if wanted := found.get("want"):
        say(_wanted(wanted))
    if found["stopped"]:
        say(f"the rehearsal ended early: {found['stopped']}")


def tuned(facts: Mapping[str, Any]) -> None:
    """Print what a search for a prompt found: how each did, the winner's words, and whether it is better."""
    columns = {"": "left", "prompt": "left", "tried on": "right", "right": "right", "kept out": "right"}
    order = sorted(enumerate(facts["prompts"]), key=lambda one: (one[0] != 0, -one[1]["mean"], -one[1]["tried"]))
    rows = [
        (
            "best" if at == facts["best"] else "",
            " ".join(one["text"].split())[:60] if at else "the prompt that is there",
            one["tried"],
            f"{one['mean']:.2f}",
            "" if one["kept_out"] is None else f"{one['kept_out']:.2f}",
        )
        for at, one in order
        if one["tried"]
    ]
    table(f"{facts['program']}, # {facts['heading']}: the share of examples that is answered right", columns, rows)
    say(
        f"searched on {facts['searched']} examples, {facts['kept_out']} kept out; {facts['calls']} calls, and "
        f"{facts['recorded_calls']} from the record"
    )
    for reason, count in facts["refused"].items():
        say(f"{count} proposals refused: {reason}")
    if not facts["is_better"]:
        say("No proposal is better on the examples that were kept out: keep the prompt that is there.")
        return
    say(f"\n{facts['prompts'][facts['best']]['text']}\n")
    hint(f"{facts['written']} holds it" if facts["written"] else "--out FILE writes the prompt file with it")


def _wanted(found: Mapping[str, Any]) -> str:
    so_far = f"{found['accepted']} of {found['want']} wanted rows are accepted"
    if not found["missing"]:
        return so_far
    if found["acceptance"] is None:
        return f"{so_far}; what the rest costs is not known before a build has accepted some"
    return (
        f"{so_far}, {found['acceptance']:.2f} an input; the rest will probably take {found['inputs']:,} inputs more, "
        f"{found['calls']:,} calls, {money(found['cost_usd'])}"
    )


def receipt(facts: Mapping[str, Any]) -> None:
    """Print what was looked for and what was taken out, a line each; of the tables those that lost rows."""
    lines: list[tuple[str, object]] = []
    for what, value in facts.items():
        if what == "found":
            lines += [(f"found: {name}", count) for name, count in value.items()]
        elif isinstance(value, Mapping):
            lines += [(f"{what} of {table}", rows) for table, rows in value.items() if rows]
        else:
            lines.append((what.replace("_", " "), ", ".join(value) if isinstance(value, list) else value))
    table("receipt", {"what": "left", "": "left"}, lines)


def recipes(found: Iterable[Mapping[str, Any]]) -> None:
    """Print what each program is, when it runs, what it takes and makes, and what it may cost."""
    keys = ("name", "paper", "runs")
    rows = [
        (
            *(one[key] for key in keys),
            f"{one['takes']} -> {', '.join(one['makes'])}",
            one["most_calls"],
            "yes" if one["real_model"] else "no",
        )
        for one in found
    ]
    sides = {**dict.fromkeys((*keys, "shape"), "left"), "most calls": "right", "real model": "left"}
    table("programs", sides, rows)
    hint(
        "wellspring recipes NAME shows one; those after answers stand in scores.judges, one that answers in "
        "responses.way, others in instructions.recipes"
    )


def recipe(facts: Mapping[str, Any]) -> None:
    """Print what one recipe says of itself, what can be set, and what it asks."""
    say(f"{facts['name']}\n\n{facts['about']}\n")
    for name, key in {
        "system": "system",
        "paper": "paper",
        "takes": "takes",
        "makes": "makes",
        "asks": "roles",
        "runs": "runs",
        "most calls of an input": "most_calls",
        "real model": "real_model",
    }.items():
        said = facts[key] or "no"
        say(f"{name}: {', '.join(said) if isinstance(said, list) else said}")
    if facts["knobs"]:
        rows = [(one["name"], one["default"], one["description"]) for one in facts["knobs"]]
        say(f"\n[recipes.{facts['name']}]")
        table("", dict.fromkeys(("setting", "default", "what it says"), "left"), rows)
    for prompt in facts["prompts"]:
        say(f"\n# {prompt['heading']}")
        for part in ("system", "user"):
            if prompt[part]:
                say(f"\n## {part}\n\n{prompt[part]}")
        for number, example in enumerate(prompt["examples"], start=1):
            say(f"\n## example {number}\n\n{example}")
    for heading, said in facts["example"].items():
        say(f"\n{heading} is answered: {said}")


def moment(at: datetime) -> str:
    """Say when something was."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def money(usd: float | None) -> str:
    """Say what something costs; None is a price that nobody knows."""
    return "unknown" if usd is None else f"${usd:.4f}"


def because(reasons: Mapping[str, int], shown: int = 4) -> str:
    """Say why rows were refused, the commonest reasons first, as `retry --reason` takes them."""
    said = ", ".join(f"{count} {reason}" for reason, count in list(reasons.items())[:shown])
    return said + (f", {len(reasons) - shown} more reasons" if len(reasons) > shown else "")


def tree(node: Any) -> None:
    """Print a row and what it was made from; what was shown above is only named."""

    def label(n: Any) -> str:
        relation = f"[dim]{escape(n.relation)}[/dim] " if n.relation else ""
        facts = "  ".join(f"[dim]{escape(k)}[/dim] {escape(visible(str(v)))}" for k, v in n.known)
        said = "[dim]as above[/dim]" if n.is_repeated else facts
        return f"{relation}[bold]{escape(n.kind)}[/bold] {escape(visible(n.id))}  {said}"

    def grow(branch: Tree, n: Any) -> Tree:
        for child in n.children:
            grow(branch.add(label(child)), child)
        return branch

    _out.print(grow(Tree(label(node)), node))


@contextmanager
def told(*, is_json: bool = False) -> Iterator[None]:
    """Turn what went wrong into a message and an exit code; a fault of ours keeps its traceback.

    Args:
        is_json: Say it as one JSON object on stdout, in place of the facts: `error`, `kind`, `hint`, `exit_code`.
    """
    try:
        yield
    except WellspringError as error:
        _complain(type(error).__name__, error.message, error.hint, error.exit_code, is_json=is_json)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            _own_fault(error, is_json=is_json)
            raise
        _complain(
            "BrokenError",
            f"the disk is full ({error.filename or 'while writing'})",
            "free space, then run the same command: it goes on where it stopped",
            BrokenError.exit_code,
            is_json=is_json,
        )
        raise SystemExit(BrokenError.exit_code) from None
    except Exception as error:
        _own_fault(error, is_json=is_json)
        raise


@contextmanager
def stoppable(again: str, *, is_json: bool = False) -> Iterator[None]:
    """Turn Ctrl-C into a message and an exit code; inside of Typer, which would answer it without a word.

    Args:
        again: What to type to do the same again.
        is_json: As for `told`.
    """
    try:
        yield
    except KeyboardInterrupt as stopped:
        number = stopped.args[0] if stopped.args else signal.SIGINT
        then, code = f"this goes on where it stopped: {again}", interrupts.EXIT + number
        _complain("stopped", "what was done is kept", then, code, is_json=is_json and number != signal.SIGPIPE)
        interrupts.exit_by(number)


def _own_fault(error: Exception, *, is_json: bool) -> None:
    """Say a fault of ours as JSON, where that is asked for; its traceback follows on stderr."""
    if is_json:
        then = "this is a fault of Wellspring's; the traceback is on stderr"
        _complain("Fault", f"{type(error).__name__}: {error}", then, BrokenError.exit_code, is_json=True)


def _complain(kind: str, message: str, then: str, exit_code: int, *, is_json: bool) -> None:
    if is_json:
        as_json({"error": visible(message), "kind": kind, "hint": visible(then), "exit_code": exit_code})
        return
    _err.print(f"[red]{kind}[/red]: {escape(visible(message))}", soft_wrap=True)
    if then:
        hint(then)
