"""Whole builds, killed with `kill -9` at random moments: no paid answer is lost, and the exported bytes are the same.

The stand-in is served over HTTP, so that the server counts what was paid. A build is killed and started again until it
is done; then the next one begins on a new store, until so many kills have hit: a handful here, and as many as `KILLS`
says by `KILLS=200 python -m pytest -s -m long tests/test_kills.py`.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.exported import exported
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.standin.faults import FaultServer

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(7200)]

ROOT = Path(__file__).parents[1]
KILLS = int(os.environ.get("KILLS", "3"))
LATENCY_SECONDS = 0.1
MOST_SECONDS, MOST_CALLS = 6.0, 20  # until a kill


def started(server: FaultServer, store: Path) -> subprocess.Popen[bytes]:
    """Start a build in a process group of its own, which is what is killed: its workers die with it."""
    where = ("--store", str(store), "--set", f"models.base_url={server.url}")
    command = [
        sys.executable,
        "-m",
        "wellspring.flows.cli",
        "build",
        "--no-prefect",
        "--profile",
        "smoke",
        "--set",
        "limit=8",
        *where,
    ]
    log = (store.parent / f"{store.name}.log").open("ab")
    with log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def is_killed(build: subprocess.Popen[bytes], server: FaultServer, chance: random.Random) -> bool:
    """Kill a build at a random moment, by the clock or by the calls it made; False if it was done before."""
    by_clock = chance.random() < 0.5
    until = time.monotonic() + (chance.uniform(0, MOST_SECONDS) if by_clock else 3600)
    calls = server.counts["requests"] + chance.randint(1, MOST_CALLS)
    while build.poll() is None and time.monotonic() < until and (by_clock or server.counts["requests"] < calls):
        time.sleep(0.005)
    if build.poll() is not None:
        return False
    os.killpg(build.pid, signal.SIGKILL)
    build.wait()
    return True


def recorded(store: Path) -> set[tuple[str, str]]:
    """Every call that ended, with what came back, as it is on disk."""
    if not (store / "completions.sqlite").is_file():
        return set()
    with closing(sqlite3.connect(store / "completions.sqlite")) as connection:
        try:
            return set(connection.execute("SELECT completion_id, text FROM completions"))
        except sqlite3.OperationalError:  # killed before the tables were made
            return set()


def unsettled(store: Path) -> int:
    """How many calls were out when their process died, by the journal's own record."""
    with closing(sqlite3.connect(store / "completions.sqlite")) as connection:
        return connection.execute("SELECT count(*) FROM attempts WHERE outcome = 'unknown'").fetchone()[0]


def build_under_kills(server: FaultServer, store: Path, kills: int, chance: random.Random) -> int:
    """Build, killed at most so many times; returns how many kills hit. What was on disk at a kill must stay there."""
    hit, kept = 0, set[tuple[str, str]]()
    while True:
        build = started(server, store)
        if hit < kills and is_killed(build, server, chance):
            hit += 1
            assert kept <= (kept := recorded(store)), f"an answer was lost by kill {hit} of {store}"
            continue
        assert build.wait() == 0, (store.parent / f"{store.name}.log").read_text(encoding="utf-8")[-3000:]
        assert kept <= recorded(store)
        return hit


def test_builds_that_are_killed_again_and_again_pay_once_and_export_the_same_bytes(tmp_path: Path) -> None:
    chance, hit, builds, repeated, out = random.Random(29), 0, 0, 0, 0
    with faults.running(latency_seconds=LATENCY_SECONDS) as calm:
        build_under_kills(calm, tmp_path / "calm", 0, chance)

    while hit < KILLS:
        builds += 1
        store = tmp_path / f"killed-{builds}"
        with faults.running(latency_seconds=LATENCY_SECONDS) as server:
            hit += build_under_kills(server, store, KILLS - hit, chance)
        again = server.stats()["repeated"]
        assert 0 <= again <= unsettled(store)
        assert exported(store) == exported(tmp_path / "calm")
        assert recorded(store) == recorded(tmp_path / "calm")
        repeated, out = repeated + again, out + unsettled(store)
        print(f"{hit} kills, {builds} builds: {repeated} calls paid twice, {out} were out at a kill", flush=True)  # noqa: T201

    assert calm.stats()["repeated"] == 0
    assert exported(tmp_path / "calm")
