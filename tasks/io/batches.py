"""Batch jobs: a stage's calls as files at half the price, submitted in one run and collected in a later one.

A job goes through three states in the journal, each committed before the next step on the wire:

    intent     which calls, with what digest, what they may cost; nothing was sent yet
    submitted  the server has the job; its id is known
    merged     what it answered is recorded; what it did not answer is due again

A process that dies between `intent` and `submitted` may have made a job whose id nobody knows. Its metadata holds the
digest, so the next run finds it in the server's list and adopts it before anything is sent again.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tasks.contracts.errors import BrokenError, TransientError
from tasks.io.journal import DONE, Connection, Entry, Journal, Parked, record
from tasks.io.keys import Scrubber
from tasks.io.prices import tokens_of
from tasks.io.replies import Again, Answered, Refusal, Reply, Stop, Unsupported, judge

if TYPE_CHECKING:
    from tasks.io.llm import Door, Server

MAX_BYTES = 100 * 2**20  # of one file; OpenAI takes 200 MB
PATH = "/v1/chat/completions"
RUNNING = {"validating", "in_progress", "finalizing", "cancelling"}
MERGE_LINES = 500  # recorded in one commit
DIGEST = "wellspring_digest"


@dataclass(frozen=True, slots=True)
class Line:
    """One call of a job: its id, what is recorded of it, its form on the wire, and what it may cost."""

    key: str
    request: Mapping[str, Any]
    body: Mapping[str, Any]
    reserve: int

    def encoded(self) -> bytes:
        """Return its line in the job's file."""
        return orjson.dumps({"custom_id": self.key, "method": "POST", "url": PATH, "body": self.body})


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is not merged yet, as the journal has it."""

    batch: int
    endpoint: str
    digest: str
    state: str
    file_id: str | None
    job_id: str | None
    reserved: int


class BatchDesk:
    """Submits, adopts, polls, merges and cancels the batch jobs of a store."""

    def __init__(self, journal: Journal, run_id: str, scrub: Scrubber) -> None:
        self.journal = journal
        self.run_id = run_id
        self.scrub = scrub

    def jobs(self, role: str) -> list[Job]:
        """Return the jobs of a role that are not merged."""
        query = (
            "SELECT batch, endpoint, digest, state, file_id, job_id, reserved_micro_usd FROM batches"
            " WHERE role = ? AND state <> 'merged' ORDER BY batch"
        )
        return [Job(*row) for row in self.journal.select(query, (role,))]

    def out(self, keys: Sequence[str]) -> set[str]:
        """Return those of these calls that are in a job that is not merged."""
        marks = ",".join("?" * len(keys))
        query = f"SELECT completion_id FROM batch_calls WHERE completion_id IN ({marks})"  # noqa: S608 - only question marks
        return {row[0] for row in self.journal.select(query, keys)}

    def failures(self, key: str) -> tuple[int, str, str]:
        """Return how often a call ended in no answer, and the last outcome and words."""
        query = "SELECT outcome, coalesce(detail, '') FROM attempts WHERE completion_id = ? ORDER BY attempt"
        rows = self.journal.select(query, (key,))
        return (len(rows), *rows[-1]) if rows else (0, "", "")

    async def submit(self, door: "Door", server: "Server", lines: Sequence[Line]) -> None:
        """Send calls as one job.

        Raises:
            TransientError: It could pass a cap of the budget; nothing was sent.
        """
        content = b"\n".join(line.encoded() for line in lines)
        digest = hashlib.sha256(content).hexdigest()
        batch = await self._intend(door, server, lines, digest)
        file = await server.bulk.files.create(file=(f"{digest[:16]}.jsonl", content), purpose="batch")
        await self._note(batch, "file_id", file.id)
        metadata = {DIGEST: digest, "run": self.run_id}
        job = await server.bulk.batches.create(
            input_file_id=file.id, endpoint=PATH, completion_window="24h", metadata=metadata
        )
        await self._note(batch, "job_id", job.id)

    async def _intend(self, door: "Door", server: "Server", lines: Sequence[Line], digest: str) -> int:
        reserve = sum(line.reserve for line in lines)

        def write(connection: Connection) -> int | Parked:
            if (parked := self.journal.over(reserve, len(lines))) is not None:
                return parked
            values = (door.name, server.name, self.run_id, digest, reserve)
            cursor = connection.execute(
                "INSERT INTO batches (role, endpoint, run_id, digest, state, reserved_micro_usd)"
                " VALUES (?, ?, ?, ?, 'intent', ?)",
                values,
            )
            batch = cursor.lastrowid or 0
            calls = [(line.key, door.name, door.role.model, orjson.dumps(line.request).decode()) for line in lines]
            connection.executemany("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", calls)
            connection.executemany("INSERT INTO batch_calls VALUES (?, ?)", [(line.key, batch) for line in lines])
            connection.execute("UPDATE ledger SET value = value + ? WHERE name = 'sent_calls'", (len(lines),))
            self.journal.ledger.sent_calls += len(lines)
            self.journal.ledger.held_micro_usd += reserve
            return batch

        batch = await self.journal.writer.put(write)
        if isinstance(batch, Parked):
            raise batch.error
        return batch

    async def _note(self, batch: int, column: str, value: str) -> None:
        state = ", state = 'submitted'" if column == "job_id" else ""
        query = f"UPDATE batches SET {column} = ?{state} WHERE batch = ?"  # noqa: S608 - one of two names of ours
        await self.journal.writer.put(lambda connection: connection.execute(query, (value, batch)) and None)

    async def collect(self, door: "Door", servers: Iterable["Server"]) -> int:
        """Adopt, poll and merge the jobs of a role; returns how many still run."""
        by_name = {server.name: server for server in servers}
        running = 0
        for job in self.jobs(door.name):
            server = by_name.get(job.endpoint)
            if server is None:
                raise BrokenError(
                    f"batch job {job.job_id or job.batch} runs at {job.endpoint}, which `{door.name}` no longer names",
                    hint="put the endpoint back to collect it, or cancel it",
                )
            running += await self._advance(door, server, job)
        return running

    async def _advance(self, door: "Door", server: "Server", job: Job) -> bool:
        job_id = job.job_id or await self._adopted(server, job)
        if job_id is None:
            await self._close(job, [])  # it never reached the server
            return False
        seen = await server.bulk.batches.retrieve(job_id)
        if seen.status in RUNNING:
            return True
        for file_id in (seen.output_file_id, seen.error_file_id):
            if file_id:
                content = (await server.bulk.files.content(file_id)).content
                await self._merge(door, server, content)
        await self._close(job, self._left(job, seen.status))
        return False

    async def _adopted(self, server: "Server", job: Job) -> str | None:
        """Return the id of a job that was made by a process that died before it could note it."""
        async for seen in server.bulk.batches.list(limit=100):
            if (seen.metadata or {}).get(DIGEST) == job.digest:
                await self._note(job.batch, "job_id", seen.id)
                return seen.id
        return None

    async def _merge(self, door: "Door", server: "Server", content: bytes) -> None:
        """Record what a file of results says, by custom id; the order of its lines means nothing."""
        lines = [line for line in content.splitlines() if line.strip()]
        for start in range(0, len(lines), MERGE_LINES):
            part = [self._read(door, server, line) for line in lines[start : start + MERGE_LINES]]
            ended = [item for item in part if item is not None]

            def write(connection: Connection, ended: list[Any] = ended) -> None:
                for entry, outcome, detail, body in ended:
                    self._record(connection, server.name, entry, outcome, detail, body)

            await self.journal.writer.put(write)

    def _record(
        self, connection: Connection, endpoint: str, entry: Entry, outcome: str, detail: str, body: bytes
    ) -> None:
        """Settle one call of a job, within a write; a line that is there twice counts once."""
        taken = connection.execute("DELETE FROM batch_calls WHERE completion_id = ?", (entry.completion_id,)).rowcount
        if not taken:
            return
        cost = entry.cost_micro_usd
        connection.execute(
            "INSERT INTO attempts (completion_id, endpoint, run_id, reserved_micro_usd, cost_micro_usd, outcome,"
            " detail) VALUES (?, ?, ?, 0, ?, ?, ?)",
            (entry.completion_id, endpoint, self.run_id, cost, outcome, detail),
        )
        self.journal.pay(connection, cost)
        if entry.state:
            record(connection, entry, body, self.run_id)

    def _read(self, door: "Door", server: "Server", line: bytes) -> tuple[Entry, str, str, bytes] | None:
        """Return how a line says its call ended; an entry with no state is due again. None for a line of no call."""
        try:
            item = orjson.loads(line)
            key, response = str(item["custom_id"]), item.get("response") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        body = orjson.dumps(response.get("body") or {"error": item.get("error")})
        verdict = judge(Reply(int(response.get("status_code") or 500), {}, body), {"response_format": {}})
        if isinstance(verdict, Answered):
            counts = (verdict.prompt_tokens, verdict.completion_tokens, verdict.cached_tokens)
            counts = counts if verdict.is_counted else (0, tokens_of(verdict.text), 0)
            cost = door.price.micro_usd(*counts)
            model = verdict.model or door.role.model
            return Entry(key, DONE, model, verdict.text, verdict.finish_reason, *counts, cost, 1, 0.0), DONE, "", body
        if isinstance(verdict, Refusal):
            detail = self.scrub(verdict.detail)
            return (
                Entry(key, verdict.reason, door.role.model, detail, "", 0, 0, 0, 0, 1, 0.0),
                verdict.reason,
                detail,
                body,
            )
        if isinstance(verdict, Unsupported):
            server.learn(verdict, server.structure())
        detail = self.scrub(verdict.error.message if isinstance(verdict, Stop) else getattr(verdict, "detail", ""))
        reason = verdict.reason if isinstance(verdict, Again) else "server_error"
        return Entry(key, "", door.role.model, "", "", 0, 0, 0, 0, 1, 0.0), reason, detail, body

    def _left(self, job: Job, status: str) -> list[tuple[str, str]]:
        """Return the calls that an ended job has no line for, with how it ended."""
        reason = "expired" if status in {"expired", "cancelled", "completed"} else "server_error"
        rows = self.journal.select("SELECT completion_id FROM batch_calls WHERE batch = ?", (job.batch,))
        return [(row[0], reason) for row in rows]

    async def _close(self, job: Job, left: Sequence[tuple[str, str]]) -> None:
        """Note that a job is merged, free what was set aside for it, and make what it did not answer due again."""
        rows = [(key, job.endpoint, self.run_id, reason, f"batch job {job.job_id}") for key, reason in left]

        def write(connection: Connection) -> None:
            connection.executemany(
                "INSERT INTO attempts (completion_id, endpoint, run_id, reserved_micro_usd, cost_micro_usd, outcome,"
                " detail) VALUES (?, ?, ?, 0, 0, ?, ?)",
                rows,
            )
            connection.execute("DELETE FROM batch_calls WHERE batch = ?", (job.batch,))
            connection.execute("UPDATE batches SET state = 'merged' WHERE batch = ?", (job.batch,))
            self.journal.ledger.held_micro_usd -= job.reserved

        await self.journal.writer.put(write)

    async def cancel(self, door: "Door", servers: Iterable["Server"]) -> int:
        """Ask the servers to cancel a role's jobs; what they answered until then is merged later. Returns how many."""
        by_name = {server.name: server for server in servers}
        jobs = [job for job in self.jobs(door.name) if job.job_id and job.endpoint in by_name]
        for job in jobs:
            await by_name[job.endpoint].bulk.batches.cancel(str(job.job_id))
        return len(jobs)


def parked(role: str, running: int, waited_seconds: float) -> TransientError:
    """Return the error that says that jobs run and what to do."""
    return TransientError(
        f"{running} batch jobs of `{role}` are running (waited {waited_seconds:.0f} s)",
        hint="run the same command again later: it collects what is done and pays for nothing twice",
    )
