"""Readers beside a build: none is turned away, none turns the build away, and what they say is of a time they say."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests import nights
from wellspring.flows.cli import app
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching import summaries

ROOT = Path(__file__).parents[2]
LOOKS = int(os.environ.get("LOOKS", "300"))
EACH = 10  # of so many looks one is the whole command
BUILD = """
import sys
from wellspring.tasks.io.storage import snapshots
snapshots.EVERY_SECONDS, snapshots.SHARE = 0.2, 5
from wellspring.flows.dataset import dataset
dataset.fn("smoke", sys.argv[1], sys.argv[2:])
"""


def building(store: Path, folder: Path) -> "subprocess.Popen[str]":
    chosen = [*nights.inputs(folder, 1), *nights.SMALL, "selections.min_score=0"]
    command = [sys.executable, "-c", BUILD, str(store), *chosen]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def look(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result.stdout


class Looks(threading.Thread):
    """Looks at a store until it has done so often enough, and nobody writes it any more."""

    def __init__(self, store: Path, process: "subprocess.Popen[str]", most: int, *, says: bool) -> None:
        super().__init__()
        self.store, self.process, self.most, self.says = store, process, most, says
        self.facts: list[dict[str, Any]] = []
        self.as_of: list[tuple[str, str]] = []
        self.wrong: list[BaseException] = []

    def run(self) -> None:
        """Look."""
        looks = 0
        while (looks < self.most or self.process.poll() is None) and not self.wrong:
            try:
                self.look(says=self.says and looks % EACH == 0)
            except BaseException as error:  # noqa: BLE001 - the test says what it was
                self.wrong.append(error)
            looks += 1

    def look(self, *, says: bool) -> None:
        """Open the store once, and now and then have the command say all."""
        if says:
            self.facts.append(json.loads(look("status", "--json", "--store", str(self.store))))
        with Store.read(self.store) as opened:
            assert opened.snapshot is not None
            runs = opened.query("runs/latest")["status"].to_list()  # none before the first has begun
            self.as_of.append((opened.snapshot.file, runs[0] if runs else ""))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_many_looks_at_a_store_that_is_built_none_is_turned_away_nor_turns_the_build_away(
    store_dir: Path, tmp_path: Path
) -> None:
    Store.open(store_dir).close()
    process = building(store_dir, tmp_path)
    first, second = Looks(store_dir, process, LOOKS, says=True), Looks(store_dir, process, LOOKS // EACH, says=False)
    for looks in (first, second):
        looks.start()
    said = process.communicate()[1]
    for looks in (first, second):
        looks.join()
    with Store.read(store_dir) as opened:
        target = summaries.of_run(opened)["example_id"]

    assert process.returncode == 0, said
    assert (first.wrong, second.wrong) == ([], [])
    assert len(first.as_of) >= LOOKS
    assert len({file for file, status in first.as_of if status == "running"}) > 1  # snapshots came while it ran
    assert first.as_of[-1][1] == second.as_of[-1][1] == "done"
    assert [run["status"] for facts in first.facts for run in facts["runs"] if run["status"] == "failed"] == []
    assert all(facts["as_of"] for facts in first.facts)
    assert '"kind": "response"' in look("trace", target, "--json", "--store", str(store_dir))
