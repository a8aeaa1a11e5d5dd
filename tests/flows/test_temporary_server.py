"""Prefect's temporary server ends with the process that it serves: killed, or in order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
_SERVED = """
import sys
from wellspring.flows.temporary_server import TemporaryServer
from prefect.server.api.server import SubprocessASGIServer

server = TemporaryServer()
assert SubprocessASGIServer() is server  # the one that Prefect starts
server.port = server.find_available_port()
server.server_process = server._run_uvicorn_command()
print(server.server_process.pid, server._guard.pid, flush=True)
if sys.argv[1] == "stop":
    server.stop()
    print("stopped", flush=True)
sys.stdin.read()
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_no_server_and_no_guard_is_left(tmp_path: Path, how: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVED, how],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) == 2
        if how == "stop":
            assert process.stdout.readline() == "stopped\n"
        else:
            process.send_signal(signal.SIGKILL)
        until = time.monotonic() + 20
        while any(map(is_alive, pids)):
            assert time.monotonic() < until, f"left: {[pid for pid in pids if is_alive(pid)]}"
            time.sleep(0.05)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)
