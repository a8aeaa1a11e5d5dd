"""MainGEC: accuracy times diversity, scaled to a mean of one."""

import math

import polars as pl
import pytest

from wellspring.tasks.methods.sets.main_gec import Knobs, scores

LIKELY = {"a": -0.1, "b": -1.5, "c": -0.7, "odd": 0.4}
SPREAD = {"a": 0.2, "b": 3.0}


def naive(one: str) -> float:
    diversity = math.log(1 + SPREAD[one]) / math.log(1 + math.log(100)) if one in SPREAD else 1.0
    return math.e ** LIKELY[one] * diversity


def test_weights_are_those_of_the_formula_with_a_mean_of_one() -> None:
    marks = [(one, "likelihood", "total", value) for one, value in LIKELY.items()]
    marks += [(one, "entropy", "total", value) for one, value in SPREAD.items()]
    answers = [(one, f"q{one}", "answer") for one in (*LIKELY, "none")]
    tables = {
        "responses": pl.DataFrame(answers, ["subject_id", "instruction_id", "use"], orient="row"),
        "scores": pl.DataFrame(marks, ["subject_id", "judge", "criterion", "value"], orient="row"),
    }
    found = {one: value for one, _, value, _ in scores(tables, Knobs(words=100)).rows()}
    mean = sum(naive(one) for one in ("a", "b", "c")) / 3

    for one in ("a", "b", "c"):
        assert found[one] == found[f"q{one}"] == pytest.approx(naive(one) / mean)
    assert found["odd"] is found["none"] is None
    assert {"qodd", "qnone"}.isdisjoint(found)
