"""The symmetric graph, against the whole product, sorted."""

import numpy as np
import pytest
from numba import get_num_threads, set_num_threads

from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors, ranked, unit
from wellspring.tasks.methods.vectors import neighbour_graph
from wellspring.tasks.methods.vectors.neighbour_graph import exact_graph


def clustered(rows: int, width: int, clusters: int = 20, seed: int = 0) -> Vectors:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, width))
    return unit(centres[rng.integers(0, clusters, rows)] + 0.5 * rng.standard_normal((rows, width)))


def naive(vectors: Vectors, k: int) -> tuple[Scores, Rows]:
    n = len(vectors)
    others = np.array([[row for row in range(n) if row != own] for own in range(n)])
    return ranked(vectors, vectors, others, k)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbour_graph, "LEAST_TILE", 48)
    monkeypatch.setattr(neighbour_graph, "TILE", 100)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize(("rows", "width", "k"), [(2, 3, 1), (47, 16, 46), (48, 16, 5), (301, 40, 1), (517, 33, 12)])
def test_the_graph_is_the_naive_graph(rows: int, width: int, k: int) -> None:
    vectors = clustered(rows, width)

    scores, found = exact_graph(vectors, k)

    truth_scores, truth = naive(vectors, k)
    assert found.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()


@pytest.mark.usefixtures("small_tiles")
def test_cliques_of_equal_vectors_larger_than_k_are_in_the_order_of_rows() -> None:
    vectors = clustered(400, 24)
    vectors[50:250:2] = vectors[7]

    scores, found = exact_graph(vectors, 6)

    truth_scores, truth = naive(vectors, 6)
    assert found.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()


@pytest.mark.usefixtures("small_tiles")
def test_rows_that_come_ever_nearer_overflow_the_room_for_hits_and_lose_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighbour_graph, "_HIT_SHARE", 10_000)
    angles = np.linspace(0, 3, 300)
    vectors = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))

    _, found = exact_graph(vectors, 4)

    assert found.tolist() == naive(vectors, 4)[1].tolist()


def test_tiles_of_full_size_agree_with_the_naive_graph_on_a_sample() -> None:
    vectors = clustered(6000, 16, clusters=200)

    scores, found = exact_graph(vectors, 5)

    sample = np.arange(0, 6000, 97)
    truth = vectors[sample] @ vectors.T
    truth[np.arange(len(sample)), sample] = -np.inf
    assert np.abs(np.sort(truth, axis=1)[:, :-6:-1] - scores[sample]).max() < 1e-6
    assert (found[sample] != sample[:, None]).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("least", "side"), [(48, 48), (48, 100), (130, 130), (512, 1536)])
def test_the_graph_does_not_depend_on_the_tile_or_the_threads(
    monkeypatch: pytest.MonkeyPatch, least: int, side: int, threads: int
) -> None:
    monkeypatch.setattr(neighbour_graph, "LEAST_TILE", least)
    monkeypatch.setattr(neighbour_graph, "TILE", side)
    vectors = clustered(517, 33)
    vectors[20:300:7] = vectors[11]
    had = get_num_threads()

    set_num_threads(min(threads, had))
    try:
        scores, found = exact_graph(vectors, 12)
    finally:
        set_num_threads(had)

    truth_scores, truth = naive(vectors, 12)
    assert found.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()


def coarse(vectors: Vectors) -> neighbour_graph.Product:
    def multiply(rows: slice, columns: slice, out: Scores) -> None:
        out[:] = (vectors[rows] @ vectors[columns].T).astype(np.float16)

    return multiply


def test_a_coarse_product_without_proof_finds_nearly_all() -> None:
    vectors = clustered(2000, 64)

    _, found = exact_graph(vectors, 10, multiplier=coarse, rounding=np.inf)

    truth = exact_graph(vectors, 10)[1]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)])
    assert recall > 0.99


def test_a_coarse_product_with_its_rounding_stated_is_exact() -> None:
    vectors = clustered(1500, 64)

    scores, found = exact_graph(vectors, 10, multiplier=coarse, rounding=1e-3)

    truth_scores, truth = exact_graph(vectors, 10)
    assert found.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()


@pytest.mark.parametrize("k", [0, 5])
def test_k_out_of_range_is_said(k: int) -> None:
    with pytest.raises(ValueError, match=f"k is {k}, and each of 5 rows has 4 others"):
        exact_graph(clustered(5, 8), k)
