"""How a mark is read out of a judge's answer: argued first, within its range, and never guessed.

A judge that leaves a criterion out, adds a mark outside its range, or gives a mark without an argument has failed for
this subject; the stage then writes NULL. A default would look like a judgement (Deita's 3.0, PAPERS C).
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Self, cast

from pydantic import Field, create_model

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.answers import Answered, Read
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Template, is_placeholder

_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:/\s*\d+)?\s*")
_ANALYSIS = "_analysis"
_REASON_CHARS = 600  # of a judge's argument; the whole answer stays in `completions`


class Graded(Answered):
    """One argued mark for each criterion: flat as asked for, in any spelling of the names, or nested.

    Flat is `clarity_analysis`, then `clarity`: small models and constrained decoders keep to it better. Some models
    answer `{"clarity": {"analysis": ..., "score": ...}}` all the same. Names that nobody asked for are left out.
    """

    @classmethod
    def taken(cls, said: Mapping[str, Any], form: Template | None = None, first: tuple[str, ...] = ()) -> Self:
        """Read the marks, each before its argument; raises what `Answered.read` does."""
        criteria = [name for name in cls.model_fields if not name.endswith(_ANALYSIS)]
        first = tuple(name for criterion in criteria for name in (criterion, criterion + _ANALYSIS))
        return super().taken({_name(key): value for key, value in said.items()}, form, first)

    def columns(self) -> dict[str, Any]:
        """Return `values`, criterion -> float, and `reasons`, criterion -> the argument given for it."""
        said = self.model_dump()
        reasons = {name.removesuffix(_ANALYSIS): said.pop(name) for name in list(said) if name.endswith(_ANALYSIS)}
        return {"values": said, "reasons": reasons}


def graded(criteria: tuple[str, ...], lowest: int, highest: int) -> type[Graded]:
    """Return the class of these criteria; the argument stands before the mark."""
    fields: dict[str, Any] = {}
    limits: Any = {"type": "integer", "minimum": lowest, "maximum": highest}
    for criterion in criteria:
        read = partial(_mark, criterion, lowest, highest)
        fields[criterion + _ANALYSIS] = Annotated[str, argued(criterion)]
        fields[criterion] = Annotated[float, Read(read, is_needed=False), Field(json_schema_extra=limits)]
    return create_model("Marks", __base__=Graded, **fields)


def argued(criterion: str) -> Read:
    """Return how a text is read that argues a mark or a verdict."""

    def read(said: Mapping[str, Any], name: str, form: Template | None) -> str:
        given = said.get(criterion)
        found = cast("Mapping[str, Any]", given).get("analysis") if isinstance(given, Mapping) else said.get(name)
        return argument(found, criterion, form)

    return Read(read, is_needed=False)


def _mark(criterion: str, lowest: int, highest: int, said: Mapping[str, Any], _name: str, _: Template | None) -> float:
    given = said.get(criterion)
    found = cast("Mapping[str, Any]", given).get("score") if isinstance(given, Mapping) else given
    return mark(found, criterion, lowest, highest)


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
