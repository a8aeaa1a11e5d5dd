"""Batch jobs against a local server that has files and batches: submitted, killed, adopted, merged, sent again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import TransientError
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.models.jobs import Jobs
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.standin import faults


def call(number: int) -> Call:
    return Call(str(number), Prompt((Message("user", f"Say something about river {number} and its water."),)))


def chosen(url: str, *overrides: str, **role: Any) -> Settings:
    asked = {"endpoints": [{"base_url": url}], "mode": "batch", "batch_poll_seconds": 0.05} | role
    return settings_.load(None, overrides, environment={}, extra={"models": {"generator": asked}})


def ask(settings: Settings, directory: Path, numbers: range = range(20)) -> list[Answer | Refused]:
    """Ask in a run of its own; what came out before the run was parked counts."""
    found: list[Answer | Refused] = []
    with Models(settings, directory, "run") as models:
        try:
            found.extend(models.ask("generator", map(call, numbers)))
        except TransientError as error:
            assert "batch jobs of `generator` are running" in error.message  # noqa: PT017 - parked is one of two ends
    return found


def lines_sent(server: faults.FaultServer) -> int:
    jobs = server.stand_in.jobs.values()
    return sum(server.stand_in.files[job.input_file_id].count(b"custom_id") for job in jobs)


def test_a_job_is_submitted_in_one_run_and_collected_in_a_later_one(tmp_path: Path) -> None:
    with faults.running(batch_polls=3) as server:
        ends = [len(ask(chosen(server.url), tmp_path)) for _ in range(4)]
        jobs = len(server.stand_in.jobs)

    assert ends == [0, 20, 20, 20]
    assert jobs == 1
    assert lines_sent(server) == 20
    assert server.counts["requests"] == 0


def test_what_a_job_answered_is_paid_in_the_run_that_collects_it(tmp_path: Path) -> None:
    with faults.running(batch_polls=2) as server:
        runs = [ask(chosen(server.url), tmp_path) for _ in range(3)]

    assert [{outcome.is_cached for outcome in outcomes} for outcomes in runs] == [set(), {False}, {True}]


def test_calls_that_jobs_are_out_for_are_named_and_not_held(tmp_path: Path) -> None:
    left: list[str] = []
    with (
        faults.running(batch_polls=9) as server,
        Models(chosen(server.url), tmp_path, "run") as models,
        pytest.raises(TransientError, match="are running"),
    ):
        list(models.ask("generator", map(call, range(20)), lambda one: left.append(one.input_id)))

    assert sorted(map(int, left)) == list(range(20))


def test_a_job_that_its_process_was_still_writing_is_dropped_and_costs_nothing(tmp_path: Path) -> None:
    def dies() -> Any:
        yield from map(call, range(70))
        raise KeyboardInterrupt

    with faults.running() as server:
        with Models(chosen(server.url), tmp_path, "run") as models, pytest.raises(KeyboardInterrupt):
            list(models.ask("generator", dies()))
        outcomes = ask(chosen(server.url, batch_wait_seconds=30.0), tmp_path, range(70))
        with Models(chosen(server.url), tmp_path, "run") as models:
            sent = models.journal.ledger.sent_calls
        jobs = len(server.stand_in.jobs)

    assert len(outcomes) == sent == 70
    assert jobs == 1


def test_it_waits_if_the_role_says_so(tmp_path: Path) -> None:
    with faults.running(batch_polls=3) as server:
        outcomes = ask(chosen(server.url, batch_wait_seconds=30.0), tmp_path)

    assert sorted(int(o.call.input_id) for o in outcomes) == list(range(20))


def test_only_what_failed_is_sent_again(tmp_path: Path) -> None:
    with faults.running(batch_drops=5) as server:
        outcomes = ask(chosen(server.url, batch_wait_seconds=30.0), tmp_path)
        sizes = [job.counts["total"] for job in server.stand_in.jobs.values()]

    assert len(outcomes) == 20
    assert all(isinstance(o, Answer) for o in outcomes)
    assert sizes == [20, 4]


def test_what_an_expired_job_answered_is_kept(tmp_path: Path) -> None:
    with faults.running(batch_drops=2, batch_ends_as="expired") as server:
        outcomes = ask(chosen(server.url, batch_wait_seconds=30.0, attempts=2), tmp_path)
        sizes = [job.counts["total"] for job in server.stand_in.jobs.values()]

    reasons = [o.reason for o in outcomes if isinstance(o, Refused)]
    assert sizes == [20, 10]
    assert len(outcomes) == 20
    assert reasons == ["expired"] * 5


def test_a_job_whose_maker_died_is_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Jobs.submitted

    def dies(*_: Any) -> None:
        raise TransientError("batch jobs of `generator` are running: killed here")

    with faults.running() as server:
        monkeypatch.setattr(Jobs, "submitted", dies)
        ask(chosen(server.url), tmp_path)
        monkeypatch.setattr(Jobs, "submitted", noted)
        outcomes = ask(chosen(server.url), tmp_path)

    assert len(outcomes) == 20
    assert len(server.stand_in.jobs) == 1


def test_a_job_that_never_reached_the_server_is_made_again(tmp_path: Path) -> None:
    with faults.running() as server:
        create = server.stand_in._create
        server.stand_in._create = lambda _: faults.error_response(500, "no", "server_error")
        with Models(chosen(server.url), tmp_path, "run") as models, pytest.raises(TransientError, match="did not say"):
            list(models.ask("generator", map(call, range(5))))
        server.stand_in._create = create
        first = ask(chosen(server.url), tmp_path, range(5))
        second = ask(chosen(server.url), tmp_path, range(5))

    assert len(first) + len(second) >= 5
    assert len(server.stand_in.jobs) == 1


def test_jobs_are_of_the_size_that_the_role_says(tmp_path: Path) -> None:
    with faults.running() as server:
        outcomes = ask(chosen(server.url, batch_requests=6, batch_wait_seconds=30.0), tmp_path)
        sizes = sorted(job.counts["total"] for job in server.stand_in.jobs.values())

    assert len(outcomes) == 20
    assert sum(sizes) == 20
    assert max(sizes) <= 6


def test_a_job_is_cancelled_on_request_and_its_calls_are_due_again(tmp_path: Path) -> None:
    with faults.running(batch_polls=100) as server:
        ask(chosen(server.url), tmp_path)
        with Models(chosen(server.url), tmp_path, "run") as models:
            cancelled = models.cancel("generator")
        live = ask(chosen(server.url, mode="live"), tmp_path)
        states = [job.status for job in server.stand_in.jobs.values()]

    assert cancelled == 1
    assert states == ["cancelled"]
    assert len(live) == 20


def test_batches_cost_their_share_and_what_is_set_aside_is_freed(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[models."offline-*"]\nprompt = 1.0\ncompletion = 2.0\nbatch = 0.5\n', encoding="utf-8")
    settings: Callable[..., Settings] = lambda url, **role: chosen(url, f"models.prices={prices}", **role)  # noqa: E731

    with faults.running() as server:
        batched = ask(settings(server.url, batch_wait_seconds=30.0), tmp_path / "batch")
        live = ask(settings(server.url, mode="live"), tmp_path / "live")
        with Models(settings(server.url), tmp_path / "batch", "run") as models:
            ledger = models.journal.ledger

    cost = sum(o.cost_usd for o in live if isinstance(o, Answer))
    half = sum(o.cost_usd for o in batched if isinstance(o, Answer))
    assert half == pytest.approx(cost / 2, rel=0.02)
    assert (ledger.held_micro_usd, ledger.reserved_micro_usd) == (0, 0)
    assert ledger.spent_micro_usd == round(half * 1e6)
