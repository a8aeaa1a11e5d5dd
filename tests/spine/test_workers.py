"""Workers: none outlives the process that opened it, whatever it is at."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
_STUCK = """
import os, re, sys
from wellspring.tasks.spine.running import workers

def stuck(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    re.match(r"(a+)+$", "a" * 60 + "b")  # in C for years, and no thread of Python's has a turn

if __name__ == "__main__":
    with workers.processes(1) as pool:
        pool.submit(stuck, sys.argv[1]).result()
"""

_AT_WORK = """
import signal, sys, time
from wellspring.tasks.contracts import settings
from wellspring.tasks.io import waits
from wellspring.tasks.spine.running import workers

def stop(number, frame):
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt(number)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        with workers.executor(settings.load("smoke", ["runner=dask", "threads=2"])) as pool:
            print("at work", flush=True)
            waits.result(pool.submit(time.sleep, 600))  # as stages wait: a wait without an end may miss the signal
    finally:
        time.sleep(60)  # the pages are written
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child that is stuck in C")
def test_a_worker_that_is_stuck_in_c_ends_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script, told = tmp_path / "script.py", tmp_path / "pid"
    script.write_text(_STUCK)
    parent = subprocess.Popen([sys.executable, str(script), str(told)], env=os.environ | {"PYTHONPATH": str(ROOT)})
    while not (told.exists() and told.read_text()):
        assert parent.poll() is None
        time.sleep(0.05)
    worker = int(told.read_text())

    time.sleep(0.5)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + 20
    try:
        while is_alive(worker):
            assert time.monotonic() < until, "it is still there"
            time.sleep(0.05)
    finally:
        if is_alive(worker):
            os.kill(worker, signal.SIGKILL)


def workers_of(pid: int) -> list[psutil.Process]:
    """Return the Dask workers that a process has started by now."""
    return [child for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "phase"),
    [
        (signal.SIGINT, "starting"),
        (signal.SIGINT, "at work"),
        (signal.SIGTERM, "starting"),
        (signal.SIGTERM, "at work"),
        (signal.SIGKILL, "at work"),
    ],
)
def test_dask_workers_end_with_their_parent_also_while_they_start(
    tmp_path: Path, number: signal.Signals, phase: str
) -> None:
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    script = tmp_path / "script.py"
    script.write_text(_AT_WORK)
    known = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script)], env=known, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        if phase == "at work":
            assert parent.stdout.readline() == b"at work\n"
        while len(workers := workers_of(parent.pid)) < 2:
            assert parent.poll() is None
            time.sleep(0.05)

        parent.send_signal(number)
        until = time.monotonic() + 5
        while (left := [worker for worker in workers if is_alive(worker.pid)]) and time.monotonic() < until:
            time.sleep(0.05)
        for process in [*left, parent]:
            process.kill()

    assert not left
