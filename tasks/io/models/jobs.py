"""Batch jobs as the journal has them: their states, their calls, and the money that is set aside for these.

    state      what happens                               next        its calls
    draft      its file is up, and it is asked for        intent      out; counted once a server has taken them
    draft      its file does not go up; we die            (no row)    due
    intent     the server takes it, or lists it           submitted   out; counted as sent
    intent     the server refuses it, or has it not       dropped     due
    intent     nobody can know whether it has it          lost        due; counted as sent, and as paid
    submitted  a line answers a call                      submitted   that one is recorded and paid
    submitted  it ends, answered or not                   merged      the rest is due, with an attempt for each
    submitted  all of it fails                            failed      due, with no attempt, and not counted
    submitted  the server forgets it                      lost        due, with an attempt; counted as paid

Each change is one commit, made before the next thing is sent or believed. What is set aside is known by call, so with
every line that is recorded it becomes less: what is spent and what is held never count a call twice.
"""

import math
import time
from asyncio import Future
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from wellspring.tasks.io.storage.journal import Entry, Journal, Parked, record
from wellspring.tasks.io.storage.journal_file import Connection, reading

INTENT, SUBMITTED = "intent", "submitted"
OPEN = (INTENT, SUBMITTED)  # a server has it, or may have it
MERGED, FAILED, LOST, DROPPED = "merged", "failed", "lost", "dropped"
GONE = "not found"  # the status of a job that its server did not know when it was last asked
LIMITED_SHARE = 1 / 8  # of an attempt: a refusal for rate says more about the server than about the call
REASONS = {"unknown": "expired", "bad_line": "bad_request"}  # under which a call is refused, by its last attempt
SHOWN_ENDED = 10  # jobs that ended in trouble, beside those that are out


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the journal has it; `form` is what its server was known to take when its calls were worded."""

    batch: int
    role: str
    endpoint: str
    state: str
    job_id: str | None = None
    file_id: str | None = None
    nonce: str = ""
    model: str = ""
    form: str = "{}"
    since: int = 0  # when this state began, seconds of the epoch
    calls: int = 0
    tokens: int = 0
    bytes: int = 0
    reserved_micro_usd: int = 0
    status: str = ""  # the server's word for it
    done: int = 0
    failed: int = 0
    misses: int = 0  # runs in which its results could not be read
    said: str = ""

    @property
    def name(self) -> str:
        """How it is called: by the server's id, or by its nonce while that is not known."""
        return self.job_id or self.nonce


class Line(NamedTuple):
    """A call as it goes into a job's file."""

    key: str
    text: bytes
    request: Mapping[str, Any]
    tokens: int
    reserve: int


class Note(NamedTuple):
    """What a job's line says of a call that is not answered by it, until the job has ended.

    `again`: an attempt that failed. `refused`: final, if it is the call's own fault. `due`: no fault of the call.
    """

    verdict: Literal["again", "refused", "due"]
    reason: str
    detail: str = ""
    cost: int = 0


class Left(NamedTuple):
    """A call that its job has not answered."""

    key: str
    reserve: int
    note: Note | None


class Settled(NamedTuple):
    """How a call's part in a job ends: an attempt unless `is_free`; a refusal if `entry` says so; due otherwise."""

    key: str
    note: Note
    is_free: bool
    entry: Entry | None = None


class Jobs:
    """The batch jobs of one journal."""

    def __init__(self, journal: Journal, run_id: str) -> None:
        self.journal, self.run_id = journal, run_id

    def open(self) -> list[Job]:
        """Return the jobs that a server has, or may have, oldest first."""
        return _jobs(self.journal.reader, "state IN ('intent', 'submitted') ORDER BY batch")

    def out(self, keys: Sequence[str]) -> set[str]:
        """Return those of these calls that a job is out for, or is being made of."""
        query = f"SELECT completion_id FROM batch_calls WHERE completion_id IN ({_marks(keys)})"  # noqa: S608 - only question marks
        return {row[0] for row in self.journal.select(query, keys)}

    def requests(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return what these calls ask."""
        query = f"SELECT completion_id, request FROM calls WHERE completion_id IN ({_marks(keys)})"  # noqa: S608 - only question marks
        return {key: orjson.loads(request) for key, request in self.journal.select(query, keys)}

    def left(self, batch: int) -> list[Left]:
        """Return the calls that a job has not answered, in the order of its file."""
        query = (
            "SELECT completion_id, reserved_micro_usd, verdict, reason, detail, cost_micro_usd FROM batch_calls"
            " WHERE batch = ? ORDER BY rowid"
        )
        rows = self.journal.select(query, (batch,))
        return [Left(key, reserve, Note(*note) if note[0] else None) for key, reserve, *note in rows]

    def failures(self, batch: int) -> dict[str, float]:
        """Return how many attempts in jobs have failed before, of the calls that a job has not answered."""
        query = (
            "SELECT completion_id, sum(CASE outcome WHEN 'rate_limited' THEN ? ELSE 1 END) FROM attempts"
            " WHERE completion_id IN (SELECT completion_id FROM batch_calls WHERE batch = ?) AND batch IS NOT NULL"
            " AND outcome IS NOT NULL AND outcome <> 'done' GROUP BY completion_id"
        )
        return dict(self.journal.select(query, (LIMITED_SHARE, batch)))

    def has_answered(self, batch: int) -> bool:
        """Whether a job has answered any of its calls."""
        query = "SELECT 1 FROM attempts WHERE batch = ? AND outcome = 'done' LIMIT 1"
        return bool(self.journal.select(query, (batch,)))

    def begin(self, role: str, endpoint: str, model: str, form: str) -> Future[int]:
        """Begin a draft; returns its number."""
        query = (
            "INSERT INTO batches (role, endpoint, run_id, digest, state, reserved_micro_usd, model, form)"
            " VALUES (?, ?, ?, '', 'draft', 0, ?, ?)"
        )
        values = (role, endpoint, self.run_id, model, form)
        return self.journal.writer.put(lambda connection: connection.execute(query, values).lastrowid or 0)

    def book(self, job: Job, lines: Sequence[Line]) -> Future[tuple[list[Line], Parked | None]]:
        """Put calls into a draft and set their money aside, as far as the budget goes.

        Returns:
            Those that are in it now: a call that another job has is left out; and which cap the next one could pass.
        """
        ledger = self.journal.ledger

        def write(connection: Connection) -> tuple[list[Line], Parked | None]:
            booked: list[Line] = []
            for line in lines:
                if connection.execute("SELECT 1 FROM batch_calls WHERE completion_id = ?", (line.key,)).fetchone():
                    continue
                if (parked := self.journal.over(line.reserve)) is not None:
                    return booked, parked
                call = (line.key, job.role, job.model, orjson.dumps(line.request).decode())
                connection.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", call)
                query = "INSERT INTO batch_calls (completion_id, batch, reserved_micro_usd) VALUES (?, ?, ?)"
                connection.execute(query, (line.key, job.batch, line.reserve))
                ledger.held_micro_usd += line.reserve
                ledger.held_calls += 1
                booked.append(line)
            return booked, None

        return self.journal.writer.put(write)

    def drop(self, batch: int) -> Future[None]:
        """Drop a draft: nothing was sent."""

        def write(connection: Connection) -> None:
            self._free(connection, batch, was_sent=False)
            connection.execute("DELETE FROM batches WHERE batch = ?", (batch,))

        return self.journal.writer.put(write)

    def intend(self, job: Job, digest: str) -> Future[None]:
        """Note what is about to be asked of a server: the job is found by its nonce or its file whatever happens."""
        query = (
            "UPDATE batches SET state = 'intent', digest = ?, nonce = ?, file_id = ?, calls = ?, tokens = ?, bytes = ?,"
            " since = ?, reserved_micro_usd = (SELECT sum(c.reserved_micro_usd) FROM batch_calls AS c"
            " WHERE c.batch = batches.batch) WHERE batch = ?"
        )
        values = (digest, job.nonce, job.file_id, job.calls, job.tokens, job.bytes, _now(), job.batch)
        return self._put(query, values)

    def submitted(self, job: Job, job_id: str) -> Future[None]:
        """Note that a server has a job, and count its calls as sent."""

        def write(connection: Connection) -> None:
            query = "UPDATE batches SET state = 'submitted', job_id = ?, since = ?, said = '' WHERE batch = ?"
            connection.execute(query, (job_id, _now(), job.batch))
            (calls,) = connection.execute("SELECT count(*) FROM batch_calls WHERE batch = ?", (job.batch,)).fetchone()
            self._count_sent(connection, calls)
            self.journal.ledger.held_calls -= calls

        return self.journal.writer.put(write)

    def seen(self, job: Job, said: str = "") -> Future[None]:
        """Note how far a job is, by the server's word, and what else it said."""
        query = "UPDATE batches SET status = ?, done = ?, failed = ?, said = ? WHERE batch = ?"
        return self._put(query, (job.status, job.done, job.failed, said, job.batch))

    def missed(self, job: Job, said: str) -> Future[None]:
        """Note that this run could not read a job's results."""
        return self._put("UPDATE batches SET misses = misses + 1, said = ? WHERE batch = ?", (said, job.batch))

    def note(self, job: Job, notes: Iterable[tuple[str, Note]]) -> Future[None]:
        """Note what lines say of calls that they do not answer; a line of a call that is answered says nothing."""
        rows = [(*note, key, job.batch) for key, note in notes]
        query = (
            "UPDATE batch_calls SET verdict = ?, reason = ?, detail = ?, cost_micro_usd = ?"
            " WHERE completion_id = ? AND batch = ?"
        )
        return self.journal.writer.put(lambda connection: connection.executemany(query, rows) and None)

    def answer(self, job: Job, entries: Iterable[tuple[Entry, bytes]]) -> Future[list[str]]:
        """Record and pay what lines answer; returns which calls: none for a line that is there twice or is not ours."""

        def write(connection: Connection) -> list[str]:
            ended: list[str] = []
            for entry, body in entries:
                query = "SELECT reserved_micro_usd FROM batch_calls WHERE completion_id = ? AND batch = ?"
                if (found := connection.execute(query, (entry.completion_id, job.batch)).fetchone()) is None:
                    continue
                connection.execute("DELETE FROM batch_calls WHERE completion_id = ?", (entry.completion_id,))
                self._attempt(
                    connection, job, entry.completion_id, Note("again", entry.state, "", entry.cost_micro_usd)
                )
                self.journal.ledger.held_micro_usd -= found[0]
                record(connection, entry, body, self.run_id)
                ended.append(entry.completion_id)
            return ended

        return self.journal.writer.put(write)

    def close(self, job: Job, state: str, said: str, settled: Sequence[Settled]) -> Future[None]:
        """End a job: settle every call that it has not answered, and free what was set aside for them."""

        def write(connection: Connection) -> None:
            self._free(connection, job.batch, was_sent=job.state == SUBMITTED)
            self._count_sent(connection, sum(not one.is_free for one in settled))
            for key, note, is_free, entry in settled:
                if note.cost or not is_free:
                    self._attempt(connection, job, key, note, is_free=is_free)
                if entry is not None:
                    record(connection, entry, None, self.run_id)
            query = "UPDATE batches SET state = ?, said = ?, since = ? WHERE batch = ?"
            connection.execute(query, (state, said, _now(), job.batch))

        return self.journal.writer.put(write)

    def _put(self, query: str, values: Sequence[Any]) -> Future[None]:
        return self.journal.writer.put(lambda connection: connection.execute(query, values) and None)

    def _free(self, connection: Connection, batch: int, *, was_sent: bool) -> None:
        """Take a job's calls out, with their money and their count; those that stay counted are counted again."""
        query = "SELECT count(*), coalesce(sum(reserved_micro_usd), 0) FROM batch_calls WHERE batch = ?"
        calls, reserved = connection.execute(query, (batch,)).fetchone()
        connection.execute("DELETE FROM batch_calls WHERE batch = ?", (batch,))
        self.journal.ledger.held_micro_usd -= reserved
        if was_sent:
            self._count_sent(connection, -calls)
        else:
            self.journal.ledger.held_calls -= calls

    def _count_sent(self, connection: Connection, calls: int) -> None:
        connection.execute("UPDATE ledger SET value = value + ? WHERE name = 'sent_calls'", (calls,))
        self.journal.ledger.sent_calls += calls

    def _attempt(self, connection: Connection, job: Job, key: str, note: Note, *, is_free: bool = False) -> None:
        """Write down how an attempt ended, and pay it; one that is free does not count against its call."""
        query = (
            "INSERT INTO attempts (completion_id, endpoint, run_id, reserved_micro_usd, cost_micro_usd, outcome, detail"
            ", batch) VALUES (?, ?, ?, 0, ?, ?, ?, ?)"
        )
        batch = None if is_free else job.batch
        values = (key, job.endpoint, self.run_id, note.cost, note.reason, note.detail or None, batch)
        connection.execute(query, values)
        self.journal.pay(connection, note.cost)


def settle(left: Iterable[Left], failures: Mapping[str, float], attempts: int, job: Job) -> list[Settled]:
    """Decide about the calls that a job has not answered, from its last word about each.

    A call is refused where the word was final, or after so many attempts in jobs that failed.
    """
    settled: list[Settled] = []
    for key, _, note in left:
        assert note is not None  # noqa: S101 - whoever closes a job has something to say of each call
        if note.verdict == "due":
            settled.append(Settled(key, note, is_free=True))
            continue
        tries = failures.get(key, 0.0) + (LIMITED_SHARE if note.reason == "rate_limited" else 1.0)
        reason, said = REASONS.get(note.reason, note.reason), note.detail
        if note.verdict == "again":
            said = f"{tries:g} batch jobs, the last: {said}"
        refusal = Entry(key, reason, job.model, said, "", 0, 0, 0, note.cost, math.ceil(tries), 0.0)
        is_final = note.verdict == "refused" or tries >= attempts
        settled.append(Settled(key, note, is_free=False, entry=refusal if is_final else None))
    return settled


def listed(directory: Path) -> list[Job]:
    """Return the jobs of a store that are out, and the last that ended in trouble; reads beside one who writes."""
    path = directory / "completions.sqlite"
    if not path.is_file():
        return []
    with reading(path) as connection:
        jobs = _jobs(connection, "state <> 'draft' ORDER BY batch")
    ended = [job for job in jobs if job.state not in OPEN and job.said]
    shown = {job.batch for job in ended[-SHOWN_ENDED:]}
    return [job for job in jobs if job.state in OPEN or job.batch in shown]


def _jobs(connection: Connection, which: str) -> list[Job]:
    """Return jobs; an older journal, which is only read, has fewer columns."""
    found = connection.execute(f"SELECT * FROM batches WHERE {which}")  # noqa: S608 - our own text
    names = [column[0] for column in found.description]
    known = {one.name for one in fields(Job)}
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [Job(**{name: value for name, value in row.items() if name in known}) for row in rows]


def _marks(keys: Sequence[str]) -> str:
    return ",".join("?" * len(keys))


def _now() -> int:
    return int(time.time())
