"""Meta Ranking: references of known label are drawn, compared in both orders, and vote."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import judge_runs
from tests.program_runs import answering
from wellspring.tasks import verdicts
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import meta_ranking
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "meta_ranking"
OWN = [json.loads(line) for line in Path(meta_ranking.__file__).with_suffix(".jsonl").read_text().splitlines()]
RIGHT = {one["answer"]: one["is_right"] for one in OWN}

quickly = pytest.mark.usefixtures("unaudited")


def saying(right: str, wrong: str) -> Callable[[str, dict[str, Any]], str]:
    """How the answer that is judged does against a right one, and against a wrong one: better, worse, tie, first."""

    def say(_: str, body: dict[str, Any]) -> str:
        first, second = re.findall(r"<\w+_answer \w+>\n(.*?)\n</", body["messages"][1]["content"], re.DOTALL)
        is_first = first not in RIGHT
        how = right if RIGHT[second if is_first else first] else wrong
        better = {"better": ("second", "first")[is_first], "worse": ("first", "second")[is_first]}.get(how, how)
        return "no" if how == "unread" else json.dumps({"evidence": "x", "better": better})

    return say


@quickly
@pytest.mark.parametrize(
    ("right", "wrong", "share", "passed"),
    [
        ("better", "better", 1, True),
        ("tie", "better", 1, True),
        ("tie", "tie", 0.6, True),
        ("worse", "better", 0.4, False),
        ("worse", "worse", 0, False),
        ("first", "first", 0.6, True),  # follows the order: a tie
        ("unread", "worse", 0, False),
        ("tie", "unread", 1, True),
    ],
)
def test_not_worse_than_a_right_one_and_better_than_a_wrong_one_are_votes_for_an_answer(
    settings: Callable[..., Settings], start: Start, right: str, wrong: str, share: float, *, passed: bool
) -> None:
    found, instruction, asked = judge_runs.play(NAME, settings, start, saying(right, wrong), ["Zwei Löffel."])

    assert judge_runs.totals(found, instruction, 1) == [pytest.approx(share)]
    assert [(row["check_name"], row["passed"]) for row in found["verdicts"]] == [("reliable", passed)]
    if "unread" not in {right, wrong}:
        assert len(asked) == 10 == meta_ranking.most_calls(meta_ranking.Knobs())


@quickly
def test_without_a_majority_the_verdict_is_null(settings: Callable[..., Settings], start: Start) -> None:
    say = saying("better", "worse")
    found, _, _ = judge_runs.play(NAME, settings, start, say, ["Two."], "recipes.meta_ranking.references=2")

    assert [row["passed"] for row in found["verdicts"]] == [None]
    assert [row["value"] for row in found["scores"]] == [0.5]


@quickly
def test_where_no_comparison_comes_the_total_is_null(settings: Callable[..., Settings], start: Start) -> None:
    found, _, _ = judge_runs.play(NAME, settings, start, saying("unread", "unread"), ["Two."])

    assert [row["value"] for row in found["scores"]] == [None]
    assert [row["reason"] for row in found["rejections"]] == ["not_compared", *["unparsable_answer"] * 5]
    assert found["verdicts"] == []


def test_its_verdicts_pass_the_audit_that_those_of_the_stage_have_passed_before(
    settings: Callable[..., Settings], start: Start
) -> None:
    with answering(NAME, saying("tie", "tie")) as model:
        chosen = settings(*judge_runs.of_judge(NAME), models={"judge": model.role("m")})
        with start(chosen) as run:
            judge_runs.fill(run, [["Two are enough for that."]])
            verdicts.check(run)
            validation.audit(run, "verdicts")
            judge_runs.judged(run, NAME)

            assert run.store.count("verdicts/unpublished") == 0
            assert run.held == []


def test_references_take_turns_differ_by_answer_and_none_asks_the_same() -> None:
    drawn = meta_ranking.drawn(OWN, "a", "?", 5)

    assert [one["is_right"] for one in drawn] == [True, False, True, False, True]
    assert drawn == meta_ranking.drawn(OWN[::-1], "a", "?", 5)
    assert drawn != meta_ranking.drawn(OWN, "b", "?", 5)
    assert drawn[0] not in meta_ranking.drawn(OWN, "a", drawn[0]["question"].upper(), len(OWN))
    assert len(meta_ranking.drawn(OWN, "a", drawn[0]["question"], 99)) == len(OWN) - 1
    assert meta_ranking.drawn([], "a", "?", 5) == []


def test_the_list_has_as_many_right_as_wrong_ones() -> None:
    assert sum(one["is_right"] for one in OWN) == len(OWN) / 2 == 10
