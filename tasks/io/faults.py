"""The fault server: the offline stand-in over real HTTP, with what real servers do wrong, at given rates.

Which request gets which fault is a function of the seed, the request's bytes and how often it was sent before, so a
run is repeatable whatever the order of its calls, and a retry has new luck. A prompt that holds `[[fault:NAME]]` gets
that fault each time: a poison row. `GET /stats` says how many requests of each kind came, and how many came before a
`Retry-After` had ended: the server's count is the truth about money and manners.
"""

import asyncio
import contextlib
import gzip
import hashlib
import re
import socket
import threading
import time
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from tasks.contracts.errors import UsageError
from tasks.io.offline import Response, StandIn, error_response

SHIPPED = Path(__file__).with_name("faults.toml")
HUGE_BYTES = 8 * 2**20
DRIP_SECONDS = 0.05
ON_THE_WAY_SECONDS = 0.15  # a client may not have read a 429 yet when it sends its next request
_POISON = re.compile(rb"\[\[fault:(\w+)\]\]")


@dataclass(frozen=True, slots=True)
class Profile:
    """What goes wrong, and how often.

    `rates` are shares of requests by fault; `structured` is the best form of structured output that the server knows;
    `fixed` answers all chats alike, at once: a server of no cost, to measure clients with.
    """

    rates: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    latency_seconds: float = 0.0
    retry_after_seconds: float = 1.0
    structured: str = "json_schema"
    fixed: bool = False
    slots: int = 0  # calls at once before it answers 429; 0 is any number
    batch_polls: int = 1
    batch_drops: int = 0
    batch_ends_as: str = "completed"


def profile(text: str) -> Profile:
    """Read a profile: the name of one that ships, a TOML file, or `fault=rate,...,seed=1,latency_seconds=0.1`.

    Raises:
        UsageError: It is none of these, or names a fault that is not known.
    """
    shipped = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    if text in shipped:
        values = shipped[text]
    elif text.endswith(".toml"):
        values = tomllib.loads(Path(text).read_text(encoding="utf-8"))
    elif "=" in text:
        values = tomllib.loads("\n".join(part if '"' in part else _quoted(part) for part in text.split(",")))
    else:
        raise UsageError(
            f"there is no fault profile `{text}`", hint=f"there are: {', '.join(shipped)}; or fault=rate,..."
        )
    known = {name: value for name, value in values.items() if name in Profile.__dataclass_fields__}
    rates = {name: float(value) for name, value in values.items() if name not in known} | dict(known.pop("rates", {}))
    if unknown := sorted(rates.keys() - FAULTS.keys()):
        raise UsageError(f"there is no fault `{unknown[0]}`", hint=f"there are: {', '.join(sorted(FAULTS))}")
    return Profile(rates=rates, **known)


def _quoted(part: str) -> str:
    name, _, value = part.partition("=")
    return part if re.fullmatch(r"[\d.]+|true|false", value) else f'{name}="{value}"'


Sender = Callable[["Exchange"], Any]


@dataclass(slots=True)
class Exchange:
    """One request and the connection it came on."""

    profile: Profile
    writer: asyncio.StreamWriter
    answer: Callable[[], Response]

    def completion(self) -> dict[str, Any]:
        """Return the answer that would have been given, to be spoiled."""
        return orjson.loads(self.answer().body)

    async def send(self, response: Response, headers: str = "", *, length: int | None = None) -> None:
        """Send a whole answer; `length` lies about its size."""
        size = len(response.body) if length is None else length
        kind = f"Content-Type: {response.content_type}\r\nContent-Length: {size}\r\n"
        self.writer.write(f"HTTP/1.1 {response.status} X\r\n{kind}{headers}\r\n".encode() + response.body)
        await self.writer.drain()

    def cut(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()


def _status(status: int, message: str, code: str = "", headers: str = "") -> Sender:
    async def send(exchange: Exchange) -> None:
        seconds = f"{exchange.profile.retry_after_seconds:g}"
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
    "http_400": _status(400, "this prompt cannot be taken", "invalid_request_error"),
    "http_401": _status(401, "Incorrect API key provided", "invalid_api_key"),
    "http_413": _status(413, "request too large", "invalid_request_error"),
    "http_429": _status(429, "too many requests", "rate_limit_exceeded"),
    "http_429_retry_after": _status(429, "too many requests", "rate_limit_exceeded", "Retry-After: SECONDS\r\n"),
    "http_500": _status(500, "internal error"),
    "http_502": _status(502, "bad gateway"),
    "http_503": _status(503, "overloaded"),
    "http_503_retry_after": _status(503, "overloaded", "overloaded", "Retry-After: SECONDS\r\n"),
    "http_504": _status(504, "gateway timeout"),
    "context_length": _status(400, "This model's maximum context length is 8192 tokens", "context_length_exceeded"),
    "filtered_prompt": _status(400, "The prompt was stopped by our content management policy", "content_filter"),
    "quota": _status(429, "You exceeded your current quota", "insufficient_quota"),
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

_FIXED = orjson.dumps(
    {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": "fixed",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "A fixed answer."}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
    }
)


class FaultServer:
    """One listening server with a profile, and its counts."""

    def __init__(self, chosen: Profile) -> None:
        self.profile = chosen
        self.counts: Counter[str] = Counter()
        self.seen: Counter[bytes] = Counter()
        self.rest_from = self.rest_until = 0.0
        self.in_flight = 0
        self.most_in_flight = 0
        self.arrivals: list[float] = []
        self.bodies: Counter[bytes] = Counter()
        self.port = 0
        self.connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.stand_in = StandIn(polls=chosen.batch_polls, drops=chosen.batch_drops, ends_as=chosen.batch_ends_as)

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, known from its first moment: a task that is cancelled unstarted closes nothing."""
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self.connections[task] = writer
        task.add_done_callback(self.connections.pop)

    def hang_up(self) -> None:
        """Drop every connection, whatever it waits for."""
        for task, writer in self.connections.items():
            writer.transport.abort()
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, path, _ = head.split(" ", 2)
                size = re.search(r"(?im)^content-length:\s*(\d+)", head)
                body = await reader.readexactly(int(size[1])) if size else b""
                kind = re.search(r"(?im)^content-type:\s*(.+?)\r?$", head)
                await self._exchange(method, path.partition("?")[0], kind[1] if kind else "", body, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            return  # the client is gone, or the server is being stopped
        finally:
            writer.transport.abort()

    async def _exchange(self, method: str, path: str, kind: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        def answer() -> Response:
            if self.profile.fixed and path.endswith("/chat/completions"):
                return Response(200, _FIXED)
            return self.stand_in.respond(method, path, kind, body)

        exchange = Exchange(self.profile, writer, answer)
        if path == "/stats":
            await exchange.send(Response(200, orjson.dumps(self.stats())))
            return
        if not path.endswith(("/chat/completions", "/embeddings")):
            await exchange.send(answer())
            return
        fault = self._fault(body)
        self._count(body, fault)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.profile.slots and self.in_flight > self.profile.slots:
                self.counts["over_slots"] += 1
                fault = "http_429"
            elif self.profile.latency_seconds:
                await asyncio.sleep(self.profile.latency_seconds)
            await self._send(exchange, fault, body)
        finally:
            self.in_flight -= 1

    async def _send(self, exchange: Exchange, fault: str, body: bytes) -> None:
        if fault.endswith("_retry_after"):
            now = time.monotonic()
            self.rest_from = now if now > self.rest_until else self.rest_from
            self.rest_until = now + self.profile.retry_after_seconds
        if fault:
            await FAULTS[fault](exchange)
        elif (refusal := self._unsupported(body)) is not None:
            await exchange.send(refusal)
        else:
            await exchange.send(exchange.answer())

    def _count(self, body: bytes, fault: str) -> None:
        now = time.monotonic()
        self.counts["requests"] += 1
        self.counts["too_early"] += self.rest_from + ON_THE_WAY_SECONDS < now < self.rest_until
        self.arrivals.append(now)
        self.bodies[hashlib.blake2b(body, digest_size=8).digest()] += 1
        if fault:
            self.counts[fault] += 1

    def _fault(self, body: bytes) -> str:
        if poison := _POISON.search(body):
            return poison[1].decode()
        if not self.profile.rates:
            return ""
        mark = hashlib.blake2b(body, digest_size=8, key=str(self.profile.seed).encode()).digest()
        self.seen[mark] += 1
        luck = hashlib.blake2b(mark + str(self.seen[mark]).encode(), digest_size=8).digest()
        share = int.from_bytes(luck, "big") / 2**64
        for name, rate in self.profile.rates.items():
            share -= rate
            if share < 0:
                return name
        return ""

    def _unsupported(self, body: bytes) -> Response | None:
        """Refuse forms of structured output that this server does not know, as own servers do."""
        if self.profile.structured == "json_schema":
            return None
        asked = orjson.loads(body)
        form = (asked.get("response_format") or {}).get("type") or ("tool" if "tools" in asked else "text")
        order = ["json_schema", "json_object", "tool", "text"]
        if order.index(form) < order.index(self.profile.structured):
            return error_response(400, f"response_format/tools: `{form}` is not supported", "invalid_request_error")
        return None

    def stats(self) -> dict[str, Any]:
        """Return the counts so far; `repeated` requests had the very bytes of an earlier one."""
        repeated = self.counts["requests"] - len(self.bodies)
        return dict(self.counts) | {"most_in_flight": self.most_in_flight, "repeated": repeated}

    @contextlib.asynccontextmanager
    async def listening(self, listening: socket.socket | None = None) -> AsyncIterator[asyncio.Server]:
        """Listen while the block runs: on a socket that is open, or on any free port of loopback."""
        where: dict[str, Any] = {"sock": listening} if listening else {"host": "127.0.0.1", "port": 0}
        async with await asyncio.start_server(self.accept, limit=2**20, backlog=1024, **where) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield server


async def serve(chosen: Profile, listening: socket.socket) -> None:
    """Serve on an open socket until interrupted."""
    async with FaultServer(chosen).listening(listening) as server:
        await server.serve_forever()


@contextlib.contextmanager
def running(
    chosen: Profile | str | None = None, *, listening: socket.socket | None = None, **changes: Any
) -> Iterator[FaultServer]:
    """Have a fault server, in a thread of its own, while the block runs; on an open socket, or on any free port."""
    start = profile(chosen) if isinstance(chosen, str) else chosen or Profile()
    server = FaultServer(replace(start, **changes))
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def listen() -> None:
        async with server.listening(listening) as listener:
            ready.set()
            await stop.wait()
            for listened in listener.sockets:  # closed before the last one accepted is served, it would leak that one
                loop.remove_reader(listened.fileno())
            while serving := asyncio.all_tasks() - {asyncio.current_task()}:  # served, or still being accepted
                server.hang_up()
                await asyncio.wait(serving, timeout=0.05)
            await asyncio.sleep(0)  # transports close a turn of the loop later

    thread = threading.Thread(target=loop.run_until_complete, args=(listen(),), name="faults", daemon=True)
    thread.start()
    ready.wait(30)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
