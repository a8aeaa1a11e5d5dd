"""Correctness by the reference, faithfulness by the page: each where it can be told, and code apart from the model."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "correct_and_faithful"
ANSWER = "Bake it at 230 degrees, for about 45 minutes."
REFERENCE, PAGE = "For 45 minutes, with steam.", "A loaf is baked for 45 minutes."

pytestmark = pytest.mark.usefixtures("unaudited")


def marked(
    settings: Any, start: Start, verdicts: dict[str, str], *more: str, reference: str = "", page: str = ""
) -> tuple[Any, list[str]]:
    def put(run: Run) -> None:
        do = run.store._connection.execute
        if page:
            do("UPDATE methods SET name = 'answer_grounded' WHERE stage = 'responses'")
            do("UPDATE documents SET text = ?", [page])
        if reference:
            do("UPDATE seeds SET response = ?", [reference])
            do("UPDATE instructions SET input_id = (SELECT min(seed_id) FROM seeds)")

    def say(heading: str, _: dict[str, Any]) -> str:
        return json.dumps({"evidence": f"of {heading}", "verdict": verdicts[heading]})

    found, _, asked = judge_runs.play_all(NAME, settings, start, say, [[ANSWER]], *more, before=put)
    return found, asked


def marks(found: Any) -> dict[str, Any]:
    return {row["criterion"]: row["value"] for row in found["scores"]}


def test_with_both_the_total_is_what_the_model_said_and_recall_stands_apart(
    settings: Callable[..., Settings], start: Start
) -> None:
    verdicts = {"correct": "yes", "faithful": "no"}

    found, asked = marked(settings, start, verdicts, reference=REFERENCE, page=PAGE)

    assert marks(found) == {"correct": 1, "faithful": 0, "recall": 0.5, "total": 0.5}
    why = {row["criterion"]: row["reason"] for row in found["scores"]}
    assert (why["correct"], why["faithful"], why["total"]) == ("of correct", "of faithful", "correct and faithful")
    assert why["recall"] == "lacks steam with"
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"reference": REFERENCE}, {"correct": 0, "recall": 0.5, "total": 0}),
        ({"page": PAGE}, {"faithful": 1, "total": 1}),
    ],
)
def test_what_is_not_there_is_not_asked(
    settings: Callable[..., Settings], start: Start, given: dict[str, str], wanted: dict[str, float]
) -> None:
    found, asked = marked(settings, start, {"correct": "no", "faithful": "yes"}, **given)

    assert marks(found) == wanted
    assert len(asked) == 1
    assert ANSWER in asked[0]
    assert next(iter(given.values())) in asked[0]


def test_a_reference_without_long_words_has_no_recall(settings: Callable[..., Settings], start: Start) -> None:
    found, _ = marked(settings, start, {"correct": "yes"}, reference="It is so.")

    assert marks(found) == {"correct": 1, "total": 1}


def test_with_neither_there_is_no_mark_and_nothing_is_asked(settings: Callable[..., Settings], start: Start) -> None:
    found, asked = marked(settings, start, {})

    assert (marks(found), asked) == ({"total": None}, [])
    assert [row["reason"] for row in found["rejections"]] == ["no_reference"]


def test_of_a_long_page_the_parts_are_shown_that_share_words_with_the_answer(
    settings: Callable[..., Settings], start: Start
) -> None:
    filler = "Nothing of that kind stands here at all. " * 120

    _, [asked] = marked(
        settings, start, {"faithful": "yes"}, f"recipes.{NAME}.parts=1", page=f"{filler}{PAGE} {filler}"
    )

    assert PAGE in asked
    assert asked.count("Nothing of that kind") < 60
