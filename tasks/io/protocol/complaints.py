"""What a server's refusal is about: which part of the request it does not know, or how large its limits are. Pure.

Servers word the same thing in many ways, with the name of a parameter quoted or not, as a sentence or as a list of
fields. What is found here is learned once for a server and not held against a row. The patterns were made from the
public error words of vLLM, llama.cpp, SGLang, TGI, Ollama, OpenRouter, DeepSeek, DashScope, Mistral, Groq and Azure.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

LEAST_ROOM_TOKENS = 32  # an answer has to have room for
STRUCTURE, SYSTEM, BOUNDS, CAP, CONTEXT = "structured", "system", "bounds", "max_tokens_cap", "context"
OPTIONAL = ("seed", "top_p", "temperature", "logprobs", "top_logprobs", "max_tokens")  # in the order they are left out


class Complaint(NamedTuple):
    """A part of a request that a server does not take: `value` is its limit, `prompt` the tokens it counted."""

    part: str
    value: int = 0
    prompt: int = 0


_STRUCTURE = re.compile(
    r"response_format|json_schema|json_object|json schema|structured.?output|grammar|json mode|response_schema"
    r"|tool_choice|\btools?\b|function call|guided|gbnf|schema conversion|sampler",
    re.IGNORECASE,
)
_BOUNDS = re.compile(r"max_?length|min_?length|number of repetitions|repetition", re.IGNORECASE)
_SYSTEM = re.compile(
    r"(?:system|developer).{0,30}(?:role|message|prompt|instruction)?.{0,40}"
    r"(?:not (?:supported|enabled|allowed|available|permitted)|unsupported|is not|cannot)"
    r"|(?:does not|doesn't|do not|not|un)\s?support\w*.{0,40}(?:system|developer)\b"
    r"|roles? must alternate|conversation roles|only (?:supports? )?(?:user|`user`|'user')"
    r"|(?:invalid|unexpected|unknown|unsupported).{0,20}role.{0,20}(?:system|developer)",
    re.IGNORECASE | re.DOTALL,
)
_CONTEXT = re.compile(
    r"context|too long|too many tokens|inputs?[`' ]*tokens?|prompt tokens?|in the (?:messages|prompt)"
    r"|sequence length|max_model_len|n_ctx",
    re.IGNORECASE,
)
_CAP = re.compile(
    r"`?max_?(?:completion_|new_|output_)?tokens`? must be <= (\d+)|maximum tokens.{0,40}limit of (\d+)", re.IGNORECASE
)
_CAPPED = re.compile(
    r"max_?(?:completion_|new_|output_)?tokens|(?:completion|output|generated|response) tokens", re.IGNORECASE
)
_REFUSES = re.compile(
    r"not (?:supported|permitted|allowed|available|recognized|valid|enabled|compatible|a valid)|unsupported"
    r"|unknown|unrecogni[sz]ed|forbidden|extra (?:fields|inputs)|unexpected|invalid|does(?: not|n't) support"
    r"|only the default|deprecated|cannot|can't|must not|no longer|remove|ignored|not one of|incompatible",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])\d{1,9}(?![\w.]*\d)(?!\.\d)")
_PROMPT = re.compile(
    r"(\d+)[`'\" ]*(?:tokens?[^\d.]{0,20})?(?:in|of|from) (?:the |your )?(?:messages|prompt|text input|input)"
    r"|(?:request has|prompt (?:contains|has)(?: at least)?|input (?:has|length:?)|n_prompt_tokens\"?:|Given:)\s*(\d+)"
    r"|(\d+)[`'\" ]*(?:input|prompt|inputs)[`' ]*tokens|(\d+)\s*\+\s*\d+\s*>",
    re.IGNORECASE,
)
_LIMITS = (
    re.compile(r"\d+\s*\+\s*\d+\s*>\s*(\d+)"),
    re.compile(r"context(?: (?:length|window|size|limit))?[^\d]{0,40}?(\d+)|n_ctx\"?:\s*(\d+)", re.IGNORECASE),
    re.compile(r"<=\s*(\d+)|max_model_len[^\d]{0,10}(\d+)"),
    re.compile(r"(?:maximum|at most|limit|allowed|only)[^\d]{0,40}?(\d+)", re.IGNORECASE),
)


def complaint(words: str, parameter: str, request: Mapping[str, Any]) -> Complaint | None:
    """Return what of a request the words of a refusal are about, or None if of nothing that can be done otherwise.

    Args:
        words: All of the error's body, as text.
        parameter: The parameter that it names in a field of its own, or "".
        request: As it went over the wire.
    """
    is_structured = "response_format" in request or "tools" in request
    if is_structured and _BOUNDS.search(words) and has_lengths(request):
        return Complaint(BOUNDS)
    if is_structured and _STRUCTURE.search(f"{parameter} {words}") and not _CAPPED.search(words):
        return Complaint(STRUCTURE)
    if (found := _room(words, request)) is not None:
        return found
    if any(message.get("role") == "system" for message in request.get("messages", ())) and _SYSTEM.search(words):
        return Complaint(SYSTEM)
    return _name(words, parameter, request)


def is_too_long(words: str) -> int | None:
    """Return the context that a prompt is too long for, 0 if it is not named; None if it is about something else."""
    limit, prompt = _limit(words), _first(_PROMPT, words)
    if limit and prompt and prompt >= limit - LEAST_ROOM_TOKENS:
        return limit
    return (limit or 0) if _TOO_LONG.search(words) and not _CAPPED_ONLY.search(words) else None


_TOO_LONG = re.compile(
    r"context.{0,30}(?:length|window|size|limit)|maximum context"
    r"|(?:prompt|input|request|message).{0,40}(?:too long|too large|exceed)|too many (?:input )?tokens"
    r"|context_length_exceeded|exceeds? the (?:model|max)|string too long|reduce the length"
    r"|longer than the maximum|range of input length|must be less than max_seq_len|splited_prompt_len",
    re.IGNORECASE | re.DOTALL,
)
_CAPPED_ONLY = re.compile(
    r"\bmax_(?:completion_|output_|new_)?tokens\b(?!.*(?:context|input|prompt|messages))", re.IGNORECASE | re.DOTALL
)


def _room(words: str, request: Mapping[str, Any]) -> Complaint | None:
    """Return the limit that the answer's room passed: of the context (prompt and answer), or of an answer."""
    asked = request.get("max_tokens") or request.get("max_completion_tokens") or 0
    if not asked:
        return None
    limit, prompt = _limit(words), _first(_PROMPT, words)
    if (cap := _CAP.search(words)) is not None and not _CONTEXT.search(words):
        number = int(next(group for group in cap.groups() if group))
        return Complaint(CAP, number) if LEAST_ROOM_TOKENS // 2 <= number < asked else None
    if _CONTEXT.search(words) and limit and prompt and prompt < limit - LEAST_ROOM_TOKENS < prompt + asked:
        return Complaint(CONTEXT, limit, prompt)
    if _CAPPED.search(words) and not (limit and prompt and prompt + asked > limit):
        below = [number for number in _numbers(words) if LEAST_ROOM_TOKENS // 2 <= number < asked]
        return Complaint(CAP, max(below)) if below else None
    return None


def _name(words: str, parameter: str, request: Mapping[str, Any]) -> Complaint | None:
    """Return the parameter of ours that is refused: named in a field, quoted, or beside a word that refuses."""
    for name in OPTIONAL:
        if name in request and parameter.rpartition(".")[2] == name:
            return Complaint(name)
    for name in OPTIONAL:
        if name in request and re.search(rf"(?<![\w]){name}(?![\w])", words):
            is_quoted = re.search(rf"['\"`\[]{name}['\"`\]]", words)
            if is_quoted or _REFUSES.search(words):
                return Complaint(name)
    return None


def _limit(words: str) -> int:
    return next((limit for pattern in _LIMITS if (limit := _first(pattern, words))), 0)


def _first(pattern: re.Pattern[str], words: str) -> int:
    found = pattern.search(words)
    return int(next(group for group in found.groups() if group)) if found else 0


def _numbers(words: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(words)]


def has_lengths(request: Mapping[str, Any]) -> bool:
    """Whether a request, as it goes over the wire, has lengths of texts in its schema."""
    return "'maxLength'" in str(request.get("response_format") or request.get("tools"))


# What a person can do about what a server says of every call.
_REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"enable_thinking", re.IGNORECASE), "set models.{role}.extra_body.enable_thinking=false"),
    (
        re.compile(r"reasoning_effort|reasoning effort", re.IGNORECASE),
        "set models.{role}.reasoning_effort (low, medium, high, none)",
    ),
    (
        re.compile(r"api-version|api version", re.IGNORECASE),
        'set models.{role}.extra_query = {{ "api-version" = "..." }}',
    ),
    (
        re.compile(r"used up max_tokens", re.IGNORECASE),
        "raise models.{role}.max_tokens, or lower models.{role}.reasoning_effort",
    ),
    (
        re.compile(r"cut the prompt", re.IGNORECASE),
        (
            "give the server a larger context (Ollama: num_ctx or OLLAMA_CONTEXT_LENGTH;"
            " llama.cpp: -c), or lower instructions.prompt_tokens and instructions.document_tokens"
        ),
    ),
    (
        re.compile(r"no whole answer in|nothing came for", re.IGNORECASE),
        "raise models.{role}.total_seconds and models.{role}.first_byte_seconds, or lower models.{role}.max_tokens",
    ),
    (re.compile(r"max_?(?:completion_|new_|output_)?tokens", re.IGNORECASE), "lower models.{role}.max_tokens"),
    (
        re.compile(r"context|too long|too many tokens|too large", re.IGNORECASE),
        (
            "start the server with a larger context, or lower"
            " instructions.prompt_tokens, instructions.document_tokens and models.{role}.max_tokens"
        ),
    ),
    (re.compile(r"header", re.IGNORECASE), "set models.{role}.extra_headers"),
    (
        re.compile(r"schema|grammar|response_format|structured|tool", re.IGNORECASE),
        'set models.{role}.structured = "text"',
    ),
    (re.compile(r"system|developer", re.IGNORECASE), 'set models.{role}.system_role = "user"'),
)


def remedy(words: str, role: str) -> str:
    """Return the setting that would help against what a server says of every call."""
    other = "a field that the server wants goes into models.{role}.extra_body, extra_headers or extra_query"
    said = next((said for pattern, said in _REMEDIES if pattern.search(words)), other).format(role=role)
    return f"{said}; `wellspring doctor` shows what the server takes. No row was refused: run the same command again"
