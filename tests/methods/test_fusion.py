"""Score fusion."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.vectors.fusion import fuse

Ranking = list[tuple[int, float]]
RANKINGS = st.lists(
    st.lists(st.tuples(st.integers(0, 20), st.integers(-8, 8).map(float)), max_size=12), min_size=1, max_size=4
)


def naive(rankings: list[Ranking]) -> dict[int, float]:
    """The definition, as a loop: each ranking's best scores, from its worst (0) to its best (1), added up."""
    total: dict[int, float] = {}
    for ranking in rankings:
        for item in {item for item, _ in ranking}:
            mine = max(score for other, score in ranking if other == item)
            bests = [max(s for i, s in ranking if i == other) for other, _ in ranking]
            width = max(bests) - min(bests)
            total[item] = total.get(item, 0.0) + ((mine - min(bests)) / width if width else 1.0)
    return total


@given(RANKINGS, st.integers(1, 30))
def test_fusion_is_its_definition_ordered_by_score_then_item_whatever_the_order_of_rankings(
    rankings: list[Ranking], k: int
) -> None:
    fused, truth = fuse(rankings, k), naive(rankings)

    assert fused == sorted(fused, key=lambda pair: (-pair[1], pair[0]))
    assert len(fused) == min(k, len(truth))
    assert all(math.isclose(score, truth[item], abs_tol=1e-12) for item, score in fused)
    assert dict(fuse(rankings, 100)) == pytest.approx(dict(fuse([r[::-1] for r in rankings[::-1]], 100)))


def test_how_far_the_first_is_ahead_counts() -> None:
    ahead = fuse([[("a", 9.0), ("b", 1.0), ("c", 0.0)], [("b", 0.6), ("a", 0.5), ("c", 0.0)]], 1)
    close = fuse([[("a", 9.0), ("b", 8.9), ("c", 0.0)], [("b", 0.6), ("a", 0.5), ("c", 0.0)]], 1)

    assert [ahead[0][0], close[0][0]] == ["a", "b"]


def test_scores_of_another_scale_weigh_no_more() -> None:
    words, vectors = [("a", 3.0), ("b", 1.0)], [("b", 0.9), ("a", 0.1), ("c", 0.0)]

    scaled = [(item, 100 * score + 7) for item, score in words]

    assert dict(fuse([scaled, vectors], 3)) == pytest.approx(dict(fuse([words, vectors], 3)))


def test_weights_say_how_much_a_ranking_counts() -> None:
    assert fuse([[("a", 2.0)], [("b", 1.0)]], 2, weights=(0.5, 1)) == [("b", 1.0), ("a", 0.5)]


def test_what_a_ranking_did_not_find_gets_nothing_of_it() -> None:
    assert fuse([[("a", 2.0), ("b", 1.0)], [("c", 5.0)], []], 3) == [("a", 1.0), ("c", 1.0), ("b", 0.0)]


def test_weights_and_rankings_must_pair_up() -> None:
    with pytest.raises(ValueError, match="zip"):
        fuse([[("a", 1.0)]], 1, weights=(1, 1))
