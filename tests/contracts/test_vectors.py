"""One score for a pair of vectors, one order of ties, and vectors that are checked."""

import numpy as np
import pytest

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.vectors import checked, pair_scores, ranked, score, unit


def drawn(rows: int, width: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((rows, width)))


def test_candidates_are_ranked_as_a_float64_product_ranks_them() -> None:
    base = drawn(50, 37)
    candidates = np.tile(np.arange(50), (5, 1))

    scores, rows = ranked(base[:5], base, candidates, 10)

    truth = base[:5].astype(np.float64) @ base.T.astype(np.float64)
    assert rows.tolist() == np.argsort(-truth, axis=1, kind="stable")[:, :10].tolist()
    assert np.abs(scores - np.take_along_axis(truth, rows, 1)).max() < 1e-6


def test_equal_vectors_have_one_score_bit_for_bit_and_the_lower_row_first() -> None:
    base = np.repeat(drawn(3, 384), 20, axis=0)
    candidates = np.random.default_rng(1).permuted(np.tile(np.arange(60), (4, 1)), axis=1)

    scores, rows = ranked(base[:4], base, candidates, 25)

    assert rows[0, :20].tolist() == list(range(20))
    assert np.unique(scores[0, :20]).size == 1


def test_no_candidate_sorts_last() -> None:
    base = drawn(3, 8)

    scores, rows = ranked(base[:1], base, np.array([[-1, 2, -1, 0]]), 3)

    assert rows[0].tolist() == [0, 2, -1]
    assert scores[0, 2] == -np.inf


@pytest.mark.parametrize("width", [3, 16, 45])
@pytest.mark.parametrize("count", [1, 15, 16, 17, 50])
def test_however_many_candidates_and_gaps_each_has_the_score_of_its_pair(width: int, count: int) -> None:
    base = drawn(60, width)
    candidates = np.random.default_rng(2).permuted(np.tile(np.arange(60), (4, 1)), axis=1)[:, :count]
    candidates[:, ::3] = -1

    scores, rows = ranked(base[:4], base, candidates, count)

    for own, found in enumerate(rows.tolist()):
        there = [row for row in found if row >= 0]
        assert sorted(there) == sorted(row for row in candidates[own].tolist() if row >= 0)
        assert scores[own, : len(there)].tolist() == [score(base, own, base, row) for row in there]
        assert np.isneginf(scores[own, len(there) :]).all()


def test_pairs_score_as_they_do_in_a_search() -> None:
    base = drawn(6, 100)

    scores = pair_scores(base[:3], base[3:])

    assert scores.tolist() == [ranked(base[i : i + 1], base, np.array([[3 + i]]), 1)[0][0, 0] for i in range(3)]


@pytest.mark.parametrize("bad", [np.nan, 0.0, 2.0])
def test_a_row_that_is_not_of_unit_length_is_named(bad: float) -> None:
    vectors = drawn(5, 4)
    vectors[3] = bad

    with pytest.raises(BrokenError, match="row 3 has norm"):
        checked(vectors)


def test_vectors_of_another_type_are_refused() -> None:
    with pytest.raises(BrokenError, match="float64"):
        checked(np.eye(3))  # pyright: ignore[reportArgumentType] - the wrong type is the point


def test_rows_of_zeros_stay_zero() -> None:
    assert unit(np.zeros((1, 4))).tolist() == [[0, 0, 0, 0]]
