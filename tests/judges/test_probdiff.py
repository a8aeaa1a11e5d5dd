"""ProbDiff: the gap of two mean log-probabilities, its bound, and what makes no comparison."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "probdiff"

pytestmark = pytest.mark.usefixtures("unaudited")


def wrote(text: str, *logprobs: float, **more: Any) -> dict[str, Any]:
    places = [{"token": "x", "logprob": one, "top_logprobs": [{"token": "x", "logprob": one}]} for one in logprobs]
    return {"content": text, "logprobs": {"content": places}, **more}


def judged(
    settings: Any, start: Start, first: dict[str, Any], second: dict[str, Any], *more: str
) -> tuple[Any, Sequence[Any]]:
    def say(_: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(second if "Your answer was" in body["messages"][-1]["content"] else first)

    found, _, asked = judge_runs.play(NAME, settings, start, say, ["Given."], *more, role="responder")
    return found, asked


@pytest.mark.parametrize(("bound", "stands"), [("-0.05", True), ("-0.9", False)])
def test_the_gap_is_of_means_and_the_bound_says_whether_a_model_stands_by_its_answer(
    settings: Callable[..., Settings], start: Start, bound: str, *, stands: bool
) -> None:
    first, second = wrote("Lima.", -0.1, -0.3), wrote("It is Lima, in Perú.", -0.5, -1.0, -1.5)
    found, asked = judged(settings, start, first, second, f"recipes.probdiff.bound={bound}")

    marks = {row["criterion"]: row["value"] for row in found["scores"]}
    assert marks == pytest.approx({"answer": -0.2, "revision": -1.0, "total": -0.8})
    assert all(row["completion_id"] for row in found["scores"])
    [verdict] = found["verdicts"]
    assert (verdict["check_name"], verdict["passed"]) == ("stands_by_answer", stands)
    revised = next(body for body in asked if "Your answer was" in body["messages"][-1]["content"])
    assert (revised["temperature"], revised["logprobs"]) == (0.1, True)
    assert "Lima." in revised["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (wrote("Lima.", -0.1), wrote("LIMA. ", -0.1), "same_text"),
        (wrote("Lima.", -0.1), wrote("It is Lima and", -0.1, finish_reason="length"), "cut_off"),
        (wrote("Lima.", -0.1, finish_reason="length"), wrote("It is Lima.", -0.1), "cut_off"),
        ({"content": "Lima."}, wrote("It is Lima.", -0.1), "no_logprobs"),
    ],
)
def test_what_cannot_be_compared_is_null_and_says_why(
    settings: Callable[..., Settings], start: Start, first: dict[str, Any], second: dict[str, Any], reason: str
) -> None:
    found, _ = judged(settings, start, first, second)

    assert [(row["criterion"], row["value"]) for row in found["scores"]] == [("total", None)]
    assert [row["reason"] for row in found["rejections"]] == [reason]
    assert found["verdicts"] == []
