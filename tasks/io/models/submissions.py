"""Submissions: a role's new calls on their way into batch jobs, as large as the budget, the role and the server allow.

A job is sent in two steps, its file and the wish for a job; what is about to be sent is on disk before each. A server
that does not take a job for its size is sent smaller ones from then on; what it will not take at all is told.
"""

import hashlib
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import IO, Any, NamedTuple

import orjson

from wellspring.tasks.contracts.calls import Call
from wellspring.tasks.contracts.errors import BrokenError, TransientError, WellspringError
from wellspring.tasks.io.models.bulk import Bulk, Kind, Said, id_of, most_tokens_of
from wellspring.tasks.io.models.delivery import APIS, ActiveRole, Sender
from wellspring.tasks.io.models.jobs import DROPPED, INTENT, SUBMITTED, Job, Jobs, Line, Note, settle
from wellspring.tasks.io.protocol.complaints import remedy
from wellspring.tasks.io.protocol.servers import Server
from wellspring.tasks.io.storage.journal import Parked

NONCE, DIGEST = "wellspring_nonce", "wellspring_digest"
UNLIMITED = 2**62
RUN_AGAIN = "run the same command again"

Keyed = list[tuple[str, Call]]


class Most(NamedTuple):
    """What the next job may be at most. `is_alone`: no other of ours is at this server."""

    calls: int
    bytes: int
    tokens: int
    is_alone: bool


@dataclass(slots=True)
class Draft:
    """A job that is being written: its lines in a file on disk, its calls in the journal."""

    job: Job
    server: Server
    most: Most
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    digest: Any = field(default_factory=hashlib.sha256)
    calls: int = 0
    tokens: int = 0

    def fitting(self, lines: Iterable[Line]) -> list[Line]:
        """Return as many of these lines, from the first on, as still fit; one call alone always does."""
        fits = list[Line]()
        calls, size, tokens = self.calls, self.file.tell(), self.tokens
        for line in lines:
            calls, size, tokens = calls + 1, size + len(line.text), tokens + line.tokens
            is_first = calls == 1
            is_wide = calls > self.most.calls or size > self.most.bytes
            if (is_wide and not is_first) or (tokens > self.most.tokens and not (is_first and self.most.is_alone)):
                break
            fits.append(line)
        return fits

    def add(self, line: Line) -> None:
        """Write a call's line."""
        self.file.write(line.text)
        self.digest.update(line.text)
        self.calls += 1
        self.tokens += line.tokens


@dataclass(slots=True)
class Outbox:
    """The calls of one `ask` on their way into jobs, and why no more of them go."""

    active: ActiveRole
    draft: Draft | None = None
    left: int = 0  # calls that are not answered yet
    unsent: int = 0  # of them, those that no job is out for
    parked: Parked | None = None  # the budget is in the way
    is_queued: bool = False  # the server takes no more tokens until a job has ended
    is_smaller: bool = False  # the server did not take a job for its size: the calls go into smaller ones


class Troubles:
    """What a person has to be told of a role's jobs, once; the first thing stays."""

    def __init__(self) -> None:
        self.found: dict[str, WellspringError] = {}

    def __contains__(self, role: str) -> bool:
        return role in self.found

    def tell(self, role: str, message: str, hint: str) -> None:
        """Park the role with a message."""
        self.found.setdefault(role, TransientError(message, hint=hint))

    def refuse_key(self, role: str, server: Server, words: str) -> None:
        """Stop the role: a server does not take its key."""
        self.found[role] = key_refused(server, words)

    def pop(self, role: str) -> WellspringError | None:
        """Return what is to be told, and forget it."""
        return self.found.pop(role, None)


class Submitter:
    """Puts calls into jobs, and jobs before servers."""

    def __init__(self, sender: Sender, jobs: Jobs, troubles: Troubles) -> None:
        self.journal, self.jobs, self.troubles = sender.journal, jobs, troubles
        self.scrub, self.stats, self.run_id = sender.scrub, sender.stats, sender.run_id

    async def take(self, box: Outbox, pairs: Keyed) -> None:
        """Put calls into jobs, as many as budget, role and server allow; a job that is full is sent."""
        out = self.jobs.out([key for key, _ in pairs])
        rest = [(key, call) for key, call in dict(pairs).items() if key not in out]
        active = box.active
        while rest and not (box.parked or box.is_queued or active.name in self.troubles):
            draft = box.draft or await self._begun(box)
            lines = draft.fitting(_line(active, draft.server, key, call) for key, call in rest)
            if not lines:
                box.is_queued = draft.calls == 0
                await self.send(box)
                continue
            booked, box.parked = await self.jobs.book(draft.job, lines)
            for line in booked:
                draft.add(line)
            out = self.jobs.out([key for key, _ in rest])
            rest = [(key, call) for key, call in rest if key not in out]
        box.unsent += len(rest)

    async def _begun(self, box: Outbox) -> Draft:
        active = box.active
        server = active.next(None)
        form = orjson.dumps(server.ability).decode()
        batch = await self.jobs.begin(active.name, server.name, active.role.model, form)
        job = Job(
            batch, active.name, server.name, "draft", nonce=secrets.token_hex(8), model=active.role.model, form=form
        )
        learned = self._learned(server, job.model)
        others = self._others(job)
        box.draft = Draft(
            job,
            server,
            Most(
                min(active.role.batch_requests, learned.get("calls", UNLIMITED)),
                min(active.role.batch_bytes, learned.get("bytes", UNLIMITED)),
                learned.get("tokens", UNLIMITED) - sum(other.tokens for other in others),
                is_alone=not others,
            ),
        )
        return box.draft

    async def drop(self, box: Outbox) -> None:
        """Drop what was being written: nothing of it was sent."""
        if box.draft is not None:
            box.draft.file.close()
            await self.jobs.drop(box.draft.job.batch)
            box.draft = None

    async def send(self, box: Outbox) -> None:
        """Send the job that is written: its file, then the wish for a job, which is on disk before it is sent."""
        if (draft := box.draft) is None or not draft.calls:
            return await self.drop(box)
        active, server, bulk = box.active, draft.server, Bulk(draft.server, self.scrub)
        size, digest = draft.file.tell(), draft.digest.hexdigest()
        draft.file.seek(0)
        up = await bulk.upload(f"wellspring-{draft.job.nonce}.jsonl", draft.file)
        file_id = id_of(up.body.get("id"))
        job = replace(draft.job, file_id=file_id, calls=draft.calls, tokens=draft.tokens, bytes=size)
        if not up.is_ok or not file_id:
            await self.drop(box)
            box.is_smaller |= await self._refused(active, server, job, up)
            return None
        job = replace(job, state=INTENT)
        await self.jobs.intend(job, digest)
        box.draft = None
        draft.file.close()
        metadata = {NONCE: job.nonce, DIGEST: digest, "run": self.run_id}
        made = await bulk.create(file_id, _path(active), metadata)
        if made.is_ok and (job_id := id_of(made.body.get("id"))):
            await self.submitted(job, job_id)
        elif made.is_ok or made.is_open:
            await self.jobs.seen(job, made.words)
            self.troubles.tell(
                active.name,
                f"{server.name} did not say whether it took a batch job of {job.calls} calls: {made.words}",
                f"{RUN_AGAIN}: it looks for the job before anything is sent again",
            )
        else:
            await self.free(job, DROPPED, made.words)
            box.is_smaller |= await self._refused(active, server, job, made)
        return None

    async def submitted(self, job: Job, job_id: str) -> Job:
        """Note that a server has a job."""
        await self.jobs.submitted(job, job_id)
        self.stats.sent += job.calls
        return replace(job, state=SUBMITTED, job_id=job_id)

    async def _refused(self, active: ActiveRole, server: Server, job: Job, said: Said) -> bool:
        """Make the best of a server that did not take a job: True if smaller ones are worth a try; else it is told."""
        if said.is_key:
            self.troubles.refuse_key(active.name, server, said.words)
            return False
        if said.is_open or not said.was_sent:
            said_so = f"batch jobs cannot be reached at {server.name}: {said.words}"
            self.troubles.tell(
                active.name, said_so, f"nothing was sent and no row is refused: {RUN_AGAIN} once the server is up"
            )
            return False
        return await self.is_smaller(active, server, job, said.kind, f"did not take a batch job: {said.words}")

    async def is_smaller(self, active: ActiveRole, server: Server, job: Job, kind: Kind, words: str) -> bool:
        """Learn from a refusal how large the next job may be; False if its size is not the reason: it is told."""
        others = self._others(job)
        learned = dict(self._learned(server, job.model))
        if kind == "tokens" and (job.calls > 1 or others):
            tried, most = job.tokens + sum(other.tokens for other in others), most_tokens_of(words)
            learned["tokens"] = most if most and tried > most else max(1, tried // 2)
        elif kind == "bytes" and job.calls > 1:
            learned["bytes"] = job.bytes // 2
        elif kind == "calls" and job.calls > 1:
            learned["calls"] = job.calls // 2
        else:
            hint = f"top up the account, then {RUN_AGAIN}" if kind == "quota" else remedy(words, active.name)
            self.troubles.tell(active.name, f"{server.name} {words}", hint)
            return False
        await self.journal.learn(server.name, _limits(job.model), learned)
        return True

    def _learned(self, server: Server, model: str) -> dict[str, int]:
        return dict(self.journal.ability(server.name, _limits(model)))

    def _others(self, job: Job) -> list[Job]:
        """Return the other jobs of ours that are at the same server for the same model."""
        out = [other for other in self.jobs.open() if (other.endpoint, other.model) == (job.endpoint, job.model)]
        return [other for other in out if other.batch != job.batch]

    async def free(self, job: Job, state: str, words: str) -> None:
        """Close a job that no server has: its calls were never sent."""
        left = [one._replace(note=Note("due", "freed")) for one in self.jobs.left(job.batch)]
        await self.jobs.close(job, state, words, settle(left, {}, 1, job))


def _line(active: ActiveRole, server: Server, key: str, call: Call) -> Line:
    request, tokens, reserve = active.worded(call)
    asked = {"custom_id": key, "method": "POST", "url": _path(active), "body": server.form(request, tokens)}
    return Line(key, orjson.dumps(asked) + b"\n", request, tokens, reserve)


def _path(active: ActiveRole) -> str:
    return "/v1" + APIS[active.role.api][0]


def _limits(model: str) -> str:
    """Return under which name is kept how large jobs of a model may be, beside what else is known of its server."""
    return f"batch jobs of {model}"


def key_refused(server: Server, words: str) -> BrokenError:
    """Return the error of a server that does not take its key."""
    key_env = server.throttle.endpoint.key_env or "variable (none is named in key_env)"
    return BrokenError(f"{server.name} refused the key: {words}", hint=f"check the key in the environment's {key_env}")
