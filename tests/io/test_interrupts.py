"""Signals, where the main thread cannot hear them: in a query of minutes, in a wait without an end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_SCRIPT = """
import concurrent.futures, queue, sys, time
from pathlib import Path
import polars  # installs its own SIGINT
from wellspring.tasks.io import interrupts, waits
from wellspring.tasks.io.storage.store import Store, _named_errors

def said(text):
    print(text, flush=True)

LONG = "SELECT sum(hash(a.range * b.range)) FROM range(300000) a, range(300000) b"

def query():
    with store.transaction():
        store._connection.execute(LONG).fetchall()

def cursor():
    with _named_errors(store), store._cursor() as opened:
        opened.execute(LONG).fetchall()

work = {
    "query": query,
    "cursor": cursor,
    "queue": lambda: waits.taken(queue.SimpleQueue()),
    "future": lambda: waits.result(concurrent.futures.Future()),
    "bare": lambda: concurrent.futures.Future().result(),
}[sys.argv[1]]
interrupts.own_process()
with Store.open(sys.argv[2]) as store:
    try:
        with interrupts.heard(lambda: said("told"), store.interrupt) as stop:
            said("ready")
            work()
    except KeyboardInterrupt:
        said(f"interrupted {stop.signal}")
    print(store._connection.execute("SELECT 41 + 1").fetchone()[0])
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["query", "cursor", "queue", "future", "bare"])
def test_whatever_the_main_thread_waits_for_it_is_interrupted(tmp_path: Path, what: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), what, str(tmp_path / "ws")],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a runner may ignore it
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        told = process.stdout.readline()
        interrupted, left = process.stdout.readline(), process.stdout.readline()

    assert told == "told\n"
    assert interrupted == "interrupted 2\n"
    assert left == "42\n"
    assert time.monotonic() - sent < 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_exit_code_is_the_signals_though_it_came_in_the_midst_of_an_import(number: int) -> None:
    script = f"""
import atexit
from wellspring.tasks.io import interrupts
interrupts.own_process()
atexit.register(print, "closed in order")
try:
    exec("raise KeyboardInterrupt")  # as dataclasses do it; CPython takes it for one that nobody caught
except KeyboardInterrupt:
    interrupts.exit_by({int(number)})
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + number, "closed in order\n", "")
