"""MMMT-IF: checks that tell their own two texts apart are believed, and each answer has its share of them."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "pif"
TWO_WORDS = ("Two words at least.", "return len(response.split()) >= 2", "One two.", "One.")
NO_Z = ("No z.", "return 'z' not in response", "One.", "Zany z.")
STOP = ("It ends with a stop.", "return response.endswith('.')", "One.", "One")
Check = tuple[str, str, str, str]

pytestmark = pytest.mark.usefixtures("unaudited")


def held(
    settings: Any, start: Start, checks: list[Check], texts: list[str], *more: str, history: str = ""
) -> tuple[Any, list[str], list[str]]:
    keys = ("demand", "function", "keeps", "breaks")
    rows = [(demand, f"def evaluate(response):\n    {body}", *rest) for demand, body, *rest in checks]
    said = json.dumps({"demands": [dict(zip(keys, row, strict=True)) for row in rows]})

    def put(run: Run) -> None:
        run.store._connection.execute("UPDATE instructions SET history = ?", [history])

    found, [one], asked = judge_runs.play_all(NAME, settings, start, lambda *_: said, [texts], *more, before=put)
    return found, [judge_runs.id_of(one, place) for place in range(len(texts))], asked


def test_each_answer_has_its_share_and_the_samples_that_follow_all_are_counted(
    settings: Callable[..., Settings], start: Start
) -> None:
    texts = ["One two.", "A prize.", "Prize", "Ünïcode 🐝."]

    found, ids, asked = held(settings, start, [TWO_WORDS, NO_Z, STOP], texts)

    marks = {row["subject_id"]: row for row in found["scores"]}
    assert [marks[one]["value"] for one in ids] == [1, pytest.approx(2 / 3), 0, 1]
    assert marks[ids[1]]["reason"].startswith("breaks: No z. (")
    assert {row["criterion"] for row in found["scores"]} == {"total"}
    [said] = [json.loads(row["data"]) for row in found["notes"] if row["kind"] == "pif"]
    assert said == {
        "samples": 4,
        "follow_all": 2,
        "mean": pytest.approx((1 + 2 / 3 + 0 + 1) / 4),
        "demands": [TWO_WORDS[0], NO_Z[0], STOP[0]],
    }
    assert len(asked) == 1


@pytest.mark.parametrize(
    "unsound",
    [
        ("All pass.", "return True", "a", "b"),
        ("None pass.", "return False", "a", "b"),
        ("Broken.", "return x", "a", "b"),
    ],
)
def test_a_check_that_does_not_tell_its_texts_apart_is_not_believed(
    settings: Callable[..., Settings], start: Start, unsound: Check
) -> None:
    found, [one], _ = held(settings, start, [unsound, NO_Z], ["A prize."])

    assert [(row["subject_id"], row["value"]) for row in found["scores"]] == [(one, 0)]
    assert [row["reason"] for row in found["rejections"]] == ["unsound_check"]
    assert unsound[0] in found["rejections"][0]["detail"]


def test_what_says_nothing_of_an_answer_is_left_out_of_its_share(
    settings: Callable[..., Settings], start: Start
) -> None:
    picky = ("Not empty.", "return {'One.': True, 'Zany': False}[response]", "One.", "Zany")

    found, ids, _ = held(settings, start, [picky, NO_Z], ["A prize.", "One."])
    marks = {row["subject_id"]: row["value"] for row in found["scores"]}

    assert [marks[one] for one in ids] == [0, 1]


@pytest.mark.parametrize(
    ("checks", "reason"),
    [([], "not_checkable"), ([("x", "return {'a': True, 'b': False}[response]", "a", "b")], "undecided")],
)
def test_without_a_check_that_says_something_there_is_no_mark(
    settings: Callable[..., Settings], start: Start, checks: list[Check], reason: str
) -> None:
    found, _, _ = held(settings, start, checks, ["A prize."])

    assert [row["value"] for row in found["scores"]] == [None]
    assert [row["reason"] for row in found["rejections"]] == [reason]


def test_a_function_counts_once_and_no_more_than_the_knob_says(settings: Callable[..., Settings], start: Start) -> None:
    checks = [NO_Z, ("The same.", *NO_Z[1:]), STOP]
    turns = [{"role": "user", "content": "Never write a z."}, {"role": "assistant", "content": "Well."}]

    found, _, [asked] = held(settings, start, checks, ["A prize."], "recipes.pif.demands=2", history=json.dumps(turns))

    [said] = [json.loads(row["data"]) for row in found["notes"] if row["kind"] == "pif"]
    assert said["demands"] == ["No z."]
    assert found["scores"][0]["value"] == 0
    assert "Never write a z." in asked
