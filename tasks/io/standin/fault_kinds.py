"""What servers do wrong, by name: each fault is how one request is answered, or not."""

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from wellspring.tasks.io.standin.offline import Response, error_response

HUGE_BYTES = 8 * 2**20
DRIP_SECONDS = 0.05

Sender = Callable[["Exchange"], Any]


@dataclass(slots=True)
class Exchange:
    """One request and the connection it came on."""

    retry_after_seconds: float
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    answer: Callable[[], Response]
    headers: str = ""  # of every answer

    @property
    def is_over(self) -> bool:
        """Whether the client has hung up."""
        return self.reader.at_eof() or self.reader.exception() is not None

    def completion(self) -> dict[str, Any]:
        """Return the answer that would have been given, to be spoiled."""
        return orjson.loads(self.answer().body)

    async def send(self, response: Response, headers: str = "", *, length: int | None = None) -> None:
        """Send a whole answer; `length` lies about its size."""
        size = len(response.body) if length is None else length
        kind = f"Content-Type: {response.content_type}\r\nContent-Length: {size}\r\n"
        self.writer.write(f"HTTP/1.1 {response.status} X\r\n{kind}{self.headers}{headers}\r\n".encode() + response.body)
        await self.writer.drain()

    def cut(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()


def status(status: int, message: str, code: str = "", headers: str = "") -> Sender:
    """Return the fault that is an HTTP status with an error as OpenAI's servers word it."""

    async def send(exchange: Exchange) -> None:
        seconds = f"{exchange.retry_after_seconds:g}"
        await exchange.send(error_response(status, message, code or str(status)), headers.replace("SECONDS", seconds))

    return send


def _body(spoil: Callable[[dict[str, Any]], Any]) -> Sender:
    async def send(exchange: Exchange) -> None:
        spoilt = spoil(exchange.completion())
        await exchange.send(Response(200, spoilt if isinstance(spoilt, bytes) else orjson.dumps(spoilt)))

    return send


def _message(**fields: Any) -> Sender:
    def spoil(answer: dict[str, Any]) -> dict[str, Any]:
        choice = answer["choices"][0]
        choice["finish_reason"] = fields.get("finish_reason", choice["finish_reason"])
        choice["message"] |= {k: v for k, v in fields.items() if k != "finish_reason"}
        return answer

    return _body(spoil)


def _half(answer: dict[str, Any]) -> dict[str, Any]:
    content = answer["choices"][0]["message"]["content"] or ""
    answer["choices"][0] |= {"finish_reason": "length"}
    answer["choices"][0]["message"]["content"] = content[: len(content) // 2]
    return answer


def _usage(**counts: Any) -> Sender:
    return _body(lambda answer: answer | {"usage": counts or None})


async def _hang(exchange: Exchange) -> None:
    del exchange
    await asyncio.sleep(3600)


async def _truncated(exchange: Exchange) -> None:
    answer = exchange.answer()
    await exchange.send(Response(200, answer.body[: len(answer.body) // 2]), length=len(answer.body))
    exchange.writer.close()


async def _reset(exchange: Exchange) -> None:
    exchange.cut()


async def _reset_mid(exchange: Exchange) -> None:
    answer = exchange.answer()
    await exchange.send(Response(200, answer.body[:20]), length=len(answer.body))
    exchange.cut()


async def _drip(exchange: Exchange) -> None:
    answer = exchange.answer()
    exchange.writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer.body)}\r\n\r\n".encode())
    for byte in answer.body:
        exchange.writer.write(bytes([byte]))
        await exchange.writer.drain()
        await asyncio.sleep(DRIP_SECONDS)


async def _drip_headers(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000):
        exchange.writer.write(f"X-{number}: 1\r\n".encode())
        await exchange.writer.drain()
        await asyncio.sleep(DRIP_SECONDS)


async def _huge(exchange: Exchange) -> None:
    exchange.writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {HUGE_BYTES}\r\n\r\n".encode())
    for _ in range(HUGE_BYTES // 65536):
        exchange.writer.write(b" " * 65536)
        await exchange.writer.drain()


async def _gzip_bomb(exchange: Exchange) -> None:
    await exchange.send(Response(200, gzip.compress(b" " * 2**24)), "Content-Encoding: gzip\r\n")


async def _redirect(exchange: Exchange) -> None:
    await exchange.send(Response(307, b""), "Location: http://127.0.0.1:9/v1/chat/completions\r\n")


def _spoilt_text(answer: dict[str, Any]) -> bytes:
    body = orjson.dumps(answer)
    return body.replace(b'"content":"', b'"content":"\\ud800 \\u0000 ', 1)


FAULTS: dict[str, Sender] = {
    "http_400": status(400, "this prompt cannot be taken", "invalid_request_error"),
    "http_401": status(401, "Incorrect API key provided", "invalid_api_key"),
    "http_413": status(413, "request too large", "invalid_request_error"),
    "http_429": status(429, "too many requests", "rate_limit_exceeded"),
    "http_429_retry_after": status(429, "too many requests", "rate_limit_exceeded", "Retry-After: SECONDS\r\n"),
    "http_500": status(500, "internal error"),
    "http_502": status(502, "bad gateway"),
    "http_503": status(503, "overloaded"),
    "http_503_retry_after": status(503, "overloaded", "overloaded", "Retry-After: SECONDS\r\n"),
    "http_504": status(504, "gateway timeout"),
    "context_length": status(400, "This model's maximum context length is 8192 tokens", "context_length_exceeded"),
    "filtered_prompt": status(400, "The prompt was stopped by our content management policy", "content_filter"),
    "quota": status(429, "You exceeded your current quota", "insufficient_quota"),
    "redirect": _redirect,
    "reset": _reset,
    "reset_mid_body": _reset_mid,
    "truncated": _truncated,
    "hang": _hang,
    "drip": _drip,
    "drip_headers": _drip_headers,
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
    "html": _body(lambda _: b"<html><body>It works!</body></html>"),
    "empty_body": _body(lambda _: b""),
    "invalid_json": _body(lambda answer: orjson.dumps(answer)[:-7]),
    "bad_utf8": _body(lambda answer: orjson.dumps(answer).replace(b'"content":"', b'"content":"\xff\xfe', 1)),
    "deep_json": _body(lambda _: b"[" * 100_000),
    "error_in_200": _body(lambda _: {"error": {"message": "upstream failed", "code": "server_error"}}),
    "empty_object": _body(lambda _: {}),
    "empty_choices": _body(lambda answer: answer | {"choices": []}),
    "null_choices": _body(lambda answer: answer | {"choices": None}),
    "wrong_types": _body(lambda answer: answer | {"choices": [{"message": ["hello"], "finish_reason": 3}]}),
    "null_content": _message(content=None),
    "blank_content": _message(content="  \n"),
    "garbage_text": _body(_spoilt_text),
    "prose": _message(content="Certainly! Here is what I think about it, in my own words and without any form."),
    "length": _body(_half),
    "content_filter": _message(finish_reason="content_filter", content=None),
    "refusal": _message(refusal="I will not help with that.", content=None),
    "no_usage": _usage(),
    "negative_usage": _usage(prompt_tokens=-5, completion_tokens=-1),
    "huge_usage": _usage(prompt_tokens=10**15, completion_tokens=10**15),
    "text_usage": _usage(prompt_tokens="12", completion_tokens=None),
}
