"""R^3, Regularized Relevance Reward (arXiv 2402.03469): a reward for answers that no model was trained for.

    open:         tokens / 100 x share of distinct trigrams x relevance to the instruction
    constrained:  the same, with relevance to the reference, from 0..3.5 onto 0..most, in place of the length term

`most` is the greatest length term of the set. An answer without a vector has NULL.

Ours differs: an answer with a reference is constrained (the paper asks a model for the kind of question). Relevance is
the cosine by the embedder in force, not the product of Contriever's vectors, so the greatest relevance is 1, not 3.5.
Tokens are estimated. Negative relevance counts as 0 where it is mapped.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.methods.sets.lifting import Scored, lifted

SYSTEM = "R^3"
PAPER = "arXiv 2402.03469"
VERSION = 1
TAKES, SUBJECT = ("responses", "instruction_vectors", "response_vectors", "reference_vectors"), "instruction"
RESTS_ON = ("lifting", "tokens")
TOKENS = 100
GRAM = 3

Vector = NDArray[np.float32]


class Knobs(Section):
    """How references count."""

    by_reference: bool = Field(
        default=True, description="an answer with a reference is marked by it, not by its length"
    )
    most_relevance: float = Field(default=1.0, gt=0, description="relevance to a reference that counts in full")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the reward of each answer, and of each instruction that of its best answer."""
    asked, said, wanted = (_vectors(tables[name]) for name in TAKES[1:])
    lengths = {
        row["subject_id"]: count_tokens(row["text"]) / TOKENS for row in tables["responses"].iter_rows(named=True)
    }
    most = max(lengths.values(), default=0.0)
    rows: list[Scored] = []
    for row in tables["responses"].iter_rows(named=True):
        one = row["subject_id"]
        if one not in said or row["instruction_id"] not in asked:
            rows.append((one, TOTAL, None, "it has no vector"))
            continue
        first = ("length", lengths[one])
        if knobs.by_reference and one in wanted:
            share = float(said[one] @ wanted[one]) / knobs.most_relevance
            first = ("reference", most * min(max(share, 0.0), 1.0))
        rows.append(_reward(row, first, float(asked[row["instruction_id"]] @ said[one])))
    return lifted(rows, tables["responses"])


def _reward(row: Mapping[str, Any], first: tuple[str, float], relevance: float) -> Scored:
    distinct = distinct_trigrams(row["text"])
    why = f"{first[0]} {first[1]:.3f}, trigrams {distinct:.3f}, relevance {relevance:.3f}"
    return row["subject_id"], TOTAL, first[1] * distinct * relevance, why


def distinct_trigrams(text: str) -> float:
    """Return the share of distinct ones among the trigrams of words; 1 of a text that has none."""
    words = text.split()
    grams = [tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]
    return len({*grams}) / len(grams) if grams else 1.0


def _vectors(table: pl.DataFrame) -> dict[str, Vector]:
    return dict(zip(table["subject_id"].to_list(), table["vector"].to_numpy(), strict=True))
