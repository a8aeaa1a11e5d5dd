"""RDS+, against the loop."""

import numpy as np
import pytest

from wellspring.tasks.contracts.vectors import Vectors, unit
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.vectors.targets import by_task, round_robin


def drawn(rows: int, seed: int) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((rows, 12)))


def naive(scores: np.ndarray, count: int) -> list[int]:
    chosen: list[int] = []
    while len(chosen) < count:
        row = scores[len(chosen) % len(scores)].copy()
        row[chosen] = -np.inf
        chosen.append(int(np.argmax(row)))
    return chosen


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 30, 200])
def test_each_query_takes_its_nearest_row_that_is_left(count: int) -> None:
    queries, pool = drawn(7, 1), drawn(200, 2)

    rows, by = round_robin(queries, pool, count, index.exact)

    assert rows.tolist() == naive(queries @ pool.T, count)
    assert by.tolist() == [turn % 7 for turn in range(count)]


def test_queries_that_want_the_same_rows_reach_deeper() -> None:
    queries, pool = np.repeat(drawn(1, 1), 40, axis=0), drawn(100, 2)

    rows, _ = round_robin(queries, pool, 100, index.exact)

    assert rows.tolist() == naive(queries @ pool.T, 100)


def test_tasks_take_turns_with_the_best_of_their_queries() -> None:
    queries, pool = drawn(6, 1), drawn(50, 2)
    tasks = np.array([0, 1, 1, 2, 2, 2])

    rows, by = by_task(queries, tasks, pool, 20)

    products = queries @ pool.T
    assert rows.tolist() == naive(np.stack([products[tasks == task].max(axis=0) for task in range(3)]), 20)
    assert by.tolist() == [turn % 3 for turn in range(20)]
