"""Results of batch jobs: what each line says of its call, whatever it is; no line can spoil another.

A line that answers is recorded at once. One that does not is noted, and decided about when the job has ended: another
line may answer the same call, and a refusal that every call got is no call's fault.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from wellspring.tasks.contracts import outside
from wellspring.tasks.io.models.bulk import LINES, Kind, error_of, errors_of, kind_of, storable
from wellspring.tasks.io.models.delivery import APIS, MOST_SHAPES, ActiveRole
from wellspring.tasks.io.models.jobs import Job, Jobs, Left, Note
from wellspring.tasks.io.protocol.answers import Again, Answered, Refusal, Reply, Stop, Unsupported
from wellspring.tasks.io.protocol.complaints import complaint
from wellspring.tasks.io.protocol.doubts import FEW
from wellspring.tasks.io.protocol.keys import Scrubber
from wellspring.tasks.io.protocol.prices import most_tokens, tokens_of
from wellspring.tasks.io.protocol.requests import shape_of, structure_of
from wellspring.tasks.io.protocol.servers import Server
from wellspring.tasks.io.storage.journal import DONE, Entry

OWN = {"refusal"}  # the model's own words: never all rows' fault
MOST_UNREAD = 3  # lines that are quoted
ENDINGS = {"expired": "again", "cancel": "due"}  # by the code of a line that was not worked on


class Faults(NamedTuple):
    """What went wrong that is no call's fault, in the server's words: of the job, of all calls alike, of the server."""

    of_job: str
    of_all: str
    of_server: str
    kind: Kind


class Results:
    """The results of one job, as far as they are read."""

    def __init__(self, books: ActiveRole, server: Server, job: Job, jobs: Jobs, scrub: Scrubber) -> None:
        self.books, self.server, self.job, self.jobs, self.scrub = books, server, job, jobs, scrub
        self.ended: list[str] = []  # calls that are answered, or refused for good
        self.unread: list[str] = []  # what could not be read, with its words
        self.shapes: set[str] = set()  # of the requests that are answered here
        self.is_changed = False  # what is known of the server

    async def take(self, lines: Sequence[bytes]) -> None:
        """Record what lines answer, and note what others say; their order means nothing."""
        found = [one for line in lines if (one := self._item(line)) is not None]
        out = self.jobs.requests([key for key, _ in found])
        answers = list[tuple[Entry, bytes]]()
        notes = list[tuple[str, Note]]()
        for key, item in found:
            if key not in out:
                continue  # not a call of ours
            try:
                told = self._told(key, item, out[key])
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                told = Note(
                    "again", "malformed_answer", f"its line is odd: {type(error).__name__}", self._most(out[key])
                )
            if isinstance(told, Note):
                notes.append((key, told))
            else:
                answers.append(told)
        if notes:
            await self.jobs.note(self.job, notes)
        if answers:
            self.ended += await self.jobs.answer(self.job, answers)

    def _item(self, line: bytes) -> tuple[str, Mapping[str, Any]] | None:
        """Return a line's call and what it holds; a line without a call is kept as unread."""
        try:
            item = _json(line)
            if isinstance(item, dict) and isinstance(item["custom_id"], str):
                return item["custom_id"].encode("utf-8", "replace").decode(), item
        except (ValueError, KeyError, RecursionError):
            pass
        if len(self.unread) < MOST_UNREAD:
            shown = storable(line[:200].decode("utf-8", "replace"), 100)
            self.unread.append(self.scrub(f"a line of the results cannot be read: {shown}"))
        return None

    def _told(self, key: str, item: Mapping[str, Any], request: dict[str, Any]) -> tuple[Entry, bytes] | Note:
        """Return what a line says of its call: an answer to record, or a note."""
        response = item.get("response")
        if not isinstance(response, dict):
            return self._without_response(item, request)
        said = response.get("body") or {"error": item.get("error") or response.get("error") or "no body"}
        body = said.encode("utf-8", "replace") if isinstance(said, str) else _bytes(said)
        sent, tokens = self._sent(request)
        verdict = APIS[self.books.role.api][1](Reply(_status(response, said), {}, body), sent)
        if isinstance(verdict, Unsupported):
            verdict = self._learned(verdict, request, sent, tokens)
        if isinstance(verdict, Answered) or (isinstance(verdict, Refusal) and verdict.reason in OWN):
            entry = self.books.ended(key, verdict, self.scrub, tokens=tokens, attempts=1, seconds=0.0)
            if entry.state == DONE:
                self._answered(request)
            return entry, body
        return self._note(verdict, request, tokens)

    def _note(self, verdict: Any, request: Mapping[str, Any], tokens: int) -> Note:
        if isinstance(verdict, Note):
            return verdict
        if isinstance(verdict, Stop):
            return Note("due", "stopped", storable(self.scrub(verdict.error.message)))
        detail = storable(self.scrub(verdict.detail))
        if isinstance(verdict, Refusal):
            cost = self.books.price.micro_usd(tokens, tokens_of(verdict.detail)) if verdict.was_paid else 0
            return Note("refused", verdict.reason, detail, cost)
        assert isinstance(verdict, Again)  # noqa: S101 - all others are dealt with
        return Note("again", verdict.reason, detail, self._most(request) if verdict.was_paid else 0)

    def _without_response(self, item: Mapping[str, Any], request: Mapping[str, Any]) -> Note:
        """Return what is said of a call whose line has no response that can be read."""
        response, error = item.get("response"), item.get("error")
        code, words = error_of(error)
        if response or not (code or words):
            shown = storable(_bytes(response).decode("utf-8", "replace"), 100)
            detail = self.scrub(f"the response is {type(response).__name__}, not an object: {shown}")
            return Note("again", "malformed_answer", detail, self._most(request))
        ending = next((ending for part, ending in ENDINGS.items() if part in f"{code} {words}".lower()), "")
        if ending == "due":
            return Note("due", "freed")
        said = self.scrub(f"{code}: {words}" if code else words)
        return Note("again", "expired" if ending else "server_error", said)

    def _learned(self, verdict: Unsupported, request: dict[str, Any], sent: dict[str, Any], tokens: int) -> Any:
        """Take note of what a server does not take; a refusal if there is no other way to ask that was not tried."""
        is_new = self.server.learn(verdict.complaint, structure_of(sent))
        self.is_changed |= is_new
        if is_new or self.server.form(request, tokens) != sent:
            return Note("due", "unsupported", storable(self.scrub(verdict.detail)))
        return verdict.otherwise

    def _answered(self, request: Mapping[str, Any]) -> None:
        """Take note of an answer: requests of its shape are known to be answered."""
        shape, known = shape_of(request), self.server.ability.get("answered", ())
        self.shapes.add(shape)
        if shape not in known and not self.server.is_offline:
            self.server.ability["answered"] = [*known, shape][-MOST_SHAPES:]
            self.is_changed = True

    def _sent(self, request: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Return a request as it was sent in the job, by what was known then, and about how many tokens it has."""
        tokens = tokens_of(_text(request))
        now, self.server.ability = self.server.ability, orjson.loads(self.job.form)
        try:
            return self.server.form(request, tokens), tokens
        finally:
            self.server.ability = now

    def _most(self, request: Mapping[str, Any]) -> int:
        """Return the most that a call may have cost, as it was set aside, in micro-USD."""
        return self.books.price.micro_usd(most_tokens(_text(request)), request.get("max_tokens", 0))

    def remember(self) -> None:
        """Keep what was learned of the server."""
        if self.is_changed:
            self.server.remember()

    def decided(self, body: Mapping[str, Any]) -> tuple[list[Left], Faults]:
        """Return the calls that are not answered with the last word about each, and what is no call's fault.

        A refusal may be everybody's: where nothing that asks in the same way was ever answered, its call is due again.
        """
        errors = [(code, self.scrub(words), line) for code, words, line in errors_of(body)]
        left = self.jobs.left(self.job.batch)
        blamed = _blamed(self.job, [line for _, _, line in errors]) if len(left) == self.job.calls else set[int]()
        said = storable("; ".join(dict.fromkeys(f"{code}: {words}" if code else words for code, words, _ in errors)))
        noted = [
            one if one.note is not None else one._replace(note=self._missing(one, said if at in blamed else ""))
            for at, one in enumerate(left, start=1)
        ]
        refused = [one.key for one in noted if one.note and one.note.verdict == "refused"]
        strange = self._strange(refused)
        told = [one._replace(note=_due(one.note)) if one.key in strange else one for one in noted]
        of_all = next((one.note.detail for one in noted if one.note and one.key in strange), "")
        stopped = next((one.note.detail for one in noted if one.note and one.note.reason == "stopped"), "")
        kinds: list[Kind] = [kind for code, words, _ in errors if (kind := kind_of(code, words)) != "other"]
        if self.job.status == "failed" and left and not kinds:
            self._heard(said, left[0].key)
        return told, Faults(said, of_all, stopped, kinds[0] if kinds else "other")

    def _heard(self, said: str, key: str) -> None:
        """Take note of a part of its requests that a whole job failed for: the next one is asked without it."""
        sent, _ = self._sent(self.jobs.requests([key])[key])
        if (found := complaint(said, "", sent)) is not None:
            self.is_changed |= self.server.learn(found, structure_of(sent))

    def _strange(self, refused: Sequence[str]) -> set[str]:
        """Return those of the refused calls that may be refused for how they ask, not for what."""
        requests = dict[str, dict[str, Any]]()
        for start in range(0, len(refused), LINES):
            requests |= self.jobs.requests(refused[start : start + LINES])
        if len(refused) >= FEW and not self.jobs.has_answered(self.job.batch):
            return set(requests)
        known = self.shapes | set(self.server.ability.get("answered", ()))
        return {key for key, request in requests.items() if shape_of(request) not in known}

    def _missing(self, one: Left, blame: str) -> Note:
        """Return what is said of a call that has no line: that of its job, unless the job's errors blame it."""
        if blame:
            return Note("again", "bad_line", blame)
        name = f"batch job {self.job.name}"
        if self.unread:
            return Note("again", "malformed_answer", storable(f"{name}: {self.unread[0]}"), one.reserve)
        match self.job.status:
            case "completed":
                return Note("again", "unknown", f"{name} has completed without a line for it", one.reserve)
            case "expired":
                return Note("again", "expired", f"{name} has expired")
            case _:
                return Note("due", "freed")


def _text(request: Mapping[str, Any]) -> str:
    messages = request.get("messages")
    return "\n".join(str(message["content"]) for message in messages) if messages else str(request.get("prompt") or "")


def _due(note: Note | None) -> Note | None:
    return note and note._replace(verdict="due")


def _blamed(job: Job, lines: Sequence[int | None]) -> set[int]:
    """Return which lines of a file its job failed for: none where it is all of them, or the first ones of all."""
    named = {line for line in lines if line is not None and 1 <= line <= job.calls}
    is_head = len(named) > 1 and named == set(range(1, len(named) + 1))
    return set() if len(named) == job.calls or is_head else named


def _status(response: Mapping[str, Any], said: Any) -> int:
    """Return a line's HTTP status, also where it is text; where it is none, what the body looks like."""
    try:
        return int(str(response.get("status_code")))
    except ValueError:
        return 200 if isinstance(said, dict) and "choices" in said else 500


def _json(line: bytes) -> Any:
    """Read JSON, also what some servers write beside it: lone surrogates, NaN, bytes that are no UTF-8."""
    try:
        return outside.loads(line, strict=False)
    except UnicodeDecodeError:
        return outside.loads(line.decode("utf-8", "replace"), strict=False)


def _bytes(value: Any) -> bytes:
    """Return a JSON value as bytes, whatever it holds."""
    try:
        return orjson.dumps(value)
    except (TypeError, RecursionError):  # lone surrogates, or too deep
        return json.dumps(value, default=str).encode()
