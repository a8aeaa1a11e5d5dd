"""ProcTag: steps are read from pseudo-code, functions tag the answer, a page is shown where there is one."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import proctag
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "proctag"

pytestmark = pytest.mark.usefixtures("unaudited")


def written(
    settings: Any, start: Start, *steps: str, before: Callable[[Run], object] = lambda _: None
) -> tuple[Any, list[str]]:
    said, one_part = json.dumps({"steps": steps}), "recipes.proctag.parts=1"
    given = (settings, start, lambda *_: said, [["The second pump."]], one_part)
    found, _, asked = judge_runs.play_all(NAME, *given, before=before)
    return found, asked


def test_functions_are_tags_and_a_repeated_one_counts_once(settings: Callable[..., Settings], start: Start) -> None:
    steps = ("1. listPumps(page) -> pumps", "find_least(pumps, f(x)) → pump;", "Find_Least(pump) => answer")

    found, [asked] = written(settings, start, *steps)

    marks = {row["criterion"]: row["value"] for row in found["scores"]}
    assert marks == {"steps": 3, "total": 2}
    said = json.loads(found["notes"][0]["data"])
    assert said["functions"] == ["list_pumps", "find_least"]
    assert said["steps"][1] == {"function": "find_least", "input": "pumps, f(x)", "output": "pump"}
    assert "The second pump." in asked
    assert "There is no page" in asked


def test_a_line_that_is_no_step_is_refused_and_the_others_stand(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, _ = written(settings, start, "Think about pumps.", "no_output(page)", "compare(a, b) -> answer")

    assert {row["criterion"]: row["value"] for row in found["scores"]} == {"steps": 1, "total": 1}
    assert sorted(row["detail"] for row in found["rejections"]) == ["Think about pumps.", "no_output(page)"]
    assert {row["reason"] for row in found["rejections"]} == {"not_a_step"}


@pytest.mark.parametrize("steps", [(), ("Think.", "Write.")])
def test_without_a_step_there_is_no_mark(
    settings: Callable[..., Settings], start: Start, steps: tuple[str, ...]
) -> None:
    found, _ = written(settings, start, *steps)

    assert [row["value"] for row in found["scores"]] == [None]
    assert "no_steps" in {row["reason"] for row in found["rejections"]}


def test_of_a_long_page_the_parts_are_shown_that_share_words_with_the_instruction(
    settings: Callable[..., Settings], start: Start
) -> None:
    filler = "Nothing of that kind stands here at all. " * 120

    def grounded(run: Run) -> None:
        run.store._connection.execute("UPDATE methods SET name = 'answer_grounded' WHERE stage = 'responses'")
        run.store._connection.execute("UPDATE documents SET text = ?", [f"{filler}The newcomer buys pumps.{filler}"])

    found, [asked] = written(settings, start, "a(b) -> c", before=grounded)

    assert "The newcomer buys pumps." in asked
    assert asked.count("Nothing of that kind") < 60
    assert found["scores"]


def test_names_are_told_in_one_form() -> None:
    assert {*map(proctag.snaked, ("findRow", "find_row", "FindRow", "_find__row"))} == {"find_row"}
