"""Conversations: turns before an instruction, in prompts and before the eyes of judges."""

import json
from typing import Any

import pytest

from wellspring.tasks.contracts.conversation import continued, in_turns, opened, recalled, said
from wellspring.tasks.contracts.prompting import Message

SYSTEM: dict[str, Any] = {"role": "system", "content": "Speak Occitan."}
ASKED: dict[str, Any] = {"role": "user", "content": "Qu\u2019es aquò? 🐑\u2028e puèi?"}
EMPTY: dict[str, Any] = {"role": "assistant", "content": "", "thought": "A sheep."}
CALLS: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [{"name": "count", "arguments": "{}"}]}
TOLD: dict[str, Any] = {"role": "tool", "content": "7", "tool_call_id": "c1"}


@pytest.mark.parametrize(
    ("turns", "system", "left"),
    [
        ([], "Be brief.", []),
        ([ASKED, EMPTY], "Be brief.", [ASKED, EMPTY]),
        ([SYSTEM, ASKED, EMPTY], "Speak Occitan.", [ASKED, EMPTY]),
        ([SYSTEM], "Speak Occitan.", []),
        ([ASKED, SYSTEM], "Be brief.", [ASKED, SYSTEM]),
    ],
)
def test_a_system_turn_that_comes_first_is_the_conversations_own(
    turns: list[Any], system: str, left: list[Any]
) -> None:
    assert opened(json.dumps(turns) if turns else "", "Be brief.") == (system, left)


def test_earlier_turns_stand_before_the_last_message_and_keep_their_words() -> None:
    messages = (Message("system", "Be brief."), Message("user", "And now?"))

    found = continued([ASKED, EMPTY, CALLS], messages)

    said_before = [Message("user", ASKED["content"]), Message("assistant", ""), Message("assistant", "")]
    assert found == (messages[0], *said_before, messages[1])
    assert continued([], messages) == messages


def test_a_text_without_turns_is_shown_as_it_is() -> None:
    assert said("", "And now?\n") == "And now?\n"
    assert in_turns({"text": "And now?", "history": ""}, "text") == {"text": "And now?", "history": ""}


def test_turns_are_shown_before_a_text_with_who_said_them_and_without_thoughts() -> None:
    found = said(json.dumps([SYSTEM, ASKED, EMPTY, CALLS, TOLD]), "And now?")

    parts = ["system: Speak Occitan.", f"user: {ASKED['content']}", "assistant: "]
    parts += ['assistant: [{"name": "count", "arguments": "{}"}]', "tool: 7", "user: And now?"]
    assert found == "\n\n".join(parts)


def test_a_conversation_is_recalled_from_its_newest_turn_and_a_text_without_turns_as_it_is() -> None:
    found = recalled(json.dumps([SYSTEM, ASKED]), "And now?", json.dumps([CALLS, TOLD]))

    parts = ["tool: 7", 'assistant: [{"name": "count", "arguments": "{}"}]', "user: And now?"]
    assert found == "\n\n".join([*parts, f"user: {ASKED['content']}", "system: Speak Occitan."])
    assert recalled("", "And now?\n") == "And now?\n"
