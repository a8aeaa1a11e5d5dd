"""What a server's reply means: an answer, a refusal no retry would change, again later, another form, or stop.

Pure: bytes in, a verdict out. The SDK would take a 200 with HTML, no choices or wrong types for an answer, and crash on
broken UTF-8 with errors that are not its own; so the body is read here. The parts of an answer are `anatomy.py`'s, what
a refusal is about `complaints.py`'s.
"""

import email.utils
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io.protocol.anatomy import LENGTH, Anatomy, anatomy
from wellspring.tasks.io.protocol.complaints import OPTIONAL, Complaint, complaint, is_too_long

OK = 200
CONGESTED = {429, 503, 529}  # the server says that it is asked too much
TRANSIENT = {408, 409, 425, 500, 502, 504, 520, 521, 522, 523, 524}
MAX_TOKENS = 10**8  # a count above is no count
DETAIL_CHARS = 500
SHOWN_NUMBERS = 8
REASONS = {
    "bad_request": "the server will not take this request (HTTP 400, 413, 422)",
    "too_long": "the prompt does not fit the model's context, or leaves no room for an answer",
    "thought_too_long": "the thought used up max_tokens, and nothing was answered",
    "cut_off": "max_tokens were used up before anything was answered",
    "empty_answer": "the answer was empty whenever it was asked for",
    "thought_only": "the model thought and said nothing whenever it was asked",
    "forbidden": "the server forbids this request, while it answers others (HTTP 403)",
    "content_filter": "the provider's filter stopped prompt or answer",
    "refusal": "the model declined",
    "rate_limited": "refused for its rate whenever it was tried, while other calls were answered",
    "server_error": "the server failed whenever it was tried",
    "timeout": "no whole answer came in time, whenever it was tried",
    "connection": "the connection broke whenever it was tried",
    "malformed_answer": "what came back was no chat completion, whenever it was tried",
    "answer_too_large": "the answer passed models.<role>.max_answer_bytes",
    "encoded_answer": "the answer came compressed, which was not asked for",
    "expired": "the batch job ended without answering it",
}


class Reply(NamedTuple):
    """An HTTP answer as it came. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# With several calls in a row that fail like this and none that is answered, it is the server and not the rows.
SERVERS_FAULT = {"rate_limited", "server_error", "timeout", "connection"}


@dataclass(frozen=True, slots=True)
class Answered:
    """A completion. `served` is the name the server gives its model; `is_counted`: its token counts are credible."""

    served: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    is_counted: bool
    thought: str = ""
    tool_calls: str = ""
    logprobs: str = ""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of the texts that were sent, in their order, None where none came that says anything.

    `prompt_tokens` is 0 where the server does not count.
    """

    vectors: list[list[float] | None]
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """No retry would change it. `was_paid`: the server worked on it. `error`: what it is if all calls get it."""

    reason: str
    detail: str
    was_paid: bool = False
    error: BrokenError | TransientError | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """It may work later. `reason` is what it becomes when attempts are used up; `wait_seconds` is the server's wish."""

    reason: str
    detail: str
    wait_seconds: float | None = None
    was_paid: bool = False


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The server does not take a part of the request: `structured`, `system`, a limit, or a parameter's name."""

    complaint: Complaint
    detail: str
    otherwise: Refusal  # what it is if there is nothing else to try


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more can be asked of this server now."""

    error: BrokenError | TransientError


Verdict = Answered | Embedded | Refusal | Again | Unsupported | Stop


def verdict_of(reply: Reply, request: Mapping[str, Any]) -> Verdict:
    """Say what the reply to a chat request (as it went over the wire) means."""
    return _completion(reply.body, request) if reply.status == OK else _failure(reply, request)


def judge_moderation(reply: Reply, request: Mapping[str, Any]) -> Verdict:
    """Say what the reply to a moderation request means; its one result is the answer, as JSON."""
    if reply.status != OK:
        return _failure(reply, request)
    try:
        answer = _json(reply.body)
        (result,) = answer["results"]
        said = {"flagged": result["flagged"], "categories": dict(result["categories"])}
        said["category_scores"] = dict(result.get("category_scores") or {})
        text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return Again("malformed_answer", f"{type(error).__name__} in a moderation answer", was_paid=True)
    return Answered(_served(answer), text, "stop", 0, 0, 0, is_counted=True)


def judge_vectors(reply: Reply, request: Mapping[str, Any]) -> Verdict:
    """Say what the reply to an embedding request means: a vector for each text, by the numbers that it gives them."""
    if reply.status != OK:
        return _failure(reply, request)
    asked = len(request["input"])
    try:
        answer = _json(reply.body)
        if answer.get("error"):
            return Again("server_error", f"HTTP 200 with an error: {_error(reply.body)[0]}")
        items = answer["data"]
        numbers = [item["index"] for item in items if item.get("index") is not None] or list(range(len(items)))
        vectors = [_vector(item["embedding"]) for item in items]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return Again("malformed_answer", f"{type(error).__name__} in an embedding answer", was_paid=True)
    if wrong := _wrong_about(items, numbers, vectors, asked):
        hint = "the server's embeddings cannot be used as they are: see its log, update it, or choose another embedder"
        return Stop(BrokenError(f"the server's vectors make no sense: {wrong}", hint=hint))
    by_number = dict(zip(numbers, vectors, strict=True))
    usage = answer.get("usage")
    tokens = (_count(usage.get("prompt_tokens")) if isinstance(usage, dict) else 0) or 0
    return Embedded([by_number.get(number) for number in range(asked)], tokens)


def _vector(value: Any) -> list[float] | None:
    """Return a vector, or None for one that says nothing: no list, holes, infinities, only zeros."""
    if not isinstance(value, list) or not all(isinstance(x, int | float) for x in value):
        return None
    return [float(x) for x in value] if any(value) and all(map(math.isfinite, value)) else None


def _wrong_about(items: Any, numbers: list[Any], vectors: list[list[float] | None], asked: int) -> str:
    """Return why nobody can tell which vector is whose, or what they are; empty where it is clear."""
    if len(set(numbers)) < len(items) or not set(numbers) <= set(range(asked)):
        shown = ", ".join(map(str, numbers[:SHOWN_NUMBERS]))
        return f"it numbers its {len(items)} vectors for {asked} texts {shown}: which is whose is not known"
    if not any("index" in item for item in items) and len(items) != asked:
        return f"it gives {len(items)} vectors for {asked} texts, and does not say which is whose"
    widths = sorted({len(vector) for vector in vectors if vector is not None})
    return f"one answer holds vectors of {widths[0]} and of {widths[-1]} numbers" if len(widths) > 1 else ""


def _failure(reply: Reply, request: Mapping[str, Any]) -> Verdict:  # noqa: C901, PLR0911 - one a kind
    said, code, parameter = _error(reply.body)
    detail = f"HTTP {reply.status}: {said}"
    words = f"{code} {reply.body[:BODY_BYTES].decode('utf-8', 'replace')}"
    if code in {"insufficient_quota", "billing_hard_limit_reached"} or reply.status == 402:  # noqa: PLR2004 - payment required
        return Stop(_no_quota(detail))
    if reply.status in {401, 403}:
        hint = "check the key in the environment's {key_env}"
        refused = BrokenError(f"the server refused the key ({detail})", hint=hint)
        if reply.status == 401:  # noqa: PLR2004 - unauthorized
            return Stop(refused)
        if _QUOTA.search(words):
            return Refusal("forbidden", detail, error=_no_quota(detail))
        reason = "content_filter" if _FILTERED.search(words) else "forbidden"
        return Refusal(reason, detail, error=refused)  # some servers and their guards forbid a text
    if reply.status == 404 and "tools" in request and _TOOLS.search(words):  # noqa: PLR2004 - not found
        return Unsupported(Complaint("structured"), detail, Refusal("bad_request", detail))
    if reply.status == 404:  # noqa: PLR2004 - not found
        hint = "check models.<role>.model and base_url (it usually ends in /v1)"
        return Stop(BrokenError(f"the server has no such model or path ({detail})", hint=hint))
    if reply.status in CONGESTED:
        if _BALANCE.search(words):
            return Stop(_no_quota(detail))
        return Again("rate_limited", detail, retry_after(reply.headers))
    if reply.status in TRANSIENT:
        if _CONTEXT_PASSED.search(words):
            return Refusal("too_long", detail)
        found = complaint(words, parameter, request)
        if found is not None and found.part not in OPTIONAL:
            again = Refusal("server_error", detail)
            return Unsupported(found, detail, again)
        return Again("server_error", detail, retry_after(reply.headers))
    if 400 <= reply.status < 500:  # noqa: PLR2004 - the client's fault, says the server
        return _bad_request(words, said, parameter, request)
    return Again("server_error", detail, retry_after(reply.headers))


_FILTERED = re.compile(
    r"content.?(?:filter|policy|management|exists risk)|safety|moderation|flagged|guardrail|inappropriate|sensitive"
    r"|data_inspection|敏感|违规|不安全",
    re.IGNORECASE,
)
_BALANCE = re.compile(r"balance|credits?\b.{0,40}(?:low|exhaust|insufficient)|arrear|余额|欠费|充值", re.IGNORECASE)
_QUOTA = re.compile(
    r"quota|balance|arrear|good standing|budget.{0,20}exceeded|free tier.{0,40}exhausted"
    r"|insufficient.{0,20}(?:funds|credit)|credits? (?:balance|limit)|余额|额度|欠费|充值",
    re.IGNORECASE,
)
_TOOLS = re.compile(r"tool|function|response_format|structured", re.IGNORECASE)
_CONTEXT_PASSED = re.compile(r"exceed_context_size|exceed(?:s|ed)? (?:the )?(?:available )?context", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"(?:invalid|unknown|no such) model\b(?! length)"
    r"|model\W+\S+\W+(?:has been decommissioned|does not exist|not found|is not supported by any)"
    r"|model does not exist|not a valid model|model_not_found|model_decommissioned|invalid_model|model_not_supported",
    re.IGNORECASE,
)
_NO_KEY = re.compile(
    r"api.?key.{0,40}(?:not valid|invalid|incorrect)|(?:incorrect|invalid) api.?key|API_KEY_INVALID", re.IGNORECASE
)
_TOO_LITTLE = re.compile(r"default_max_tokens \(-")  # no room was left at all
_CRASHED = re.compile(r"model has crashed|during generation|failed_generation|failed to generate", re.IGNORECASE)


def _no_quota(detail: str) -> TransientError:
    hint = "top it up and run the same command again"
    return TransientError(f"the account's quota is used up ({detail})", hint=hint)


def _by_words(words: str, said: str) -> BrokenError | TransientError | None:
    """Return what a refusal of all calls would mean, by its words: no money, no such model, no key; None for others."""
    if _QUOTA.search(words):
        return _no_quota(said)
    if _NO_KEY.search(words):
        return BrokenError(f"the server refused the key ({said})", hint="check the key in the environment's {key_env}")
    if _NO_MODEL.search(words):
        return BrokenError(f"the server has no such model ({said})", hint="check models.<role>.model")
    return None


BODY_BYTES = 20_000  # of an error: as far as its words are read


def _bad_request(words: str, said: str, parameter: str, request: Mapping[str, Any]) -> Verdict:
    if (error := _by_words(words, said)) is not None:
        return Refusal("bad_request", said, error=error)
    if _CRASHED.search(words):
        return Again("server_error", said)
    found = complaint(words, parameter, request)
    is_named = found is not None and found.part in OPTIONAL
    is_short = _TOO_LITTLE.search(words) is not None
    if (found is None or is_named or is_short) and is_too_long(words) is not None:
        return Refusal("too_long", said)
    refusal = Refusal("content_filter" if _FILTERED.search(words) else "bad_request", said)
    if found is None or (is_named and refusal.reason == "content_filter"):
        return refusal
    return Unsupported(found, said, refusal)


def _error(body: bytes) -> tuple[str, str, str]:
    """Return the server's words, its error code and the parameter it names, of any kind of error body."""
    text = body[:BODY_BYTES].decode("utf-8", "replace")
    try:
        error: Any = _json(body)
        error = error.get("error", error) if isinstance(error, dict) else error
    except ValueError:
        return " ".join(text.split())[:DETAIL_CHARS], "", ""
    if not isinstance(error, dict):
        return str(error)[:DETAIL_CHARS], "", ""
    said = error.get("message") or error.get("detail") or text
    code = error.get("code") or error.get("type") or ""
    return " ".join(str(said).split())[:DETAIL_CHARS], str(code), str(error.get("param") or "")


def _completion(body: bytes, request: Mapping[str, Any]) -> Verdict:
    """Read a completion; whatever is not one is `malformed_answer`, paid and worth another try."""
    try:
        answer = _json(body)
        if answer.get("error"):
            return Again("server_error", f"HTTP 200 with an error: {_error(body)[0]}")
        parts = anatomy(answer["choices"][0], is_tool_asked="tools" in request)
        usage = _usage(answer.get("usage"))
        return _refused(parts, answer.get("usage"), request) or Answered(
            _served(answer),
            outside.sound(parts.text),
            parts.end,
            *usage,
            outside.sound(parts.thought),
            outside.sound(parts.tool_calls),
            outside.sound(parts.logprobs),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        shown = " ".join(body[:200].decode("utf-8", "replace").split())
        return Again("malformed_answer", f"{type(error).__name__}: {shown}", was_paid=True)


def _refused(parts: Anatomy, usage: Any, request: Mapping[str, Any]) -> Verdict | None:  # noqa: PLR0911 - one a kind
    """Return what an answer is that is none, or none yet; None for one that is."""
    said = outside.sound(parts.refusal or parts.text)[:DETAIL_CHARS]
    if parts.refusal or parts.end == "filtered":
        return Refusal("refusal" if parts.refusal else "content_filter", said, was_paid=True)
    if parts.end == "broken":
        return Again("server_error", f"the server broke off in the middle of the answer: {said[:100]}", was_paid=True)
    if parts.end == "no_context":
        return Refusal("too_long", "the model's context ended before the answer did", was_paid=True)
    if parts.text.strip():
        return None
    if parts.end == LENGTH:
        room = request.get("max_tokens") or request.get("max_completion_tokens") or "?"
        if parts.thought or _thought_tokens(usage):
            detail = f"the thought used up max_tokens ({room}) before anything was answered: raise it"
            return Refusal("thought_too_long", detail, was_paid=True)
        return Refusal("cut_off", f"an empty answer used up max_tokens ({room}): raise it", was_paid=True)
    if parts.thought:
        said = f"a thought of {len(parts.thought)} characters, and no answer after it"
        return Again("thought_only", said, was_paid=True)
    return Again("empty_answer", "the answer is empty", was_paid=True)


def _thought_tokens(usage: Any) -> int:
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    return (_count(details.get("reasoning_tokens")) or 0) if isinstance(details, dict) else 0


def _json(body: bytes) -> Mapping[str, Any]:
    """Read JSON, also what some servers write beside it: lone surrogates, NaN, controls."""
    return outside.loads(body, strict=False)


def _served(answer: Mapping[str, Any]) -> str:
    """Return the name under which a server answers, without the directories of a file."""
    model = answer.get("model")
    return without_directories(outside.sound(model))[:200] if isinstance(model, str) else ""


def without_directories(model: str) -> str:
    """Return a model's name; of a path only its last part. `owner/name` is no path."""
    is_path = re.match(r"[/~.\\]|[A-Za-z]:[\\/]|file:", model) or model.count("/") > 1 or "\\" in model
    return re.split(r"[\\/]", model.rstrip("/\\"))[-1] if is_path else model


def _usage(usage: Any) -> tuple[int, int, int, bool]:
    """Return prompt, completion and cached tokens, and whether the server's counts are credible."""
    if not isinstance(usage, dict):
        return 0, 0, 0, False
    asked, said = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if asked is None or said is None:
        return 0, 0, 0, False
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else usage.get("prompt_cache_hit_tokens")
    return asked, said, min(_count(cached) or 0, asked), True


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS else None


_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str) -> float | None:
    """Read a span of time: `12`, `1.5s`, `120ms`, `6m0s`; None if it is none."""
    text = text.strip()
    try:
        value = float(text)
    except ValueError:
        parts = _SPAN.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            return None
        value = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    return value if math.isfinite(value) and value >= 0 else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the server wants to be left alone: `Retry-After` as seconds or date, or `retry-after-ms`.

    A date is taken relative to the server's own `Date`, so that a clock that is off does not matter.
    """
    if (milliseconds := seconds_of(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    if (wait := seconds_of(text)) is not None or not text:
        return wait
    try:
        until = email.utils.parsedate_to_datetime(text)
        now = email.utils.parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def exhausted_for(headers: Mapping[str, str]) -> float:
    """Return for how many seconds the rate-limit headers say that nothing is left; 0 if something is."""
    spans = (
        headers.get(f"x-ratelimit-reset-{what}", "")
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}", "").strip() == "0"
    )
    return max((seconds_of(span) or 0.0 for span in spans), default=0.0)
