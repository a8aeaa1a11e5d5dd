"""Easy2Hard-Bench: the likelihood against a loop, and Glicko-2 against the example of its author."""

import math

import numpy as np
import polars as pl
import pytest

from wellspring.tasks.methods.sets.easy2hard import Knobs, Player, difficulties, played, rated, scores


def lack(tried: list[tuple[int, int, bool]], hard: list[float], slopes: list[float], able: list[float]) -> float:
    """What is made least, as a loop, with priors of deviation 1."""
    total = sum(x * x / 2 for x in (*hard, *able, *map(math.log, slopes)))
    for item, model, hit in tried:
        chance = 1 / (1 + math.exp(-slopes[item] * (able[model] - hard[item])))
        total -= math.log(chance if hit else 1 - chance)
    return total


@pytest.mark.parametrize("parameters", [1, 2])
def test_no_step_away_from_what_was_found_is_more_likely(parameters: int) -> None:
    rng = np.random.default_rng(4)
    tried = [(int(rng.integers(6)), int(rng.integers(3)), bool(rng.integers(2))) for _ in range(50)]
    items, models, hits = (np.array(one) for one in zip(*tried, strict=True))
    found = [one.tolist() for one in difficulties(items, models, hits, parameters, 1.0)]
    least = lack(tried, *found)

    for part in (0, 1, 2) if parameters == 2 else (0, 2):
        for place in range(len(found[part])):
            for step in (-0.01, 0.01):
                moved = [list(one) for one in found]
                moved[part][place] += step
                assert lack(tried, *moved) > least
    assert (set(found[1]) == {1.0}) == (parameters == 1)


def test_glicko_gives_the_numbers_of_glickmans_example() -> None:
    games = [(Player(1400, 30), 1.0), (Player(1550, 100), 0.0), (Player(1700, 300), 0.0)]
    found = rated(Player(1500, 200, 0.06), games, 0.5)

    assert found.rating == pytest.approx(1464.06, abs=0.02)
    assert found.deviation == pytest.approx(151.52, abs=0.02)
    assert found.volatility == pytest.approx(0.05999, abs=1e-5)


def test_who_does_not_play_becomes_less_certain_and_a_surprise_more_volatile() -> None:
    away = rated(Player(1500, 50), [], 0.5)
    beaten = rated(Player(1900, 50), [(Player(1000, 30), 0.0)] * 8, 0.5)

    assert away.deviation == pytest.approx(math.hypot(50, 0.06 * 173.7178))
    assert beaten.volatility > 0.0601


def test_periods_follow_the_answers_of_a_model() -> None:
    twice = played([("q", "m", False), ("q", "m", False)], 0.5)
    model = rated(Player(), [(Player(), 0.0)], 0.5)

    assert twice["item q"] == rated(rated(Player(), [(Player(), 1.0)], 0.5), [(model, 1.0)], 0.5)


@pytest.mark.parametrize("knobs", [Knobs(check="verified", parameters=2), Knobs(judge="mine", least=3)])
def test_what_fewer_answers_get_right_is_harder(knobs: Knobs) -> None:
    answers = [(f"{q}{m}{d}", q, m) for q in "xyz" for m in ("weak", "strong") for d in range(3)]
    right = {one: q == "x" or (q == "y" and model == "strong") for one, q, model in answers}
    verdicts = [(one, "verified", hit) for one, hit in right.items()]
    marks = [(one, "mine", "total", 3.0 if hit else 2.9) for one, hit in right.items()]
    tables = {
        "responses": pl.DataFrame(answers, ["subject_id", "instruction_id", "model"], orient="row"),
        "verdicts": pl.DataFrame(verdicts, ["subject_id", "check_name", "passed"], orient="row"),
        "scores": pl.DataFrame(marks, ["subject_id", "judge", "criterion", "value"], orient="row"),
    }
    found = {row[:2]: row[2:] for row in scores(tables, knobs).rows()}

    for criterion in ("total", "glicko"):
        assert found["x", criterion][0] < found["y", criterion][0] < found["z", criterion][0]
    assert found["y", "total"][1] == "3 of 6 answers are right"
    assert (("x", "discrimination") in found) == (knobs.parameters == 2)
