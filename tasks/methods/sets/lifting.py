"""The frame that a method over sets gives, and what an answer's score says of its instruction."""

from collections.abc import Iterable

import polars as pl

from wellspring.tasks.contracts.program import TOTAL

VERSION = 1
SCHEMA = {"subject_id": pl.String, "criterion": pl.String, "value": pl.Float64, "reason": pl.String}
Scored = tuple[str, str, float | None, str]


def frame(rows: Iterable[Scored]) -> pl.DataFrame:
    """Return rows of (subject, criterion, value, reason) as a frame."""
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def lifted(rows: Iterable[Scored], responses: pl.DataFrame) -> pl.DataFrame:
    """Return scores of answers, and beside them for each instruction the greatest total of its answers.

    Args:
        rows: Of answers.
        responses: The table; draws for pairs say nothing of their instruction.
    """
    said = frame(rows)
    answers = responses.filter(pl.col("use") == "answer").select("subject_id", "instruction_id")
    totals = said.filter(pl.col("criterion") == TOTAL, pl.col("value").is_not_null()).join(answers, on="subject_id")
    best = totals.sort("value", "subject_id", descending=[True, False]).unique("instruction_id", keep="first")
    reason = pl.format("as its answer {}: {}", "subject_id", "reason").alias("reason")
    return pl.concat([said, best.select(pl.col("instruction_id").alias("subject_id"), "criterion", "value", reason)])
