"""Tests of code, as a program notes them beside an instruction: calls, and what they should give.

`{"calls": [{"function": "add", "arguments": [1, 2]}], "expected": [3]}`, or, for a whole program that reads and prints,
`{"calls": [{"stdin": "1 2"}], "expected": ["3"]}`. The calls go into the sandbox; what is expected never does. It is
compared here (`contracts/code_answers.py`): numbers to nine digits, printed texts without the space at the ends of
their lines, all else as it is.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

VERSION = 1
MOST_CALLS = 100
_FIELDS: Mapping[str, type] = {"function": str, "arguments": list, "stdin": str}


class CodeTests(NamedTuple):
    """Calls, as the sandbox takes them, and what each should give."""

    calls: list[dict[str, Any]]
    expected: list[Any]


def noted(text: str) -> CodeTests | None:
    """Read tests from JSON; None where it holds none of this form."""
    try:
        data = json.loads(text)
        calls, expected = data["calls"], data["expected"]
    except (ValueError, TypeError, KeyError):
        return None
    if not (isinstance(calls, list) and isinstance(expected, list)):
        return None
    found = CodeTests(cast("list[Any]", calls), cast("list[Any]", expected))
    is_whole = 0 < len(found.calls) == len(found.expected) <= MOST_CALLS and all(map(_is_call, found.calls))
    return found if is_whole and len({"function" in call for call in found.calls}) == 1 else None


def _is_call(call: Any) -> bool:
    if not isinstance(call, dict):
        return False
    fields = cast("dict[str, Any]", call)
    is_plain = all(isinstance(value, _FIELDS.get(name, ())) for name, value in fields.items())
    return is_plain and str(fields.get("function", "f")).isidentifier()
