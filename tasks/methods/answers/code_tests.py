"""Tests of code, as a program notes them beside an instruction: calls, and what they should give.

`{"calls": [{"function": "add", "arguments": [1, 2]}], "expected": [3]}`, or, for a whole program that reads and prints,
`{"calls": [{"stdin": "1 2"}], "expected": ["3"]}`. The calls go into the sandbox; what is expected never does. It is
compared here: numbers to nine digits, printed texts without the space at the ends of their lines, all else as it is.

    is_same([0.30000000000000004], [0.3]) -> True
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

VERSION = 1
MOST_CALLS = 100
DIGITS = 1e-9
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


def is_same(given: Any, expected: Any) -> bool:
    """Return whether what a call gave is what it should give; both as JSON has them."""
    if isinstance(given, bool) or isinstance(expected, bool):
        return given is expected
    if isinstance(given, int | float) and isinstance(expected, int | float):
        return given == expected or math.isclose(given, expected, rel_tol=DIGITS, abs_tol=DIGITS)
    if isinstance(given, str) and isinstance(expected, str):
        return _lines(given) == _lines(expected)
    if isinstance(given, list) and isinstance(expected, list):
        mine, theirs = cast("list[Any]", given), cast("list[Any]", expected)
        return len(mine) == len(theirs) and all(map(is_same, mine, theirs))
    if isinstance(given, dict) and isinstance(expected, dict):
        ours, wanted = cast("dict[str, Any]", given), cast("dict[str, Any]", expected)
        return ours.keys() == wanted.keys() and all(is_same(value, wanted[name]) for name, value in ours.items())
    return given == expected


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]
