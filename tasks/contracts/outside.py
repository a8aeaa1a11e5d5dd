"""The boundary for every value from outside: pages, corpora, conversations, benchmarks, batch lines, answers, marks.

JSON and Parquet can hold what no table of ours can: half characters, NUL, integers of a thousand digits, NaN, objects
in objects without end. JSON is read here and nowhere else, and what is read can be told, counted and stored; a record
is looked at once more before it is a row. What a model said stays in the journal as it was said.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, cast

import orjson

from wellspring.tasks.contracts.errors import Rejection

MAX_DEPTH = 200  # of objects in objects; what people write has ten
EXACT_DIGITS = 300  # an integer of more may be larger than any float, and is one from there on
LARGEST = 2**63 - 1  # of a BIGINT
_HALF = re.compile("[\ud800-\udfff]")
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def sound(text: str) -> str:
    """Return the text with U+FFFD for what no table can hold: NUL, and surrogates without their other half."""
    return _UNFIT.sub("\ufffd", text)


def has_half(text: str) -> bool:
    """Whether a text holds half a character: a surrogate without its other half."""
    return _HALF.search(text) is not None


def loads(text: str | bytes, *, strict: bool = True) -> Any:
    """Read JSON so that every text in it can be stored and every number in it is within a float.

    Half characters become U+FFFD; an integer that no float can hold becomes infinite, as `1e400` does. NaN and
    infinities stay what they are: `number` refuses them where a number is asked for.

    Args:
        text: JSON, or its UTF-8 (a byte order mark may stand before it).
        strict: Refuse control characters within texts, as the standard does.

    Raises:
        ValueError: It is no JSON, no UTF-8, or nested too deeply.
    """
    try:
        value = orjson.loads(text)
    except ValueError:
        value = _leniently(text.decode("utf-8-sig") if isinstance(text, bytes) else text, strict=strict)
    opened = text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else text.count("[") + text.count("{")
    if opened > MAX_DEPTH and depth(value) > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    return value


def _leniently(text: str, *, strict: bool) -> Any:
    """Read what orjson refuses: half characters, NaN, numbers of any length, and (not strictly) controls."""
    source = _HALF.sub("\ufffd", text)
    if "\\ud" in source or "\\uD" in source:
        source = _ESCAPED_HALF.sub(lambda found: r"\ufffd" if found[1] else found[0], source)
    try:
        return json.loads(source, strict=strict, parse_int=_integer)
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH}") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= EXACT_DIGITS else float(digits)


def depth(value: Any) -> int:
    """Return how many lists and objects stand in each other, without going down by calls."""
    found, level = 0, _inside([value])
    while level:
        found, level = found + 1, _inside(inner for one in level for inner in one)
    return found


def _inside(values: Iterable[Any]) -> list[Iterable[Any]]:
    """Return what lists and objects among the values hold."""
    return [one.values() if isinstance(one, dict) else one for one in values if isinstance(one, (list, dict))]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def number(value: Any) -> float | None:
    """Return a finite number as a float; None for anything else, also for true and false."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """Return a whole number that a table can hold, also one that is written as text; None for anything else."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"\s*[0-9]{1,18}\s*", value) else None
    is_one = isinstance(value, int) and not isinstance(value, bool)
    return value if is_one and abs(value) <= LARGEST else None


def shown(value: Any, chars: int = 200) -> str:
    """Return how a value looks, as far as a message shows it."""
    return sound(repr(value)[:chars])


def storable(record: Any) -> Any:
    """Return a record (a dataclass of a table) as its table can hold it: its texts made sound.

    Raises:
        Rejection: `unstorable_value`, a number is not finite or larger than its column.
    """
    changed: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        fit = _fit(value, field.name)
        if fit is not value:
            changed[field.name] = fit
    return replace(record, **changed) if changed else record


def _fit(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _same(value, sound(value))
    if isinstance(value, list):
        items = cast("list[Any]", value)
        fit = [_fit(item, name) for item in items]
        return items if all(new is old for new, old in zip(fit, items, strict=True)) else fit
    if isinstance(value, float) and not math.isfinite(value):
        raise Rejection("unstorable_value", f"`{name}` is {value}")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise Rejection("unstorable_value", f"`{name}` is larger than {LARGEST}")
    return value


def _same(old: str, new: str) -> str:
    return old if old == new else new
