"""Training or validation, by a hash of where a row comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.datasets.partition import split


def test_the_share_is_kept() -> None:
    sides = [split(f"document {i}", 0.2) for i in range(20_000)]

    assert sides.count("validation") / len(sides) == pytest.approx(0.2, abs=0.01)


@given(st.text(), st.floats(0, 0.99), st.floats(0, 0.99))
def test_a_larger_share_only_moves_groups_to_validation(group: str, one: float, other: float) -> None:
    small, large = sorted((one, other))

    assert split(group, large) == "validation" or split(group, small) == "train"
    assert split(group, 0.0) == "train"
