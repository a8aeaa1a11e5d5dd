"""Answers that meet: drawn by lot and not by arrival, only where they differ, and judged by both orders."""

import json
from typing import Any

import pytest

from wellspring.tasks.contracts import rivals


class Refusals:
    """What a program makes with, of which only refusals are told."""

    def __init__(self) -> None:
        self.made, self.told = self, list[str]()

    def refused(self, reason: str, _: str = "") -> None:
        """Record one."""
        self.told.append(reason)


def group(*texts: str, backwards: bool = False) -> dict[str, Any]:
    answers = [{"response_id": f"r{n}", "text": t, "model": "m", "use": "draw"} for n, t in enumerate(texts)]
    return {"input_id": "g", "answers": json.dumps(answers[::-1] if backwards else answers)}


def test_answers_are_drawn_by_lot_whatever_order_they_came_in() -> None:
    texts = [f"t{n}" for n in range(8)]

    drawn = rivals.drawn(group(*texts), 8, "a")

    assert drawn == rivals.drawn(group(*texts, backwards=True), 8, "a")
    assert drawn != rivals.drawn(group(*texts), 8, "b")
    assert rivals.drawn(group(*texts), 3, "a") == drawn[:3]


def test_every_two_that_differ_meet_and_none_is_told() -> None:
    ask: Any = Refusals()

    met = rivals.meetings(group("🐝", "🐝", "b"), ask, 8, "a")

    assert [{one.text, other.text} for one, other in met] == [{"🐝", "b"}] * 2
    assert ask.told == []
    assert rivals.meetings(group("🐝", "🐝"), ask, 8, "a") == rivals.meetings(group("b"), ask, 8, "a") == []
    assert ask.told == ["too_few_answers"] * 2


@pytest.mark.parametrize(
    ("verdicts", "points"),
    [
        (("first", "second"), 1),
        (("second", "first"), 0),
        (("tie", "tie"), 0.5),
        (("first", "first"), None),
        (("tie", "second"), None),
    ],
)
def test_only_where_both_orders_agree_there_are_points(verdicts: tuple[str, str], points: float | None) -> None:
    assert rivals.points(verdicts) == points
