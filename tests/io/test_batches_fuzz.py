"""Batch jobs under random faults, kills, switches and cancels: what must hold after each step and in the end.

A walk is a sequence of runs on one store. In each, the server does what a seed says to any request, and the process may
die before or after any step that it takes: from then on it can neither write nor send. The server's own count of what
it worked on is the truth.
"""

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.io.batch_server import Act, BatchServer, Job, Line, error, failure, serving
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.models import batches, jobs
from wellspring.tasks.io.models.bulk import Bulk
from wellspring.tasks.io.models.jobs import Jobs
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.storage.journal import Journal

CALLS = 30
STEPS = 20
MOST_RUNS = 60
PRICES = '[models."offline-*"]\nprompt = 1.0\ncompletion = 2.0\nbatch = 0.5\n'
LEDGER = "SELECT name, value FROM ledger ORDER BY name"
HELD = (
    "SELECT coalesce(sum(c.reserved_micro_usd), 0), coalesce(sum(b.state <> 'submitted'), 0)"
    " FROM batch_calls AS c JOIN batches AS b USING (batch)"
)
WRITES = ("begin", "book", "drop", "intend", "submitted", "seen", "missed", "note", "answer", "close")
SENDS = ("upload", "create", "retrieve", "cancel", "find", "read")


class Killed(BaseException):
    """The process dies here."""


class Fate:
    """When the process dies: at which of its steps from now on, before it or after it."""

    def __init__(self, walk: "Walk") -> None:
        self.walk = walk
        self.left = -1  # steps until it dies; none if below 0
        self.is_dead = False

    def live(self, left: int) -> None:
        """Live for so many steps; for ever if below 0."""
        self.left, self.is_dead = left, False

    def step(self) -> None:
        """Take a step, or die."""
        self.walk.check_money()
        if self.is_dead:
            raise Killed
        self.left -= 1
        if self.left == 0:
            self.is_dead = True
            raise Killed


def shadowed(fate: Fate, name: str, kind: type) -> Callable[..., Any]:
    """Return a step that its fate is asked about before and after it."""
    real = getattr(kind, name)

    def step(*arguments: Any, **named: Any) -> Any:
        async def taken() -> Any:
            fate.step()
            found = await real(*arguments, **named)
            fate.step()
            return found

        return taken()

    return step


class Walk:
    """One walk: a store, a server, and what is expected of them."""

    def __init__(self, seed: int, server: BatchServer, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.luck = random.Random(seed)
        self.server, self.directory = server, directory
        self.fate = Fate(self)
        self.models: Models | None = None
        self.cap = 0
        (directory / "prices.toml").write_text(PRICES, encoding="utf-8")
        monkeypatch.setattr(batches, "LISTED_SECONDS", 0.0)
        for kind, names in ((Jobs, WRITES), (Bulk, SENDS)):
            for name in names:
                monkeypatch.setattr(kind, name, shadowed(self.fate, name, kind))

    def settings(self, mode: str, *overrides: str, **role: Any) -> Settings:
        """Return the settings of a run."""
        asked = {
            "endpoints": [{"base_url": self.server.url, "max_concurrency": 4}],
            "mode": mode,
            "batch_poll_seconds": 0.01,
            "attempts": 3,
            "batch_requests": self.luck.choice([3, 5, 50]),
            "first_byte_seconds": 0.3,
        } | role
        caps = (f"models.prices={self.directory / 'prices.toml'}", f"budget.max_cost_usd={self.cap / 1e6}", *overrides)
        return settings_.load(None, caps, environment={}, extra={"models": {"generator": asked}})

    def run(self, settings: Settings, numbers: range) -> list[Answer | Refused]:
        """Run once; whatever ends it is one of the errors that a run may end with, or its death."""
        found: list[Answer | Refused] = []
        with Models(settings, self.directory, "run") as self.models:
            with contextlib.suppress(TransientError, BrokenError, Killed):
                found.extend(self.models.ask("generator", map(call, numbers)))
            self.fate.live(-1)
            self.check_books()
        return found

    def cancel(self) -> None:
        """Cancel all jobs."""
        with Models(self.settings("batch"), self.directory, "cancel") as self.models:
            with contextlib.suppress(TransientError, BrokenError, Killed):
                self.models.cancel("generator")
            self.fate.live(-1)
            self.check_books()

    def check_money(self) -> None:
        """What is spent and set aside is never above the cap, and never below nothing."""
        assert self.models is not None
        ledger = self.models.journal.ledger
        held = ledger.held_micro_usd + ledger.reserved_micro_usd
        assert ledger.held_micro_usd >= 0 <= ledger.held_calls
        assert ledger.spent_micro_usd + held <= self.cap

    def check_books(self) -> None:
        """What this process knows of the money is what the journal says."""
        assert self.models is not None
        journal = self.models.journal
        journal.writer.apply(lambda _: None)  # behind all that is queued
        kept = [*journal.select(HELD)[0], *(value for _, value in journal.select(LEDGER))]
        ledger = journal.ledger
        assert kept == [ledger.held_micro_usd, ledger.held_calls, ledger.sent_calls, ledger.spent_micro_usd]

    def numbers(self) -> range:
        """Choose some calls."""
        first = self.luck.randrange(CALLS)
        return range(first, min(CALLS, first + self.luck.randrange(1, 12)))

    def spoil(self) -> None:
        """Choose how the server fails in the next run."""
        rate = self.luck.choice([0.0, 0.0, 0.1, 0.3])
        self.server.script = lambda method, path: self.act(method, path) if self.luck.random() < rate else None
        self.server.polls = self.luck.choice([1, 2, 4, 20])
        self.server.fails = lambda lines, _: self.fails(lines)
        self.server.results = self.results
        known = [job.job_id for job in jobs.listed(self.directory) if job.job_id in self.server.jobs]
        if known and self.luck.random() < 0.1:  # a job that is not in the list before we know it was never there
            del self.server.jobs[str(self.luck.choice(known))]

    def act(self, method: str, path: str) -> Act | None:
        """Say what becomes of a request."""
        if path.endswith("/chat/completions"):
            return None
        acts = [
            Act(500, error("oops")),
            Act(503, b"<html>"),
            Act(429, error("slow down")),
            Act(ends="drop"),
            Act(500, error("oops"), does=True),
            Act(200, b"<html>", does=True),
            Act(200, [1], does=True),
        ]
        if method == "POST" and not path.endswith("/cancel"):
            acts += [Act(400, error("the frobnicator is not set")), Act(413, b"too large"), Act(401, error("no key"))]
        if path.endswith("/content"):
            acts += [Act(ends="cut"), Act(404, error("No such File object"))]
        return self.luck.choice(acts)

    def fails(self, lines: list[Line]) -> Any:
        """Say what a job fails for; None if for nothing."""
        if self.luck.random() > 0.25:
            return None
        at = self.luck.randrange(len(lines)) + 1
        return self.luck.choice(
            [
                failure("token_limit_exceeded", "Enqueued token limit reached. Limit: 60 enqueued tokens."),
                failure("too_many_tasks", "too many requests in the file"),
                failure("billing_hard_limit_reached", "Billing hard limit has been reached"),
                failure("model_not_found", "no such model"),
                failure("invalid_json_line", "a line is odd", at),
                None,
                {"data": ["broken"]},
            ]
        )

    def results(self, job: Job, lines: list[Line]) -> tuple[str, Any, Any]:
        """Say how a job ends; what a line refuses, or a job that did not complete leaves out, was not worked on."""
        luck = self.luck.random()
        if luck < 0.5:
            return "completed", lines, []
        if luck < 0.6:
            return "completed", b"<html>\n</html>", []
        status = self.luck.choice(["completed", "expired", "failed"])
        if luck < 0.7:
            self.unworked(job, lines if status != "completed" else [])
            return status, [], []
        spoilt: list[bytes] = []
        for line in lines:
            refusal: Any = {"status_code": self.luck.choice([400, 429, 500, "x"]), "body": error("this one broke")}
            kind = self.luck.choice(["right", "right", "right", "text", "refused", "unread"])
            odd = {"text": line | {"response": "text"}, "refused": line | {"response": refusal}, "unread": [1]}
            spoilt.append(json.dumps(odd.get(kind, line)).encode())
            if kind == "refused" or (kind == "unread" and status != "completed"):
                self.unworked(job, [line])
        return status, b"\n".join(spoilt), []

    def unworked(self, job: Job, lines: list[Line]) -> None:
        """Take calls out of the server's count."""
        asked = [json.loads(line) for line in self.server.files[job.file_id].splitlines()]
        texts = {one["custom_id"]: one["body"]["messages"][0]["content"] for one in asked}
        for line in lines:
            self.server.answered[texts[line["custom_id"]]] -= 1

    def step(self) -> None:
        """Take one step: a run, cut short or not, or a cancel."""
        self.spoil()
        self.fate.live(self.luck.randrange(1, 60) if self.luck.random() < 0.4 else -1)
        if self.luck.random() < 0.15:
            self.cancel()
        else:
            mode = self.luck.choice(["batch", "batch", "batch", "live"])
            wait = self.luck.choice([0.0, 0.05])
            self.run(self.settings(mode, batch_wait_seconds=wait), self.numbers())
        for job in self.server.jobs.values():  # it works whether anybody asks or not
            self.server.advance(job)

    def finish(self) -> list[Answer | Refused]:
        """Run on a server that does all right, until every call has ended."""
        self.server.script = lambda *_: None
        self.server.fails = lambda *_: None
        self.server.results = lambda _, lines: ("completed", lines, [])
        self.server.polls = 1
        runs = (self.run(self.settings("batch", batch_wait_seconds=5.0), range(CALLS)) for _ in range(MOST_RUNS))
        return next(found for found in runs if len(found) == CALLS)


def call(number: int) -> Call:
    return Call(str(number), Prompt((Message("user", f"Say something about river {number} and its water."),)))


def facts(directory: Path, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(directory / "completions.sqlite")) as connection:
        return connection.execute(query).fetchall()


def check_end(directory: Path, server: BatchServer, found: list[Answer | Refused]) -> None:
    """Every call has ended, was worked on once or for a reason that is on record, and nothing is held any more."""
    assert sorted(int(one.call.input_id) for one in found) == list(range(CALLS))
    ids = {one.completion_id: one.call.prompt.messages[0].content for one in found}
    query = "SELECT completion_id, count(*) FROM attempts WHERE outcome <> 'done' GROUP BY 1"
    excused = Counter(dict(facts(directory, query)))
    assert all(server.answered[text] <= 1 + excused[key] for key, text in ids.items())
    assert all(server.answered[one.call.prompt.messages[0].content] >= 1 for one in found if isinstance(one, Answer))
    ledger = dict(facts(directory, "SELECT name, value FROM ledger"))
    spent, attempts = facts(directory, "SELECT sum(cost_micro_usd), count(*) FROM attempts")[0]
    assert ledger == {"spent_micro_usd": spent, "sent_calls": attempts}
    assert facts(directory, "SELECT count(*) FROM batch_calls") == [(0,)]
    assert facts(directory, "SELECT count(*) FROM batches WHERE state IN ('draft', 'intent', 'submitted')") == [(0,)]
    with contextlib.closing(Journal(directory / "completions.sqlite")) as journal:
        assert (journal.ledger.held_micro_usd, journal.ledger.held_calls) == (0, 0)


SEEDS = [
    *range(3),
    *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, int(os.environ.get("WALKS", "60")))),
]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_every_call_ends_and_nothing_is_paid_twice_without_a_reason(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        walk = Walk(seed, server, tmp_path, monkeypatch)
        walk.cap = 10**6 if seed % 3 else 60_000  # micro-USD: enough, or room for some thirty calls
        for _ in range(STEPS):
            walk.step()
        walk.cap = 10**9
        found = walk.finish()

    check_end(tmp_path, server, found)


KILLED = """
import sys
from pathlib import Path
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import TransientError
from wellspring.tasks.io.models import batches
from wellspring.tasks.io.models.llm import Models
from tests.io.test_batches_fuzz import CALLS, call

batches.LISTED_SECONDS = 0.0
asked = {"endpoints": [{"base_url": sys.argv[1]}], "mode": "batch", "batch_poll_seconds": 0.01, "batch_requests": 7}
role = {"models": {"generator": asked | {"batch_wait_seconds": 20.0}}}
print("begun", flush=True)
with Models(settings.load(None, (), environment={}, extra=role), Path(sys.argv[2]), "run") as models:
    print(len(list(models.ask("generator", map(call, range(CALLS))))), flush=True)
"""


@pytest.mark.slow
def test_kills_at_any_moment_make_no_call_be_paid_twice(tmp_path: Path) -> None:
    luck = random.Random(7)
    root = Path(__file__).parents[2]
    kills, said = 0, ""
    with serving() as server:
        server.script = lambda *_: time.sleep(0.02)
        while not said and kills < MOST_RUNS:
            command = [sys.executable, "-c", KILLED, server.url, str(tmp_path)]
            with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "begun\n"
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(luck.uniform(0.02, 0.3) if kills < 12 else 30)
                kills += process.poll() is None
                process.kill()
                said = process.stdout.read()

    assert said == f"{CALLS}\n"
    assert kills >= 5
    assert set(server.answered.values()) == {1}
    assert facts(tmp_path, "SELECT count(*), count(DISTINCT completion_id) FROM attempts") == [(CALLS, CALLS)]
