"""The same input is shown the same demonstrations, whatever the order; near and far are what they say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.vectors import pair_scores
from wellspring.tasks.methods.instructions.demonstrations import by_distance, drawn, marks


@given(st.text(max_size=12), st.integers(0, 12), st.sets(st.text(max_size=4), max_size=30))
def test_a_draw_is_decided_by_its_parts_and_takes_no_one_twice(name: str, count: int, pool: set[str]) -> None:
    candidates = sorted(pool)

    first = drawn(count, marks(candidates), 0, name)
    turned = drawn(count, marks(candidates[::-1]), 0, name)

    assert [candidates[place] for place in first] == [candidates[::-1][place] for place in turned]
    assert len(set(first)) == len(first) == min(count, len(pool))
    assert drawn(len(pool), marks(candidates), 0, name)[:count] == first


@given(st.integers(0, 400), st.integers(1, 12))
def test_a_candidate_that_comes_takes_one_place_or_none(key: int, count: int) -> None:
    before = [f"g{n}" for n in range(60)]
    after = sorted([*before, "g30b"])  # in the middle, where it moves the places of the others

    was = [before[place] for place in drawn(count, marks(before), 0, key)]
    now = [after[place] for place in drawn(count, marks(after), 0, key)]

    assert now == was or [name for name in now if name != "g30b"] == was[:-1]


def test_a_new_candidate_changes_few_draws() -> None:
    before = [f"g{n}" for n in range(200)]
    draws = [{*drawn(10, marks(some), 0, n)} for some in (before, [*before, "new"]) for n in range(400)]

    changed = sum(was != now for was, now in zip(draws[:400], draws[400:], strict=True))

    assert 5 <= changed <= 45  # 10 of 201 are expected to hold it: 20 draws


def test_other_inputs_and_other_seeds_draw_otherwise() -> None:
    candidates = marks(map(str, range(200)))

    draws = {tuple(drawn(10, candidates, seed, name)) for seed in (0, 1) for name in ("a", "b", "c")}

    assert len(draws) == 6


def test_every_candidate_is_drawn_about_as_often() -> None:
    times, candidates = np.zeros(40), marks(map(str, range(40)))
    for n in range(2000):
        times[drawn(10, candidates, 0, f"document {n}")] += 1

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
