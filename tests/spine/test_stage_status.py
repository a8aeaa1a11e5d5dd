"""Where a store stands: what is due is what stages would do, with what it would cost; a busy store is asked nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import sample_store
from tests.sample_store import Sample
from wellspring.tasks.contracts.errors import TransientError, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching import stage_status, summaries

ROOT = Path(__file__).parents[2]
ANSWERS: dict[str, Any] = {
    "view": "inputs_answer",
    "stage": "responses",
    "fingerprint": "respond-1",
    "most": None,
    "among": None,
}


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    filled = sample_store.fill(tmp_path)
    sample_store.publish(filled)
    yield filled
    filled.store.close()


def stage(store: Store, name: str) -> dict[str, Any]:
    return stage_status.stages(store).filter(stage=name).to_dicts()[0]


def test_what_is_due_is_asked_as_the_stage_asked_it_and_costs_what_its_rows_have_cost(sample: Sample) -> None:
    sample.store.query("settled/pending", **ANSWERS)
    before = stage(sample.store, "responses")
    sample.store._connection.execute("DELETE FROM settled WHERE input_id = ?", [sample.instructions[0]])

    after = stage(sample.store, "responses")
    receipts = sample.store.query("runs/stages").filter(stage="responses").to_dicts()[0]

    assert (before["rows_due"], before["due_cost_usd"]) == (0, 0)
    assert after["rows_due"] == 1
    assert after["due_cost_usd"] == pytest.approx(receipts["cost_usd"] / receipts["calls"])


def test_questions_of_methods_that_are_no_longer_in_force_are_not_asked_again(sample: Sample) -> None:
    sample.store.query("settled/pending", **ANSWERS | {"fingerprint": "another"})

    assert stage(sample.store, "responses")["rows_due"] == 0


def test_what_was_asked_is_known_to_the_next_process(sample: Sample) -> None:
    sample.store.query("settled/pending", **ANSWERS)
    stage_status.remember(sample.store)
    sample.store._connection.execute("DELETE FROM settled")
    sample.store.close()

    with Store.read(sample.store.path) as opened:
        facts = stage_status.of_store(opened)

    due = {row["stage"]: row["rows_due"] for row in facts["stages"] if row["rows_due"]}
    assert due == {"responses": len(sample.instructions)}
    assert facts["due_cost_usd"] > 0
    assert facts["runs"][0]["status"] == "done"
    assert [step["step"] for step in facts["seeds_funnel"]] == [1, 2, 3, 4, 5]


def test_what_stages_spent_that_never_ended_is_said_and_their_rows_cost_at_least_a_call(sample: Sample) -> None:
    sample.store.query("settled/pending", **ANSWERS)
    before = stage_status.of_store(sample.store)
    sample.store._connection.execute("DELETE FROM receipts")
    sample.store._connection.execute("DELETE FROM settled WHERE input_id = ?", [sample.instructions[0]])

    facts = stage_status.of_store(sample.store)

    assert before["unfinished_cost_usd"] == 0
    assert facts["unfinished_cost_usd"] == pytest.approx(sum(run["cost_usd"] for run in facts["runs"]))
    assert stage(sample.store, "responses")["due_cost_usd"] > 0


def test_of_shards_that_a_killed_run_left_the_rest_is_due(sample: Sample) -> None:
    stages = {"documents": {"done": 3, "total": 12, "is_done": False}, "passages": {"done": 1, "is_done": True}}
    stage_status.say_progress(sample.store.path, {"run_id": "killed", "stages": stages})

    assert stage(sample.store, "documents")["rows_due"] == 9
    assert stage(sample.store, "passages")["rows_due"] == 0


def test_what_a_parked_run_paid_is_in_its_costs_though_its_stage_left_no_receipt(sample: Sample) -> None:
    sample.store._connection.execute("DELETE FROM receipts")

    run = stage_status.of_store(sample.store)["runs"][0]

    assert run["calls"] == sample.store.query("marts/health")["calls"][0]
    assert run["cost_usd"] > 0


WORKING = """
import sys
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import runs
with runs.start("corpus", settings.load(None, sys.argv[2:]), sys.argv[1], quiet=True) as run:
    run.progress.begin("documents")
    run.progress("documents", 3, 12)
    run.progress.begin("passages")
    print("at work", run.run_id, flush=True)
    sys.stdin.read()
"""


def working(store: Path, *overrides: str) -> tuple["subprocess.Popen[str]", str]:
    """Start a run in a process of its own, and return it and the run's id when it holds the store."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKING, str(store), *overrides],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def wellspring(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "wellspring.flows.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def ended(process: "subprocess.Popen[str]") -> int:
    """Let the run end, and return how."""
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.slow
def test_a_store_that_a_run_holds_is_told_from_its_snapshot_and_what_that_run_wrote_down(sample: Sample) -> None:
    sample.store.share("an earlier run")
    sample.store.close()
    process, run_id = working(sample.store.path)

    said = wellspring("status", "--store", str(sample.store.path))
    facts = json.loads(wellspring("status", "--store", str(sample.store.path), "--json").stdout)
    drawn = wellspring("dashboard", "--store", str(sample.store.path))
    traced = wellspring("trace", sample.instructions[0], "--store", str(sample.store.path))
    ended(process)

    assert f"corpus run {run_id[:8]} in process {process.pid}" in said.stdout
    assert "3 of 12" in said.stdout
    assert facts["held_by"]["pid"] == process.pid
    assert facts["running"]["stages"]["documents"] == {"done": 3, "total": 12, "is_done": False, "facts": {}}
    assert [row["rows"] for row in facts["stages"] if row["stage"] == "documents"] == [3]
    assert drawn.stdout.strip() == str(sample.store.path / "pages" / "index.html")
    assert all(f"this is of {facts['as_of'][:10]}" in " ".join(one.stderr.split()) for one in (drawn, traced))
    assert sample.instructions[0] in traced.stdout
    assert f"below: as it was at {facts['as_of'][:10]}" in said.stdout


@pytest.mark.slow
def test_of_two_runs_on_one_store_the_second_says_who_works_or_waits_as_asked(store_dir: Path) -> None:
    first, run_id = working(store_dir)

    with pytest.raises(TransientError, match=f"process {first.pid} .*{run_id}") as refused:
        Store.open(store_dir)
    command = [sys.executable, "-c", WORKING, str(store_dir), "wait=true"]
    second = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    codes = ended(first), ended(second)
    with Store.read(store_dir) as store:
        before, after = store.query("runs/all").to_dicts()

    assert (refused.value.exit_code, codes) == (3, (0, 0))
    assert (before["run_id"], before["status"], after["status"]) == (run_id, "done", "done")
    assert after["started_at"] >= before["ended_at"]


def test_the_id_of_a_run_may_be_cut_short_where_it_names_one(sample: Sample) -> None:
    found = summaries.of_run(sample.store, sample_store.RUN[:6])

    assert found["run_id"] == sample_store.RUN
    with pytest.raises(UsageError, match="0 runs begin with"):
        summaries.of_run(sample.store, content_id("no such run"))
