"""How Far Can Camels Go (arXiv 2306.04751): a mixture of sources, by weight and within one budget.

No source is best at everything, so sources are mixed. A source is the recipe that made a row. The budget is shared by
the weights of `mixture` (all alike by default); what a source lacks goes to the others. The total is 1 for the rows
that are taken, the best marked of each source, and 0 for the rest. `weight` is for training on all rows instead: it
makes each source count as its weight says, with a mean of 1. A row whose source has no weight has both 0.

Ours differs: the paper mixes twelve data sets as they are, and finds by training what each is good for. Its facets, a
column of measures for each source, are on the card (Measures).
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.budgets import marks_of, within
from wellspring.tasks.methods.sets.lifting import Scored, frame
from wellspring.tasks.methods.vectors.clusters import quotas

SYSTEM = "How Far Can Camels Go"
PAPER = "arXiv 2306.04751"
VERSION = 1
TAKES, SUBJECT = ("origins", "scores"), "instruction"
RESTS_ON = ("lifting", "budgets", "clusters")


class Knobs(Section):
    """The mixture."""

    mixture: dict[str, float] = Field(default_factory=dict, description="recipe -> weight; empty: all weigh alike")
    budget: int = Field(default=0, ge=0, description="rows in all; 0: as many as there are")
    judge: str = Field(default="seven_criteria", description="whose `total` says which rows of a source are best")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return which instructions the mixture takes, and the weight of each."""
    sources = dict(tables["origins"].select("subject_id", "recipe").rows())
    sizes = Counter(sources.values())
    names = sorted(sizes)
    weights = np.array([max(0.0, knobs.mixture.get(name, 0.0)) if knobs.mixture else 1.0 for name in names])
    if not weights.any():
        return frame(())
    counts = np.array([sizes[name] for name in names])
    due = quotas(counts, knobs.budget or len(sources), weights)
    rows = within(sources, marks_of(tables["scores"], knobs.judge), dict(zip(names, due.tolist(), strict=True)))
    shares = dict(zip(names, (weights / weights.sum() * len(sources) / counts).tolist(), strict=True))
    found: list[Scored] = [(one, "weight", shares[of], f"{of}: {sizes[of]} rows") for one, of in sources.items()]
    return frame([*rows, *found])
