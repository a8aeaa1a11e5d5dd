"""The model door of an estimate: what is recorded is answered from the record, the rest by the stand-in, and priced.

Nothing is sent. A call that is not recorded is counted with the role's own model and price: its prompt by the tokens
per character that the server was seen to count, its answer by the mean length of what it was seen to say; where
nothing was seen yet, by the stand-in's own answer, and `is_measured` is False.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.records import Completion
from wellspring.tasks.contracts.settings import Role, Settings
from wellspring.tasks.io.models.delivery import CHUNK_CALLS, Activity, Stats, by_role, chunked
from wellspring.tasks.io.models.llm import Vectors
from wellspring.tasks.io.protocol.anatomy import anatomy
from wellspring.tasks.io.protocol.endpoints import START_CONCURRENCY
from wellspring.tasks.io.protocol.prices import Prices, tokens_of
from wellspring.tasks.io.protocol.requests import embedding_ids, identity, request_of, role_of
from wellspring.tasks.io.protocol.servers import name_of
from wellspring.tasks.io.standin import offline
from wellspring.tasks.io.storage.journal import DONE, Journal
from wellspring.tasks.io.waits import Tick

SEEN_CALLS = 20_000  # the latest, of which a role's means are taken


@dataclass(frozen=True, slots=True)
class Seen:
    """Means over a role's latest calls: tokens of an answer, tokens a character of a request, seconds a call."""

    completion_tokens: float
    tokens_per_char: float
    seconds: float


class Rehearsal:
    """Stands where `Models` stands, for a run that is only counted."""

    def __init__(self, settings: Settings, directory: str | Path, run_id: str) -> None:
        self.settings = settings
        self.run_id = run_id
        self.stats = Stats()
        self.prices = Prices(settings.models.prices)
        self.journal = Journal(Path(directory) / "completions.sqlite", owner=f"{run_id}, an estimate")
        self.seen: dict[str, Seen | None] = {}
        self.unpriced: set[str] = set()
        self.unread: list[Completion] = []

    def role(self, name: str) -> Role:
        """Return a role's settings."""
        return role_of(self.settings, name)

    def lost_answers(self) -> int:
        """Return how many recorded answers damage to the journal has cost."""
        return self.journal.lost_rows

    def means(self, role: str) -> Seen | None:
        """Return what was seen of a role's model in this store; None if it was never asked."""
        if role not in self.seen:
            found = self.journal.select(
                "SELECT avg(c.completion_tokens), sum(c.prompt_tokens) * 1.0 / sum(length(calls.request)),"
                " avg(c.latency_seconds) FROM (SELECT * FROM completions WHERE state = 'done' ORDER BY sequence DESC"
                " LIMIT ?) AS c JOIN calls USING (completion_id) WHERE calls.role = ? AND calls.model = ?",
                (SEEN_CALLS, role, self.role(role).model),
            )[0]
            self.seen[role] = Seen(*found) if found[0] is not None else None
        return self.seen[role]

    def activity(self, role: str) -> Activity:
        """Return that nothing is out."""
        del role
        return Activity()

    def answers(
        self,
        calls: Iterable[Call | None],
        leave: Callable[[Call], None] | None = None,
        tick: Tick | None = None,
    ) -> Iterator[Answer | Refused]:
        """Answer calls as `Models.answers` would; what is not recorded is made up and counted, and none is left."""
        del leave, tick
        for chunk in chunked(calls, CHUNK_CALLS):
            for role, some in by_role(chunk).items():
                yield from self._answered(role, self.role(role), some)

    def room(self, role: str) -> int:
        """Return how many calls of a role may wait at once; none does."""
        del role
        return CHUNK_CALLS

    def _answered(self, role: str, settings: Role, calls: list[Call]) -> Iterator[Answer | Refused]:
        keyed = [(identity(settings, call), call) for call in calls]
        found = self.journal.lookup([key for key, _ in keyed])
        for key, call in keyed:
            entry = found.get(key)
            if entry is None:
                yield self._imagined(role, settings, key, call)
            elif entry.state == DONE:
                counts = (entry.prompt_tokens, entry.completion_tokens, entry.cached_tokens)
                said = (entry.text, entry.model, entry.finish_reason)
                yield Answer(call, key, *said, *counts, 0.0, is_cached=True, logprobs=entry.logprobs)
            else:
                yield Refused(call, key, entry.state, entry.text, is_cached=True)

    def _imagined(self, role: str, settings: Role, key: str, call: Call) -> Answer:
        request = request_of(settings, call)
        shown = offline.chat({**request, "model": offline.MODELS[0]})
        text, usage, seen = shown["choices"][0]["message"]["content"], shown["usage"], self.means(role)
        asked, said = usage["prompt_tokens"], usage["completion_tokens"]
        encoded = orjson.dumps(request).decode()
        if seen is not None:
            asked, said = round(seen.tokens_per_char * len(encoded)), round(seen.completion_tokens)
        price = self.prices.of(settings.model, is_batch=settings.mode == "batch")
        if not price.is_known:
            self.unpriced.add(settings.model)
        cost = price.micro_usd(asked, said) / 1e6
        self.stats.calls += 1
        self.stats.cost_usd += cost
        values = (asked, said, 0, cost)
        sequence = 2**40 + self.stats.calls  # behind all that is recorded
        self.unread.append(
            Completion(key, sequence, role, settings.model, encoded, text, "stop", *values, 1, 0.0, self.run_id)
        )
        likely = anatomy(shown["choices"][0]).logprobs
        return Answer(call, key, text, settings.model, "stop", asked, said, 0, cost, is_cached=False, logprobs=likely)

    def cut_texts(self) -> int:
        """Return that none was cut."""
        return 0

    def embed(self, texts: Iterable[str], leave: Any = None, tick: Any = None) -> Vectors:
        """Embed texts by the record if it has them all, else by the stand-in; what is not recorded is priced."""
        del leave, tick
        texts = list(texts)
        role = self.role("embedder")
        keys = embedding_ids(role, texts)
        known = self.journal.vectors(list(dict.fromkeys(keys)))
        missing = {text for key, text in zip(keys, texts, strict=True) if key not in known}
        self.stats.cost_usd += self.prices.of(role.model).micro_usd(sum(map(tokens_of, missing)), 0) / 1e6
        if missing or not texts:
            return np.stack([offline.vector(text) for text in texts]) if texts else np.zeros((0, 0), dtype=np.float32)
        return np.stack([np.frombuffer(known[key], dtype=np.float32) for key in keys])

    def completions_after(self, watermark: int, limit: int = 10_000) -> tuple[pa.Table, int]:
        """Hand over what was imagined since the last time."""
        part, self.unread = self.unread[:limit], self.unread[limit:]
        return records.to_arrow("completions", part), part[-1].sequence if part else watermark

    calls_out = 0

    def close(self) -> int:
        """Give the journal back; nothing was written to it, and no call was left without its answer."""
        self.journal.close()
        return 0

    def seconds(self, role: str, calls: int, completion_tokens: int) -> float | None:
        """Return about how long so many calls of a role take; None if nothing is known of its servers' speed.

        From its calls' mean latency; where it was never asked, from the tokens a second that its servers were seen to
        write when they were met. Divided by the calls at once that were found out, else by those that they start with.

        Args:
            role: By name.
            calls: That are not recorded.
            completion_tokens: Of all their answers.
        """
        seen, chosen = self.means(role), self.role(role)
        known = [self.journal.ability(name_of(endpoint), chosen.model) for endpoint in chosen.endpoints]
        at_once = sum(
            min(chosen.max_concurrency or endpoint.max_concurrency, _at_once(ability))
            for endpoint, ability in zip(chosen.endpoints, known, strict=True)
        )
        speeds = [ability["tokens_per_second"] for ability in known if ability.get("tokens_per_second")]
        if seen is None and not speeds:
            return None
        each = seen.seconds if seen else completion_tokens / max(calls, 1) / (sum(speeds) / len(speeds))
        return calls * each / max(at_once, 1.0)


def _at_once(ability: Mapping[str, Any]) -> float:
    most = ability.get("slots") or float("inf")
    return min(most, ability.get("concurrency") or START_CONCURRENCY)
