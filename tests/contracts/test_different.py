"""Of equal answers the first is left, and each other one is refused."""

from typing import Any

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.different import different


class Refusals:
    """What records refusals."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def refused(self, reason: str, detail: str = "") -> None:
        """Record one."""
        self.told.append((reason, detail))


def test_of_equal_answers_the_first_is_left_and_the_others_are_refused() -> None:
    made: Any = Refusals()
    first, other = Text("Zwei Löffel, 🐝."), Text("zwei Löffel, 🐝.")

    left = different([first, Text("Zwei  Löffel,\n🐝."), other, first], made)

    assert [id(one) for one in left] == [id(first), id(other)]
    assert made.told == [("same_text", "it was answered before: Zwei  Löffel,\n🐝.")]


def test_of_no_answers_none_is_left() -> None:
    made: Any = Refusals()

    assert different([], made) == []
    assert made.told == []
