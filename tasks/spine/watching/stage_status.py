"""Where a store stands: what is done, due, refused and broken in each stage, and what the rest would cost.

What is due is asked with the very queries, and parameters, with which the stages of the latest runs asked for it
(`Store.asked`), so that this cannot drift from what a run would do; where the code's method is another by now, it is
asked for that one. What a stage would cost is what its rows have cost here so far. While a run holds the store its last
snapshot tells where it stood, and what that run writes down itself how far it is.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.io import files
from wellspring.tasks.io.storage import journal_file
from wellspring.tasks.io.storage import store as stores
from wellspring.tasks.io.storage.journal import cut_texts
from wellspring.tasks.io.storage.statements import queries, statement
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching.counts import known

RUNS_SHOWN = 10
Methods = Mapping[str, Mapping[str, str]]  # stage -> fingerprint -> name
_DUE = "due.json"
_AT_WORK = "at_work.json"
_Due = dict[str, list[dict[str, str | int | float | list[str] | None]]]  # query -> its parameters, each time
_COLUMNS = {
    "stage": pl.String,
    "rows": pl.Int64,
    "rows_valid": pl.Int64,
    "rows_due": pl.Int64,
    "rows_rejected": pl.Int64,
    "reasons": pl.String,
    "shards_failed": pl.Int64,
    "calls": pl.Int64,
    "cost_usd": pl.Float64,
    "due_cost_usd": pl.Float64,
}


def remember(store: Store, forgotten: frozenset[str] = frozenset()) -> None:
    """Keep the queries of what is due that this run has asked, over those of earlier runs, without forgotten ids."""
    kept = {
        name: [{key: _without(value, forgotten) for key, value in asked.items()} for asked in every]
        for name, every in _asked(store).items()
    }
    files.write_json(store.path / _DUE, kept)


def _asked(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return each query of what is due with the parameters it was asked with last."""
    return (files.read_json(store.path / _DUE, _Due) or {}) | store.asked


def _without(value: Any, forgotten: frozenset[str]) -> Any:
    return [one for one in value if one not in forgotten] if isinstance(value, list) else value


def at_work(directory: Path) -> dict[str, Any]:
    """Return how far the latest run came, as it wrote it down itself; empty before there is one."""
    said = files.read_json(directory / _AT_WORK, dict[str, Any])
    with suppress(ValueError):
        files.of_shape(said, _AtWork)
        return said or {}
    return {}


def say_progress(directory: Path, said: Mapping[str, Any]) -> None:
    """Write down how far a run is, for those who look meanwhile."""
    files.write_json(directory / _AT_WORK, said)


def audited() -> list[str]:
    """Return the nouns that are audited and published, in the order of the pipeline."""
    return [stage.noun for stage in STAGES.values() if stage.is_by_method]


@dataclass(frozen=True, slots=True)
class _Doing:
    """How far a stage is, as its run wrote it down; rows are known when it is over."""

    done: int
    total: int | None = None
    is_done: bool = False
    facts: dict[str, int | float | str | None] = field(default_factory=dict[str, int | float | str | None])
    rows_in: int = 0
    rows_out: int = 0


@dataclass(frozen=True, slots=True)
class _AtWork:
    """How far a run is, as it wrote it down."""

    run_id: str
    stages: dict[str, _Doing]
    flow: str = ""
    started_at: str = ""


class _ToldError(Exception):
    """A stage has said which methods it puts in force; nothing more of it is wanted."""


@dataclass(slots=True)
class _Asked:
    """Stands where a run stands, until a stage says its methods: the first thing that each of them does."""

    settings: Settings
    store: Store
    told: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def activate(self, stage: str, methods: Mapping[str, str], settings: object = None) -> None:
        """Take a stage's methods down."""
        del settings
        self.told[stage] = methods
        raise _ToldError


def methods(store: Store, settings: Settings, asked: Iterable[Callable[..., Any]]) -> Methods:
    """Return the methods that these stages would put in force now; nothing is written, and no model is asked.

    Raises:
        BrokenError: A file that a method rests on, such as a benchmark, is not there.
    """
    run = _Asked(settings, store)
    for stage in asked:
        with suppress(_ToldError, UsageError):  # a stage that these settings leave out has none
            stage(run)
    return run.told


def stages(store: Store, methods: Methods | None = None) -> pl.DataFrame:
    """Return a row for each stage: rows, those that are valid, due, refused (and why), broken shards, calls, costs.

    What is due is counted under `methods`, the code's, or where they are not given under those of the latest run.

    `due_cost_usd` is null where rows are due and none of that stage was ever paid for: `wellspring estimate` can say.
    NaN is a cost that nobody knows.
    """
    costs = {row["stage"]: row for row in store.query("runs/stages").to_dicts()}
    failed = {row["stage"]: row["shards_failed"] for row in store.query("failures/due").to_dicts()}
    reasons: dict[str, dict[str, int]] = {}
    for row in store.query("rejections/in_force").to_dicts():
        reasons.setdefault(row["stage"], {})[row["reason"]] = row["rows_rejected"]
    due, of_a_call, rows = _due(store, methods or {}), _cost_of_a_call(store), list[tuple[Any, ...]]()
    for noun in audited():
        cost, why = costs.get(noun, {}), reasons.get(noun, {})
        counts = (store.query(f"{noun}/size")["rows_all"][0], store.query(f"{noun}/audience")["rows_valid"][0])
        each = _cost_of_a_row(noun, cost, of_a_call) if due.get(noun) else 0.0
        rows.append(
            (
                *(noun, *counts, due.get(noun, 0), sum(why.values()), json.dumps(why), failed.get(noun, 0)),
                *(cost.get("calls", 0), cost.get("cost_usd", 0.0), None if each is None else each * due.get(noun, 0)),
            )
        )
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def _cost_of_a_row(noun: str, cost: Mapping[str, Any], of_a_call: Mapping[str, float]) -> float | None:
    """Return what an input of a stage costs: as its receipts say, else at least a call of its role, else None."""
    told = cost.get("cost_of_a_row_usd")
    stage = STAGES[noun]
    return of_a_call.get(stage.role if stage.kind == "prompted" else "") if told is None else told


def _cost_of_a_call(store: Store) -> dict[str, float]:
    """Return the mean by role: what a row of a stage costs at least that was never finished here."""
    calls = store.query("marts/calls", run_id=None).group_by("role").agg(pl.col("calls", "cost_usd").sum())
    return {role: cost / n for role, n, cost in calls.select("role", "calls", "cost_usd").rows()}


def _due(store: Store, methods: Methods) -> dict[str, int]:
    """Count what is due, stage by stage: by the queries of the methods in force, else by shards that were left.

    Of a stage that asked no query under a method of its own, all that another method made is due.
    """
    asked_now = {old: new for noun in audited() for old, new in _followed(store, noun, methods).items()}
    due: dict[str, int] = {}
    for name, every in _asked(store).items():
        table = name.partition("/")[0]
        for asked in every if name in queries(table) else ():
            noun = asked.get("stage", table)
            key = "fingerprint" if "fingerprint" in asked else "model"
            if asked.get(key) in asked_now:
                now = dict.fromkeys(statement(name)[1]) | asked | {key: asked_now[asked[key]]}
                due[noun] = due.get(noun, 0) + store.count(name, **now)
    for noun in changed(store, methods):
        due.setdefault(noun, store.query(f"{noun}/audience")["rows_valid"][0])
    for noun, said in at_work(store.path).get("stages", {}).items():
        if noun not in due and not said.get("is_done") and said.get("total"):
            due[noun] = said["total"] - said["done"]
    return due


def _active(store: Store, noun: str) -> dict[str, str]:
    return dict(store.query("methods/active", stage=noun).select("fingerprint", "name").rows())


def changed(store: Store, methods: Methods) -> list[str]:
    """Return the stages whose rows were written by other methods than these, in the order of the pipeline."""
    return [noun for noun in methods if (active := _active(store, noun)) and active.keys() != methods[noun].keys()]


def _followed(store: Store, noun: str, methods: Methods) -> dict[str, str]:
    """Return for each method in force the one that takes its place in the code: itself, or one of its name, if any."""
    active = _active(store, noun)
    now = methods.get(noun, active)
    fresh = {name: [print_ for print_ in now if now[print_] == name and print_ not in active] for name in now.values()}
    return {
        old: old if old in now else fresh[name].pop(0) for old, name in active.items() if old in now or fresh.get(name)
    }


def of_store(store: Store, methods: Methods | None = None, work: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the facts of `wellspring status`: the stages, and the latest runs, newest first.

    Args:
        store: The store.
        methods: Those that the code would put in force; what is due, and what is of another method, is told by them.
        work: Who was at work before the store was opened: a run that has ended meanwhile was not killed.
    """
    work = work if work and work["held_by"] else at_work_now(store.path)
    return _facts(store.path, stages(store, methods), store.query("marts/runs", run_id=None)) | {
        **work,
        "as_of": None if store.snapshot is None else store.snapshot.taken_at,
        "seeds_funnel": store.query("seeds/funnel").to_dicts(),
        "versions": {
            "store": store.query("upgrades/all")["version"].max(),
            "journal": journal_file.version(store.path / "completions.sqlite"),
            "upgrades": store.query("upgrades/all").drop_nulls("upgraded_from").to_dicts(),
        },
        "changed": changed(store, methods or {}),
        "writers": store.query("runs/writers").to_dicts(),
    }


def of_new_store(directory: Path) -> dict[str, Any]:
    """Return the same facts of a store whose first run has left nothing to read yet: only how far that run is."""
    return _facts(directory, pl.DataFrame(schema=_COLUMNS), pl.DataFrame()) | at_work_now(directory)


def at_work_now(directory: Path) -> dict[str, Any]:
    """Return who holds a store, or None, and how far that run is, as it wrote it down itself."""
    working, holder = at_work(directory), stores.holder(directory)
    is_its = holder is not None and working.get("run_id") == holder.get("owner")
    return {"held_by": None if holder is None else dict(holder), "running": working if is_its else {}}


def _facts(directory: Path, stands: pl.DataFrame, runs: pl.DataFrame) -> dict[str, Any]:
    due = math.nan if stands["due_cost_usd"].null_count() else float(stands["due_cost_usd"].sum())
    return {
        "store": str(directory),
        "held_by": None,
        "running": {},
        "as_of": None,
        "stages": [_priced(row) | {"reasons": json.loads(row["reasons"])} for row in stands.to_dicts()],
        "due_cost_usd": known(due),
        "unfinished_cost_usd": _unfinished(stands, runs),
        "cut_texts": cut_texts(directory / "completions.sqlite"),
        "runs": [_priced(row) for row in runs.to_dicts()[::-1][:RUNS_SHOWN]],
        "seeds_funnel": [],
        "versions": {"store": None, "journal": None, "upgrades": []},
        "changed": [],
        "writers": [],
    }


def _priced(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose unknown costs are None."""
    return {**row, **{name: known(value) for name, value in row.items() if name.endswith("_usd")}}


def _unfinished(stands: pl.DataFrame, runs: pl.DataFrame) -> float | None:
    """Return what runs spent beside the receipts of their stages, parked or killed; None where a price is unknown."""
    spent, in_receipts = (float(frame["cost_usd"].sum()) if frame.height else 0.0 for frame in (runs, stands))
    beside = known(spent - in_receipts)
    return None if beside is None else round(max(beside, 0.0), 6)
