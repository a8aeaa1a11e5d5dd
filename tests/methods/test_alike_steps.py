"""ProcTag: functions whose names are near are one tag, as DBSCAN with one neighbour has them."""

import numpy as np
import polars as pl
from sklearn.cluster import DBSCAN

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.sets.alike_steps import Knobs, scores


def test_the_total_is_the_number_of_groups_of_names_as_dbscan_finds_them() -> None:
    rng = np.random.default_rng(8)
    middles = rng.standard_normal((6, 8))
    names = [f"function_{i:02}" for i in range(30)]
    vectors = unit(middles[rng.integers(0, 6, 30)] + 0.22 * rng.standard_normal((30, 8)))
    rows = [(f"q{q}", "process", names[i]) for q in range(7) for i in sorted({*rng.integers(0, 30, 6).tolist()})]
    tables = {
        "tags": pl.DataFrame([*rows, ("q0", "tags", "other")], ["subject_id", "kind", "tag"], orient="row"),
        "tag_vectors": pl.DataFrame({"tag": names, "vector": vectors}),
    }
    labels = DBSCAN(eps=0.03, min_samples=1, metric="cosine").fit(vectors).labels_
    group = dict(zip(names, labels.tolist(), strict=True))
    wanted = {q: len({group[tag] for one, _, tag in rows if one == q}) for q in {one for one, _, _ in rows}}
    found = {one: value for one, _, value, _ in scores(tables, Knobs()).rows()}

    assert found == wanted
    assert 6 < len({*labels.tolist()}) < 30  # some were joined, and not all that could be
    assert sum(wanted.values()) < len(rows)
