"""Which rows a budget for each label takes: the best marked of each."""

from collections import defaultdict
from collections.abc import Mapping

import polars as pl

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.methods.sets.lifting import Scored

VERSION = 1


def within(labels: Mapping[str, str], marks: Mapping[str, float], budgets: Mapping[str, int]) -> list[Scored]:
    """Return for each row whether its label's budget takes it: 1 or 0.

    Args:
        labels: Of each row that has one.
        marks: Of rows, the higher the better; a row without one comes last, equals by id.
        budgets: Rows of each label; of a label without one none are taken.
    """
    by_label = defaultdict[str, list[str]](list)
    for one in sorted(labels, key=lambda one: (-marks.get(one, float("-inf")), one)):
        by_label[labels[one]].append(one)
    found: list[Scored] = []
    for label in sorted(by_label):
        budget, own = budgets.get(label, 0), by_label[label]
        for place, one in enumerate(own):
            found.append((one, TOTAL, float(place < budget), f"{label}: {place + 1} of {len(own)}, budget {budget}"))
    return found


def marks_of(scores: pl.DataFrame, judge: str) -> dict[str, float]:
    """Return the totals that a judge gives, by row."""
    own = scores.filter(pl.col("judge") == judge, pl.col("criterion") == TOTAL).drop_nulls("value")
    return dict(own.select("subject_id", "value").rows())
