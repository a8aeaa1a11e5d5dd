"""Conversations: the turns before an instruction, as prompts, judges and readers of a dataset are shown them.

`instructions.history` is a JSON list of turns, or ''. A turn has `role` (system, user, assistant or tool) and
`content`, and may have `thought`, `tool_calls` and `tool_call_id`. A system turn that comes first is the conversation's
own system prompt: it takes the place of the profile's.
"""

import json
from collections.abc import Sequence
from typing import Any

from wellspring.tasks.contracts.prompting import Message, Row

Turn = dict[str, Any]


def opened(history: str, system: str) -> tuple[str, list[Turn]]:
    """Return the system prompt of a conversation, and its other turns.

    Args:
        history: The turns before an instruction, as its row has them.
        system: The system prompt that holds where the conversation has none of its own.
    """
    turns: list[Turn] = json.loads(history) if history else []
    if turns and turns[0]["role"] == "system":
        return content(turns[0]), turns[1:]
    return system, turns


def content(turn: Turn) -> str:
    """Return the text of a turn; one that only calls tools may have none."""
    return turn.get("content") or ""


def continued(turns: Sequence[Turn], messages: Sequence[Message]) -> tuple[Message, ...]:
    """Put earlier turns before the last message of a prompt."""
    return (*messages[:-1], *(Message(turn["role"], content(turn)) for turn in turns), messages[-1])


def said(history: str, text: str) -> str:
    """Return a text with the turns before it, as those see them who judge or check it; without any, the text alone."""
    if not history:
        return text
    system, turns = opened(history, "")
    parts = [("system", system)] * bool(system) + [(turn["role"], _shown(turn)) for turn in turns]
    return "\n\n".join(f"{role}: {part}" for role, part in (*parts, ("user", text)))


def recalled(history: str, text: str, after: str = "") -> str:
    """Return a text with the turns before and after it, newest first; without any, the text alone.

    An embedder reads a text from its beginning, as far as it can: so what it leaves out is the oldest.

    Args:
        history: The turns before a user's text, as a row has them.
        text: What the user says.
        after: The turns after it, in the same form.
    """
    if not history and not after:
        return text
    before: list[Turn] = json.loads(history) if history else []
    later: list[Turn] = json.loads(after) if after else []
    turns: list[Turn] = [*before, {"role": "user", "content": text}, *later]
    return "\n\n".join(f"{turn['role']}: {_shown(turn)}" for turn in reversed(turns))


def in_turns(row: Row, field: str) -> dict[str, Any]:
    """Return a row whose `field` is an instruction, with the turns of its `history` before that."""
    return {**row, field: said(row.get("history", ""), row[field])}


def _shown(turn: Turn) -> str:
    calls = turn.get("tool_calls")
    return "\n".join(filter(None, (content(turn), json.dumps(calls, ensure_ascii=False) if calls else "")))
