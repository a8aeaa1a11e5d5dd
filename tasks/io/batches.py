"""Batch jobs: a stage's calls as files at half the price, submitted in one run and collected in a later one.

A job goes through four states in the journal, each committed before the next step:

    draft      its calls are being written to a file; it is dropped if its process dies
    intent     which calls, with what digest, what they may cost; nothing was sent yet
    submitted  the server has the job; its id is known
    merged     what it answered is recorded; what it did not answer is due again

A process that dies between `intent` and `submitted` may have made a job whose id nobody knows. Its metadata holds the
digest, so the next run finds it in the server's list and adopts it before anything is sent again. Files go up and
results come down in parts: a job of any size is never in memory.
"""

import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from tasks.contracts.calls import Answer, Call, Refused
from tasks.contracts.errors import BrokenError, TransientError
from tasks.contracts.settings import Role
from tasks.io.delivery import CHUNK_CALLS, Courier, Door, chunked
from tasks.io.journal import DONE, Entry, Journal, Parked, record
from tasks.io.journal_file import Connection, read_only
from tasks.io.replies import Again, Answered, Refusal, Reply, Stop, Unsupported, judge
from tasks.io.servers import Server, told

MAX_BYTES = 100 * 2**20  # of one file; OpenAI takes 200 MB
PATH = "/v1/chat/completions"
RUNNING = {"validating", "in_progress", "finalizing", "cancelling"}
MERGE_LINES = 500  # recorded in one commit
DIGEST = "wellspring_digest"

Keyed = list[tuple[str, Call]]
Recorded = Callable[[Role, list[Call]], Generator[Answer | Refused, None, Keyed]]


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is not merged yet, as the journal has it."""

    batch: int
    role: str
    endpoint: str
    digest: str
    state: str
    job_id: str | None
    reserved_micro_usd: int
    calls: int


@dataclass(slots=True)
class Draft:
    """A job that is being written: its lines in a file on disk, its calls in the journal."""

    batch: int
    server: Server
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    digest: Any = field(default_factory=hashlib.sha256)
    calls: int = 0
    reserve: int = 0

    def add(self, key: str, body: Any, reserve: int) -> None:
        """Write a call's line."""
        line = orjson.dumps({"custom_id": key, "method": "POST", "url": PATH, "body": body}) + b"\n"
        self.file.write(line)
        self.digest.update(line)
        self.calls += 1
        self.reserve += reserve


class BatchDesk:
    """Submits, adopts, polls, merges and cancels the batch jobs of a store."""

    def __init__(
        self, journal: Journal, run_id: str, courier: Courier, run: Callable[[Coroutine[Any, Any, Any]], Any]
    ) -> None:
        self.journal, self.run_id = journal, run_id
        self.scrub, self.stats, self.run = courier.scrub, courier.stats, run
        self.fresh: set[str] = set()  # merged by this process: paid in this run, whoever recorded them first

    def is_fresh(self, key: str) -> bool:
        """Whether a job's answer to this call was collected just now; it says so once."""
        if key not in self.fresh:
            return False
        self.fresh.remove(key)
        return True

    def ask(
        self, door: Door, calls: Iterable[Call], recorded: Recorded, leave: Callable[[Call], None]
    ) -> Iterator[Answer | Refused]:
        """Collect what jobs have answered, send what is new as jobs, and wait for one to end if the role says so.

        Args:
            door: The role's.
            calls: What to ask.
            recorded: Yields what is recorded of a chunk and returns the rest.
            leave: Told of each call that a job is out for; it is to be asked for again.

        Raises:
            TransientError: Jobs are running, or the budget is used up; what is answered came out first.
        """
        self._drop_drafts(door.name)
        self.collect(door)
        left = yield from self._answered(door, calls, recorded, leave)
        if left:
            self._wait(door)

    def _answered(
        self, door: Door, calls: Iterable[Call], recorded: Recorded, leave: Callable[[Call], None]
    ) -> Generator[Answer | Refused, None, int]:
        """Yield what is recorded and send what is new; returns how many calls jobs are out for."""
        draft: Draft | None = None
        left, most = 0, door.role.batch_requests
        try:
            for chunk in chunked(calls, min(CHUNK_CALLS, most)):
                pairs = yield from recorded(door.role, chunk)
                if given_up := self._give_up(door, [key for key, _ in pairs]):
                    yield from recorded(door.role, [call for key, call in pairs if key in given_up])
                    pairs = [(key, call) for key, call in pairs if key not in given_up]
                out = self._out([key for key, _ in pairs])
                new = {key: call for key, call in pairs if key not in out}
                if draft and (draft.calls + len(new) > most or draft.file.tell() > MAX_BYTES):
                    self._submit(door, draft)
                    draft = None
                if new:
                    draft = self._written(door, draft, new)
                for _, call in pairs:
                    leave(call)
                left += len(pairs)
            if draft:
                self._submit(door, draft)
        finally:
            if draft:
                draft.file.close()
        return left

    def _wait(self, door: Door) -> None:
        """Wait until a job has ended, as long as the role says."""
        until = time.monotonic() + door.role.batch_wait_seconds
        jobs = len(self.jobs(door.name))
        while (running := self.collect(door)) == jobs:
            if time.monotonic() >= until:
                waited = f"{door.role.batch_wait_seconds:.0f} s"
                raise TransientError(
                    f"{running} batch jobs of `{door.name}` are running (waited {waited})",
                    hint="run the same command again later: it collects what is done and pays for nothing twice",
                )
            time.sleep(min(door.role.batch_poll_seconds, max(0.0, until - time.monotonic())))

    def jobs(self, role: str) -> list[Job]:
        """Return the jobs of a role that were sent, or may have been, and are not merged."""
        return [job for job in jobs_of(self.journal.reader) if job.role == role]

    def _out(self, keys: Sequence[str]) -> set[str]:
        """Return those of these calls that are in a job that is not merged."""
        marks = ",".join("?" * len(keys))
        query = f"SELECT completion_id FROM batch_calls WHERE completion_id IN ({marks})"  # noqa: S608 - only question marks
        return {row[0] for row in self.journal.select(query, keys)}

    def _give_up(self, door: Door, keys: Sequence[str]) -> set[str]:
        """Make refusals of those of these calls that ended in no answer too often; returns which."""
        marks = ",".join("?" * len(keys))
        query = (
            "SELECT completion_id, count(*), outcome, coalesce(detail, ''), max(attempt) FROM attempts"  # noqa: S608 - only question marks
            f" WHERE completion_id IN ({marks}) AND outcome IS NOT NULL AND outcome <> 'done' GROUP BY completion_id"
        )
        failed = [row for row in self.journal.select(query, keys) if row[1] >= door.role.attempts]
        for key, times, reason, detail, _ in failed:
            entry = Entry(key, reason, door.role.model, detail, "", 0, 0, 0, 0, times, 0.0)
            self.journal.end(entry, self.run_id)
        return {row[0] for row in failed}

    def _drop_drafts(self, role: str) -> None:
        """Drop what a process that died was still writing down: nothing of it was sent."""

        def write(connection: Connection) -> None:
            drafts = "SELECT batch FROM batches WHERE state = 'draft' AND role = ?"
            connection.execute(f"DELETE FROM batch_calls WHERE batch IN ({drafts})", (role,))  # noqa: S608 - our own text
            connection.execute("DELETE FROM batches WHERE state = 'draft' AND role = ?", (role,))

        self.journal.writer.apply(write)

    def _written(self, door: Door, draft: Draft | None, new: Mapping[str, Call]) -> Draft:
        """Write new calls into the job that is being made, or into the next one."""
        server = draft.server if draft else door.next(None)
        worded = {key: door.worded(call) for key, call in new.items()}
        rows = [(key, door.name, door.role.model, orjson.dumps(told[0]).decode()) for key, told in worded.items()]

        def write(connection: Connection) -> int:
            batch = draft.batch if draft else _begin(connection, door.name, server.name, self.run_id)
            connection.executemany("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", rows)
            connection.executemany("INSERT INTO batch_calls VALUES (?, ?)", [(key, batch) for key in new])
            return batch

        batch = self.journal.writer.apply(write)
        draft = draft or Draft(batch, server)
        for key, (request, _, reserve) in worded.items():
            draft.add(key, server.form(request), reserve)
        return draft

    def _submit(self, door: Door, draft: Draft) -> None:
        """Send a job whose calls are all written down.

        Raises:
            TransientError: It could pass a cap of the budget, and is dropped; or the server cannot be reached.
        """

        def write(connection: Connection) -> Parked | None:
            if (parked := self.journal.over(draft.reserve, draft.calls)) is not None:
                return parked
            values = (draft.digest.hexdigest(), draft.reserve, draft.batch)
            query = "UPDATE batches SET state = 'intent', digest = ?, reserved_micro_usd = ? WHERE batch = ?"
            connection.execute(query, values)
            connection.execute("UPDATE ledger SET value = value + ? WHERE name = 'sent_calls'", (draft.calls,))
            self.journal.ledger.sent_calls += draft.calls
            self.journal.ledger.held_micro_usd += draft.reserve
            return None

        if (parked := self.journal.writer.apply(write)) is not None:
            self._drop_drafts(door.name)
            raise parked.error
        self.stats.sent += draft.calls
        self.run(told(self._sent(draft), self.scrub))

    async def _sent(self, draft: Draft) -> None:
        digest, bulk = draft.digest.hexdigest(), draft.server.bulk
        draft.file.seek(0)
        with draft.file:
            file = await bulk.files.create(file=(f"{digest[:16]}.jsonl", draft.file), purpose="batch")
        job = await bulk.batches.create(
            input_file_id=file.id,
            endpoint=PATH,
            completion_window="24h",
            metadata={DIGEST: digest, "run": self.run_id},
        )
        await self._note(draft.batch, job.id)

    async def _note(self, batch: int, job_id: str) -> None:
        query = "UPDATE batches SET state = 'submitted', job_id = ? WHERE batch = ?"
        await self.journal.writer.put(lambda connection: connection.execute(query, (job_id, batch)) and None)

    def collect(self, door: Door) -> int:
        """Adopt, poll and merge the jobs of a role; returns how many still run."""
        by_name = {server.name: server for server in door.servers}
        running = 0
        for job in self.jobs(door.name):
            if job.endpoint not in by_name:
                raise BrokenError(
                    f"batch job {job.job_id or job.batch} runs at {job.endpoint}, which `{door.name}` no longer names",
                    hint="put the endpoint back to collect it, or cancel it",
                )
            running += self.run(told(self._advance(door, by_name[job.endpoint], job), self.scrub))
        return running

    async def _advance(self, door: Door, server: Server, job: Job) -> bool:
        """Bring a job on as far as it goes; returns whether it still runs."""
        job_id = job.job_id or await self._adopted(server, job)
        if job_id is None:
            await self._close(job, "")  # it never reached the server
            return False
        seen = await server.bulk.batches.retrieve(job_id)
        if seen.status in RUNNING:
            return True
        for file_id in filter(None, (seen.output_file_id, seen.error_file_id)):
            async with server.bulk.files.with_streaming_response.content(file_id) as content:
                async for lines in _lines(content.iter_bytes()):
                    await self._merge(door, server, lines)
        await self._close(job, "expired" if seen.status in {"expired", "cancelled", "completed"} else "server_error")
        return False

    async def _adopted(self, server: Server, job: Job) -> str | None:
        """Return the id of a job that was made by a process that died before it could note it."""
        async for seen in server.bulk.batches.list(limit=100):
            if (seen.metadata or {}).get(DIGEST) == job.digest:
                await self._note(job.batch, seen.id)
                return seen.id
        return None

    async def _merge(self, door: Door, server: Server, lines: Sequence[bytes]) -> None:
        """Record what lines of results say, by custom id; their order means nothing."""
        ended = [found for line in lines if (found := self._read(door, server, line)) is not None]

        def write(connection: Connection) -> None:
            for entry, outcome, detail, body in ended:
                if self._is_settled(connection, server.name, entry, outcome, detail) and entry.state:
                    record(connection, entry, body, self.run_id)
                    self.fresh.add(entry.completion_id)

        await self.journal.writer.put(write)

    def _is_settled(self, connection: Connection, endpoint: str, entry: Entry, outcome: str, detail: str) -> bool:
        """Settle one call of a job, within a write; False for a line that is there twice."""
        key, cost = entry.completion_id, entry.cost_micro_usd
        if not connection.execute("DELETE FROM batch_calls WHERE completion_id = ?", (key,)).rowcount:
            return False
        connection.execute(_SETTLED, (key, endpoint, self.run_id, cost, outcome, detail))
        self.journal.pay(connection, cost)
        return True

    def _read(self, door: Door, server: Server, line: bytes) -> tuple[Entry, str, str, bytes] | None:
        """Return how a line says its call ended; an entry with no state is due again. None for a line of no call."""
        try:
            item = orjson.loads(line)
            key, response = str(item["custom_id"]), item.get("response") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        body = orjson.dumps(response.get("body") or {"error": item.get("error")})
        verdict = judge(Reply(int(response.get("status_code") or 500), {}, body), {"response_format": {}})
        if isinstance(verdict, Answered | Refusal):
            entry = door.ended(key, verdict, self.scrub, tokens=0, attempts=1, seconds=0.0)
            return entry, entry.state, "" if entry.state == DONE else entry.text, body
        if isinstance(verdict, Unsupported):
            server.learn(verdict, server.structure())
        detail = self.scrub(verdict.error.message if isinstance(verdict, Stop) else getattr(verdict, "detail", ""))
        reason = verdict.reason if isinstance(verdict, Again) else "server_error"
        return Entry(key, "", door.role.model, "", "", 0, 0, 0, 0, 1, 0.0), reason, detail, body

    async def _close(self, job: Job, reason: str) -> None:
        """Note that a job is merged, free what was set aside for it, and make what it did not answer due again.

        A call without a line ended for the job's `reason`; with none, it was never sent.
        """
        settled = _SETTLING + "SELECT completion_id, ?, ?, 0, 0, ?, ? FROM batch_calls WHERE batch = ?"  # noqa: S608 - our own text
        values = (job.endpoint, self.run_id, reason, f"batch job {job.job_id}", job.batch)

        def write(connection: Connection) -> None:
            if reason:
                connection.execute(settled, values)
            connection.execute("DELETE FROM batch_calls WHERE batch = ?", (job.batch,))
            connection.execute("UPDATE batches SET state = 'merged' WHERE batch = ?", (job.batch,))
            self.journal.ledger.held_micro_usd -= job.reserved_micro_usd

        await self.journal.writer.put(write)

    def cancel(self, door: Door, job_id: str = "all") -> int:
        """Ask the servers to cancel a role's jobs, or one of them; what they answered until then is merged later.

        Returns:
            How many were cancelled.
        """
        by_name = {server.name: server for server in door.servers}
        jobs = [job for job in self.jobs(door.name) if job.job_id and job_id in {"all", job.job_id}]
        jobs = [job for job in jobs if job.endpoint in by_name]
        for job in jobs:
            self.run(told(by_name[job.endpoint].bulk.batches.cancel(str(job.job_id)), self.scrub))
        return len(jobs)


_SETTLING = (
    "INSERT INTO attempts (completion_id, endpoint, run_id, reserved_micro_usd, cost_micro_usd, outcome, detail) "
)
_SETTLED = _SETTLING + "VALUES (?, ?, ?, 0, ?, ?, ?)"


def _begin(connection: Connection, role: str, endpoint: str, run_id: str) -> int:
    cursor = connection.execute(
        "INSERT INTO batches (role, endpoint, run_id, digest, state, reserved_micro_usd)"
        " VALUES (?, ?, ?, '', 'draft', 0)",
        (role, endpoint, run_id),
    )
    return cursor.lastrowid or 0


def jobs_of(connection: Connection) -> list[Job]:
    """Return the jobs that were sent, or may have been, and are not merged, oldest first."""
    rows = connection.execute(
        "SELECT batch, role, endpoint, digest, state, job_id, reserved_micro_usd,"
        " (SELECT count(*) FROM batch_calls AS c WHERE c.batch = b.batch)"
        " FROM batches AS b WHERE state NOT IN ('draft', 'merged') ORDER BY batch"
    )
    return [Job(*row) for row in rows.fetchall()]


def listed(directory: Path) -> list[Job]:
    """Return the jobs of a store that are not merged; reads beside a process that writes."""
    path = directory / "completions.sqlite"
    if not path.is_file():
        return []
    with closing(read_only(path)) as connection:
        return jobs_of(connection)


async def _lines(parts: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Cut what comes over the wire into lists of whole lines."""
    rest, lines = b"", list[bytes]()
    async for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        lines += [line for line in whole if line.strip()]
        if len(lines) >= MERGE_LINES:
            yield lines
            lines = []
    yield [*lines, rest] if rest.strip() else lines
