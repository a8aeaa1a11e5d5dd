"""A store on a walk: commands and mishaps, with what was brought in and what was paid kept in mind.

Models are asked over HTTP: what the server counts is the truth about money. The inputs that a walk brought in are done
again in an empty store (`Alone`), each prefix once for all walks that begin with it.
"""

import asyncio
import difflib
import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.exported import digests
from tests.met import met
from tests.nights import KNN, SMALL, inputs
from tests.old_stores import ROOT, unpacked
from wellspring.flows import cli
from wellspring.tasks.contracts.errors import WellspringError
from wellspring.tasks.io.loopback import Request
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.standin.fault_kinds import Exchange
from wellspring.tasks.io.standin.faults import FaultServer, Profile
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.releases import releases

FRESH = ""  # where a walk begins that begins with nothing; else the name of an old store
LAST_SECONDS = 0.04  # the longest that a shuffled answer takes
OF_THE_OLD = ("runner=thread", "threads=1", "pages.show_values=false", "limit=8")


class Shuffled(FaultServer):
    """The stand-in with answers that come in another order than they were asked for: each takes its time by chance."""

    def __init__(self, seed: int) -> None:
        super().__init__(Profile())
        self.chance = random.Random(seed)

    async def _deliver(self, request: Request, exchange: Exchange, fault: str) -> None:
        await asyncio.sleep(self.chance.uniform(0, LAST_SECONDS))
        await super()._deliver(request, exchange, fault)


class Crash(BaseException):
    """A process is at its end: nothing of ours may catch this."""


@dataclass
class Walk:
    """A store on its way."""

    store: Path
    inputs: Path
    server: FaultServer
    chance: random.Random
    origin: str = FRESH
    as_processes: bool = False
    has_disk: bool = False  # the store lies on a small file system of its own
    nights: int = 1
    most: int = 99  # pages and seeds of a night
    brought: list[tuple[str, str]] = field(default_factory=list)
    forms: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    is_made: bool = False  # all that was brought in is made
    is_home: bool = False  # what is exported is of the walk's own settings, whole
    has_lost: bool = False  # files were taken away by hand
    sent_before: int = 0  # by older code, to another server

    def begin(self) -> None:
        """Begin: with nothing, or with what an older Wellspring had made."""
        if self.origin:
            unpacked(self.origin, self.store)
            self.sent_before = self.sent
        met(self.store, self.server.url)
        self.build()

    def options(self, *chosen: str) -> list[str]:
        """The options of a build of all that was brought in so far."""
        ours = OF_THE_OLD if self.origin else (*inputs(self.inputs, self.nights, self.most), *SMALL, *KNN)
        wanted = [f"models.base_url={self.server.url}", *ours, *chosen]
        return ["--profile", "smoke", *(word for one in wanted for word in ("--set", one))]

    def run(self, *words: str, expect: Collection[int] = (0,), before: Callable[[], None] | None = None) -> int:
        """Run a command: its exit code has to be one that is expected, and no traceback is."""
        does = in_process if not (self.as_processes or before) else lambda typed: as_process(typed, before)
        code, told = does([*words, "--store", str(self.store)])
        self.said.append(f"{code}  {_short(words)}  {told[-600:] if code else ''}")
        assert "Traceback" not in told, self.tale(told)
        assert code in expect, self.tale(told)
        return code

    def build(
        self,
        *chosen: str,
        expect: Collection[int] = (0,),
        command: str = "build",
        before: Callable[[], None] | None = None,
    ) -> int:
        """Build all that was brought in, under other settings if some are named."""
        code = self.run(command, *self.options(*chosen), expect=expect, before=before)
        self.is_home = not chosen and not code
        self.is_made |= self.is_home
        return code

    def kill(self, *chosen: str, calls: float, seconds: float = 3600.0) -> int:
        """Build in a process of its own, which is killed after so many calls, or so long; returns its exit code."""
        log = self.store.parent / "killed.log"
        process = started(["build", *self.options(*chosen), "--store", str(self.store)], log)
        until, calls = time.monotonic() + seconds, calls + self.server.counts["requests"]
        while process.poll() is None and time.monotonic() < until and self.server.counts["requests"] < calls:
            time.sleep(0.005)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        self.said.append(f"{code}  a build with {chosen} that is killed")
        assert code in {0, -signal.SIGKILL}, self.tale(log.read_text("utf-8", "replace")[-2000:])
        self.is_home = False
        return process.returncode

    def crash(self, *chosen: str, calls: int) -> None:
        """Build here, and let it end at its n-th answer as a process does that dies: nothing more is written."""
        with _crashing(calls), pytest.raises(Crash):
            self.build(*chosen)
        self.said.append(f"crashed at answer {calls}")

    def settle(self) -> None:
        """Make what was brought in before anything else comes: so it is in an empty store, too."""
        if not self.is_made:
            self.build()

    def bring(self, what: str, name: str) -> None:
        """Remember what is brought in, to be done again in an empty store."""
        if what == "form":
            self.forms.add(name)
        else:
            self.brought.append((what, name))
        self.nights += what == "night"
        self.is_made = self.is_home = False
        self.said.append(f"brought {what} {name}")

    def journal(self, query: str) -> int:
        """Ask the journal for a number."""
        with closing(sqlite3.connect(self.store / "completions.sqlite")) as connection:
            return connection.execute(query).fetchone()[0]

    @property
    def sent(self) -> int:
        """How many calls the journal says were sent."""
        return self.journal("SELECT value FROM ledger WHERE name = 'sent_calls'")

    def exported_ids(self) -> list[str]:
        """The ids of the rows that are exported as messages."""
        files = sorted(self.store.glob("exports/*/messages/*.jsonl"))
        return [json.loads(line)["id"] for file in files for line in file.read_text("utf-8").splitlines()]

    def is_released(self) -> list[str]:
        """Hold that every release is whole, and that the link leads to one of them; returns their names."""
        names = releases.names(self.store)
        damaged = [name for name in names if not releases.is_whole(self.store / "releases" / name)]
        assert not damaged or self.has_lost, self.tale(f"damaged releases: {damaged}")
        assert (not names or releases.current(self.store) in names) or self.has_lost, self.tale("no current release")
        return [name for name in names if name not in damaged]

    def pays_once(self) -> None:
        """Hold what the server was asked against the journal: only what was out when a process died may come again."""
        answered = self.journal("SELECT count(*) - count(DISTINCT completion_id) FROM attempts WHERE outcome = 'done'")
        out = self.journal("SELECT count(*) FROM attempts WHERE outcome IS NULL OR outcome = 'unknown'")
        asked = self.server.stats()
        requests, sent = asked.get("requests", 0), self.sent - self.sent_before
        assert answered == 0, self.tale("a call was answered twice")
        assert asked["repeated"] <= out, self.tale(f"{asked['repeated']} requests came again, {out} were out")
        assert 0 <= sent - requests <= out, self.tale(f"{sent} sent, {requests} came, {out} out")

    def tale(self, why: str) -> str:
        """Say what was done until something went wrong."""
        return "\n".join([f"from {self.origin or 'nothing'}", *self.said, why])


@contextmanager
def _crashing(calls: int) -> Iterator[None]:
    """Let what runs here crash at its n-th answer; its database takes nothing from then on."""
    left = calls

    def answers(models: Models, *asked: Any) -> Iterator[Any]:
        nonlocal left
        for outcome in answered(models, *asked):
            left -= not outcome.is_cached
            if left <= 0:
                raise Crash
            yield outcome

    @contextmanager
    def transaction(store: Store) -> Iterator[None]:
        if left <= 0:
            raise Crash
        with written(store):
            yield

    answered, written = Models.answers, Store.transaction
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Models, "answers", answers)
        patched.setattr(Store, "transaction", transaction)
        yield


def _short(words: tuple[str, ...]) -> str:
    at = words.index("--profile") if "--profile" in words else len(words)
    return " ".join((*words[:at], *words[at:][-1:]))[:150]


def in_process(words: list[str]) -> tuple[int, str]:
    """Run a command here; what `terminal.told` would turn into an exit code becomes one."""
    result = CliRunner().invoke(cli.app, words)
    error = result.exception
    if isinstance(error, WellspringError):
        return error.exit_code, str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return 1, str(error)
    if error is None or isinstance(error, SystemExit):
        return result.exit_code, result.output
    raise error


def as_process(words: list[str], before: Callable[[], None] | None = None) -> tuple[int, str]:
    """Run a command as people do."""
    done = subprocess.run(_typed(words), cwd=ROOT, capture_output=True, text=True, preexec_fn=before, check=False)
    return done.returncode, done.stdout * (not done.returncode) + done.stderr


def started(words: list[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start a command in a process group of its own, to be killed with its workers; `log` gets what it says."""
    with log.open("wb") as said:
        return subprocess.Popen(_typed(words), cwd=ROOT, stdout=said, stderr=said, start_new_session=True)


def _typed(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "wellspring.flows.cli", *words]


class Alone:
    """What the same inputs export in an empty store, with nothing between; each prefix of them is made once."""

    def __init__(self, folder: Path, server: FaultServer) -> None:
        self.folder, self.server = folder, server
        self.stores: dict[object, Walk] = {}
        self.exports: dict[object, Path] = {}

    def exported(self, walk: Walk) -> Path:
        """Return the files that a walk has to have exported."""
        key = (bool(walk.origin), *walk.brought, *sorted(walk.forms))
        if key not in self.exports:
            mine = self._next(self._made(bool(walk.origin), tuple(walk.brought)))
            for form in sorted(walk.forms):
                mine.run("export", "--format", form)
            self.exports[key] = mine.store / "exports"
        return self.exports[key]

    def _made(self, is_old: bool, brought: tuple[tuple[str, str], ...]) -> Walk:  # noqa: FBT001 - a part of the key
        key = (is_old, brought)
        if key not in self.stores:
            if not brought:
                mine = Walk(self._place(), self.folder, self.server, random.Random(0), FRESH)
                mine.origin = "replayed" if is_old else FRESH
                met(mine.store, self.server.url)
            else:
                mine = self._next(self._made(is_old, brought[:-1]))
                take(mine, *brought[-1])
            mine.build()
            self.stores[key] = mine
        return self.stores[key]

    def _next(self, walk: Walk) -> Walk:
        copy = replace(walk, store=self._place(), brought=[*walk.brought], forms=set(), said=[*walk.said])
        shutil.copytree(walk.store, copy.store)
        return copy

    def _place(self) -> Path:
        return self.folder / f"alone-{len(list(self.folder.glob('alone-*')))}"


def take(walk: Walk, what: str, name: str) -> None:
    """Bring something in that is there; a page that is forgotten goes at once."""
    if what == "forget":
        walk.run("forget", "--url" if "://" in name else "--domain", name)
    walk.bring(what, name)


def differences(folder: Path, other: Path, but: Collection[str] = ()) -> str:
    """Return which files of two folders are not the same, and the lines that differ; some names are left out."""
    mine, theirs = digests(folder), digests(other)
    names = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    names = [name for name in names if Path(name).name not in but]
    lines = [line for name in names for line in _lines(folder / name, other / name)]
    return "\n".join([", ".join(names), *lines])[:4000]


def _lines(path: Path, other: Path) -> list[str]:
    if path.suffix not in {".md", ".json", ".jsonl"} or not (path.is_file() and other.is_file()):
        return []
    texts = (place.read_text(encoding="utf-8").splitlines() for place in (other, path))
    return [line[:300] for line in difflib.unified_diff(*texts, n=0, lineterm="")]
