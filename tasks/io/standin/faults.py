"""The fault server: the offline stand-in over real HTTP, with what real servers do wrong, at given rates.

Which request gets which fault is a function of the seed, the request's bytes and how often it was sent before, so a
run is repeatable whatever the order of its calls, and a retry has new luck. A prompt that holds `[[fault:NAME]]` gets
that fault each time: a poison row. `GET /stats` says how many requests of each kind came, and how many came before a
`Retry-After` had ended: the server's count is the truth about money and manners.
"""

import asyncio
import contextlib
import hashlib
import re
import socket
import sys
import threading
import time
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import loopback
from wellspring.tasks.io.loopback import PATIENT, Patience, RefusedError, Request
from wellspring.tasks.io.standin.fault_kinds import FAULTS, Exchange
from wellspring.tasks.io.standin.offline import Response, StandIn, error_response

LOOPBACK = "127.0.0.1"
SHIPPED = Path(__file__).with_name("faults.toml")
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
    capacity: int = 0  # calls at once before each takes longer, as where calls share a GPU; 0 is any number
    window_requests: int = (
        0  # requests in a window before it answers 429; its headers say what is left; 0 is any number
    )
    window_seconds: float = 1.0
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


_FIXED = orjson.dumps(
    {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": "offline-fixed",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "A fixed answer."}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
    }
)


class FaultServer:
    """One listening server with a profile, and its counts."""

    patience: Patience = PATIENT
    is_local = True  # only this machine is served, under its own names

    def __init__(self, chosen: Profile) -> None:
        self.profile = chosen
        self.counts: Counter[str] = Counter()
        self.seen: Counter[bytes] = Counter()
        self.rest_from = self.rest_until = 0.0
        self.window_ends, self.window_used = 0.0, 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.arrivals: list[float] = []
        self.bodies: Counter[bytes] = Counter()
        self.keys: set[str] = set()  # as they came in Authorization
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
                request = await loopback.received(reader, self.patience, is_local=self.is_local)
                self.keys |= {request.headers["authorization"]} if "authorization" in request.headers else set()
                exchange = Exchange(self.profile.retry_after_seconds, reader, writer, lambda r=request: self.answer(r))
                await self._exchange(request, exchange)
                if request.headers.get("connection", "").lower() == "close":
                    return
        except RefusedError as refused:
            await loopback.turn_away(reader, writer, refused)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client is gone or too slow, or the server is being stopped
        except ValueError:
            return  # what came was no HTTP
        finally:
            writer.transport.abort()

    def answer(self, request: Request) -> Response:
        """Return the answer that a request would be given if nothing went wrong."""
        if self.profile.fixed and request.path.endswith("/chat/completions"):
            return Response(200, _FIXED)
        kind = request.headers.get("content-type", "")
        return self.stand_in.respond(request.method, request.path, kind, request.body)

    async def _exchange(self, request: Request, exchange: Exchange) -> None:
        if request.path == "/stats":
            await exchange.send(Response(200, orjson.dumps(self.stats())))
            return
        if not request.is_for_a_model:
            await exchange.send(exchange.answer())
            return
        fault = self._fault(request.body)
        self._count(request.body, fault)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._deliver(request, exchange, fault)
        finally:
            self.in_flight -= 1

    async def _deliver(self, request: Request, exchange: Exchange, fault: str) -> None:
        await self._send(exchange, await self._limited(exchange) or fault, request.body)

    async def _limited(self, exchange: Exchange) -> str:
        """Take the time that a call takes; returns the fault that a call beyond a limit gets at once."""
        chosen, now = self.profile, time.monotonic()
        if chosen.window_requests:
            if now >= self.window_ends:
                self.window_ends, self.window_used = now + chosen.window_seconds, 0
            self.window_used += 1
            left = max(0, chosen.window_requests - self.window_used)
            exchange.headers = f"x-ratelimit-remaining-requests: {left}\r\n"
            exchange.headers += f"x-ratelimit-reset-requests: {1000 * (self.window_ends - now):.0f}ms\r\n"
        is_over = self.window_used > chosen.window_requests > 0
        if is_over or (chosen.slots and self.in_flight > chosen.slots):
            self.counts["over_window" if is_over else "over_slots"] += 1
            return "http_429"
        crowd = max(1.0, self.in_flight / chosen.capacity) if chosen.capacity else 1.0
        if chosen.latency_seconds:
            await asyncio.sleep(chosen.latency_seconds * crowd)
        return ""

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
        if (poison := _POISON.search(body)) and poison[1].decode() in FAULTS:
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


def serve(port: int, faults: str = "", host: str = LOOPBACK, *, server: FaultServer | None = None) -> None:
    """Serve the stand-in until interrupted, and say where; with faults as a profile asks.

    Args:
        port: On loopback; 0 takes a free one.
        faults: A profile of `faults.toml`, a TOML file, or `fault=rate,...`; empty injects none.
        host: Another address than loopback is for those who know what they open.
        server: What is served, where it is more than faults.

    Raises:
        UsageError: There is no such profile, or it names an unknown fault.
        BrokenError: The port is taken.
    """
    server = server or FaultServer(profile(faults) if faults else Profile())
    server.is_local = host == LOOPBACK
    listening = loopback.opened(port, host)
    sys.stdout.write(f"http://{host}:{listening.getsockname()[1]}/v1\n")
    sys.stdout.flush()
    asyncio.run(_served(server, listening))


async def _served(server: FaultServer, listening: socket.socket) -> None:
    async with server.listening(listening) as listener:
        await listener.serve_forever()


@contextlib.contextmanager
def running(
    chosen: Profile | str | None = None, *, listening: socket.socket | None = None, **changes: Any
) -> Iterator[FaultServer]:
    """Have a fault server, in a thread of its own, while the block runs; on an open socket, or on any free port."""
    start = profile(chosen) if isinstance(chosen, str) else chosen or Profile()
    server = FaultServer(replace(start, **changes))
    with threaded(server, listening):
        yield server


@contextlib.contextmanager
def threaded(server: FaultServer, listening: socket.socket | None = None) -> Iterator[None]:
    """Let a server listen, in a thread of its own, while the block runs."""
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
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
