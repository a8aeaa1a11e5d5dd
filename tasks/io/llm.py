"""The model door: what is asked of a role's model, and its answers, each durable before anyone sees it.

Only `openai.AsyncOpenAI` speaks to servers. It runs on one event loop in one thread; `Models.ask` is the plain,
synchronous side of it. SDK retries are off: one owner of retries, each of them in the journal.
"""

import asyncio
import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from tasks.io import offline
from tasks.io.journal import Caps, Entry, Journal, committed

KEY_VERSION = 1
CHUNK_CALLS = 64  # looked up in the journal at once
EMBED_TEXTS = 128  # texts in one embedding request
DONE = "done"

Vectors = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(slots=True)
class Stats:
    """What went through the door since it was opened."""

    calls: int = 0
    cached: int = 0
    sent: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    retries: int = 0
    rate_limited: int = 0
    refusals: int = 0


def identity(role: Role, call: Call) -> str:
    """Return the completion id: a hash of what determines the answer, and of nothing else.

    In it: the version of this rule, model, messages, temperature, top_p, max_tokens, seed, answer schema, draw.
    Not in it: endpoint, key, headers, timeouts, retries, concurrency, batch or live (they change how it is sent, not
    what is asked); role and input id (two rows that ask the same share an answer); run id; how structure is asked for
    on the wire (a server's ability, remembered per endpoint).
    """
    asked = {
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
    return content_id("completion", asked)


@dataclass(slots=True)
class Reply:
    """An HTTP answer as it came: status, headers, and the exact bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Server:
    """One endpoint of a role: its OpenAI client, and how many calls it takes at once."""

    def __init__(self, role: Role, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.base_url = endpoint.base_url or os.environ.get("OPENAI_BASE_URL", "") or "https://api.openai.com/v1"
        is_offline = self.base_url == "offline"
        key = os.environ.get(endpoint.key_env, "")
        timeout = httpx2.Timeout(role.total_seconds, connect=role.connect_seconds, read=role.first_byte_seconds)
        transport = httpx2.ASGITransport(app=offline.app()) if is_offline else None
        http_client = (
            httpx2.AsyncClient(transport=transport) if transport else openai.DefaultAioHttpClient(timeout=timeout)
        )
        self.client = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url="http://offline/v1" if is_offline else self.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=http_client,
        )
        self.slots = asyncio.Semaphore(endpoint.max_concurrency)
        self.total_seconds = role.total_seconds

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send one request; any HTTP status is a reply."""
        options: Any = {"headers": {"content-type": "application/json", "accept-encoding": "identity"}}
        try:
            async with self.slots, asyncio.timeout(self.total_seconds):
                response = await self.client.post(
                    path, cast_to=httpx2.Response, content=orjson.dumps(body), options=options
                )
        except openai.APIStatusError as error:
            return Reply(error.response.status_code, error.response.headers, error.response.content)
        return Reply(response.status_code, response.headers, response.content)


def request_of(role: Role, call: Call) -> dict[str, Any]:
    """Return the request as it goes over the wire; stable text first, so that a provider's prompt cache can hold it."""
    body: dict[str, Any] = {
        "model": role.model,
        "messages": [{"role": message.role, "content": message.content} for message in call.prompt.messages],
        "temperature": role.temperature if call.temperature is None else call.temperature,
        "top_p": role.top_p,
        "max_tokens": call.max_tokens or role.max_tokens,
    }
    if role.seed is not None:
        body["seed"] = role.seed + call.draw
    if call.prompt.schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": call.prompt.schema_name, "schema": call.prompt.schema},
        }
    return body


class Models:
    """The roles' models, behind one door. Open it once per run; close it to give the journal back."""

    def __init__(self, settings: Settings, directory: Path, run_id: str) -> None:
        self.settings, self.run_id = settings, run_id
        self.stats = Stats()
        budget = settings.budget
        caps = Caps(int(budget.max_cost_usd * 1e6) if budget.max_cost_usd else None, budget.max_calls or None)
        self.journal = Journal(Path(directory) / "completions.sqlite", caps=caps)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="models", daemon=True)
        self.thread.start()
        self.servers: dict[str, list[Server]] = {}

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    async def _servers(self, name: str, role: Role) -> list[Server]:
        if name not in self.servers:
            self.servers[name] = [Server(role, endpoint) for endpoint in role.endpoints]
        return self.servers[name]

    def role(self, name: str) -> Role:
        """Return a role's settings.

        Raises:
            UsageError: There is no such role.
        """
        role = getattr(self.settings.models, name, None)
        if not isinstance(role, Role):
            known = [n for n in type(self.settings.models).model_fields if n != "prices"]
            raise UsageError(f"there is no role `{name}`", hint=f"there are: {', '.join(known)}")
        return role

    def ask(self, role: str, calls: Iterable[Call]) -> Iterator[Answer | Refused]:
        """Ask a role's model; answers come in the order in which they are complete.

        `calls` is consumed as room is there, so it may be long. What is recorded is answered from the journal.

        Raises:
            TransientError: The budget or the server's quota is used up; what was answered came out first.
            BrokenError: The key is wrong, or the journal's disk is full.
        """
        settings = self.role(role)
        servers = self._run(self._servers(role, settings))
        room = 2 * sum(server.endpoint.max_concurrency for server in servers)
        done: queue.SimpleQueue[Answer | Refused | WellspringError] = queue.SimpleQueue()
        waiting, stop = 0, None
        for chunk in _chunks(calls, CHUNK_CALLS):
            fresh = yield from self._recorded(settings, chunk)
            if self.settings.replay and fresh:
                raise BrokenError(
                    f"{len(fresh)} calls of `{role}` are not recorded, the first for input {fresh[0][1].input_id}",
                    hint="`--replay` sends nothing; run without it to ask for these",
                )
            for key, call in fresh:
                asyncio.run_coroutine_threadsafe(
                    self._settle(role, settings, servers[0], key, call, done.put), self.loop
                )
                waiting += 1
            while waiting > room and stop is None:
                outcome, waiting = done.get(), waiting - 1
                if isinstance(outcome, WellspringError):
                    stop = outcome
                else:
                    yield outcome
            if stop is not None:
                break
        while waiting:
            outcome, waiting = done.get(), waiting - 1
            if isinstance(outcome, WellspringError):
                stop = stop or outcome
            else:
                yield outcome
        if stop is not None:
            raise stop

    def _recorded(self, role: Role, chunk: list[Call]) -> Iterator[Answer | Refused]:
        keyed = [(identity(role, call), call) for call in chunk]
        found = self.journal.lookup([key for key, _ in keyed])
        for key, call in keyed:
            if key in found:
                self.stats.calls += 1
                self.stats.cached += 1
                yield _outcome(call, found[key], is_cached=True)
        return [(key, call) for key, call in keyed if key not in found]

    async def _settle(
        self,
        name: str,
        role: Role,
        server: Server,
        key: str,
        call: Call,
        put: Callable[[Answer | Refused | WellspringError], None],
    ) -> None:
        try:
            entry = await self._asked(name, role, server, key, call)
        except WellspringError as error:
            put(error)
            return
        except Exception as error:  # a bug must reach the caller's thread, which would wait for ever otherwise
            put(BrokenError(f"call {key} broke: {type(error).__name__}: {error}"))
            raise
        put(_outcome(call, entry, is_cached=False))

    async def _asked(self, name: str, role: Role, server: Server, key: str, call: Call) -> Entry:
        body = request_of(role, call)
        request = orjson.dumps(body).decode()
        last, attempt = "", 0
        for number in range(1, role.attempts + 1):
            attempt = await committed(
                self.journal.claim(
                    key,
                    role=name,
                    model=role.model,
                    request=request,
                    endpoint=server.base_url,
                    run_id=self.run_id,
                    reserve=0,
                )
            )
            self.stats.sent += 1
            started = time.monotonic()
            try:
                reply = await server.post("/chat/completions", body)
            except (openai.APIError, TimeoutError, httpx2.HTTPError) as error:
                last = f"{type(error).__name__}"
                await committed(
                    self.journal.fail(attempt, reserve=0, cost=0, outcome="connection", status=None, detail=last)
                )
                await self._pause(number)
                continue
            entry = _read(key, reply, number, time.monotonic() - started)
            if entry is not None:
                await committed(
                    self.journal.finish(
                        attempt, entry, reserve=0, paid=0, status=reply.status, body=reply.body, run_id=self.run_id
                    )
                )
                self._count(entry)
                return entry
            last = reply.body[:300].decode("utf-8", "replace")
            await committed(
                self.journal.fail(attempt, reserve=0, cost=0, outcome="server", status=reply.status, detail=last)
            )
            self.stats.rate_limited += reply.status == httpx2.codes.TOO_MANY_REQUESTS
            await self._pause(number)
        entry = Entry(key, "attempts_used_up", role.model, last, "", 0, 0, 0, 0, role.attempts, 0.0)
        await committed(
            self.journal.finish(attempt, entry, reserve=0, paid=0, status=None, body=None, run_id=self.run_id)
        )
        self._count(entry)
        return entry

    async def _pause(self, number: int) -> None:
        self.stats.retries += 1
        await asyncio.sleep(min(0.1 * 2**number, 10))

    def _count(self, entry: Entry) -> None:
        self.stats.calls += 1
        self.stats.prompt_tokens += entry.prompt_tokens
        self.stats.completion_tokens += entry.completion_tokens
        self.stats.cost_usd += entry.cost_micro_usd / 1e6
        self.stats.refusals += entry.state != DONE

    def embed(self, texts: Iterable[str]) -> Vectors:
        """Embed texts through the role `embedder`: (n, d) float32, rows of unit length; each paid once."""
        role = self.role("embedder")
        server = self._run(self._servers("embedder", role))[0]
        texts = list(texts)
        keys = [content_id("embedding", KEY_VERSION, role.model, text) for text in texts]
        known = self.journal.vectors(keys)
        missing = list({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
        parts = [missing[i : i + EMBED_TEXTS] for i in range(0, len(missing), EMBED_TEXTS)]

        async def embed_all() -> None:
            for fresh in await asyncio.gather(*(self._embedded(role, server, part) for part in parts)):
                known.update(fresh)

        self._run(embed_all())
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([np.frombuffer(known[key], dtype=np.float32) for key in keys])

    async def _embedded(self, role: Role, server: Server, part: list[tuple[str, str]]) -> dict[str, bytes]:
        body = {"model": role.model, "input": [text for _, text in part]}
        attempt = await committed(
            self.journal.claim(
                content_id("embeddings", [key for key, _ in part]),
                role="embedder",
                model=role.model,
                request="",
                endpoint=server.base_url,
                run_id=self.run_id,
                reserve=0,
            )
        )
        reply = await server.post("/embeddings", body)
        if reply.status != httpx2.codes.OK:
            raise TransientError(
                f"embedding {len(part)} texts gave HTTP {reply.status}: {reply.body[:200].decode('utf-8', 'replace')}"
            )
        data = sorted(orjson.loads(reply.body)["data"], key=lambda item: item["index"])
        vectors = np.asarray([item["embedding"] for item in data], dtype=np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        fresh = {key: row.tobytes() for (key, _), row in zip(part, vectors, strict=True)}
        await committed(self.journal.remember(attempt, fresh.items(), reserve=0, paid=0))
        return fresh

    def completions_after(self, watermark: int, limit: int = 10_000) -> tuple[pa.Table, int]:
        """Return ended calls recorded after a watermark (0 at first) as rows of `completions`, and where it got."""
        rows = self.journal.after(watermark, limit)
        schema = records.schema("completions")
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
        table = pa.Table.from_arrays(
            [pa.array(c, type=f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
        )
        return table, rows[-1][1] if rows else watermark

    def close(self) -> None:
        """Stop the loop, commit what is queued, give the journal back."""

        async def close_clients() -> None:
            for server in itertools.chain.from_iterable(self.servers.values()):
                await server.client.close()

        self._run(close_clients())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _chunks(calls: Iterable[Call], size: int) -> Iterator[list[Call]]:
    calls = iter(calls)
    while chunk := list(itertools.islice(calls, size)):
        yield chunk


def _outcome(call: Call, entry: Entry, *, is_cached: bool) -> Answer | Refused:
    if entry.state != DONE:
        return Refused(call, entry.completion_id, entry.state, entry.text)
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


def _read(key: str, reply: Reply, number: int, seconds: float) -> Entry | None:
    """Read a reply: an answer, a refusal that no retry would change, or None for try again."""
    if reply.status in {400, 404, 413, 422}:
        return Entry(
            key, "bad_request", "", reply.body[:500].decode("utf-8", "replace"), "", 0, 0, 0, 0, number, seconds
        )
    if reply.status in {401, 403}:
        raise BrokenError(
            f"the server refused the key (HTTP {reply.status})",
            hint="check the environment variable that holds the key",
        )
    if reply.status != httpx2.codes.OK:
        return None
    try:
        body = orjson.loads(reply.body)
        choice = body["choices"][0]
        text = choice["message"]["content"]
        usage = body.get("usage") or {}
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    if not isinstance(text, str):
        return None
    model, finish = str(body.get("model", "")), str(choice.get("finish_reason") or "")
    asked, said = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    return Entry(key, DONE, model, text, finish, asked, said, 0, 0, number, seconds)
