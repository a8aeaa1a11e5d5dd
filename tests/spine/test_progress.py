"""What a person sees of a run while it waits: bars on a terminal, lines elsewhere, words for other processes."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.met import met
from wellspring.tasks.io.standin import faults
from wellspring.tasks.spine.watching import progress
from wellspring.tasks.spine.watching.progress import Progress, described, span

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.6, "60 s"), (119, "119 s"), (121, "2 min"), (3 * 3600 + 125, "3 h 2 min")]
)
def test_a_time_is_said_as_exactly_as_a_person_needs_it(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_facts_are_words_and_what_is_nothing_is_left_out() -> None:
    facts = {"out": 7, "oldest_seconds": 41.2, "retries": 0, "tokens_per_second": 0.0, "cost_usd": 0.25, "doing": ""}

    assert described(facts | {"seconds_left": 800.0}) == "7 calls out  the oldest for 41 s  $0.25  about 13 min left"
    assert described({"seconds_left": None}) == "time left not known yet"
    assert described({"retries": 3, "doing": "resting"}) == "retries 3  resting"


def test_other_processes_read_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Mapping[str, Any]] = []
    monkeypatch.setattr(progress, "KEPT_SECONDS", -1.0)
    told = Progress(quiet=True, keep=lambda stages: kept.append({name: dict(said) for name, said in stages.items()}))

    told.begin("scores")
    told("scores", 0, 12, out=3)

    assert kept[-1]["scores"] == {"done": 0, "total": 12, "is_done": False, "facts": {"out": 3}}


@pytest.mark.slow
def test_lines_and_status_say_what_is_waited_for_before_the_first_answer(tmp_path: Path) -> None:
    store = str(tmp_path / "ws")
    with faults.running(latency_seconds=60.0) as slow:
        met(Path(store), slow.url)
        command = [
            sys.executable,
            "-m",
            "wellspring.flows.cli",
            "build",
            "--no-prefect",
            "--profile",
            "smoke",
            "--store",
            store,
        ]
        command += ["--set", "limit=6", "--set", f"models.base_url={slow.url}"]
        build = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert build.stderr is not None
        first = next(line for line in build.stderr if line.startswith("groundings: "))
        began = time.monotonic()
        second = next(line for line in build.stderr if line.startswith("groundings: "))
        between = time.monotonic() - began
        status = [sys.executable, "-m", "wellspring.flows.cli", "status", "--store", store]
        seen = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        build.kill()
        build.wait()
        build.stderr.close()

    assert "groundings: 0 of 6  " in first
    assert "time left not known yet" in first
    assert "2 calls out  the oldest for" in second
    assert 8 < between < 20
    assert "groundings             0 of 6  2 calls out  the oldest for" in seen


@pytest.mark.slow
def test_a_terminal_keeps_the_stage_at_work_below_the_lines_of_those_that_are_over(tmp_path: Path) -> None:
    script = """
import time
from wellspring.tasks.spine.watching.counts import Counts
from wellspring.tasks.spine.watching.progress import Progress
told = Progress()
for number in range(40):
    told.begin(f"stage{number}")
    told.end(f"stage{number}", Counts(rows_in=3, rows_out=3), 0.1)
told("audit scores", 0, 5)
told("audit scores", 5, 5, expectations=2)
told.begin("last")
told("last", 5, 5)
told("last", 2, 5, out=1)
time.sleep(2.2)
told.close()
"""
    parent, child = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "LINES": "24", "TERM": "xterm"}
    run = subprocess.Popen([sys.executable, "-c", script], stderr=child, env=environment, cwd=tmp_path)
    os.close(child)
    screen = b""
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:
            break
        screen += part
    run.wait()
    os.close(parent)
    said = screen.decode().replace("\x1b[2m", "").replace("\x1b[0m", "")

    assert all(f"stage{number} " in said for number in range(40))
    assert "audit scores       5 of 5  expectations 2" in said
    assert "0:00:02" in said.rpartition("last")[2]  # its clock goes on, though a part of it was done
    assert "not finished" in said
    assert said.count("stage39") < 5  # it is not drawn again with every frame
