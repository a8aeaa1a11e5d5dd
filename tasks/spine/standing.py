"""Where a store stands: what is done, due, refused and broken in each stage, and what the rest would cost.

What is due is asked with the very queries, and parameters, with which the stages of the latest runs asked for it
(`Store.asked`), so that this cannot drift from what a run would do. What a stage would cost is what its rows have cost
here so far. While a run holds the store nobody else can open it: then its progress and the last published marts tell.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tasks.contracts import records
from tasks.io import files
from tasks.io import store as stores
from tasks.io.journal import cut_texts
from tasks.io.store import Store, queries

RUNS_SHOWN = 10
ROLES = {"groundings": "generator", "instructions": "generator", "responses": "responder"}  # the rest are judged
_DUE = "due.json"
_AT_WORK = "at_work.json"
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
    _write(store.path / _DUE, kept)


def _asked(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return each query of what is due with the parameters it was asked with last; how much at a time is no matter."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, every in (_read(store.path / _DUE) | store.asked).items():
        whole = [asked | {"batch": None} if "batch" in asked else asked for asked in every]
        found[name] = [asked for n, asked in enumerate(whole) if asked not in whole[:n]]
    return found


def _without(value: Any, forgotten: frozenset[str]) -> Any:
    return [one for one in value if one not in forgotten] if isinstance(value, list) else value


def at_work(directory: Path) -> dict[str, Any]:
    """Return how far the latest run came, as it wrote it down itself; empty before there is one."""
    return _read(directory / _AT_WORK)


def say_progress(directory: Path, said: Mapping[str, Any]) -> None:
    """Write down how far a run is, for those who cannot open the store meanwhile."""
    _write(directory / _AT_WORK, said)


def audited() -> list[str]:
    """Return the nouns that are audited and published, in the order of the pipeline."""
    return [table for table in records.TABLES if f"{table}/audience" in queries(table)]


def stages(store: Store) -> pl.DataFrame:
    """Return a row for each stage: rows, those that are valid, due, refused (and why), broken shards, calls, costs.

    `due_cost_usd` is null where rows are due and none of that stage was ever paid for: `wellspring estimate` can say.
    """
    costs = {row["stage"]: row for row in store.query("runs/stages").to_dicts()}
    failed = {row["stage"]: row["shards_failed"] for row in store.query("failures/due").to_dicts()}
    reasons: dict[str, dict[str, int]] = {}
    for row in store.query("rejections/in_force").to_dicts():
        reasons.setdefault(row["stage"], {})[row["reason"]] = row["rows_rejected"]
    due, of_a_call, rows = _due(store), _cost_of_a_call(store), list[tuple[Any, ...]]()
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
    return of_a_call.get(ROLES.get(noun, "")) if told is None else told


def _cost_of_a_call(store: Store) -> dict[str, float]:
    """Return the mean by role: what a row of a stage costs at least that was never finished here."""
    calls = store.query("marts/calls", run_id=None).group_by("role").agg(pl.col("calls", "cost_usd").sum())
    return {role: cost / n for role, n, cost in calls.select("role", "calls", "cost_usd").rows()}


def _due(store: Store) -> dict[str, int]:
    """Count what is due, stage by stage: by the queries of the methods in force, else by shards that were left."""
    active = {row["fingerprint"] for noun in audited() for row in store.query("methods/active", stage=noun).to_dicts()}
    due: dict[str, int] = {}
    for name, every in _asked(store).items():
        noun = name.partition("/")[0]
        for asked in every if name in queries(noun) else ():
            if asked.get("fingerprint", asked.get("model")) in active:
                due[noun] = due.get(noun, 0) + store.count(name, **asked)
    for noun, said in at_work(store.path).get("stages", {}).items():
        if noun not in due and not said.get("is_done") and said.get("total"):
            due[noun] = said["total"] - said["done"]
    return due


def of_store(store: Store) -> dict[str, Any]:
    """Return the facts of `wellspring status`: the stages, and the latest runs, newest first."""
    seeds = {"seeds_funnel": store.query("seeds/funnel").to_dicts()}
    return _facts(store.path, stages(store), store.query("marts/runs", run_id=None)) | seeds


def of_busy_store(directory: Path) -> dict[str, Any]:
    """Return the same facts of a store that a run holds: as they were published last, and how far that run is."""
    marts, holder = directory / "pages" / "marts", stores.holder(directory) or {}
    working = at_work(directory)
    is_its = working.get("run_id") == holder.get("owner")
    said = {"held_by": dict(holder), "running": working if is_its else {}, "published_at": None}
    if not (marts / "standing.parquet").is_file():
        return _facts(directory, pl.DataFrame(schema=_COLUMNS), pl.DataFrame()) | said
    said["published_at"] = datetime.fromtimestamp((marts / "standing.parquet").stat().st_mtime, UTC)
    stands, runs, seeds = (pl.read_parquet(marts / f"{name}.parquet") for name in ("standing", "runs", "seeds_funnel"))
    return _facts(directory, stands, runs) | said | {"seeds_funnel": seeds.to_dicts()}


def _facts(directory: Path, stands: pl.DataFrame, runs: pl.DataFrame) -> dict[str, Any]:
    costs = stands["due_cost_usd"]
    return {
        "store": str(directory),
        "held_by": None,
        "running": {},
        "published_at": None,
        "stages": [row | {"reasons": json.loads(row["reasons"])} for row in stands.to_dicts()],
        "due_cost_usd": None if costs.null_count() else costs.sum(),
        "unfinished_cost_usd": _unfinished(stands, runs),
        "cut_texts": cut_texts(directory / "completions.sqlite"),
        "runs": runs.to_dicts()[::-1][:RUNS_SHOWN],
        "seeds_funnel": [],
    }


def _unfinished(stands: pl.DataFrame, runs: pl.DataFrame) -> float:
    """Return what runs spent beside the receipts of their stages: in stages that parked or were killed."""
    spent, in_receipts = (float(frame["cost_usd"].sum()) if frame.height else 0.0 for frame in (runs, stands))
    return round(max(spent - in_receipts, 0.0), 6)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes()) if path.is_file() else {}


def _write(path: Path, said: Mapping[str, Any]) -> None:
    files.write_whole(path, json.dumps(dict(said)).encode())
