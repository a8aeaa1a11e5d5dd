"""The pages people look at: one for each run, and a site over all of them. Static files, drawn from the marts.

A page opens no database and needs no network, so it can be looked at while the next run writes, mailed, or served by
anything. What strangers wrote is escaped by construction (markup.py), and nothing on a page leads out of the site.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from wellspring.tasks.io import files, holding
from wellspring.tasks.io.store import Store
from wellspring.tasks.spine import browser, composition, dashboard, kept_portrait, marts, run_page, views
from wellspring.tasks.spine.dashboard import Frames
from wellspring.tasks.spine.markup import Child, page

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
_NAMES = {address: name for name, address in PLACES}
RUNS_A_PAGE = 100
_OF_A_RUN = ("runs", "stages", "refusals", "expectations", "calls")
_ASSETS = Path(__file__).parents[2] / "deployments" / "dashboard"


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Have the pages of a store for oneself while the block runs: runs and `dashboard` write them in turn."""
    with holding.turn(directory / "pages.lock", f"the pages of {directory} to write"):
        yield


def write_site(store: Store) -> Path:
    """Publish the marts, write the site over all runs, and return the path of its first page; the caller is `alone`.

    Pages of runs that have ended and were written before are left as they are, so the time does not grow with history;
    and so is the browser, while its rows are the same.
    """
    _assets(store)
    shows = marts.shows_values(store)
    frames = marts.publish(store)
    _write_run_pages(store, frames, shows_values=shows)
    extent = browser.write(store, shows_values=shows)
    drawn: tuple[tuple[str, Iterable[Child]], ...] = (
        ("index", dashboard.overview(frames)),
        ("funnel", dashboard.funnel(frames)),
        ("quality", dashboard.quality(frames)),
        ("spend", dashboard.spend(frames)),
        ("corpus", composition.corpus(frames)),
        ("dataset", composition.dataset(frames, kept_portrait.read(store))),
        ("compare", dashboard.comparison(frames)),
    )
    for name, body in drawn:
        _write(store, f"{name}.html", _NAMES[f"{name}.html"], body)
    _write_runs(store, frames)
    first = dashboard.browser(browser.first(store), extent)
    _write(store, "rows/index.html", "Rows", first, scripts=("site.js", "rows.js") if extent.rows else ("site.js",))
    return store.pages / "index.html"


def _write_run_pages(store: Store, frames: Frames, *, shows_values: bool) -> None:
    """Write the pages of runs that have none, have gone on since, or were written when values were shown or hidden."""
    mark, shown = store.pages / "runs" / "values", "shown" if shows_values else "hidden"
    if not mark.is_file() or mark.read_text(encoding="ascii") != shown:
        shutil.rmtree(store.pages / "runs", ignore_errors=True)
    parts = {name: frames[name].partition_by("run_id", as_dict=True) for name in _OF_A_RUN}
    for run in frames["runs"].to_dicts():
        written = store.pages / "runs" / run["run_id"] / "index.html"
        if not written.is_file() or run["ended_at"] is None or written.stat().st_mtime < _seconds(run["ended_at"]):
            own = {name: parts[name].get((run["run_id"],), frames[name].clear()) for name in _OF_A_RUN}
            _write_run(store, run["run_id"], own, shows_values=shows_values)
            if store.snapshot is not None:  # a page is as old as what it is of
                os.utime(written, (0, store.snapshot.taken_at.timestamp()))
    _write_text(mark, shown)


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def _assets(store: Store) -> None:
    folder = store.pages / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    for asset in _ASSETS.iterdir():
        if asset.suffix in {".css", ".js", ".svg"}:
            shutil.copyfile(asset, folder / asset.name)


def _write(
    store: Store, path: str, current: str, body: Iterable[Child], title: str = "", scripts: Iterable[str] = ("site.js",)
) -> Path:
    """Write one page of the site, at once or not at all."""
    root = "../" * path.count("/")
    text = page(title or current, body, root=root, current=current, places=PLACES, scripts=scripts)
    return _write_text(store.pages / path, text)


def _write_text(to: Path, text: str) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    files.write_whole(to, text.encode())
    return to


def _write_run(store: Store, run_id: str, frames: Frames, *, shows_values: bool) -> None:
    run = frames["runs"].to_dicts()[0]
    most = _sample_rows(store, run_id) if shows_values and run["exported"] else 0
    samples = store.query("rows/samples", run_id=run_id, most=most).to_dicts() if most else []
    facts = {name: frames[name].to_dicts() for name in ("runs", "stages", "refusals", "calls")}
    said = f"wellspring.facts({json.dumps(run_id)}, {browser.script(facts).decode()});\n"
    _write_text(store.pages / "runs" / run_id / "facts.js", said)
    body = run_page.body(frames, samples, shows_values=shows_values)
    _write(store, f"runs/{run_id}/index.html", "Runs", body, f"{run['flow']} run {run_id[:8]}")


def _sample_rows(store: Store, run_id: str) -> int:
    row = store.query("runs/settings", run_id=run_id)
    return int(json.loads(row["settings"][0]).get("pages", {}).get("sample_rows", 20))


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
