"""Coverage of a pool by a selection, against loops."""

import numpy as np
import pytest

from tasks.contracts.vectors import unit
from tasks.io import index
from tasks.methods.coverage import coverage, mean_nearest_distance
from tasks.methods.representatives import centres

POOL = unit(np.random.default_rng(0).standard_normal((120, 16)))
CELLS = np.arange(120) % 10


def test_distances_and_cells_are_those_of_the_loop() -> None:
    chosen = np.array([3, 4, 53, 50])

    found = coverage(POOL, chosen, CELLS, index.exact)

    distances = [1 - max(float(row @ POOL[other]) for other in chosen) for row in POOL]
    assert found.mean_distance == pytest.approx(np.mean(distances), abs=1e-6)
    assert found.radius == pytest.approx(max(distances), abs=1e-6)
    assert found.cells == pytest.approx(0.3)


def test_k_center_has_the_radius_that_it_says() -> None:
    chosen, radius = centres(POOL, 12)

    assert coverage(POOL, chosen, CELLS, index.exact).radius == pytest.approx(radius, abs=1e-6)


def test_a_set_that_repeats_itself_has_no_distance() -> None:
    distances = 1 - (POOL @ POOL.T - 2 * np.eye(120)).max(axis=1)

    assert mean_nearest_distance(POOL, index.exact) == pytest.approx(distances.mean(), abs=1e-6)
    assert mean_nearest_distance(np.repeat(POOL, 2, axis=0), index.exact) == pytest.approx(0, abs=1e-6)
    assert mean_nearest_distance(POOL[:1], index.exact) == 0
