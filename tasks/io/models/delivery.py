"""How a call reaches a server and how it ends: booked, written down, sent, judged, tried again or given up.

Every attempt is a row in the journal before it is sent. What is in flight, and what the budget holds back, is known
here and nowhere else.
"""

import asyncio
import queue
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import BrokenError, TransientError, WellspringError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Role
from wellspring.tasks.io import telemetry
from wellspring.tasks.io.protocol import answers, complaints
from wellspring.tasks.io.protocol.answers import Again, Answered, Embedded, Refusal, Reply, Stop, Unsupported
from wellspring.tasks.io.protocol.doubts import Doubts
from wellspring.tasks.io.protocol.endpoints import Throttle, choose
from wellspring.tasks.io.protocol.http_client import HttpError
from wellspring.tasks.io.protocol.keys import Scrubber
from wellspring.tasks.io.protocol.prices import Price, most_tokens, tokens_of
from wellspring.tasks.io.protocol.requests import RETRY_SEEDS, request_of, shape_of, structure_of
from wellspring.tasks.io.protocol.servers import Server, untrusted
from wellspring.tasks.io.storage.journal import DONE, Entry, Journal

PATIENCE_SECONDS = 600.0  # a server that wants to be left alone for longer parks the run
MOST_SHAPES = 50  # of requests that an endpoint is remembered to have answered
THOUGHT_TRIES = 4  # at an answer that was only thought
LONG_TRIES = 3  # at a call that ran out of time with the server for itself
CUT_LEAST_CHARS = 2000  # of a prompt, from which on its count of tokens says whether it was read whole
CUT_SHARE = 0.8  # of the tokens that it must have at least, at the fewest a character that were seen
FILLER = "yes "  # a word that is one token at least
RESTART_SECONDS = 180.0  # a server that answered before may be away for so long: own servers load models
FIRST_SECONDS = 90.0  # a server that only refused calls for their rate for so long, and never answered, parks the run
FIRST_TRIES = 3  # at a server that has never answered this run: a person at a terminal waits for the message
LIMITED_PER_ATTEMPT = 8  # so many refusals for rate count as one attempt: they are the server's state, not the row's
CHUNK_CALLS = 64  # looked up in the journal at once
CHAT = "/chat/completions"
APIS = {
    "chat": (CHAT, answers.verdict_of),
    "completions": ("/completions", answers.verdict_of),
    "moderations": ("/moderations", answers.judge_moderation),
}
LAST = ", the last: "
_TIMED = re.compile("no whole answer in|nothing came for")
NOT_IN_DOUBT = {"refusal"}  # the model's own words; all other refusals may be the server's
PROBE = "Answer with the word yes."  # the shortest thing to ask, to learn whether a server answers anything


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
    seconds: float = 0.0  # that answers took, added up

    def count(self, entry: Entry) -> None:
        """Count a call that ended."""
        self.calls += 1
        self.seconds += entry.latency_seconds
        self.prompt_tokens += entry.prompt_tokens
        self.completion_tokens += entry.completion_tokens
        self.cached_tokens += entry.cached_tokens
        self.cost_usd += entry.cost_micro_usd / 1e6
        self.refusals += entry.state != DONE


@dataclass(frozen=True, slots=True)
class Activity:
    """What a role's servers are doing just now.

    Attributes:
        out: Calls that a server is working on.
        oldest_seconds: How long the one that was sent first has waited.
        limit: How many the servers are asked at once.
        resting_seconds: For how long no server of the role is asked; 0 if one may be.
        doing: What else is worth knowing, in words; empty while calls go out and answers come.
    """

    out: int = 0
    oldest_seconds: float = 0.0
    limit: int = 0
    resting_seconds: float = 0.0
    doing: str = ""


@dataclass(slots=True)
class ActiveRole:
    """A role at work: its settings, its price, its servers, and when one of them last answered."""

    name: str
    role: Role
    price: Price
    servers: list[Server]
    shares: list[float]
    answered: int = 0
    doubts: Doubts = field(init=False)
    highest_limit: int = 0

    def __post_init__(self) -> None:
        known = (shape for server in self.servers for shape in server.ability.get("answered", ()))
        self.doubts = Doubts(set(known), self.fault)

    def activity(self) -> Activity:
        """Return what its servers are doing; read from another thread than theirs, so each number is taken once."""
        now, throttles = time.monotonic(), [server.throttle for server in self.servers]
        sent = [at for throttle in throttles for at in list(throttle.out.values())]
        limit = sum(int(throttle.limit) for throttle in throttles)
        self.highest_limit = max(self.highest_limit, limit)
        rest = min((throttle.wait(now) for throttle in throttles), default=0.0)
        return Activity(len(sent), now - min(sent, default=now), limit, rest, self._doing(rest, limit))

    def _doing(self, rest: float, limit: int) -> str:
        if held := len(self.doubts.held):
            return f"{held} refused: is it the row, or does the server refuse everything?"
        if rest >= 1:
            return f"the server is left alone for {rest:.0f} s more"
        lowered = self.highest_limit > limit
        return f"at most {limit} calls at once now, {self.highest_limit} before" if lowered else ""

    def fault(self, refusal: Refusal) -> WellspringError:
        """Return the error of what every call of this role gets: the run parks, or stops if a person has to act."""
        if refusal.error is not None:
            return refusal.error
        where = ", ".join(server.name for server in self.servers)
        words = refusal.detail.partition(LAST)[2] or refusal.detail
        if refusal.reason in answers.SERVERS_FAULT and not _TIMED.search(words):
            hint = "check base_url and that the server is up, then run the same command again; nothing is lost"
            return TransientError(f"{where} does not answer: {words}", hint=hint)
        if refusal.reason in {"malformed_answer", "encoded_answer"} and not self.answered:
            hint = "base_url usually ends in /v1; see README for own servers"
            return BrokenError(f"{where} does not speak the OpenAI protocol: {words}", hint=hint)
        said = f"{where} does not serve `{self.role.model}` as it is asked ({refusal.reason}): {refusal.detail}"
        return TransientError(said, hint=complaints.remedy(refusal.detail, self.name))

    def next(self, avoid: Server | None) -> Server:
        """Return the server that the next call goes to."""
        throttles = [server.throttle for server in self.servers]
        return self.servers[choose(throttles, self.shares, avoid.throttle if avoid else None)]

    def worded(self, call: Call) -> tuple[dict[str, Any], int, int]:
        """Return a call's request, about how many tokens its prompt has, and the most it may cost in micro-USD."""
        takes_lengths = all(server.ability.get("bounds") for server in self.servers)
        request = request_of(self.role, call, takes_lengths=takes_lengths)
        said = "\n".join(message.content for message in call.prompt.messages)
        return request, tokens_of(said), self.price.micro_usd(most_tokens(said), request.get("max_tokens", 0))

    def ended(
        self, key: str, verdict: Answered | Refusal, scrub: Scrubber, *, tokens: int, attempts: int, seconds: float
    ) -> Entry:
        """Return what is recorded of a call that was answered or refused; `tokens` is for servers that do not count."""
        model = self.role.model
        if isinstance(verdict, Refusal):
            cost = self.price.micro_usd(tokens, tokens_of(verdict.detail)) if verdict.was_paid else 0
            return Entry(key, verdict.reason, model, scrub(verdict.detail), "", 0, 0, 0, cost, attempts, seconds)
        counts = (verdict.prompt_tokens, verdict.completion_tokens, verdict.cached_tokens)
        counts = counts if verdict.is_counted else (tokens, tokens_of(verdict.text), 0)
        cost = self.price.micro_usd(*counts)
        said = (model, verdict.text, verdict.finish_reason)
        parts = (verdict.thought, verdict.tool_calls, verdict.logprobs, verdict.served)
        return Entry(key, DONE, *said, *counts, cost, attempts, seconds, *parts)


CROWDED = "crowded"  # a call ran out of time while others were out


@dataclass(slots=True)
class Asking:
    """One `ask`: where its outcomes go, and the error that stopped it."""

    done: "queue.SimpleQueue[Answer | Refused | BaseException]" = field(default_factory=queue.SimpleQueue)
    stop: WellspringError | None = None


@dataclass(slots=True)
class PendingCall:
    """A call on its way: what is recorded, what goes over the wire, and what it may cost."""

    key: str
    path: str
    read: Callable[[Reply, Mapping[str, Any]], Any]
    request: Mapping[str, Any]
    tokens: int
    reserve: int
    asking: Asking
    sent: Mapping[str, Any] = field(default_factory=dict)
    sent_at: float = 0.0  # monotonic seconds
    attempts: int = 0
    failures: int = 0
    limited: int = 0
    thought_only: int = 0
    ran_out: int = 0
    wasted: int = 0  # paid answers of no use: the next one is asked for by another seed
    not_before: dict[str, float] = field(default_factory=dict)  # by server: its wish for this call, monotonic seconds
    is_control: bool = False  # no row's: a short question to the server
    learned: dict[str, dict[str, Any]] = field(default_factory=dict)  # by server: what it knew before

    def count(self, verdict: Again) -> None:
        """Count a failed attempt: a refusal for rate is the server's state, any other may be the call's.

        A call that ran out of time while others were out is our own doing, and not counted.
        """
        self.limited += verdict.reason == "rate_limited"
        self.failures += verdict.reason not in {"rate_limited", CROWDED}
        self.thought_only += verdict.reason == "thought_only"
        self.ran_out += verdict.reason == "timeout"
        self.wasted += verdict.was_paid and verdict.reason in {
            "empty_answer",
            "thought_only",
            "malformed_answer",
            "server_error",
        }

    @property
    def is_used_up(self) -> bool:
        """Whether the same has failed so often that once more would be in vain."""
        return self.thought_only >= THOUGHT_TRIES or self.ran_out >= LONG_TRIES


@dataclass(slots=True)
class Delivery:
    """How a call ended: the verdict, the last attempt (not yet settled), and what came over the wire."""

    verdict: Any
    attempt: int
    reply: Reply | None
    seconds: float


class Sender:
    """Sends calls to servers and brings answers back, within the budget."""

    def __init__(self, journal: Journal, run_id: str, scrub: Scrubber) -> None:
        self.journal, self.run_id, self.scrub = journal, run_id, scrub
        self.stats = Stats()
        self.sending: set[Any] = set()  # those whose call is out, and may have been paid
        self.settled = asyncio.Event()  # a reservation was given back
        self.is_closing = False

    async def deliver(self, active: ActiveRole, pending: PendingCall) -> Delivery:
        """Send a call until it is answered, refused, or its attempts are used up; failed attempts are settled here.

        Raises:
            TransientError: The server is down, wants to be left alone for long, or refuses everybody alike.
            BrokenError: The server refuses the key or the form of what is asked.
        """
        active.doubts.begin()
        try:
            delivery = await self.bring(active, pending)
            if isinstance(delivery.verdict, Refusal) and delivery.verdict.reason not in NOT_IN_DOUBT:
                await self._doubt(active, pending, delivery)
            return delivery
        finally:
            active.doubts.end()

    async def _doubt(self, active: ActiveRole, pending: PendingCall, delivery: Delivery) -> None:
        """Hold a refusal until it is known to be the row's; what was learned from its words alone is unlearned."""
        verdict = delivery.verdict
        for server in active.servers:
            if server.name in pending.learned:
                server.ability = pending.learned[server.name]
        try:
            await active.doubts.wait(shape_of(pending.request), verdict, lambda: self.control(active, pending))
        except WellspringError as error:
            await self.settle_failed(pending, delivery, verdict.reason, verdict.detail)
            said = self.scrub(error.message)
            raise type(error)(said, hint=self._hint(active.servers[0], error)) from None

    async def bring(self, active: ActiveRole, pending: PendingCall) -> Delivery:
        """Send a call until it is answered or refused; whose fault a refusal is, is not asked."""
        avoid: Server | None = None
        while True:
            self._go_on(pending)
            server = await self._room(active, pending, avoid)
            delivery = await self._attempt(active, server, pending)
            verdict = delivery.verdict
            if isinstance(verdict, Again):
                pending.count(verdict)
                end = self._end(active, server, pending, verdict)
                if isinstance(end, Refusal):
                    return replace(delivery, verdict=end)
                await self.settle_failed(pending, delivery, verdict.reason, verdict.detail)
                if end is not None:
                    raise end
                avoid = server
                await asyncio.sleep(self._pause(server, pending, verdict))
            elif isinstance(verdict, Unsupported):
                if not self._learn(server, pending, verdict):
                    return replace(delivery, verdict=verdict.otherwise)
                await self.settle_failed(pending, delivery, "unsupported", verdict.detail)
            elif isinstance(verdict, Stop):
                said = f"{server.name}: {self.scrub(verdict.error.message)}"
                await self.settle_failed(pending, delivery, "stopped", said)
                # A new one: the old one's arguments, which tracebacks show, are the server's words as they came.
                raise type(verdict.error)(said, hint=self._hint(server, verdict.error))
            else:
                if isinstance(verdict, Answered) and _looks_cut(server, pending, verdict):
                    await self._see_whether_cut(active, server, pending, delivery)
                if isinstance(verdict, Answered | Embedded) and not pending.is_control:
                    self._answered(active, server, pending)
                return delivery
            self.stats.retries += 1

    async def _see_whether_cut(
        self, active: ActiveRole, server: Server, pending: PendingCall, delivery: Delivery
    ) -> None:
        """Ask as long a question of words that are a token each: a server that counts fewer cuts its prompts.

        Raises:
            TransientError: It does.
        """
        chars = sum(len(message["content"]) for message in pending.request["messages"])
        words = chars // len(FILLER)
        body = {**pending.request, "messages": [{"role": "user", "content": FILLER * words + PROBE}]}
        long = PendingCall(
            content_id("probe", body),
            pending.path,
            pending.read,
            body,
            words,
            pending.reserve,
            pending.asking,
            is_control=True,
        )
        asked = await self._attempt(active, server, long)
        await self.settle_failed(long, asked, "probe", "whether it reads a long prompt whole")
        if not isinstance(asked.verdict, Answered):
            return
        if asked.verdict.prompt_tokens >= CUT_SHARE * words:
            server.ability["fewest_per_char"] = delivery.verdict.prompt_tokens / chars
            return
        counted, model = delivery.verdict.prompt_tokens, active.role.model
        said = f"{server.name} cut the prompt: `{model}` read {counted} tokens of about {chars // 4}"
        await self.settle_failed(pending, delivery, "prompt_cut", said)
        raise TransientError(said, hint=complaints.remedy("cut the prompt", active.name))

    def _hint(self, server: Server, error: WellspringError) -> str:
        key_env = server.throttle.endpoint.key_env or "variable (none is named in key_env)"
        return error.hint.replace("{key_env}", key_env)

    def _answered(self, active: ActiveRole, server: Server, pending: PendingCall) -> None:
        """Take note of an answer: its shape is known to be answered, and what was learned on the way is true."""
        active.answered += 1
        shape = shape_of(pending.request)
        if active.doubts.answered(shape, pending.sent_at) or pending.learned:
            if not server.is_offline:
                server.ability["answered"] = [*server.ability.get("answered", ()), shape][-MOST_SHAPES:]
                if complaints.has_lengths(pending.sent):
                    server.ability.setdefault("bounds", True)
                server.remember()
            pending.learned = {}

    def _learn(self, server: Server, pending: PendingCall, verdict: Unsupported) -> bool:
        """Ask otherwise, as a server's words suggest; False if there is no other way that was not tried."""
        before = dict(server.ability)
        knows = verdict.complaint.prompt > pending.tokens
        pending.tokens = max(pending.tokens, verdict.complaint.prompt)
        is_new = server.learn(verdict.complaint, structure_of(pending.sent))
        if is_new:
            pending.learned.setdefault(server.name, before)
        # Another call may have taught it meanwhile: then this one was only asked in the old form.
        return is_new or knows or server.form(pending.request, pending.tokens) != pending.sent

    async def _room(self, active: ActiveRole, pending: PendingCall, avoid: Server | None) -> Server:
        """Return the server that takes the call, with a place booked there; one that rests is left for another."""
        while True:
            server = active.next(avoid)
            await asyncio.sleep(pending.not_before.get(server.name, 0.0) - time.monotonic())

            def is_alone(chosen: Server = server) -> bool:
                self._go_on(pending)  # a run that stops does not wait for a server's rest
                now = time.monotonic()
                return all(other is chosen or other.throttle.wait(now) for other in active.servers)

            if await server.throttle.take(pending.tokens, is_alone):
                return server

    async def _attempt(self, active: ActiveRole, server: Server, pending: PendingCall) -> Delivery:
        """Send a call once, from its place: write the intent down, send, read."""
        throttle = server.throttle
        try:
            attempt = await self._claim(active, server, pending)
            await throttle.rested(lambda: self._go_on(pending))  # a rest may have begun while the claim was written
            pending.sent = server.form(pending.request, pending.tokens)
            if pending.wasted and "seed" in pending.sent:
                pending.sent = {**pending.sent, "seed": pending.sent["seed"] + pending.wasted * RETRY_SEEDS}
            pending.attempts += 1
            self.stats.sent += 1
            throttle.out[id(pending)] = started = pending.sent_at = time.monotonic()
            is_crowded = throttle.is_crowded()
            reply: Reply | None = None
            with telemetry.span(f"call {active.name}", _about(active, server, pending), calls=True):
                try:
                    reply = await server.post(pending.path, pending.sent)
                    verdict = pending.read(reply, pending.sent)
                except HttpError as error:
                    verdict = _unreached(error)
                    if error.outcome == "timeout" and (is_crowded or throttle.is_crowded()):
                        verdict = Again(CROWDED, error.detail, was_paid=True)
                telemetry.note(_outcome(reply, verdict))
            seconds = time.monotonic() - started
            self._watch(throttle, verdict, reply, seconds, pending)
        finally:
            throttle.out.pop(id(pending), None)
            throttle.give_back()
        return Delivery(verdict, attempt, reply, seconds)

    def _watch(
        self, throttle: Throttle, verdict: Any, reply: Reply | None, seconds: float, pending: PendingCall
    ) -> None:
        """Tell the throttle what happened."""
        if isinstance(verdict, Again):
            if verdict.reason == "rate_limited":
                self.stats.rate_limited += 1
                throttle.congestion(verdict.wait_seconds)
            elif verdict.reason in {"timeout", CROWDED}:
                throttle.ran_out(seconds, was_alone=verdict.reason == "timeout")
            elif verdict.reason == "connection":
                throttle.breakage()
            elif verdict.wait_seconds:
                throttle.rest(verdict.wait_seconds)
        else:
            throttle.answer(seconds)
            if isinstance(verdict, Answered) and verdict.is_counted:
                throttle.spent(pending.tokens, verdict.prompt_tokens + verdict.completion_tokens)
        if reply is not None and (rest := answers.exhausted_for(reply.headers)):
            throttle.rest(rest)

    async def _claim(self, active: ActiveRole, server: Server, pending: PendingCall) -> int:
        """Write down that the call is about to be sent; wait if only what is set aside for others is in the way.

        Raises:
            TransientError: A cap of the budget could be passed.
        """
        while True:
            self._go_on(pending)
            self.sending.add(asyncio.current_task())
            self.settled.clear()
            claimed = await self.journal.claim(
                pending.key,
                role=active.name,
                model=active.role.model,
                request=orjson.dumps(pending.request).decode(),
                endpoint=server.name,
                run_id=self.run_id,
                reserve=pending.reserve,
            )
            if isinstance(claimed, int):
                return claimed
            self.sending.discard(asyncio.current_task())
            if not (claimed.may_pass and self.journal.ledger.reserved_micro_usd):
                raise claimed.error
            await self.settled.wait()

    def _go_on(self, pending: PendingCall) -> None:
        if pending.asking.stop is not None:
            raise pending.asking.stop
        if self.is_closing:
            raise TransientError("the run is closing", hint="run the same command again to go on")

    async def finish(self, pending: PendingCall, delivery: Delivery, entry: Entry) -> None:
        """Record how a call ended, with the money of its last attempt; the bytes of an answer are kept as they came."""
        reply = delivery.reply
        status, body = (reply.status, reply.body) if reply else (None, None)
        await self.journal.finish(
            delivery.attempt,
            entry,
            reserve=pending.reserve,
            paid=entry.cost_micro_usd,
            status=status,
            body=body if entry.state == DONE else None,
            run_id=self.run_id,
        )
        self.settled.set()

    async def settle_failed(self, pending: PendingCall, delivery: Delivery, outcome: str, detail: str) -> None:
        """Settle an attempt without an answer: a server that may have worked on it is counted as paid."""
        was_paid = getattr(delivery.verdict, "was_paid", isinstance(delivery.verdict, Answered | Embedded))
        reply = delivery.reply
        await self.journal.fail(
            delivery.attempt,
            reserve=pending.reserve,
            cost=pending.reserve if was_paid else 0,
            outcome=outcome,
            status=reply.status if reply else None,
            detail=self.scrub(detail),
            body=reply.body if reply and reply.status == answers.OK else None,
        )
        self.sending.discard(asyncio.current_task())
        self.settled.set()

    def _end(
        self, active: ActiveRole, server: Server, pending: PendingCall, verdict: Again
    ) -> Refusal | WellspringError | None:
        """Decide about a call that failed: None to try again; a refusal; an error if the server cannot be reached."""
        said = self.scrub(verdict.detail)
        if (verdict.wait_seconds or 0) > PATIENCE_SECONDS:
            return TransientError(
                f"{server.name} asks to be left alone for {verdict.wait_seconds:.0f} s ({said})",
                hint="run the same command again after that; nothing is lost",
            )
        if (
            verdict.reason == "rate_limited"
            and not active.answered
            and server.throttle.refused_seconds() > FIRST_SECONDS
        ):
            return TransientError(
                f"{server.name} answered nothing for {server.throttle.refused_seconds():.0f} s: {said}",
                hint="it takes no calls now; look at its limits, then run the same command again: nothing is lost",
            )
        is_down = verdict.reason == "connection" and not verdict.was_paid
        if is_down and active.answered and server.throttle.down_seconds() < RESTART_SECONDS:
            return None
        attempts = min(active.role.attempts, FIRST_TRIES) if is_down and not active.answered else active.role.attempts
        if not pending.is_used_up and pending.failures + pending.limited / LIMITED_PER_ATTEMPT < attempts:
            return None
        if is_down:
            return TransientError(
                f"{server.name} does not answer: {said}",
                hint="check base_url and that the server is up, then run the same command again; nothing is lost",
            )
        return Refusal(verdict.reason, f"{pending.attempts} attempts{LAST}{said}", verdict.was_paid)

    async def control(self, active: ActiveRole, pending: PendingCall) -> Refusal | None:
        """Ask one short question in the shape of a call; it is written down and paid like any call, and is no row's.

        Returns:
            None if it was answered; else why not, with the server's words.
        """
        body = dict(pending.request)
        if "messages" in body:
            body["messages"] = [{"role": "user", "content": PROBE}]
        else:
            body["input"] = [PROBE] if isinstance(body["input"], list) else PROBE
        reserve = active.price.micro_usd(most_tokens(PROBE), body.get("max_tokens", 0))
        key, tokens = content_id("probe", body), tokens_of(PROBE)
        asked = PendingCall(key, pending.path, pending.read, body, tokens, reserve, pending.asking, is_control=True)
        delivery = await self.bring(active, asked)
        await self.settle_failed(asked, delivery, "probe", "whether it answers anything")
        refusal = delivery.verdict if isinstance(delivery.verdict, Refusal) else None
        return None if refusal is not None and refusal.reason in ANSWERS else refusal

    def _pause(self, server: Server, pending: PendingCall, verdict: Again) -> float:
        """Return how long a failed call waits before it is booked again, in seconds.

        What the server wishes is kept where it is asked again: by its throttle for all calls, or by the call itself.
        """
        if verdict.wait_seconds is not None and server.throttle.endpoint.retry_after != "endpoint":
            pending.not_before[server.name] = time.monotonic() + verdict.wait_seconds
            return 0.0
        turn = pending.failures + pending.limited // 2
        return min(0.05 * 2**turn, 10.0) * (0.5 + random.random())  # noqa: S311 - only to spread calls out


ANSWERS = {"refusal", "cut_off"}  # so a model may answer a question that says nothing


def _about(active: ActiveRole, server: Server, pending: PendingCall) -> telemetry.Facts:
    """Return what a span says of a call: who is asked, and how often; nothing of what is said."""
    return {
        "gen_ai.operation.name": pending.path.strip("/").replace("/completions", ""),
        "gen_ai.request.model": active.role.model,
        "server.address": urlsplit(server.name).hostname or server.name,
        "wellspring.role": active.name,
        "wellspring.attempt": pending.attempts,
    }


def _outcome(reply: Reply | None, verdict: answers.Verdict) -> telemetry.Facts:
    """Return what a span says of how a call ended."""
    failed = getattr(verdict, "reason", type(verdict).__name__)
    return {
        "http.response.status_code": reply.status if reply else None,
        "gen_ai.response.model": getattr(verdict, "served", None),
        "gen_ai.usage.input_tokens": getattr(verdict, "prompt_tokens", None),
        "gen_ai.usage.output_tokens": getattr(verdict, "completion_tokens", None),
        "error.type": None if isinstance(verdict, Answered | Embedded) else failed,
    }


def _unreached(error: HttpError) -> Again | Stop:
    """Return what a call means that got no answer; a certificate that is not trusted will not be so later."""
    if error.outcome != "certificate":
        return Again(error.outcome, error.detail, was_paid=error.was_sent)
    return Stop(untrusted(error))


def _looks_cut(server: Server, pending: PendingCall, verdict: Answered) -> bool:
    """Whether a server's own count says that it did not read the whole prompt: some cut what is long, and say nothing.

    Only where it was seen to count well: `fewest_per_char` are the fewest tokens a character that it ever counted.
    """
    fewest = server.ability.get("fewest_per_char")
    if not fewest or not verdict.is_counted or "messages" not in pending.request:
        return False
    chars = sum(len(message["content"]) for message in pending.request["messages"])
    return chars >= CUT_LEAST_CHARS and verdict.prompt_tokens < CUT_SHARE * fewest * chars


def chunked(calls: Iterable[Call | None], size: int) -> Iterator[list[Call]]:
    """Take calls in lists of at most `size`; a None ends a list, which may be empty then: no call is at hand."""
    chunk: list[Call] = []
    for call in calls:
        if call is not None:
            chunk.append(call)
        if call is None or len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def by_role(chunk: Iterable[Call]) -> dict[str, list[Call]]:
    """Group calls by the role that they ask, in the order of each role's first."""
    found: dict[str, list[Call]] = {}
    for call in chunk:
        found.setdefault(call.role, []).append(call)
    return found
