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
from wellspring.tasks.spine.running.runs import Run

NAME = "dove"
Start = Callable[[Settings], AbstractContextManager[Run]]

pytestmark = pytest.mark.usefixtures("unaudited")


def compared(start: Start, settings: Callable[..., Settings], better: Callable[[str, str], str], *knobs: str) -> Made:
    """Run it with a judge that is told by two answers; an answer is its draw, and how its instruction begins."""

    def say(heading: str, body: dict[str, Any]) -> str:
        if heading == "write":
            [like] = fenced(body, "example")
            how = f"how one keeps a winter stock of flour dry for {like.count('e')} weeks?"
            other = f"Other caf\u00e9s, {len(like)} of them, ask {how}"
            return json.dumps({"message": like if "bread" in like else other})
        if not heading:
            return f"{draw(body)} {body['messages'][-1]['content'][:20]} \u2713"
        [first], [second] = fenced(body, "first_answer"), fenced(body, "second_answer")
        is_its_own = fenced(body, "first_message")[0].startswith(first[2:-2])
        return json.dumps({"reason": "", "better": better(first, second) if is_its_own else "neither"})

    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in dove.ROLES}
        chosen = of_program(NAME, "instructions.max_pool_cosine=1.01", *(f"recipes.dove.{knob}" for knob in knobs))
        return run_program(NAME, start, settings(*chosen, models=roles))


def sides(made: Made) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    of = {row["response_id"]: row for row in made["responses"]}
    return [(of[pair["chosen_id"]], of[pair["rejected_id"]]) for pair in made["preferences"]]


def test_with_the_stand_in_pairs_are_within_instructions_and_across_them_and_ties_are_dropped(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, "recipes.dove.others=3")))

    crossing = [one["instruction_id"] != other["instruction_id"] for one, other in sides(made)]
    assert {*crossing} == {True, False}
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert {row["use"] for row in made["responses"]} >= {"answer", "rejected"}
    assert {"inconsistent_pair", "copy_of_demonstration"} <= {reason for _, reason in made.refused}
    assert made.calls <= made.settled * dove.most_calls(dove.Knobs(others=3))


def test_the_one_that_is_better_in_both_orders_is_chosen_and_who_lost_is_no_answer(
    start: Start, settings: Callable[..., Settings]
) -> None:
    def better(first: str, second: str) -> str:
        ranks = [(one[2:7] != "Other", one[0] == "0") for one in (first, second)]
        return "first" if ranks[0] < ranks[1] else "second"

    made = compared(start, settings, better, "others=2")

    use = {(one["text"][2:7], one["text"][0]): one["use"] for pair in sides(made) for one in pair}
    assert {use for (begins, _), use in use.items() if begins == "Other"} == {"answer"}
    for chosen, rejected in sides(made):
        assert better(chosen["text"], rejected["text"]) == "first"
        assert rejected["use"] == "rejected"
        assert (chosen["instruction_id"] == rejected["instruction_id"]) == (chosen["text"][2:7] != "Other")
    refused = [reason for _, reason in made.refused]
    assert {*refused} == {"copy_of_demonstration"}
    assert len(made["instructions"]) == 12 - len(refused)
    assert len(made["preferences"]) == 6 + 12 - len(refused)


def test_an_answer_that_won_and_lost_is_a_draw(start: Start, settings: Callable[..., Settings]) -> None:
    def better(first: str, second: str) -> str:
        ranks = [0 if one[2:7] == "Other" else 2 if one[0] == "1" else 1 for one in (first, second)]
        return "first" if ranks[0] < ranks[1] else "second"

    made = compared(start, settings, better, "others=1")

    lost = {row["rejected_id"] for row in made["preferences"]}
    won = {row["chosen_id"] for row in made["preferences"]}
    for row in made["responses"]:
        is_both = row["response_id"] in won & lost
        assert row["use"] == ("draw" if is_both else "answer" if row["response_id"] in won else "rejected")
    assert won & lost


def test_a_judge_who_goes_by_the_place_leaves_no_pair_and_each_tie_says_why(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = compared(start, settings, lambda *_: "second", "others=1", "conditional=false")

    assert made["preferences"] == made["responses"] == []
    refused = [reason for _, reason in made.refused]
    assert {*refused} >= {"inconsistent_pair"}
    assert {*refused} <= {"inconsistent_pair", "copy_of_demonstration"}
    assert len(refused) == 6
    assert made.calls <= 6 * dove.most_calls(dove.Knobs(others=1, conditional=False)) == 30


def test_where_nobody_answers_the_instruction_nothing_is_compared(
    start: Start, settings: Callable[..., Settings]
) -> None:
    first = list[str]()

    def say(heading: str, body: dict[str, Any]) -> Any:
        if heading or body["messages"][-1]["content"] != (first or [body["messages"][-1]["content"]])[0]:
            return None
        first.append(body["messages"][-1]["content"])
        return {"content": "", "finish_reason": "content_filter"}

    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in dove.ROLES}
        made = run_program(NAME, start, settings(*of_program(NAME), models=roles))

    [refused] = [name for name, reason in made.refused if reason == "too_few_draws"]
    assert sorted(reason for name, reason in made.refused if name.startswith(f"{refused}#")) == ["content_filter"] * 2
    assert refused not in {row["input_id"] for row in made["instructions"]}
