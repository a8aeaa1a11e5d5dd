"""Answers that say the same to different instructions: exact, near, canned; short right ones may be equal."""

import random

import numpy as np
import pytest

from wellspring.tasks.methods.answers import sameness

LONG = "The pump lifts water from the well and needs a check valve so that the water does not run back at night."
OTHERS = [
    "A loaf of bread is baked for three quarters of an hour in a hot oven.",
    "Bees keep warm in winter by moving close together around their honey.",
    "The tide is highest two days after the full moon has passed the harbour.",
    "Slate lasts a century if its nails are made of copper and not of iron.",
    "Night trains wait for freight, since freight has the tracks until morning.",
    "Kakteen brauchen im Winter nur wenig Wasser und viel Licht am Fenster.",
]


def failing(answers: list[tuple[str, str, str]]) -> set[str]:
    """The ids of those that are one too many; answers are (id, instruction, text)."""
    noted = [sameness.noted(*one) for one in answers]
    texts = [text for _, _, text in answers]
    pairs = sameness.candidates(noted, sameness.bands(texts))
    pairs = pairs[sameness.alike(texts, pairs)] if len(pairs) else pairs
    return {one.answer_id for one in sameness.too_many(noted, pairs)}


def others(count: int) -> list[tuple[str, str, str]]:
    chance = random.Random(7)
    return [(f"o{i}", f"q{i}", " ".join(str(chance.random()) for _ in range(20))) for i in range(count)]


@pytest.mark.parametrize(
    "again",
    [
        LONG,
        LONG.upper(),
        LONG.replace("at night", "in winter"),
        f"Sure! {LONG}",
        LONG.replace("The pump", "A pump"),
    ],
)
def test_of_two_answers_that_are_alike_that_to_the_lowest_instruction_stays(again: str) -> None:
    answers = [("r9", "i1", LONG), ("r1", "i2", again), *[(f"x{i}", f"j{i}", text) for i, text in enumerate(OTHERS)]]

    assert failing(answers) == {"r1"}


def test_the_order_of_arrival_decides_nothing() -> None:
    answers = [("r1", "i1", LONG), ("r2", "i2", LONG), ("r3", "i3", LONG.replace("well", "pond")), *others(12)]
    expected = failing(answers)

    for seed in range(5):
        shuffled = random.Random(seed).sample(answers, len(answers))
        assert failing(shuffled) == expected


@pytest.mark.parametrize("text", [LONG, "I like it.", "42", "好的没有问题。"])
def test_one_answer_for_all_is_kept_for_none(text: str) -> None:
    assert failing([(f"r{i}", f"i{i}", text) for i in range(8)]) == {f"r{i}" for i in range(8)}


def test_a_canned_answer_with_another_word_in_each_is_kept_for_none() -> None:
    nouns = ["pumps", "bread", "tides", "bees", "roofs", "trains", "wells", "hives"]
    text = "This is a very good question about {}, and there is a lot that one could say if there were more time."

    assert len(failing([(f"r{i}", f"i{i}", text.format(noun)) for i, noun in enumerate(nouns)])) == len(nouns)


def test_short_answers_may_be_right_twice_and_draws_of_one_instruction_are_not_compared() -> None:
    short = [(f"s{i}", f"y{i}", "Yes") for i in range(4)]
    draws = [(f"d{i}", "same", LONG) for i in range(4)]

    assert failing([*short, *draws, *others(20)]) == set()


def test_answers_about_different_things_are_not_alike() -> None:
    assert failing([(f"r{i}", f"i{i}", text) for i, text in enumerate([LONG, *OTHERS])]) == set()


def test_nothing_to_compare_is_no_error() -> None:
    assert failing([("r1", "i1", "")]) == set()
    assert sameness.too_many([], np.empty((0, 2), np.int64)) == []
