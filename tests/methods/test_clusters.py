"""Budgets by cluster."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.vectors.clusters import best, in_rounds, longest, quotas, reweighted

SIZES = st.lists(st.integers(0, 50), min_size=1, max_size=8).map(np.array)


@given(SIZES, st.integers(0, 200))
def test_quotas_add_up_and_never_exceed_a_cluster(sizes: np.ndarray, budget: int) -> None:
    taken = quotas(sizes, budget)

    assert taken.sum() == min(budget, sizes.sum())
    assert (taken <= sizes).all()


@given(SIZES, st.integers(0, 200))
def test_a_proportional_quota_is_within_one_row_of_its_share(sizes: np.ndarray, budget: int) -> None:
    budget = min(budget, int(sizes.sum()))

    taken = quotas(sizes, budget)

    assert (np.abs(taken - sizes / max(sizes.sum(), 1) * budget) < 1 + 1e-9).all()


def test_what_a_full_cluster_cannot_take_goes_to_the_others() -> None:
    assert quotas(np.array([2, 100, 100]), 50, np.array([10.0, 1.0, 1.0])).tolist() == [2, 24, 24]


def test_a_cluster_without_weight_gets_nothing() -> None:
    assert quotas(np.array([5, 5]), 8, np.array([1.0, 0.0])).tolist() == [5, 0]


def test_bad_budgets_and_weights_are_said() -> None:
    with pytest.raises(ValueError, match="budget is -1"):
        quotas(np.array([1]), -1)
    with pytest.raises(ValueError, match="no cluster has a weight"):
        quotas(np.array([1]), 1, np.array([0.0]))


def test_clusters_that_taught_more_weigh_more_and_failed_scores_do_not_count() -> None:
    weights = reweighted(np.full(3, 1 / 3), np.array([0, 0, 1, 1]), np.array([1.0, np.nan, 0.0, 0.0]))

    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(np.e * weights[1])
    assert weights[1] < weights[2] < weights[0]


def test_without_any_score_the_weights_stay() -> None:
    assert reweighted(np.array([1.0, 3.0]), np.array([0]), np.array([np.nan])).tolist() == [0.25, 0.75]


def test_the_longest_of_each_cluster_in_proportion() -> None:
    cells = np.array([0, 0, 0, 0, 1, 1])
    lengths = np.array([5, 9, 9, 1, 2, 3])

    assert longest(cells, lengths, 3).tolist() == [1, 2, 5]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=40), st.integers(0, 40))
def test_the_best_by_cluster_are_those_of_the_loop(rows: list[tuple[int, int]], budget: int) -> None:
    cells, scores = (np.array(column) for column in zip(*rows, strict=True))

    taken = best(cells, scores.astype(float), budget)

    due = quotas(np.bincount(cells), budget)
    truth = [
        row
        for cell in range(cells.max() + 1)
        for row in sorted(np.flatnonzero(cells == cell), key=lambda r: (-scores[r], r))[: due[cell]]
    ]
    assert taken.tolist() == sorted(truth)


def naive_rounds(cells: list[int], scores: list[float], budget: int, rounds: int) -> list[int]:
    """Take one round at a time, row by row, from the clusters' queues."""
    clusters_ = range(max(cells) + 1)
    queues = {c: [row for row, own in enumerate(cells) if own == c] for c in clusters_}
    weights = np.array([len(queues[c]) for c in clusters_], dtype=float)
    taken: list[int] = []
    for number in range(1, rounds + 1):
        sizes = np.array([len(queues[c]) for c in clusters_])
        due = quotas(sizes, min(budget, len(cells)) * number // rounds - len(taken), weights)
        picked = [queues[c].pop(0) for c in clusters_ for _ in range(due[c])]
        taken += picked
        weights = reweighted(
            weights, np.array([cells[r] for r in picked], dtype=int), np.array([scores[r] for r in picked])
        )
    return sorted(taken)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7)), min_size=1, max_size=60).filter(
        lambda rows: {cell for cell, _ in rows} == set(range(1 + max(cell for cell, _ in rows)))
    ),
    st.integers(0, 70),
    st.integers(1, 4),
)
def test_rounds_take_what_the_loop_takes(rows: list[tuple[int, int]], budget: int, rounds: int) -> None:
    cells, scores = [cell for cell, _ in rows], [float(score) for _, score in rows]

    found = in_rounds(np.array(cells), np.array(scores), budget, rounds=rounds)

    assert found.tolist() == naive_rounds(cells, scores, budget, rounds)


def test_a_cluster_that_teaches_more_gets_more_of_the_next_round() -> None:
    cells = np.repeat([0, 1], 50)
    scores = np.where(cells == 1, 7.0, 1.0)

    taken = in_rounds(cells, scores, 30)

    assert np.bincount(cells[taken]).tolist()[1] > 20
