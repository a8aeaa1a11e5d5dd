"""Parts searched by workers and merged are one machine's answer, bit for bit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.contracts.vectors import Vectors, unit
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.vectors.overlap_graph import overlap_graph
from wellspring.tasks.spine.vectors import sharded_search

Make = Callable[..., Settings]


@pytest.fixture
def matrix(tmp_path: Path) -> tuple[Path, Vectors]:
    rng = np.random.default_rng(0)
    vectors = unit(rng.standard_normal((30, 24))[rng.integers(0, 30, 900)] + 0.3 * rng.standard_normal((900, 24)))
    vectors[400:460] = vectors[3]  # ties across parts
    np.save(tmp_path / "vectors.npy", vectors)
    return tmp_path / "vectors.npy", vectors


@pytest.mark.parametrize("parts", [1, 3, 8])
def test_parts_merge_to_the_answer_of_one_machine(settings: Make, matrix: tuple[Path, Vectors], parts: int) -> None:
    path, vectors = matrix

    scores, rows = sharded_search.exact(settings("runner=thread"), path, vectors[:50], 12, parts=parts)

    truth_scores, truth = index.exact(vectors[:50], vectors, 12)
    assert rows.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()


@pytest.mark.slow
def test_parts_smaller_than_k_still_give_k(settings: Make, matrix: tuple[Path, Vectors]) -> None:
    path, vectors = matrix

    _, rows = sharded_search.exact(settings("runner=thread"), path, vectors[:3], 200, parts=90)

    assert rows.tolist() == index.exact(vectors[:3], vectors, 200)[1].tolist()


@pytest.mark.slow
def test_two_dask_workers_give_the_answer_of_one_machine(settings: Make, matrix: tuple[Path, Vectors]) -> None:
    path, vectors = matrix
    centroids, _ = index.kmeans(vectors, 6, seed=0)
    chosen = settings("runner=dask", "threads=2")

    scores, rows = sharded_search.exact(chosen, path, vectors[:50], 12, parts=4)
    graph_scores, graph_rows = sharded_search.graph(chosen, path, 5, centroids)

    truth_scores, truth = index.exact(vectors[:50], vectors, 12)
    assert rows.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()
    here_scores, here = overlap_graph(vectors, 5, centroids, index.exact)
    assert graph_rows.tolist() == here.tolist()
    assert graph_scores.tobytes() == here_scores.tobytes()
