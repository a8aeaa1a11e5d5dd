"""Tools and calls, from the forms in which conversations have them."""

import json
from typing import Any

import pytest

from wellspring.tasks.methods.datasets import tool_calls


@pytest.mark.parametrize(
    ("given", "call_id", "name", "arguments"),
    [
        ({"id": "a", "function": {"name": "f", "arguments": '{"x": 1}'}}, "a", "f", '{"x": 1}'),
        ({"function": {"name": "f", "arguments": {"x": "修"}}}, None, "f", '{"x": "修"}'),
        ({"name": "f", "arguments": {"x": 1}}, None, "f", '{"x": 1}'),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}, "t", "f", '{"x": 1}'),
        ({"type": "function_call", "call_id": "r", "name": "f", "arguments": ""}, "r", "f", ""),
        ({"name": "f"}, None, "f", "{}"),
        ({"odd": 1}, None, "", '{"odd": 1}'),
        ("f(x)", None, "", "f(x)"),
    ],
)
def test_a_call_of_any_form_is_one_of_openais_chat(given: Any, call_id: str | None, name: str, arguments: str) -> None:
    function = {"name": name, "arguments": arguments}

    assert tool_calls.calls([given]) == [{"id": call_id, "type": "function", "function": function}]


def test_tools_with_and_without_what_is_around_their_function_are_the_same() -> None:
    function = {"name": "f", "parameters": {"type": "object"}}

    assert (
        tool_calls.tools([function, {"type": "function", "function": function}])
        == [{"type": "function", "function": function}] * 2
    )


def test_llama_factory_gets_one_call_as_an_object_and_several_as_a_list() -> None:
    one, other = tool_calls.calls([{"name": "f", "arguments": {"x": 1}}, {"name": "g", "arguments": "not JSON"}])
    said = {"name": "f", "arguments": {"x": 1}}

    assert json.loads(tool_calls.said([one])) == said
    assert json.loads(tool_calls.said([one, other])) == [said, {"name": "g", "arguments": "not JSON"}]
