"""Answers in code: the one block that counts, and when what a call gave is what it should."""

from typing import Any

import pytest

from wellspring.tasks.contracts import code_answers


@pytest.mark.parametrize(
    ("response", "code"),
    [
        ("So:\n```python\nx = 1\n```\nDone.", "x = 1\n"),
        ("```\nx = 1\n```", "x = 1\n"),
        ("```python\nx = 1\n```\n```python\nx = 2\n```", ""),
        ("```sql\nSELECT 1\n```", ""),
        ("x = 1", ""),
    ],
)
def test_of_an_answer_its_one_block_of_python_counts(response: str, code: str) -> None:
    assert code_answers.code_of(response) == code


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        (0.1 + 0.2, 0.3, True),
        (1, 1.0, True),
        (1, True, False),
        (None, False, False),
        ("3 \n\n", "3", True),
        ("3", 3, False),
        (" 3", "3", False),
        ([1, [2.0]], [1, [2]], True),
        ([1], [1, 2], False),
        ({"a": 0.30000000000000004}, {"a": 0.3}, True),
        ({"a": 1}, {"b": 1}, False),
        (None, None, True),
        (10**400, 0.5, False),
    ],
)
def test_what_was_given_is_held_against_what_was_expected(given: Any, expected: Any, same: bool) -> None:  # noqa: FBT001
    assert code_answers.is_same(given, expected) is same
    assert code_answers.is_same(expected, given) is same
