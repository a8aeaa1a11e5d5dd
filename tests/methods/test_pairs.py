"""Pairs: widest margin that passes both guards, or the guard that stood in the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.methods.answers.pairs import Draw, widest_pair

DRAWS = [Draw("a", 9.0, 100), Draw("b", 7.0, 120), Draw("c", 4.0, 90), Draw("d", 2.0, 900)]


def test_best_against_worst_when_their_lengths_are_alike() -> None:
    pair = widest_pair(DRAWS[:3], 1.0, 2.0)

    assert (pair.chosen.response_id, pair.rejected.response_id, pair.margin) == ("a", "c", 5.0)


def test_the_next_widest_pair_when_the_lengths_differ() -> None:
    pair = widest_pair(DRAWS, 1.0, 2.0)

    assert (pair.chosen.response_id, pair.rejected.response_id) == ("a", "c")


@pytest.mark.parametrize(
    ("draws", "reason"),
    [
        (DRAWS[:1], "too_few_draws"),
        ([Draw("a", 5.0, 10), Draw("b", 4.5, 10)], "margin_too_small"),
        ([Draw("a", 5.0, 10), Draw("b", 5.0, 10)], "margin_too_small"),
        ([Draw("a", 9.0, 10), Draw("b", 1.0, 100)], "length_differs"),
    ],
)
def test_an_instruction_without_a_pair_says_which_guard_it_was(draws: list[Draw], reason: str) -> None:
    with pytest.raises(Rejection) as caught:
        widest_pair(draws, 1.0, 2.0)

    assert caught.value.reason == reason


@given(
    st.lists(st.tuples(st.integers(1, 10), st.integers(1, 400)), min_size=2, max_size=6),
    st.floats(0, 4),
    st.floats(1, 4),
    st.randoms(),
)
def test_no_pair_that_passes_the_guards_is_wider_and_order_does_not_matter(
    given_draws: list[tuple[int, int]], margin: float, ratio: float, random: object
) -> None:
    draws = [Draw(f"r{i}", float(reward), tokens) for i, (reward, tokens) in enumerate(given_draws)]
    allowed = [
        a.reward - b.reward
        for a in draws
        for b in draws
        if a.reward > b.reward
        and a.reward - b.reward >= margin
        and max(a.tokens, b.tokens) <= ratio * min(a.tokens, b.tokens)
    ]
    shuffled = list(draws)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    try:
        found = widest_pair(draws, margin, ratio)
    except Rejection:
        found = None

    assert (found.margin if found else None) == (max(allowed) if allowed else None)
    if found:
        assert widest_pair(shuffled, margin, ratio) == found
