"""Files and batch jobs as a server has them: sent, looked for, read and stopped; whatever it says is a value.

The SDK's own types are not used: they take any JSON for a job, and fail where a field is first touched. What a server
says to one request is a `Said`; a request that got no whole answer is one, too, with status 0.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import IO, Any, Literal, NamedTuple
from urllib.parse import quote

import httpx2
import openai
import orjson

from wellspring.tasks.contracts import outside
from wellspring.tasks.io.protocol.http_client import HttpError
from wellspring.tasks.io.protocol.keys import Scrubber
from wellspring.tasks.io.protocol.servers import Server

LINES = 500  # of results, taken at once
LIST_PAGES = 50  # of a hundred jobs, newest first
WORDS_CHARS = 500
OK, GONE = range(200, 300), {400, 404, 405, 410, 422}
KEY = {401, 403}
PERHAPS = {408, 409, 425}  # beside all from 500 on: it may have been done all the same

Kind = Literal["tokens", "bytes", "calls", "quota", "other"]
_TOKENS = re.compile(
    r"token_limit|enqueued|token.?limit|too many tokens|tokens? (?:in|per) (?:the |a )?(?:batch|queue)"
)
_CALLS = re.compile(
    r"too_many|too many (?:lines|tasks|entries|rows)|(?:number of|many|max\w*|\d) (?:requests|lines|tasks)\b.{0,60}"
    r"(?:limit|max|exceed|batch|file|allowed)|(?:limit|max|exceed)\w*.{0,60}\b(?:requests|lines|tasks)\b"
)
_BYTES = re.compile(
    r"(?:file|batch|body|payload|upload|content|entity|input)\b.{0,60}too.(?:large|big|long)|too.(?:large|big).{0,40}file"
    r"|file_?size|(?:limit|max|exceed)\w*.{0,60}\b(?:file|size|bytes|[kmg]i?b)\b"
)
_QUOTA = re.compile(r"quota|billing|payment|insufficient.{0,10}(?:funds|credit|balance)|hard.limit")
_TOKENS_MOST = re.compile(r"limit\D{0,20}?(\d[\d,_]*)(?: enqueued)? tokens")


class Said(NamedTuple):
    """What a server said to one request; `words` are for people, free of keys."""

    status: int  # 0: no whole answer came
    body: Mapping[str, Any]  # empty where it was no JSON object
    code: str
    words: str
    was_sent: bool = True

    @property
    def is_ok(self) -> bool:
        """Whether it was done, and the answer can be read."""
        return self.status in OK and bool(self.body)

    @property
    def is_open(self) -> bool:
        """Whether it is not known if it was done."""
        if self.status == 0:
            return self.was_sent
        return self.status >= 500 or self.status in PERHAPS or (self.status in OK and not self.body)  # noqa: PLR2004 - server errors

    @property
    def is_gone(self) -> bool:
        """Whether the server has no such thing: asked again later, it will not have it either."""
        return self.status in GONE

    @property
    def is_key(self) -> bool:
        """Whether the key was refused."""
        return self.status in KEY

    @property
    def kind(self) -> Kind:
        """What a refusal of a whole job, or of its file, is about."""
        return kind_of(self.code, self.words, self.status)


def kind_of(code: str, words: str, status: int = 0) -> Kind:
    """Return what a server that will not take a job speaks of: tokens at once, its bytes or calls, the quota."""
    said = f"{code} {words}".lower()
    if _TOKENS.search(said):
        return "tokens"
    if status == 413:  # noqa: PLR2004 - content too large
        return "bytes"
    if status != 429 and _CALLS.search(said):  # noqa: PLR2004 - a rate
        return "calls"
    if status != 429 and _BYTES.search(said):  # noqa: PLR2004 - a rate
        return "bytes"
    return "quota" if status == 402 or _QUOTA.search(said) else "other"  # noqa: PLR2004 - payment required


def most_tokens_of(words: str) -> int | None:
    """Return how many tokens at once the server says it takes, if it says so."""
    found = _TOKENS_MOST.search(words.lower())
    return int(re.sub(r"\D", "", found[1])) if found else None


def storable(text: str, most: int = WORDS_CHARS) -> str:
    """Return the text on one line, cut, and without what no database takes: lone surrogates and NUL."""
    return " ".join(outside.sound(text).split())[:most]


def error_of(error: Any) -> tuple[str, str]:
    """Return the code and the words of an error in any form that servers give it."""
    while isinstance(error, Mapping) and error.get("error"):
        error = error["error"]
    if not isinstance(error, Mapping):
        return "", storable("" if error is None else str(error))
    words = error.get("message") or error.get("detail") or dict(error)
    return storable(str(error.get("code") or error.get("type") or ""), 60), storable(str(words))


def errors_of(body: Mapping[str, Any]) -> list[tuple[str, str, int | None]]:
    """Return what a job says went wrong: code, words and the line of its file that it names, if it names one."""
    errors = body.get("errors") or body.get("error")
    data = errors.get("data") if isinstance(errors, Mapping) else errors
    told: list[tuple[str, str, int | None]] = []
    for error in data if isinstance(data, list) else [errors]:
        line = error.get("line") if isinstance(error, Mapping) else None
        code, words = error_of(error)
        if code or words:
            told.append((code, words, line if type(line) is int else None))
    return told


def count_of(value: Any) -> int:
    """Return a count, or 0 for what is none."""
    return value if type(value) is int and 0 <= value < 2**31 else 0


def id_of(value: Any) -> str:
    """Return an id, or nothing for what is none."""
    return value if isinstance(value, str) and value.strip() and value.isprintable() else ""


class Bulk:
    """The files and batch jobs of one server."""

    def __init__(self, server: Server, scrub: Scrubber) -> None:
        self.client, self.scrub = server.bulk, scrub

    async def upload(self, name: str, file: IO[bytes]) -> Said:
        """Send a file up, in parts."""
        files = self.client.files.with_raw_response
        return await self._told(files.create(file=(name, file), purpose="batch"))

    async def create(self, file_id: str, path: str, metadata: Mapping[str, str]) -> Said:
        """Make a job of a file, whose lines all ask at one path."""
        body = {
            "input_file_id": file_id,
            "endpoint": path,
            "completion_window": "24h",
            "metadata": dict(metadata),
        }
        return await self._told(self.client.post("/batches", cast_to=httpx2.Response, body=body))

    async def retrieve(self, job_id: str) -> Said:
        """Ask how a job stands."""
        return await self._told(self.client.get(f"/batches/{quote(job_id, safe='')}", cast_to=httpx2.Response))

    async def cancel(self, job_id: str) -> Said:
        """Ask for a job to be stopped."""
        path = f"/batches/{quote(job_id, safe='')}/cancel"
        return await self._told(self.client.post(path, cast_to=httpx2.Response))

    async def find(self, nonce: str, file_id: str | None) -> str | Said | None:
        """Look through the server's list for the job of one submission.

        It is known by the nonce in its metadata or, where a server keeps none, by its file, which is sent up anew for
        each submission.

        Returns:
            Its id; None if it is not in the list; what the server said if it does not show its list.
        """
        after, shown = "", set[str]()
        for _ in range(LIST_PAGES):
            said = await self._list({"limit": 100} | ({"after": after} if after else {}))
            if said.is_gone and not after:
                said = await self._list({})  # some take no limit
            jobs = said.body.get("data")
            if not said.is_ok or not isinstance(jobs, list):
                return said._replace(body={})
            jobs = [job for job in jobs if isinstance(job, Mapping)]
            for job in jobs:
                metadata = job.get("metadata")
                is_ours = isinstance(metadata, Mapping) and nonce in metadata.values()
                if (is_ours or (file_id and job.get("input_file_id") == file_id)) and (job_id := id_of(job.get("id"))):
                    return job_id
            after = id_of(jobs[-1].get("id")) if jobs else ""
            if not said.body.get("has_more") or not after or after in shown:
                return None
            shown.add(after)
        return None

    async def _list(self, params: Mapping[str, Any]) -> Said:
        options: Any = {"params": params}
        return await self._told(self.client.get("/batches", cast_to=httpx2.Response, options=options))

    async def read(self, file_id: str, take: Callable[[list[bytes]], Awaitable[None]], most_bytes: int) -> Said | None:
        """Hand over a file's lines as they come; returns what was in the way, None if nothing was.

        A line of more than `most_bytes` is handed over cut at that.
        """
        try:
            async with self.client.files.with_streaming_response.content(file_id) as content:
                async for lines in _lines(content.iter_bytes(), most_bytes):
                    await take(lines)
        except (openai.APIError, HttpError) as error:
            return self._failed(error)
        return None

    async def _told(self, asked: Awaitable[Any]) -> Said:
        try:
            response = await asked
        except (openai.APIError, HttpError) as error:
            return self._failed(error)
        response = getattr(response, "http_response", response)
        try:
            body = orjson.loads(response.content)
        except ValueError:
            body = None
        if isinstance(body, dict):
            return Said(response.status_code, body, "", f"HTTP {response.status_code}")
        shown = storable(response.content[:WORDS_CHARS].decode("utf-8", "replace"), 100)
        words = f"HTTP {response.status_code}, and no JSON object: {shown}"
        return Said(response.status_code, {}, "", self.scrub(words))

    def _failed(self, error: openai.APIError | HttpError) -> Said:
        if isinstance(error, HttpError):
            return Said(0, {}, error.outcome, self.scrub(f"{error.outcome}: {error.detail}"), error.was_sent)
        code, words = error_of(error.body)
        words = words or storable(str(error))
        if not isinstance(error, openai.APIStatusError):
            return Said(0, {}, code, self.scrub(words))
        return Said(error.status_code, {}, code, self.scrub(f"HTTP {error.status_code}: {words}"))


async def _lines(parts: AsyncIterator[bytes], most_bytes: int) -> AsyncIterator[list[bytes]]:
    """Cut what comes over the wire into lists of whole lines; of one that is too long, the beginning."""
    rest, lines, is_long = b"", list[bytes](), False
    async for part in parts:
        first, *others = part.split(b"\n")
        rest = rest if is_long else (rest + first)[:most_bytes]
        is_long = len(rest) >= most_bytes
        for other in others:
            lines.append(rest)
            rest, is_long = other, False
        lines = [line for line in lines if line.strip()]
        if len(lines) >= LINES:
            yield lines
            lines = []
    yield [line for line in (*lines, rest) if line.strip()]
