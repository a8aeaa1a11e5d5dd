"""MORE: quantiles within a prompt, the error of a source, and the weighted mean, each as a loop."""

import math
import random

import polars as pl
import pytest

from wellspring.tasks.methods.sets.more import Knobs, error, quantiles, scores

DICE = random.Random(11)
TRUE = {f"a{p}{i}": DICE.gauss(0, 1) for p in range(12) for i in range(4)}
NOISE = {"good": (1.0, 0.2), "sure": (30.0, 3.0), "third": (1.0, 0.2)}  # scale, noise
REWARDS = {
    judge: {one: scale * (value + DICE.gauss(0, noise)) for one, value in TRUE.items()}
    for judge, (scale, noise) in NOISE.items()
}


def prompt(one: str) -> str:
    return f"q{one[1:-1]}"


def by_prompt(rewards: dict[str, float]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for one, value in rewards.items():
        found.setdefault(prompt(one), {})[one] = value
    return found


def naive_quantile(rewards: dict[str, float], one: str) -> float:
    others = [value for name, value in rewards.items() if prompt(name) == prompt(one) and name != one]
    return sum(1.0 if rewards[one] > value else 0.5 if rewards[one] == value else 0.0 for value in others) / len(others)


def naive_error(judge: str) -> float:
    pairs: list[tuple[float, bool]] = []
    for one, two in [(x, y) for x in TRUE for y in TRUE if x < y and prompt(x) == prompt(y)]:
        others = [of for name, of in REWARDS.items() if name != judge]
        wanted = sum(naive_quantile(of, one) - naive_quantile(of, two) for of in others)
        apart = REWARDS[judge][one] - REWARDS[judge][two]
        if wanted:
            pairs.append((1 / (1 + math.exp(-min(abs(apart), 50))), (apart > 0) == (wanted > 0)))
    total = 0.0
    for number in range(20):
        own = [pair for pair in pairs if number / 20 < pair[0] <= (number + 1) / 20]
        total += abs(sum(sure for sure, _ in own) - sum(hit for _, hit in own)) / len(pairs)
    return total


def test_quantiles_are_shares_of_the_other_answers_and_equals_count_half() -> None:
    found = quantiles({"q": {"a": 1.0, "b": 2.0, "c": 2.0}, "alone": {"d": 5.0}})

    assert found == {"a": 0.0, "b": 0.75, "c": 0.75}


@pytest.mark.parametrize("judge", NOISE)
def test_the_error_of_a_source_is_that_of_its_pairs(judge: str) -> None:
    others = {name: quantiles(by_prompt(rewards)) for name, rewards in REWARDS.items() if name != judge}

    assert error(by_prompt(REWARDS[judge]), others) == pytest.approx(naive_error(judge))


def test_a_source_that_is_too_sure_weighs_less() -> None:
    marks = [(one, judge, "total", value) for judge, own in REWARDS.items() for one, value in own.items()]
    answers = [(one, prompt(one), "answer") for one in TRUE]
    tables = {
        "responses": pl.DataFrame(answers, ["subject_id", "instruction_id", "use"], orient="row"),
        "scores": pl.DataFrame(marks, ["subject_id", "judge", "criterion", "value"], orient="row"),
    }
    found = {one: value for one, _, value, _ in scores(tables, Knobs()).rows()}
    weights = {judge: max(0.0, 1 - 2 * naive_error(judge)) for judge in NOISE}

    assert weights["sure"] != pytest.approx(weights["good"], abs=0.05)
    for one in TRUE:
        wanted = sum(weights[judge] * naive_quantile(REWARDS[judge], one) for judge in NOISE) / sum(weights.values())
        assert found[one] == pytest.approx(wanted)
    alone = {one: value for one, _, value, _ in scores(tables, Knobs(sources=("good",))).rows()}
    assert alone["a00"] == naive_quantile(REWARDS["good"], "a00")
