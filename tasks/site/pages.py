"""The pages people look at: one for each run, and a site over all of them. Static files, drawn from the marts.

A page opens no database and needs no network, so it can be looked at while the next run writes, mailed, or served by
anything. What strangers wrote is escaped by construction (markup.py), and nothing on a page leads out of the site.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from wellspring.tasks.io import files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import browser, composition, dashboard, facets, live, reading, released, run_page, shards
from wellspring.tasks.site.attempts import Attempts, Unwritten
from wellspring.tasks.site.dashboard import Frames
from wellspring.tasks.site.markup import Child, page
from wellspring.tasks.site.since import Baseline, baseline, of_runs
from wellspring.tasks.spine.watching import marts, saved_measures
from wellspring.tasks.spine.watching.saved_measures import DatasetMeasures

PLACES = (
    ("Overview", "index.html"),
    ("Live", "live.html"),
    ("Runs", "runs.html"),
    ("Funnel", "funnel.html"),
    ("Quality", "quality.html"),
    ("Spend", "spend.html"),
    ("Corpus", "corpus.html"),
    ("Dataset", "dataset.html"),
    ("Rows", "rows/index.html"),
    ("Pairs", "pairs.html"),
    ("Lists", "lists.html"),
    ("Compare", "compare.html"),
)
_NAMES = {address: name for name, address in PLACES}
RUNS_A_PAGE = 100
_OF_A_RUN = ("runs", "stages", "refusals", "expectations", "calls")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What pages are drawn from: marts, counts of rows, the portrait, how much there is, since when, and releases."""

    frames: Frames
    facets: pl.DataFrame
    portrait: DatasetMeasures | None
    labels: browser.Labels
    extent: browser.Extent
    since: Baseline
    steps: Sequence[released.Step]


_ASSETS = Path(__file__).parents[2] / "deployments" / "dashboard"
_DRAWN: Mapping[str, Callable[[Drawn], Iterable[Child]]] = {
    "index.html": lambda drawn: dashboard.overview(drawn.frames, drawn.facets, drawn.labels, drawn.since),
    "funnel.html": lambda drawn: dashboard.funnel(drawn.frames),
    "quality.html": lambda drawn: [
        *dashboard.certificates(drawn.frames["certificates"], drawn.frames["passed_mutants"]),
        *dashboard.quality(drawn.frames),
    ],
    "spend.html": lambda drawn: dashboard.spend(drawn.frames),
    "corpus.html": lambda drawn: composition.corpus(drawn.frames),
    "dataset.html": lambda drawn: composition.dataset(drawn.frames, drawn.facets, drawn.portrait),
    "compare.html": lambda drawn: dashboard.comparison(drawn.frames, drawn.extent, drawn.steps),
    "lists.html": lambda _: reading.lists(),
    "live.html": lambda _: live.body(),
    "pairs.html": lambda drawn: reading.pairs(drawn.extent),
}
_SCRIPTS = {
    "lists.html": ("site.js", "lists.js"),
    "live.html": ("site.js", "live.js"),
    "pairs.html": ("site.js", "reading.js", "pairs.js"),
    "compare.html": ("site.js", "compare.js"),
}


def write_site(store: Store) -> list[Unwritten]:
    """Publish the marts, write the site over all runs, and return what could not be written; the caller is `alone`.

    Pages of runs that have ended and were written before are left as they are, so the time does not grow with history;
    and so is the browser, while its rows are the same. A page that cannot be written stops no other.
    """
    attempts = Attempts()
    with attempts.at("assets"):
        _assets(store)
    with attempts.at("every page"):
        shows, frames = marts.shows_values(store), marts.read(store)
        _draw(store, frames, attempts, shows_values=shows)
    return attempts.unwritten


def _draw(store: Store, frames: Frames, attempts: Attempts, *, shows_values: bool) -> None:
    """Write all that is drawn from the marts, each page for itself."""
    with attempts.at("marts"):
        marts.publish(store, frames)
    _write_run_pages(store, frames, attempts, shows_values=shows_values)
    drawn = _browsed(store, frames, attempts, shows_values=shows_values)
    for path, body in _DRAWN.items():
        with attempts.at(path):
            _write(store, path, _NAMES[path], body(drawn), scripts=_SCRIPTS.get(path, ("site.js",)))
    _write_runs(store, frames, attempts)


def _browsed(store: Store, frames: Frames, attempts: Attempts, *, shows_values: bool) -> Drawn:
    """Write the rows and what leads to them; other pages are drawn with the counts of this, or of the last time."""
    portrait, extent, since = None, browser.Extent(0, 0), of_runs(frames["runs"])
    labels: browser.Labels = {}
    steps: Sequence[released.Step] = ()
    with attempts.at("releases"):
        since = baseline(store, frames["runs"])
        steps = released.steps(store, shows_values=shows_values)
    with attempts.at("portrait.json"):
        portrait = saved_measures.read(store)
        labels = {"topic": {str(t["number"]): t["topic"] for t in portrait.topics if "number" in t}} if portrait else {}
    with attempts.at("rows/index.html"):
        extent = browser.write(store, shows_values=shows_values, since=since, labels=labels)
        first = reading.browser(browser.first(store), extent)
        scripts = ("site.js", "facets.js", "reading.js", "rows.js") if extent.rows else ("site.js",)
        _write(store, "rows/index.html", "Rows", first, scripts=scripts)
    return Drawn(frames, facets.kept(store), portrait, labels, extent, since, steps)


def _write_run_pages(store: Store, frames: Frames, attempts: Attempts, *, shows_values: bool) -> None:
    """Write the pages of runs that have none, have gone on since, or were written when values were shown or hidden."""
    with attempts.at("runs"):
        _turn(store, "shown" if shows_values else "hidden")
    parts = {name: frames[name].partition_by("run_id", as_dict=True) for name in _OF_A_RUN}
    for run in frames["runs"].to_dicts():
        path = _page_of(run["run_id"])
        with attempts.at(path):
            written = store.pages / path
            if not written.is_file() or run["ended_at"] is None or written.stat().st_mtime < _seconds(run["ended_at"]):
                own = {name: parts[name].get((run["run_id"],), frames[name].clear()) for name in _OF_A_RUN}
                _write_run(store, run["run_id"], own, shows_values=shows_values)
                if store.snapshot is not None:  # a page is as old as what it is of
                    os.utime(written, (0, store.snapshot.taken_at.timestamp()))


def _turn(store: Store, shown: str) -> None:
    """Take away the pages that were drawn while values were shown or hidden: one that fails now may not go on so."""
    mark = store.pages / "runs" / "values"
    if mark.is_file() and mark.read_bytes() == shown.encode():
        return
    shutil.rmtree(store.pages / "runs", ignore_errors=True)
    for drawn in store.pages.glob("*.html"):
        with suppress(OSError):
            drawn.unlink()
    _write_text(mark, shown)


def _page_of(run_id: str) -> str:
    return f"runs/{run_id}/index.html"


def of_run(store: Store, run_id: str) -> Path:
    """Return where the page of a run is, if it is drawn."""
    return store.pages / _page_of(run_id)


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
    text = page(
        title or current,
        body,
        root=root,
        current=current,
        places=PLACES,
        store=store.path.resolve().name,
        scripts=scripts,
    )
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
    shards.write(store.pages, f"runs/{run_id}/facts", facts)
    body = run_page.body(frames, samples, shows_values=shows_values)
    _write(store, _page_of(run_id), "Runs", body, f"{run['flow']} run {run_id[:8]}")


def _sample_rows(store: Store, run_id: str) -> int:
    row = store.query("runs/settings", run_id=run_id)
    return int(json.loads(row["settings"][0]).get("pages", {}).get("sample_rows", 20))


def _write_runs(store: Store, frames: Frames, attempts: Attempts) -> None:
    runs = frames["runs"].to_dicts()[::-1]
    pages = max(-(-len(runs) // RUNS_A_PAGE), 1)
    for n in range(pages):
        path = dashboard.numbered("runs", n)
        with attempts.at(path):
            part = runs[n * RUNS_A_PAGE : (n + 1) * RUNS_A_PAGE]
            _write(store, path, "Runs", dashboard.run_list(part, n, pages))
