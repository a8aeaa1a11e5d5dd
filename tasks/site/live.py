"""A run while it works: what `wellspring dashboard --serve` says of it each time the page asks.

It reads what the run writes down for others, and its journal, beside it: a look never waits for a run, nor a run for
it. A site that lies there as files has this page, too, which says that it is not live.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts.errors import WellspringError
from wellspring.tasks.io import files
from wellspring.tasks.io.storage import journal
from wellspring.tasks.site import shards
from wellspring.tasks.site.markup import Child, element
from wellspring.tasks.spine.watching import progress, stage_status

PLACE = "live"  # the folder of its addresses
ROWS_SHOWN = 12


def now(store: Path) -> dict[str, Any]:
    """Return what can be said of a store at this moment.

    Args:
        store: Its directory.

    Returns:
        `run` at work, or None: its id, flow, start and stages, each with done, total, seconds left and what else it
        says; and `answers`, the last ones, whose texts are left out where the profile keeps values to itself.
    """
    work = stage_status.at_work_now(store)["running"]
    stages = [_stage(name, said) for name, said in work.get("stages", {}).items()]
    run = {key: work.get(key, "") for key in ("run_id", "flow", "started_at")} if work else None
    answers: list[tuple[Any, ...]] = []
    with suppress(WellspringError):  # a journal that cannot be read is told of by whoever opens the store
        answers = list(journal.latest(store / "completions.sqlite", ROWS_SHOWN))
    shows = _shows_values(store)
    return {"run": run, "stages": stages, "answers": [_answer(one, shows=shows) for one in answers]}


def _stage(name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    facts = said.get("facts", {})
    return {
        "name": name,
        "done": said["done"],
        "total": said.get("total"),
        "is_done": bool(said.get("is_done")) or (said.get("total") == said["done"]),
        "out": facts.get("out"),
        "rate": facts.get("rows_per_second"),
        "left": facts.get("seconds_left"),
        "said": progress.described({k: v for k, v in facts.items() if k not in _TOLD}),
    }


_TOLD = {"out", "rows_per_second", "seconds_left"}


def _answer(row: tuple[Any, ...], *, shows: bool) -> dict[str, Any]:
    role, model, ended, text, tokens, seconds = row
    told = {"role": role, "model": model, "ended": ended, "tokens": tokens, "seconds": seconds}
    return told | {"text": text if shows else ""}


def _shows_values(store: Path) -> bool:
    """Whether the settings of the latest run, at work or not, let pages show values of rows."""
    said = files.read_json(store / "settings.json", dict[str, Any])
    return bool((said or {}).get("pages", {}).get("show_values", False))


def script_of(store: Path) -> Callable[[str], bytes]:
    """Return a function that says what is so now, as a script that hands it to the page under the name it asked for."""

    def said(name: str) -> bytes:
        return b"wellspring.arrived(%s,%s);\n" % (shards.script(name), shards.script(now(store)))

    return said


def body() -> Iterable[Child]:
    """Show a run while it works; the script asks for it every second."""
    yield element("div", "", id="live", aria_live="off")
    serve = element("code", "wellspring dashboard --serve")
    yield element("p", "This page is live while ", serve, " serves it.", class_="note", id="not-live")
    yield element(
        "noscript", element("p", "It needs JavaScript. ", element("code", "wellspring status"), " says it, too.")
    )
