"""The bodies of the site's pages on runs and rows: overview, funnel, quality, spend, browser, comparison."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from wellspring.tasks.site import changes, charts, composition, links, released, views, words
from wellspring.tasks.site.browser import Extent, Labels
from wellspring.tasks.site.charts import NOTHING, Point, number
from wellspring.tasks.site.markup import Child, Html, element, joined, said, table
from wellspring.tasks.site.released import Step
from wellspring.tasks.site.since import Baseline

Frames = Mapping[str, pl.DataFrame]
RUNS_IN_TRENDS = 60
FLOWS_IN_TRENDS = 4
RUNS_IN_HISTORY = 24
ROWS_IN_TABLES = 200
ID_CHARS = 12


def _points(runs: Sequence[Mapping[str, Any]], column: str) -> list[Point]:
    """Return the values of runs at their dates; a run that had nothing to do says nothing of rows and costs."""
    told = [run for run in runs if run[column] is not None and not math.isnan(run[column])]
    if not told:
        return []
    first, last = told[0]["started_at"], told[-1]["started_at"]
    whole = max((last - first).total_seconds(), 1.0)
    return [
        Point(
            f"{run['started_at']:%Y-%m-%d %H:%M} {run['run_id'][:8]}",
            float(run[column]),
            run["status"],
            (run["started_at"] - first).total_seconds() / whole,
        )
        for run in told
    ]


def _trend(runs: Sequence[Mapping[str, Any]], column: str, name: str, as_text: Callable[[float], str]) -> Html:
    points = _points(runs, column)
    now = as_text(points[-1].value) if points else NOTHING
    caption = element("figcaption", name, element("strong", now))
    return element("figure", caption, None if len(points) == 1 else charts.trend(points, name), class_="trend")


def _is_idle(run: Mapping[str, Any]) -> bool:
    """Whether a run ended well and had nothing to do."""
    return run["status"] == "done" and not (run["rows_in"] or run["rows_out"] or run["calls"])


def _trends(runs: Sequence[Mapping[str, Any]], trends: Sequence[tuple[str, str, Callable[[float], str]]]) -> Html:
    """Return some columns of runs as lines by date, each flow for itself; of a single run, as numbers."""
    worked = [run for run in runs if not _is_idle(run)][-RUNS_IN_TRENDS:]
    flows = sorted({run["flow"] for run in worked}, key=lambda flow: (-sum(r["flow"] == flow for r in worked), flow))
    parts = [_of_flow([run for run in worked if run["flow"] == flow], flow, trends) for flow in flows[:FLOWS_IN_TRENDS]]
    idle = len(runs) - len([run for run in runs if not _is_idle(run)])
    lead = "There is one run so far. A second run makes lines of these numbers."
    if len(runs) > 1:
        lead = "By date, each flow for itself. Each number is that of the newest run. A red dot is a run that did not "
        lead += "end well."
    note = f"{views.many(idle, 'run')} had nothing to do, and {'is' if idle == 1 else 'are'} left out." if idle else ""
    return views.section("Trends", parts, element("p", note, class_="note") if note else None, lead=lead)


def _of_flow(
    runs: Sequence[Mapping[str, Any]], flow: str, trends: Sequence[tuple[str, str, Callable[[float], str]]]
) -> Html:
    cards = [_trend(runs, column, name, as_text) for column, name, as_text in trends]
    heading = element("h3", f"{flow}, {views.many(len(runs), 'run')}")
    return element("div", heading, element("div", cards, class_="grid"), class_="flow-of-runs")


def overview(frames: Frames, facets: pl.DataFrame, labels: Labels, since: Baseline) -> Iterable[Child]:
    """Show what changed and what needs a person, then what there is, how it goes, and what was refused."""
    runs = frames["runs"].to_dicts()
    if not runs:
        yield element("p", "There is no run yet. ", element("code", "wellspring build"), " makes one.", class_="lead")
        return
    yield views.not_for_training(frames["calls"])
    yield element("div", changes.changed(frames, facets, since), changes.needed(frames), class_="first")
    yield _what_there_is(frames)
    yield composition.distributions(facets, labels)
    trends = (
        ("exported", "Exported rows", number),
        ("rows_rejected", "Refused inputs", number),
        ("cost_usd", "Spent", views.usd),
        ("seconds", "Took", views.took),
    )
    yield _trends(runs, trends)
    yield views.section(
        "Refusals",
        views.refusal_table(frames["refusals"]),
        lead="A refused input was not used. Each number leads to its rows.",
    )
    yield views.section(
        "Where each stage stands",
        views.standing_table(frames["standing"]),
        views.stages_explained(words.STANDING, frames["standing"]),
        lead="A stage is one step of the pipeline and fills one table. The next run works on the inputs that are due.",
    )
    yield views.section(
        "Latest runs",
        run_table(runs[::-1][:10], "latest"),
        element("p", element("a", "All runs", href="runs.html"), f" ({number(len(runs))})"),
    )


def _what_there_is(frames: Frames) -> Html:
    """Return the figures of the store, each a link to what was counted."""
    health, last = frames["health"].to_dicts()[0], frames["runs"].to_dicts()[-1]
    return views.tiles(
        [
            (
                "Documents",
                links.count(health["documents"] - health["duplicates"], links.listed("documents")),
                joined(
                    "texts of pages, without ",
                    element("a", views.many(health["duplicates"], "copy", "copies"), href=links.listed("copies")),
                ),
            ),
            (
                "Instructions",
                links.count(health["instructions"], links.listed("instructions")),
                f"written by models, with {views.many(health['responses'], 'answer')}",
            ),
            ("Exported rows", links.count(health["exported"], links.rows()), "in files; their audits passed"),
            (
                "Refused",
                links.count(health["refused"], links.listed("refused")),
                "inputs not used, each with a reason",
            ),
            (
                "Spent",
                element("a", views.usd(health["cost_usd"]), href="spend.html"),
                f"{views.many(health['calls'], 'model call')}, {views.many(health['retries'], 'repeat')}",
            ),
            (
                "Latest run",
                views.status_pill(last["status"]),
                joined(views.run_link(last["run_id"]), f" ({last['flow']}), ", views.when(last["started_at"]), " UTC"),
            ),
            (
                "Newest page",
                element("span", (health["newest_document_at"] or NOTHING)[:10], class_="long"),
                "when it was fetched from the web",
            ),
        ]
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
        "Job",
        "Status",
        "Began (UTC)",
        ("Took", views.NUMBER),
        ("Rows exported", views.NUMBER),
        ("Inputs refused", views.NUMBER),
        ("Spent", views.NUMBER),
        ("Rules failed / warned", views.NUMBER),
    )
    return element("div", table("Runs, newest first", heads, rows, hidden=True), id=name, data_sortable=True)


def run_list(runs: Sequence[Mapping[str, Any]], n: int, pages: int) -> Iterable[Child]:
    """Show page `n` of all runs, newest first."""
    lead = "A run is one execution of a job. The newest run comes first; click a heading to sort."
    yield element("p", lead, class_="lead")
    yield views.filter_box("runs", "these runs")
    yield run_table(runs, "runs")
    yield views.explained("What the statuses mean", {name: f"The run {did}" for name, did in words.STATUSES.items()})
    yield _pager(n, pages)


def _pager(n: int, pages: int) -> Html | None:
    """Return links to the runs before and after."""
    if pages == 1:
        return None
    links: list[Child] = []
    if n:
        links.append(element("a", "Newer", href=numbered("runs", n - 1), rel="prev"))
    links.append(element("span", f"Page {n + 1} of {pages}"))
    if n + 1 < pages:
        links.append(element("a", "Older", href=numbered("runs", n + 1), rel="next"))
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
        "p",
        "How many rows went into each stage, came out of it, and were refused. All runs of this store are added up.",
        class_="lead",
    )
    yield views.funnel_figure(charts.funnel(views.steps(stages, refusals), "Funnel of the store"))
    yield views.section("By stage", views.stage_table(stages, refusals), views.stages_explained(words.FLOW, stages))
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
    numbers = ("Here", "Share here", "In the paper", "Share there")
    heads = ("Left after the step", ("Left here", "roomy"), *((head, views.NUMBER) for head in numbers))
    return views.section(
        "From conversations to seeds",
        table("Seeds by step, beside the paper's counts", heads, rows, hidden=True),
        lead="A seed is an instruction that a person wrote. The paper is SynthQuestions; it counts some of the steps.",
    )


def certificates(frame: pl.DataFrame, passed: pl.DataFrame) -> Iterable[Child]:
    """Show which tasks have a certificate and why others have none, mutants by kind, and how often tasks are solved.

    Args:
        frame: The mart `certificates`.
        passed: The mart `passed_mutants`; its texts are empty where the profile hides values of rows.
    """
    parts = {part: frame.filter(part=part).to_dicts() for part in ("outcome", "mutants", "solved")}
    if not parts["outcome"]:
        return
    yield element("h2", "Tasks that can be verified")
    rows = [(row["kind"], row["name"].replace("_", " "), number(row["number"])) for row in parts["outcome"]]
    yield table(
        "What became of them. Only certified ones are exported.", ("Kind", "Outcome", ("Tasks", "number")), rows
    )
    if parts["mutants"]:
        rows = [
            (one["name"].replace("_", " "), *map(number, (one["whole"], one["number"], one["whole"] - one["number"])))
            for one in parts["mutants"]
        ]
        heads = ("Mutants", ("Made", "number"), ("Rejected", "number"), ("Passed", "number"))
        yield table("Wrong answers, by how they are wrong, and what verifiers said of them.", heads, rows)
    if not passed.is_empty():
        rows = [
            (row["kind"], row["mutant"].replace("_", " "), row["known"], row["text"], row["instruction_id"][:ID_CHARS])
            for row in passed.to_dicts()
        ]
        heads = ("Kind", "How wrong", "Known", "Wrong answer", "Task")
        yield table("Wrong answers that verifiers let pass: read them, and mend the verifier.", heads, rows)
    of = defaultdict[str, list[tuple[Child, int, str]]](list)
    for row in parts["solved"]:
        of[row["kind"]].append((row["name"], row["number"], ""))
    told = {"closed": "without the passage"}
    cards = [views.bars(f"Tasks by how often solved: {told.get(who, who)}", bars, 12) for who, bars in of.items()]
    yield element("div", *cards, class_="grid") if cards else None


def quality(frames: Frames) -> Iterable[Child]:
    """Show every expectation over the last runs, trouble first."""
    results = frames["expectations"]
    if results.is_empty():
        yield element("p", "No table has been audited yet.", class_="lead")
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
        "An expectation is a rule for a table. It is checked before a later stage may read the rows. "
        f"There are {views.many(len(rules), 'expectation')}. In the newest audited run, {failed} failed and "
        f"{warned} warned.",
        class_="lead",
    )
    yield element(
        "p",
        element("span", "✓ held", class_="pill good"),
        " ",
        element("span", "! warned", class_="pill warn"),
        " Look at the rows. ",
        element("span", "✕ failed", class_="pill bad"),
        " The run stopped.",
    )
    yield element(
        "p",
        f"{views.last(len(order), 'audited run')}. “0 of 45 rows” means that no row breaks the rule.",
        class_="note",
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
            "Expectations over time",
            ("Table", "Column or count", "Runs", "Found last", "Why it is checked"),
            rows,
            hidden=True,
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
            ("Spent in all", views.usd(health["cost_usd"]), f"for {views.many(health['calls'], 'answered call')}"),
            ("Next 30 days", views.usd(_projected(runs)), "if runs go on as in the last week that had any"),
            ("Answers reused", views.share(cached, asked + cached), f"{views.many(cached, 'answer')} not paid again"),
            ("Repeats", number(health["retries"]), f"{number(_limited(frames))} attempts hit a rate limit (429)"),
            (
                "Tokens",
                number(health["prompt_tokens"] + health["completion_tokens"]),
                f"{number(health['prompt_tokens'])} sent, {number(health['completion_tokens'])} received",
            ),
            ("Failed work", number(health["queued"]), "parts of stages that are due again"),
        ]
    )
    slowest = dict(calls.group_by("run_id").agg(pl.col("latency_p95_seconds").max()).iter_rows())
    again = dict(calls.group_by("run_id").agg(pl.col("retries").sum()).iter_rows())
    runs = [run | {"latency": slowest.get(run["run_id"]), "retries": again.get(run["run_id"], 0)} for run in runs]
    trends = (
        ("cost_usd", "Spent", views.usd),
        ("completion_tokens", "Tokens received", number),
        ("calls", "Model calls", number),
        ("cached_calls", "Answers reused", number),
        ("retries", "Repeats", number),
        ("latency", "95 % of answers within", views.took),
    )
    yield _trends(runs, trends)
    if not frames["attempts"].is_empty():
        yield views.section(
            "Attempts",
            _wire(frames["attempts"]),
            lead="An attempt that fails is repeated. This counts all attempts of all calls, by how they ended.",
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
            views.calls_explained(),
            lead="Times over several runs: the median is that of the runs' medians, 95 % that of the slowest run.",
        )


def _limited(frames: Frames) -> int:
    return int(frames["attempts"].filter(status=429)["attempts"].sum())


def _wire(attempts: pl.DataFrame) -> Html:
    rows = [
        (r["outcome"].replace("_", " "), str(r["status"] or NOTHING), number(r["attempts"]))
        for r in attempts.to_dicts()
    ]
    return table("How attempts ended", ("How it ended", "HTTP status", ("Attempts", views.NUMBER)), rows, hidden=True)


def _projected(runs: Sequence[Mapping[str, Any]]) -> float:
    """Thirty days at the pace of the seven up to the last run."""
    if not runs:
        return 0.0
    last = runs[-1]["started_at"]
    week = [run for run in runs if (last - run["started_at"]).total_seconds() <= 7 * 86400]
    days = max((last - week[0]["started_at"]).total_seconds() / 86400, 1)
    return sum(run["cost_usd"] for run in week) / days * 30


def comparison(frames: Frames, extent: Extent, steps: Iterable[Step]) -> Iterable[Child]:
    """Show two kinds of rows side by side, ten of each to read, what releases changed, and two runs."""
    runs = frames["runs"].to_dicts()[::-1][:ROWS_IN_TABLES]
    worked = [i for i, run in enumerate(runs) if not _is_idle(run)] or [0]
    if extent.rows:
        yield views.section(
            "Rows",
            element("div", "", id="kinds", class_="choices"),
            element("div", "", id="sides", aria_live="polite"),
            lead="Choose what to compare by, and two values: recipes, models, dates. Ten rows of each are below.",
        )
    yield released.drawn(steps)
    yield element("h2", "Runs")
    yield element(
        "p",
        "Choose two runs to see what changed in rows, refusals, tokens and cost. The change is second minus first.",
        class_="lead",
    )

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
        "div",
        choice("left", "First run", worked[min(1, len(worked) - 1)]),
        choice("right", "Second run", worked[0]),
        class_="choices",
    )
    yield element(
        "div",
        element("noscript", element("p", "Choosing needs JavaScript. The page of each run has the same figures.")),
        id="comparison",
        aria_live="polite",
    )


def numbered(stem: str, n: int) -> str:
    """Return the address of page `n` of several."""
    return f"{stem}.html" if n == 0 else f"{stem}-{n + 1}.html"
