"""The model door: what is asked of a role's model, and its answers, each durable before anyone sees it.

Only `openai.AsyncOpenAI` speaks to servers, on one event loop in one thread; `Models` is the plain, synchronous side of
it. The SDK's retries are off: retries have one owner, here, and each is a row in the journal.
"""

import asyncio
import itertools
import math
import os
import queue
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import httpx2
import numpy as np
import openai
import orjson
import pyarrow as pa

from tasks.contracts import records
from tasks.contracts.calls import Answer, Call, Refused
from tasks.contracts.errors import BrokenError, TransientError, UsageError, WellspringError
from tasks.contracts.records import content_id
from tasks.contracts.settings import Endpoint, Role, Settings
from tasks.io import batches, offline, replies
from tasks.io.endpoints import Throttle, choose
from tasks.io.forms import KEY_VERSION, STRUCTURES, ask_structure, identity, request_of, role_of, structure_of
from tasks.io.journal import DONE, Caps, Entry, Journal
from tasks.io.keys import Scrubber, key_of, without_userinfo
from tasks.io.prices import Price, Prices, most_tokens, tokens_of
from tasks.io.replies import Again, Answered, Refusal, Reply, Stop, Unsupported
from tasks.io.wire import Limits, Wire, WireError

CHUNK_CALLS = 64  # looked up in the journal at once
EMBED_TEXTS = 128  # texts in one embedding request
PATIENCE_SECONDS = 600.0  # a server that wants to be left alone for longer parks the run
SILENT_CALLS = 3  # calls that used up their attempts with no answer between them: the server is down, not the row bad
FIRST_TRIES = 3  # at a server that has never answered this run: a person at a terminal waits for the message
RECENT_SECONDS = 20.0  # an answer so long ago still says that the server is up
RESTART_SECONDS = 180.0  # a server that answered before may be away for so long: own servers load models
LIMITED_PER_ATTEMPT = 8  # so many refusals for rate count as one attempt: they are the server's state, not the row's
BULK_SECONDS, BULK_BYTES = 1800.0, 2**30  # of one file of a batch job
DOCTOR_LIMITS = Limits(5.0, 10.0, 15.0, 2 * 2**20)
GRACE_SECONDS = 5.0  # for calls that are out when the door closes

_APIS = {"chat": ("/chat/completions", replies.judge), "moderations": ("/moderations", replies.judge_moderation)}

Vectors = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(slots=True)
class Stats:
    """What went through the door since it was opened. `calls` ended here, `cached` of them from the journal."""

    calls: int = 0
    cached: int = 0
    sent: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    retries: int = 0
    rate_limited: int = 0
    refusals: int = 0


def address_of(endpoint: Endpoint) -> str:
    """Return where an endpoint is: its own base URL, else OPENAI_BASE_URL, else OpenAI's."""
    return endpoint.base_url or os.environ.get("OPENAI_BASE_URL", "") or "https://api.openai.com/v1"


class Server:
    """One endpoint of a role: its OpenAI client, how it is treated, and what was learned of it."""

    def __init__(self, role: Role, endpoint: Endpoint, journal: Journal, scrub: Scrubber) -> None:
        base_url = address_of(endpoint)
        self.is_offline = base_url == "offline"
        self.name = without_userinfo(base_url)
        self.role = role
        self.journal = journal
        self.throttle = Throttle(endpoint)
        self.ability: dict[str, Any] = dict(journal.ability(self.name, role.model))
        key = key_of(endpoint.key_env)
        scrub.add(key)
        app = offline.app() if self.is_offline else None

        def client(limits: Limits) -> openai.AsyncOpenAI:
            wire = Wire(limits, endpoint.max_concurrency, app)
            where = "http://offline/v1" if self.is_offline else base_url
            return openai.AsyncOpenAI(api_key=key or "none", base_url=where, max_retries=0, http_client=wire)

        times = (role.connect_seconds, role.first_byte_seconds)
        self.client = client(Limits(*times, role.total_seconds, role.max_answer_bytes))
        self.bulk = client(Limits(*times, BULK_SECONDS, BULK_BYTES))  # for files of batch jobs

    def form(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request in the form this server understands: structure and parameters as learned."""
        body = {name: value for name, value in request.items() if name not in self.ability.get("unknown", ())}
        if "max_tokens" in self.ability.get("unknown", ()):
            body["max_completion_tokens"] = request["max_tokens"]
        if "response_format" in request:
            ask_structure(body, self.structure())
        return body

    def structure(self) -> str:
        """Return how this server is asked for structure: as the role says, or as far as it was seen to understand."""
        return self.ability.get("structured", STRUCTURES[0]) if self.role.structured == "auto" else self.role.structured

    def learn(self, unsupported: Unsupported, form: str) -> bool:
        """Remember what it does not know of a request in this form; False if there is no other form to try."""
        if unsupported.part != "structured":
            unknown = set(self.ability.get("unknown", ())) | {unsupported.part}
            self.ability["unknown"] = sorted(unknown)
        elif self.role.structured != "auto" or form == STRUCTURES[-1]:
            return False
        else:
            tried = STRUCTURES.index(form)
            known = STRUCTURES.index(self.structure())
            self.ability["structured"] = STRUCTURES[max(known, tried + 1)]
        self.journal.learn(self.name, self.role.model, self.ability)
        return True

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send one request; any HTTP status is a reply.

        Raises:
            WireError: No whole answer came.
        """
        # An idempotency key is never sent, but the SDK draws a random one for each call that names none.
        options: Any = {"headers": {"content-type": "application/json"}, "idempotency_key": "none"}
        try:
            response = await self.client.post(
                path, cast_to=httpx2.Response, content=orjson.dumps(body), options=options
            )
        except openai.APIStatusError as error:
            response = error.response
        except openai.APIError as error:  # pragma: no cover - the wire raises its own
            raise WireError("connection", type(error).__name__, was_sent=True) from None
        return Reply(response.status_code, response.headers, response.content)


@dataclass(slots=True)
class Door:
    """A role at work: its settings, its price, its servers, and which calls failed since the last answer."""

    name: str
    role: Role
    price: Price
    servers: list[Server]
    shares: list[float]
    silent: set[str] = field(default_factory=set)
    answered: int = 0
    answered_at: float = -math.inf  # monotonic seconds; a server that answered just now is up, so the row is bad

    def next(self, avoid: Server | None) -> Server:
        """Return the server that the next call goes to."""
        throttles = [server.throttle for server in self.servers]
        return self.servers[choose(throttles, self.shares, avoid.throttle if avoid else None)]


@dataclass(slots=True)
class Asking:
    """One `ask`: where its outcomes go, and the error that stopped it."""

    done: "queue.SimpleQueue[Answer | Refused | BaseException]" = field(default_factory=queue.SimpleQueue)
    stop: WellspringError | None = None


@dataclass(slots=True)
class Order:
    """A call on its way: what is recorded, what goes over the wire, and what it may cost."""

    key: str
    path: str
    read: Callable[[Reply, Mapping[str, Any]], Any]
    request: Mapping[str, Any]
    tokens: int
    reserve: int
    asking: Asking
    sent: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    failures: int = 0
    limited: int = 0

    def count(self, verdict: Again) -> None:
        """Count a failed attempt: a refusal for rate is the server's state, any other may be the order's."""
        self.limited += verdict.reason == "rate_limited"
        self.failures += verdict.reason != "rate_limited"


@dataclass(slots=True)
class Delivery:
    """How an order ended: the verdict, the last attempt (not yet settled), and what came over the wire."""

    verdict: Any
    attempt: int
    reply: Reply | None
    seconds: float


class Models:
    """The roles' models, behind one door. Open it once per run; close it to give the journal back."""

    def __init__(self, settings: Settings, directory: str | Path, run_id: str) -> None:
        self.settings, self.run_id = settings, run_id
        self.stats = Stats()
        self.scrub = Scrubber()
        self.prices = Prices(settings.models.prices)
        budget = settings.budget
        caps = Caps(round(budget.max_cost_usd * 1e6) if budget.max_cost_usd else None, budget.max_calls or None)
        self.journal = Journal(Path(directory) / "completions.sqlite", caps=caps, owner=run_id)
        self.desk = batches.BatchDesk(self.journal, run_id, self.scrub)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="models", daemon=True)
        self.thread.start()
        self.doors: dict[str, Door] = {}
        self.opening = threading.Lock()
        self.tasks: set[asyncio.Task[None]] = set()
        self.sending: set[Any] = set()  # those whose call is out, and may have been paid
        self.in_flight: dict[str, asyncio.Future[Entry]] = {}
        self.settled = asyncio.Event()  # a reservation was given back
        self.is_closing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the door's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def role(self, name: str) -> Role:
        """Return a role's settings.

        Raises:
            UsageError: There is no such role.
        """
        return role_of(self.settings, name)

    def door(self, name: str) -> Door:
        """Return a role's door, opened at its first use.

        Raises:
            UsageError: A budget is set, but nobody knows what the model costs.
        """
        with self.opening:  # threads may ask at once; each role has one door
            return self.doors.get(name) or self._opened(name)

    def _opened(self, name: str) -> Door:
        role = self.role(name)
        price = self.prices.of(role.model, is_batch=role.mode == "batch")
        if self.journal.caps.micro_usd is not None and not price.is_known:
            raise UsageError(
                f"budget.max_cost_usd is set, but the price of `{role.model}` is in no table",
                hint="copy tasks/io/prices.toml, add the model, and name the copy in models.prices",
            )

        async def connect() -> list[Server]:
            return [Server(role, endpoint, self.journal, self.scrub) for endpoint in role.endpoints]

        servers = self.run(connect())
        self.doors[name] = Door(name, role, price, servers, [0.0] * len(servers))
        return self.doors[name]

    def ask(self, role: str, calls: Iterable[Call]) -> Iterator[Answer | Refused]:
        """Ask a role's model; answers come in the order in which they are complete.

        `calls` is consumed as room is there, so it may be long. What is recorded is answered from the journal.

        Raises:
            TransientError: The budget, the quota or the server's patience is used up; what was answered came out first.
            BrokenError: The key is wrong, the journal's disk is full, or `replay` needs a call that is not recorded.
        """
        settings = self.role(role)
        if settings.mode == "batch":
            yield from self._ask_batched(role, settings, calls)
            return
        asking = Asking()
        waiting = 0
        room = 2 * sum(endpoint.max_concurrency for endpoint in settings.endpoints)
        for chunk in chunked(calls, CHUNK_CALLS):
            fresh = yield from self._recorded(settings, chunk)
            if fresh:
                self._refuse_in_replay(role, fresh)
                self.loop.call_soon_threadsafe(self._start, self.door(role), fresh, asking)
                waiting += len(fresh)
            while waiting > room or (waiting and not asking.done.empty()):
                waiting -= 1
                yield from self._taken(asking)
            if asking.stop is not None:
                break
        for _ in range(waiting):
            yield from self._taken(asking)
        if asking.stop is not None:
            raise asking.stop

    def _ask_batched(self, name: str, role: Role, calls: Iterable[Call]) -> Iterator[Answer | Refused]:
        """Collect what batch jobs have answered, send what is new as jobs, and wait as long as the role says.

        Raises:
            TransientError: Jobs are running, or the budget is used up; what is answered came out first.
        """
        door = self.door(name)
        until = time.monotonic() + role.batch_wait_seconds
        running = self._collected(door)
        while True:
            out, fresh, size = [], [], 0
            for chunk in chunked(calls, CHUNK_CALLS):
                left = yield from self._recorded(role, chunk)
                if left:
                    self._refuse_in_replay(name, left)
                    waiting = self.desk.out([key for key, _ in left])
                    out += [call for _, call in left]
                    fresh += [pair for pair in left if pair[0] not in waiting]
                    size = sum(len(m.content) for _, call in fresh for m in call.prompt.messages)
                if len(fresh) >= role.batch_requests or size > batches.MAX_BYTES:
                    self._submitted(door, fresh)
                    fresh = []
            self._submitted(door, fresh)
            running = self._collected(door) if out else running
            while running and time.monotonic() < until:
                time.sleep(min(role.batch_poll_seconds, max(0.0, until - time.monotonic())))
                running = self._collected(door)
            if running:
                yield from self._recorded(role, out)
                raise batches.parked(name, running, role.batch_wait_seconds)
            if not out:
                return
            calls = out

    def _collected(self, door: Door) -> int:
        return self.run(self._guarded(self.desk.collect(door, door.servers)))

    def _submitted(self, door: Door, fresh: Sequence[tuple[str, Call]]) -> None:
        """Send calls as jobs; those that ended in no answer too often become refusals."""
        server = door.next(None)
        lines: dict[str, batches.Line] = {}
        for key, call in fresh:
            times, reason, detail = self.desk.failures(key)
            if times >= door.role.attempts:
                self.journal.end(Entry(key, reason, door.role.model, detail, "", 0, 0, 0, 0, times, 0.0), self.run_id)
                continue
            request = request_of(door.role, call)
            said = "\n".join(message.content for message in call.prompt.messages)
            reserve = door.price.micro_usd(most_tokens(said), request["max_tokens"])
            lines[key] = batches.Line(key, request, server.form(request), reserve)
        for start in range(0, len(lines), door.role.batch_requests):
            part = list(lines.values())[start : start + door.role.batch_requests]
            self.stats.sent += len(part)
            self.run(self._guarded(self.desk.submit(door, server, part)))

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do work that goes through the SDK's own calls, and say what went wrong in our words."""
        try:
            return await work
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise BrokenError(f"the server refused the key: {self.scrub(str(error))}", hint="check key_env") from None
        except (openai.APIError, WireError) as error:
            raise TransientError(
                f"batch jobs cannot be reached: {self.scrub(str(error))}",
                hint="run the same command again: a job that was made is found again",
            ) from None

    def cancel(self, role: str) -> int:
        """Cancel a role's batch jobs on request; what they answered until then is collected by a later run."""
        door = self.door(role)
        return self.run(self._guarded(self.desk.cancel(door, door.servers)))

    def _taken(self, asking: Asking) -> Iterator[Answer | Refused]:
        outcome = asking.done.get()
        if isinstance(outcome, WellspringError):
            asking.stop = asking.stop or outcome
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            yield outcome

    def _recorded(self, role: Role, chunk: list[Call]) -> Any:
        """Yield the answers that are recorded; return the calls that are not, with their ids."""
        keyed = [(identity(role, call), call) for call in chunk]
        found = self.journal.lookup([key for key, _ in keyed])
        for key, call in keyed:
            if key in found:
                self.stats.calls += 1
                self.stats.cached += 1
                yield _outcome(call, found[key], is_cached=True)
        return [(key, call) for key, call in keyed if key not in found]

    def _refuse_in_replay(self, role: str, fresh: Sequence[tuple[str, Call]]) -> None:
        if self.settings.replay:
            raise BrokenError(
                f"a call of `{role}` is not recorded: {fresh[0][0]} for input {fresh[0][1].input_id}",
                hint="`--replay` sends nothing; run without it to ask for what is new",
            )

    def _start(self, door: Door, fresh: Sequence[tuple[str, Call]], asking: Asking) -> None:
        for key, call in fresh:
            task = self.loop.create_task(self._settle(door, key, call, asking))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _settle(self, door: Door, key: str, call: Call, asking: Asking) -> None:
        try:
            if key in self.in_flight:  # the same was just asked for another row
                entry, is_cached = await asyncio.shield(self.in_flight[key]), True
            else:
                entry, is_cached = await self._shared(door, key, call, asking), False
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread, which would wait for ever otherwise
            if isinstance(error, WellspringError) and asking.stop is None:
                asking.stop = error
            asking.done.put(error)
        else:
            asking.done.put(_outcome(call, entry, is_cached=is_cached))
        finally:
            self.sending.discard(asyncio.current_task())

    async def _shared(self, door: Door, key: str, call: Call, asking: Asking) -> Entry:
        self.in_flight[key] = future = self.loop.create_future()
        try:
            entry = await self._answered(door, key, call, asking)
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # seen: nobody else may be waiting
            raise
        else:
            future.set_result(entry)
            return entry
        finally:
            del self.in_flight[key]

    async def _answered(self, door: Door, key: str, call: Call, asking: Asking) -> Entry:
        """Ask for one call until it is answered or refused, and record which."""
        request = request_of(door.role, call)
        said = "\n".join(message.content for message in call.prompt.messages)
        reserve = door.price.micro_usd(most_tokens(said), request.get("max_tokens", 0))
        asked_tokens = tokens_of(said)
        order = Order(key, *_APIS[door.role.api], request, asked_tokens, reserve, asking)
        delivery = await self._deliver(door, order)
        verdict, reply = delivery.verdict, delivery.reply
        if isinstance(verdict, Answered):
            counts = (verdict.prompt_tokens, verdict.completion_tokens, verdict.cached_tokens)
            counts = counts if verdict.is_counted else (asked_tokens, tokens_of(verdict.text), 0)
            cost = door.price.micro_usd(*counts)
            model, text = verdict.model or door.role.model, verdict.text
            entry = Entry(
                key, DONE, model, text, verdict.finish_reason, *counts, cost, order.attempts, delivery.seconds
            )
        else:
            cost = door.price.micro_usd(asked_tokens, tokens_of(verdict.detail)) if verdict.was_paid else 0
            detail = self.scrub(verdict.detail)
            entry = Entry(
                key, verdict.reason, door.role.model, detail, "", 0, 0, 0, cost, order.attempts, delivery.seconds
            )
        if delivery.attempt:
            status, body = (reply.status, reply.body) if reply else (None, None)
            body = body if entry.state == DONE else None
            await self.journal.finish(
                delivery.attempt, entry, reserve=reserve, paid=cost, status=status, body=body, run_id=self.run_id
            )
        self._count(entry)
        return entry

    def _count(self, entry: Entry) -> None:
        self.settled.set()
        self.stats.calls += 1
        self.stats.prompt_tokens += entry.prompt_tokens
        self.stats.completion_tokens += entry.completion_tokens
        self.stats.cached_tokens += entry.cached_tokens
        self.stats.cost_usd += entry.cost_micro_usd / 1e6
        self.stats.refusals += entry.state != DONE

    async def _deliver(self, door: Door, order: Order) -> Delivery:
        """Send an order until it is answered, refused, or its attempts are used up; failed attempts are settled here.

        Raises:
            TransientError: The server is down, or wants to be left alone for long.
            BrokenError: The server refuses the key or the form of what is asked.
        """
        avoid: Server | None = None
        while True:
            self._go_on(order)
            server = await self._room(door, order, avoid)
            delivery = await self._attempt(door, server, order)
            verdict = delivery.verdict
            if isinstance(verdict, Again):
                order.count(verdict)
                end = self._end(door, server, order, verdict)
                if isinstance(end, Refusal):
                    return replace(delivery, verdict=end)
                await self._settle_failed(order, delivery, verdict.reason, verdict.detail)
                if end is not None:
                    raise end
                avoid = server
                await asyncio.sleep(self._pause(server, order, verdict))
            elif isinstance(verdict, Unsupported):
                await self._settle_failed(order, delivery, "unsupported", verdict.detail)
                self._learn(server, order, verdict)
            elif isinstance(verdict, Stop):
                verdict.error.message = f"{server.name}: {self.scrub(verdict.error.message)}"
                key_env = server.throttle.endpoint.key_env or "variable (none is named in key_env)"
                verdict.error.hint = verdict.error.hint.format(key_env=key_env)
                await self._settle_failed(order, delivery, "stopped", verdict.error.message)
                raise verdict.error
            else:
                door.silent.clear()
                door.answered += 1
                door.answered_at = time.monotonic()
                return delivery
            self.stats.retries += 1

    def _learn(self, server: Server, order: Order, verdict: Unsupported) -> None:
        if not server.learn(verdict, structure_of(order.sent)):
            raise BrokenError(
                f"{server.name} does not answer in the form asked for: {self.scrub(verdict.detail)}",
                hint="set models.<role>.structured to auto, or to what the server supports",
            )

    async def _room(self, door: Door, order: Order, avoid: Server | None) -> Server:
        """Return the server that takes the order, with a place booked there; one that rests is left for another."""
        while True:
            server = door.next(avoid)

            def is_alone(chosen: Server = server) -> bool:
                now = time.monotonic()
                return all(other is chosen or other.throttle.wait(now) for other in door.servers)

            if await server.throttle.take(order.tokens, is_alone):
                return server

    async def _attempt(self, door: Door, server: Server, order: Order) -> Delivery:
        """Send an order once, from its place: write the intent down, send, read."""
        throttle = server.throttle
        try:
            attempt = await self._claim(door, server, order)
            await throttle.rested()  # a rest may have begun while the claim was written
            order.sent = server.form(order.request)
            order.attempts += 1
            self.stats.sent += 1
            started = time.monotonic()
            reply: Reply | None = None
            try:
                reply = await server.post(order.path, order.sent)
                verdict = order.read(reply, order.sent)
            except WireError as error:
                verdict = Again(error.outcome, error.detail, was_paid=error.was_sent)
            seconds = time.monotonic() - started
            self._watch(throttle, verdict, reply, seconds, order)
        finally:
            throttle.give_back()
        return Delivery(verdict, attempt, reply, seconds)

    def _watch(self, throttle: Throttle, verdict: Any, reply: Reply | None, seconds: float, order: Order) -> None:
        """Tell the throttle what happened."""
        if isinstance(verdict, Again):
            if verdict.reason in {"rate_limited", "timeout"}:
                self.stats.rate_limited += verdict.reason == "rate_limited"
                throttle.congestion(verdict.wait_seconds)
            elif verdict.reason == "connection":
                throttle.breakage()
            elif verdict.wait_seconds:
                throttle.rest(verdict.wait_seconds)
        else:
            throttle.answer(seconds)
            if isinstance(verdict, Answered) and verdict.is_counted:
                throttle.spent(order.tokens, verdict.prompt_tokens + verdict.completion_tokens)
        if reply is not None and (rest := replies.exhausted_for(reply.headers)):
            throttle.rest(rest)

    async def _claim(self, door: Door, server: Server, order: Order) -> int:
        """Write down that the order is about to be sent; wait if only what is set aside for others is in the way.

        Raises:
            TransientError: A cap of the budget could be passed.
        """
        while True:
            self._go_on(order)
            self.sending.add(asyncio.current_task())
            self.settled.clear()
            claimed = await self.journal.claim(
                order.key,
                role=door.name,
                model=door.role.model,
                request=orjson.dumps(order.request).decode(),
                endpoint=server.name,
                run_id=self.run_id,
                reserve=order.reserve,
            )
            if isinstance(claimed, int):
                return claimed
            self.sending.discard(asyncio.current_task())
            if not (claimed.may_pass and self.journal.ledger.reserved_micro_usd):
                raise claimed.error
            await self.settled.wait()

    def _go_on(self, order: Order) -> None:
        if order.asking.stop is not None:
            raise order.asking.stop
        if self.is_closing:
            raise TransientError("the run is closing", hint="run the same command again to go on")

    async def _settle_failed(self, order: Order, delivery: Delivery, outcome: str, detail: str) -> None:
        """Settle an attempt without an answer: a server that may have worked on it is counted as paid."""
        was_paid = getattr(delivery.verdict, "was_paid", False)
        reply = delivery.reply
        await self.journal.fail(
            delivery.attempt,
            reserve=order.reserve,
            cost=order.reserve if was_paid else 0,
            outcome=outcome,
            status=reply.status if reply else None,
            detail=self.scrub(detail),
            body=reply.body if reply and reply.status == replies.OK else None,
        )
        self.sending.discard(asyncio.current_task())
        self.settled.set()

    def _end(self, door: Door, server: Server, order: Order, verdict: Again) -> Refusal | WellspringError | None:
        """Decide about an order that failed: None to try again; a refusal, or an error if the server is at fault."""
        said = self.scrub(verdict.detail)
        if (verdict.wait_seconds or 0) > PATIENCE_SECONDS:
            return TransientError(
                f"{server.name} asks to be left alone for {verdict.wait_seconds:.0f} s ({said})",
                hint="run the same command again after that; nothing is lost",
            )
        is_down = verdict.reason == "connection" and not verdict.was_paid
        if is_down and door.answered and server.throttle.down_seconds() < RESTART_SECONDS:
            return None
        attempts = min(door.role.attempts, FIRST_TRIES) if is_down and not door.answered else door.role.attempts
        if order.failures + order.limited / LIMITED_PER_ATTEMPT < attempts:
            return None
        door.silent.add(order.key)
        is_up = time.monotonic() - door.answered_at < RECENT_SECONDS
        is_silent = len(door.silent) >= SILENT_CALLS and not is_up
        if is_down or (is_silent and verdict.reason in replies.SERVERS_FAULT):
            return TransientError(
                f"{server.name} does not answer: {said}",
                hint="check base_url and that the server is up, then run the same command again; nothing is lost",
            )
        if len(door.silent) >= SILENT_CALLS and not door.answered:
            return BrokenError(
                f"{server.name} does not speak the OpenAI protocol: {said}",
                hint="base_url usually ends in /v1; see README for own servers",
            )
        return Refusal(verdict.reason, f"{order.attempts} attempts, the last: {said}", verdict.was_paid)

    def _pause(self, server: Server, order: Order, verdict: Again) -> float:
        """Return how long a failed call waits, in seconds; the endpoint's own rest is waited for in the throttle."""
        if verdict.wait_seconds is not None and server.throttle.endpoint.retry_after == "call":
            return verdict.wait_seconds
        turn = order.failures + order.limited // 2
        return min(0.05 * 2**turn, 10.0) * (0.5 + random.random())  # noqa: S311 - only to spread calls out

    def embed(self, texts: Iterable[str]) -> Vectors:
        """Embed texts through the role `embedder`; each distinct text is paid once.

        Returns:
            (n, d) float32, rows of unit length, in the order of the texts.

        Raises:
            BrokenError: The server will not embed a text, or `replay` needs one that is not recorded.
        """
        role = self.role("embedder")
        texts = list(texts)
        keys = [content_id("embedding", KEY_VERSION, role.model, text) for text in texts]
        known = self.journal.vectors(list(dict.fromkeys(keys)))
        missing = list({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
        self.stats.calls += len(texts)
        self.stats.cached += len(texts) - len(missing)
        if missing and self.settings.replay:
            raise BrokenError("an embedding is not recorded", hint="`--replay` sends nothing; run without it")
        if missing:
            door = self.door("embedder")
            parts = [missing[i : i + EMBED_TEXTS] for i in range(0, len(missing), EMBED_TEXTS)]

            async def embed_all() -> None:
                for fresh in await asyncio.gather(*(self._embedded(door, part) for part in parts)):
                    known.update(fresh)

            self.run(embed_all())
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([np.frombuffer(known[key], dtype=np.float32) for key in keys])

    async def _embedded(self, door: Door, part: list[tuple[str, str]]) -> dict[str, bytes]:
        texts = [text for _, text in part]
        request = {"model": door.role.model, "input": texts, "encoding_format": "float"}
        reserve = door.price.micro_usd(sum(map(most_tokens, texts)), 0)
        key = content_id("embeddings", [name for name, _ in part])
        order = Order(key, "/embeddings", replies.judge_vectors, request, sum(map(tokens_of, texts)), reserve, Asking())
        delivery = await self._deliver(door, order)
        if isinstance(delivery.verdict, Refusal):
            await self._settle_failed(order, delivery, delivery.verdict.reason, delivery.verdict.detail)
            raise BrokenError(
                f"`{door.role.model}` refused to embed {len(texts)} texts: {self.scrub(delivery.verdict.detail)}",
                hint="shorten the texts (passages.max_tokens), or choose another embedder",
            )
        vectors = np.asarray(delivery.verdict.vectors, dtype=np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        fresh = {name: row.tobytes() for (name, _), row in zip(part, vectors, strict=True)}
        paid = door.price.micro_usd(delivery.verdict.prompt_tokens or order.tokens, 0)
        await self.journal.remember(delivery.attempt, fresh.items(), reserve=reserve, paid=paid)
        self.stats.prompt_tokens += delivery.verdict.prompt_tokens
        self.stats.cost_usd += paid / 1e6
        return fresh

    def completions_after(self, watermark: int, limit: int = 10_000) -> tuple[pa.Table, int]:
        """Return ended calls recorded after a watermark (0 at first) as rows of `completions`, and where it got."""
        rows = self.journal.after(watermark, limit)
        schema = records.schema("completions")
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
        arrays = [pa.array(column, type=kind.type) for column, kind in zip(columns, schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema), rows[-1][1] if rows else watermark

    def lost_answers(self) -> int:
        """Return how many recorded answers damage to the journal has cost, as far as is known; once."""
        lost, self.journal.lost_rows = self.journal.lost_rows, 0
        return lost

    def reopen(self, reason: str | None = None) -> list[str]:
        """Make calls that were refused (for one reason, or any) askable again; returns their completion ids."""
        return self.journal.reopen(reason)

    def close(self) -> None:
        """Let calls that are out finish for a moment, stop the loop, commit what is queued, give the journal back."""
        if self.is_closing:
            return

        async def finish() -> None:
            self.is_closing = True
            until = time.monotonic() + GRACE_SECONDS
            while (out := self.tasks & self.sending) and (left := until - time.monotonic()) > 0:
                await asyncio.wait(out, timeout=left)
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            for server in itertools.chain.from_iterable(door.servers for door in self.doors.values()):
                await server.client.close()
                await server.bulk.close()
            await asyncio.sleep(0.01)  # transports close some turns of the loop later

        self.run(finish())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.journal.close()


def listed_models(endpoint: Endpoint) -> list[str]:
    """Return the names of the models that an endpoint says it serves; what `wellspring doctor` asks.

    Raises:
        BrokenError: It refuses the key.
        TransientError: It does not answer, or not as the protocol has it.
    """
    base_url = address_of(endpoint)
    name = without_userinfo(base_url)

    async def ask() -> list[str]:
        wire = Wire(DOCTOR_LIMITS, 1)
        key = key_of(endpoint.key_env) or "none"
        async with openai.AsyncOpenAI(api_key=key, base_url=base_url, max_retries=0, http_client=wire) as client:
            return sorted(model.id for model in (await client.models.list()).data)

    try:
        return asyncio.run(ask())
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        hint = f"set the environment variable {endpoint.key_env or 'that key_env names'}"
        raise BrokenError(f"{name} refuses the key (HTTP {error.status_code})", hint=hint) from None
    except (openai.OpenAIError, WireError, OSError, ValueError, AttributeError, TypeError) as error:
        hint = "check base_url and that the server is up"
        raise TransientError(f"{name} does not list its models ({type(error).__name__})", hint=hint) from None


def chunked(calls: Iterable[Call], size: int) -> Iterator[list[Call]]:
    """Take calls in lists of at most `size`."""
    calls = iter(calls)
    while chunk := list(itertools.islice(calls, size)):
        yield chunk


def _outcome(call: Call, entry: Entry, *, is_cached: bool) -> Answer | Refused:
    if entry.state != DONE:
        return Refused(call, entry.completion_id, entry.state, entry.text, is_cached)
    return Answer(
        call,
        entry.completion_id,
        entry.text,
        entry.model,
        entry.finish_reason,
        entry.prompt_tokens,
        entry.completion_tokens,
        entry.cached_tokens,
        entry.cost_micro_usd / 1e6,
        is_cached,
    )
