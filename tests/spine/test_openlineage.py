"""What a run says of itself: valid events, and exactly one end for every beginning, also after kill -9."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import openlineage_spec
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io import events
from wellspring.tasks.io.storage.store import Store, holder
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.watching import openlineage
from wellspring.tasks.spine.watching.openlineage import RunEvents

ROOT = Path(__file__).parents[2]


def ends(path: Path) -> Counter[str]:
    """How many ends each beginning has, by job; every event is read strictly on the way."""
    started, ended = dict[str, str](), Counter[str]()
    for what in events.read(path):
        read = openlineage_spec.read(what)
        if what["eventType"] == events.START:
            assert read.run.runId not in started
            started[read.run.runId] = read.job.name
            ended[read.job.name] += 0
        else:
            ended[started[read.run.runId]] += 1
    return ended


@stage("documents")
def read_nothing(run: Run) -> Counts:
    """A stage that does nothing."""
    assert run
    return Counts(rows_in=3, rows_out=2, rows_rejected=1)


@stage("passages")
def break_off(run: Run) -> Counts:
    """A stage that breaks."""
    raise BrokenError(f"no passages in {run.run_id}")


def test_a_run_and_its_stage_begin_and_end_once_and_say_what_was_written(store_dir: Path) -> None:
    with runs.start("corpus", settings.load(), store_dir, quiet=True) as run:
        read_nothing(run)
    path = store_dir / "events" / f"{run.run_id}.jsonl"
    last = [what for what in events.read(path) if what["eventType"] == events.COMPLETE]

    assert ends(path) == {"corpus": 1, "corpus.documents": 1}
    assert last[0]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert [i["name"] for i in last[0]["inputs"]] == ["sources"]
    assert last[0]["run"]["facets"]["parent"]["run"]["runId"] == last[1]["run"]["runId"]


def test_a_stage_that_breaks_fails_and_takes_its_run_with_it(store_dir: Path) -> None:
    with pytest.raises(BrokenError), runs.start("corpus", settings.load(), store_dir, quiet=True) as run:
        break_off(run)
    path = store_dir / "events" / f"{run.run_id}.jsonl"
    kinds = [(what["eventType"], what["job"]["name"]) for what in events.read(path)]

    assert kinds[2:] == [("FAIL", "corpus.passages"), ("FAIL", "corpus")]
    assert ends(path) == {"corpus": 1, "corpus.passages": 1}


def test_an_audit_says_each_expectation_and_what_it_found(tmp_path: Path) -> None:
    class Found:
        expectation, column_name, severity = "expect_x", "text", "warn"
        success, observed, notes = False, "1 of 9 rows", "because"

    announcer = RunEvents(tmp_path, settings.load().events, "r", "corpus", "0.1.0")
    announcer.began()
    with announcer.audit("documents") as results:
        results.append(Found())
    announcer.ended("done")
    facet = events.read(tmp_path / "r.jsonl")[2]["inputs"][0]["inputFacets"]["dataQualityAssertions"]

    assert ends(tmp_path / "r.jsonl") == {"corpus": 1, "corpus.audit.documents": 1}
    assert facet["assertions"][0]["severity"] == "warn"
    assert facet["assertions"][0]["column"] == "text"


SLEEPER = """
import sys, time
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Counts, stage

@stage("documents")
def hang(run):
    print(run.run_id, flush=True)
    time.sleep(600)
    return Counts()

with runs.start("corpus", settings.load(), sys.argv[1], quiet=True) as run:
    hang(run)
"""


@pytest.fixture
def hanging(store_dir: Path) -> Any:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, str(store_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    yield process, run_id
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.slow
def test_a_killed_run_is_marked_by_the_next_and_its_lineage_ends_in_aborts(hanging: Any, store_dir: Path) -> None:
    process, run_id = hanging
    process.send_signal(signal.SIGKILL)
    process.wait()
    path = store_dir / "events" / f"{run_id}.jsonl"
    before = ends(path)

    with runs.start("corpus", settings.load(), store_dir, quiet=True) as run:
        statuses = dict(run.store.query("marts/runs", run_id=None).select("run_id", "status").rows())
    kinds = [(what["eventType"], what["job"]["name"]) for what in events.read(path)]

    assert before == {"corpus": 0, "corpus.documents": 0}
    assert statuses[run_id] == "crashed"
    assert kinds[2:] == [("ABORT", "corpus.documents"), ("ABORT", "corpus")]
    assert ends(path) == {"corpus": 1, "corpus.documents": 1}


@pytest.mark.slow
def test_a_run_that_works_is_left_alone_and_the_second_is_told_who_works(hanging: Any, store_dir: Path) -> None:
    process, run_id = hanging

    with pytest.raises(TransientError, match=rf"process {process.pid} .*{run_id}"), Store.open(store_dir):
        pass

    assert (holder(store_dir) or {})["owner"] == run_id
    assert ends(store_dir / "events" / f"{run_id}.jsonl") == {"corpus": 0, "corpus.documents": 0}


def test_aborting_twice_says_it_once(tmp_path: Path) -> None:
    announcer = RunEvents(tmp_path, settings.load().events, "r", "corpus", "0.1.0")
    announcer.began()

    assert [openlineage.abort(tmp_path, "r"), openlineage.abort(tmp_path, "r")] == [1, 0]
