"""FastClass: weak labels are those of greedy facility location as a loop, and every row gets the class it is about."""

import math

import numpy as np
import polars as pl
import pytest

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.sets.fastclass import Knobs, entropy, learned, scores, texts, weak_labels

RNG = np.random.default_rng(8)
CENTRES = unit(RNG.standard_normal((3, 16)))
TRUE = np.arange(90) % 3
VECTORS = unit(CENTRES[TRUE] + 0.25 * RNG.standard_normal((90, 16)))
COSINES = VECTORS @ CENTRES.T


def naive_labels(times: int, kept: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for of in range(3):
        pool = sorted(range(90), key=lambda row: (-COSINES[row, of], row))[: times * kept]
        near = {a: {b: max(0.0, float(VECTORS[a] @ VECTORS[b])) if a != b else 1.0 for b in pool} for a in pool}
        chosen: list[int] = []
        while len(chosen) < kept:
            covered = {b: max((near[a][b] for a in chosen), default=0.0) for b in pool}
            gains = {a: sum(max(0.0, near[a][b] - covered[b]) for b in pool) for a in pool if a not in chosen}
            chosen.append(max(gains, key=lambda a: gains[a]))
        for row in chosen:
            if row not in found or COSINES[row, of] > COSINES[row, found[row]]:
                found[row] = of
    return found


def test_weak_labels_are_those_of_the_greedy_loop() -> None:
    rows, labels = weak_labels(VECTORS, COSINES, 3, 8)

    assert dict(zip(rows.tolist(), labels.tolist(), strict=True)) == naive_labels(3, 8)


def test_every_row_gets_its_class_of_the_sizes_with_the_greatest_entropy() -> None:
    knobs = Knobs(classes={"a": "", "b": "about b", "c": ""}, times=(1, 3), kept=(2, 8))
    tables = {
        "instruction_vectors": pl.DataFrame({"subject_id": [f"q{i:02}" for i in range(90)], "vector": VECTORS}),
        "text_vectors": pl.DataFrame({"text": ["a", "about b", "c"], "vector": CENTRES}),
    }
    rows = scores(tables, knobs).rows()
    sizes = {(n, k): learned(VECTORS, COSINES, n, k).entropy for n in (1, 3) for k in (2, 8)}
    best = max(sizes.values())

    assert texts({}, knobs) == ["a", "about b", "c"]
    assert [why.split(";")[0] for *_, why in rows] == [("a", "b", "c")[of] for of in TRUE]
    assert all(0.34 < value <= 1 for _, _, value, _ in rows)
    n, k = next(at for at, of in sizes.items() if of == best)
    assert f"N {n}, K {k}, entropy {best:.3f}" in rows[0][3]
    assert not len(scores(tables, Knobs(classes={"a": ""})))


def test_the_entropy_is_of_the_shares_of_classes() -> None:
    assert entropy([0, 0, 0, 1]) == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
