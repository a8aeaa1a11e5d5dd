"""DOVE: pairs across instructions and within one, of what a judge says in both orders."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.program_cases import draw, fenced
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import dove
from wellspring.tasks.spine.runs import Run

NAME = "dove"
Start = Callable[[Settings], AbstractContextManager[Run]]

pytestmark = pytest.mark.usefixtures("unaudited")


def compared(start: Start, settings: Callable[..., Settings], better: Callable[[str, str], str], *knobs: str) -> Made:
    """Run it with a judge that is told by two answers; an answer is its draw, and how its instruction begins."""

    def say(heading: str, body: dict[str, Any]) -> str:
        if not heading:
            return f"{draw(body)} {body['messages'][0]['content'][:20]} \u2713"
        [first], [second] = fenced(body, "first_answer"), fenced(body, "second_answer")
        is_its_own = fenced(body, "first_message")[0].startswith(first[2:-2])
        return json.dumps({"reason": "", "better": better(first, second) if is_its_own else "neither"})

    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in dove.ROLES}
        return run_program(NAME, start, settings(*of_program(NAME, *knobs), models=roles))


def sides(made: Made) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    of = {row["response_id"]: row for row in made["responses"]}
    return [(of[pair["chosen_id"]], of[pair["rejected_id"]]) for pair in made["preferences"]]


def test_with_the_stand_in_pairs_are_within_instructions_and_across_them_and_ties_are_dropped(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME)))

    crossing = [one["instruction_id"] != other["instruction_id"] for one, other in sides(made)]
    assert {*crossing} == {True, False}
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert {row["use"] for row in made["responses"]} == {"answer", "draw", "rejected"}
    assert "inconsistent_pair" in {reason for _, reason in made.refused}
    assert made.calls <= made.settled * dove.most_calls(dove.Knobs())


def test_the_one_that_is_better_in_both_orders_is_chosen_and_only_who_never_lost_is_an_answer(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = compared(start, settings, lambda first, second: "first" if first[::-1] < second[::-1] else "second")

    assert len(made["preferences"]) == 6 * 2 + 6 - len(made.refused)
    for chosen, rejected in sides(made):
        if chosen["instruction_id"] != rejected["instruction_id"]:
            assert chosen["text"][::-1] < rejected["text"][::-1]
    for side in ("chosen_id", "rejected_id"):
        uses = {row["use"] for row in made["responses"] if row["response_id"] in {p[side] for p in made["preferences"]}}
        assert uses == ({"answer", "draw"} if side == "chosen_id" else {"draw", "rejected"})
    answers = [row["instruction_id"] for row in made["responses"] if row["use"] == "answer"]
    assert len(answers) == len({*answers}) > 0


def test_a_judge_who_goes_by_the_place_leaves_no_pair_and_each_tie_says_why(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = compared(start, settings, lambda *_: "second", "recipes.dove.others=1")

    assert made["preferences"] == made["responses"] == []
    assert [reason for _, reason in made.refused] == ["inconsistent_pair"] * 12


def test_without_pairs_of_its_own_an_instruction_is_answered_once(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = compared(start, settings, lambda *_: "first", "recipes.dove.others=1", "recipes.dove.conditional=false")

    assert [reason for _, reason in made.refused] == ["inconsistent_pair"] * 6
    assert made.calls == 6 * dove.most_calls(dove.Knobs(others=1, conditional=False)) == 24
