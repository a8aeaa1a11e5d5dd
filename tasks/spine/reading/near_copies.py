"""Near copies among documents: proposed by bands that DuckDB joins, compared exactly, one of each component kept.

A run's documents are compared with all that came before, once: what an earlier run compared is not computed again.
Which of several is kept is chosen anew, among all that nothing has refused, so that it depends on the documents that
are there and not on the runs that they came in.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.pages import near_duplicates
from wellspring.tasks.spine.running import sharding
from wellspring.tasks.spine.running.runs import Run

VERSION = 1
VERIFY_PAIRS = 2_000  # compared at a time
FORGOTTEN = f"near text {near_duplicates.VERSION}"  # tombstones of texts, as sketches: they hold nothing to be read

Pair = tuple[str, str, float]


def mark(run: Run, fingerprint: str) -> None:
    """Compare the documents of runs that were not looked at yet with all that came before, and mark near copies.

    Kept is, in this order, what was fetched first, the longest, what the first archive has.
    """
    wanted = run.settings.documents
    method = content_id("near_copies", VERSION, near_duplicates.VERSION, wanted.jaccard, fingerprint)
    run.activate(
        "duplicates",
        {method: f"jaccard {wanted.jaccard}"} if wanted.near_duplicates else {},
        {"jaccard": wanted.jaccard},
    )
    if wanted.near_duplicates:
        _compare(run, fingerprint, method)
        _choose(run, fingerprint, method)


def _compare(run: Run, fingerprint: str, method: str) -> None:
    """Write down which documents are near copies of each other, where one of the two is new."""
    scope = {"fingerprint": fingerprint, "settled_runs": sharding.done(run, "duplicates", method)}
    fresh = run.store.query("duplicates/unsettled_runs", **scope)["run_id"].to_list()
    if not fresh:
        return
    pairs = run.store.sparing(lambda: _candidates(run.store, scope))
    edges = run.store.sparing(lambda: verified(run.store, pairs, fingerprint, run.settings.documents.jaccard))
    with run.store.transaction():
        run.store.append("similarities", [records.Similarity(a, b, method, like, run.run_id) for a, b, like in edges])
        sharding.note_done(run, "duplicates", method, fresh, rows=len({id_ for edge in edges for id_ in edge[:2]}))


def _choose(run: Run, fingerprint: str, method: str) -> None:
    """Keep one of each component, and take back what an earlier choice said and this one does not."""
    store, scope = run.store, {"fingerprint": fingerprint, "duplicates_fingerprint": method}
    pairs: list[Pair] = store.query("duplicates/pairs", **scope).rows()
    ids = sorted({id_ for pair in pairs for id_ in pair[:2]})
    ranked = store.query("duplicates/ranked", **scope, document_ids=ids)["document_id"].to_list()
    found = {copy: (kept, likeness) for copy, kept, likeness in _copies(pairs, ranked)}
    known = {copy: (kept, likeness) for copy, kept, likeness in store.query("duplicates/of_method", **scope).rows()}
    changed = [id_ for id_ in sorted(found) if known.get(id_) != found[id_]]
    with store.transaction():
        stale = [id_ for id_ in known if found.get(id_) != known[id_]]
        store.execute("duplicates/release", duplicates_fingerprint=method, document_ids=stale)
        store.append("duplicates", [records.Duplicate(id_, method, *found[id_], run.run_id) for id_ in changed])


def _candidates(store: Store, scope: Mapping[str, Any]) -> pl.DataFrame:
    """Return the pairs that share a band, each once, in order; band by band, so that one of them is in memory."""
    found = [store.query("duplicates/candidates", **scope, band=band + 1) for band in range(near_duplicates.BANDS)]
    return pl.concat(found).unique().sort("document_a", "document_b")


def verified(store: Store, pairs: pl.DataFrame, fingerprint: str, least: float) -> list[Pair]:
    """Compare candidates exactly, a batch at a time, and return those that are near enough."""
    edges: list[Pair] = []
    for batch in pairs.iter_slices(VERIFY_PAIRS):
        rows = batch.rows()
        wanted = sorted({id_ for pair in rows for id_ in pair})
        texts = dict(store.query("duplicates/texts", fingerprint=fingerprint, document_ids=wanted).rows())
        places = {id_: place for place, id_ in enumerate(wanted)}
        numbered = np.array([(places[a], places[b]) for a, b in rows], np.int64)
        found = near_duplicates.jaccard([texts[id_] for id_ in wanted], numbered).tolist()
        edges += [(a, b, share) for (a, b), share in zip(rows, found, strict=True) if share >= least]
    return edges


def sketched(texts: Sequence[str]) -> set[tuple[str, str]]:
    """Return what tombstones keep of texts, so that near copies of them are known when they come."""
    return {(FORGOTTEN, sketch.hex()) for sketch in near_duplicates.sketches(texts) if sketch}


def like_forgotten(store: Store, texts: pa.ChunkedArray, least: float) -> list[float]:
    """Return of each text how alike it is to one that was forgotten; 0 where it is near none.

    Likeness is estimated, since the texts are gone: `least` counts as reached from one standard error below it.
    """
    kept = store.query("tombstones/of_kind", kind=FORGOTTEN)["value"].to_list()
    if not kept:
        return [0.0] * len(texts)
    gone = np.frombuffer(bytes.fromhex("".join(kept)), np.uint8).reshape(len(kept), -1)
    sketches = near_duplicates.sketches([text or "" for text in texts.to_pylist()])
    likest = [float(near_duplicates.likeness(one, gone).max()) if one else 0.0 for one in sketches]
    return [share if share >= least - near_duplicates.SKETCH_ERROR else 0.0 for share in likest]


def _copies(pairs: list[Pair], ranked: list[str]) -> Iterator[Pair]:
    """Yield (copy, kept, similarity) for every document of a component but the first of them in rank."""
    if not pairs:
        return
    places = {id_: place for place, id_ in enumerate(ranked)}
    likeness: dict[str, float] = {}
    for a, b, share in pairs:
        likeness[a], likeness[b] = max(share, likeness.get(a, 0.0)), max(share, likeness.get(b, 0.0))
    numbered = np.array([(places[a], places[b]) for a, b, _ in pairs], np.int64)
    for id_, first in zip(ranked, near_duplicates.components(len(ranked), numbered).tolist(), strict=True):
        if ranked[first] != id_:
            yield id_, ranked[first], likeness[id_]
