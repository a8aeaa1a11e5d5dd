"""What real servers were seen to do, by name: each quirk refuses a request, changes it on its way, or the answer.

A sentence on each is in `quirks.toml`; `quirks.py` is the server. Those without a function here (slots, a queue that is
full, a slow start, pages of llama.cpp and Ollama) are what that server does.
"""

import contextlib
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from wellspring.tasks.io.standin import extractive, offline
from wellspring.tasks.io.standin.offline import Response, error_response, tokens

THOUGHT = (
    "Hmm, let me weigh this in my head first. The wish is plain enough, but it can be read in two ways; I take the one"
    " that the text supports, and put the rest aside."
)
DRAFT = "A first draft that will not stay"
PROSE = "Certainly! Here is what I think about it, in my own words and without any form."
OPENAI_SAYS = "is not supported with this model."


@dataclass(slots=True)
class Asked:
    """A request to the model as quirks see it; `headers` is None within a batch job, `acting` are whose turn it is."""

    path: str
    body: dict[str, Any]
    headers: Mapping[str, str] | None = None
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    acting: "list[Chosen]" = field(default_factory=list)

    @property
    def is_chat(self) -> bool:
        """Whether it is a chat, and no texts to embed."""
        return self.path.endswith("/chat/completions")

    @property
    def roles(self) -> list[str]:
        """Who speaks, in order."""
        return [str(message.get("role")) for message in self.body.get("messages", ())]

    @property
    def texts(self) -> list[str]:
        """The texts to embed."""
        given = self.body.get("input")
        return [str(text) for text in given] if isinstance(given, list) else [str(given)]

    @property
    def prompt_tokens(self) -> int:
        """How long the prompt is."""
        return sum(tokens(str(message.get("content") or "")) for message in self.body.get("messages", ()))

    @property
    def budget(self) -> int | None:
        """How long the answer may be, by either name."""
        return self.body.get("max_tokens") or self.body.get("max_completion_tokens")

    @property
    def form(self) -> str:
        """How structure is asked for."""
        return str((self.body.get("response_format") or {}).get("type") or ("tool" if self.body.get("tools") else ""))

    @property
    def schemas(self) -> list[Any]:
        """The schemas that are sent beside the prompt."""
        wanted = (self.body.get("response_format") or {}).get("json_schema")
        tools = [tool.get("function", {}).get("parameters") for tool in self.body.get("tools") or ()]
        return ([wanted.get("schema")] if wanted else []) + tools

    @property
    def is_structured(self) -> bool:
        """Whether an object is asked for, by the request or by its words."""
        return extractive.wanted_schema(self.body, extractive.material(self.body["messages"])) is not None

    def value(self, name: str) -> Any:
        """Return a field of the body, or of `chat_template_kwargs` in it."""
        inner = self.body.get("chat_template_kwargs")
        return self.body.get(name, inner.get(name) if isinstance(inner, dict) else None)


Refuse = Callable[[Asked, "Chosen"], Response | None]
Change = Callable[[Asked, "Chosen"], bool]
Spoil = Callable[[Asked, "Chosen", dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Quirk:
    """A quirk: how it refuses a request, changes it on its way, or changes the answer; and what can be set.

    A default says what kind of value is taken; of a tuple, one of those words, the first if none is given.
    """

    refuse: Refuse | None = None
    change: Change | None = None
    spoil: Spoil | None = None
    value: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
    every: int = 1
    of: str = "chat"  # or embeddings, any


@dataclass(slots=True)
class Chosen:
    """A quirk that was chosen, its value, how often it acted, and what it said when it last refused something."""

    name: str
    quirk: Quirk
    value: Any
    options: dict[str, Any]
    seen: int = 0
    acted: int = 0
    said: bytes = b""

    def has_turn(self) -> bool:
        """Whether this call is one of `every=N`."""
        self.seen += 1
        return self.seen % self.options["every"] == 0


# --- thoughts -------------------------------------------------------------------------------------------------------


def _message(answer: dict[str, Any]) -> dict[str, Any]:
    return answer["choices"][0]["message"]


def _said(answer: dict[str, Any]) -> str | None:
    """Return the text of an answer; None where it is a tool call, or parts already."""
    content = _message(answer)["content"]
    return content if isinstance(content, str) else None


def _thought(asked: Asked) -> str:
    return f"{THOUGHT} ({extractive.mark_of(str(asked.body['messages'])) % 99991})"


def _counted(answer: dict[str, Any], thought: str) -> None:
    usage = answer["usage"]
    usage["completion_tokens"] += tokens(thought)
    usage["total_tokens"] += tokens(thought)
    usage["completion_tokens_details"] = {"reasoning_tokens": tokens(thought)}


def _beside(name: str) -> Spoil:
    def spoil(asked: Asked, _: Chosen, answer: dict[str, Any]) -> bool:
        _message(answer)[name] = _thought(asked)
        _counted(answer, _thought(asked))
        return True

    return spoil


def _before(open_mark: str, close_mark: str) -> Spoil:
    def spoil(asked: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
        marks = [mark.replace("TAG", str(chosen.value)) for mark in (open_mark, close_mark)]
        _message(answer)["content"] = f"{marks[0]}{_thought(asked)}{marks[1]}{_said(answer) or ''}"
        _counted(answer, _thought(asked))
        return True

    return spoil


def _emptied(asked: Asked, answer: dict[str, Any], content: str | None, finish: str) -> None:
    """Leave nothing of an answer but its cost."""
    _message(answer)["content"] = content
    _message(answer).pop("tool_calls", None)
    answer["choices"][0]["finish_reason"] = finish
    if finish == "length" and asked.budget:
        asked_for = answer["usage"]["prompt_tokens"]
        answer["usage"] |= {"completion_tokens": asked.budget, "total_tokens": asked_for + asked.budget}


def _is_enough(asked: Asked, chosen: Chosen) -> bool:
    return asked.budget is None or asked.budget >= chosen.value


def _open_only_when_cut(asked: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    if not _is_enough(asked, chosen):
        _emptied(asked, answer, f"<think>\n{_thought(asked)} And then,", "length")
        return True
    return _before("<think>\n", "\n</think>\n\n")(asked, chosen, answer)


def _eats_budget(asked: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    _beside("reasoning_content")(asked, chosen, answer)
    if not _is_enough(asked, chosen):
        _emptied(asked, answer, None if chosen.options["content"] == "null" else "", "length")
    return True


def _hidden(asked: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    _counted(answer, _thought(asked))
    if not _is_enough(asked, chosen):
        _emptied(asked, answer, "", "length")
        answer["usage"]["completion_tokens_details"] = {"reasoning_tokens": asked.budget}
    return True


def _thinking_only(asked: Asked, _: Chosen, answer: dict[str, Any]) -> bool:
    calls = _message(answer).get("tool_calls")
    said = calls[0]["function"]["arguments"] if calls else _said(answer) or ""
    _message(answer)["reasoning_content"] = f"{_thought(asked)}\n\n{said}"
    _emptied(asked, answer, "", "stop")
    return True


def _parts(asked: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    thought, said = _thought(asked), _message(answer)["content"]
    first = {
        "mistral": {"type": "thinking", "thinking": [{"type": "text", "text": thought}]},
        "anthropic": {"type": "thinking", "thinking": thought, "signature": "c2lnbmVk"},
        "text": {"type": "thinking", "text": thought},
    }[chosen.value]
    _message(answer)["content"] = [first, {"type": "text", "text": said}] if said is not None else [first]
    _counted(answer, thought)
    return True


def _harmony(asked: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    thought, said = _thought(asked), _said(answer)
    whole = f"<|channel|>analysis<|message|>{thought}<|end|>"
    stripped = f"analysis{thought}"
    if said is not None:
        whole += f"<|start|>assistant<|channel|>final<|message|>{said}<|return|>"
        stripped += f"assistantfinal{said}"
    _message(answer)["content"] = whole if chosen.value == "whole" else stripped
    _counted(answer, thought)
    return True


# --- drafts, ends, names, usage --------------------------------------------------------------------------------------


def _object_of(asked: Asked, answer: dict[str, Any]) -> str | None:
    """Return the text of an answer that is an object and was asked to be one."""
    said = _said(answer)
    return said if said and said.startswith("{") and asked.is_structured else None


def _drafted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _drafted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_drafted(inner) for inner in value]
    return f"{DRAFT}: {value} {value}" if isinstance(value, str) and " " in value else value


def _draft_first(asked: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    if (said := _object_of(asked, answer)) is None:
        return False
    draft = orjson.dumps(_drafted(orjson.loads(said)) | {"note": DRAFT}).decode()
    begun = f"I begin with this:\n{draft}\nThat is too wordy. I will say it shorter."
    if chosen.value == "reasoning":
        _message(answer)["reasoning_content"] = begun
        return True
    _message(answer)["content"] = (
        f"<think>\n{begun}\n</think>\n\n{said}" if chosen.value == "thought" else f"{begun} My answer:\n\n{said}"
    )
    return True


def _around(before: str, after: str) -> Spoil:
    def spoil(asked: Asked, _: Chosen, answer: dict[str, Any]) -> bool:
        if (said := _object_of(asked, answer)) is None:
            return False
        _message(answer)["content"] = f"{before}{said}{after}"
        return True

    return spoil


def _finish(_: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    choice, word = answer["choices"][0], chosen.value
    choice["finish_reason"] = {"empty": "", "null": None}.get(word, word)
    if word == "missing":
        del choice["finish_reason"]
    if chosen.options["half_answer"]:
        calls = _message(answer).get("tool_calls")
        holder, name = (calls[0]["function"], "arguments") if calls else (_message(answer), "content")
        holder[name] = holder[name][: len(holder[name]) // 2]
    return True


def _ends_with(_: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    said = _said(answer)
    _message(answer)["content"] = said if said is None else said + chosen.value
    return said is not None


def _named(name: Callable[[Chosen, str], str]) -> Spoil:
    def spoil(_: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
        answer["model"] = name(chosen, answer["model"])
        return True

    return spoil


def _no_usage(_: Asked, __: Chosen, answer: dict[str, Any]) -> bool:
    del answer["usage"]
    return True


def _wrong_usage(_: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    wrong: dict[str, Any] = {"prompt_tokens": "12", "completion_tokens": "7", "total_tokens": "19"}
    answer["usage"] = wrong if chosen.value == "strings" else dict.fromkeys(wrong, -5)
    return True


# --- what is refused -------------------------------------------------------------------------------------------------


def _where(is_so: Callable[[Asked], bool], status: int, message: str, code: str = "", name: str | None = None) -> Quirk:
    """Return a quirk that refuses what is so, in OpenAI's form."""

    def refuse(asked: Asked, _: Chosen) -> Response | None:
        return error_response(status, message, code or "invalid_request_error", name) if is_so(asked) else None

    return Quirk(refuse)


def _sent(name: str, message: str, code: str = "", parameter: str | None = None) -> Quirk:
    return _where(lambda asked: name in asked.body, 400, message, code, parameter)


def _temperature(asked: Asked, _: Chosen) -> Response | None:
    given = asked.body.get("temperature", 1)
    words = f"Unsupported value: 'temperature' does not support {given:g} with this model. Only the default (1) value is supported."  # noqa: E501 - the server's words
    return error_response(400, words, "unsupported_value", "temperature") if given != 1 else None


def _extra_forbidden(asked: Asked, chosen: Chosen) -> Response | None:
    name = chosen.value
    if name not in asked.body:
        return None
    if chosen.options["words"] == "flat":
        return error_response(400, f"[{name}] extra fields not permitted", "invalid_request_error")
    problem = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
    return Response(422, orjson.dumps({"detail": [problem | {"input": asked.body[name]}]}))


def _max_tokens_range(asked: Asked, chosen: Chosen) -> Response | None:
    most = f"[1, {chosen.value}]"
    words = {
        "range": f"Range of max_tokens should be {most}",
        "valid": f"Invalid max_tokens value, the valid range of max_tokens is {most}",
    }
    return (
        None
        if (asked.budget or 0) <= chosen.value
        else error_response(400, words[chosen.options["words"]], "bad_value")
    )


def _no_system_role(asked: Asked, chosen: Chosen) -> Response | None:
    if not {"system", "developer"} & set(asked.roles):
        return None
    return error_response(chosen.value, "System role not supported", "server_error")


def _no_developer(asked: Asked, _: Chosen) -> Response | None:
    if not {"system", "developer"} & set(asked.roles):
        return None
    words = f"Developer instruction is not enabled for models/{asked.body.get('model')}"
    return Response(400, orjson.dumps([{"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}}]))


def _alternate(asked: Asked) -> bool:
    roles = asked.roles[1:] if asked.roles[:1] == ["system"] else asked.roles
    return roles[:1] != ["user"] or any(a == b for a, b in itertools.pairwise(roles))


def _wants_header(asked: Asked, chosen: Chosen) -> Response | None:
    name, _, value = chosen.value.partition(":")
    if asked.headers is None or asked.headers.get(name.lower(), "").strip() == value.strip():
        return None
    return error_response(400, f"{name}: header is required", "invalid_request_error")


def _wants_query(asked: Asked, chosen: Chosen) -> Response | None:
    name, _, value = chosen.value.partition("=")
    if asked.headers is None or list(asked.query.get(name, ())) == [value]:
        return None
    return error_response(400, f"Missing required query parameter: {name}", "BadRequest")


def _api_key(asked: Asked, _: Chosen) -> Response | None:
    if asked.headers is None or asked.headers.get("api-key"):
        return None
    words = "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."  # noqa: E501 - the server's words
    return error_response(401, words, "401")


def _azure(asked: Asked, chosen: Chosen) -> Response | None:
    is_there = re.fullmatch(r"/openai/deployments/[^/]+/(?:chat/completions|embeddings)", asked.path)
    if asked.headers is not None and not (is_there and asked.query.get("api-version")):
        return error_response(404, "Resource not found", "404")
    return _api_key(asked, chosen)


def _json_schema(asked: Asked, chosen: Chosen) -> Response | None:
    words = {
        "plain": "response_format json_schema is not supported",
        "unavailable": "This response_format type is unavailable now",
    }
    said = words[chosen.options["words"]]
    return error_response(400, said, "invalid_request_error") if asked.form == "json_schema" else None


def _grammar(asked: Asked, _: Chosen) -> Response | None:
    error = {"code": 500, "message": "Failed to parse grammar", "type": "server_error"}
    return Response(500, orjson.dumps({"error": error})) if any(asked.schemas) else None


def _holds(value: Any, name: str) -> bool:
    if isinstance(value, dict):
        return name in value or any(_holds(inner, name) for inner in value.values())
    return isinstance(value, list) and any(_holds(inner, name) for inner in value)


def _context(asked: Asked, chosen: Chosen) -> Response | None:
    most, prompt, answer = chosen.value, asked.prompt_tokens, asked.budget or 1
    words = chosen.options["words"]
    if prompt + (1 if words == "llama_cpp" else answer) <= most:
        return None
    asks = f"{prompt + answer} tokens ({prompt} "
    said = {
        "openai": f"This model's maximum context length is {most} tokens. However, you requested {asks}in the messages, {answer} in the completion). Please reduce the length of the messages or completion.",  # noqa: E501 - servers' words
        "vllm": f"'max_tokens' or 'max_completion_tokens' is too large: {answer}. This model's maximum context length is {most} tokens and your request has {prompt} input tokens ({answer} > {most} - {prompt}). None",  # noqa: E501
        "llama_cpp": f"request ({prompt} tokens) exceeds the available context size ({most} tokens), try increasing it",
        "tgi": f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {most}. Given: {prompt} `inputs` tokens and {answer} `max_new_tokens`",  # noqa: E501
        "openrouter": f'This endpoint\'s maximum context length is {most} tokens. However, you requested about {asks}of text input, {answer} in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.',  # noqa: E501
    }[words]
    if words == "tgi":
        return Response(422, orjson.dumps({"error": said, "error_type": "validation"}))
    if words == "llama_cpp":
        kind = {"type": "exceed_context_size_error", "n_prompt_tokens": prompt, "n_ctx": most}
        return Response(400, orjson.dumps({"error": {"code": 400, "message": said} | kind}))
    return error_response(400, said, "context_length_exceeded" if words == "openai" else "BadRequestError")


_ALWAYS = {
    400: "The deployment is misconfigured: its routing table is empty",
    402: "Insufficient Balance",
    403: "Your organization has not been verified to use this deployment",
    404: "The deployment was retired last month",
    422: "The worker was started without a tokenizer",
    429: "Requests per day of this project: limit 0, used 0",
    500: "CUDA error: an illegal memory access was encountered",
    503: "no healthy upstream",
}


def _refuses_all(_: Asked, chosen: Chosen) -> Response | None:
    words = chosen.options["words"] or _ALWAYS.get(chosen.value, "This server takes no calls")
    return error_response(chosen.value, words, str(chosen.value))


def _refuses_after(_: Asked, chosen: Chosen) -> Response | None:
    return error_response(400, chosen.options["words"], "400") if chosen.seen > chosen.value else None


def _not_found(asked: Asked, chosen: Chosen) -> Response | None:
    name = asked.body.get("model")
    words = f"The model `{name}` does not exist or you do not have access to it."
    return error_response(404, words, "model_not_found") if name != chosen.value else None


def _embed_batch(asked: Asked, chosen: Chosen) -> Response | None:
    words = f"batch size {len(asked.texts)} > maximum allowed batch size {chosen.value}"
    is_over = len(asked.texts) > chosen.value
    return Response(422, orjson.dumps({"error": words, "error_type": "Validation"})) if is_over else None


def _embed_too_long(asked: Asked, chosen: Chosen) -> Response | None:
    most = max(map(len, asked.texts), default=0)
    had = f"{tokens('x' * most)} tokens ({tokens('x' * most)} in your prompt; 0 for the completion)"
    words = f"This model's maximum context length is {chosen.value // 4} tokens, however you requested {had}. Please reduce your prompt; or completion length."  # noqa: E501 - the server's words
    return error_response(400, words, "invalid_request_error") if most > chosen.value else None


# --- what is changed on its way --------------------------------------------------------------------------------------


def _cut(asked: Asked, chosen: Chosen) -> bool:
    if asked.prompt_tokens <= chosen.value:
        return False
    left, kept = chosen.value * offline.CHARS_PER_TOKEN, []
    for message in reversed(asked.body["messages"]):
        text = str(message.get("content") or "")[-left:] if left else ""
        left -= len(text)
        kept += [{**message, "content": text}] if text else []
    asked.body["messages"] = kept[::-1]
    return True


def _cut_usage(_: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    usage = answer["usage"]
    usage["prompt_tokens"] = min(usage["prompt_tokens"], chosen.value)
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    return False  # counted where the prompt was cut


def _ignored(asked: Asked, chosen: Chosen, answer: dict[str, Any]) -> bool:
    shown = "\n".join(str(message.get("content") or "") for message in asked.body["messages"])
    if not asked.form or '{"type":"object"' in shown:
        return False
    other = {"result": PROSE, "confidence": 0.9}
    _message(answer).pop("tool_calls", None)
    _message(answer)["content"] = PROSE if chosen.value == "prose" else orjson.dumps(other).decode()
    return True


def _arguments(_: Asked, __: Chosen, answer: dict[str, Any]) -> bool:
    calls = _message(answer).get("tool_calls") or []
    for call in calls:
        with contextlib.suppress(ValueError):  # half an answer is no object
            call["function"]["arguments"] = orjson.loads(call["function"]["arguments"])
    return bool(calls)


def _reversed(_: Asked, __: Chosen, answer: dict[str, Any]) -> bool:
    answer["data"].reverse()
    return len(answer["data"]) > 1


QUIRKS: dict[str, Quirk] = {  # in the order in which they look at a request and change an answer
    "azure": Quirk(_azure, of="any"),
    "api_key_header": Quirk(_api_key, of="any"),
    "wants_header": Quirk(_wants_header, value="X-Tenant:wells", of="any"),
    "wants_query": Quirk(_wants_query, value="api-version=2024-10-21", of="any"),
    "refuses_all": Quirk(_refuses_all, value=400, options={"words": ""}, of="any"),
    "refuses_after": Quirk(_refuses_after, value=10, options={"words": "The deployment was retired"}, of="any"),
    "model_not_found": Quirk(_not_found, value="none", of="any"),
    "no_seed": _sent("seed", f"Unsupported parameter: 'seed' {OPENAI_SAYS}", "unsupported_parameter", "seed"),
    "no_top_p": _sent("top_p", f"Unsupported parameter: 'top_p' {OPENAI_SAYS}", "unsupported_parameter", "top_p"),
    "no_temperature": Quirk(_temperature),
    "unquoted_top_p": _sent("top_p", "top_p is not supported with this model"),
    "extra_forbidden": Quirk(_extra_forbidden, value="seed", options={"words": ("list", "flat")}),
    "two_at_once": _where(
        lambda asked: {"temperature", "top_p"} <= asked.body.keys(),
        400,
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    ),
    "wants_max_completion_tokens": _sent(
        "max_tokens",
        f"Unsupported parameter: 'max_tokens' {OPENAI_SAYS} Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
        "max_tokens",
    ),
    "max_tokens_range": Quirk(_max_tokens_range, value=1024, options={"words": ("range", "valid")}),
    "no_system_role": Quirk(_no_system_role, value=400),
    "no_developer": Quirk(_no_developer),
    "roles_alternate": _where(
        _alternate, 400, "Conversation roles must alternate user/assistant/user/assistant/...", "BadRequestError"
    ),
    "wants_enable_thinking_false": _where(
        lambda asked: asked.value("enable_thinking") is not False,
        400,
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "invalid_parameter_error",
    ),
    "wants_reasoning_effort": _where(
        lambda asked: not asked.body.get("reasoning_effort"), 400, "reasoning_effort is required for this model"
    ),
    "no_json_schema": Quirk(_json_schema, options={"words": ("plain", "unavailable")}),
    "grammar_500": Quirk(_grammar),
    "schema_400": _where(
        lambda asked: any(asked.schemas), 400, 'JSON schema conversion failed:\nUnrecognized schema: {"not":{}}'
    ),
    "no_response_format_at_all": _where(
        lambda asked: "response_format" in asked.body, 400, "response_format is not supported by this server"
    ),
    "no_maxlength": _where(
        lambda asked: _holds(asked.schemas, "maxLength"),
        400,
        "Invalid schema for response_format 'answer': In context=('properties'), 'maxLength' is not permitted.",
    ),
    "no_tools": _where(lambda asked: bool(asked.body.get("tools")), 400, "tools is not supported in this model"),
    "context": Quirk(_context, value=4096, options={"words": ("openai", "vllm", "llama_cpp", "tgi", "openrouter")}),
    "embed_batch": Quirk(_embed_batch, value=32, of="embeddings"),
    "embed_too_long": Quirk(_embed_too_long, value=2000, of="embeddings"),
    "embed_wrong_order": Quirk(spoil=_reversed, of="embeddings"),
    "cuts_prompts": Quirk(change=_cut, spoil=_cut_usage, value=2048),
    "schema_ignored": Quirk(spoil=_ignored, value=("prose", "keys")),
    "draft_first": Quirk(spoil=_draft_first, value=("prose", "thought", "reasoning")),
    "fenced_json": Quirk(spoil=_around("```json\n", "\n```")),
    "trailing_prose": Quirk(spoil=_around("", "\n\nI hope this helps! Let me know what else you need.")),
    "finish": Quirk(spoil=_finish, value="error", options={"half_answer": False}),
    "ends_with": Quirk(spoil=_ends_with, value="<|im_end|>"),
    "tool_arguments_object": Quirk(spoil=_arguments),
    "think_block": Quirk(spoil=_before("<TAG>\n", "\n</TAG>\n\n"), value="think"),
    "think_half": Quirk(spoil=_before("", "\n</think>\n\n")),
    "think_open_only_when_cut": Quirk(spoil=_open_only_when_cut, value=4096),
    "reasoning_content": Quirk(spoil=_beside("reasoning_content")),
    "reasoning": Quirk(spoil=_beside("reasoning")),
    "harmony": Quirk(spoil=_harmony, value=("whole", "stripped")),
    "thought_eats_budget": Quirk(spoil=_eats_budget, value=4096, options={"content": ("null", "empty")}),
    "hidden_thought": Quirk(spoil=_hidden, value=4096),
    "thinking_only_stop": Quirk(spoil=_thinking_only, every=3),
    "parts": Quirk(spoil=_parts, value=("mistral", "anthropic", "text")),
    "model_by_path": Quirk(spoil=_named(lambda _, model: f"/srv/models/{model}-Q4_K_M.gguf"), of="any"),
    "other_model_answers": Quirk(spoil=_named(lambda chosen, _: chosen.value), value="offline-fallback", of="any"),
    "no_usage": Quirk(spoil=_no_usage, of="any"),
    "wrong_usage": Quirk(spoil=_wrong_usage, value=("strings", "negative"), of="any"),
    "slots": Quirk(value=1, options={"seconds": 0.5, "hangup_frees": False}, of="any"),
    "queue_full": Quirk(value=4, options={"status": 503}, of="any"),
    "first_slow": Quirk(value=5.0, options={"words": ("wait", "loading")}, of="any"),
    "slow_all": Quirk(value=2.0, of="any"),
    "llama_cpp": Quirk(of="none"),
    "ollama": Quirk(of="none"),
}
