"""MORE, diversified preferences (arXiv 2312.07401): rewards of several sources, each set right before they are joined.

A source is a judge with totals of answers. Within a prompt an answer's reward becomes its quantile: the share of the
prompt's other answers that are below it, equals as half. Of each pair of answers to a prompt a source says by
1 / (1 + exp(-difference)) how sure it is that the better one is better; right is what the mean quantile of the other
sources says. Its calibration error (ECE, 10 bins from one half to 1) decides its weight: 1 less twice the error, which
is at most one half where a source is only as sure as chance, or 0. The total is the weighted mean of quantiles. Only
prompts with two answers count; without pairs on which others agree or differ, all sources weigh alike.

Ours differs: MORE trains one reward model on all sources and finds weights that move it for all of them alike. Nothing
is trained here; what is kept is that sources are weighed by their calibration. The quantile is InfAlign's.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations

import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.calibration import binned, expected_error
from wellspring.tasks.methods.sets.lifting import Scored, lifted

SYSTEM = "MORE"
PAPER = "arXiv 2312.07401"
VERSION = 1
TAKES, SUBJECT = ("responses", "scores"), "instruction"
RESTS_ON = ("lifting", "calibration")
BINS = 20  # ten of them above one half

Totals = dict[str, dict[str, float]]  # of each prompt, by answer


class Knobs(Section):
    """Which judges are sources."""

    sources: tuple[str, ...] = Field(default=(), description="judges of answers; empty: all that give totals")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the joined quantile of each answer that a source rewards beside another one to the same prompt."""
    prompts = dict(tables["responses"].select("subject_id", "instruction_id").rows())
    marks = tables["scores"].filter(pl.col("criterion") == TOTAL, pl.col("value").is_not_null())
    of = defaultdict[str, Totals](lambda: defaultdict(dict))
    for one, judge, value in marks.select("subject_id", "judge", "value").iter_rows():
        if one in prompts and (judge in knobs.sources or not knobs.sources):
            of[judge][prompts[one]][one] = value
    placed = {judge: quantiles(totals) for judge, totals in of.items()}
    errors = {judge: error(of[judge], {o: q for o, q in placed.items() if o != judge}) for judge in of}
    weights = {judge: max(0.0, 1.0 - 2.0 * found) for judge, found in errors.items()}
    why = ", ".join(f"{judge}: error {errors[judge]:.3f}" for judge in sorted(errors))
    rows: list[Scored] = []
    for one in sorted({one for own in placed.values() for one in own}):
        own = {judge: weights[judge] for judge in sorted(placed) if one in placed[judge]}
        weight = sum(own.values())
        joined = sum(own[judge] * placed[judge][one] for judge in own) / weight if weight else None
        rows.append((one, TOTAL, joined, why if weight else f"no source of it is calibrated; {why}"))
    return lifted(rows, tables["responses"])


def quantiles(totals: Totals) -> dict[str, float]:
    """Return for each answer the share of its prompt's other answers that are below it; equals count as half."""
    found: dict[str, float] = {}
    for own in totals.values():
        for one, value in own.items() if len(own) > 1 else ():
            below = sum((value > other) + (value == other) / 2 for name, other in own.items() if name != one)
            found[one] = below / (len(own) - 1)
    return found


def error(totals: Totals, others: Mapping[str, Mapping[str, float]]) -> float:
    """Return the calibration error of a source's preferences, held against the mean quantile of the others."""
    sure, right = list[float](), list[bool]()
    for own in totals.values():
        for one, two in combinations(sorted(own), 2):
            said = [of[one] - of[two] for of in others.values() if one in of and two in of]
            apart, wanted = own[one] - own[two], sum(said)
            if apart and wanted:
                sure.append(1 / (1 + math.exp(-min(abs(apart), 50.0))))
                right.append((apart > 0) == (wanted > 0))
    return expected_error(binned(sure, right, BINS))
