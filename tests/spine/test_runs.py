"""Runs: how each ends is written down, a stage leaves a receipt, methods in force are those of the latest settings."""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError
from wellspring.tasks.contracts.records import Publication
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.interrupts import Stop
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Counts, Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]


def status_of(store_dir: Path) -> list[tuple[str, str | None]]:
    with Store.open(store_dir) as store:
        return store.query("runs/all").select("status", "error").rows()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "status"),
    [(BrokenError("no"), "failed"), (TransientError("later"), "parked"), (ValueError("bug"), "failed")],
)
def test_how_a_run_ends_is_written_down(
    start: Start, settings: Make, store_dir: Path, problem: Exception, status: str
) -> None:
    with pytest.raises(type(problem)), start(settings()):
        raise problem
    with start(settings()):
        pass

    rows = status_of(store_dir)
    assert rows[0][0] == status
    assert rows[1] == ("done", None)


def test_the_text_of_a_fault_of_ours_is_not_stored_since_it_may_hold_a_secret(
    start: Start, settings: Make, store_dir: Path
) -> None:
    with pytest.raises(ValueError, match="sk-secret"), start(settings()):
        raise ValueError("sk-secret")

    assert status_of(store_dir) == [("failed", "ValueError")]


def test_userinfo_of_an_endpoint_is_not_stored(start: Start, settings: Make) -> None:
    endpoints = [{"base_url": "https://user:canary@host.example/v1"}]
    with start(settings(models={"generator": {"endpoints": endpoints}})) as run:
        stored = run.store.query("runs/all")["settings"][0]

    assert "canary" not in stored
    assert "://***@host.example" in stored


def test_a_stage_leaves_a_receipt_and_takes_its_publication_back(start: Start, settings: Make) -> None:
    @runs.stage("documents")
    def write(_run: Run, *, n: int) -> Counts:
        return Counts(rows_in=n, rows_out=n - 1, rows_rejected=1, cost_usd=0.5)

    with start(settings()) as run:
        run.activate("documents", {"print-a": "extractor"})
        run.store.append("publications", [Publication(noun, "print-a", run.run_id) for noun in ("documents", "seeds")])

        receipt = write(run, n=3)

        row = run.store.query("runs/receipts", run_id=run.run_id).to_dicts()[0]
        published = run.store.query("publications/all")["noun"].to_list()
    assert receipt.counts.rows_in == row["rows_in"] == 3
    assert (row["stage"], row["rows_rejected"], row["cost_usd"]) == ("documents", 1, 0.5)
    assert published == ["seeds"]


def test_a_nested_flow_joins_the_run(start: Start, settings: Make, store_dir: Path) -> None:
    with start(settings()) as outer, runs.start("inner", settings(), store_dir) as inner:
        assert inner is outer


def test_in_a_nested_flow_sigterm_is_ours_though_prefect_takes_it_around_each(
    start: Start, settings: Make, store_dir: Path
) -> None:
    prefects = lambda *_: pytest.fail("Prefect's handler was called")  # noqa: E731
    with start(settings()) as run:
        run.stop = Stop(lambda: None, lambda: None)
        run.stop.numbers = [signal.SIGTERM]
        before = signal.signal(signal.SIGTERM, prefects)
        with pytest.raises(KeyboardInterrupt) as stopped, runs.start("corpus", settings(), store_dir):
            signal.raise_signal(signal.SIGTERM)
        after = signal.signal(signal.SIGTERM, before)

    assert stopped.value.args == (signal.SIGTERM,)
    assert after is prefects


class Terminated(BaseException):
    """As Prefect's TerminationSignal, by which it knows a cancelled flow run."""

    signal = signal.SIGTERM


def test_what_prefect_cancels_by_is_passed_on_as_it_is_and_the_run_says_so(
    start: Start, settings: Make, store_dir: Path
) -> None:
    with pytest.raises(Terminated), start(settings()):
        raise Terminated

    assert status_of(store_dir) == [("stopped", "stopped by SIGTERM")]


def test_the_methods_in_force_are_those_of_the_latest_settings(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        run.activate("seeds", {"a": "one", "b": "two"})
        run.activate("documents", {"c": "three"})
        run.activate("seeds", {"b": "two"})
        first = run.store.query("methods/active", stage="seeds")["fingerprint"].to_list()
        run.activate("seeds", {"a": "one"})
        second = run.store.query("methods/active", stage="seeds")["fingerprint"].to_list()

        assert (first, second) == (["b"], ["a"])
        assert run.store.query("methods/active", stage="documents")["name"].to_list() == ["three"]


def test_methods_that_are_in_force_are_not_written_again(start: Start, settings: Make, store_dir: Path) -> None:
    chosen = {"a": "one", "b": "two"}
    with start(settings()) as run:
        run.activate("seeds", chosen, {"least": 1})
        log = store_dir / "wellspring.duckdb.wal"
        before = log.stat().st_size

        run.activate("seeds", chosen, {"least": 1})
        again = log.stat().st_size
        run.activate("seeds", chosen, {"least": 2})

        assert again == before < log.stat().st_size
        assert set(run.store.query("methods/chosen", stage="seeds")["settings"]) == {'{"least": 2}'}


def test_counts_add_up_field_by_field() -> None:
    total = Counts(1, 2, 3, 4, 5, 6, 7, 0.5) + Counts(1, 1, 1, 1, 1, 1, 1, 0.25)

    assert total == Counts(2, 3, 4, 5, 6, 7, 8, 0.75)


def test_a_deployment_without_a_store_is_told_how_to_name_one(settings: Callable[..., Settings]) -> None:
    with pytest.raises(UsageError, match="`store` is empty") as caught, runs.start("dataset", settings(), ""):
        pass

    assert "WELLSPRING_STORE" in (caught.value.hint or "")


def test_a_flow_run_that_is_started_again_ends_the_other_dead_ones_and_not_itself() -> None:
    owners = ["12@here prefect:ours", "13@here prefect:other", "14@here prefect:ours", "15@here"]

    assert runs.dead_flow_runs(owners, " prefect:ours") == ["other"]
    assert runs.dead_flow_runs(owners, "") == []
