r"""An answer in code: its one block of Python, and whether what calls of it gave is what they should give.

This file is also what verifiers of such tasks are made of, as `comparers.py` is: it imports and calls only what the
interpreter of the sandbox has.

    code_of("So:\n```python\ndef f(x):\n    return x\n```") -> "def f(x):\n    return x\n"
    is_same([0.30000000000000004], [0.3]) -> True
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# What JSON holds is of any type, and the interpreter of the sandbox has no casts.

import math
import re
from typing import Any

VERSION = 1
DIGITS = 1e-9
_BLOCK = re.compile(r"^[ \t]*```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)


def code_of(response: str) -> str:
    """Return the one block of Python of an answer; '' where it has none, or several."""
    found = _BLOCK.findall(response)
    is_one = len(found) == 1 and found[0][0].lower() in ("", "python", "py", "python3")
    return str(found[0][1]) if is_one else ""


def is_same(given: Any, expected: Any) -> bool:
    """Return whether what a call gave is what it should give; both as JSON has them.

    Numbers are compared to nine digits, texts without the space at the ends of their lines, all else as it is.
    """
    if isinstance(given, bool) or isinstance(expected, bool):
        return given is expected
    if isinstance(given, (int, float)) and isinstance(expected, (int, float)):
        return given == expected or _is_close(given, expected)
    if isinstance(given, str) and isinstance(expected, str):
        return _lines(given) == _lines(expected)
    if isinstance(given, list) and isinstance(expected, list):
        mine: list[Any] = given
        theirs: list[Any] = expected
        return len(mine) == len(theirs) and all(is_same(mine[at], theirs[at]) for at in range(len(mine)))
    if isinstance(given, dict) and isinstance(expected, dict):
        ours: dict[str, Any] = given
        wanted: dict[str, Any] = expected
        return sorted(ours) == sorted(wanted) and all(is_same(ours[name], wanted[name]) for name in wanted)
    return given is None and expected is None


def _is_close(given: float, expected: float) -> bool:
    try:
        return math.isclose(given, expected, rel_tol=DIGITS, abs_tol=DIGITS)
    except OverflowError:
        return False


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]
