"""The marts: what the dashboard shows and others may read, one query and one Parquet file each.

`sql/marts/<name>.sql` is the definition; `pages/marts/<name>.parquet` is what it said when the site was last written.
Pages are drawn from these frames and from nothing else, so another tool that reads them sees what the dashboard shows.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from wellspring.tasks.io import files
from wellspring.tasks.io.storage import holding, journal, statements
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching import alerts, people, stage_status

_IN_PIECES = frozenset({"rows", "origins"})  # too large for a frame: `tasks/site/browser.py` publishes them
_QUOTED = " such as "  # before values in what an expectation observed (validation.py)


def names() -> list[str]:
    """Return the names of the marts that are one query."""
    every = (query.removeprefix("marts/") for query in statements.queries("marts"))
    return [name for name in every if name not in _IN_PIECES]


def shows_values(store: Store) -> bool:
    """Whether the profile of the last run lets pages show values of rows."""
    last = store.query("runs/latest").to_dicts()
    settings = json.loads(last[0]["settings"]) if last else {}
    return bool(settings.get("pages", {}).get("show_values", False))


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Have what is published of a store for oneself while the block runs: runs, `dashboard`, `forget` write in turn."""
    with holding.turn(directory / "pages.lock", f"the pages of {directory} to write"):
        yield


def read(store: Store) -> Mapping[str, pl.DataFrame]:
    """Ask for every mart. Where the profile keeps values of rows to itself, what quotes them is left out."""
    frames = {name: store.query(f"marts/{name}", run_id=None) for name in names()}
    frames |= {"attempts": _attempts(store), "standing": stage_status.stages(store)}
    frames["seeds_funnel"] = store.query("seeds/funnel")
    frames |= {"marks": store.query("exports/marks"), "seeded": store.query("exports/seeded", required=[])}
    frames["people"] = pl.DataFrame(people.agreements(store), schema=people.AGREEMENT)
    if not shows_values(store):
        quoted = pl.col("observed").str.split(_QUOTED).list.first()
        frames["refusals"] = frames["refusals"].with_columns(example_detail=pl.lit(""))
        frames["expectations"] = frames["expectations"].with_columns(observed=quoted)
        frames["passed_mutants"] = frames["passed_mutants"].with_columns(known=pl.lit(""), text=pl.lit(""))
    return frames


def publish(store: Store, frames: Mapping[str, pl.DataFrame]) -> None:
    """Write every mart as Parquet, each file at once or not at all."""
    folder = store.pages / "marts"
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        with files.replacing(folder / f"{name}.parquet") as partial:
            frame.write_parquet(partial)
    _metrics(frames, folder / "metrics.prom", alerts.store_label(store.path))


def _attempts(store: Store) -> pl.DataFrame:
    """How calls went over the wire, from the journal: the one mart that is no query, since money lives there."""
    rows = journal.outcomes(store.path / "completions.sqlite")
    return pl.DataFrame(rows, schema={"outcome": pl.String, "status": pl.Int64, "attempts": pl.Int64}, orient="row")


def _metrics(frames: Mapping[str, pl.DataFrame], path: Path, store: str) -> None:
    """Write the Prometheus text file, for node_exporter's textfile collector or any static file server.

    Each value names its store, so that one server may watch many. What only grows is a counter.
    """
    row = frames["health"].to_dicts()[0]
    row["rate_limited"] = frames["attempts"].filter(status=429)["attempts"].sum()
    own = f'store="{_label(store)}"'
    lines: list[str] = []
    for kind, measures in (("gauge", _GAUGES), ("counter", _COUNTERS)):
        for name, meaning in measures.items():
            full = f"wellspring_{name}_total" if kind == "counter" else f"wellspring_{name}"
            lines += [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", f"{full}{{{own}}} {row[name]}"]
    counted = frames["refusals"].group_by("stage", "reason").agg(pl.col("rows_rejected").sum()).sort("stage", "reason")
    lines += _labelled("refusals", "Inputs refused, by stage and reason.", own, ("stage", "reason"), counted)
    due = frames["standing"].select("stage", "rows_due")
    lines += _labelled("due", "Inputs that the next run would take, by stage.", own, ("stage",), due)
    files.write_whole(path, ("\n".join(lines) + "\n").encode())


def _labelled(name: str, meaning: str, own: str, labels: tuple[str, ...], frame: pl.DataFrame) -> list[str]:
    """Write a gauge with labels: the first columns of a frame; its last is the value."""
    lines = [f"# HELP wellspring_{name} {meaning}", f"# TYPE wellspring_{name} gauge"]
    for *values, count in frame.rows():
        said = ",".join(f'{key}="{_label(value)}"' for key, value in zip(labels, values, strict=True))
        lines.append(f"wellspring_{name}{{{own},{said}}} {count}")
    return lines


_COUNTERS = {
    "calls": "Model calls answered.",
    "retries": "Model calls that had to be sent again.",
    "rate_limited": "Attempts that a server refused for their rate (HTTP 429).",
    "prompt_tokens": "Tokens sent.",
    "completion_tokens": "Tokens received.",
    "cost_usd": "Spent on model calls, in US dollars.",
}
_GAUGES = {
    "documents": "Documents in the store.",
    "instructions": "Instructions written.",
    "responses": "Responses written.",
    "exported": "Exported rows that are valid.",
    "refused": "Inputs refused.",
    "broken_shards": "Shards that broke.",
    "queued": "Shards and calls that are due again.",
    "newest_document_age_seconds": "Age of the newest page, by its crawl date.",
    "last_success_age_seconds": "Time since a run ended well.",
    "last_run_failed": "1 if the last run did not end well.",
}


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
