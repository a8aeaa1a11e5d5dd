"""The same input is shown the same demonstrations, whatever the order; near and far are what they say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.contracts.vectors import pair_scores
from tasks.methods.demonstrations import by_distance, drawn


@given(st.text(max_size=12), st.integers(0, 12), st.sets(st.integers(0, 99), max_size=30))
def test_a_draw_is_decided_by_its_parts_and_takes_no_one_twice(name: str, count: int, pool: set[int]) -> None:
    candidates = sorted(pool)

    first = drawn(count, candidates, 0, name)

    assert first == drawn(count, candidates, 0, name)
    assert len(set(first)) == len(first) == min(count, len(pool))
    assert set(first) <= pool


def test_other_inputs_and_other_seeds_draw_otherwise() -> None:
    draws = {tuple(drawn(10, range(200), seed, name)) for seed in (0, 1) for name in ("a", "b", "c")}

    assert len(draws) == 6


def test_every_candidate_is_drawn_about_as_often() -> None:
    times = np.zeros(40)
    for n in range(2000):
        times[drawn(10, range(40), 0, f"document {n}")] += 1

    assert times.min() > 400
    assert times.max() < 600


def test_nearest_and_farthest_are_the_two_ends_and_ties_keep_the_lower_row() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0], [-1, 0]], dtype=np.float32)
    target = np.array([1, 0], dtype=np.float32)

    assert by_distance(2, vectors, target) == [0, 2]
    assert by_distance(3, vectors[1:], target) == [1, 0, 2]
    assert by_distance(2, vectors, target, farthest=True) == [3, 1]
    assert by_distance(9, vectors[:0], target) == []
    assert by_distance(3, np.repeat(target[None], 50, axis=0), target) == [0, 1, 2]


@given(st.integers(1, 60), st.integers(0, 20), st.integers(0, 1000), st.booleans())
def test_it_equals_a_whole_sort(rows: int, count: int, seed: int, farthest: bool) -> None:  # noqa: FBT001 - drawn
    chance = np.random.default_rng(seed)
    vectors = chance.normal(size=(rows, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    target = vectors[0]
    scores = pair_scores(vectors, np.repeat(target[None], rows, axis=0))

    expected = sorted(range(rows), key=lambda row: (scores[row] if farthest else -scores[row], row))[:count]

    assert by_distance(count, vectors, target, farthest=farthest) == expected
