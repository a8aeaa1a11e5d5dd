"""Truncation: said by the server, shown by an open code block, or by a long text that breaks off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.answers.truncation import truncation

LONG = "The valve is closed before the pump is lifted, since the water in the pipe would run back. " * 4


@pytest.mark.parametrize(
    ("text", "finish_reason"),
    [
        ("Short.", "length"),
        ("Use this:\n```python\nprint(1)\n", "stop"),
        (LONG + "Then the", ""),
        (LONG + "Then,", "unknown"),
    ],
)
def test_an_answer_that_stops_early_says_why(text: str, finish_reason: str) -> None:
    assert truncation(text, finish_reason)


@pytest.mark.parametrize(
    ("text", "finish_reason"),
    [
        (LONG + "Then the", "stop"),
        (LONG.strip(), ""),
        ("12", ""),
        (LONG + "\n- copper nails", ""),
        (LONG + "\n```python\nprint(1)\n```\n", ""),
        (LONG + "\n| a | b |", ""),
        ("", ""),
    ],
)
def test_an_answer_that_ends_is_whole(text: str, finish_reason: str) -> None:
    assert truncation(text, finish_reason) is None


@given(st.text(max_size=600), st.sampled_from(["stop", "", "content_filter"]))
def test_any_text_is_judged_without_a_fault(text: str, finish_reason: str) -> None:
    assert truncation(text, finish_reason) is None or truncation(text, finish_reason)
    assert truncation(text, "length")
