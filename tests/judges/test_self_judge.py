"""Self-Judge: the mark is what all digits say, with and without a reference, and NULL where there are none."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import instruction_store, judge_runs
from tests.program_runs import answering
from wellspring.tasks import preferences
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "self_judge"

pytestmark = pytest.mark.usefixtures("unaudited")


def place(token: str, shares: dict[str, float]) -> dict[str, Any]:
    likely = [{"token": one, "logprob": math.log(share)} for one, share in shares.items()]
    return {"token": token, "logprob": math.log(shares[token]), "top_logprobs": likely}


def wrote(token: str, **shares: float) -> dict[str, Any]:
    digits = {name.removeprefix("d"): share for name, share in shares.items()}
    return {"content": token, "logprobs": {"content": [place(token, digits)]}}


def judged(settings: Any, start: Start, say: Any, reference: str | None = None) -> tuple[Any, Any]:
    with answering(NAME, say) as model:
        chosen = settings(*judge_runs.of_judge(NAME), models={"judge": model.role("a-judge")})
        with start(chosen) as run:
            judge_runs.fill(run, [["Use a check valve."]])
            if reference:
                run.store._connection.execute("UPDATE seeds SET response = ?", [reference])
                run.store._connection.execute("UPDATE instructions SET input_id = (SELECT min(seed_id) FROM seeds)")
            return judge_runs.judged(run, NAME), model.asked


def test_every_digit_counts_by_its_probability_and_other_tokens_do_not(
    settings: Callable[..., Settings], start: Start
) -> None:
    def say(_: str, __: dict[str, Any]) -> dict[str, Any]:
        return wrote("7", d7=0.4, d8=0.2, d3=0.2, the=0.2)

    found, [asked] = judged(settings, start, say)

    marks = {row["criterion"]: row["value"] for row in found["scores"]}
    assert marks == {"alone": pytest.approx((7 * 0.4 + 8 * 0.2 + 3 * 0.2) / 0.8), "total": marks["alone"]}
    assert all(row["completion_id"] for row in found["scores"])
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 20)


def test_where_a_reference_is_known_the_mark_beside_it_is_the_total(
    settings: Callable[..., Settings], start: Start
) -> None:
    def say(_: str, body: dict[str, Any]) -> dict[str, Any]:
        is_beside = "<reference " in body["messages"][-1]["content"]
        return wrote("9", d9=1.0) if is_beside else wrote("2", d2=1.0)

    found, asked = judged(settings, start, say, "Fit a check valve above the outlet.")

    marks = {row["criterion"]: row["value"] for row in found["scores"]}
    assert marks == {"alone": 2, "by_reference": 9, "total": 9}
    assert sum("Fit a check valve" in str(body) for body in asked) == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [("7", "no_logprobs"), (wrote("seven", seven=0.9, d7=0.1), "no_number")],
)
def test_without_digits_there_is_no_mark_and_the_reason_is_told(
    settings: Callable[..., Settings], start: Start, said: Any, reason: str
) -> None:
    def say(_: str, __: dict[str, Any]) -> Any:
        return dict(said) if isinstance(said, dict) else said

    found, asked = judged(settings, start, say)

    [row] = found["scores"]
    assert (row["criterion"], row["value"]) == ("total", None)
    assert row["reason"].startswith(reason)
    assert ("a-judge" in row["reason"]) == (reason == "no_logprobs")
    assert [one["reason"] for one in found["rejections"]] == [reason]
    assert len(asked) == 1


def test_pairs_are_made_by_the_total_of_a_judge_that_is_a_program_and_only_draws_are_judged(
    settings: Callable[..., Settings], start: Start
) -> None:
    def say(_: str, body: dict[str, Any]) -> dict[str, Any]:
        is_good = "check valve" in body["messages"][-1]["content"]
        return wrote("9", d9=1.0) if is_good else wrote("1", d1=1.0)

    with answering(NAME, say) as model:
        pairs = ("scores.judges=[]", "preferences.draws=2", f'preferences.judge="{NAME}"')
        with start(settings(*pairs, models={"judge": model.role("a-judge")})) as run:
            [instruction] = judge_runs.fill(run, [["Not judged.", "Fit a check valve.", "Pray, and it works."]])
            judge_runs.judged(run, NAME)
            instruction_store.publish(run, "scores")
            preferences.pair(run)
            rows = run.store._connection.execute("SELECT chosen_id, rejected_id, margin FROM preferences").fetchall()

    assert len(model.asked) == 2
    assert rows == [(judge_runs.id_of(instruction, 1), judge_runs.id_of(instruction, 2), 8.0)]
