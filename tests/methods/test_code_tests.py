"""Tests of code: what is read as such, and when what a call gave is what it should."""

import json
from typing import Any

import pytest

from wellspring.tasks.methods.answers.code_tests import CodeTests, is_same, noted

CALL = {"function": "add", "arguments": [1, 2]}


@pytest.mark.parametrize(
    "data",
    [
        {"calls": [CALL], "expected": [3]},
        {"calls": [{"stdin": "1 2"}, {"stdin": ""}], "expected": ["3", ""]},
    ],
)
def test_calls_and_what_they_should_give_are_read(data: dict[str, Any]) -> None:
    assert noted(json.dumps(data)) == CodeTests(data["calls"], data["expected"])


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"calls": [], "expected": []},
        {"calls": [CALL], "expected": []},
        {"calls": [CALL] * 101, "expected": [3] * 101},
        {"calls": [CALL, {"stdin": "x"}], "expected": [3, ""]},
        {"calls": [{"function": "add(); x", "arguments": []}], "expected": [3]},
        {"calls": [{"function": "add", "arguments": 1}], "expected": [3]},
        {"calls": [{"stdin": 1}], "expected": [3]},
        {"calls": [{"command": "ls"}], "expected": [3]},
        {"calls": "add", "expected": "3"},
    ],
)
def test_what_has_another_form_is_no_test(data: Any) -> None:
    assert noted(json.dumps(data)) is None
    assert noted("no JSON") is None


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
    ],
)
def test_what_was_given_is_held_against_what_was_expected(given: Any, expected: Any, same: bool) -> None:  # noqa: FBT001
    assert is_same(given, expected) is same
    assert is_same(expected, given) is same
