"""Reciprocal rank fusion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.methods.fusion import fuse


def test_an_item_that_both_rankings_hold_comes_first() -> None:
    assert [item for item, _ in fuse([["a", "b"], ["c", "b"]], 3)] == ["b", "a", "c"]


def test_scores_are_sums_of_reciprocal_ranks() -> None:
    assert fuse([["a", "b"], ["b"]], 2, constant=60) == [("b", 1 / 62 + 1 / 61), ("a", 1 / 61)]


def test_weights_say_how_much_a_ranking_counts() -> None:
    assert [item for item, _ in fuse([["a"], ["b"]], 2, weights=(0.5, 1))] == ["b", "a"]


def test_an_item_counts_once_in_a_ranking_at_its_best_rank() -> None:
    assert fuse([["a", "a"]], 2) == [("a", 1 / 61)]


def test_weights_and_rankings_must_pair_up() -> None:
    with pytest.raises(ValueError, match="zip"):
        fuse([["a"]], 1, weights=(1, 1))


@given(st.lists(st.lists(st.integers(0, 20), unique=True), max_size=4), st.integers(1, 30))
def test_the_fused_ranking_is_ordered_and_does_not_depend_on_the_order_of_rankings(
    rankings: list[list[int]], k: int
) -> None:
    fused = fuse(rankings, k)

    assert fused == sorted(fused, key=lambda pair: (-pair[1], pair[0]))
    assert len(fused) == min(k, len({item for ranking in rankings for item in ranking}))
    assert {i for i, _ in fuse(rankings, 100)} == {i for i, _ in fuse(rankings[::-1], 100)}
