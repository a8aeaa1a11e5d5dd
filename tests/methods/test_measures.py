"""Measures: against definitions worked out by hand or by brute force."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.datasets.measures import distinct, histogram, mtld, spread, tokens, vendi


def naive_mtld(words: list[str], threshold: float) -> float:
    """The definition, run by run, from a fresh set each time."""
    factors, start = 0.0, 0
    for end in range(1, len(words) + 1):
        if end - start >= 10 and len(set(words[start:end])) / (end - start) < threshold:
            factors, start = factors + 1, end
    if start < len(words):
        factors += (1 - len(set(words[start:])) / (len(words) - start)) / (1 - threshold)
    return len(words) / factors if factors else float(len(words))


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=120))
def test_mtld_is_the_mean_of_both_directions_of_its_definition(words: list[str]) -> None:
    assert mtld(words) == pytest.approx((naive_mtld(words, 0.72) + naive_mtld(words[::-1], 0.72)) / 2)


def test_mtld_is_low_for_repetition_and_high_for_variety() -> None:
    assert mtld(["a", "b"] * 12) == pytest.approx(24 / (2 + 0.5 / 0.28))
    assert mtld([f"w{i}" for i in range(100)]) == 100
    assert mtld([]) == 0


def test_a_run_of_mtld_does_not_end_before_its_tenth_word_nor_while_it_keeps_the_ratio() -> None:
    people = ["the", "people"]
    of_the_paper = ["of", *people, "by", *people, "for", *people]  # .667 at its sixth word: no factor yet
    at_the_threshold = [f"w{i % 18}" for i in range(25)]  # 18 of 25 are .72, which is not below it

    assert mtld(of_the_paper) == pytest.approx(9 / ((1 - 5 / 9) / 0.28))
    assert mtld([*at_the_threshold, "new"]) == pytest.approx(26 / ((1 - 19 / 26) / 0.28))


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=12), max_size=8), st.integers(1, 3))
def test_distinct_n_is_distinct_over_all(texts: list[list[str]], n: int) -> None:
    grams = Counter(tuple(words[i : i + n]) for words in texts for i in range(len(words) - n + 1))

    assert distinct(texts, n) == pytest.approx(len(grams) / max(1, grams.total()))


def test_vendi_counts_what_is_wholly_different() -> None:
    axes = np.eye(6, 8, dtype=np.float32)

    assert vendi(axes) == pytest.approx(6)
    assert vendi(np.repeat(axes[:1], 5, axis=0)) == pytest.approx(1)
    assert vendi(np.repeat(axes[:2], 5, axis=0)) == pytest.approx(2)
    assert vendi(np.empty((0, 8), dtype=np.float32)) == 0


@pytest.mark.parametrize("rows", [20, 200])
def test_vendi_equals_the_entropy_of_the_whole_kernel(rows: int) -> None:
    vectors = unit(np.random.default_rng(rows).normal(size=(rows, 32)))
    eigenvalues = np.linalg.eigvalsh(vectors.astype(np.float64) @ vectors.T.astype(np.float64) / rows)
    eigenvalues = eigenvalues[eigenvalues > 1e-12]

    assert vendi(vectors) == pytest.approx(float(np.exp(-(eigenvalues * np.log(eigenvalues)).sum())), rel=1e-6)


def test_spread_says_how_many_groups_how_even_and_which_is_largest() -> None:
    found = spread(["a", "a", "b", "c"])

    assert (found.groups, found.largest, found.largest_share) == (3, "a", 0.5)
    assert found.entropy == pytest.approx((0.5 * math.log(2) + 0.5 * math.log(4)) / math.log(3))
    assert spread(["a", "b"]).entropy == pytest.approx(1)
    assert spread(["a", "b"], possible=4).entropy == pytest.approx(0.5)
    assert spread([]) == (0, 0.0, 0.0, "")


@given(st.lists(st.floats(-5, 50), max_size=50))
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    counts = histogram(values, [0, 1, 10])

    assert sum(counts) == len(values)
    assert counts[2] == sum(value >= 10 for value in values)


def test_words_are_lower_case_and_keep_their_apostrophes() -> None:
    assert tokens("Don't stop: it\u2019s 5 o'clock, Pump_A!") == [
        "don't",
        "stop",
        "it\u2019s",
        "5",
        "o'clock",
        "pump",
        "a",
    ]
