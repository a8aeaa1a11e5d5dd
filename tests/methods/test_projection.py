"""The map: near vectors near each other, inside the page, the same each time."""

import numpy as np
import pytest

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.datasets.projection import MOST_POINTS, projected


def clusters(each: int) -> np.ndarray:
    """Three clusters of `each` vectors around three axes."""
    noise = np.random.default_rng(0).normal(scale=0.05, size=(3 * each, 16))
    return unit(np.repeat(np.eye(3, 16), each, axis=0) + noise)


@pytest.mark.slow
def test_members_of_a_cluster_lie_nearer_to_each_other_than_to_others() -> None:
    places = projected(clusters(40))
    centres = places.reshape(3, 40, 2).mean(axis=1)
    own = np.linalg.norm(places.reshape(3, 40, 2) - centres[:, None], axis=2).mean()
    between = np.linalg.norm(centres[[0, 0, 1]] - centres[[1, 2, 2]], axis=1).min()

    assert places.min() >= 0
    assert places.max() <= 1
    assert own < between / 2
    assert np.array_equal(places, projected(clusters(40)))


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_a_handful_stands_in_a_row(rows: int) -> None:
    assert projected(clusters(2)[:rows]).shape == (rows, 2)


def test_equal_vectors_are_no_fault() -> None:
    assert projected(np.repeat(clusters(1)[:1], 8, axis=0)).shape == (8, 2)


def test_more_than_a_page_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        projected(np.zeros((MOST_POINTS + 1, 4), dtype=np.float32))
