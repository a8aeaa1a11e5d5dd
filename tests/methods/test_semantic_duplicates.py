"""Pairs, communities and SemDeDup, against loops over all pairs."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.tasks.contracts.vectors import Vectors, pair_scores, unit
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.vectors import semantic_duplicates
from wellspring.tasks.methods.vectors.semantic_duplicates import communities, pairs, repeats, within_cells


def clustered(rows: int, seed: int = 0, spread: float = 0.25, clusters: int = 25) -> Vectors:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, 24))
    return unit(centres[rng.integers(0, clusters, rows)] + spread * rng.standard_normal((rows, 24)))


def cosines(vectors: Vectors) -> np.ndarray:
    n = len(vectors)
    return pair_scores(np.repeat(vectors, n, axis=0), np.tile(vectors, (n, 1))).reshape(n, n)


def naive_communities(vectors: Vectors, threshold: float, min_size: int) -> list[set[int]]:
    near = cosines(vectors) >= threshold
    candidates = sorted(range(len(vectors)), key=lambda row: (-int(near[row].sum()), row))
    taken: set[int] = set()
    found = []
    for row in candidates:
        members = ({row} | set(np.flatnonzero(near[row]).tolist())) - taken
        if row not in taken and len(members) >= min_size:
            found.append(members)
            taken |= members
    return found


def test_every_pair_above_the_threshold_is_found_once_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantic_duplicates, "TILE_ROWS", 37)
    vectors = clustered(200)

    left, right, scores = pairs(vectors, 0.8)

    truth = np.argwhere(np.triu(cosines(vectors) >= 0.8, 1))
    assert np.stack([left, right], axis=1).tolist() == truth.tolist()
    assert (scores >= 0.8).all()


def test_no_pairs_among_rows_that_are_far_apart() -> None:
    assert [len(part) for part in pairs(np.eye(5, dtype=np.float32), 0.5)] == [0, 0, 0]


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_communities_are_those_of_the_loop(seed: int, min_size: int) -> None:
    vectors = clustered(80, seed=seed)

    found = communities(vectors, 0.85, min_size)

    assert sorted(map(sorted, found)) == sorted(map(sorted, naive_communities(vectors, 0.85, min_size)))
    assert [len(group) for group in found] == sorted((len(group) for group in found), reverse=True)


def test_the_lowest_row_of_a_community_stays() -> None:
    vectors = np.eye(6, dtype=np.float32)
    vectors[[3, 5]] = vectors[1]

    assert repeats(vectors) == {3: 1, 5: 1}


def beside(row: np.ndarray, *axes: int) -> np.ndarray:
    """Rows 25 degrees from a row, one along each axis: near to it (.906), and not to each other (.821)."""
    return np.cos(np.deg2rad(25)) * row + np.sin(np.deg2rad(25)) * np.eye(8)[list(axes)]


def test_what_is_left_around_a_middle_that_is_taken_stays_where_the_library_makes_a_community_of_it() -> None:
    middle = np.eye(8)[:1]
    around = beside(middle, 1, 2, 3, 4, 5)
    left = beside(around[-1:], 6, 7)  # near to a row that the larger community takes, and to nobody else
    vectors = np.concatenate([middle, around, left]).astype(np.float32)

    assert communities(vectors, 0.9) == [[0, 1, 2, 3, 4, 5]]
    assert set(repeats(vectors, 0.9)) == {1, 2, 3, 4, 5}


def test_of_a_chain_of_copies_every_other_stays_where_the_program_of_semdedup_keeps_one() -> None:
    angles = np.deg2rad(25 * np.arange(5))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    stays = within_cells(vectors, np.zeros(5, dtype=np.int64), vectors[:1], 0.9)

    assert stays.tolist() == [True, False, True, False, True]


def test_within_one_cell_every_copy_goes_and_the_farthest_from_the_centroid_stays() -> None:
    vectors = clustered(120, spread=0.1, clusters=6)
    centroid = unit(vectors.mean(axis=0, keepdims=True))

    stays = within_cells(vectors, np.zeros(120, dtype=np.int64), centroid, 0.9)

    near = cosines(vectors) >= 0.9
    kept = np.flatnonzero(stays)
    assert not np.triu(near[np.ix_(kept, kept)], 1).any()
    assert all(near[row, kept].any() for row in np.flatnonzero(~stays))
    assert stays[np.argmin(vectors @ centroid[0])]


def test_cells_lose_few_of_the_pairs() -> None:
    vectors = clustered(1500, spread=0.15, clusters=120)
    centroids, cells = index.kmeans(vectors, 12, seed=0)

    stays = within_cells(vectors, cells, centroids, 0.95)

    left, right, _ = pairs(vectors, 0.95)
    found = (cells[left] == cells[right]).mean()
    assert found >= 0.95
    assert 0 < (~stays).sum() < 1500


def test_communities_do_not_depend_on_how_the_work_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clustered(300)
    whole = communities(vectors, 0.85)
    monkeypatch.setattr(semantic_duplicates, "TILE_ROWS", 17)
    monkeypatch.setattr(semantic_duplicates, "BATCH_PAIRS", 5)

    assert communities(vectors, 0.85) == whole


@pytest.mark.slow
def test_a_set_of_equal_rows_takes_no_memory_for_its_pairs() -> None:
    vectors = np.repeat(clustered(2), 4000, axis=0)

    tracemalloc.start()
    dropped = repeats(vectors)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(dropped) == 7998
    assert most < 2 * 4000**2 * 16  # the pairs as two arrays of rows


def test_within_cells_communities_are_those_of_each_cell() -> None:
    vectors = clustered(200)
    cells = index.kmeans(vectors, 4, seed=0)[1]

    found = repeats(vectors, 0.85, cells=cells)

    by_cell = {}
    for cell in range(4):
        members = np.flatnonzero(cells == cell)
        by_cell |= {int(members[a]): int(members[b]) for a, b in repeats(vectors[members], 0.85).items()}
    assert found == by_cell
    assert found
