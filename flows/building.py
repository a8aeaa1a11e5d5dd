"""Runs of the main job that a person asks for: from Python, or from the command line through it."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from wellspring import Part
from wellspring.tasks.contracts.errors import TransientError, WellspringError

if TYPE_CHECKING:
    from wellspring.tasks.contracts.settings import Settings
    from wellspring.tasks.spine.operations.wanting import By, Standing
    from wellspring.tasks.spine.running.runs import Run


def build(
    profile: str, store: Path, overrides: list[str], *, only: str | None = None, prefect: bool | None = None
) -> dict[str, Any]:
    """Run the main job or a part of it, and return what it did.

    Args:
        profile: Its name, or a TOML file.
        store: Its directory.
        overrides: Settings as `key=value`.
        only: One part.
        prefect: As a Prefect flow; by default where a server is configured.

    Returns:
        The facts of `summaries.of_run`, and `seconds`.
    """
    started = time.monotonic()
    from wellspring.tasks.contracts import casting, settings
    from wellspring.tasks.spine.running import preflight, recipes

    wanted = settings.load(profile, overrides)
    casting.refuse_stand_ins(wanted, recipes.roles(wanted))
    preflight.look(wanted, store, parts(only))  # the run looks again; here it is said before what is heavy is loaded
    from wellspring.flows.dataset import dataset

    scheduled = bool(os.environ.get("PREFECT_API_URL")) if prefect is None else prefect
    if scheduled:
        _await_temporary_server()
    job = dataset if scheduled else dataset.fn
    job(profile=profile, store=str(store), overrides=overrides, only=only)
    return facts(store, time.monotonic() - started)


def want(
    profile: str,
    store: Path,
    overrides: list[str],
    rows: int,
    *,
    by: "By | None" = None,
    prefect: bool | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> dict[str, Any]:
    """Build in rounds, each with a higher limit, until so many rows are accepted or the inputs are used up.

    Args:
        profile: As for `build`, like `store`, `overrides` and `prefect`.
        store: As for `build`.
        overrides: As for `build`; their `limit`, or that of the profile, is never gone beyond.
        rows: How many are wanted; with `by` of each recipe or topic.
        by: What rows are counted by.
        prefect: As for `build`.
        say: Told of each round before it begins, and of what is missing where the run is parked.

    Returns:
        What `build` does of the last round, and `want`: `rows`, `by`, `accepted`, `groups`, `missing`, `rounds` (limit
        and accepted rows of each) and `ended` (`reached`, or what was used up).

    Raises:
        UsageError: The selection takes fewer rows than are wanted.
        TransientError: The run was parked, for its budget or else; what is missing was said.
    """
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine.operations import wanting

    chosen = settings.load(profile, overrides)
    wanting.check(chosen, rows)
    most = chosen.limit or sys.maxsize
    before = _standing(store, chosen, by)
    limit = min(most, wanting.first(rows, before.used if before else 0))
    rounds = list[dict[str, int]]()
    while True:
        say(f"round {len(rounds) + 1}: at most {limit} pages and {limit} seeds")
        try:
            found = build(profile, store, [*overrides, f"limit={limit}"], prefect=prefect)
        except TransientError:
            say(_short_of(_standing(store, chosen, by), rows))
            raise
        now = _standing(store, chosen, by)
        assert now is not None  # noqa: S101 - a build has just made it
        rounds.append({"limit": limit, "accepted": now.accepted})
        ended = _ended(now, rows, limit, most)
        if ended:
            facts = {"rows": rows, "by": by, "accepted": now.accepted, "groups": dict(now.groups)}
            return found | {"want": facts | {"missing": now.missing(rows), "rounds": rounds, "ended": ended}}
        limit = min(most, wanting.following(rows, now.least(), limit))


def _standing(store: Path, chosen: "Settings", by: "By | None") -> "Standing | None":
    from wellspring.tasks.io.storage.store import DATABASE, Store
    from wellspring.tasks.spine.operations import wanting

    if not (store / DATABASE).is_file():
        return None
    with Store.read(store) as opened:
        return wanting.standing(opened, chosen, by)


def _ended(now: "Standing", rows: int, limit: int, most: int) -> str:
    """Return why there is no other round, or nothing."""
    if not now.missing(rows):
        return "reached"
    if now.is_used_up(limit):
        return f"all inputs are used up: {now.pages} pages and {now.seeds} seeds"
    return f"limit={most} is used up" if limit >= most else ""


def _short_of(now: "Standing | None", rows: int) -> str:
    missing = now.missing(rows) if now else {"rows": rows}
    said = ", ".join(f"{count} of {name}" if name != "rows" else f"{count} rows" for name, count in missing.items())
    return f"still missing: {said}" if missing else "all wanted rows are accepted"


def _await_temporary_server() -> None:
    """Prepare for the server that Prefect starts where none is configured: it takes its time on a busy machine."""
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    from wellspring.flows.temporary_server import TemporaryServer

    TemporaryServer()  # Prefect starts this one, should it need one


def retry(
    profile: str, store: Path, overrides: list[str], *, stage: str | None, reason: str | None, run: str | None
) -> dict[str, Any]:
    """Reopen refusals and run the main job; returns what `build` does."""
    started = time.monotonic()
    from wellspring.flows.retry import retry as again

    again.fn(profile, str(store), overrides, stage, reason, run)
    return facts(store, time.monotonic() - started)


def estimate(
    profile: str,
    store: Path,
    overrides: list[str],
    *,
    only: str | None = None,
    pilot: int | None = None,
    want: int | None = None,
    by: "By | None" = None,
) -> dict[str, Any]:
    """Return what a build would ask and cost, as `estimating.estimate` does.

    With a `pilot` so many inputs of each program are asked about first, and paid for: what they took is gone by. With
    `want` also what so many accepted rows would probably take, as `wanting.expected` says.
    """
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine.running import preflight

    wanted = settings.load(profile, overrides)
    preflight.look(wanted, store, parts(only), is_sending=bool(pilot))  # before what is heavy is loaded
    from wellspring.flows.dataset import dataset
    from wellspring.tasks.spine.operations import estimating

    if pilot:
        _pilot(profile, store, overrides, parts(only), pilot)

    def rehearse(run: "Run") -> None:
        dataset.fn(profile, str(run.store.path), overrides, only)

    found = estimating.estimate(wanted, store, rehearse)
    if want is None:
        return found
    from wellspring.tasks.spine.operations import wanting

    standing = _standing(store, wanted, by) or wanting.Standing(0, {}, 0, 0, 0, 0, 0.0)
    return found | {"want": wanting.expected(standing, want)}


def _pilot(profile: str, store: Path, overrides: list[str], wanted: list[str], inputs: int) -> None:
    """Do the parts with few inputs for each program; what is done over a whole set (to choose, to pair) is left out."""
    from wellspring.flows.dataset import dataset
    from wellspring.tasks import scores
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine.running import runs, validation

    with runs.start("pilot", settings.load(profile, overrides), store, parts=wanted) as run:
        run.pilot = inputs
        for part in wanted:
            if part != "curation":
                dataset.fn(profile, str(store), overrides, part)
        if "curation" in wanted:
            run.meet()
            scores.judge(run)
            validation.audit(run, "scores")


def parts(only: str | None) -> list[str]:
    """Return the parts of the job that are run."""
    return [only] if only else list(get_args(Part))


def forms(formats: Sequence[str], *, only: bool) -> list[str]:
    """Say the forms of an export as settings: beside those that are there, or only these."""
    said = [f"exports.{'formats' if only else 'also'}={json.dumps(list(formats))}"] if formats else []
    return [*said, "exports.also=[]", "exports.added=drop"] if only else said


def facts(directory: Path, seconds: float) -> dict[str, Any]:
    """Return what the run that just ended did; `unread` says why that cannot be read: the run is done all the same."""
    from wellspring.tasks.io.storage.store import Store
    from wellspring.tasks.spine.releases import decisions
    from wellspring.tasks.spine.watching import summaries

    try:
        with Store.read(directory) as store:
            found = summaries.of_run(store) | {"unread": "", "held_at": decisions.held_at(store)}
    except WellspringError as fault:
        found = summaries.UNREAD | {"unread": str(fault)}
    return found | {"seconds": round(seconds, 1)}
