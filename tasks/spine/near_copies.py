"""Near copies among documents: proposed by bands that DuckDB joins, compared exactly, one of each component kept.

A run's documents are compared with all that came before, once: what an earlier run settled is not computed again.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from tasks.contracts import records
from tasks.contracts.records import content_id
from tasks.io.store import Store
from tasks.methods import near_duplicates
from tasks.spine import sharding
from tasks.spine.identity import raised
from tasks.spine.runs import Run

VERSION = 1
VERIFY_PAIRS = 2_000  # compared at a time


def mark(run: Run, fingerprint: str) -> None:
    """Compare the documents of runs that were not looked at yet with all that came before, and mark near copies.

    Kept is, in this order, what an earlier run kept, the longest, the lowest id.
    """
    wanted = run.settings.documents
    method = content_id(
        "near_duplicates", near_duplicates.VERSION, wanted.jaccard, fingerprint, *raised(own=VERSION).items()
    )
    run.activate(
        "duplicates",
        {method: f"jaccard {wanted.jaccard}"} if wanted.near_duplicates else {},
        {"jaccard": wanted.jaccard},
    )
    scope = {"fingerprint": fingerprint, "settled_runs": sharding.done(run, "duplicates", method)}
    fresh = run.store.query("duplicates/unsettled_runs", **scope)["run_id"].to_list()
    if not fresh or not wanted.near_duplicates:
        return
    pairs = run.store.sparing(lambda: _candidates(run.store, scope))
    edges = run.store.sparing(lambda: verified(run.store, pairs, fingerprint, wanted.jaccard))
    ids = sorted({id_ for edge in edges for id_ in edge[:2]})
    known = run.store.query("duplicates/known", **scope, duplicates_fingerprint=method, document_ids=ids).to_dicts()
    rows = [records.Duplicate(*row, run.run_id) for row in _copies(edges, known, method)]
    with run.store.transaction():
        run.store.append("duplicates", rows)
        sharding.note_done(run, "duplicates", method, fresh, rows=len(ids))


def _candidates(store: Store, scope: Mapping[str, Any]) -> pl.DataFrame:
    """Return the pairs that share a band, each once, in order; band by band, so that one of them is in memory."""
    found = [store.query("duplicates/candidates", **scope, band=band + 1) for band in range(near_duplicates.BANDS)]
    return pl.concat(found).unique().sort("document_a", "document_b")


def verified(store: Store, pairs: pl.DataFrame, fingerprint: str, least: float) -> list[tuple[str, str, float]]:
    """Compare candidates exactly, a batch at a time, and return those that are near enough."""
    edges: list[tuple[str, str, float]] = []
    for batch in pairs.iter_slices(VERIFY_PAIRS):
        rows = batch.rows()
        wanted = sorted({id_ for pair in rows for id_ in pair})
        texts = dict(store.query("duplicates/texts", fingerprint=fingerprint, document_ids=wanted).rows())
        places = {id_: place for place, id_ in enumerate(wanted)}
        numbered = np.array([(places[a], places[b]) for a, b in rows], np.int64)
        found = near_duplicates.jaccard([texts[id_] for id_ in wanted], numbered).tolist()
        edges += [(a, b, share) for (a, b), share in zip(rows, found, strict=True) if share >= least]
    return edges


def _copies(
    edges: list[tuple[str, str, float]], known: list[dict[str, Any]], method: str
) -> Iterator[tuple[str, str, str, float]]:
    """Yield (copy, method, kept, similarity) for every new document of a component but the one that is kept."""
    places = {row["document_id"]: place for place, row in enumerate(known)}
    numbered = np.array([(places[a], places[b]) for a, b, _ in edges], np.int64)
    likeness: dict[str, float] = {}
    for a, b, share in edges:
        likeness[a], likeness[b] = max(share, likeness.get(a, 0.0)), max(share, likeness.get(b, 0.0))
    groups: dict[int, list[dict[str, Any]]] = {}
    for row, root in zip(known, near_duplicates.components(len(known), numbered).tolist(), strict=True):
        groups.setdefault(root, []).append(row)
    for group in groups.values():
        settled = [row["duplicate_of"] or row["document_id"] for row in group if row["is_settled"]]
        longest = min(group, key=lambda row: (-row["tokens"], row["document_id"]))["document_id"]
        kept = min(settled, default=longest)
        for row in group:
            if not row["is_settled"] and row["document_id"] != kept:
                yield row["document_id"], method, kept, likeness[row["document_id"]]
