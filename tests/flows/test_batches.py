"""Batch mode from the outside: a build submits in one run, later ones collect, and jobs are shown and cancelled."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.exported import exported
from wellspring.flows.cli import app
from wellspring.tasks.contracts.errors import TransientError
from wellspring.tasks.io.standin import faults

MOST_RUNS = 20
BATCHED = ("--set", "models.generator.mode=batch")


def build(store: Path, url: str, *options: str) -> Result:
    where = ("--store", str(store), "--profile", "smoke", "--set", "limit=4", "--set", f"models.base_url={url}")
    return CliRunner().invoke(app, ["build", "--no-prefect", *where, *options])


@pytest.mark.slow
def test_a_build_submits_in_one_run_and_collects_in_later_ones_also_after_a_cancelled_job(tmp_path: Path) -> None:
    with faults.running() as server:
        live = build(tmp_path / "live", server.url)
    store, runs = tmp_path / "batch", list[Result]()
    with faults.running(batch_polls=2) as server:
        runs.append(build(store, server.url, *BATCHED))
        shown = CliRunner().invoke(app, ["batches", "--store", str(store)]).output
        cancelled = CliRunner().invoke(app, ["batches", "--store", str(store), "--cancel", "all"]).output
        statuses = [job.status for job in server.stand_in.jobs.values()]
        while isinstance(runs[-1].exception, TransientError) and len(runs) < MOST_RUNS:
            runs.append(build(store, server.url, *BATCHED))
        after = [job.status for job in server.stand_in.jobs.values()]

    assert live.exit_code == 0, live.output
    assert "batch jobs of `generator` are running" in str(runs[0].exception)
    assert next(iter(server.stand_in.jobs)) in shown
    assert "1 of 1 jobs" in cancelled
    assert statuses == ["cancelled"]
    assert runs[-1].exit_code == 0, runs[-1].output
    assert after.count("completed") == len(after) - 1
    assert exported(store) == exported(tmp_path / "live") != {}
