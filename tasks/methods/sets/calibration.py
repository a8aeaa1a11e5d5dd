"""On the Calibration of LLMs and Alignment (arXiv 2311.13240): whether answers are right as often as they are sure.

Confidences from 0 to 1 fall into bins of equal width. ECE is the mean over all answers of the gap between the mean
confidence of their bin and its share of right ones. The total of an answer is the share of right ones in its bin: its
confidence, set right. `gap` is the bin's mean confidence less that share, above 0 where answers are too sure. The
reason says the ECE. A bin of which no answer is known to be right or wrong has NULL.

Ours differs: the confidence is the total of any judge, of which the likelihood of the answer is one; the paper takes
likelihoods of choices. Only answers that are known to be right or wrong are in the bins.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.lifting import Scored, lifted

SYSTEM = "On the Calibration of LLMs and Alignment"
PAPER = "arXiv 2311.13240"
VERSION = 1
TAKES, SUBJECT = ("responses", "scores", "verdicts"), "instruction"
RESTS_ON = ("lifting",)


class Knobs(Section):
    """Whose confidence, and what is right."""

    confidence: str = Field(default="confidence", description="the judge whose `total`, from 0 to 1, is the confidence")
    check: str = Field(default="verified", description="the check that a right answer passes")
    bins: int = Field(default=10, ge=1)


class Bin(NamedTuple):
    """A bin: its answers, their mean confidence, and the share of right ones."""

    answers: int
    confidence: float
    right: float


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the calibrated confidence of each answer that has one, and of each instruction the greatest."""
    marks = tables["scores"].filter(pl.col("judge") == knobs.confidence, pl.col("criterion") == TOTAL)
    sure = {one: mark for one, mark in marks.select("subject_id", "value").iter_rows() if mark is not None}
    sure = {one: mark for one, mark in sure.items() if 0 <= mark <= 1}
    said = tables["verdicts"].filter(pl.col("check_name") == knobs.check, pl.col("passed").is_not_null())
    right = dict(said.select("subject_id", "passed").rows())
    known = sorted(sure.keys() & right.keys())
    bins = binned([sure[one] for one in known], [right[one] for one in known], knobs.bins)
    ece = expected_error(bins)
    rows: list[Scored] = []
    for one in tables["responses"]["subject_id"].to_list():
        if one in sure:
            rows += _of_answer(one, bins[place(sure[one], knobs.bins)], f"ECE {ece:.4f} of {len(known)} answers")
    return lifted(rows, tables["responses"])


def _of_answer(one: str, own: Bin, why: str) -> list[Scored]:
    if not own.answers:
        return [(one, name, None, f"no known answer is in its bin; {why}") for name in (TOTAL, "gap")]
    why = f"bin of {own.answers}: confidence {own.confidence:.3f}, right {own.right:.3f}; {why}"
    return [(one, TOTAL, own.right, why), (one, "gap", own.confidence - own.right, why)]


def place(confidence: float, bins: int) -> int:
    """Return the bin of a confidence: above its lower edge, up to its upper one; 0 is in the first."""
    return max(0, math.ceil(confidence * bins) - 1)


def binned(confidences: Sequence[float], right: Sequence[bool], bins: int) -> list[Bin]:
    """Return the bins of these answers: the reliability diagram."""
    places = [place(one, bins) for one in confidences]
    found: list[Bin] = []
    for number in range(bins):
        own = [i for i, at in enumerate(places) if at == number]
        count = max(len(own), 1)
        found.append(Bin(len(own), sum(confidences[i] for i in own) / count, sum(right[i] for i in own) / count))
    return found


def expected_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error."""
    answers = sum(one.answers for one in bins)
    return sum(one.answers * abs(one.confidence - one.right) for one in bins) / max(answers, 1)
