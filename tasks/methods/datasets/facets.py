"""Facets of a dataset: kinds of task, the areas that they fall into, and what each measure says of the data.

Papers: HREF (arXiv 2412.15524) reports each kind of task alone. INSTRUCTEVAL (arXiv 2306.04757) reports problem
solving, writing and alignment apart, since a model may be good at one of them. The survey Data Tsunami sorts measures
of data into quality, diversity and importance.

Ours differs: these report models, and we report rows, before a model is trained. The kind of a task is what the judge
`href` said, and aims are what the judge `three_h` said; where they did not run, there is no such facet. Which kinds are
problem solving and which are writing is our choice.

Complexity: linear in the rows of a table.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wellspring.tasks.contracts.prompting import Row

SYSTEM = ("INSTRUCTEVAL", "Data Tsunami")
VERSION = 1
AREAS: Mapping[str, Sequence[str]] = {
    "problem solving": (
        *("open_question", "closed_question", "extract", "classify"),
        *("check_facts", "join_documents", "reason_with_numbers"),
    ),
    "writing": ("brainstorm", "generate", "rewrite", "summarize"),
}
ASPECTS: Mapping[str, Sequence[str]] = {
    "quality": ("score_mean", "answers_refused", "contaminated", "judges_kappa", "pairs_same_in_both_orders"),
    "diversity": (
        *("mtld", "distinct_1", "distinct_2", "vendi_score", "topics", "topic_coverage", "topic_entropy"),
        *("distance_within", "documents", "largest_document_share", "domains", "largest_domain_share"),
    ),
    "importance": ("distance_to_seeds", "tokens_median", "tokens_mean"),
}


def aspect(measure: str) -> str:
    """Return what a measure speaks of; of one that is none of ours, such as the number of rows, '-'."""
    return next((name for name, measures in ASPECTS.items() if measure in measures), "-")


def with_areas(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return facets with those of areas after the kinds that they are made of.

    Args:
        rows: `facet`, `value`, `rows` and `score`, the mean of their marks or None.
    """
    found = [dict(row) for row in rows]
    kinds = [row for row in found if row["facet"] == "kind of task"]
    areas = [_area(name, [row for row in kinds if row["value"] in of]) for name, of in AREAS.items()]
    at = 1 + max((place for place, row in enumerate(found) if row["facet"] == "kind of task"), default=-1)
    return [*found[:at], *(one for one in areas if one["rows"]), *found[at:]]


def _area(name: str, kinds: Sequence[Row]) -> dict[str, Any]:
    marked = [row for row in kinds if row["score"] is not None]
    rows = sum(row["rows"] for row in marked)
    score = sum(row["rows"] * row["score"] for row in marked) / rows if rows else None
    return {"facet": "area", "value": name, "rows": sum(row["rows"] for row in kinds), "score": score}
