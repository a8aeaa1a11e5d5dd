"""An estimate: the run rehearsed on a copy, nothing sent, nothing written, what is recorded counted as free."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.instruction_store import fill, publish
from wellspring.tasks import responses, scores
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.operations import estimating
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
MakeSettings = Callable[..., Settings]


def asking(server: faults.FaultServer) -> dict[str, Any]:
    role = {"model": "gpt-4o-mini", "endpoints": [{"base_url": server.url, "max_concurrency": 8}]}
    return {"models": {"judge": role | {"model": "gpt-4o", "temperature": 0.0}, "responder": role}}


def build(run: Run) -> None:
    responses.respond(run)
    publish(run, "responses")
    scores.judge(run)


@pytest.mark.slow
def test_an_estimate_sends_nothing_and_leaves_the_store_as_it_is(
    start: Start, settings: MakeSettings, store_dir: Path
) -> None:
    with faults.running() as server:
        chosen = settings(**asking(server))
        with start(chosen) as run:
            fill(run, 30)
        found = estimating.estimate(chosen, store_dir, build)
        sent = server.counts["requests"]
    with Store.read(store_dir) as store:
        written = int(store.query("responses/size").item()) + store.count("completions/by_role", role="judge")

    stages = {stage["stage"]: stage for stage in found["stages"]}
    assert (sent, written) == (0, 0)
    assert (stages["responses"]["calls"], stages["scores"]["calls"]) == (30, 30)
    assert found["cost_usd"] > stages["scores"]["cost_usd"] > 0
    assert (found["seconds"], found["stopped"], found["unpriced"]) == (None, "", [])


@pytest.mark.slow
def test_what_is_recorded_is_free_and_what_was_measured_is_used(
    start: Start, settings: MakeSettings, store_dir: Path
) -> None:
    with faults.running(latency_seconds=0.02) as server:
        chosen = settings(**asking(server))
        with start(chosen) as run:
            fill(run, 20)
            build(run)
            paid = run.models.stats.cost_usd
            fill(run, 50)
        found = estimating.estimate(chosen, store_dir, build)

    stages = {stage["stage"]: stage for stage in found["stages"]}
    assert (stages["responses"]["calls"], stages["scores"]["calls"]) == (30, 30)
    assert all(stage["is_measured"] and stage["seconds"] > 0 for stage in found["stages"])
    assert found["cost_usd"] == pytest.approx(paid * 30 / 20, rel=0.1)


@pytest.mark.slow
def test_an_audit_that_the_stand_in_fails_ends_it_with_what_was_counted(
    start: Start, settings: MakeSettings, store_dir: Path
) -> None:
    def stops(run: Run) -> None:
        responses.respond(run)
        raise BrokenError("an audit failed")

    with start(settings()) as run:
        fill(run, 5)
    found = estimating.estimate(settings(), store_dir, stops)

    assert found["stopped"] == "an audit failed"
    assert found["calls"] == 5
