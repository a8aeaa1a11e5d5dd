"""Ctrl-C, as a person at a terminal sees it: a real build is stopped wherever it is, says so at once, and goes on."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import light
from tests.met import met
from tests.walking import in_process
from wellspring.tasks.io.models.llm import GRACE_SECONDS
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.storage.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
AT_ONCE_SECONDS = 2.0  # a second, and what a busy machine takes
CLOSING_SECONDS = 20.0  # the pages are written


@dataclass
class Build:
    """A build at work in a process group of its own, and what it said when."""

    process: subprocess.Popen[str]
    lines: list[tuple[float, str]] = field(default_factory=list)

    def read(self) -> None:
        """Keep what it says, until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append((time.monotonic(), line))

    def wait_for(self, pattern: str, seconds: float = 90.0) -> float:
        """Return when it said something like this."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for at, line in self.lines:
                if re.search(pattern, line):
                    return at
            time.sleep(0.02)
        raise AssertionError(f"never said {pattern!r}:\n{self.said}")

    @property
    def said(self) -> str:
        """All that it said."""
        return "".join(line for _, line in self.lines)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send a signal to all of its processes, as a terminal does; returns when."""
        at = time.monotonic()
        os.killpg(self.process.pid, number)
        return at

    def left(self, seconds: float) -> int:
        """Wait for its end, and that of all its processes; returns its exit code."""
        code = self.process.wait(seconds)
        until = time.monotonic() + 5
        while alive := _alive(self.process.pid):
            assert time.monotonic() < until, f"still there: {alive}"
            time.sleep(0.05)
        return code


def _alive(group: int) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    return [row[2] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


@contextmanager
def building(store: Path, *options: str) -> Iterator[Build]:
    command = [sys.executable, "-m", "wellspring.flows.cli", "build", "--no-prefect", "--store", str(store), *options]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a runner may ignore it
    )
    build = Build(process)
    reader = threading.Thread(target=build.read, daemon=True)
    reader.start()
    try:
        yield build
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(10)
        assert process.stderr is not None
        process.stderr.close()


@contextmanager
def waited_for(store: Path) -> Iterator[faults.FaultServer]:
    """A server that the store knows, and that takes its time now."""
    with faults.running(latency_seconds=30.0) as server:
        met(store, server.url)
        yield server


def sample(url: str) -> list[str]:
    return ["--profile", "smoke", "--set", "limit=6", "--set", f"models.base_url={url}"]


def goes_on(store: Path, *options: str) -> None:
    """Build on in this process, to the end."""
    code, told = in_process(["build", "--no-prefect", "--store", str(store), *options])
    assert code == 0, told


def stops_at_once(build: Build) -> None:
    """Press Ctrl-C: it is heard at once, everything is closed in order, and the exit code says by what."""
    sent = build.interrupt()
    told = build.wait_for("stopping: what was done is kept")
    code = build.left(CLOSING_SECONDS)
    assert told - sent < AT_ONCE_SECONDS
    assert "Traceback" not in build.said, build.said
    assert code == 130, build.said


def runs_of(store: Path) -> list[tuple[str, str | None]]:
    with Store.open(store) as opened:
        return opened.query("runs/all").select("status", "error").rows()


def test_while_a_model_is_waited_for_ctrl_c_says_at_once_what_happens_and_the_next_build_goes_on(
    tmp_path: Path,
) -> None:
    store = tmp_path / "ws"
    with waited_for(store) as slow, building(store, *sample(slow.url)) as build:
        build.wait_for(r"groundings: 0 of 6 .*calls out")
        sent = build.interrupt()
        told = build.wait_for("stopping: what was done is kept")
        code = build.left(GRACE_SECONDS + CLOSING_SECONDS)
        out = slow.counts["requests"]

    assert told - sent < AT_ONCE_SECONDS
    assert f"{out} calls are still out: they get up to {GRACE_SECONDS:.0f} s more" in build.said
    assert "Ctrl-C again leaves at once" in build.said
    assert f"{out} calls were left without an answer" in build.said
    assert f"goes on where it stopped: wellspring build --no-prefect --store {store} --profile smoke" in build.said
    assert "Traceback" not in build.said, build.said
    assert code == 130, build.said
    assert runs_of(store) == [("stopped", "stopped by Ctrl-C")]

    with faults.running() as fast, light.unaudited():
        goes_on(store, *sample(fast.url))
    with closing(sqlite3.connect(store / "completions.sqlite")) as journal:
        unknown = journal.execute("SELECT count(*) FROM attempts WHERE outcome = 'unknown'").fetchone()[0]
    assert unknown == out
    assert fast.stats()["repeated"] == 0


def test_while_a_server_is_met_it_is_said_and_ctrl_c_is_heard(tmp_path: Path) -> None:
    store = tmp_path / "ws"
    with faults.running(latency_seconds=30.0) as slow, building(store, *sample(slow.url)) as build:
        build.wait_for("asking `offline-extractive` two short questions")
        build.wait_for(r"not answered yet, 1\d s")
        stops_at_once(build)

    assert runs_of(store) == [("stopped", "stopped by Ctrl-C")]


def test_a_second_ctrl_c_leaves_at_once(tmp_path: Path) -> None:
    store = tmp_path / "ws"
    with waited_for(store) as slow, building(store, *sample(slow.url)) as build:
        build.wait_for(r"groundings: 0 of 6 .*calls out")
        build.interrupt()
        build.wait_for("stopping")
        time.sleep(0.3)
        second = build.interrupt()
        code = build.left(10)
        seconds = time.monotonic() - second

    assert code == 130, build.said
    assert seconds < AT_ONCE_SECONDS
    assert "left at once" in build.said
    with faults.running() as fast, light.unaudited():
        goes_on(store, *sample(fast.url))
    assert runs_of(store)[0][0] == "crashed"


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that two workers are busy with for long."""
    path = tmp_path_factory.mktemp("crawl") / "pages.jsonl"
    words = "the river carries silt past the old mill and every spring the wall is repaired by hand with stones"
    with path.open("w", encoding="utf-8") as file:
        for number in range(60_000):
            text = " ".join(f"{words} {number} {part}." for part in range(12))
            file.write(f'{{"url": "https://example.org/{number}", "text": "{text}"}}\n')
    return path


@pytest.mark.parametrize("after", [0.5, 4.0])
def test_in_the_corpus_stage_the_workers_go_and_the_store_is_free(tmp_path: Path, crawl: Path, after: float) -> None:
    store = tmp_path / "ws"
    with building(store, "--corpus", str(crawl), "--only", "corpus") as build:
        build.wait_for("audit sources")
        time.sleep(after)
        stops_at_once(build)

    with Store.open(store) as opened:
        assert opened.query("runs/all")["status"].to_list() == ["stopped"]
        assert opened.query("rejections/all").is_empty()
        assert opened.query("failures/due").is_empty()


def test_in_an_audit_nothing_is_held_against_the_rows(tmp_path: Path) -> None:
    store = tmp_path / "ws"
    with building(store, "--profile", "smoke", "--set", "limit=6") as build:
        build.wait_for(r"^sources ")  # its audit begins
        time.sleep(0.5)
        stops_at_once(build)

    assert runs_of(store) == [("stopped", "stopped by Ctrl-C")]
    goes_on(store, "--profile", "smoke", "--set", "limit=6")


def test_sigterm_stops_a_build_like_ctrl_c(tmp_path: Path) -> None:
    store = tmp_path / "ws"
    with waited_for(store) as slow, building(store, *sample(slow.url)) as build:
        build.wait_for(r"groundings: 0 of 6 .*calls out")
        build.process.send_signal(signal.SIGTERM)
        code = build.left(GRACE_SECONDS + CLOSING_SECONDS)

    assert code == 128 + signal.SIGTERM
    assert runs_of(store) == [("stopped", "stopped by SIGTERM")]


def test_workers_end_with_a_build_that_was_killed(tmp_path: Path, crawl: Path) -> None:
    with building(tmp_path / "ws", "--corpus", str(crawl), "--only", "corpus") as build:
        build.wait_for("audit sources")
        time.sleep(2)
        build.process.send_signal(signal.SIGKILL)

        assert build.left(10) == -signal.SIGKILL
