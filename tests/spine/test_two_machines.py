"""More than one machine: two Dask workers, each a process of its own, that share nothing with the run but a folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wellspring.flows.corpus import corpus
from wellspring.tasks.io.storage.store import Store

ROOT = Path(__file__).parents[2]
pytest.importorskip("distributed", reason="needs the extra `dask`")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A scheduler and two workers, started as an operator would start them on three machines."""
    file = tmp_path / "scheduler.json"
    common = {"cwd": ROOT, "env": {**os.environ, "PYTHONPATH": str(ROOT)}, "stderr": subprocess.DEVNULL}
    scheduler = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0"]
    worker = [
        sys.executable,
        "-m",
        "dask",
        "worker",
        "--scheduler-file",
        str(file),
        "--nthreads",
        "1",
        "--no-dashboard",
    ]
    local = ["--local-directory", str(tmp_path)]
    processes = [
        subprocess.Popen([*scheduler, "--no-dashboard", "--scheduler-file", str(file)], **common),
        subprocess.Popen([*worker, *local, "--name", "a"], **common),
        subprocess.Popen([*worker, *local, "--name", "b"], **common),
    ]
    deadline = time.monotonic() + 120
    while not (file.is_file() and file.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.2)
    yield json.loads(file.read_text())["address"]
    for process in reversed(processes):
        process.terminate()
        process.wait()


def rows(store_dir: Path) -> dict[str, list[tuple[str, ...]]]:
    with Store.open(store_dir) as store:
        return {
            noun: sorted(store._connection.sql(f'SELECT {noun[:-1]}_id, text FROM "{noun}"').fetchall())
            for noun in ("documents", "passages")
        }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_workers_that_share_a_folder_make_the_same_rows_as_one_machine(tmp_path: Path, address: str) -> None:
    few = "sources.shard_records=9"
    corpus.fn("smoke", str(tmp_path / "one"), [few])
    corpus.fn("smoke", str(tmp_path / "two"), [few, "runner=dask", f"dask_address={address}"])
    here, there = rows(tmp_path / "one"), rows(tmp_path / "two")

    assert there == here
    assert len(there["documents"]) > 20
