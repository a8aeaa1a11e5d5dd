"""Texts that say the same: the first is kept, and each other one is recorded."""

from typing import Any

import pytest

from wellspring.tasks.contracts.sameness import differing, folded


class Refusals:
    """Where a program records what it does not make."""

    def __init__(self) -> None:
        self.refusals: list[tuple[str, str]] = []

    def refused(self, reason: str, detail: str = "") -> None:
        """Record a refusal."""
        self.refusals.append((reason, detail.rpartition(": ")[2]))


def keep(items: list[Any], **how: Any) -> tuple[list[Any], list[tuple[str, str]]]:
    made: Any = Refusals()
    return differing(made, items, **how), made.refusals


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Why is  RAIN\nwet?", " why is rain wet? ", True),
        ("Straße", "STRASSE", True),
        ("Why is rain wet?", "Why is rain wet", False),
    ],
)
def test_case_and_white_space_tell_no_texts_apart(one: str, other: str, is_same: bool) -> None:  # noqa: FBT001
    assert (folded(one) == folded(other)) is is_same


def test_of_texts_that_say_the_same_the_first_stays_and_the_others_are_recorded() -> None:
    assert keep(["b", "a", "B ", "a", "c"]) == (["b", "a", "c"], [("duplicate", "B "), ("duplicate", "a")])
    assert keep([]) == ([], [])


def test_what_is_there_already_is_recorded_and_an_item_says_what_it_is_asked_for() -> None:
    items = [("x", 1), ("y", 2), ("X", 3)]

    assert keep(items, beside=["Y"], text=lambda one: one[0]) == ([("x", 1)], [("duplicate", "y"), ("duplicate", "X")])
