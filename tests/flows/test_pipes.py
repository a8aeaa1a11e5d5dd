"""`wellspring ... | head`: whoever reads may leave, and gets no traceback for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wellspring.tasks.io.storage.store import Store

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LEFT = 128 + signal.SIGPIPE
_RUN = """
import sys
from wellspring.flows import terminal
from wellspring.tasks.contracts import settings
from wellspring.tasks.io import interrupts
from wellspring.tasks.spine.running import runs

interrupts.own_process()
with terminal.stoppable("again"), runs.start("a run", settings.load(), sys.argv[1]) as run:
    run.progress.note("how far it is")
"""


def unread() -> int:
    """Return the end of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipes") / "ws"
    with Store.open(path):
        return path


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_facts_that_nobody_reads_end_the_command_by_sigpipe(store: Path, options: list[str]) -> None:
    out = unread()
    command = [sys.executable, "-m", "wellspring.flows.cli", "status", "--store", str(store), *options]

    ended = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    os.close(out)

    assert ended.returncode == LEFT, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


def test_a_run_whose_progress_nobody_reads_stops_in_order_and_says_by_what(tmp_path: Path) -> None:
    err = unread()
    command = [sys.executable, "-c", _RUN, str(tmp_path / "ws")]

    ended = subprocess.run(command, cwd=ROOT, stdout=err, stderr=err, check=False)
    os.close(err)

    assert ended.returncode == LEFT
    with Store.read(tmp_path / "ws") as opened:
        rows = opened.query("runs/all").select("status", "error").rows()
    assert rows == [("stopped", "stopped by SIGPIPE")]
