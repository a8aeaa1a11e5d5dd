"""The bodies of the site's pages on runs and rows: overview, funnel, quality, spend, browser, comparison."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from wellspring.tasks.site import charts, views
from wellspring.tasks.site.browser import ROWS_A_PAGE, Extent
from wellspring.tasks.site.charts import NOTHING, Point, number
from wellspring.tasks.site.markup import Child, Html, element, said, table

Frames = Mapping[str, pl.DataFrame]
RUNS_IN_TRENDS = 60
RUNS_IN_HISTORY = 24
ROWS_IN_TABLES = 200


def _points(runs: Sequence[Mapping[str, Any]], column: str) -> list[Point]:
    return [
        Point(f"{run['flow']} {run['run_id'][:8]}", float(run[column]), run["status"])
        for run in runs[-RUNS_IN_TRENDS:]
        if run[column] is not None and not math.isnan(run[column])  # a cost that nobody knows has no place
    ]


def _trend(runs: Sequence[Mapping[str, Any]], column: str, name: str, as_text: Callable[[float], str]) -> Html:
    points = _points(runs, column)
    now = as_text(points[-1].value) if points else NOTHING
    caption = element("figcaption", name, element("strong", now))
    alone = element("p", "Of one run so far; a second one makes a line.", class_="note")
    return element("figure", caption, alone if len(points) == 1 else charts.trend(points, name), class_="trend")


def overview(frames: Frames) -> Iterable[Child]:
    """Show what a person asks first: is it well, what is there, how does it go."""
    runs = frames["runs"].to_dicts()
    health = frames["health"].to_dicts()[0]
    if not runs:
        yield element("p", "No run yet. ", element("code", "wellspring build"), " makes the first.", class_="lead")
        return
    last = runs[-1]
    yield element(
        "div",
        element(
            "p",
            views.status_pill(last["status"]),
            f" The last run, {last['flow']}, began ",
            views.when(last["started_at"]),
            ". ",
            views.run_link(last["run_id"]),
        ),
        element("pre", said(last["error"], 600)) if last["error"] else None,
        class_=f"verdict {views.STATUS.get(last['status'], 'quiet')}",
    )
    yield views.not_for_training(frames["calls"])
    yield views.tiles(
        [
            (
                "Documents",
                number(health["documents"] - health["duplicates"]),
                f"{views.many(health['duplicates'], 'duplicate')} beside them",
            ),
            ("Instructions", number(health["instructions"]), f"{number(health['responses'])} answers"),
            ("Exported rows", number(health["exported"]), "valid, in files"),
            ("Refused", number(health["refused"]), "each with its reason"),
            (
                "Spent",
                views.usd(health["cost_usd"]),
                f"{number(health['calls'])} calls, {number(health['retries'])} sent again",
            ),
            (
                "Newest page",
                element("span", (health["newest_document_at"] or NOTHING)[:10], class_="long"),
                "by its crawl date",
            ),
        ]
    )
    trends = (
        ("exported", "Exported rows", number),
        ("rows_rejected", "Refused inputs", number),
        ("cost_usd", "Spent", views.usd),
        ("seconds", "Took", views.took),
    )
    cards = [_trend(runs, column, name, as_text) for column, name, as_text in trends]
    yield views.section(
        "Trends",
        element("div", cards, class_="grid"),
        lead=f"{views.last(min(len(runs), RUNS_IN_TRENDS), 'run')}. Red: it did not end well." if len(runs) > 1 else "",
    )
    yield views.section(
        "Where it stands",
        views.standing_table(frames["standing"]),
        lead="Due: what the next run would do. What it would cost is what rows of the stage have cost here so far.",
    )
    yield views.section(
        "Latest runs",
        run_table(runs[::-1][:10], "latest"),
        element("p", element("a", "All runs", href="runs.html"), f" ({number(len(runs))})"),
    )


def run_table(runs: Sequence[Mapping[str, Any]], name: str) -> Html:
    """Return runs as a table that can be sorted."""
    rows = [
        (
            views.run_link(run["run_id"]),
            run["flow"],
            views.status_pill(run["status"]),
            views.when(run["started_at"]),
            views.took(run["seconds"]),
            number(run["exported"]),
            number(run["rows_rejected"]),
            views.usd(run["cost_usd"]),
            f"{run['failed']} / {run['warned']}",
        )
        for run in runs
    ]
    heads = (
        "Run",
        "Flow",
        "Status",
        "Began (UTC)",
        ("Took", views.NUMBER),
        ("Exported", views.NUMBER),
        ("Refused", views.NUMBER),
        ("Spent", views.NUMBER),
        ("Failed / warn", views.NUMBER),
    )
    return element("div", table("Runs, newest first", heads, rows, hidden=True), id=name, data_sortable=True)


def pager(n: int, pages: int, stem: str) -> Html | None:
    """Return links to the pages before and after."""
    if pages == 1:
        return None
    links: list[Child] = []
    if n:
        links.append(element("a", "Newer" if stem == "runs" else "Before", href=numbered(stem, n - 1), rel="prev"))
    links.append(element("span", f"Page {n + 1} of {pages}"))
    if n + 1 < pages:
        links.append(element("a", "Older" if stem == "runs" else "Next", href=numbered(stem, n + 1), rel="next"))
    return element("nav", links, class_="pager", aria_label="Pages")


def funnel(frames: Frames) -> Iterable[Child]:
    """Show all runs together, from records to exported rows."""
    stages = (
        frames["stages"]
        .group_by("stage", maintain_order=True)
        .agg(pl.col("rows_in", "rows_out", "rows_rejected", "seconds").sum(), pl.col("finished_at").min())
    )
    refusals = frames["refusals"].group_by("stage", "reason").agg(pl.col("rows_rejected").sum())
    refusals = refusals.sort(["stage", "rows_rejected", "reason"], descending=[False, True, False])
    yield element(
        "p", "All runs of this store together: every input is a row or a refusal with its reason.", class_="lead"
    )
    yield views.figure(
        charts.funnel(views.steps(stages, refusals), "Funnel of the store"),
        "The trunk is the share that goes on; numbers are rows; what leaves it was refused or not taken.",
    )
    yield views.section("By stage", views.stage_table(stages, refusals))
    yield _seeds(frames["seeds_funnel"])


def _seeds(steps: pl.DataFrame) -> Html | None:
    """Show what became of human conversations, beside what the paper counted at the steps it names."""
    if not steps["seeds"].sum():
        return None
    ours, theirs = (steps[name].to_list() for name in ("seeds", "paper"))
    rows = [
        (
            label,
            charts.share_bar([("fill", a or 0)], f"{a} of {ours[0]}", whole=ours[0]),
            number(a),
            views.share(a, ours[0]) if a is not None else NOTHING,
            number(b),
            views.share(b, theirs[0]) if b is not None else NOTHING,
        )
        for label, a, b in steps.select("label", "seeds", "paper").rows()
    ]
    heads = ("Step", ("Share", "roomy"), *((head, views.NUMBER) for head in ("Here", "of all", "Paper", "of all ")))
    return views.section(
        "From conversations to seeds",
        table("Seeds by step, beside the paper's counts", heads, rows, hidden=True),
        lead="All conversation sets of this store, beside the counts of SynthQuestions at the steps that it names.",
    )


def quality(frames: Frames) -> Iterable[Child]:
    """Show every expectation over the last runs, trouble first."""
    results = frames["expectations"]
    if results.is_empty():
        yield element("p", "Nothing has been audited yet.", class_="lead")
        return
    order = results.select("run_id").unique(maintain_order=True)["run_id"].to_list()[-RUNS_IN_HISTORY:]
    by_rule = defaultdict[tuple[str, str, str, str], dict[str, Mapping[str, Any]]](dict)
    for row in results.filter(pl.col("run_id").is_in(order)).to_dicts():
        by_rule[row["noun"], row["column_name"] or "table", row["expectation"], row["notes"]][row["run_id"]] = row
    rules = sorted(by_rule.items(), key=lambda item: (-_trouble(item[1], order), item[0]))
    now = [rule for _, runs in rules for rule in runs.values() if rule["run_id"] == order[-1]]
    failed = sum(not r["success"] and r["severity"] == "fail" for r in now)
    warned = sum(not r["success"] and r["severity"] == "warn" for r in now)
    yield element(
        "p",
        f"{views.many(len(rules), 'expectation')}. {views.last(len(order), 'audited run')}. "
        f"In the newest, {failed} failed and {warned} warn.",
        class_="lead",
    )
    yield element(
        "p",
        element("span", "✓ held", class_="pill good"),
        " ",
        element("span", "! warned", class_="pill warn"),
        " ",
        element("span", "✕ failed", class_="pill bad"),
    )
    yield views.filter_box("rules", "expectations")
    rows = [
        (
            noun,
            said(column, 60),
            charts.history([(run, _outcome(runs[run])) for run in order if run in runs], f"{noun} {column}"),
            said(_latest(runs, order)["observed"], 200),
            element("span", notes, class_="why"),
        )
        for (noun, column, _, notes), runs in rules
    ]
    yield element(
        "div",
        table(
            "Expectations over time", ("Table", "Column", "Runs", "Last observed", "Why it is asked"), rows, hidden=True
        ),
        id="rules",
    )


def _outcome(row: Mapping[str, Any]) -> str:
    if row["success"]:
        return "held"
    return "failed" if row["severity"] == "fail" else "warned"


def _latest(runs: Mapping[str, Mapping[str, Any]], order: Sequence[str]) -> Mapping[str, Any]:
    return next(runs[run] for run in reversed(order) if run in runs)


def _trouble(runs: Mapping[str, Mapping[str, Any]], order: Sequence[str]) -> int:
    """Rank what failed lately above what warned, and that above what holds."""
    last = _outcome(_latest(runs, order))
    ever = sum(not row["success"] for row in runs.values())
    return {"failed": 10_000, "warned": 1_000, "held": 0}[last] + ever


def spend(frames: Frames) -> Iterable[Child]:
    """Show what was spent, on whom, and where it goes."""
    runs, calls, health = frames["runs"].to_dicts(), frames["calls"], frames["health"].to_dicts()[0]
    cached = sum(run["cached_calls"] for run in runs)
    asked = sum(run["calls"] for run in runs)
    yield views.tiles(
        [
            ("Spent in all", views.usd(health["cost_usd"]), f"{number(health['calls'])} calls answered"),
            ("Projected, 30 days", views.usd(_projected(runs)), "from the last 7 days with runs"),
            ("From memory", views.share(cached, asked + cached), f"{number(cached)} answers were not paid again"),
            ("Sent again", number(health["retries"]), f"{number(_limited(frames))} refused for their rate (429)"),
            (
                "Tokens",
                number(health["prompt_tokens"] + health["completion_tokens"]),
                f"{number(health['prompt_tokens'])} sent, {number(health['completion_tokens'])} received",
            ),
            ("Queue", number(health["queued"]), "shards due again"),
        ]
    )
    slowest = dict(calls.group_by("run_id").agg(pl.col("latency_p95_seconds").max()).iter_rows())
    again = dict(calls.group_by("run_id").agg(pl.col("retries").sum()).iter_rows())
    runs = [run | {"latency": slowest.get(run["run_id"]), "retries": again.get(run["run_id"], 0)} for run in runs]
    trends = (
        ("cost_usd", "Spent", views.usd),
        ("completion_tokens", "Tokens received", number),
        ("calls", "Calls", number),
        ("cached_calls", "Answers from memory", number),
        ("retries", "Sent again", number),
        ("latency", "Slowest 5 % of answers, from", views.took),
    )
    cards = [_trend(runs, column, name, as_text) for column, name, as_text in trends]
    yield views.section("Trends", element("div", cards, class_="grid"))
    if not frames["attempts"].is_empty():
        yield views.section(
            "On the wire", _wire(frames["attempts"]), lead="Every attempt of every call, by how it ended."
        )
    if not calls.is_empty():
        merged = calls.group_by("role", "model").agg(
            pl.col(
                "calls", "retries", "prompt_tokens", "cached_tokens", "completion_tokens", "cost_usd", "cut_off"
            ).sum(),
            pl.col("latency_p50_seconds").median(),
            pl.col("latency_p95_seconds").max(),
        )
        yield views.section(
            "By role and model",
            views.call_table(merged.sort("role", "model")),
            lead="Latency: median of the runs' medians; the slowest run's 95 %.",
        )


def _limited(frames: Frames) -> int:
    return int(frames["attempts"].filter(status=429)["attempts"].sum())


def _wire(attempts: pl.DataFrame) -> Html:
    rows = [
        (r["outcome"].replace("_", " "), str(r["status"] or NOTHING), number(r["attempts"]))
        for r in attempts.to_dicts()
    ]
    return table("How attempts ended", ("Outcome", "HTTP", ("Attempts", views.NUMBER)), rows, hidden=True)


def _projected(runs: Sequence[Mapping[str, Any]]) -> float:
    """Thirty days at the pace of the seven up to the last run."""
    if not runs:
        return 0.0
    last = runs[-1]["started_at"]
    week = [run for run in runs if (last - run["started_at"]).total_seconds() <= 7 * 86400]
    days = max((last - week[0]["started_at"]).total_seconds() / 86400, 1)
    return sum(run["cost_usd"] for run in week) / days * 30


def browser(rows: Sequence[Mapping[str, Any]], extent: Extent) -> Iterable[Child]:
    """Show the first page of exported rows, and what the script needs to page, to search, and to draw a lineage."""
    if not rows:
        show = element("code", "--set pages.show_values=true")
        yield element("p", "Nothing is exported yet, or the profile keeps values of rows off the pages.", class_="lead")
        yield element("p", "A run with ", show, " shows them.", class_="quiet")
        return
    yield element(
        "p",
        element("label", f"Search all {extent.rows:,} rows", for_="search"),
        element("input", type="search", id="search", autocomplete="off", spellcheck="false"),
        element("span", "", class_="note", id="search-count", role="status"),
        class_="filter",
    )
    yield element(
        "p",
        "Words of question, answer, address, title, recipe, model; the last may be a beginning.",
        class_="note",
    )
    yield element(
        "noscript",
        element("p", "Without script these are the first rows; ", element("code", "wellspring trace FILE:LINE")),
    )
    yield element(
        "div",
        [views.card(row, href=f"index.html#r={n}") for n, row in enumerate(rows)],
        id="browser",
        tabindex=-1,
        data_rows=extent.rows,
        data_pages=extent.pages,
        data_size=ROWS_A_PAGE,
    )


def comparison(frames: Frames) -> Iterable[Child]:
    """Show two runs side by side; the script fills in what is chosen."""
    runs = frames["runs"].to_dicts()[::-1][:ROWS_IN_TABLES]
    yield element("p", "Two runs side by side: what changed in rows, refusals, tokens and cost.", class_="lead")

    def choice(name: str, label: str, chosen: int) -> Html:
        options = [
            element(
                "option",
                f"{run['started_at']:%Y-%m-%d %H:%M} {run['flow']} {run['run_id'][:8]} ({run['status']})",
                value=run["run_id"],
                selected=i == chosen,
            )
            for i, run in enumerate(runs)
        ]
        return element("p", element("label", label, for_=name), element("select", options, id=name), class_="filter")

    yield element(
        "div", choice("left", "This run", min(1, len(runs) - 1)), choice("right", "With", 0), class_="choices"
    )
    yield element(
        "div",
        element("noscript", element("p", "Choosing needs the site's script; each run's page has the same figures.")),
        id="comparison",
        aria_live="polite",
    )


def numbered(stem: str, n: int) -> str:
    """Return the address of page `n` of several."""
    return f"{stem}.html" if n == 0 else f"{stem}-{n + 1}.html"
