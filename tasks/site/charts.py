"""Drawings as SVG, made where the numbers are: no script draws, so they print, open offline and show without one.

Colours are classes of the style sheet, so that they follow light and dark. A drawing has a title that says what it
shows in words; the table beside it has the numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wellspring.tasks.site.markup import Html, element, plain

NOTHING = "\u2013"  # an en dash, where there is no value


def number(value: float | None) -> str:
    """Write a number as people read it: 1,234; 12.3 k; 4.5 M."""
    if value is None:
        return NOTHING
    if abs(value) >= 1e6:  # noqa: PLR2004 - a million
        return f"{value / 1e6:.1f} M"
    if abs(value) >= 1e5:  # noqa: PLR2004 - six digits no longer read at a glance
        return f"{value / 1e3:.0f} k"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.2f}"  # noqa: PLR2004


def drawing(
    width: float, height: float, label: str, *parts: Html, class_: str = "drawing", stretches: bool = False
) -> Html:
    """Return an SVG that scales with its place and says in words what it shows."""
    return element(
        "svg",
        element("title", label),
        parts,
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
        role="img",
        class_=class_,
        preserveAspectRatio="none" if stretches else None,
    )


def share_bar(parts: Sequence[tuple[str, float]], label: str, whole: float | None = None) -> Html:
    """Draw one bar of parts: (class, amount), on a scale of `whole` (their sum, if not given)."""
    total = whole or sum(amount for _, amount in parts) or 1
    pieces, x = [], 0.0
    for kind, amount in parts:
        wide = 160 * amount / total
        if wide > 0:
            pieces.append(element("rect", x=f"{x:.2f}", y=0, width=f"{max(wide, 1):.2f}", height=10, class_=kind))
        x += wide
    return drawing(160, 10, label, *pieces, class_="bar", stretches=True)


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a run: what to call it, how large, how the run ended, and its date (0: the first, 1: the last)."""

    name: str
    value: float
    status: str = "done"
    at: float | None = None


def trend(points: Sequence[Point], label: str) -> Html:
    """Draw values over runs as a line with a dot each, the last one marked; failed runs have their own colour."""
    width, height, pad = 320.0, 84.0, 8.0
    if not points:
        return element("p", "no runs yet", class_="quiet")
    top = max(1e-12, *(p.value for p in points))
    step = (width - 2 * pad) / max(len(points) - 1, 1)
    across = [pad + (i * step if p.at is None else (width - 2 * pad) * p.at) for i, p in enumerate(points)]
    places = [(across[i], height - pad - (height - 2 * pad) * p.value / top) for i, p in enumerate(points)]
    if len(places) == 1:
        places = [(width - pad, places[0][1])]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    area = f"{places[0][0]:.1f},{height - pad} {line} {places[-1][0]:.1f},{height - pad}"
    dots = [
        element(
            "circle",
            element("title", f"{p.name}: {number(p.value)}"),
            cx=f"{x:.1f}",
            cy=f"{y:.1f}",
            r=3.5 if i == len(points) - 1 or p.status not in {"done", "running"} else 1.6,
            class_="dot" if p.status in {"done", "running"} else "dot bad",
        )
        for i, ((x, y), p) in enumerate(zip(places, points, strict=True))
    ]
    ends = f"from {number(points[0].value)} to {number(points[-1].value)}"
    shown = f"{label}, {len(points)} runs: {ends}, at most {number(top)}"
    return drawing(
        width,
        height,
        shown,
        element("line", x1=pad, x2=width - pad, y1=height - pad, y2=height - pad, class_="axis"),
        element("polygon", points=area, class_="area"),
        element("polyline", points=line, class_="line"),
        *dots,
    )


@dataclass(frozen=True, slots=True)
class Step:
    """A stage in the funnel: its name, what went in, what came out, and what was refused why."""

    name: str
    rows_in: int
    rows_out: int
    reasons: Mapping[str, int]


REASONS_DRAWN = 4


def funnel(steps: Sequence[Step], label: str) -> Html:
    """Draw the way from records to exported rows: a trunk as thick as what goes on, branches as what was refused.

    Thickness is a share, passed on from stage to stage: a recipe that writes four instructions of a page, or an export
    in six forms, makes the trunk no thicker, so that losses can be compared. The numbers are rows.
    """
    if not steps:
        none = element("text", "no stage has run", x=8, y=34, class_="quiet")
        return drawing(600, 60, f"{label}: no stage has run", none)
    each, bar, top, thick = 205.0, 14.0, 46.0, 130.0
    parts: list[Html] = []
    lowest = top + thick
    for i, step in enumerate(steps):
        x = 8 + i * each
        goes_on = thick * min(step.rows_out / step.rows_in, 1) if step.rows_in else thick
        parts += [
            element("rect", x=x, y=top, width=bar, height=f"{max(thick, 1):.1f}", rx=2, class_="fill"),
            element("text", step.name, x=x, y=18, class_="strong"),
            element("text", f"{number(step.rows_in)} in", x=x, y=36, class_="small quiet"),
        ]
        branches, lowest_here = _branches(step, x + bar, top + goes_on, thick / max(step.rows_in, 1))
        lowest, to = max(lowest, lowest_here), x + each if i + 1 < len(steps) else x + bar + 60
        parts += [*branches, _ribbon(x + bar, top, goes_on, to, top, goes_on, "flow")]
        thick = goes_on
    end = 8 + (len(steps) - 1) * each + bar + 66
    parts.append(
        element("text", f"{number(steps[-1].rows_out)} out", x=end, y=top + max(thick / 2, 6) + 4, class_="strong")
    )
    words = "; ".join(f"{s.name}: {s.rows_in} in, {s.rows_out} out, {sum(s.reasons.values())} refused" for s in steps)
    return drawing(each * len(steps) + 10, lowest + 12, f"{label}. {words}", *parts, class_="drawing wide")


def _branches(step: Step, x: float, y: float, scale: float) -> tuple[list[Html], float]:
    """Draw what leaves the trunk, largest first; further reasons together; what was passed over in another colour."""
    ordered = [
        (reason, rows, "loss") for reason, rows in sorted(step.reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    if len(ordered) > REASONS_DRAWN:
        others = sum(rows for _, rows, _ in ordered[REASONS_DRAWN - 1 :])
        ordered = [*ordered[: REASONS_DRAWN - 1], ("other reasons", others, "loss")]
    passed_over = step.rows_in - step.rows_out - sum(step.reasons.values())
    if passed_over > 0:
        ordered.append(("not taken", passed_over, "rest"))
    parts: list[Html] = []
    ends = max(y + 18, 200.0)
    for reason, rows, kind in ordered:
        thick = max(rows * scale, 1.0)
        label = f"{number(rows)} {reason.replace('_', ' ')}"
        parts.append(_ribbon(x, y, rows * scale, x + 44, ends, thick, kind))
        parts.append(element("text", label, x=x + 50, y=f"{ends + thick / 2 + 4:.1f}", class_="small"))
        y += rows * scale
        ends += max(thick, 14) + 6
    return parts, ends if ordered else 0.0


def _ribbon(x1: float, y1: float, h1: float, x2: float, y2: float, h2: float, kind: str) -> Html:
    bend = (x1 + x2) / 2
    path = (
        f"M{x1:.1f},{y1:.1f} C{bend:.1f},{y1:.1f} {bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f} "
        f"L{x2:.1f},{y2 + h2:.1f} C{bend:.1f},{y2 + h2:.1f} {bend:.1f},{y1 + h1:.1f} {x1:.1f},{y1 + h1:.1f} Z"
    )
    return element("path", d=path, class_=kind)


_MARKS = {"held": "✓", "warned": "!", "failed": "✕"}


def history(outcomes: Sequence[tuple[str, str]], label: str) -> Html:
    """Draw how an expectation fared run by run, oldest first: (run, held | warned | failed), colour and mark."""
    parts = [
        element(
            "g",
            element("title", f"run {run[:8]}: {outcome}"),
            element("rect", x=i * 17, y=0, width=15, height=15, rx=2, class_=f"cell {outcome}"),
            element("text", _MARKS[outcome], x=i * 17 + 7.5, y=12, text_anchor="middle", class_=f"tick {outcome}"),
        )
        for i, (run, outcome) in enumerate(outcomes)
    ]
    bad = sum(outcome == "failed" for _, outcome in outcomes)
    return drawing(
        max(17 * len(outcomes), 17), 15, f"{label}: failed in {bad} of {len(outcomes)} runs", *parts, class_="cells"
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place on a map: x and y in [0, 1], what it is, its topic (-1 for none), and what it says."""

    x: float
    y: float
    kind: str
    topic: int
    label: str


def scatter(places: Sequence[Place], label: str) -> Html:
    """Draw a map: instructions as dots coloured by topic, seeds as rings, documents as grey squares below them."""
    width, height = 720.0, 480.0
    drawn = sorted(places, key=lambda p: ("document", "seed", "instruction").index(p.kind))
    marks = [_mark(p, 10 + (width - 20) * p.x, 10 + (height - 20) * (1 - p.y)) for p in drawn]
    counts = {kind: sum(p.kind == kind for p in places) for kind in ("instruction", "seed", "document")}
    words = ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items() if n)
    return drawing(width, height, f"{label}: {words}", *marks, class_="drawing map")


def _mark(place: Place, x: float, y: float) -> Html:
    title = element("title", plain(f"{place.kind}: {place.label}", 160)) if place.label else None
    if place.kind == "document":
        return element("rect", title, x=f"{x - 2:.1f}", y=f"{y - 2:.1f}", width=4, height=4, class_="place document")
    if place.kind == "seed":
        return element("circle", title, cx=f"{x:.1f}", cy=f"{y:.1f}", r=3.4, class_="place seed")
    return element("circle", title, cx=f"{x:.1f}", cy=f"{y:.1f}", r=3.2, class_=f"topic topic{place.topic % 8}")
