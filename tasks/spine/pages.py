"""The pages people look at: one for each run, and a site over all of them. Static files, drawn from the marts.

A page opens no database and needs no network, so it can be looked at while the next run writes, mailed, or served by
anything. What strangers wrote is escaped by construction (markup.py), and nothing on a page leads out of the site.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tasks.contracts.errors import UsageError
from tasks.contracts.records import content_id
from tasks.io.store import Store
from tasks.spine import dashboard, lineage, marts, run_page, views
from tasks.spine.dashboard import Frames
from tasks.spine.markup import Child, page

PLACES = (
    ("Overview", "index.html"),
    ("Runs", "runs.html"),
    ("Funnel", "funnel.html"),
    ("Quality", "quality.html"),
    ("Spend", "spend.html"),
    ("Corpus", "corpus.html"),
    ("Dataset", "dataset.html"),
    ("Rows", "rows/index.html"),
    ("Compare", "compare.html"),
)
RUNS_A_PAGE = 100
ROWS_A_PAGE = 50
ROW_PAGES = 1  # raised when a row's page changes, so that those that stand are written anew
_OF_A_RUN = ("runs", "stages", "refusals", "expectations", "calls")
_ASSETS = Path(__file__).parents[2] / "deployments" / "dashboard"


def write_run_page(store: Store, run_id: str) -> Path:
    """Write the page of one run and return its path.

    Raises:
        UsageError: The store knows no such run.
    """
    _assets(store)
    frames = {name: marts.read(store, name, run_id=run_id) for name in _OF_A_RUN}
    if frames["runs"].is_empty():
        raise UsageError(f"there is no run `{run_id}` in {store.path}", hint="`wellspring status` lists runs")
    return _write_run(store, run_id, frames)


def write_site(store: Store) -> Path:
    """Publish the marts, write the site over all runs, and return the path of its first page.

    Pages of runs that have ended and were written before are left as they are, so the time does not grow with history.
    """
    _assets(store)
    lineage.define(store)
    frames = marts.publish(store)
    for run in frames["runs"].to_dicts():
        written = store.pages / "runs" / run["run_id"] / "index.html"
        if not written.is_file() or run["ended_at"] is None or written.stat().st_mtime < _seconds(run["ended_at"]):
            _write_run(store, run["run_id"], {name: frames[name].filter(run_id=run["run_id"]) for name in _OF_A_RUN})
    _write(store, "index.html", "Overview", dashboard.overview(frames))
    _write_runs(store, frames)
    _write(store, "funnel.html", "Funnel", dashboard.funnel(frames))
    _write(store, "quality.html", "Quality", dashboard.quality(frames))
    _write(store, "spend.html", "Spend", dashboard.spend(frames))
    _write(store, "corpus.html", "Corpus", dashboard.corpus(frames))
    _write(store, "dataset.html", "Dataset", dashboard.dataset(frames, _portrait(store)))
    _write_rows_once(store, frames)
    _write(store, "compare.html", "Compare", dashboard.comparison(frames))
    return store.pages / "index.html"


def _portrait(store: Store) -> dict[str, Any] | None:
    """Read what the last export measured of the dataset; its labels are values of rows."""
    from tasks.spine import portrait  # it loads the index library, which other pages do not need

    drawn = portrait.read(store)
    if drawn is None:
        return None
    labels = marts.shows_values(store)
    points = [(x, y, kind, topic, label if labels else "") for x, y, kind, topic, label in drawn.points]
    return {"measures": drawn.measures, "topics": drawn.topics if labels else [], "points": points}


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def _assets(store: Store) -> None:
    folder = store.pages / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    for asset in _ASSETS.iterdir():
        if asset.suffix in {".css", ".js", ".svg"}:
            shutil.copyfile(asset, folder / asset.name)


def _write(store: Store, path: str, current: str, body: Iterable[Child], title: str = "") -> Path:
    """Write one page of the site, at once or not at all."""
    text = page(title or current, body, root="../" * path.count("/"), current=current, places=PLACES)
    return _write_text(store.pages / path, text)


def _write_text(to: Path, text: str) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    partial = to.with_name(f"{to.name}.part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, to)  # noqa: PTH105 - the atomic one
    return to


def _write_run(store: Store, run_id: str, frames: dict[str, pl.DataFrame]) -> Path:
    run = frames["runs"].to_dicts()[0]
    shows = marts.shows_values(store)
    if not shows:
        frames["refusals"] = frames["refusals"].with_columns(example_detail=pl.lit(""))
    most = _sample_rows(store, run_id) if shows and run["exported"] else 0
    samples = marts.read(store, "rows", run_id=run_id, most=most).to_dicts() if most else []
    facts = {name: json.loads(frames[name].write_json()) for name in ("runs", "stages", "refusals", "calls")}
    _write_text(
        store.pages / "runs" / run_id / "facts.js", f"wellspring.facts({json.dumps(run_id)}, {_script(facts)});\n"
    )
    title = f"{run['flow']} run {run_id[:8]}"
    body = run_page.body(frames, samples, shows_values=shows)
    return _write(store, f"runs/{run_id}/index.html", "Runs", body, title)


def _sample_rows(store: Store, run_id: str) -> int:
    row = store.query("runs/settings", run_id=run_id)
    return int(json.loads(row["settings"][0]).get("pages", {}).get("sample_rows", 20))


def _script(value: Any) -> str:
    """Write data as a script literal: ASCII, and with nothing in it that could end a script element."""
    return json.dumps(value, ensure_ascii=True, default=str).replace("<", "\\u003c")


def _write_runs(store: Store, frames: Frames) -> None:
    runs = frames["runs"].to_dicts()[::-1]
    pages = max(-(-len(runs) // RUNS_A_PAGE), 1)
    for n in range(pages):
        part = runs[n * RUNS_A_PAGE : (n + 1) * RUNS_A_PAGE]
        body = (
            views.filter_box("runs", "these runs"),
            dashboard.run_table(part, "runs"),
            dashboard.pager(n, pages, "runs"),
        )
        _write(store, dashboard.numbered("runs", n), "Runs", body)


def _write_rows_once(store: Store, frames: Mapping[str, pl.DataFrame]) -> None:
    """Write the browser and the lineages, unless the same rows with the same judgements stand there already."""
    known = frames["health"].select("scores", "responses", "instructions").rows()
    digest = content_id(ROW_PAGES, known, frames["rows"].write_json())
    mark = store.pages / "rows" / "digest"
    if not mark.is_file() or mark.read_text(encoding="ascii") != digest:
        _write_rows(store, frames["rows"])
        _write_text(mark, digest)


def _write_rows(store: Store, rows: pl.DataFrame) -> None:
    for stale in ("rows", "search"):  # a row that is no longer exported must not stay readable
        shutil.rmtree(store.pages / stale, ignore_errors=True)
    shown = rows.to_dicts()
    trees = lineage.forest(store, {row["export_id"]: "exports" for row in shown}) if shown else {}
    for row in shown:
        tree = trees[row["export_id"]]
        title = f"{row['path']}:{row['line']}"
        _write(store, f"rows/{row['export_id']}.html", "Rows", dashboard.row(row, tree), title)
    pages = max(-(-len(shown) // ROWS_A_PAGE), 1)
    for n in range(pages):
        part = shown[n * ROWS_A_PAGE : (n + 1) * ROWS_A_PAGE]
        _write(store, "rows/" + dashboard.numbered("index", n), "Rows", dashboard.browser(part, n, pages, len(shown)))
        _write_search(store, part, n)


def _write_search(store: Store, rows: Sequence[Mapping[str, Any]], n: int) -> None:
    """Write what the filter looks through, one file a page, fetched when someone types."""
    entries = [
        [
            row["export_id"],
            f"{row['path']}:{row['line']}",
            row["instruction"] or "",
            row["response"] or "",
            row["url"] or "",
        ]
        for row in rows
    ]
    _write_text(store.pages / "search" / f"{n}.js", f"wellspring.found({n}, {_script(entries)});\n")
