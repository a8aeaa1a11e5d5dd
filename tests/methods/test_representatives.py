"""Repr Filter, k-center and facility location, each against the loop that its definition is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.tasks.contracts.vectors import Rows, Vectors, pair_scores, unit
from wellspring.tasks.methods.vectors import representatives
from wellspring.tasks.methods.vectors.neighbour_graph import exact_graph


def clustered(rows: int, width: int = 24, clusters: int = 30, seed: int = 0, spread: float = 0.3) -> Vectors:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, width))
    return unit(centres[rng.integers(0, clusters, rows)] + spread * rng.standard_normal((rows, width)))


def naive_filter(vectors: Vectors, order: Rows, threshold: float) -> list[int]:
    admitted: list[int] = []
    for row in order.tolist():
        mine = np.repeat(vectors[row : row + 1], len(admitted), axis=0)
        if not admitted or pair_scores(mine, vectors[admitted]).max() < threshold:
            admitted.append(row)
    return admitted


def naive_centres(vectors: Vectors, count: int) -> tuple[list[int], float]:
    chosen = [0]
    nearest = vectors @ vectors[0]
    nearest[0] = np.inf
    while len(chosen) < count:
        chosen.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
        nearest[chosen] = np.inf
    return chosen, float(1 - (vectors @ vectors[chosen].T).max(axis=1).min())


def naive_facilities(scores: np.ndarray, rows: Rows, count: int) -> list[int]:
    n = len(rows)
    cover = np.zeros((n, n))
    for row in range(n):
        for score, other in zip(scores[row].tolist(), rows[row].tolist(), strict=True):
            if other >= 0:
                cover[other, row] = max(score, 0)
        cover[row, row] = 1
    chosen: list[int] = []
    best = np.zeros(n)
    for _ in range(count):
        gains = np.array([np.maximum(cover[row] - best, 0).sum() if row not in chosen else -1 for row in range(n)])
        chosen.append(int(np.flatnonzero(gains >= gains.max() - 1e-9)[0]))
        best = np.maximum(best, cover[chosen[-1]])
    return chosen


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.95]))
def test_the_filter_admits_what_the_loop_admits(seed: int, threshold: float) -> None:
    vectors = clustered(300, seed=seed)
    order = np.random.default_rng(seed).permutation(300)

    admitted = representatives.filtered(vectors, order, threshold)

    assert admitted.tolist() == naive_filter(vectors, order, threshold)


@pytest.mark.slow
def test_the_filter_is_the_loop_across_batches_and_keeps_one_of_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representatives, "_BATCH", 64)
    vectors = clustered(500)
    vectors[100:200] = vectors[3]
    order = np.arange(499, -1, -1)

    admitted = representatives.filtered(vectors, order, 0.9)

    assert admitted.tolist() == naive_filter(vectors, order, 0.9)
    assert len(set(admitted.tolist()) & {3, *range(100, 200)}) <= 1


def test_the_filter_stops_at_its_limit() -> None:
    vectors = clustered(200)

    admitted = representatives.filtered(vectors, np.arange(200), 0.9, limit=7)

    assert admitted.tolist() == naive_filter(vectors, np.arange(200), 0.9)[:7]


@pytest.mark.parametrize("candidates", [1, 8, 256])
def test_centres_are_those_of_the_loop(candidates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representatives, "_CANDIDATES", candidates)
    vectors = clustered(400)

    chosen, radius = representatives.centres(vectors, 60)

    truth, truth_radius = naive_centres(vectors, 60)
    assert chosen.tolist() == truth
    assert radius == pytest.approx(truth_radius, abs=1e-6)


def test_all_rows_can_be_centres_also_where_some_are_equal() -> None:
    vectors = clustered(30)
    vectors[10:15] = vectors[2]

    chosen, radius = representatives.centres(vectors, 30)

    assert sorted(chosen.tolist()) == list(range(30))
    assert radius == pytest.approx(0, abs=1e-6)


def test_facilities_are_those_of_plain_greedy() -> None:
    vectors = clustered(150)
    scores, rows = exact_graph(vectors, 8)

    chosen, gains = representatives.facilities(scores, rows, 40)

    assert chosen.tolist() == naive_facilities(scores, rows, 40)
    assert (np.diff(gains) <= 1e-9).all()


def test_facilities_without_neighbours_are_taken_in_the_order_of_rows() -> None:
    chosen, gains = representatives.facilities(np.full((4, 1), -1, np.float32), np.full((4, 1), -1), 3)

    assert chosen.tolist() == [0, 1, 2]
    assert gains.tolist() == [1, 1, 1]


@pytest.mark.parametrize("count", [0, 6])
def test_counts_out_of_range_are_said(count: int) -> None:
    vectors = clustered(5)

    with pytest.raises(ValueError, match=f"count is {count} of 5 rows"):
        representatives.centres(vectors, count)
    with pytest.raises(ValueError, match=f"count is {count} of 5 rows"):
        representatives.facilities(np.zeros((5, 1), np.float32), np.zeros((5, 1), np.int64), count)
