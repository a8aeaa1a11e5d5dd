"""Training Curricula: ease by three heuristics and the weights of the epochs, as the formulas have them."""

import math

import polars as pl
import pytest

from wellspring.tasks.methods.sets.curriculum import Heuristic, Knobs, scores

MARKS = {"a": 3.0, "b": 1.0, "c": 2.5, "d": 1.0, "e": -4.0}


def naive_ease(one: str, heuristic: Heuristic) -> float:
    easy = {name: -mark for name, mark in MARKS.items()}
    if heuristic == "reciprocal":
        return 1 / (1 + sorted(easy, key=lambda name: (-easy[name], name)).index(one))
    if heuristic == "range":
        return (easy[one] - min(easy.values())) / (max(easy.values()) - min(easy.values()))
    mean = sum(easy.values()) / len(easy)
    width = math.sqrt(sum((value - mean) ** 2 for value in easy.values()) / (len(easy) - 1)) * len(easy) ** (-1 / 5)
    below = [0.5 * (1 + math.erf((easy[one] - other) / width / math.sqrt(2))) for other in easy.values()]
    return sum(below) / len(below)


def tables(marks: dict[str, float | None]) -> dict[str, pl.DataFrame]:
    rows = [(one, "easy2hard", "total", value) for one, value in marks.items()]
    return {
        "instructions": pl.DataFrame({"subject_id": [one for one in marks if one != "answer"]}),
        "scores": pl.DataFrame(rows, ["subject_id", "judge", "criterion", "value"], orient="row"),
    }


@pytest.mark.parametrize("heuristic", ["reciprocal", "range", "kde"])
def test_weights_rise_from_the_ease_of_a_row_to_one(heuristic: Heuristic) -> None:
    given = tables(MARKS | {"unknown": None, "answer": 9.0})
    found = {(one, name): value for one, name, value, _ in scores(given, Knobs(heuristic=heuristic, epochs=4)).rows()}

    assert {one for one, _ in found} == {*MARKS}
    assert {name for _, name in found} == {"total", "place", *(f"weight_{i}" for i in range(4))}
    for one in MARKS:
        ease = naive_ease(one, heuristic)
        assert found[one, "total"] == pytest.approx(ease)
        for epoch in range(4):
            assert found[one, f"weight_{epoch}"] == pytest.approx(ease + (1 - ease) * epoch / 4)
    assert [found[one, "place"] for one in ("e", "b", "d", "c", "a")] == [0, 1, 2, 3, 4]


def test_equal_marks_are_all_easy_and_a_greater_mark_may_be_easier() -> None:
    alike = scores(tables({"a": 2.0, "b": 2.0}), Knobs())
    turned = scores(tables(dict(MARKS)), Knobs(more_is_harder=False)).filter(pl.col("criterion") == "place")

    assert alike.filter(pl.col("criterion") == "total")["value"].to_list() == [1.0, 1.0]
    assert dict(turned.select("subject_id", "value").rows())["a"] == 0
