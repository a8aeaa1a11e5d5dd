"""How a mark is read out of a judge's answer: argued first, within its range, and never guessed.

A judge that leaves a criterion out, adds a mark outside its range, or gives a mark without an argument has failed for
this subject; the stage then writes NULL. A default would look like a judgement (Deita's 3.0, PAPERS C).
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Template, is_placeholder

_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:/\s*\d+)?\s*")
_REASON_CHARS = 600  # of a judge's argument; the whole answer stays in `completions`


def graded(criteria: tuple[str, ...], lowest: int, highest: int) -> dict[str, Any]:
    """Return the JSON schema of one argued mark for each criterion; the argument stands before the mark.

    It is flat (`clarity_analysis`, then `clarity`): small models and constrained decoders keep to it better.
    """
    properties: dict[str, Any] = {}
    for criterion in criteria:
        properties[f"{criterion}_analysis"] = {"type": "string"}
        properties[criterion] = {"type": "integer", "minimum": lowest, "maximum": highest}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def marks(
    answer: Mapping[str, Any], criteria: tuple[str, ...], lowest: int, highest: int, form: Template | None = None
) -> dict[str, Any]:
    """Read one argued mark for each criterion; names that nobody asked for are left out.

    Flat as asked for, or nested (`{"clarity": {"analysis": ..., "score": ...}}`), as some models answer all the same.

    Returns:
        `values`, criterion -> float, and `reasons`, criterion -> the argument given for it.

    Raises:
        Rejection: `incomplete_answer`, a criterion, its mark or its argument is missing; `mark_out_of_range`;
            `placeholder`.
    """
    named = {_name(key): value for key, value in answer.items()}
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for criterion in criteria:
        given, analysis = named.get(criterion), named.get(f"{criterion}_analysis")
        if isinstance(given, Mapping):
            nested = cast("Mapping[str, Any]", given)
            given, analysis = nested.get("score"), nested.get("analysis")
        values[criterion] = mark(given, criterion, lowest, highest)
        reasons[criterion] = argument(analysis, criterion, form)
    return {"values": values, "reasons": reasons}


def mark(value: Any, criterion: str, lowest: int, highest: int) -> float:
    """Read one mark: a number, or a text that is one (`"1"`, `"7/10"`); true and false are none.

    Raises:
        Rejection: `incomplete_answer`, it is no number; `mark_out_of_range`.
    """
    if isinstance(value, str) and (found := _NUMBER.fullmatch(value)):
        value = float(found[1])
    given = outside.number(value)
    if given is None:
        raise Rejection("incomplete_answer", f"`{criterion}` has no mark: {outside.shown(value)}")
    if not lowest <= given <= highest:
        raise Rejection("mark_out_of_range", f"`{criterion}` = {given:g}, not within {lowest}..{highest}")
    if lowest == 0 and highest == 1 and given not in (0, 1):
        raise Rejection("mark_out_of_range", f"`{criterion}` = {given:g}, neither 0 nor 1")
    return given


def argument(value: Any, criterion: str, form: Template | None = None) -> str:
    """Read the argument of a mark, shortened to what a table shows.

    Raises:
        Rejection: `incomplete_answer`, there is none: a verdict without evidence does not count; `placeholder`, it is
            dots, or what `form` says of it.
    """
    if not isinstance(value, str) or not value.strip():
        raise Rejection("incomplete_answer", f"`{criterion}` is marked without an argument")
    if is_placeholder(value, form):
        raise Rejection("placeholder", f"the argument of `{criterion}` is {outside.shown(value)}")
    return " ".join(value.split())[:_REASON_CHARS]


def _name(key: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", key.strip().lower()).strip("_")
