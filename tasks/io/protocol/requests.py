"""Requests: what identifies one, how the protocol words it, and the forms in which structure is asked for. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from wellspring.tasks.contracts.calls import Call
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.records import ID_HEX_CHARS, content_id
from wellspring.tasks.contracts.settings import Role, Settings

KEY_VERSION = 1
MOST_SCHEMAS = 500  # methods have one each
STRUCTURES = ("json_schema", "json_object", "tool", "text")  # in the order in which a server is tried
RETRY_SEEDS = 7919  # between the seeds of a call and of its retry: far from those of other draws
LEAST_BOUND_CHARS = 120
BOUND_CHARS = 1500  # of each text in a retried answer; llama.cpp refuses 2,000 and more


def role_of(settings: Settings, name: str) -> Role:
    """Return a role's settings; where no moderator is named, the judge is it.

    Raises:
        UsageError: There is no such role.
    """
    known = settings.models.by_name
    role = known.get(name) or (settings.models.judge if name == "moderator" else None)
    if role is None:
        raise UsageError(f"there is no role `{name}`", hint=f"there are: {', '.join(known)}")
    return role


def identity(role: Role, call: Call) -> str:
    """Return the completion id: a hash of what determines the answer, and of nothing else.

    In it: the version of this rule; model; messages (role and content, in order); temperature, top_p, max_tokens and
    seed, a call's own before its role's; the answer's JSON schema; draw (or n samples of a prompt would be one). Only
    where they are set: what the profile adds to the request (`Role.shaping`), a retry's number, log-probabilities, and
    where a call has its answer end.

    Not in it, since they change how a call is sent and not what is asked: endpoint, key, headers, timeouts, retries,
    concurrency, live or batch, and how structure is asked for on the wire (a server's ability, remembered per
    endpoint). Nor the role and the input id: two rows that ask the same share an answer. Nor the run, nor any clock.
    A text to moderate is identified by model and text.
    """
    asked: dict[str, Any] = {
        "version": KEY_VERSION,
        "model": role.model,
        "messages": [[message.role, message.content] for message in call.prompt.messages],
        "temperature": role.temperature if call.temperature is None else call.temperature,
        "top_p": role.top_p,
        "max_tokens": call.max_tokens or role.max_tokens,
        "seed": role.seed,
        "schema": call.prompt.schema,
        "draw": call.draw,
    }
    if added := role.shaping:
        asked["added"] = added
    if call.retry:
        asked["retry"] = call.retry
    if call.logprobs:
        asked["logprobs"] = call.logprobs
    if call.stop:
        asked["stop"] = call.stop
    if role.api == "moderations":
        asked = {"version": KEY_VERSION, "api": role.api, **request_of(role, call)}
    canonical = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)  # ten times as fast as content_id's, for long prompts
    return hashlib.sha256(canonical).hexdigest()[:ID_HEX_CHARS]


def request_of(role: Role, call: Call, *, takes_lengths: bool = False) -> dict[str, Any]:
    """Return the request as the protocol has it; stable text stands first, for the provider's prompt cache.

    Args:
        role: Who is asked.
        call: What is asked.
        takes_lengths: Whether every server of the role was seen to take lengths of texts in a schema.
    """
    if role.api == "moderations":
        return {"model": role.model, "input": call.prompt.messages[-1].content}
    body: dict[str, Any] = {
        "model": role.model,
        "messages": [{"role": message.role, "content": message.content} for message in call.prompt.messages],
        "temperature": role.temperature if call.temperature is None else call.temperature,
        "top_p": role.top_p,
        "max_tokens": call.max_tokens or role.max_tokens,
    }
    if role.seed is not None:
        body["seed"] = role.seed + call.draw + RETRY_SEEDS * call.retry
    if stop := [*dict.fromkeys((*role.stop, *call.stop))]:
        body["stop"] = stop
    if role.reasoning_effort:
        body["reasoning_effort"] = role.reasoning_effort
    if call.logprobs:
        body |= {"logprobs": True, "top_logprobs": call.logprobs}
    if (schema := call.prompt.schema) is not None:
        asked = (takes_lengths and call.prompt.wire) or schema
        asked = bounded(asked, _bound(schema, body["max_tokens"])) if call.retry else asked
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": call.prompt.schema_name, "strict": _strict(schema), "schema": asked},
        }
    return body | role.extra_body


def _bound(schema: Any, room: int) -> int:
    """Return the most characters of a text, so that all texts of an answer fit into its room of tokens."""
    texts = max(orjson.dumps(schema).count(b'"string"'), 1)
    return max(LEAST_BOUND_CHARS, min(BOUND_CHARS, 3 * room // texts))


def bounded(schema: Any, most: int) -> Any:
    """Return a schema whose texts have a greatest length: what was asked again may have been a loop."""
    if isinstance(schema, Mapping):
        found = {key: bounded(value, most) for key, value in schema.items()}
        is_open = schema.get("type") == "string" and not schema.keys() & {"maxLength", "enum", "const", "format"}
        return found | ({"maxLength": most} if is_open else {})
    return [bounded(item, most) for item in schema] if isinstance(schema, list | tuple) else schema


def unbounded(schema: Any) -> Any:
    """Return a schema without lengths of texts, for a server that does not take them."""
    if isinstance(schema, Mapping):
        return {key: unbounded(value) for key, value in schema.items() if key not in {"maxLength", "minLength"}}
    return [unbounded(item) for item in schema] if isinstance(schema, list | tuple) else schema


def embedding_ids(role: Role, texts: Sequence[str]) -> list[str]:
    """Return what the vectors of texts are recorded under: the model, what the profile adds, and the text."""
    added = [dict(role.extra_body)] if role.extra_body else []
    return [content_id("embedding", KEY_VERSION, role.model, *added, text) for text in texts]


def shape_of(request: Mapping[str, Any]) -> str:
    """Return what a request has in common with others that a server takes or refuses alike: all but its words."""
    said = {key: value for key, value in request.items() if key not in {"messages", "input", "seed"}}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:ID_HEX_CHARS]


def merged_system(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return messages without a system turn: its text begins the first turn of the user."""
    systems = [str(message["content"]) for message in messages if message["role"] == "system"]
    rest = [dict(message) for message in messages if message["role"] != "system"]
    if systems and rest:
        rest[0]["content"] = "\n\n".join([*systems, str(rest[0]["content"])])
    return rest


def as_plain(body: dict[str, Any]) -> dict[str, Any]:
    """Return a chat request as one of plain completion: the turns as one text, with no role names in it."""
    messages = body.pop("messages")
    return body | {"prompt": "\n\n".join(str(message["content"]) for message in messages) + "\n\n"}


_STRICT: dict[int, tuple[Any, bool]] = {}  # by identity of the schema, which is held so that its id stays its own


def _strict(schema: Mapping[str, Any]) -> bool:
    if id(schema) not in _STRICT:
        if len(_STRICT) > MOST_SCHEMAS:
            _STRICT.clear()
        _STRICT[id(schema)] = (schema, is_strict(schema))
    return _STRICT[id(schema)][1]


def is_strict(schema: Any) -> bool:
    """Whether a schema keeps the rules of strict mode: every object closed, every property required."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if schema.get("type") == "object" or properties is not None:
            is_closed = schema.get("additionalProperties") is False
            if not is_closed or set(schema.get("required", ())) != set(properties or ()):
                return False
        return all(is_strict(value) for value in schema.values())
    return all(is_strict(item) for item in schema) if isinstance(schema, list | tuple) else True


def structure_of(body: Mapping[str, Any]) -> str:
    """Return the form in which a request, as it goes over the wire, asks for structure."""
    if "response_format" in body:
        return str(body["response_format"]["type"])
    return "tool" if "tools" in body else "text"


def ask_structure(body: dict[str, Any], structure: str) -> None:
    """Put the wish for structure into one of the four forms; the weaker ones show the schema in the prompt."""
    wanted = body.pop("response_format")
    schema, name = wanted["json_schema"]["schema"], wanted["json_schema"]["name"]
    if structure == "json_schema":
        body["response_format"] = wanted
    elif structure == "tool":
        body["tools"] = [{"type": "function", "function": {"name": name, "parameters": schema}}]
        body["tool_choice"] = {"type": "function", "function": {"name": name}}
    else:
        if structure == "json_object":
            body["response_format"] = {"type": "json_object"}
        *before, last = body["messages"]
        shown = orjson.dumps(schema).decode()
        told = (
            f"{last['content']}\n\nAnswer with one JSON object that fits this JSON schema, and nothing else:\n{shown}"
        )
        body["messages"] = [*before, {**last, "content": told}]
