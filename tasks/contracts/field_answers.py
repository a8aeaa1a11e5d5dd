r"""An answer that is one JSON object, field by field: which of its values say what is known.

This file is also what verifiers of such tasks are made of, below `comparers.py`: it imports and calls only what the
interpreter of the sandbox has.

    marks('{"length": "5,000 m"}', [["length", "amount", "5 km"]]) -> [True]

Text around the object is let pass, and a second object is not. A field that was not asked for counts as a wrong one.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# What JSON holds is of any type, and the interpreter of the sandbox has no casts.

import json
import re
from typing import Any

from wellspring.tasks.contracts.comparers import same_amount, same_date, same_set, same_text

VERSION = 1
FieldKnown = list[str]  # name, kind, what is known; members of a set are parted by semicolons


def object_of(response: str) -> "dict[str, Any] | None":
    """Return the one JSON object of an answer; None where there is none, several, or one that names a key twice."""
    first, last = response.find("{"), response.rfind("}")
    text = response[first : last + 1] if 0 <= first < last else ""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    keys = re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', text)
    return found if len(set(keys)) == len(keys) else None


def said_as_text(value: Any) -> str:
    """Return a value as a comparer takes it; '' for one that is no text, number, truth value or list of these."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list):
        members = [said_as_text(one) for one in value]
        return "; ".join(members) if all(one and ";" not in one for one in members) else ""
    return ""


def is_field(kind: str, value: Any, known: str) -> bool:
    """Return whether a value says what is known, by the comparer of its kind."""
    said = said_as_text(value)
    if not said:
        return False
    return {"text": same_text, "amount": same_amount, "set": same_set, "date": same_date}[kind](said, known)


def marks(response: str, fields: "list[FieldKnown]") -> "list[bool]":
    """Return for each field whether it is right, and one more for each that was not asked for."""
    found = object_of(response)
    if found is None:
        return [False] * len(fields)
    names = [name for name, _, _ in fields]
    own = [name in found and is_field(kind, found[name], known) for name, kind, known in fields]
    return own + [False for name in found if name not in names]


def credit(response: str, fields: "list[FieldKnown]") -> float:
    """Return the share of fields that are right."""
    said = marks(response, fields)
    return sum([1 for one in said if one]) / len(said)
