"""The approximate graph: exact with one cell, near that on clusters, and the same in any order of shards."""

import numpy as np
import pytest

from wellspring.tasks.contracts.vectors import Vectors, unit
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.vectors.neighbour_graph import exact_graph
from wellspring.tasks.methods.vectors.overlap_graph import Merger, overlap_graph, shard_graph, shards


def clustered(rows: int, clusters: int = 60, seed: int = 0) -> Vectors:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, 32))
    return unit(centres[rng.integers(0, clusters, rows)] + 0.3 * rng.standard_normal((rows, 32)))


def test_with_one_cell_it_is_the_exact_graph() -> None:
    vectors = clustered(400)

    scores, rows = overlap_graph(vectors, 7, vectors[:1], index.exact, joined=1)

    truth_scores, truth = exact_graph(vectors, 7)
    assert rows.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()


@pytest.mark.slow
def test_recall_on_clusters_is_high_and_grows_with_overlap() -> None:
    vectors = clustered(4000)
    centroids, _ = index.kmeans(vectors, 20, seed=0)
    truth = exact_graph(vectors, 10)[1]

    def recall(joined: int) -> float:
        rows = overlap_graph(vectors, 10, centroids, index.exact, joined=joined)[1]
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows.tolist(), truth.tolist(), strict=True)]))

    assert recall(2) >= 0.98
    assert recall(1) <= recall(2) <= recall(4)


def test_shards_may_come_in_any_order() -> None:
    vectors = clustered(600)
    centroids, _ = index.kmeans(vectors, 8, seed=0)
    parts = [shard_graph(vectors, rows, 5) for rows in shards(vectors, centroids, 3, index.exact)]

    forth, back = Merger(600, 5), Merger(600, 5)
    for part in parts:
        forth.add(*part)
    for part in parts[::-1]:
        back.add(*part)

    assert forth.rows.tobytes() == back.rows.tobytes()


def test_a_vector_alone_in_its_cell_has_no_neighbours() -> None:
    vectors = np.eye(3, dtype=np.float32)

    _, rows = overlap_graph(vectors, 2, vectors, index.exact, joined=1)

    assert rows.tolist() == [[-1, -1]] * 3
