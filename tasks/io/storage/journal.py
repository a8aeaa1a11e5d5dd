"""The journal of model calls: each call is on disk before it is sent, each answer before it is used.

The file is `journal_file.py`'s, its writer `journal_writer.py`'s. A call passes through three tables:

    calls        what is asked, once per completion id
    attempts     each time it goes over the wire: inserted with its reservation before the send, settled after
    completions  how it ended: answered, or refused with the server's words

Money is integer micro-USD. An attempt that was open when its process died has an unknown outcome: it keeps its
reservation as spent, and the call may be sent again. Whose process is alive is asked of the kernel (`flock`), not of a
clock: a lock whose holder was killed is free at once. Rows carry a checksum, since SQLite does not notice a flipped
bit in a text; a row that fails it counts as lost, is reported, and is asked again.
"""

import asyncio
import json
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io.storage import journal_file
from wellspring.tasks.io.storage.journal_file import Connection
from wellspring.tasks.io.storage.journal_writer import Writer

LOOKUP_IDS = 500  # ids in one SELECT; SQLite's limit on variables is 32,766
LATE_ANSWERS = 1000  # of all roles, that tell how long a model takes
CUT_NOTE = "cut to"  # how the note of an answered attempt begins whose text was cut
DONE = "done"

_ENTRY = (
    "completion_id, state, model, text, finish_reason, prompt_tokens, completion_tokens, cached_tokens, cost_micro_usd,"
    " attempts, latency_seconds, thought, tool_calls, logprobs, served"
)


class Entry(NamedTuple):
    """How a call ended. `state` is `done` or a refusal's reason; `text` is the answer, or the server's words.

    `thought`, `tool_calls` and `logprobs` are what the answer had beside its text; `served` is the model's name in it.
    """

    completion_id: str
    state: str
    model: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_micro_usd: int
    attempts: int
    latency_seconds: float
    thought: str = ""
    tool_calls: str = ""
    logprobs: str = ""
    served: str = ""

    def checksum(self) -> int:
        """Return a checksum of what an answer says; what it does not have changes nothing, as before it was kept."""
        beside = filter(None, (self.thought, self.tool_calls, self.logprobs, self.served))
        said = " ".join((self.completion_id, self.state, self.model, self.text, *beside))
        return zlib.crc32(said.encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class Ledger:
    """What has been spent and set aside, over all runs of this store. Changed by the writer's thread only."""

    spent_micro_usd: int
    reserved_micro_usd: int
    sent_calls: int
    held_micro_usd: int = 0  # for calls that batch jobs are out for, or are being made of
    held_calls: int = 0  # of those, the ones that no server is known to have taken: not sent yet


@dataclass(frozen=True, slots=True)
class Caps:
    """Where sending stops; None is no limit."""

    micro_usd: int | None = None
    calls: int | None = None


class Parked(NamedTuple):
    """A cap that a claim could pass, as a value (to say no is not a failed write).

    `reached` names the cap and what it stands at, for who cannot send the rest of many calls. `may_pass`: it may be
    possible later, when what is set aside for others has been settled for less.
    """

    error: TransientError
    may_pass: bool
    reached: str


class Journal:
    """The durable memory of model calls of one store."""

    def __init__(self, path: Path, *, caps: Caps | None = None, owner: str = "") -> None:
        self.path = path.absolute()
        self.caps = caps or Caps()
        journal_file.refuse_newer(self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        journal_file.refuse_network(self.path)
        self.lock = journal_file.hold(self.path.with_suffix(".lock"), owner=owner)
        try:
            self.reader, self.lost_rows = journal_file.opened(self.path)
            try:
                self.ledger = self._settle_the_dead()
            except BrokenError:
                if not journal_file.is_damaged(self.path):
                    raise
                self.reader.close()  # a damage that was not seen at opening: what is readable is saved, as there
                self.reader, self.lost_rows = journal_file.opened(self.path)
                self.ledger = self._settle_the_dead()
        except BaseException:
            os.close(self.lock)
            raise
        self.writer = Writer(self.path)
        self.writer.start()

    def _settle_the_dead(self) -> Ledger:
        """Count attempts of dead processes as spent: the server may have answered and billed them.

        A batch job that a dead process was still writing was never sent: it is dropped.
        """
        try:
            self.reader.execute("BEGIN IMMEDIATE")
            self.reader.execute(
                "DELETE FROM batch_calls WHERE batch IN (SELECT batch FROM batches WHERE state = 'draft')"
            )
            self.reader.execute("DELETE FROM batches WHERE state = 'draft'")
            self.reader.execute(
                "UPDATE ledger SET value = value + (SELECT coalesce(sum(reserved_micro_usd), 0) FROM attempts"
                " WHERE outcome IS NULL) WHERE name = 'spent_micro_usd'"
            )
            self.reader.execute(
                "UPDATE attempts SET outcome = 'unknown', cost_micro_usd = reserved_micro_usd WHERE outcome IS NULL"
            )
            self.reader.execute("COMMIT")
            values = dict(self.reader.execute("SELECT name, value FROM ledger").fetchall())
            held = self.reader.execute(
                "SELECT coalesce(sum(c.reserved_micro_usd), 0), coalesce(sum(b.state = 'intent'), 0)"
                " FROM batch_calls AS c JOIN batches AS b USING (batch)"
            )
        except journal_file.Failure as error:
            raise journal_file.broken(self.path, error) from error
        return Ledger(values["spent_micro_usd"], 0, values["sent_calls"], *held.fetchone())

    def select(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a query.

        Raises:
            BrokenError: The file is damaged.
        """
        try:
            return self.reader.execute(query, values).fetchall()
        except journal_file.Failure as error:
            raise journal_file.broken(self.path, error) from error

    def lookup(self, completion_ids: Sequence[str]) -> dict[str, Entry]:
        """Return how these calls ended, of those that have; a row that fails its checksum counts as lost."""
        found: dict[str, Entry] = {}
        for ids in _parts(completion_ids):
            query = f"SELECT {_ENTRY}, checksum FROM completions WHERE completion_id IN ({_marks(ids)})"  # noqa: S608 - only question marks
            for *row, checksum in self.select(query, ids):
                entry = Entry(*row)
                if entry.checksum() == checksum:
                    found[entry.completion_id] = entry
                else:
                    self.lost_rows += self.forget([entry.completion_id])
        return found

    def forget(self, completion_ids: Sequence[str]) -> int:
        """Set recorded ends aside, so that these calls are asked for again; their attempts stay. Returns how many."""
        return self.writer.apply(lambda connection: _delete(connection, completion_ids))

    def claim(
        self, completion_id: str, *, role: str, model: str, request: str, endpoint: str, run_id: str, reserve: int
    ) -> asyncio.Future[int | Parked]:
        """Write down that a call is about to be sent and set its money aside.

        Returns:
            The attempt's number, or which cap it could pass.
        """

        def write(connection: Connection) -> int | Parked:
            if (parked := self.over(reserve)) is not None:
                return parked
            connection.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", (completion_id, role, model, request))
            cursor = connection.execute(
                "INSERT INTO attempts (completion_id, endpoint, run_id, reserved_micro_usd) VALUES (?, ?, ?, ?)",
                (completion_id, endpoint, run_id, reserve),
            )
            connection.execute("UPDATE ledger SET value = value + 1 WHERE name = 'sent_calls'")
            self.ledger.reserved_micro_usd += reserve
            self.ledger.sent_calls += 1
            return cursor.lastrowid or 0

        return self.writer.put(write)

    def over(self, reserve: int) -> Parked | None:
        """Return which cap one more call at this reservation could pass, or None. Asked within a write."""
        ledger, caps = self.ledger, self.caps
        spent = ledger.spent_micro_usd + ledger.reserved_micro_usd + ledger.held_micro_usd
        sent = ledger.sent_calls + ledger.held_calls
        if caps.calls is not None and sent >= caps.calls:
            reached = f"budget.max_calls = {caps.calls} is reached: {sent} calls were sent"
            hint = "everything so far is kept; raise budget.max_calls and run the same command to go on"
            return Parked(TransientError(reached, hint=hint), may_pass=False, reached=reached)
        if caps.micro_usd is not None and spent + reserve > caps.micro_usd:
            cap = f"budget.max_cost_usd = {caps.micro_usd / 1e6:g}"
            reached = f"{cap} could be passed: {spent / 1e6:.6f} is spent or set aside"
            said = f"{reached}, the next call may cost {reserve / 1e6:.6f}"
            hint = "everything so far is kept; raise budget.max_cost_usd and run the same command to go on"
            return Parked(TransientError(said, hint=hint), may_pass=True, reached=reached)
        return None

    def fail(
        self,
        attempt: int,
        *,
        reserve: int,
        cost: int,
        outcome: str,
        status: int | None,
        detail: str,
        body: bytes | None,
    ) -> asyncio.Future[None]:
        """Settle an attempt that gave no answer; the call may be sent again. A body that was paid for is kept."""

        def write(connection: Connection) -> None:
            self._settle(connection, attempt, reserve, cost, outcome, status, detail, body)

        return self.writer.put(write)

    def finish(
        self,
        attempt: int,
        entry: Entry,
        *,
        reserve: int,
        paid: int,
        status: int | None,
        body: bytes | None,
        run_id: str,
    ) -> asyncio.Future[None]:
        """Record how a call ended, and settle its last attempt at `paid` micro-USD."""

        def write(connection: Connection) -> None:
            self._settle(connection, attempt, reserve, paid, entry.state, status, None, None)
            record(connection, entry, body, run_id)

        return self.writer.put(write)

    def _settle(self, connection: Connection, attempt: int, reserve: int, cost: int, *outcome: Any) -> None:
        connection.execute(
            "UPDATE attempts SET cost_micro_usd = ?, outcome = ?, status = ?, detail = ?, body = ? WHERE attempt = ?",
            (cost, *outcome, attempt),
        )
        self.ledger.reserved_micro_usd -= reserve
        self.pay(connection, cost)

    def pay(self, connection: Connection, cost: int) -> None:
        """Add to what was spent, within a write."""
        if cost:
            connection.execute("UPDATE ledger SET value = value + ? WHERE name = 'spent_micro_usd'", (cost,))
            self.ledger.spent_micro_usd += cost

    def end(self, entry: Entry, run_id: str) -> None:
        """Record how a call ended that is not sent again, from a thread."""
        self.writer.apply(lambda connection: record(connection, entry, None, run_id))

    def refuse(self, entry: Entry, role: str, request: str, run_id: str) -> asyncio.Future[None]:
        """Record that a text is not embedded, and why; its attempts, alone or among others, are settled."""

        def write(connection: Connection) -> None:
            values = (entry.completion_id, role, entry.model, request)
            connection.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", values)
            record(connection, entry, None, run_id)

        return self.writer.put(write)

    def vectors(self, completion_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the recorded vectors (float32 bytes) of these texts, of those that are there and whole."""
        found: dict[str, bytes] = {}
        for ids in _parts(completion_ids):
            query = f"SELECT completion_id, vector, checksum FROM vectors WHERE completion_id IN ({_marks(ids)})"  # noqa: S608 - only question marks
            found.update(
                (name, vector) for name, vector, checksum in self.select(query, ids) if zlib.crc32(vector) == checksum
            )
        return found

    def remember(
        self, attempt: int, vectors: Iterable[tuple[str, bytes]], *, reserve: int, paid: int, detail: str | None = None
    ) -> asyncio.Future[None]:
        """Record the vectors that one embedding call gave, and settle its attempt, with a note if there is one."""
        rows = [(name, vector, zlib.crc32(vector)) for name, vector in vectors]

        def write(connection: Connection) -> None:
            self._settle(connection, attempt, reserve, paid, DONE, 200, detail, None)
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

        return self.writer.put(write)

    def after(self, watermark: int, limit: int) -> list[tuple[Any, ...]]:
        """Return answered calls after a watermark, oldest first, as the columns of records.Completion."""
        return self.select(
            "SELECT c.completion_id, c.sequence, coalesce(calls.role, ''), c.model, coalesce(calls.request, ''),"
            " c.text, CASE c.state WHEN 'done' THEN c.finish_reason ELSE c.state END, c.prompt_tokens,"
            " c.completion_tokens, c.cached_tokens, c.cost_micro_usd / 1e6, c.attempts, c.latency_seconds, c.run_id,"
            " c.thought, c.tool_calls, c.logprobs, c.served"
            " FROM completions AS c LEFT JOIN calls USING (completion_id)"
            " WHERE c.sequence > ? ORDER BY c.sequence LIMIT ?",
            (watermark, limit),
        )

    def cost(self, run_id: str) -> int:
        """Return what a run has paid, in micro-USD: answers, failed attempts, and outcomes nobody knows."""
        return self.select("SELECT coalesce(sum(cost_micro_usd), 0) FROM attempts WHERE run_id = ?", (run_id,))[0][0]

    def mean_seconds(self, role: str, model: str) -> float | None:
        """Return how long a role's model took for an answer of late, or None if none of it is known."""
        late = "SELECT completion_id, latency_seconds FROM completions WHERE state = 'done' ORDER BY sequence DESC"
        query = f"SELECT avg(latency_seconds) FROM ({late} LIMIT ?) JOIN calls USING (completion_id)"  # noqa: S608 - our own text
        return self.select(f"{query} WHERE role = ? AND model = ?", (LATE_ANSWERS, role, model))[0][0]

    def refused(self, reason: str | None = None) -> list[str]:
        """Return the ids of calls that ended in a refusal, of one reason or of any."""
        rows = self.select(
            "SELECT completion_id FROM completions WHERE state <> 'done' AND state = coalesce(?, state)"
            " ORDER BY sequence",
            (reason,),
        )
        return [row[0] for row in rows]

    def reopen(self, reason: str | None = None) -> list[str]:
        """Make refused calls askable again; their attempts stay on record. Returns their ids."""
        refused = self.refused(reason)
        self.forget(refused)
        return refused

    def holding(self, fragments: Sequence[str]) -> list[str]:
        """Return the ids of calls whose request, answer or failed attempts hold one of these texts.

        Requests are JSON: a fragment must be free of what JSON escapes (quotes, backslashes, line ends).
        """
        looked = [re.compile("|".join(map(re.escape, part))) for part in _parts(fragments)]
        texts = self.reader.execute(
            "SELECT completion_id, request FROM calls UNION ALL"
            " SELECT completion_id, text || char(10) || thought || char(10) || tool_calls FROM completions"
            " UNION ALL SELECT completion_id, CAST(body AS TEXT) FROM completions WHERE body IS NOT NULL"
            " UNION ALL SELECT completion_id, coalesce(detail, '') || coalesce(CAST(body AS TEXT), '') FROM attempts"
        )
        return sorted({name for name, text in texts if any(one.search(text or "") for one in looked)})

    def erase(self, completion_ids: Sequence[str]) -> None:
        """Take the words of calls out for good: request, answer, bodies, vectors. What they cost stays on record."""

        def write(connection: Connection) -> None:
            names = [(name,) for name in completion_ids]
            for table in ("completions", "calls", "vectors", "batch_calls"):
                connection.executemany(f"DELETE FROM {table} WHERE completion_id = ?", names)  # noqa: S608 - our own names
            connection.executemany("UPDATE attempts SET detail = NULL, body = NULL WHERE completion_id = ?", names)

        self.writer.apply(write)

    def erase_vectors(self, vectors: Collection[bytes]) -> int:
        """Take recorded vectors out, found by what they are: what they are named by tells no text. Returns how many."""
        rows = self.reader.execute("SELECT completion_id, vector FROM vectors") if vectors else ()
        names = [(name,) for name, vector in rows if vector in vectors]
        self.writer.apply(lambda c: c.executemany("DELETE FROM vectors WHERE completion_id = ?", names) and None)
        return len(names)

    def compact(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in it, nor in its log."""
        self.reader.execute("VACUUM")
        self.reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for pattern in (f"{self.path.name}.damaged-*", f"{self.path.stem}.damaged.sqlite*"):  # the second by older code
            for damaged in self.path.parent.glob(pattern):
                damaged.unlink()

    def ability(self, endpoint: str, model: str) -> Mapping[str, Any]:
        """Return what was learned of an endpoint: how to ask it for structure, which parameters it does not know."""
        rows = self.select("SELECT ability FROM abilities WHERE endpoint = ? AND model = ?", (endpoint, model))
        return json.loads(rows[0][0]) if rows else {}

    def learn(self, endpoint: str, model: str, ability: Mapping[str, Any]) -> asyncio.Future[None]:
        """Remember what was learned of an endpoint."""
        row = (endpoint, model, json.dumps(ability, sort_keys=True))
        return self.writer.put(lambda c: c.execute("INSERT OR REPLACE INTO abilities VALUES (?, ?, ?)", row) and None)

    def close(self) -> None:
        """Commit what is queued, close the file, give the lock back."""
        self.writer.waiting.put(None)
        self.writer.join()
        self.reader.close()
        os.close(self.lock)


def outcomes(path: Path) -> list[tuple[str, int, int]]:
    """Return how attempts ended: (outcome, HTTP status or 0, how many). Reads beside a process that writes.

    A journal that is not there has none.
    """
    if not path.is_file():
        return []
    with journal_file.reading(path) as connection:
        return connection.execute(
            "SELECT coalesce(outcome, 'open'), coalesce(status, 0), count(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()


def latest(path: Path, most: int) -> list[tuple[str, str, str, str, int, float]]:
    """Return the last answers, newest first: role, model, how it ended, text, tokens, seconds. Reads as `outcomes`."""
    if not path.is_file():
        return []
    query = (
        "SELECT coalesce(calls.role, ''), c.model, CASE c.state WHEN 'done' THEN c.finish_reason ELSE c.state END,"
        " substr(c.text, 1, 400), c.completion_tokens, c.latency_seconds FROM completions AS c"
        " LEFT JOIN calls USING (completion_id) ORDER BY c.sequence DESC LIMIT ?"
    )
    with journal_file.reading(path) as connection:
        return connection.execute(query, (most,)).fetchall()


def cut_texts(path: Path) -> int:
    """Return how many texts were cut for an embedder. Reads beside a process that writes; no journal has none."""
    if not path.is_file():
        return 0
    query = "SELECT count(DISTINCT completion_id) FROM attempts WHERE outcome = 'done' AND detail LIKE ? || '%'"
    with journal_file.reading(path) as connection:
        return connection.execute(query, (CUT_NOTE,)).fetchone()[0]


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + LOOKUP_IDS] for start in range(0, len(ids), LOOKUP_IDS))


def _marks(ids: Sequence[Any]) -> str:
    return ",".join("?" * len(ids))


def _delete(connection: Connection, completion_ids: Sequence[str]) -> int:
    """Set ends aside, within a write; jobs' failed attempts no longer count against what is asked anew."""
    names = [(name,) for name in completion_ids]
    connection.executemany(
        "UPDATE attempts SET batch = NULL WHERE completion_id = ? AND outcome IS NOT NULL AND outcome <> 'done'", names
    )
    return connection.executemany("DELETE FROM completions WHERE completion_id = ?", names).rowcount


def record(connection: Connection, entry: Entry, body: bytes | None, run_id: str) -> None:
    """Insert how a call ended, within a write; an end that is there already stays."""
    row = (*entry, body, run_id, entry.checksum())
    connection.execute(
        f"INSERT INTO completions ({_ENTRY}, body, run_id, checksum) VALUES ({_marks(row)})"  # noqa: S608 - our own column names
        " ON CONFLICT (completion_id) DO NOTHING",
        row,
    )
