"""Dynamics of Instruction Tuning (arXiv 2310.19651): as many rows of each ability as it gains from.

Abilities grow at different paces: some gain from ever more rows, some are there after a few. So each has a budget, and
its best marked rows are in it. The total is 1 within the budget, and 0 beyond. A row's ability is the first name of
`budgets` that its own ability or a tag of it holds as words; what no name fits is under `rest`.

Ours differs: the paper trains on 40,000 rows by people, of ten abilities, at several sizes, and reads the budgets off
the curves. Here they are set. It finds no gain from rows by a model at size; all rows here are of a model.
"""

import re
from collections.abc import Mapping

import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.budgets import marks_of, within
from wellspring.tasks.methods.sets.lifting import frame

SYSTEM = "Dynamics of Instruction Tuning"
PAPER = "arXiv 2310.19651"
VERSION = 1
TAKES, SUBJECT = ("origins", "tags", "scores"), "instruction"
RESTS_ON = ("lifting", "budgets")
REST = "rest"


class Knobs(Section):
    """The budgets, and by whose marks rows are the best."""

    budgets: dict[str, int] = Field(default_factory=dict, description="ability -> rows; `rest` is of all others")
    judge: str = Field(default="seven_criteria", description="whose `total` says which rows of an ability are best")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return whether each instruction is in the budget of its ability."""
    said = dict(tables["origins"].select("subject_id", pl.col("ability").fill_null("")).rows())
    for one, tag in tables["tags"].select("subject_id", "tag").iter_rows():
        if one in said:
            said[one] += f" ; {tag}"
    names = {name: re.compile(rf"(?i)(?<!\w){re.escape(name)}(?!\w)") for name in knobs.budgets if name != REST}
    labels = {one: next((name for name, of in names.items() if of.search(text)), REST) for one, text in said.items()}
    return frame(within(labels, marks_of(tables["scores"], knobs.judge), knobs.budgets))
