"""A price that nobody knows: NaN in the store and in every sum, `unknown` for people, null for programs, never $0."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests import instruction_store as store
from tests.scripted_model import scripted_model
from wellspring.flows import terminal
from wellspring.tasks import responses, scores
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.site import pages
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching import stage_status, summaries
from wellspring.tasks.spine.watching.counts import Counts, known

Start = Callable[[Settings], AbstractContextManager[Run]]


def answer(body: dict[str, Any]) -> str:
    return f"It takes {len(body['messages'][-1]['content'])} steps, and the first of them is to measure it twice."


@contextmanager
def asked(settings: Callable[..., Settings], start: Start, *overrides: str) -> Iterator[Run]:
    """A run that has asked a model of its own for answers, and the stand-in for scores."""
    with (
        scripted_model(answer) as model,
        start(settings(*overrides, models={"responder": model.role("own-7b")})) as run,
    ):
        store.fill(run, 6)
        responses.respond(run)
        validation.audit(run, "responses")
        scores.judge(run)
        validation.audit(run, "completions")
        yield run


def test_a_cost_with_an_unknown_part_is_unknown() -> None:
    assert known((Counts(cost_usd=0.5) + Counts(unpriced_calls=1)).paid_usd) is None
    assert known((Counts(cost_usd=0.5) + Counts(cost_usd=0.25)).paid_usd) == 0.75


@pytest.mark.slow
def test_nothing_says_0_usd_of_a_model_that_no_table_lists(
    settings: Callable[..., Settings], start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    with asked(settings, start) as run:
        facts, stands = summaries.of_run(run.store), stage_status.of_store(run.store)
        warned = run.store.query("validations/all").filter(~pl.col("success"))["column_name"].to_list()
        assert pages.write_site(run.store) == []
        page = run.store.pages
        spend = (page / "spend.html").read_text(), (page / "runs" / run.run_id / "index.html").read_text()
    terminal.funnel(facts)
    terminal.standing(stands)
    shown = capsys.readouterr().out
    terminal.as_json(facts | stands)
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    costs = {row["stage"]: row["cost_usd"] for row in facts["stages"]}

    assert (costs["responses"], costs["scores"]) == (None, 0.0)
    assert {line.split()[0] for line in shown.splitlines() if "unknown" in line} >= {"responses"}
    assert "nan" not in shown.lower()
    assert {row["stage"]: row["cost_usd"] for row in told["stages"]}["responses"] is None
    assert told["runs"][0]["cost_usd"] is None
    assert warned == ["unpriced"]
    assert all("unknown" in html for html in spend)
    assert not any(">nan<" in html.lower() or "$nan" in html for html in spend)


@pytest.mark.slow
def test_a_model_that_a_table_lists_at_nothing_costs_nothing(
    settings: Callable[..., Settings], start: Start, tmp_path: Path
) -> None:
    table = tmp_path / "prices.toml"
    table.write_text(
        '[models."own-*"]\nprompt = 0.0\ncompletion = 0.0\n[models."offline-*"]\nprompt=0.0\ncompletion=0.0\n'
    )
    with asked(settings, start, f"models.prices={table}") as run:
        costs = {row["stage"]: row["cost_usd"] for row in summaries.of_run(run.store)["stages"]}

    assert costs == {"embeddings": 0.0, "responses": 0.0, "scores": 0.0} | {"embeddings": costs["embeddings"]}


@pytest.mark.slow
def test_recorded_answers_of_such_a_model_are_free(settings: Callable[..., Settings], start: Start) -> None:
    with scripted_model(answer) as model:
        chosen = settings(models={"responder": model.role("own-7b")})
        with start(chosen) as run:
            store.fill(run, 6)
            first = responses.respond(run).counts
        with start(chosen) as run:
            run.store._connection.execute("DELETE FROM responses; DELETE FROM settled")
            again = responses.respond(run).counts

    assert (first.calls, known(first.paid_usd)) == (6, None)
    assert (again.cached_calls, known(again.paid_usd)) == (6, 0.0)
