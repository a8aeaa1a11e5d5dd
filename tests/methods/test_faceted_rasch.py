"""Faceted Rasch: the likelihood and its greatest place against a loop, and a severity that was put in."""

import math

import numpy as np
import polars as pl
import pytest

from wellspring.tasks.methods.sets.faceted_rasch import Knobs, Marks, Places, fitted, levels, scores


def marks(rng: np.random.Generator, severity: float) -> list[tuple[str, str, str, float]]:
    """Marks by the model: even rows have the lenient judge, odd ones the severe one, every third both."""
    found: list[tuple[str, str, str, float]] = []
    for row in range(120):
        place = 3 * (row // 2) / 60 - 1.5
        judges = {"severe": severity, "lenient": 0.0}
        names = [*judges] if row % 3 == 0 else ["severe" if row % 2 else "lenient"]
        for name in names:
            for number in range(4):
                odds = [k * (place - judges[name] - (number - 1.5) / 3) for k in range(3)]
                chances = np.exp(odds) / np.exp(odds).sum()
                found.append((f"r{row:03}", name, f"c{number}", float(rng.choice(3, p=chances))))
    return found


def apart(rows: list[tuple[str, str, float, str]]) -> float:
    """By how much even rows stand above odd ones."""
    means = [np.mean([value for one, _, value, _ in rows if int(one[1:]) % 2 == odd]) for odd in (0, 1)]
    return float(means[0] - means[1])


def lack(of: Marks, places: Places, ridge: float) -> float:
    """What is made least, as a loop."""
    total = ridge / 2 * sum(value * value for part in places for value in part)
    for row, judge, criterion, level in zip(*(one.tolist() for one in of), strict=True):
        place = places.rows[row] - places.judges[judge] - places.criteria[criterion]
        odds = [k * place - sum(places.steps[:k]) for k in range(len(places.steps) + 1)]
        total -= odds[level] - math.log(sum(math.exp(one) for one in odds))
    return total


def test_no_step_away_from_what_was_found_is_more_likely() -> None:
    rng = np.random.default_rng(1)
    of = Marks(*(rng.integers(0, n, 60) for n in (8, 2, 3, 4)))
    places = fitted(of, 4, 0.05)
    least = lack(of, places, 0.05)

    for part in range(4):
        for place in range(len(places[part])):
            for step in (-0.01, 0.01):
                moved = [one.copy() for one in places]
                moved[part][place] += step
                assert lack(of, Places(*moved), 0.05) > least


def test_a_severe_judge_is_found_and_rows_do_not_pay_for_it() -> None:
    said = marks(np.random.default_rng(2), severity=1.2)
    said += [("r000", "severe", "total", 99.0)]
    table = pl.DataFrame(said, ["subject_id", "judge", "criterion", "value"], orient="row")
    rows = scores({"scores": table}, Knobs(levels=3)).rows()
    reasons = {part.split()[0]: float(part.split()[1]) for _, _, _, why in rows for part in why[10:].split(", ")}
    once = table.unique(["subject_id", "criterion"], keep="last", maintain_order=True)
    blind = scores({"scores": once.with_columns(judge=pl.lit("one"))}, Knobs(levels=3))

    assert reasons["severe"] - reasons["lenient"] == pytest.approx(1.2, abs=0.35)
    assert apart(blind.rows()) > 0.5  # where nobody asks who judged, odd rows pay
    assert abs(apart(rows)) < 0.25
    assert all(abs(value) < 10 for _, _, value, _ in rows)


def test_levels_are_of_equal_width_between_the_least_and_the_greatest_mark_of_a_criterion() -> None:
    values, criteria = np.array([0.0, 2.4, 2.6, 10.0, 7.0]), np.array([0, 0, 0, 0, 1])

    assert levels(values, criteria, 4).tolist() == [0, 0, 1, 3, 0]
