"""Distances within a set, against the whole product."""

import numpy as np
import pytest

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.vectors.coverage import mean_nearest_distance

POOL = unit(np.random.default_rng(0).standard_normal((120, 16)))


def test_a_set_that_repeats_itself_has_no_distance() -> None:
    distances = 1 - (POOL @ POOL.T - 2 * np.eye(120)).max(axis=1)

    assert mean_nearest_distance(POOL, index.exact) == pytest.approx(distances.mean(), abs=1e-6)
    assert mean_nearest_distance(np.repeat(POOL, 2, axis=0), index.exact) == pytest.approx(0, abs=1e-6)
    assert mean_nearest_distance(POOL[:1], index.exact) == 0
