"""The estimate of tokens is the same everywhere and adds up."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.pages.tokens import count_tokens, cut_tokens

TEXTS = (
    Path(__file__).parents[1] / "data" / "counted_tokens.jsonl"
)  # of our own writing, with what cl100k makes of each
COUNTED = [(line["text"], line["cl100k"]) for line in map(json.loads, TEXTS.read_text("utf-8").splitlines())]


def test_what_a_character_costs_is_decided_by_its_script() -> None:
    assert [count_tokens(text) for text in ("", "a", "abcd", "abcde", "日本", "é", "привет")] == [0, 1, 1, 2, 3, 2, 4]


@pytest.mark.parametrize(("text", "tokens"), COUNTED)
def test_the_estimate_is_within_a_fifth_of_a_vocabulary(text: str, tokens: int) -> None:
    assert count_tokens(text) == pytest.approx(tokens, rel=0.2)


@given(st.text(), st.text())
def test_appending_never_lowers_and_parts_never_undercount(a: str, b: str) -> None:
    whole = count_tokens(a + b)

    assert count_tokens(a) <= whole <= count_tokens(a) + count_tokens(b)


@given(st.text(), st.integers(0, 40))
def test_a_cut_is_a_start_of_the_text_within_the_budget(text: str, budget: int) -> None:
    cut = cut_tokens(text, budget)

    assert text.startswith(cut)
    assert count_tokens(cut) <= budget


def test_a_cut_ends_between_words() -> None:
    assert cut_tokens("one two three four", 3) == "one two"


def test_a_negative_budget_is_an_error() -> None:
    with pytest.raises(ValueError, match="-1"):
        cut_tokens("a", -1)
