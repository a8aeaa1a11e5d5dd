"""Answers marked by the rubric of their task: the share of the weights, and only where there is one."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests import certified_tasks, judge_runs
from tests.program_runs import answering
from tests.scripted_model import ScriptedModel
from wellspring.tasks.contracts.rubric_answers import asked_of_marker
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import by_rubric
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
pytestmark = pytest.mark.usefixtures("unaudited")

RUBRIC = [["It says how high.", 3], ["It says what power.", 1]]


@pytest.mark.parametrize(
    ("said", "total", "reason"),
    [('{"met": [1]}', 0.75, []), ("none", None, ["incomplete_answer"])],
)
def test_an_answer_has_the_share_of_what_it_meets_where_there_is_a_rubric(
    said: str,
    total: float | None,
    reason: list[str],
    settings: Callable[..., Settings],
    start: Start,
) -> None:
    task = certified_tasks.a_task(more={"facts": {"rubric": RUBRIC}})

    def begin(model: ScriptedModel) -> AbstractContextManager[Run]:
        return start(settings(*judge_runs.of_judge("by_rubric"), models={"judge": model.role("m")}))

    with answering("by_rubric", lambda *_: said) as model, begin(model) as run:
        of_rubric, of_none = judge_runs.fill(run, [["12 metres high."], ["It is high."]])
        certified_tasks.note(run, of_rubric, task)
        certified_tasks.note(run, of_none, certified_tasks.a_task())
        found = judge_runs.judged(run, "by_rubric")

    assert [(row["subject_id"], row["value"]) for row in found["scores"]] == [(judge_runs.id_of(of_rubric, 0), total)]
    assert [row["reason"] for row in found["rejections"]] == reason
    assert [body["messages"][-1]["content"] for body in model.asked] == [
        asked_of_marker(task.question, RUBRIC, "12 metres high.")
    ]


def test_an_answer_takes_one_call() -> None:
    assert by_rubric.most_calls(None) == by_rubric.BEST == 1
