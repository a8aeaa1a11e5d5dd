"""Tests of code: what is read as such."""

import json
from typing import Any

import pytest

from wellspring.tasks.methods.answers.code_tests import CodeTests, noted

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
