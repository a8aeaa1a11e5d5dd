"""Tools and calls of tools, from any of the forms in which conversations have them, as trainers read them.

OpenAI's chat form is the one that rows of a dataset have. LLaMA-Factory's ShareGPT form says a call as JSON in a turn.
Arguments are JSON text, as at OpenAI: no column of a table holds objects whose fields differ from row to row. So are
the tools of a row, which TRL reads either way.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

VERSION = 1
_ARGUMENTS = ("arguments", "parameters", "input")
_IDS = ("id", "call_id", "tool_call_id")


def calls(given: Iterable[Any]) -> list[dict[str, Any]]:
    """Return calls of tools in OpenAI's chat form: `id` (None where it has none), `type`, and `function`.

    Args:
        given: Calls as they came: with or without `function`, their arguments an object or JSON text. What names no
            tool is kept as the arguments of a call without a name.
    """
    return [_call(one) for one in given]


def tools(given: Iterable[Any]) -> list[dict[str, Any]]:
    """Return tools in OpenAI's chat form; `given` may be in it, or name a function without what is around it."""
    told = [_mapping(one) for one in given]
    return [{"type": "function", "function": dict(_mapping(one.get("function")) or one)} for one in told if one]


def said(made: Iterable[Mapping[str, Any]]) -> str:
    """Return calls as LLaMA-Factory reads them in a turn of `function_call`: JSON of one, or of a list of several."""
    told = [{"name": one["function"]["name"], "arguments": _read(one["function"]["arguments"])} for one in made]
    return json.dumps(told[0] if len(told) == 1 else told, ensure_ascii=False)


def _call(given: Any) -> dict[str, Any]:
    whole = _mapping(given)
    function = _mapping(whole.get("function")) or whole
    name = function.get("name")
    arguments = next((function[key] for key in _ARGUMENTS if function.get(key) is not None), None)
    if not name:
        name, arguments = "", given
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    call_id = next((str(whole[key]) for key in _IDS if whole.get(key)), None)
    return {"id": call_id, "type": "function", "function": {"name": str(name), "arguments": text}}


def _read(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
