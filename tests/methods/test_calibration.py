"""Calibration: bins and their error against the definition, answer by answer."""

import random

import polars as pl
import pytest

from wellspring.tasks.methods.sets.calibration import Knobs, binned, expected_error, place, scores


def naive_error(confidences: list[float], right: list[bool], bins: int) -> float:
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        own = [i for i, one in enumerate(confidences) if low < one <= high or (number == 0 and one == 0)]
        if own:
            sure = sum(confidences[i] for i in own) / len(own)
            total += len(own) / len(confidences) * abs(sum(right[i] for i in own) / len(own) - sure)
    return total


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_the_error_is_the_mean_gap_of_the_bins(bins: int) -> None:
    dice = random.Random(bins)
    sure = [dice.random() for _ in range(200)]
    right = [dice.random() < one**2 for one in sure]

    assert expected_error(binned(sure, right, bins)) == pytest.approx(naive_error(sure, right, bins))


def test_an_edge_belongs_to_the_bin_below() -> None:
    assert [place(one, 4) for one in (0, 0.25, 0.26, 0.5, 1.0)] == [0, 0, 1, 1, 3]


def test_an_answer_gets_the_share_of_its_bin_and_its_instruction_that_of_its_best() -> None:
    sure = {"a": 0.9, "b": 0.95, "c": 0.1, "d": 0.92, "e": 0.55, "f": 1.4}
    right = {"a": True, "b": False, "c": False, "f": True}
    answers = [(one, "q", "answer") for one in sure]
    marks = [(one, "confidence", "total", mark) for one, mark in sure.items()]
    verdicts = [(one, "verified", hit) for one, hit in right.items()]
    tables = {
        "responses": pl.DataFrame(answers, ["subject_id", "instruction_id", "use"], orient="row"),
        "scores": pl.DataFrame(marks, ["subject_id", "judge", "criterion", "value"], orient="row"),
        "verdicts": pl.DataFrame(verdicts, ["subject_id", "check_name", "passed"], orient="row"),
    }
    found = {row[:2]: row[2:] for row in scores(tables, Knobs(bins=2)).rows()}

    assert found["d", "total"][0] == found["q", "total"][0] == 0.5
    assert found["a", "gap"][0] == pytest.approx((0.9 + 0.95) / 2 - 0.5)
    assert found["c", "total"][0] == 0.0
    assert f"ECE {2 / 3 * 0.425 + 1 / 3 * 0.1:.4f} of 3 answers" in found["a", "total"][1]
    assert not [one for one in found if one[0] == "f"]  # 1.4 is no confidence
    assert scores(tables, Knobs(bins=10)).filter(pl.col("subject_id") == "e")["value"].to_list() == [None, None]
