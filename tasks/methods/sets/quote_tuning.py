"""Quote-Tuning, Verifiable by Design (arXiv 2404.03862): how much of an answer stands in the pages word for word.

The total is QUIP: of an answer's runs of 25 characters the share that a page has. An answer of fewer characters has
NULL. Pairs by it: `preferences.judge = "quote_tuning"`, `min_margin = 0.1`, `max_length_ratio = 1.1`. This is the
paper's rule: QUIP differs by .1 or more, lengths by at most a tenth of the shorter, and of each prompt the widest such
pair counts.

Ours differs: the corpus is the pages of the store, not Wikipedia. Pairs are of as many draws as `preferences.draws`
says (paper: 32), and lengths are estimated tokens. The index finds some 0.6% of runs that are in no page.
"""

from collections.abc import Mapping

import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.lifting import Scored, lifted

SYSTEM = "Quote-Tuning"
PAPER = "arXiv 2404.03862"
VERSION = 1
TAKES, SUBJECT = ("responses", "response_quotes"), "instruction"
RESTS_ON = ("lifting", "quotations")


class Knobs(Section):
    """From which length on an answer counts."""

    least: int = Field(default=1, ge=1, description="an answer of fewer runs of 25 characters has no score")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the QUIP of each answer, and of each instruction the greatest of its answers."""
    rows: list[Scored] = []
    for one, grams, found in tables["response_quotes"].select("subject_id", "grams", "found").iter_rows():
        is_long = grams >= knobs.least
        why = f"{found} of {grams} runs of 25 characters are in the pages" if is_long else "it is too short"
        rows.append((one, TOTAL, found / grams if is_long else None, why))
    return lifted(rows, tables["responses"])
