"""The bodies of the site's pages: overview, funnel, quality, spend, corpus, dataset, rows, comparison."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from tasks.spine import charts, lineage, views
from tasks.spine.charts import NOTHING, Point, number
from tasks.spine.markup import Child, Html, element, said, table

Frames = Mapping[str, pl.DataFrame]
RUNS_IN_TRENDS = 60
RUNS_IN_HISTORY = 24
ROWS_IN_TABLES = 200
PLACES_ON_MAP = 1500
LANGUAGES_DRAWN = 12


def _points(runs: Sequence[Mapping[str, Any]], column: str) -> list[Point]:
    return [
        Point(f"{run['flow']} {run['run_id'][:8]}", float(run[column] or 0), run["status"])
        for run in runs[-RUNS_IN_TRENDS:]
    ]


def _trend(runs: Sequence[Mapping[str, Any]], column: str, name: str, as_text: Callable[[float], str]) -> Html:
    points = _points(runs, column)
    now = as_text(points[-1].value) if points else NOTHING
    caption = element("figcaption", name, element("strong", now))
    return element("figure", caption, charts.trend(points, name), class_="trend")


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
    yield views.tiles(
        [
            (
                "Documents",
                number(health["documents"] - health["duplicates"]),
                f"{number(health['duplicates'])} duplicates beside them",
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
        lead=f"The last {min(len(runs), RUNS_IN_TRENDS)} runs, oldest first. A red dot is a run that did not end well.",
    )
    yield views.section(
        "Latest runs",
        run_table(runs[::-1][:10], "latest"),
        element("p", element("a", f"All {len(runs)} runs", href="runs.html")),
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
        f"{len(rules)} expectations over the last {len(order)} audited runs, oldest first. "
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
    trends = (
        ("cost_usd", "Spent", views.usd),
        ("completion_tokens", "Tokens received", number),
        ("calls", "Calls", number),
        ("cached_calls", "Answers from memory", number),
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


def corpus(frames: Frames) -> Iterable[Child]:
    """Show what the corpus is made of."""
    languages = frames["languages"].filter(pl.col("noun") == "documents")
    lengths = frames["lengths"].filter(pl.col("noun") == "documents")
    bars = list(languages.select("language", "texts").head(LANGUAGES_DRAWN).iter_rows())
    by_language = element(
        "figure", element("figcaption", "Languages"), charts.columns(bars, "Documents by language"), class_="trend"
    )
    yield views.section(
        "Composition",
        element("div", by_language, _histogram("Lengths, in tokens", lengths), class_="grid wide"),
        lead="Valid documents, by language and by length (powers of two).",
    )
    rows = [
        (
            said(r["name"], 80),
            r["kind"],
            said(r["license"] or "not stated", 40),
            number(r["bytes"]),
            number(r["documents"]),
            number(r["duplicates"]),
            number(r["tokens"]),
        )
        for r in frames["sources"].head(ROWS_IN_TABLES).to_dicts()
    ]
    heads = (
        "Source",
        "Kind",
        "Licence",
        ("Bytes", views.NUMBER),
        ("Documents", views.NUMBER),
        ("Duplicates", views.NUMBER),
        ("Tokens", views.NUMBER),
    )
    yield views.section("Sources", table("Archives and what came of them", heads, rows, hidden=True))
    yield _left_out(frames)
    replaced = [
        (r["kind"].replace("_", " "), number(r["documents"]), number(r["replaced"]))
        for r in frames["redactions"].to_dicts()
    ]
    if replaced:
        heads = ("Kind", ("Documents", views.NUMBER), ("Replaced", views.NUMBER))
        yield views.section("Personal data", table("Personal data that was replaced", heads, replaced, hidden=True))
    sites = [
        (said(r["domain"], 80), number(r["documents"]), number(r["tokens"]), number(r["instructions"]))
        for r in frames["domains"].head(ROWS_IN_TABLES).to_dicts()
    ]
    heads = ("Site", ("Documents", views.NUMBER), ("Tokens", views.NUMBER), ("Instructions", views.NUMBER))
    yield views.section(
        "Sites",
        views.filter_box("sites", "sites"),
        element("div", table("Sites by documents", heads, sites, hidden=True), id="sites"),
        lead=f"The {len(sites)} largest.",
    )


def _left_out(frames: Frames) -> Html:
    """Draw what dropped items, and which copies and licences there are, side by side."""
    rules = [(said(r["rule"] or r["reason"], 60), r["items"]) for r in frames["dropped"].to_dicts()]
    copies = [(r["kind"], r["documents"]) for r in frames["copies"].to_dicts() if r["documents"]]
    licences = [(said(r["license"], 40), r["documents"]) for r in frames["licences"].head(LANGUAGES_DRAWN).to_dicts()]
    drawn = [
        table(name, (head, (count, views.NUMBER)), [(what, number(n)) for what, n in rows[:ROWS_IN_TABLES]])
        for name, head, count, rows in (
            ("What dropped items: reasons, quality rules, opt-outs", "Reason or rule", "Items", rules),
            ("Copies that were set aside", "Copy", "Documents", copies),
            ("Licences that pages and corpora declare", "Licence", "Documents", licences),
        )
        if rows
    ]
    return views.section("Left out, copied, licensed", element("div", *drawn, class_="grid wide"))


def dataset(frames: Frames, portrait: Mapping[str, Any] | None) -> Iterable[Child]:
    """Show what was written and how it was judged; with a portrait, its measures, topics and map."""
    rows = [
        (
            r["recipe"],
            number(r["instructions"]),
            number(r["documents"]),
            number(r["mean_chars"]),
            number(r["selected"]),
            views.share(r["selected"], r["instructions"]),
        )
        for r in frames["recipes"].to_dicts()
    ]
    heads = (
        "Recipe",
        *((name, views.NUMBER) for name in ("Instructions", "Pages", "Mean characters", "Selected", "Share")),
    )
    yield views.section("Recipes", table("What each recipe wrote", heads, rows, hidden=True))
    if portrait:
        yield from _portrayed(portrait)
    cards = [
        _histogram(f"Lengths of {noun}, in tokens", frames["lengths"].filter(pl.col("noun") == noun))
        for noun in ("instructions", "responses")
    ]
    yield views.section(
        "Scores and lengths",
        element("div", [*_score_charts(frames["scores"]), *cards], class_="grid"),
        lead="How often judges gave each value (none: the judge failed), and how long texts are (powers of two).",
    )


def _histogram(name: str, lengths: pl.DataFrame) -> Html:
    bars = [(f"{number(a)}+", b) for a, b in lengths.select("from_tokens", "texts").rows()]
    return element("figure", element("figcaption", name), charts.columns(bars, name), class_="trend")


def _portrayed(portrait: Mapping[str, Any]) -> Iterable[Child]:
    parts = portrait["measures"]
    names = [name for name in parts[0] if name != "part"] if parts else []
    rows = [(name.replace("_", " "), *(_measure(part[name]) for part in parts)) for name in names]
    heads = ("Measure", *((part["part"].replace("_", " "), views.NUMBER) for part in parts))
    yield views.section(
        "Measures",
        table("Measures of the selection, of its recipes and of random controls", heads, rows, hidden=True),
        lead="The selection beside its recipes, and beside the mean of random controls of the same size.",
    )
    places = [charts.Place(*point) for point in portrait["points"]]
    shown = places[:: max(1, -(-len(places) // PLACES_ON_MAP))]
    yield views.section(
        "Map",
        views.figure(
            charts.scatter(shown, "The dataset"),
            "Dots are instructions, coloured by topic; rings are human seeds; grey squares are documents.",
        ),
        lead=f"{len(shown)} of {len(places)} texts, placed so that what is alike lies close.",
    )
    topics = [(t["topic"], t["group"], number(t["rows"])) for t in portrait["topics"][:ROWS_IN_TABLES]]
    yield views.section(
        "Topics",
        views.filter_box("topics", "topics"),
        element("div", table("Topics", ("Topic", "Group", ("Rows", views.NUMBER)), topics, hidden=True), id="topics"),
    )


def _measure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"  # noqa: PLR2004 - three digits


def _score_charts(scores: pl.DataFrame) -> Iterable[Html]:
    for (judge, criterion), part in scores.group_by("judge", "criterion", maintain_order=True):
        bars = [("none" if value is None else f"{value:g}", n) for value, n in part.select("value", "subjects").rows()]
        name = f"{judge}: {criterion}"
        yield element("figure", element("figcaption", name), charts.columns(bars[:12], name), class_="trend")


def browser(rows: Sequence[Mapping[str, Any]], n: int, pages: int, total: int) -> Iterable[Child]:
    """Show a page of exported rows, and a field that searches all of them."""
    if not rows:
        yield element("p", "Nothing is exported yet, or the profile keeps values of rows off the pages.", class_="lead")
        return
    yield element(
        "p",
        f"The first {total} exported rows; any other is a ",
        element("code", "wellspring trace FILE:LINE"),
        " away.",
        class_="lead",
    )
    yield element(
        "p",
        element("label", "Search all of them", for_="search"),
        element("input", type="search", id="search", data_search=pages, autocomplete="off", spellcheck="false"),
        element("span", "", class_="note", id="search-count", role="status"),
        class_="filter",
    )
    yield element("div", "", id="search-results")
    yield element("div", [views.card(row, href=f"{row['export_id']}.html") for row in rows], id="cards")
    yield pager(n, pages, "index")


def row(row: Mapping[str, Any], tree: lineage.Node) -> Iterable[Child]:
    """Show one exported row and its lineage, drawn and in words."""
    yield views.card(row)
    yield views.section(
        "Lineage",
        views.figure(
            charts.lineage(tree, "Lineage"),
            "Left: the exported line. Right: what it was made from, as far as the archive.",
        ),
        lead="From the exported line on the left to the archive on the right. Any id here can be given to trace.",
    )
    seen: dict[str, lineage.Node] = {}
    for node in tree.walk():
        seen.setdefault(node.id, node)
    rows = [
        (
            element("code", node.id),
            node.kind,
            node.relation,
            element(
                "ul",
                [
                    element(
                        "li",
                        f"{k}: ",
                        said(v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, default=str), 300),
                    )
                    for k, v in node.facts.items()
                    if v not in (None, "", [])
                ],
                class_="reasons",
            ),
        )
        for node in seen.values()
    ]
    yield views.section(
        "In words", table("What this row was made from", ("Id", "What", "How", "Facts"), rows, hidden=True)
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
        "div", choice("left", "This run", min(1, len(runs) - 1)), choice("right", "with", 0), class_="choices"
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
