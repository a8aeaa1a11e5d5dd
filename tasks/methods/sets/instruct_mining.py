"""InstructMining (arXiv 2307.06290): the loss that a model would have after training on a row, by two linear rules.

    length:   1.0694 - 0.1498 reward + 8.257e-5 tokens - 0.9350 distance to the 6th neighbour
    quality:  0.0274 - 0.0078 reward + 0.4421 understandability - 0.3212 naturalness - 0.1520 coherence

The total is the loss with its sign turned, so that more is better. A row that lacks an indicator has NULL. The second
rule's three indicators are UniEval's: marks of a judge, or imported. n^2 d for the neighbours.

Ours differs: the coefficients are as the literature quotes them. Tokens are estimated. Neighbours are exact, by the
distance of unit vectors of instructions, from the embedder in force and not from SentenceBERT. The rule was fitted to
one reward model; another's scale shifts all losses alike, and its spread weighs the reward more or less. The search
for the best size of the set (BlendSearch) trains models, and is left out.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.methods.sets.lifting import Scored, lifted

SYSTEM = "InstructMining"
PAPER = "arXiv 2307.06290"
VERSION = 1
TAKES, SUBJECT = ("responses", "scores", "instruction_vectors"), "instruction"
RESTS_ON = ("lifting", "tokens")
NEIGHBOUR = 6
BLOCK = 1024  # rows whose cosines are held at once
RULES: dict[str, tuple[float, dict[str, float]]] = {
    "length": (1.0694, {"reward": -0.1498, "tokens": 8.257e-5, "distance": -0.9350}),
    "quality": (0.0274, {"reward": -0.0078, "understandability": 0.4421, "naturalness": -0.3212, "coherence": -0.1520}),
}


class Knobs(Section):
    """Whose marks are the indicators."""

    rule: Literal["length", "quality"] = "length"
    reward: str = Field(default="response_quality", description="whose `total` of an answer is its reward")
    unieval: str = Field(default="unieval", description="who gives the three further marks of the rule `quality`")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the negated loss of each answer, and of each instruction that of its best answer."""
    distances = _distances(tables["instruction_vectors"])
    marks = {row[:3]: row[3] for row in tables["scores"].iter_rows()}
    rows: list[Scored] = []
    for row in tables["responses"].iter_rows(named=True):
        found = {
            "reward": marks.get((row["subject_id"], knobs.reward, TOTAL)),
            "tokens": float(count_tokens(row["text"])),
            "distance": distances.get(row["instruction_id"]),
        }
        base, weights = RULES[knobs.rule]
        found |= {name: marks.get((row["subject_id"], knobs.unieval, name)) for name in weights.keys() - found.keys()}
        rows.append((row["subject_id"], TOTAL, *_negated(base, weights, found)))
    return lifted(rows, tables["responses"])


def _negated(base: float, weights: Mapping[str, float], found: Mapping[str, float | None]) -> tuple[float | None, str]:
    values = {name: found[name] for name in weights}
    if lacking := [name for name, value in values.items() if value is None]:
        return None, f"no {', '.join(lacking)}"
    loss = base + sum(weight * (values[name] or 0.0) for name, weight in weights.items())
    return -loss, ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def _distances(vectors: pl.DataFrame) -> dict[str, float]:
    ids = vectors["subject_id"].to_list()
    if len(ids) <= NEIGHBOUR:
        return {}
    return dict(zip(ids, sixth(vectors["vector"].to_numpy()).tolist(), strict=True))


def sixth(vectors: Vectors) -> NDArray[np.float64]:
    """Return the distance of each unit vector (n, d) to its sixth nearest other one; n is at least 7."""
    found = np.empty(len(vectors))
    for first in range(0, len(vectors), BLOCK):
        cosines = (vectors[first : first + BLOCK] @ vectors.T).astype(np.float64)
        own = np.arange(len(cosines))
        cosines[own, first + own] = -np.inf
        place = len(vectors) - NEIGHBOUR
        found[first : first + BLOCK] = np.partition(cosines, place, axis=1)[:, place]
    return np.sqrt(np.clip(2.0 - 2.0 * found, 0.0, None))
