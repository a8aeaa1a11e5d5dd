"""The body of the page of one run: what happened, what was refused, what it cost, what came out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from wellspring.tasks.site import charts, links, views, words
from wellspring.tasks.site.charts import NOTHING, number
from wellspring.tasks.site.markup import Child, Html, element, joined, said, table

ROOT = "../../"
REASONS_SEEN = 8  # of more, the table is folded away: the funnel above has them by stage


def body(
    frames: Mapping[str, pl.DataFrame], samples: Sequence[Mapping[str, Any]], *, shows_values: bool
) -> Iterable[Child]:
    """Show one run, the worst news first."""
    run = frames["runs"].to_dicts()[0]
    yield _verdict(run, frames["expectations"])
    yield views.not_for_training(frames["calls"])
    yield _run_tiles(run)
    yield _funnel(frames)
    yield _audits(frames["expectations"])
    yield _refused(frames["refusals"])
    yield _calls(frames["calls"], run)
    yield _samples(samples, shows_values=shows_values)
    yield _provenance(run)


def _verdict(run: Mapping[str, Any], expectations: pl.DataFrame) -> Html:
    """Say first what a person needs to know on a bad day."""
    failed = expectations.filter(~pl.col("success") & (pl.col("severity") == "fail"))
    kind = views.STATUS.get(run["status"], "quiet")
    said_of = f" This run {words.STATUSES[run['status']]}"
    notes: list[Child] = [element("p", views.status_pill(run["status"]), said_of)]
    if run["error"]:
        notes.append(element("pre", said(run["error"], 2000)))
    if failed.height:
        names = ", ".join(sorted(set(failed["noun"].to_list())))
        notes.append(element("p", f"{views.many(failed.height, 'expectation')} failed on {names}. See “Audits” below."))
    return element("div", notes, class_=f"verdict {'bad' if failed.height else kind}")


def _funnel(frames: Mapping[str, pl.DataFrame]) -> Html:
    steps = views.steps(frames["stages"], frames["refusals"])
    if not frames["stages"].filter((pl.col("rows_in") > 0) | (pl.col("rows_out") > 0)).height:
        idle = "No stage had anything to do." if frames["stages"].height else "No stage finished."
        return views.section("Funnel", element("p", idle, class_="quiet"))
    drawn = views.funnel_figure(charts.funnel(steps, "Funnel of this run"))
    return views.section(
        "Funnel",
        drawn if steps else None,
        views.stage_table(frames["stages"], frames["refusals"], root=ROOT, run_id=frames["runs"]["run_id"][0]),
        views.stages_explained(words.FLOW, frames["stages"]),
        lead="How many rows went into each stage, came out of it, and were refused.",
    )


def _run_tiles(run: Mapping[str, Any]) -> Html:
    return views.tiles(
        [
            ("Exported rows", number(run["exported"]), "that this run wrote to files"),
            (
                "Refused",
                number(run["rows_rejected"]),
                f"{views.share(run['rows_rejected'], run['rows_in'])} of {views.many(run['rows_in'], 'input')}"
                if run["rows_in"]
                else "there was no input",
            ),
            (
                "Spent",
                views.usd(run["cost_usd"]),
                f"{views.many(run['calls'], 'model call')}; {views.many(run['cached_calls'], 'answer')} reused",
            ),
            (
                "Tokens",
                number(run["prompt_tokens"] + run["completion_tokens"]),
                f"{number(run['prompt_tokens'])} sent, {number(run['completion_tokens'])} received",
            ),
            (
                "Rules of audits",
                f"{run['expectations'] - run['failed'] - run['warned']} of {run['expectations']}"
                if run["expectations"]
                else NOTHING,
                f"held; {run['failed']} failed, {run['warned']} warned" if run["expectations"] else "nothing to audit",
            ),
            ("Took", views.took(run["seconds"]), joined("from ", views.when(run["started_at"]), " UTC")),
        ]
    )


def _audits(expectations: pl.DataFrame) -> Html:
    rows = expectations.to_dicts()
    bad = [row for row in rows if not row["success"]]
    bad.sort(key=lambda row: (row["severity"] != "fail", row["noun"]))
    held = [row for row in rows if row["success"]]
    parts: list[Child] = []
    if not rows:
        parts.append(
            element(
                "p",
                "Nothing was audited. The run wrote nothing new, or it ended before its first audit.",
                class_="quiet",
            )
        )
    if bad:
        parts.append(
            table("Expectations that do not hold", views.EXPECTATION_HEADS, views.expectation_rows(bad), hidden=True)
        )
    if held:
        inner = table("Expectations that hold", views.EXPECTATION_HEADS, views.expectation_rows(held), hidden=True)
        parts.append(element("details", element("summary", f"{views.many(len(held), 'expectation')} held"), inner))
    return views.section(
        "Audits",
        parts,
        lead="An audit checks a table before the next stage may read it. Its rules are called expectations.",
    )


def _refused(refusals: pl.DataFrame) -> Html:
    rows = [
        (
            row["stage"],
            row["reason"],
            links.count(
                row["rows_rejected"], links.listed("refused", row["stage"], row["reason"], row["run_id"], root=ROOT)
            ),
            element("code", row["example_id"]),
            said(row["example_detail"], 160),
        )
        for row in refusals.to_dicts()
    ]
    if not rows:
        return views.section("Refusals", element("p", "Nothing was refused.", class_="quiet"))
    heads = ("Stage", "Reason", ("Inputs", views.NUMBER), "Example", "Detail of the example")
    more = element("p", element("code", "wellspring trace"), " with the id of an example says more.", class_="note")
    whole = table("Refused inputs by stage and reason", heads, rows, hidden=True)
    if len(rows) > REASONS_SEEN:
        whole = element("details", element("summary", f"All {views.many(len(rows), 'reason')}"), whole)
    return views.section(
        "Refusals",
        whole,
        more,
        lead="A refused input was not used. Each number leads to its rows, and each reason has one example.",
    )


def _calls(calls: pl.DataFrame, run: Mapping[str, Any]) -> Html:
    if calls.is_empty():
        note = "This run asked no model."
        if run["cached_calls"]:
            note = f"This run asked no model. All {number(run['cached_calls'])} answers were on record."
        return views.section("Cost and tokens", element("p", note, class_="quiet"))
    return views.section("Cost and tokens", views.call_table(calls), views.calls_explained())


def _samples(samples: Sequence[Mapping[str, Any]], *, shows_values: bool) -> Html:
    if not shows_values:
        return views.section("Samples", views.hidden_values())
    if not samples:
        return views.section("Samples", element("p", "This run exported nothing.", class_="quiet"))
    lead = "Some rows that this run exported. Each ends with its id: wellspring trace ID shows how it was made."
    return views.section("Samples", [views.card(row) for row in samples], lead=lead)


def _provenance(run: Mapping[str, Any]) -> Html:
    facts = [
        ("Run", element("code", run["run_id"])),
        ("Code", ["commit ", element("code", run["commit"])]),
        ("Began", [views.when(run["started_at"]), " UTC"]),
        ("Ended", [views.when(run["ended_at"]), " UTC"] if run["ended_at"] else NOTHING),
    ]
    return views.section(
        "About this run",
        element("dl", [element("div", element("dt", k), element("dd", v)) for k, v in facts], class_="facts"),
    )
