"""Demonstrations are packed in their order; one that does not fit costs nobody else a place."""

from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.instructions.packing import pack


def _naive(costs: list[int], budget: int) -> list[int]:
    """The same rule, written as plainly as it is said."""
    taken: list[int] = []
    for position in range(len(costs)):
        if sum(costs[p] for p in taken) + costs[position] <= budget:
            taken = [*taken, position]
    return taken


def _stopping(costs: list[int], budget: int) -> list[int]:
    """The paper's rule: stop at the first one that does not fit."""
    taken: list[int] = []
    for position, cost in enumerate(costs):
        if sum(costs[p] for p in taken) + cost > budget:
            break
        taken.append(position)
    return taken


def test_one_that_does_not_fit_is_skipped_and_the_next_is_tried() -> None:
    assert pack([40, 100, 30, 31], budget=100) == [0, 2]


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(-5, 400))
def test_packing_equals_a_naive_reference_and_never_holds_fewer_than_the_paper(costs: list[int], budget: int) -> None:
    taken = pack(costs, budget)

    assert taken == _naive(costs, budget)
    assert len(taken) >= len(_stopping(costs, budget))
    assert sum(costs[position] for position in taken) <= max(budget, 0)
