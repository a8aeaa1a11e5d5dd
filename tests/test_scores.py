"""Scores: what judges give, NULL where they fail, on a model that is not the writer."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests import instruction_store as store
from tests.scripted_model import scripted_model
from wellspring.tasks import responses, scores
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges.seven_criteria import CRITERIA
from wellspring.tasks.spine.operations import retrying
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]


def marked(body: dict) -> str:
    """All seven marks, but for instructions on bees: there the judge answers in prose, again and again."""
    if "bees" in body["messages"][1]["content"]:
        return "I would rather talk about the bees."
    marks = {f"{name}_analysis": "Argued." for name in CRITERIA} | {
        name: int(name != "creativity") for name in CRITERIA
    }
    return f"```json\n{json.dumps(marks, indent=2)}\n```"


@pytest.mark.slow
def test_each_instruction_gets_seven_marks_and_a_total_and_the_second_run_asks_nothing(
    settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings()) as run:
        store.fill(run)
        first = scores.judge(run).counts
        rows = run.store.query("scores/unpublished")
        again = scores.judge(run).counts

    assert (first.rows_in, first.rows_out, first.calls) == (24, 24, 24)
    assert (again.rows_in, again.calls, again.cached_calls) == (0, 0, 0)
    assert len(rows) == 24 * 8
    sums = Counter()
    for row in rows.to_dicts():
        sums[row["subject_id"]] += row["value"] * (-1 if row["criterion"] == "total" else 1)
    assert set(sums.values()) == {0.0}  # each total is the sum of its seven marks


@pytest.mark.slow
def test_a_judge_that_fails_gives_null_with_its_reason_and_never_a_number(
    settings: Callable[..., Settings], start: Start
) -> None:
    with scripted_model(marked) as model:
        with start(settings(models={"judge": model.role("other", temperature=0.0)})) as run:
            store.fill(run)
            counts = scores.judge(run).counts
            totals = [row for row in run.store.query("scores/unpublished").to_dicts() if row["criterion"] == "total"]
            again = scores.judge(run).counts
        asked = len(model.asked)

    failed = [row for row in totals if row["value"] is None]
    assert {row["value"] for row in totals} == {6.0, None}
    assert len(failed) == 4
    assert all(row["reason"].startswith("unparsable_answer") and row["completion_id"] is None for row in failed)
    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (24, 24, 0)
    assert asked == 24 + 4  # one repair for each that could not be read
    assert again.rows_in == 0


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [{"stage": "scores"}, {"reason": "unparsable_answer"}])
def test_a_judge_that_failed_is_asked_anew_when_somebody_says_so_and_only_where_it_failed(
    settings: Callable[..., Settings], start: Start, chosen: dict[str, str]
) -> None:
    is_cured = False

    def script(body: dict) -> str:
        if is_cured:
            body = {"messages": [{}, {"content": "of other things"}]}
        return marked(body)

    with scripted_model(script) as model, start(settings(models={"judge": model.role("other")})) as run:
        store.fill(run)
        scores.judge(run)
        by_default = retrying.reopen(run)
        before, is_cured = len(model.asked), True
        taken = retrying.reopen(run, **chosen)
        counts = scores.judge(run).counts
        asked = len(model.asked) - before
        rows = run.store.query("scores/unpublished")

    assert (by_default, taken) == (0, 4)
    assert (counts.rows_in, counts.rows_out) == (4, 4)
    assert asked == 4
    assert len(rows) == 24 * 8
    assert rows["value"].null_count() == 0


@pytest.mark.slow
@pytest.mark.parametrize(("grounded", "beside"), [("true", 4), ("false", 0)])
def test_answers_are_judged_beside_the_document_that_they_were_shown(
    grounded: str, beside: int, settings: Callable[..., Settings], start: Start
) -> None:
    chosen = settings('scores.judges=["seven_criteria", "response_quality"]', f"responses.grounded={grounded}")
    with start(chosen) as run:
        store.fill(run, 6)
        responses.respond(run)
        store.publish(run, "responses")
        counts = scores.judge(run).counts
        requests = [row["request"] for row in run.store.query("completions/of_ids", ids=_completions(run)).to_dicts()]

    of_answers = [request for request in requests if "Mark the answer" in request]
    assert counts.rows_out == 12
    assert len(of_answers) == 6
    assert sum("<source " in request for request in of_answers) == beside  # two of six have no document


@pytest.mark.slow
def test_only_the_draws_for_pairs_are_rewarded_when_nobody_else_wants_the_reward(
    settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings("preferences.draws=2")) as run:
        store.fill(run, 6)
        responses.respond(run)
        store.publish(run, "responses")
        scores.judge(run)
        rewarded = [
            row for row in run.store.query("scores/unpublished").to_dicts() if row["judge"] == "response_quality"
        ]

    assert len({row["subject_id"] for row in rewarded}) == 12


def test_settings_refuse_a_judge_that_is_the_writer_unless_forced(settings: Callable[..., Settings]) -> None:
    with pytest.raises(UsageError, match="favours its own words"):
        settings('models.judge.model="offline-extractive"')

    forced = settings('models.judge.model="offline-extractive"', "scores.allow_same_model=true")
    assert forced.models.judge.model == forced.models.generator.model


@pytest.mark.slow
def test_another_judge_model_judges_anew(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings()) as run:
        store.fill(run, 6)
        scores.judge(run)
    with start(settings("models.judge.temperature=0.5")) as run:
        again = scores.judge(run).counts

    assert again.rows_in == 6


def _completions(run: Run) -> list[str]:
    rows = run.store.query("scores/unpublished").to_dicts()
    return sorted({row["completion_id"] for row in rows if row["completion_id"]})


def test_a_total_is_held_to_the_best_that_its_judge_names(settings: Callable[..., Settings], start: Start) -> None:
    def mark(number: int, judge: str, criterion: str, value: float) -> records.Score:
        return records.Score(content_id("answer", number), "print", judge, criterion, value, "", None, run.run_id)

    marks = [("portia", "total", 1.0), ("portia", "total", 1.5), ("portia", "agreement", 9.0), ("else", "total", 10.0)]
    with start(settings('scores.judges=["portia"]')) as run:
        scores.judge(run)
        said = json.loads(run.store.query("scores/described").item())
        run.store.append("scores", [mark(number, *one) for number, one in enumerate(marks)])
        off = run.store.query("scores/audit", run_id=run.run_id, fingerprint=None)["off_scale"].item()
        run.activate("scores", {"print": "portia"}, {"wide": [], "best": {"portia": 100, "else": 9}})
        wider = run.store.query("scores/audit", run_id=run.run_id, fingerprint=None)["off_scale"].item()

    assert (said["wide"], said["best"]) == ([], {"portia": 1})
    assert (off, wider) == (1, 1)  # 1.5 where 1 is best; then 10 where 9 is
