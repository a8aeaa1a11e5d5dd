"""What stands first on the overview: what changed since the last release or run, and what needs a person."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from wellspring.tasks.site import links, views
from wellspring.tasks.site.charts import NOTHING, number
from wellspring.tasks.site.markup import Child, Html, element, joined, said, table
from wellspring.tasks.site.since import Baseline

Frames = Mapping[str, pl.DataFrame]
FEW_INPUTS = 20  # of fewer a share says nothing
A_LOT = 0.05  # of a share: five points
MANY_FAILED = 0.02  # of a judge's marks
_COUNTED = ("documents", "seeds", "instructions", "responses")


def since_when(since: Baseline) -> Html:
    """Say what is compared with what."""
    if since.kind == "nothing":
        return element("p", "This is the first run that wrote anything, so all is new.", class_="lead")
    what = "run" if since.kind == "run" else since.kind
    name = views.run_link(since.name) if since.kind == "run" else element("code", since.name)
    when = "which began" if since.kind == "run" else "which was made"
    return element("p", f"Since the {what} ", name, f", {when} on ", views.when(since.at), " UTC.", class_="lead")


def changed(frames: Frames, facets: pl.DataFrame, since: Baseline) -> Html:
    """Show what is new, noun by noun, where the share of refusals moved, and which methods are new."""
    new_runs = _runs_after(frames["runs"], since)
    rows = [_row(noun, frames, new_runs) for noun in _COUNTED]
    lines, new_lines = (views.total(facets.filter(facet="since", **of), "lines") for of in ({}, {"value": "new"}))
    new_rows = links.count(new_lines, links.rows({"since": "new"}))
    rows.append(("Exported lines", links.count(lines, links.rows()), new_rows, ""))
    spent = views.total(frames["runs"].filter(pl.col("run_id").is_in(new_runs)), "cost_usd")
    rows.append(("Spent", views.usd(frames["health"]["cost_usd"][0]), views.usd(spent), ""))
    heads = ("What", ("Now", views.NUMBER), ("New", views.NUMBER), ("Refused", views.NUMBER))
    return views.section(
        "What changed",
        since_when(since),
        table("What changed", heads, rows, hidden=True),
        _moved(frames, new_runs, since),
        _methods(frames, new_runs, since),
    )


def _runs_after(runs: pl.DataFrame, since: Baseline) -> list[str]:
    return (runs if since.at is None else runs.filter(pl.col("started_at") > since.at))["run_id"].to_list()


_NOUNS = {"responses": "answers"}
_LISTS = {"documents", "seeds", "instructions"}


def _row(noun: str, frames: Frames, new_runs: Sequence[str]) -> tuple[Child, ...]:
    valid = views.total(frames["standing"].filter(stage=noun), "rows_valid")
    of = frames["stages"].filter((pl.col("stage") == noun) & pl.col("run_id").is_in(new_runs))
    refused, taken = views.total(of, "rows_rejected"), views.total(of, "rows_in")
    refusals = element("span", links.count(refused, links.listed("refused", noun)), f" of {number(taken)}")
    return (
        _NOUNS.get(noun, noun).capitalize(),
        links.count(valid, links.listed(noun) if noun in _LISTS else links.rows()),
        number(views.total(of, "rows_out")),
        refusals if taken else NOTHING,
    )


def _moved(frames: Frames, new_runs: Sequence[str], since: Baseline) -> Html | None:
    """Say of which stages the share of refusals moved by much, and for which reason most."""
    if since.at is None:
        return None
    moved = [found for noun in views.TRUNK if (found := _shares(frames, noun, new_runs)) is not None]
    if not moved:
        return None
    lines = [
        element(
            "li",
            f"{noun}: {before:.0%} of inputs were refused before, {now:.0%} since. Most for ",
            element("a", reason.replace("_", " "), href=links.listed("refused", noun, reason)),
            ".",
        )
        for noun, before, now, reason in moved
    ]
    return element("div", element("h3", "Refusals that moved"), element("ul", lines), class_="verdict warn")


def _shares(frames: Frames, noun: str, new_runs: Sequence[str]) -> tuple[str, float, float, str] | None:
    of = frames["stages"].filter(stage=noun).with_columns(is_new=pl.col("run_id").is_in(new_runs))
    new, old = of.filter("is_new"), of.filter(~pl.col("is_new"))
    if min(views.total(new, "rows_in"), views.total(old, "rows_in")) < FEW_INPUTS:
        return None
    before = views.total(old, "rows_rejected") / views.total(old, "rows_in")
    now = views.total(new, "rows_rejected") / views.total(new, "rows_in")
    reasons = frames["refusals"].filter((pl.col("stage") == noun) & pl.col("run_id").is_in(new_runs))
    if abs(now - before) < A_LOT or reasons.is_empty():
        return None
    by_reason = reasons.group_by("reason").agg(pl.col("rows_rejected").sum()).sort("rows_rejected", "reason")
    return noun, before, now, by_reason["reason"][-1]


def _methods(frames: Frames, new_runs: Sequence[str], since: Baseline) -> Html | None:
    """Name the methods that are new: a prompt, a setting or a model was changed."""
    if since.at is None:
        return None
    new = frames["changed_methods"].filter(pl.col("run_id").is_in(new_runs))
    if new.is_empty():
        return None
    names = [element("li", f"{stage}: ", said(name, 80)) for stage, name in new.select("stage", "name").rows()]
    few = element("ul", names, class_="reasons")
    return element("details", element("summary", f"{views.many(new.height, 'method')} new or changed"), few)


def needed(frames: Frames) -> Html:
    """Show what needs a person, worst first; or that nothing does."""
    found = [*_of_runs(frames), *_of_audits(frames), *_of_rows(frames)]
    if not found:
        return views.section("What needs a person", element("p", "Nothing.", class_="verdict good"))
    items = [element("li", element("span", kind, class_=f"pill {_KINDS[kind]}"), " ", what) for kind, what in found]
    return views.section("What needs a person", element("ul", items, class_="needed"))


_KINDS = {"act": "bad", "look": "warn", "know": "quiet"}
Needed = tuple[str, Child]


def _of_runs(frames: Frames) -> Iterable[Needed]:
    last = frames["runs"].to_dicts()[-1]
    page = views.run_link(last["run_id"])
    if last["status"] in {"failed", "crashed"}:
        yield "act", joined("The latest run ", last["status"], ": ", page, ". ", said(last["error"], 200))
    elif last["status"] in {"parked", "stopped"}:
        yield "look", joined("The latest run was ", last["status"], ": ", page, ". Run the same command again.")
    if queued := frames["health"]["queued"][0]:
        yield "look", f"{views.many(queued, 'part')} of stages broke. The next run tries them again."
    due = frames["standing"].filter(pl.col("rows_due") > 0).select("stage", "rows_due").rows()
    if due:
        yield "know", f"Due at the next run: {', '.join(f'{number(n)} of {stage}' for stage, n in due)}."


def _of_audits(frames: Frames) -> Iterable[Needed]:
    results = frames["expectations"]
    if results.is_empty():
        return
    newest = results.filter(pl.col("run_id") == results["run_id"][-1]).filter(~pl.col("success"))
    for severity, kind, did in (("fail", "act", "failed"), ("warn", "look", "warned")):
        of = newest.filter(severity=severity)
        if of.height:
            nouns = ", ".join(sorted(set(of["noun"].to_list())))
            link = element("a", views.many(of.height, "rule"), href="quality.html")
            yield kind, joined(link, f" of the newest audit {did}: {nouns}.")


def _of_rows(frames: Frames) -> Iterable[Needed]:
    row = frames["attention"].to_dicts()[0]
    if row["left_out_but_exported"]:
        link = element("a", views.many(row["left_out_but_exported"], "row"), href=links.rows({"people": "excluded"}))
        yield "act", joined(link, " that a person excluded are still exported. Build again.")
    if row["marks"] and row["judge_failed"] / row["marks"] > MANY_FAILED:
        link = element("a", f"{views.share(row['judge_failed'], row['marks'])} of marks", href=_UNJUDGED)
        yield "look", joined(link, " could not be given, since the judge failed. ", element("code", "wellspring retry"))
    if row["cut_answers"]:
        yield "look", f"{views.many(row['cut_answers'], 'answer')} ended at the limit of tokens."
    if row["unknown_price"]:
        yield "look", f"The price of {views.many(row['unknown_price'], 'call')} is not known."
    if row["without_licence"]:
        part = f"{number(row['without_licence'])} of {views.many(row['documents'], 'document')}"
        link = element("a", part, href=links.listed("documents"))
        yield "know", joined(link, " state no licence.")
    if not row["looked_at"] and frames["health"]["exported"][0]:
        yield "know", joined("No person has looked at a row yet. ", element("a", "Read some", href=links.rows()), ".")


_UNJUDGED = links.rows({"score": "judge failed"})
