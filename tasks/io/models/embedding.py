"""Texts become vectors at a server: how many it takes at once, how long a text, what becomes of one it does not take.

Servers differ, and say so only when it is too late: 1 text a request or 2,048, 512 tokens a text or 32,768. So a
request that is refused is cut in two until the refusal is one text's; how many texts a server takes is remembered
(`Server.ability`). A text that is too long is cut, and that is written down; a text that is refused for itself is left
out alone. If no text at all was ever taken, it is the server, and the run stops.

    embed_texts   texts that it takes in one request, as far as was found out
    embed_tokens  longer texts (by our estimate) go alone, since one of them was too long once
    embed_width   numbers in its vectors
"""

import asyncio
import math
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson

from wellspring.tasks.contracts.errors import BrokenError, WellspringError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.models.delivery import PROBE, ActiveRole, Asking, Delivery, PendingCall, Sender
from wellspring.tasks.io.protocol import answers
from wellspring.tasks.io.protocol.answers import Embedded, Refusal, Reply
from wellspring.tasks.io.protocol.prices import most_tokens, tokens_of
from wellspring.tasks.io.storage.journal import CUT_NOTE, Entry, Journal

PATH = "/embeddings"
MOST_TEXTS = 128  # in one request, of a server that has not refused so many
LEAST_CHARS = 32  # a text is not cut shorter
MOST_CUTS = 12
MARGIN = 0.95  # of what a server says it takes: tokens are not spread evenly over a text
NEAR = 4.0  # a number that is within so many times of our estimate of a text's tokens may be the server's count

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class NotTaken(NamedTuple):
    """What a server refuses in an embedding request, with its words. Not a `Refusal`: nobody knows yet whose."""

    reason: str
    detail: str
    was_paid: bool = False


@dataclass(slots=True)
class Text:
    """A text on its way: what is sent of it, and how often it was cut."""

    key: str
    said: str
    chars: int
    cuts: int = 0


def vectors_of(reply: Reply, request: Mapping[str, Any]) -> Any:
    """Say what the reply to an embedding request means."""
    verdict = answers.judge_vectors(reply, request)
    if isinstance(verdict, Refusal):
        said = verdict.detail.removeprefix(f"HTTP {reply.status}: ")
        return NotTaken(verdict.reason, f"HTTP {reply.status}: {said}")
    if isinstance(verdict, answers.Again) and verdict.reason == "server_error" and is_too_long(verdict.detail):
        return NotTaken("too_long", verdict.detail)
    return verdict


@dataclass(slots=True)
class Embedding:
    """One request of a caller: its texts, what came of them, and how the server is asked.

    Attributes:
        found: Vectors by key, float32 bytes, of unit length.
        refused: Why the server will not take a text, by key.
        cut: About how many tokens were left of a text that was cut, by key.
    """

    active: ActiveRole
    sender: Sender
    journal: Journal
    spawn: Spawn
    width: int = 0  # of vectors that are recorded already; 0 where there are none
    found: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, NotTaken] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    asking: Asking = field(default_factory=Asking)
    is_met: bool = False  # a text was taken by this server, now or earlier

    async def embed(self, texts: Mapping[str, str]) -> None:
        """Embed texts by key; what comes back is recorded at once.

        Raises:
            TransientError: The server is down, or the budget is used up; what was answered is recorded.
            BrokenError: The server takes no text at all, or its vectors are no longer as wide as they were.
        """
        self.width = self._known("embed_width") or self.width
        self.is_met = bool(self._known("embed_width"))
        waiting = [Text(key, said, len(said)) for key, said in texts.items()]
        parts = self._parts(waiting)
        if not self.is_met:  # what the first one teaches is not paid for by all
            await self._all([self._embedded(parts[0])])
            parts = self._parts([text for part in parts[1:] for text in part])
        await self._all([self._embedded(part) for part in parts])
        for key, problem in self.refused.items():
            ended = Entry(key, problem.reason, self.active.role.model, problem.detail, "", 0, 0, 0, 0, 1, 0.0)
            request = orjson.dumps({"input": texts[key]}).decode()
            await self.journal.refuse(ended, self.active.name, request, self.sender.run_id)

    def _known(self, what: str) -> Any:
        """Return what was learned of the servers: the least of them, since any may get the next request."""
        return min((server.ability[what] for server in self.active.servers if what in server.ability), default=0)

    def _learn(self, what: str, value: Any) -> None:
        for server in self.active.servers:
            server.ability[what] = value
            if not server.is_offline:
                server.remember()

    @property
    def most_texts(self) -> int:
        """How many texts go in one request."""
        return self._known("embed_texts") or MOST_TEXTS

    def _parts(self, texts: Sequence[Text]) -> list[list[Text]]:
        """Cut texts into requests; those that may be too long go alone."""
        most, long = self.most_texts, self._known("embed_tokens") or math.inf
        short = [text for text in texts if tokens_of(text.said) <= long]
        alone = [[text] for text in texts if tokens_of(text.said) > long]
        return [short[i : i + most] for i in range(0, len(short), most)] + alone

    async def _all(self, works: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Do all of these; the first that fails stops the others, but what is out is waited for and recorded."""
        tasks = [self.spawn(work) for work in works]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        for problem in done:
            if problem is not None:
                raise problem

    async def _embedded(self, part: list[Text]) -> None:
        try:
            if len(part) > self.most_texts:
                await self._all([self._embedded(piece) for piece in self._parts(part)])
                return
            pending, delivery = await self._asked([text.said for text in part])
            verdict = delivery.verdict
            if isinstance(verdict, Embedded):
                await self._keep(part, pending, delivery)
                bad = [text for text, vector in zip(part, verdict.vectors, strict=True) if vector is None]
                problem: Any = NotTaken("malformed_answer", "its vector is missing, or is not made of numbers", True)
            else:
                await self.sender.settle_failed(pending, delivery, verdict.reason, verdict.detail)
                bad, problem = part, verdict
            if bad:
                await self._apart(bad, problem, is_whole=len(bad) == len(part))
        except WellspringError as error:
            self.asking.stop = self.asking.stop or error
            raise
        finally:
            self.sender.sending.discard(asyncio.current_task())

    async def _asked(self, texts: list[str]) -> tuple[PendingCall, Delivery]:
        request = {"model": self.active.role.model, "input": texts, "encoding_format": "float"}
        request |= self.active.role.extra_body  # such as `dimensions`
        reserve = self.active.price.micro_usd(sum(map(most_tokens, texts)), 0)
        key = content_id("embeddings", self.active.role.model, texts)
        pending = PendingCall(key, PATH, vectors_of, request, sum(map(tokens_of, texts)), reserve, self.asking)
        return pending, await self.sender.deliver(self.active, pending)

    async def _keep(self, part: Sequence[Text], pending: PendingCall, delivery: Delivery) -> None:
        """Record the vectors that came, and settle the attempt."""
        embedded: Embedded = delivery.verdict
        pairs = [(text, vector) for text, vector in zip(part, embedded.vectors, strict=True) if vector is not None]
        vectors = np.asarray([vector for _, vector in pairs], dtype=np.float32)
        if pairs:
            await self._check_width(vectors.shape[1], pending, delivery)
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        fresh = {text.key: row.tobytes() for (text, _), row in zip(pairs, vectors, strict=True)}
        paid = self.active.price.micro_usd(embedded.prompt_tokens or pending.tokens, 0)
        cut = [f"{CUT_NOTE} {len(text.said)} of {text.chars} characters" for text, _ in pairs if text.cuts]
        await self.journal.remember(
            delivery.attempt, fresh.items(), reserve=pending.reserve, paid=paid, detail=cut[0] if cut else None
        )
        self.sender.settled.set()
        self.found |= fresh
        self.cut |= {text.key: tokens_of(text.said) for text, _ in pairs if text.cuts}
        self.is_met = self.is_met or bool(pairs)
        self.sender.stats.prompt_tokens += embedded.prompt_tokens
        self.sender.stats.cost_usd += paid / 1e6
        self.sender.stats.seconds += delivery.seconds

    async def _check_width(self, width: int, pending: PendingCall, delivery: Delivery) -> None:
        if not self.width:
            self.width = width
        if width == self.width:
            if self._known("embed_width") != width:
                self._learn("embed_width", width)
            return
        model, where = self.active.role.model, self.active.servers[0].name
        said = f"{where} answers for `{model}` with vectors of {width} numbers; those before have {self.width}"
        await self.sender.settle_failed(pending, delivery, "other_width", said)
        raise BrokenError(
            said,
            hint="the server has another model under this name now: serve the one from before, or give the new one a "
            "name of its own (models.embedder.model): all texts are then embedded anew",
        )

    async def _apart(self, part: list[Text], problem: Any, *, is_whole: bool) -> None:
        """Find out what of a refused request it was that the server does not take, and ask for the rest."""
        if "encoding_format" in problem.detail and not self._is_known_not_to_take("encoding_format"):
            known = {name for server in self.active.servers for name in server.ability.get("unknown", ())}
            self._learn("unknown", sorted({*known, "encoding_format"}))
            await self._embedded(part)
        elif (most := texts_taken(problem.detail, len(part))) and is_whole:
            self._learn("embed_texts", most)
            await self._all([self._embedded(piece) for piece in self._parts(part)])
        elif len(part) == 1:
            await self._alone(part[0], problem)
        else:
            if not self.is_met:  # before a request of a hundred texts is halved down to the last one
                await self._meet(problem)
            half = -(-len(part) // 2) if is_whole else 1
            await self._embedded(part[:half])  # what it teaches is not asked for again by the others
            await self._all([self._embedded(part[i : i + half]) for i in range(half, len(part), half)])
            keys = {text.key for text in part}
            if is_whole and not keys & (self.cut.keys() | self.refused.keys()):  # so it was their number
                self._learn("embed_texts", min(half, self.most_texts))

    def _is_known_not_to_take(self, name: str) -> bool:
        return all(name in server.ability.get("unknown", ()) for server in self.active.servers)

    async def _meet(self, problem: Any) -> None:
        """Ask for the vector of a few words, where none came from this server yet.

        Raises:
            BrokenError: It refuses that, too.
        """
        pending, delivery = await self._asked([PROBE])
        await self.sender.settle_failed(pending, delivery, "probe", "whether it embeds anything")
        if isinstance(delivery.verdict, Embedded) and delivery.verdict.vectors[0] is not None:
            self.is_met = True
            return
        role, where = self.active.role, self.active.servers[0].name
        raise BrokenError(
            f"{where} refused to embed any text with `{role.model}`: {self.sender.scrub(problem.detail)}",
            hint="check models.embedder.model and its endpoints; what the server wants in each request besides goes "
            "into models.embedder.extra_body",
        )

    async def _alone(self, text: Text, problem: Any) -> None:
        """Cut a text that may be too long, or leave it out."""
        if not self.is_met:
            await self._meet(problem)
        is_long = problem.reason == "too_long" or is_too_long(problem.detail)
        chars = shorter(text.said, problem.detail) if is_long else len(text.said) // 2
        is_worth_it = is_long or problem.reason == "bad_request"  # words that say nothing may mean its length
        if not is_worth_it or chars < LEAST_CHARS or text.cuts >= MOST_CUTS:
            detail = self.sender.scrub(problem.detail)
            self.refused.setdefault(text.key, NotTaken(problem.reason, detail))
            return
        cut = Text(text.key, text.said[:chars].rstrip(), text.chars, text.cuts + 1)
        await self._embedded([cut])
        if text.key in self.refused and text.cuts == 0:  # its length was not it: what was said of the whole is told
            self.refused[text.key] = NotTaken(problem.reason, self.sender.scrub(problem.detail))
        elif text.key in self.cut and text.cuts == 0:
            self._learn("embed_tokens", min(self._known("embed_tokens") or math.inf, self.cut[text.key]))


_NUMBER = re.compile(r"\d[\d,_]*\d|\d")
_TEXTS = re.compile(
    r"batch.?size|\bbatch\b|number of (?:inputs|texts|documents|items)|(?:too many|list of|array of) \w*|\barray\b"
    r"|\bitems\b|inputs? (?:list|array)|\b(?:inputs|texts|documents|requests)\b",
    re.IGNORECASE,
)
_SIZE = r"(?:tokens?|characters?|chars|words|length)"
_OVER = r"(?:exceed\w*|max\w*|more than|longer than|less than|at most|up to|limit\w*|over)"
_TOO_LONG = re.compile(
    rf"too (?:long|large|big)|context.{{0,20}}(?:length|size|window|limit)|payload"
    rf"|{_SIZE}.{{0,60}}{_OVER}|{_OVER}.{{0,60}}{_SIZE}",
    re.IGNORECASE | re.DOTALL,
)
_MOST = re.compile(
    r"(?:max\w*|at most|limit\w*|(?:larger|greater|more|longer|less|fewer) than|up to|allowed|exceed\w*|>=?)"
    r"\D{0,40}?(\d[\d,_]*)",
    re.IGNORECASE,
)


def is_too_long(words: str) -> bool:
    """Whether a server's words are about the length of what it was sent."""
    return bool(_TOO_LONG.search(words))


def texts_taken(words: str, sent: int) -> int:
    """Return how many texts a server says that it takes at once, 0 if its words are not about that.

    Args:
        words: Such as `batch size 64 exceeds maximum 32`.
        sent: How many it was sent.
    """
    if sent == 1 or not _TEXTS.search(words) or re.search(r"\btokens?\b", words, re.IGNORECASE):
        return 0  # llama.cpp's "physical batch size" counts tokens
    return next((most for found in _MOST.findall(words) if 0 < (most := _int(found)) < sent), 0)


def shorter(text: str, words: str) -> int:
    """Return to how many characters a text is to be cut that a server finds too long: to what it names, else to half.

    Args:
        text: As it was sent.
        words: Such as `maximum context length is 512 tokens, however you requested 812 tokens`.
    """
    half = len(text) // 2
    words = re.sub(r"^HTTP \d+: ", "", words)
    numbers = sorted({_int(found) for found in _NUMBER.findall(words)})
    in_chars = re.search(r"characters?\b", words, re.IGNORECASE) is not None
    size = len(text) if in_chars else tokens_of(text)
    counted = [number for number in numbers if size / NEAR <= number <= size * NEAR]
    limits = [limit for found in _MOST.findall(words) if (limit := _int(found)) >= 1] or numbers
    for given in reversed(counted):
        below = [limit for limit in limits if limit < given] or [limit for limit in numbers if limit < given]
        if below:
            return min(int(len(text) * max(below) / given * MARGIN), len(text) - 1)
    named = [limit for limit in limits if size / NEAR**2 <= limit < size]
    return int(len(text) * max(named) / size * MARGIN) if named else half


def _int(text: str) -> int:
    return int(re.sub(r"\D", "", text))
