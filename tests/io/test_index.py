"""Nearest neighbours, against the product of matrices in float64."""

import numpy as np
import pytest

from tasks.contracts.vectors import Rows, Scores, Vectors, unit
from tasks.io import index


def drawn(rows: int, width: int = 32, seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((rows, width)))


def naive(queries: Vectors, base: Vectors, k: int) -> tuple[Scores, Rows]:
    truth = (queries.astype(np.float64) @ base.T.astype(np.float64)).astype(np.float32)
    rows = np.argsort(-truth, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(truth, rows, 1), rows


@pytest.mark.parametrize(("queries", "rows", "k"), [(1, 1, 1), (3, 5, 5), (200, 1000, 10), (2, 1000, 700)])
def test_exact_search_is_the_naive_search(queries: int, rows: int, k: int) -> None:
    base = drawn(rows)
    asked = drawn(queries, seed=1)

    scores, found = index.exact(asked, base, k)

    truth_scores, truth_rows = naive(asked, base, k)
    assert found.tolist() == truth_rows.tolist()
    assert np.abs(scores - truth_scores).max() < 1e-6


def test_many_equal_vectors_give_the_lowest_rows_first() -> None:
    base = drawn(1000)
    base[100:400] = base[5]

    scores, rows = index.exact(base[[5, 250]], base, 10)

    assert rows.tolist() == [[5, *range(100, 109)]] * 2
    assert np.unique(scores).size == 1


def test_the_answer_does_not_depend_on_the_batch() -> None:
    base = drawn(3000, width=48)

    together = index.exact(base[:400], base, 7)
    alone = [index.exact(base[i : i + 1], base, 7) for i in range(400)]

    assert together[0].tobytes() == np.concatenate([scores for scores, _ in alone]).tobytes()
    assert together[1].tobytes() == np.concatenate([rows for _, rows in alone]).tobytes()


def test_a_finder_that_rounds_differently_gives_the_same_answer() -> None:
    base = drawn(2000)
    base[500:600] = base[1]

    def coarse(queries: Vectors, rows: Vectors, k: int) -> tuple[Scores, Rows]:
        rough = queries @ rows.T + np.random.default_rng(0).uniform(-1e-6, 1e-6, (len(queries), len(rows)))
        order = np.argsort(-rough, axis=1)[:, :k]
        return np.take_along_axis(rough, order, 1).astype(np.float32), order

    scores, rows = index.exact(base[:50], base, 5, find=coarse)

    truth = index.exact(base[:50], base, 5)
    assert rows.tolist() == truth[1].tolist()
    assert scores.tobytes() == truth[0].tobytes()


@pytest.mark.parametrize("k", [0, 6])
def test_k_out_of_range_is_said(k: int) -> None:
    with pytest.raises(ValueError, match=f"k is {k}, the base has 5 rows"):
        index.exact(drawn(1), drawn(5), k)


def test_widths_must_agree() -> None:
    with pytest.raises(ValueError, match="32 wide, the base 16"):
        index.exact(drawn(1), drawn(5, width=16), 1)


def test_kmeans_finds_the_clusters_and_is_the_same_twice() -> None:
    centres = drawn(5, width=64, seed=2)
    vectors = unit(np.repeat(centres, 60, axis=0) + 0.05 * np.random.default_rng(3).standard_normal((300, 64)))

    centroids, cells = index.kmeans(vectors, 5, seed=0)

    again_centroids, again_cells = index.kmeans(vectors, 5, seed=0)
    assert sorted(np.bincount(cells).tolist()) == [60] * 5
    assert centroids.tobytes() == again_centroids.tobytes()
    assert cells.tobytes() == again_cells.tobytes()


def test_kmeans_makes_no_more_cells_than_there_are_vectors() -> None:
    centroids, cells = index.kmeans(drawn(3), 10, seed=0)

    assert len(centroids) == 3
    assert sorted(cells.tolist()) == [0, 1, 2]
