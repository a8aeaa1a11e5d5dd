"""Turns of any form are read to our own, and of odd ones nothing is lost but what is empty."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.io.corpora import turns

CALL = {"id": "c1", "type": "function", "function": {"name": "tide", "arguments": '{"at": "Brest"}'}}
AS_OBJECT = {"name": "tide", "arguments": {"at": "Brest", "day": None}}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"role": "user", "content": " And\r\nthen?\x00 "}, {"role": "user", "content": "And\nthen?"}),
        ({"from": "gpt", "value": "caf\u00e9 \ud83d"}, {"role": "assistant", "content": "caf\u00e9 \ufffd"}),
        ({"from": "human", "content": None, "value": "v"}, {"role": "user", "content": "v"}),
        ({"role": "prompter", "text": "t"}, {"role": "user", "content": "t"}),
        ({"role": "Developer", "content": "Be brief."}, {"role": "system", "content": "Be brief."}),
        ({"role": "Narrator", "content": "Night."}, {"role": "narrator", "content": "Night."}),
        ({"content": "who?"}, {"role": "unknown", "content": "who?"}),
        ("only words", {"role": "unknown", "content": "only words"}),
        ({"role": "tool", "content": 0}, {"role": "tool", "content": "0"}),
        ({"role": "tool", "content": False}, {"role": "tool", "content": "false"}),
        ({"role": "tool", "content": float("nan")}, {"role": "tool", "content": "nan"}),
        ({"role": "tool", "content": {"high": 4.5}}, {"role": "tool", "content": '{"high": 4.5}'}),
        ({"role": "tool", "content": "", "tool_call_id": "c1"}, {"role": "tool", "content": "", "tool_call_id": "c1"}),
        ({"role": "function", "name": "f", "content": "4"}, {"role": "tool", "content": "4", "tool_call_id": "f"}),
        ({"from": "observation", "value": "4"}, {"role": "tool", "content": "4"}),
        (
            {"role": "user", "content": ["a", ["b", {"type": "text", "text": "c"}], {"text": "d"}]},
            {"role": "user", "content": "a\nb\nc\nd"},
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}, "text": None}, "Who?"]},
            {"role": "user", "content": "[image_url]\nWho?"},
        ),
        (
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "4"}]},
            {"role": "user", "content": '{"type": "tool_result", "tool_use_id": "t", "content": "4"}'},
        ),
        (
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "4"}]},
            {"role": "assistant", "content": "4", "thought": "Hm."},
        ),
        (
            {"role": "assistant", "reasoning_content": "Hm.", "content": None, "tool_calls": [CALL]},
            {"role": "assistant", "content": "", "thought": "Hm.", "tool_calls": [CALL]},
        ),
        (
            {"role": "assistant", "tool_calls": AS_OBJECT},
            {"role": "assistant", "content": "", "tool_calls": [AS_OBJECT]},
        ),
        (
            {"role": "assistant", "tool_calls": json.dumps([CALL])},
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
        ),
        (
            {"role": "assistant", "tool_calls": "tide()"},
            {"role": "assistant", "content": "", "tool_calls": ["tide()"]},
        ),
        (
            {"role": "assistant", "function_call": AS_OBJECT},
            {"role": "assistant", "content": "", "tool_calls": [{"function": AS_OBJECT}]},
        ),
        (
            {"from": "function_call", "value": json.dumps(AS_OBJECT)},
            {"role": "assistant", "content": "", "tool_calls": [AS_OBJECT]},
        ),
        ({"from": "function_call", "value": "tide("}, {"role": "assistant", "content": "tide("}),
    ],
)
def test_a_turn_of_any_form_is_kept_in_ours(given: Any, kept: dict[str, Any]) -> None:
    assert turns.kept([given]) == [kept]


@pytest.mark.parametrize("empty", [None, "", {}, [], {"role": "user"}, {"role": "user", "content": [{"type": "text"}]}])
def test_a_turn_that_says_nothing_is_left_out(empty: Any) -> None:
    assert turns.kept([empty, "x"]) == [{"role": "unknown", "content": "x"}]


def test_what_stands_before_is_one_text_that_names_who_is_not_the_system() -> None:
    before = [{"role": "system", "content": "Be kind."}, {"role": "context", "content": 7}, None]

    assert turns.system(["Be brief.", None, "Be kind."], before) == "Be brief.\n\nBe kind.\n\n[context] 7"


@pytest.mark.parametrize(
    ("given", "tools"),
    [
        (None, ""),
        ("[]", ""),
        ([None, {}], ""),
        ([{"name": "t\ud83d"}], '[{"name": "t\ufffd"}]'),
        ({"name": "t", "limit": float("inf")}, '[{"name": "t", "limit": "inf"}]'),
        ('[{"name": "t"}]', '[{"name": "t"}]'),
        ("t(x)", '["t(x)"]'),
        ([b"\xff", b"", "\x00", (1, 2)], '["\ufffd", [1, 2]]'),
    ],
)
def test_tools_are_a_json_list_however_they_came(given: Any, tools: str) -> None:
    assert turns.dumped(turns.listed(given)) == tools


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.binary(max_size=3) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "from", "content", "value", "text", "type", "tool_calls", "name", "thinking"]),
            inner | st.sampled_from(["text", "thinking", "tool_use", "image", "function_call", "user", "tool"]),
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.lists(VALUES, max_size=4))
def test_of_anything_at_all_turns_are_made_that_json_holds(given: list[Any]) -> None:
    found = turns.kept(given)

    assert json.loads(turns.dumped(found) or "[]", parse_constant=pytest.fail) == found
    for turn in found:
        assert turn["role"]
        assert {name: type(turn[name]) for name in turn.keys() - {"tool_calls"}} == dict.fromkeys(
            turn.keys() - {"tool_calls"}, str
        )
        assert turns.kept([turn]) == [turn]
