"""What several pages show: pills, tiles, sections, tables, cards."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from wellspring.tasks.contracts.casting import NOT_FOR_TRAINING
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.site import charts, links, words
from wellspring.tasks.site.charts import NOTHING, Step, number
from wellspring.tasks.site.markup import Child, Html, element, said, table

NUMBER = "number"
BARS_FOLDED = 100
STATUS = {"done": "good", "running": "quiet", "parked": "warn", "stopped": "warn", "failed": "bad", "crashed": "bad"}
# The way from a record to an exported row; other stages (passages, vectors, scores) only look at rows on it.
TRUNK = [stage.noun for stage in STAGES.values() if stage.is_trunk]


def status_pill(status: str) -> Html:
    """Return how a run ended, as a pill."""
    return element("span", status, class_=f"pill {STATUS.get(status, 'quiet')}")


def not_for_training(calls: pl.DataFrame) -> Html | None:
    """Say that the stand-in was asked, where it was: nobody should train on its rows."""
    is_any = "is_stand_in" in calls.columns and calls["is_stand_in"].any()
    return element("p", NOT_FOR_TRAINING, class_="verdict warn") if is_any else None


def when(moment: datetime | None) -> Html | str:
    """Return a moment to the minute, in UTC."""
    if moment is None:
        return NOTHING
    return element("time", f"{moment:%Y-%m-%d %H:%M}", datetime=f"{moment:%Y-%m-%dT%H:%M:%S}Z")


def took(seconds: float | None) -> str:
    """Write seconds as people say them."""
    if seconds is None:
        return NOTHING
    if seconds < 90:  # noqa: PLR2004 - a minute and a half
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004 - an hour and a half


def usd(value: float) -> str:
    """Write US dollars, small ones with four places; NaN is a price that nobody knows."""
    if math.isnan(value):
        return "unknown"
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}"


def total(frame: pl.DataFrame, column: str) -> float:
    """Return the sum of a column; 0 of no rows."""
    return sum(frame[column].to_list())


def share(part: float, whole: float) -> str:
    """Write a part of a whole in percent."""
    return f"{part / whole:.1%}" if whole else NOTHING


def many(count: int, one: str, more: str = "") -> str:
    """Write a number of things: 1 run, 2 runs; 1 copy, 2 copies."""
    return f"{number(count)} {one if count == 1 else more or f'{one}s'}"


def last(count: int, what: str) -> str:
    """Say how many a page looks back: one has no order."""
    return f"One {what} so far" if count == 1 else f"The last {many(count, what)}, oldest first"


def tiles(tiles: Iterable[tuple[str, Child, Child]]) -> Html:
    """Return figures side by side: name, value, note."""
    return element(
        "dl",
        [
            element("div", element("dt", name), element("dd", value), element("dd", note, class_="note"))
            for name, value, note in tiles
        ],
        class_="tiles",
    )


def section(heading: str, *children: Child | Iterable[Child], lead: str = "") -> Html:
    """Return a section under its heading."""
    return element("section", element("h2", heading), element("p", lead, class_="lead") if lead else None, *children)


def explained(summary: str, meanings: Mapping[str, str]) -> Html:
    """Return what words mean, folded away under a line that opens it."""
    pairs = [element("div", element("dt", word), element("dd", meaning)) for word, meaning in meanings.items()]
    return element("details", element("summary", summary), element("dl", pairs, class_="facts words"))


def stages_explained(columns: Mapping[str, str], stages: pl.DataFrame) -> Html:
    """Explain the columns of a table by stage, and its stages."""
    return explained(
        "What the columns and stages mean",
        {**columns, **{noun: meaning for noun, meaning in words.STAGES.items() if noun in stages["stage"]}},
    )


def funnel_figure(drawn: Html) -> Html:
    """Return a funnel with the key to it."""
    key = "The wide band is the share that goes on. Red: refused, with the reason. Grey: not taken. Numbers are rows."
    return figure(drawn, key)


def figure(drawing: Html, caption: str) -> Html:
    """Return a drawing in a frame that scrolls, with its caption."""
    return element(
        "figure",
        element("div", drawing, class_="scrolls", tabindex=0, role="group", aria_label=caption),
        element("figcaption", caption),
    )


def filter_box(target: str, what: str) -> Html:
    """Return a field that filters the table inside the element of this id."""
    return element(
        "p",
        element("label", f"Filter {what}", for_=f"filter-{target}"),
        element(
            "input", type="search", id=f"filter-{target}", data_filter=target, autocomplete="off", spellcheck="false"
        ),
        element("span", "", class_="note", data_count=target, role="status"),
        class_="filter",
    )


def run_link(run_id: str, root: str = "") -> Html:
    """Return a link to a run's page."""
    return element("a", run_id[:8], href=f"{root}runs/{run_id}/index.html", class_="mono")


def steps(stages: pl.DataFrame, refusals: pl.DataFrame) -> list[Step]:
    """Return the trunk of the funnel, over whatever runs the frames hold."""
    counted = {
        row["stage"]: row for row in stages.group_by("stage").agg(pl.col("rows_in", "rows_out").sum()).to_dicts()
    }
    reasons = defaultdict[str, dict[str, int]](dict)
    for row in refusals.group_by("stage", "reason").agg(pl.col("rows_rejected").sum()).to_dicts():
        reasons[row["stage"]][row["reason"]] = row["rows_rejected"]
    return [
        Step(stage, counted[stage]["rows_in"], counted[stage]["rows_out"], reasons[stage])
        for stage in TRUNK
        if stage in counted and (counted[stage]["rows_in"] or counted[stage]["rows_out"])
    ]


def standing_table(standing: pl.DataFrame) -> Html:
    """Return what is done, due, refused and broken by stage, and what the rest would cost."""
    rows = [
        (
            row["stage"],
            number(row["rows"]),
            _valid(row["stage"], row["rows_valid"]),
            element("span", number(row["rows_due"]), class_="pill warn") if row["rows_due"] else "0",
            ("?" if row["due_cost_usd"] is None else usd(row["due_cost_usd"])) if row["rows_due"] else NOTHING,
            links.count(row["rows_rejected"], links.listed("refused", row["stage"])),
            *(number(row[key]) for key in ("shards_failed", "calls")),
            usd(row["cost_usd"]),
        )
        for row in standing.to_dicts()
    ]
    heads = ("Rows", "Valid", "Due", "Would cost", "Refused", "Broken shards", "Calls", "Spent")
    return table("Where each stage stands", ("Stage", *((head, NUMBER) for head in heads)), rows, hidden=True)


def _valid(stage: str, count: int) -> Html | str:
    """Return a number of valid rows, as a link where the site lists them."""
    places = {noun: links.listed(noun) for noun in ("documents", "seeds", "instructions")}
    places |= {"exports": links.rows(), "responses": links.rows(), "preferences": "pairs.html"}
    return links.count(count, places[stage]) if stage in places else number(count)


def stage_table(stages: pl.DataFrame, refusals: pl.DataFrame, *, root: str = "", run_id: str = "") -> Html:
    """Return rows in, out and refused by stage; the commonest reason is seen, the others open.

    Args:
        stages: Rows in, out and refused by stage.
        refusals: Rows refused by stage and reason.
        root: The way to the site's folder.
        run_id: Of the one run that this is of; its refusals are linked.
    """
    reasons = defaultdict[str, list[tuple[str, int]]](list)
    for row in refusals.to_dicts():
        reasons[row["stage"]].append((row["reason"], row["rows_rejected"]))
    most = max([1, *stages["rows_in"].to_list(), *stages["rows_out"].to_list()])
    rows = [
        (
            row["stage"],
            charts.share_bar(
                [("fill", min(row["rows_in"], most) - row["rows_rejected"]), ("fill bad", row["rows_rejected"])],
                f"{row['rows_in']} in, {row['rows_rejected']} refused",
                whole=most,
            ),
            number(row["rows_in"]),
            number(row["rows_out"]),
            links.count(row["rows_rejected"], links.listed("refused", row["stage"], root=root)),
            _reasons(row["stage"], reasons[row["stage"]], root, run_id),
            took(row["seconds"]),
        )
        for row in stages.to_dicts()
    ]
    heads = (
        "Stage",
        ("Kept and refused", "roomy"),
        ("In", NUMBER),
        ("Out", NUMBER),
        ("Refused", NUMBER),
        "Refused because",
        ("Took", NUMBER),
    )
    return table("Rows in, out and refused by stage", heads, rows, hidden=True)


def _reasons(stage: str, reasons: Sequence[tuple[str, int]], root: str, run_id: str) -> Html | str:
    """Return the reasons of a stage, each a link to its rows: one in sight, the others folded away."""
    if not reasons:
        return NOTHING
    one_run = (run_id,) if run_id else ()

    def item(reason: str, count: int) -> Html:
        href = links.listed("refused", stage, reason, *one_run, root=root)
        return element("li", element("a", number(count), href=href), f" {reason.replace('_', ' ')}")

    first, *others = sorted(reasons, key=lambda one: (-one[1], one[0]))
    more = element("ul", [item(*one) for one in others], class_="reasons")
    folded = element("details", element("summary", _more(others)), more) if others else None
    return element("div", element("ul", item(*first), class_="reasons"), folded, class_="folded")


def _more(others: Sequence[tuple[str, int]]) -> str:
    """Say how many reasons are folded away, and how many inputs they stand for."""
    return f"{many(len(others), 'more reason')}, {many(sum(n for _, n in others), 'input')}"


def refusal_table(refusals: pl.DataFrame) -> Html:
    """Return what each stage refused in all runs, its reasons folded away."""
    by_stage = refusals.group_by("stage", "reason").agg(pl.col("rows_rejected").sum())
    rows = [
        (
            stage,
            links.count(total(part, "rows_rejected"), links.listed("refused", stage)),
            _reasons(stage, part.select("reason", "rows_rejected").rows(), "", ""),
        )
        for (stage,), part in sorted(by_stage.partition_by("stage", as_dict=True).items(), key=_order)
    ]
    if not rows:
        return element("p", "Nothing was refused.", class_="quiet")
    return table("Refused inputs by stage", ("Stage", ("Refused", NUMBER), "Because"), rows, hidden=True)


def _order(item: tuple[tuple[object, ...], pl.DataFrame]) -> tuple[int, str]:
    stage = str(item[0][0])
    return (list(STAGES).index(stage) if stage in STAGES else len(STAGES), stage)


def bars(heading: str, rows: Sequence[tuple[Child, int, str]], shown: int = 6) -> Html:
    """Return counts as bars, each number a link to its rows: the first are in sight, the others folded away.

    Args:
        heading: What is counted by.
        rows: Name, count and address; one without an address is no link.
        shown: How many are in sight.
    """
    most = max((count for _, count, _ in rows), default=1)

    def line(name: Child, count: int, href: str) -> Html:
        bar = charts.share_bar([("fill", count)], f"{count} of {most}", whole=most)
        told = element("a", number(count), href=href) if href else element("span", number(count))
        return element("li", element("span", name), bar, told)

    first, others = rows[:shown], rows[shown:]
    more = element("ul", [line(*row) for row in others[:BARS_FOLDED]], class_="bars")
    folded = element("details", element("summary", f"{many(len(others), 'more', 'more')}"), more) if others else None
    body = element("ul", [line(*row) for row in first], class_="bars")
    return element("div", element("h3", heading), body, folded, class_="trend")


def expectation_rows(results: Sequence[Mapping[str, Any]]) -> Iterable[tuple[Child, ...]]:
    """Yield the cells of `EXPECTATION_HEADS` for results of expectations."""
    for row in results:
        outcome = "held" if row["success"] else ("failed" if row["severity"] == "fail" else "warned")
        yield (
            row["noun"],
            element("span", outcome, class_=f"pill {_OUTCOME[outcome]}"),
            said(row["column_name"] or "table", 60),
            element("span", row["expectation"].removeprefix("expect_").replace("_", " "), class_="small"),
            said(row["observed"], 300),
            element("span", row["notes"], class_="why"),
        )


_OUTCOME = {"held": "good", "warned": "warn", "failed": "bad"}
EXPECTATION_HEADS = ("Table", "Result", "Column or count", "Rule", "Found", "Why it is checked")


def card(row: Mapping[str, Any], *, heading: str = "h3") -> Html:
    """Return an exported row as people read it, with the id to trace it by, under a heading of this level."""
    facts: list[Child] = [element("span", row["recipe"] or "row", class_="pill quiet"), " ", said(row["model"], 60)]
    if row["url"]:
        facts += [" · from ", said(row["url"], 120)]
    return element(
        "article",
        element(heading, said(row["instruction"], 600)),
        element("p", said(row["response"], 900), class_="answer"),
        element("p", facts, " · ", element("code", row["export_id"]), class_="note"),
        class_="card",
    )


def hidden_values() -> Html:
    """Say that the profile hides rows, and how to show them."""
    return element(
        "p",
        "The profile hides the values of rows. A run with ",
        element("code", "--set pages.show_values=true"),
        " shows them.",
        class_="quiet",
    )


def calls_explained() -> Html:
    """Explain the columns of a table of model calls."""
    return explained("What the columns mean", words.CALLS)


def call_table(calls: pl.DataFrame) -> Html:
    """Return model calls by role and model."""
    rows = [
        (
            row["role"],
            said(row["model"], 80),
            number(row["calls"]),
            number(row["retries"]),
            number(row["prompt_tokens"]),
            number(row["cached_tokens"]),
            number(row["completion_tokens"]),
            usd(row["cost_usd"]),
            f"{row['latency_p50_seconds']:.2f} s",
            f"{row['latency_p95_seconds']:.2f} s",
            number(row["cut_off"]),
        )
        for row in calls.to_dicts()
    ]
    heads = (
        "Role",
        "Model",
        ("Calls", NUMBER),
        ("Repeated", NUMBER),
        ("Tokens sent", NUMBER),
        ("Cached", NUMBER),
        ("Received", NUMBER),
    )
    more = (("Spent", NUMBER), ("Median time", NUMBER), ("95 % within", NUMBER), ("Cut off", NUMBER))
    return table("Model calls by role and model", (*heads, *more), rows, hidden=True)
