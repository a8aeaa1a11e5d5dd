"""The model door: what is asked of a role's model, and its answers, each durable before anyone sees it.

`Models` is the plain, synchronous side; servers are spoken to on one event loop in one thread (`delivery.py`), or by
batch jobs (`batches.py`).
"""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import BrokenError, UsageError, WellspringError
from wellspring.tasks.contracts.settings import Role, Settings
from wellspring.tasks.io import waits
from wellspring.tasks.io.models import acquaintance
from wellspring.tasks.io.models.batches import Batches, Post
from wellspring.tasks.io.models.delivery import (
    APIS,
    CHUNK_CALLS,
    ActiveRole,
    Activity,
    Asking,
    PendingCall,
    Sender,
    by_role,
    chunked,
)
from wellspring.tasks.io.models.embedding import Embedding, NotTaken
from wellspring.tasks.io.protocol.keys import Scrubber
from wellspring.tasks.io.protocol.prices import Prices
from wellspring.tasks.io.protocol.requests import embedding_ids, identity, role_of
from wellspring.tasks.io.protocol.servers import Server
from wellspring.tasks.io.storage.journal import DONE, Caps, Entry, Journal, cut_texts

GRACE_SECONDS = 5.0  # for calls that are out when the door closes
LAST_ENDED = 1000  # calls that are remembered, for the moment between a look-up and its calls

Vectors = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(slots=True)
class _Exchange:
    """One `answers` at work: what waits for its answer, what batch jobs are for, and the room there is."""

    leave: Callable[[Call], None]
    tick: waits.Tick | None
    asking: Asking = field(default_factory=Asking)
    posts: dict[str, Post] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)  # live roles with calls that a batch job is out for
    waiting: int = 0
    room: int = 0


class Models:
    """The roles' models, behind one door. Open it once per run; close it to give the journal back."""

    def __init__(self, settings: Settings, directory: str | Path, run_id: str) -> None:
        self.settings, self.run_id = settings, run_id
        self.scrub = Scrubber()
        self.prices = Prices(settings.models.prices)
        budget = settings.budget
        caps = Caps(round(budget.max_cost_usd * 1e6) if budget.max_cost_usd else None, budget.max_calls or None)
        self.journal = Journal(Path(directory) / "completions.sqlite", caps=caps, owner=run_id)
        self.sender = Sender(self.journal, run_id, self.scrub)
        self.stats = self.sender.stats
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="models", daemon=True)
        self.thread.start()
        self.batches = Batches(self.sender, self.prices, self.run, self.active)
        self.doors: dict[str, ActiveRole] = {}
        self.opening = threading.Lock()
        self.tasks: set[asyncio.Task[None]] = set()
        self.in_flight: dict[str, asyncio.Future[Entry]] = {}
        self.ended: dict[str, tuple[float, Entry]] = {}  # the last calls, and when: a look-up before that missed them

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, coroutine: Coroutine[Any, Any, Any], tick: waits.Tick | None = None) -> Any:
        """Run a coroutine on the door's loop and wait for it; Ctrl-C is answered at once, and ends it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return waits.result(future, tick)
        except BaseException:
            future.cancel()
            raise

    def role(self, name: str) -> Role:
        """Return a role's settings.

        Raises:
            UsageError: There is no such role.
        """
        return role_of(self.settings, name)

    def active(self, name: str) -> ActiveRole:
        """Return a role with its servers, made at its first use.

        Raises:
            UsageError: A budget is set, but nobody knows what the model costs.
        """
        with self.opening:  # threads may ask at once; each role has one
            return self.doors.get(name) or self._opened(name)

    def meet(
        self, roles: Iterable[str], *, again: bool = False, say: Callable[[str], None] = lambda _: None
    ) -> dict[str, Mapping[str, Any]]:
        """Learn the servers of roles before anything is paid; returns what is known of each, by address and model.

        Args:
            roles: By name.
            again: Ask also those that are known.
            say: Is told which server is asked, that it is still waited for, and what was learned.

        Raises:
            TransientError: One does not answer.
            BrokenError: One refuses the key, the model's name or the form of what is asked.
        """
        known: dict[str, Mapping[str, Any]] = {}
        for active in map(self.active, roles):
            for server in active.servers:
                name = f"{server.name} {active.role.model}"
                server.ability |= self.journal.ability(server.name, active.role.model)  # another role may have asked it
                if name not in known and acquaintance.is_due(active, server, again=again):
                    say(f"{server.name}: asking `{active.role.model}` two short questions, to learn what it takes")
                    meeting = acquaintance.meet(self.sender, active, server)
                    self.run(meeting, waits.said_now_and_then(say, f"{server.name}: not answered yet"))
                    say(f"{server.name}: {acquaintance.described(server.ability)}")
                known[name] = server.ability
                server.fit()
        return known

    def _opened(self, name: str) -> ActiveRole:
        role = self.role(name)
        price = self.prices.of(role.model, is_batch=role.mode == "batch")
        if self.journal.caps.micro_usd is not None and not price.is_known:
            raise UsageError(
                f"budget.max_cost_usd is set, but the price of `{role.model}` is in no table",
                hint="copy tasks/io/protocol/prices.toml, add the model, and name the copy in models.prices",
            )

        async def connect() -> list[Server]:
            return [Server(role, endpoint, self.journal, self.scrub) for endpoint in role.endpoints]

        servers = self.run(connect())
        self.doors[name] = ActiveRole(name, role, price, servers, [0.0] * len(servers))
        return self.doors[name]

    def ask(
        self,
        role: str,
        calls: Iterable[Call],
        leave: Callable[[Call], None] | None = None,
        tick: waits.Tick | None = None,
    ) -> Iterator[Answer | Refused]:
        """Ask one role's model; `answers` says how."""
        yield from self.answers((replace(call, role=role) for call in calls), leave, tick)

    def answers(
        self,
        calls: Iterable[Call | None],
        leave: Callable[[Call], None] | None = None,
        tick: waits.Tick | None = None,
    ) -> Iterator[Answer | Refused]:
        """Ask the models of the roles that calls name; answers come in the order in which they are complete.

        `calls` is consumed as room is there, so it may be long. What is recorded is answered from the journal.

        Args:
            calls: What to ask. A None among them says that the next call depends on an answer that is out.
            leave: Told of each call that a batch job is out for, also where the role is live by now; the caller has to
                ask for it again. Without it, such calls are held in memory until their jobs end.
            tick: Called about twice a second while nothing comes.

        Raises:
            TransientError: The budget, the quota or the server's patience is used up, or batch jobs are running; what
                was answered came out first.
            BrokenError: The key is wrong, the journal's disk is full, or `replay` needs a call that is not recorded.
        """
        held: list[Call] = []
        while True:
            yield from self._exchanged(_Exchange(leave or held.append, tick), calls)
            if not held:
                return
            calls, held = held, []

    def room(self, role: str) -> int:
        """Return how many calls of a role may wait at once: twice as many as its servers may be asked at once."""
        settings = self.role(role)
        return 2 * sum(settings.max_concurrency or endpoint.max_concurrency for endpoint in settings.endpoints)

    def _exchanged(self, at: "_Exchange", calls: Iterable[Call | None]) -> Iterator[Answer | Refused]:
        try:
            for chunk in chunked(calls, CHUNK_CALLS):
                for role, some in by_role(chunk).items():
                    yield from self._sent(at, role, some)
                yield from self._awaited(at, is_at_hand=bool(chunk))
                if at.asking.stop is not None:
                    break
            while at.waiting:
                yield from self._taken(at)
            if at.asking.stop is not None:
                raise at.asking.stop
            for post in at.posts.values():
                post.send()
        finally:
            for post in at.posts.values():
                post.drop()
        if not any(post.has_waited(at.tick) for post in at.posts.values()):
            for role in at.left:
                self.batches.rest(self.active(role), at.tick)

    def _awaited(self, at: "_Exchange", *, is_at_hand: bool) -> Iterator[Answer | Refused]:
        """Take what is answered; wait where there is no room, and once where no other call is at hand."""
        while at.waiting and (at.waiting > at.room or not is_at_hand or not at.asking.done.empty()):
            is_at_hand = True
            yield from self._taken(at)

    def _sent(self, at: "_Exchange", role: str, calls: list[Call]) -> Iterator[Answer | Refused]:
        """Answer what is recorded of a role's calls, and send the others, or post them for a batch job."""
        settings = self.role(role)
        if settings.mode == "batch" and not self.settings.replay:
            if role not in at.posts:
                at.posts[role] = self.batches.post(self.active(role))
            yield from at.posts[role].take(calls, self._recorded, at.leave)
            return
        looked = time.monotonic()
        fresh = yield from self._recorded(settings, calls)
        if not fresh:
            return
        self._refuse_in_replay(role, fresh)
        active = self.active(role)
        fresh, out = yield from self.batches.live(active, fresh, self._recorded)
        for _, call in out:
            at.leave(call)
            at.left.add(role)
        at.room = max(at.room, self.room(role))
        self.loop.call_soon_threadsafe(self._start, active, fresh, at.asking, looked)
        at.waiting += len(fresh)

    def cancel(self, role: str, job_id: str = "all") -> int:
        """Cancel a role's batch jobs, or one by its id or nonce; what they answered until then is kept."""
        return self.batches.cancel(role, job_id)

    def activity(self, role: str) -> Activity:
        """Return what a role's servers are doing just now; cheap, from any thread."""
        active = self.doors.get(role)
        return active.activity() if active else Activity()

    def _taken(self, at: "_Exchange") -> Iterator[Answer | Refused]:
        at.waiting -= 1
        outcome = waits.taken(at.asking.done, at.tick)
        if isinstance(outcome, WellspringError):
            at.asking.stop = at.asking.stop or outcome
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
                is_fresh = self.batches.is_fresh(key)  # a batch job brought it just now
                self.stats.cached += not is_fresh
                yield outcome(call, found[key], is_cached=not is_fresh)
        return [(key, call) for key, call in keyed if key not in found]

    def _refuse_in_replay(self, role: str, fresh: Sequence[tuple[str, Call]]) -> None:
        if self.settings.replay:
            raise BrokenError(
                f"a call of `{role}` is not recorded: {fresh[0][0]} for input {fresh[0][1].input_id}",
                hint="`--replay` sends nothing; run without it to ask for what is new",
            )

    def _start(self, active: ActiveRole, fresh: Sequence[tuple[str, Call]], asking: Asking, looked: float) -> None:
        for key, call in fresh:
            task = self.loop.create_task(self._settle(active, key, call, asking, looked))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _settle(self, active: ActiveRole, key: str, call: Call, asking: Asking, looked: float) -> None:
        """Answer a call that was not recorded when it was looked up; what has ended since is not asked again."""
        try:
            if key in self.in_flight:  # the same was just asked for another row
                entry, is_cached = await asyncio.shield(self.in_flight[key]), True
            elif key in self.ended and self.ended[key][0] >= looked:  # and answered, while this one was on its way
                entry, is_cached = self.ended[key][1], True
            else:
                entry, is_cached = await self._shared(active, key, call, asking), False
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread, which would wait for ever otherwise
            if isinstance(error, WellspringError) and asking.stop is None:
                asking.stop = error
            asking.done.put(error)
        else:
            asking.done.put(outcome(call, entry, is_cached=is_cached))
        finally:
            self.sender.sending.discard(asyncio.current_task())

    async def _shared(self, active: ActiveRole, key: str, call: Call, asking: Asking) -> Entry:
        self.in_flight[key] = future = self.loop.create_future()
        try:
            entry = await self._answered(active, key, call, asking)
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # seen: nobody else may be waiting
            raise
        else:
            future.set_result(entry)
            self.ended.pop(key, None)
            self.ended[key] = (time.monotonic(), entry)
            while len(self.ended) > LAST_ENDED:
                del self.ended[next(iter(self.ended))]
            return entry
        finally:
            del self.in_flight[key]

    async def _answered(self, active: ActiveRole, key: str, call: Call, asking: Asking) -> Entry:
        """Ask for one call until it is answered or refused, and record which."""
        request, tokens, reserve = active.worded(call)
        pending = PendingCall(key, *APIS[active.role.api], request, tokens, reserve, asking)
        delivery = await self.sender.deliver(active, pending)
        entry = active.ended(
            key, delivery.verdict, self.scrub, tokens=tokens, attempts=pending.attempts, seconds=delivery.seconds
        )
        await self.sender.finish(pending, delivery, entry)
        self.stats.count(entry)
        return entry

    def embed(
        self,
        texts: Iterable[str],
        leave: Callable[[int, NotTaken], None] | None = None,
        tick: Callable[[int], None] | None = None,
    ) -> Vectors:
        """Embed texts through the role `embedder`; each distinct text is paid once.

        Args:
            texts: What to embed.
            leave: Told of each text, by its place, that the server will not take; its row is zeros. Without it, such
                a text is an error.
            tick: Called about twice a second while vectors are waited for, with how many texts are done.

        Returns:
            (n, d) float32, rows of unit length, in the order of the texts.

        Raises:
            TransientError: The server is down, or the budget is used up; what was answered is recorded.
            BrokenError: The server takes no text, its vectors are not what they were, or `replay` needs one that is
                not recorded.
        """
        role = self.role("embedder")
        texts = list(texts)
        keys = embedding_ids(role, texts)
        known = self.journal.vectors(list(dict.fromkeys(keys)))
        rest = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        refused = {key: NotTaken(end.state, end.text) for key, end in self.journal.lookup(list(rest)).items()}
        missing = {key: text for key, text in rest.items() if key not in refused}
        self.stats.calls += len(texts)
        self.stats.cached += len(texts) - len(missing)
        if missing and self.settings.replay:
            raise BrokenError("an embedding is not recorded", hint="`--replay` sends nothing; run without it")
        if missing:
            embedding = self._embedding(known)
            future = asyncio.run_coroutine_threadsafe(embedding.embed(missing), self.loop)
            waits.result(future, lambda: tick(len(embedding.found) + len(embedding.refused)) if tick else None)
            known |= embedding.found
            refused |= embedding.refused
        width = max((len(vector) // 4 for vector in known.values()), default=0)
        nothing = np.zeros(width, dtype=np.float32).tobytes()
        for place, key in enumerate(keys):
            if (problem := refused.get(key)) is None:
                continue
            if leave is None:
                raise BrokenError(
                    f"`{role.model}` refused to embed a text of {len(texts[place])} characters: {problem.detail}",
                    hint="the text is its own problem, others are embedded: leave it out, or choose another embedder",
                )
            leave(place, problem)
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([np.frombuffer(known.get(key, nothing), dtype=np.float32) for key in keys])

    def _embedding(self, known: Mapping[str, bytes]) -> Embedding:
        """Return how texts of one request become vectors; its tasks are those that `close` waits for."""

        def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            task = self.loop.create_task(work)
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            return task

        width = min((len(vector) // 4 for vector in known.values()), default=0)
        return Embedding(self.active("embedder"), self.sender, self.journal, spawn, width)

    def cut_texts(self) -> int:
        """Return how many texts were cut for the embedder in this store, since its server takes no longer ones."""
        return cut_texts(self.journal.path)

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

    @property
    def calls_out(self) -> int:
        """How many calls were sent, or are about to be, and have no answer yet."""
        return len(self.sender.sending)

    def close(self) -> int:
        """Let calls that are out finish for a moment, stop the loop, commit what is queued, give the journal back.

        Returns:
            How many calls were left without their answer; the server may have been paid for them.
        """
        if self.sender.is_closing:
            return 0

        async def finish() -> int:
            self.sender.is_closing = True
            until = time.monotonic() + GRACE_SECONDS
            while (out := self.tasks & self.sender.sending) and (left := until - time.monotonic()) > 0:
                await asyncio.wait(out, timeout=left)
            left_out = len(self.tasks & self.sender.sending)
            deciding = [task for active in self.doors.values() for task in active.doubts.close()]
            for task in (*self.tasks, *deciding):
                task.cancel()
            await asyncio.gather(*self.tasks, *deciding, return_exceptions=True)
            for server in itertools.chain.from_iterable(active.servers for active in self.doors.values()):
                if server.ability.get("met"):
                    server.ability["concurrency"] = round(server.throttle.limit, 1)
                    server.remember()
                await server.client.close()
                await server.bulk.close()
            await asyncio.sleep(0.01)  # transports close some turns of the loop later
            return left_out

        left = self.run(finish())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.journal.close()
        return left


def outcome(call: Call, entry: Entry, *, is_cached: bool) -> Answer | Refused:
    """Return what a caller gets for a call that ended."""
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
        entry.thought,
        entry.tool_calls,
        entry.logprobs,
        entry.served,
    )
