"""Turns of a conversation, as sets of many kinds write them, in the one form in which rows keep them.

A turn is `{role, content, thought?, tool_calls?, tool_call_id?, ranked?}`. Its role is system, user, assistant or
tool; a role that is none of these keeps its name, and a turn that names none is `unknown`. Tool calls keep the form
they came in: their arguments are a text at some servers, and an object at others. `ranked` are answers that are worse
than the turn's. Nothing is left out but what is empty: of a list of parts the texts are joined, a part of a tool stands
as its JSON, and any other part by its kind in brackets.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from wellspring.tasks.contracts import outside

USERS = frozenset({"user", "human", "prompter"})
ASSISTANTS = frozenset({"assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot"})
_ROLES = (
    ("system", frozenset({"system", "developer"})),
    ("user", USERS),
    ("assistant", ASSISTANTS),
    ("tool", frozenset({"tool", "function", "observation", "tool_response", "tool_result", "ipython"})),
)
_CALLERS = frozenset({"function_call", "tool_call", "tool_calls"})  # roles whose content is a call, as JSON
_SAID = ("content", "value", "text")
_THOUGHTS = ("thought", "reasoning_content", "reasoning", "thinking")
_TEXT_KINDS = frozenset({"", "text", "input_text", "output_text"})
_PAGE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")

RANKED = "ranked"  # answers that are worse than that of the turn, the best of them first
Turn = dict[str, Any]


def cleaned(text: str) -> str:
    """Replace what no store or reader can hold: control characters, and surrogates without their other half."""
    return outside.sound(_CONTROL.sub("", _PAGE_BREAK.sub("\n", text))).strip()


def role(turn: Mapping[str, Any]) -> str:
    """Return what a turn calls its speaker, in small letters; '' where it names none."""
    return str(turn.get("role") or turn.get("from") or "").lower()


def kept(given: Iterable[Any]) -> list[Turn]:
    """Return turns as rows keep them, without those that say nothing.

    Args:
        given: Turns as they came. A value that is no object is what someone unknown said.
    """
    turns = (_kept(turn if isinstance(turn, Mapping) else {"content": turn}) for turn in given)
    return [turn for turn in turns if len(turn) > 2 or turn["content"]]  # noqa: PLR2004 - more than role and content


def system(beside: Iterable[Any], before: Iterable[Any]) -> str:
    """Return what a conversation opens with, as one text; '' where it opens with its user.

    Args:
        beside: System prompts that stand beside the turns.
        before: The turns before the first user turn. One that is not of the system stands under its role.
    """
    parts = [cleaned(said(value)) for value in beside]
    parts += [_opening(turn) for turn in kept(before)]
    return "\n\n".join(dict.fromkeys(filter(None, parts)))


def said(value: Any) -> str:
    """Return the words of a content: a text, a number, parts in parts."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Mapping):
        return _part(cast("Mapping[str, Any]", value))
    if isinstance(value, list):
        return "\n".join(filter(None, map(said, cast("list[Any]", value))))
    return str(plain(value)) if not isinstance(value, bool) else dumped(value)


def listed(value: Any) -> list[Any]:
    """Return a list of tools or of tool calls, given as values or as JSON; what is no list is its only item."""
    if isinstance(value, str):
        try:
            value = outside.loads(value)
        except ValueError:
            value = value.strip()
    found = [plain(one) for one in (value if isinstance(value, list) else [value])]
    return [one for one in found if one not in (None, "", [], {})]


def dumped(value: Any) -> str:
    """Return what JSON can hold as JSON; '' for an empty list."""
    return "" if value == [] else json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: its texts sound, and what JSON has no form for as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {plain(str(name)): plain(one) for name, one in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in cast("Sequence[Any]", value)]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return outside.sound(_CONTROL.sub("", text))


def _kept(turn: Mapping[str, Any]) -> Turn:
    named = cleaned(role(turn)) or "unknown"
    parts = next((turn[name] for name in _SAID if turn.get(name) not in (None, "", [])), None)
    content, thoughts = _split(parts)
    calls = listed(turn.get("tool_calls")) or [{"function": call} for call in listed(turn.get("function_call"))]
    if named in _CALLERS:
        named, asked = "assistant", listed(content)
        if asked and all(isinstance(call, Mapping) for call in asked):
            content, calls = "", [*calls, *asked]
    named = next((ours for ours, theirs in _ROLES if named in theirs), named)
    thoughts += [said(turn.get(name)) for name in _THOUGHTS]
    answers = turn.get("tool_call_id") or (turn.get("name") if named == "tool" else None)
    worse: Any = turn.get(RANKED)
    beside = {
        "thought": "\n".join(dict.fromkeys(filter(None, map(cleaned, thoughts)))),
        "tool_calls": calls,
        "tool_call_id": cleaned(said(answers)),
        RANKED: [cleaned(one) for one in worse if isinstance(one, str)] if isinstance(worse, list) else [],
    }
    return {"role": named, "content": cleaned(content)} | {name: value for name, value in beside.items() if value}


def _split(content: Any) -> tuple[str, list[str]]:
    """Return the words of a content, and the thoughts among its parts."""
    if not isinstance(content, list):
        return said(content), []
    parts = cast("list[Any]", content)
    thoughts = [part for part in parts if _is_thought(part)]
    texts = [said(next((part[name] for name in (*_THOUGHTS, *_SAID) if part.get(name)), None)) for part in thoughts]
    return said([part for part in parts if not _is_thought(part)]), texts


def _is_thought(part: Any) -> bool:
    return isinstance(part, Mapping) and cast("Mapping[str, Any]", part).get("type") in _THOUGHTS


def _part(part: Mapping[str, Any]) -> str:
    kind = said(part.get("type"))
    held = {name: value for name, value in part.items() if value not in (None, "", [], {})}
    text = next((said(held[name]) for name in _SAID if name in held), "")
    if not kind:
        return text if len(held) == 1 and text else dumped(plain(held)) if held else ""
    if "tool" in kind or "function" in kind:
        return dumped(plain(held))
    return text or (f"[{kind}]" if kind not in _TEXT_KINDS else "")


def _opening(turn: Turn) -> str:
    if turn["role"] == "system":
        return turn["content"]
    return f"[{turn['role']}] {turn['content'] or dumped(turn.get('tool_calls', []))}".strip()
