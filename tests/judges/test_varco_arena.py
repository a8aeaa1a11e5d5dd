"""Varco Arena: a bracket that its input decides, matches in both orders, what is scored and paired, and what is not."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from tests.program_runs import answering
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "varco_arena"
TEXTS = [f"Answer of strength {n}." for n in (3, 9, 1, 7)]


def strengths(body: dict[str, Any]) -> list[int]:
    asked = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return [int(n) for n in re.findall(r"strength (\d+)", asked[0])]


def by_strength(_: str, body: dict[str, Any]) -> str:
    first, second = strengths(body)
    return json.dumps({"comparison": "x", "better": "first" if first > second else "second"})


def always_first(_: str, __: dict[str, Any]) -> str:
    return json.dumps({"comparison": "x", "better": "first"})


def play(settings: Any, start: Start, say: Any, answers: list[list[str]], *more: str) -> tuple[Any, list[str], int]:
    with answering(NAME, say) as model:
        chosen = settings(*judge_runs.of_judge(NAME, *more), models={"judge": model.role("a-judge")})
        with start(chosen) as run:
            ids = judge_runs.fill(run, answers)
            found = judge_runs.judged(run, NAME)
            return found, ids, len(model.asked)


def test_the_strongest_wins_as_many_matches_as_it_plays_and_n_minus_one_are_played(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, [instruction], calls = play(settings, start, by_strength, [TEXTS])

    totals = {row["subject_id"]: row["value"] for row in found["scores"]}
    assert calls == 2 * 3
    assert totals[judge_runs.id_of(instruction, 1)] == 2
    assert sorted(totals.values()) == [0, 0, 1, 2]
    assert {row["criterion"] for row in found["scores"]} == {"total"}
    assert len(found["preferences"]) == 3
    assert {row["instruction_id"] for row in found["preferences"]} == {instruction}
    assert not {row["rejected_id"] for row in found["preferences"]} & {judge_runs.id_of(instruction, 1)}
    matches = [json.loads(row["data"]) for row in found["notes"] if row["kind"] == "match"]
    assert sorted(one["won"] for one in matches).count("model-1") == 2


def test_an_odd_answer_goes_on_without_a_match(settings: Callable[..., Settings], start: Start) -> None:
    found, _, calls = play(settings, start, by_strength, [TEXTS[:3]])

    assert calls == 2 * 2
    assert len(found["preferences"]) == 2


def test_a_judge_that_follows_the_order_decides_no_match_and_that_is_null(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, [instruction], _ = play(settings, start, always_first, [TEXTS[:2]])

    assert [row["value"] for row in found["scores"]] == [None, None]
    assert all(row["reason"].startswith("no_match_decided") for row in found["scores"])
    assert [row["reason"] for row in found["rejections"]] == ["no_match_decided"]
    assert found["preferences"] == []
    assert found["counts"][0]["rows_rejected"] == 1
    assert found["notes"][0]["input_id"] == instruction


def test_one_order_that_cannot_be_read_decides_nothing_and_is_recorded(
    settings: Callable[..., Settings], start: Start
) -> None:
    def once(heading: str, body: dict[str, Any]) -> str:
        return "no" if strengths(body)[0] == 1 else by_strength(heading, body)

    found, _, _ = play(settings, start, once, [TEXTS])

    assert [row["reason"] for row in found["rejections"]] == ["unparsable_answer"]
    assert len(found["preferences"]) == 2


def test_answers_that_say_the_same_are_not_compared_and_a_lone_one_is_not_judged(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, _, calls = play(settings, start, by_strength, [[TEXTS[0], TEXTS[0]], [TEXTS[0]]])

    assert calls == 0
    assert sorted(row["reason"] for row in found["rejections"]) == ["no_match_decided", "too_few_answers"]
    assert [row["value"] for row in found["scores"]] == [None, None]


def test_no_more_answers_than_the_knob_says_are_in_the_bracket(settings: Callable[..., Settings], start: Start) -> None:
    found, _, calls = play(settings, start, by_strength, [TEXTS], "recipes.varco_arena.answers=2")

    assert calls == 2
    assert len(found["scores"]) == 2


@pytest.mark.slow
def test_another_answer_makes_the_group_due_and_the_old_result_leaves(
    settings: Callable[..., Settings], start: Start
) -> None:
    with answering(NAME, by_strength) as model:
        chosen = settings(*judge_runs.of_judge(NAME), models={"judge": model.role("a-judge")})
        with start(chosen) as run:
            first, second = judge_runs.fill(run, [TEXTS[:2], TEXTS[:2]])
            before = judge_runs.judged(run, NAME)
            again = judge_runs.judged(run, NAME)["counts"][0]
            judge_runs.answer(run, first, TEXTS[2:], first=2)
            after = judge_runs.judged(run, NAME)

    assert (again["calls"], again["cached_calls"]) == (0, 0)
    assert len(before["scores"]) == 4
    assert sorted(row["value"] for row in after["scores"]) == [0, 0, 0, 1, 1, 2]
    assert len(after["settled"]) == len([row for row in after["notes"] if row["kind"] == "group of answers"]) == 2
    assert [row for row in before["settled"] if row not in after["settled"]]
    of_second = [row for row in before["preferences"] if row["instruction_id"] == second]
    assert [row for row in after["preferences"] if row["instruction_id"] == second] == of_second
