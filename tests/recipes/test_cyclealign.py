"""CycleAlign: what two models rank alike becomes pairs, after as many cycles as they need."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.program_cases import Cases, Start, draw, fenced, pairs, reasons, uses
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import cyclealign

pytestmark = pytest.mark.usefixtures("unaudited")

BY_CASE = {  # what the judge and the generator rank, by the draws of the answers, in each cycle
    "agree": [("201", "201")],
    "nearly": [("201", "021"), ("201", "120"), ("012", "102")],
    "later": [("012", "210"), ("120", "120")],
    "never": [("012", "210")] * 3,
    "odd": [("01?", "012"), ("0122", "012"), ("021", "021")],
    "twice": [("01", "01")],
}


def ranked(case: str, heading: str, body: dict[str, Any], seen: dict[str, list[Any]]) -> str:
    if not heading:
        return f"{case} {0 if case == 'twice' and draw(body) == 2 else draw(body)} é"
    shown = [text.split()[2] for text in fenced(body, "answer")]
    told = seen.setdefault(f"{case} {heading}", [])
    told.append((tuple(shown), fenced(body, "agreed")))
    said = BY_CASE[case][min(len(told), len(BY_CASE[case])) - 1][heading == "weigh"]
    return json.dumps({"reason": "", "order": [shown.index(one) + 1 if one in shown else one for one in said]})


def test_with_the_stand_in_answers_are_ranked_in_pairs_with_the_best_as_the_answer(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program("cyclealign", start, settings(*of_program("cyclealign")))

    use = {row["response_id"]: row["use"] for row in made["responses"]}
    assert {*use.values()} == {"answer", "draw", "rejected"}
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert {row["kind"] for row in made["notes"]} == {"ranking"}
    assert {reason for _, reason in made.refused} & {"not_compared", "duplicate", "undecided"}
    assert made.calls <= made.settled * cyclealign.most_calls(cyclealign.Knobs())


def test_pairs_are_of_the_longest_order_in_common_and_cycles_end_with_a_full_one(
    start: Start, settings: Callable[..., Settings]
) -> None:
    seen = dict[str, list[Any]]()
    cases = Cases(list(BY_CASE), lambda case, heading, body: ranked(case, heading, body, seen))

    made = cases.run(cyclealign, start, settings, "answers=3")

    def pair(case: str, better: int, worse: int) -> tuple[str, str]:
        return f"{case} {better} é", f"{case} {worse} é"

    assert pairs(made) == {
        pair("agree", 2, 0): 1, pair("agree", 0, 1): 1, pair("agree", 2, 1): 2,
        pair("nearly", 2, 1): 1,
        pair("later", 1, 2): 1, pair("later", 2, 0): 1, pair("later", 1, 0): 2,
        pair("twice", 0, 1): 1,
        pair("odd", 0, 2): 1, pair("odd", 2, 1): 1, pair("odd", 0, 1): 2,
    }  # fmt: skip
    assert uses(made) == {
        "agree 2 é": "answer", "agree 0 é": "draw", "agree 1 é": "rejected",
        "nearly 2 é": "answer", "nearly 1 é": "rejected",
        "later 1 é": "answer", "later 2 é": "draw", "later 0 é": "rejected",
        "twice 0 é": "answer", "twice 1 é": "rejected",
        "odd 0 é": "answer", "odd 2 é": "draw", "odd 1 é": "rejected",
    }  # fmt: skip
    assert {case: cases.asked[case, "rank"] for case in BY_CASE} == {
        "agree": 1, "nearly": 3, "later": 2, "never": 3, "odd": 3, "twice": 1,
    }  # fmt: skip
    assert reasons(made) == ["duplicate", "not_compared", "not_compared", "undecided"]


def test_a_cycle_shows_the_judge_what_was_agreed_on_and_the_answers_in_other_places(
    start: Start, settings: Callable[..., Settings]
) -> None:
    seen = dict[str, list[Any]]()
    cases = Cases(["later"], lambda case, heading, body: ranked(case, heading, body, seen))

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BY_CASE, "later", [("201", "021")] * 18)
        cases.run(cyclealign, start, settings, "answers=3", "cycles=2")

    agreed = [of for _, of in seen["later rank"]]
    assert sorted(agreed) == [["later 2 é", "later 1 é"]] * 6 + [["nothing so far"]] * 6
    assert len({shown for shown, _ in seen["later rank"]}) > 1
    assert {tuple(of) for _, of in seen["later weigh"]} == {()}


def test_where_all_answers_are_one_nothing_is_ranked(start: Start, settings: Callable[..., Settings]) -> None:
    cases = Cases(["same"], lambda *_: "The same, always.")

    made = cases.run(cyclealign, start, settings, "answers=3")

    assert [reason for name, reason in made.refused if "#" not in name] == ["too_few_draws"] * 6
    assert reasons(made).count("duplicate") == 12
    assert {*cases.asked} == {("same", "")}


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [([1, 2, 3], [3, 1, 2], [1, 2]), ([2, 1], [1, 2], [2]), ([], [], []), ([3, 1, 4, 2], [3, 4, 1, 2], [3, 1, 2])],
)
def test_the_longest_sequence_in_common_is_the_first_of_the_first_order(
    one: list[int], other: list[int], found: list[int]
) -> None:
    assert cyclealign.in_common(one, other) == found
