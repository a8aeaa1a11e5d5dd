"""Training Curricula (arXiv 2004.14269): what is easy weighs in full from the start, what is hard only later.

With D the ease of a row, from 0 to 1, the weight in epoch i of m is D + (1 - D) i / m, and 1 from epoch m on. D is of
the marks that a judge gives:

    reciprocal:  1 / rank, the easiest first
    range:       (mark - least) / (greatest - least)
    kde:         the share of a smoothed distribution of all marks that is below this one

The total is D; `weight_0`, `weight_1` and so on are the weights of the epochs, and `place` is the place of the row from
the easiest on. A form has the weight of one epoch, and the order (`exports.weights`, `exports.order`).

Ours differs: marks are compared over the whole set. The paper ranks the answers to one question by BM25, and mirrors D
for wrong answers. The smoothing is by normal curves, as wide as Scott's rule says.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import ndtr  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.lifting import Scored, frame

SYSTEM = "Training Curricula"
PAPER = "arXiv 2004.14269"
VERSION = 1
TAKES, SUBJECT = ("instructions", "scores"), "instruction"
RESTS_ON = ("lifting",)
BLOCK = 1024

Heuristic = Literal["reciprocal", "range", "kde"]
Float = NDArray[np.float64]


class Knobs(Section):
    """By whose marks a row is easy, and how long that matters."""

    judge: str = Field(default="easy2hard", description="whose marks of instructions say how hard they are")
    criterion: str = TOTAL
    more_is_harder: bool = Field(default=True, description="a greater mark is a harder row")
    heuristic: Heuristic = "kde"
    epochs: int = Field(default=3, ge=1, le=100, description="m: from this epoch on all weigh 1")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the ease of each instruction that has a mark, its weights and its place."""
    marks = tables["scores"].filter(pl.col("judge") == knobs.judge, pl.col("criterion") == knobs.criterion)
    marks = marks.drop_nulls("value").join(tables["instructions"], on="subject_id", how="semi").sort("subject_id")
    ids, values = marks["subject_id"].to_list(), marks["value"].to_numpy().astype(np.float64)
    if not ids:
        return frame(())
    easy = eases(-values if knobs.more_is_harder else values, knobs.heuristic)
    order = np.argsort(np.lexsort((np.arange(len(ids)), -easy)), kind="stable")
    found: list[Scored] = []
    for one, mark, ease, place in zip(ids, values.tolist(), easy.tolist(), order.tolist(), strict=True):
        weights = {f"weight_{i}": ease + (1 - ease) * i / knobs.epochs for i in range(knobs.epochs)}
        why = f"{knobs.judge} gives {mark:.4g}: place {place} of {len(ids)}"
        given = {TOTAL: ease, "place": float(place)} | weights
        found += [(one, name, value, why) for name, value in given.items()]
    return frame(found)


def eases(marks: Float, heuristic: Heuristic) -> Float:
    """Return how easy rows are, from 0 to 1.

    Args:
        marks: (n,) the greater, the easier.
        heuristic: How.
    """
    if heuristic == "reciprocal":
        return 1.0 / (1 + np.argsort(np.lexsort((np.arange(len(marks)), -marks)), kind="stable"))
    span = float(marks.max() - marks.min())
    if not span:
        return np.ones(len(marks))
    if heuristic == "range":
        return (marks - marks.min()) / span
    width = marks.std(ddof=1) * len(marks) ** -0.2
    parts = [marks[first : first + BLOCK, None] for first in range(0, len(marks), BLOCK)]
    return np.concatenate([np.asarray(ndtr((part - marks) / width)).mean(axis=1) for part in parts])
