"""MainGEC (arXiv 2311.13848): the weight of a row in training, by how sure its text is and how many others would do.

    weight = accuracy x diversity;  accuracy = exp(mean log-likelihood of a token)
    diversity = log(1 + mean entropy of a token) / log(1 + log(words of the model)), where the entropy is known

Weights are then scaled to a mean of 1. Both marks are of an answer, in nats, from a judge or a file (`scores.imports`):
a trained model gives them. An answer without a likelihood has NULL.

Ours differs: the paper has a weight for each token (its likelihood) and one for each sentence (its entropy), and trains
with their product; a form has one weight a row, so the first is a mean. The form of the diversity is as far as we
remember it, with 1 for its small constant.
"""

import math
from collections.abc import Mapping

import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.lifting import Scored, lifted

SYSTEM = "MainGEC"
PAPER = "arXiv 2311.13848"
VERSION = 1
TAKES, SUBJECT = ("responses", "scores"), "instruction"
RESTS_ON = ("lifting",)


class Knobs(Section):
    """Whose marks the likelihood and the entropy are."""

    likelihood: str = Field(default="likelihood", description="whose `total` is an answer's mean log-likelihood")
    entropy: str = Field(default="entropy", description="whose `total` is its mean entropy; without it, no diversity")
    words: int = Field(default=32_000, ge=2, description="words of the model that gave the entropy")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the weight of each answer that has a likelihood, and of each instruction the greatest."""
    totals = tables["scores"].filter(pl.col("criterion") == TOTAL).drop_nulls("value")
    marks = {(judge, one): value for one, judge, value in totals.select("subject_id", "judge", "value").iter_rows()}
    raw: dict[str, tuple[float, str]] = {}
    for one in tables["responses"]["subject_id"].to_list():
        sure, spread = marks.get((knobs.likelihood, one)), marks.get((knobs.entropy, one))
        if sure is not None and sure <= 0:
            diversity = 1.0 if spread is None else math.log1p(max(spread, 0.0)) / math.log1p(math.log(knobs.words))
            raw[one] = math.exp(sure) * diversity, f"accuracy {math.exp(sure):.3f}, diversity {diversity:.3f}"
    mean = sum(weight for weight, _ in raw.values()) / max(len(raw), 1)
    rows: list[Scored] = []
    for one in tables["responses"]["subject_id"].to_list():
        weight, why = raw.get(one, (None, "no likelihood"))
        rows.append((one, TOTAL, weight / mean if weight is not None and mean else None, why))
    return lifted(rows, tables["responses"])
