"""Which pages are for evaluation and which for training: no site, and no near copy of a page, is on both sides.

A site's side is a hash of its name, so that it is the same whatever else is in the corpus; what was exported before
overrules it. Of near copies that lie on both sides one side is left out of the dataset: what was exported first stays,
and else what is for evaluation. So no page ever changes sides, and a page is compared with all that was ever trained
on. Comparing n pages takes n log n, as `near_duplicates` says.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.methods.datasets import partition
from wellspring.tasks.methods.pages import near_duplicates

VERSION = 1
TRAINING, EVALUATION, NEITHER = "training", "evaluation", ""
NEAR_COPY = "a near copy is on the other side"
HELD_OUT = "its site is kept for evaluation"
MIXED = "its pages are on both sides"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its id, its site, and its text."""

    document_id: str
    site: str
    text: str


def side_of(site: str, share: float, before: Mapping[str, str]) -> str:
    """Return the side of a site.

    Args:
        site: Its name.
        share: Of the sites that are for evaluation.
        before: Sites that were exported, and on which side.
    """
    by_hash = EVALUATION if partition.split(f"site/{site}", share) == "validation" else TRAINING
    return before.get(site, by_hash)


def sides(
    pages: Sequence[Page], share: float, sites: Mapping[str, str], exported: Mapping[str, str], least: float
) -> dict[str, str]:
    """Return the side of each page; `NEITHER` of one that has a near copy on the other side.

    Args:
        pages: All that may be exported, and all that was.
        share: Of the sites that are for evaluation.
        sites: Those that were exported before, and on which side.
        exported: Pages that were exported before, and on which side.
        least: Jaccard similarity from which on two pages are near copies.
    """
    found = {page.document_id: side_of(page.site, share, sites) for page in pages}
    if len({*found.values()}) < len((TRAINING, EVALUATION)):
        return found
    for group in _near(pages, least):
        on = {found[document_id] for document_id in group}
        if on != {TRAINING, EVALUATION}:
            continue
        was_trained_on = any(exported.get(document_id) == TRAINING for document_id in group)
        loses = EVALUATION if was_trained_on else TRAINING
        found |= {one: NEITHER for one in group if found[one] == loses and exported.get(one) != loses}
    return found


def _near(pages: Sequence[Page], least: float) -> list[list[str]]:
    """Return groups of pages that are near copies of each other, along a chain."""
    texts = [page.text for page in pages]
    pairs = near_duplicates.candidates(near_duplicates.bands(texts))
    near = pairs[near_duplicates.jaccard(texts, pairs) >= least] if len(pairs) else pairs
    first = near_duplicates.components(len(pages), near)
    grouped: dict[int, list[str]] = {}
    for row in np.flatnonzero(np.isin(first, near)).tolist():
        grouped.setdefault(int(first[row]), []).append(pages[row].document_id)
    return list(grouped.values())


def together(pages: Collection[str]) -> tuple[str, str]:
    """Return the side of a row by those of its pages, and why it is on neither; without pages it is for training."""
    if not pages:
        return TRAINING, ""
    if NEITHER in pages:
        return NEITHER, NEAR_COPY
    return (next(iter(pages)), "") if len({*pages}) == 1 else (NEITHER, MIXED)


def card(name: str, licence: str, share: float, rows: Sequence[Row], left_out: Mapping[str, int]) -> str:
    """Write the card of an evaluation set.

    Args:
        name: Of the dataset that it lies in.
        licence: Of the dataset.
        share: Of the sites that are for evaluation.
        rows: One for each task: `kind`, `domain`, `solved` (by role: how many of how many answers were right).
        left_out: Reasons, and how many rows they left out of both sides.
    """
    kinds = sorted({row["kind"] for row in rows})
    lines = [f"| {kind} | {_of(rows, kind, '')} | {_of(rows, kind, 'strong')} | {_of(rows, kind, 'weak')} | "
             f"{_of(rows, kind, 'closed')} |" for kind in kinds]  # fmt: skip
    reasons = [f"- {number} rows were left out of both sides: {why}." for why, number in sorted(left_out.items())]
    return "\n".join([
        f"# {name}: evaluation set",
        "",
        (f"{len(rows)} tasks of {len({row['domain'] for row in rows})} sites, in `tasks/evaluation.jsonl`. Each has a "
        "certificate; `verify.py` runs its verifier. Do not train on them."),
        "",
        "| kind | tasks | solved, strong | solved, weak | solved without the passage |",
        "|---|---|---|---|---|",
        *lines,
        "",
        "## What it is kept apart from",
        "",
        (f"- Of all sites {share:.0%} are for evaluation, by a hash of their names. Nothing made of their pages is in "
        "any other file of this dataset."),
        "- No page behind a task is a near copy of a page behind another file, along any chain of near copies.",
        "- What any dataset of the store held for training before is never put here, and the reverse.",
        *reasons,
        "- Tasks that no page is behind are never put here.",
        "",
        ("Pages are compared by their words. A page that says the same in other words may be on the other side. "
            "Whether tasks stand in a benchmark: see the dataset's card."),
        "",
        f"Licence: {licence}.",
    ]) + "\n"  # fmt: skip


def _of(rows: Sequence[Row], kind: str, role: str) -> str:
    """Return how many tasks of a kind there are, or what share of a role's answers is right."""
    mine = [row for row in rows if row["kind"] == kind]
    if not role:
        return str(len(mine))
    counts = [row["solved"][role] for row in mine if row["solved"].get(role)]
    return f"{sum(some for some, _ in counts) / sum(of for _, of in counts):.0%}" if counts else "-"
