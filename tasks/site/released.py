"""What the last releases changed, each against the one before it: counts, reasons, ten rows of each kind to read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import views
from wellspring.tasks.site.charts import NOTHING, number
from wellspring.tasks.site.markup import Child, Html, element, said, table
from wellspring.tasks.spine.releases import differences, releases
from wellspring.tasks.spine.releases.differences import ADDED, CHANGED, REMOVED

STEPS = 3  # so many of the last releases are compared with the one before
ROWS_READ = 10  # of each kind
MOST_ROWS = 50_000  # of a release: of more, `wellspring diff` is told, and a page is not kept waiting
Texts = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """From one release to the next: their names, what differs, and the texts of the rows that are shown, by id.

    Where a release has too many rows for a page `found` is empty.
    """

    before: str
    after: str
    found: Mapping[str, Any]
    texts: Texts


def steps(store: Store, *, shows_values: bool) -> list[Step]:
    """Return what the last releases changed, the newest first.

    Args:
        store: The store.
        shows_values: Whether texts of rows may be shown; without it there are counts and ids.
    """
    named = releases.names(store.path)[-STEPS - 1 :]
    return [_step(store, a, b, shows_values=shows_values) for a, b in reversed([*pairwise(named)])]


def _step(store: Store, before: str, after: str, *, shows_values: bool) -> Step:
    folder = releases.folder_of(store.path)
    if max(int(releases.manifest(folder / name).get("rows", 0)) for name in (before, after)) > MOST_ROWS:
        return Step(before, after, {}, {})
    found = differences.between(*(differences.of_release(store.path, name) for name in (before, after)))
    shown = [one for what in (ADDED, REMOVED, CHANGED) for one in _some(found, what)]
    ids = sorted({one[side] for one in shown for side in ("id_a", "id_b")} - {""}) if shows_values else []
    texts = store.query("rows/said", ids=ids).rows() if ids else []
    return Step(before, after, found, {id_: (asked, answered) for id_, asked, answered in texts})


def _some(found: Mapping[str, Any], what: str) -> Sequence[Mapping[str, Any]]:
    """Return some rows from all over those of a kind."""
    of = [one for one in found["changes"] if one["what"] == what]
    return of[:: max(1, len(of) // ROWS_READ)][:ROWS_READ]


def drawn(steps: Iterable[Step]) -> Html | None:
    """Draw what releases changed; nothing before there are two."""
    parts = [_drawn(step) for step in steps]
    lead = "What each release changed against the one before it, the newest first, and why."
    return views.section("Releases", parts, lead=lead) if parts else None


def _drawn(step: Step) -> Html:
    heading = element("h3", f"{step.before} → {step.after}")
    if not step.found:
        command = element("code", f"wellspring diff {step.before} {step.after}")
        return element("div", heading, element("p", f"More than {number(MOST_ROWS)} rows: ", command), class_="step")
    rows = [
        (what, number(step.found["rows"][what]), _because(step.found["why"].get(what, {})))
        for what in (ADDED, REMOVED, CHANGED, "same")
    ]
    heads = ("Rows", ("How many", views.NUMBER), "Because")
    counts = table(f"What {step.after} changed against {step.before}", heads, rows, hidden=True)
    folded = [_read(step, what) for what in (ADDED, REMOVED, CHANGED) if step.found["rows"][what]]
    return element("div", heading, counts, folded, class_="step")


def _because(why: Mapping[str, int]) -> str:
    return ", ".join(f"{number(count)} {reason}" for reason, count in why.items()) or NOTHING


def _read(step: Step, what: str) -> Html:
    some = _some(step.found, what)
    summary = f"Read {len(some)} of {views.many(step.found['rows'][what], 'row')} that {_WERE[what]}"
    return element("details", element("summary", summary), [_card(one, step.texts) for one in some])


_WERE = {ADDED: "came", REMOVED: "went", CHANGED: "changed"}


def _card(one: Mapping[str, Any], texts: Texts) -> Html:
    """Return a row that differs; of one that changed both sides."""
    sides = [one[side] for side in ("id_a", "id_b") if one[side]]
    body = [element("section", _texts(id_, texts), class_="side") for id_ in sides]
    facts: list[Child] = [element("span", one["why"], class_="pill quiet"), " ", said(one["maker"], 80)]
    if texts and one["url"]:
        facts += [" · from ", said(one["url"], 120)]
    grid = element("div", body, class_="sides" if len(body) > 1 else None)
    return element("article", element("p", facts, class_="note"), grid, class_="card")


def _texts(id_: str, texts: Texts) -> list[Child]:
    trace = element("p", "trace: ", element("code", f"wellspring trace {id_}"), class_="note")
    if id_ not in texts:
        return [trace]
    asked, answered = texts[id_]
    return [element("h4", said(asked, 400)), element("p", said(answered, 700), class_="answer"), trace]
