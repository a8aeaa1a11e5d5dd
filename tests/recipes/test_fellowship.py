"""The Fellowship of the LLMs: the loop of reviews, the jury, and its debate."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.program_cases import Cases, Start, fenced, pairs, reasons, uses
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import fellowship

pytestmark = pytest.mark.usefixtures("unaudited")

JURY = ("judge", "generator", "responder")
VOTES = {  # for the (l)ast or the first (a)nswer, for (n)either, or ? for what nobody can read; then in each debate
    "last": ["lla"],
    "first": ["naa"],
    "debated": ["lan", "lal"],
    "late": ["nnn", "lan", "aal"],
    "split": ["lan", "lan", "nnl"],
    "lost": ["l?a", "?a?", "n?l"],
}


class Jury:
    """A model that mends an answer by a plus sign, as often as it is reviewed, and votes as it is told."""

    def __init__(self) -> None:
        self.opinions = dict[str, set[tuple[str, ...]]]()

    def __call__(self, case: str, heading: str, body: dict[str, Any]) -> str:
        """Say what a request is answered with."""
        if heading == "review":
            return json.dumps({"points": [] if fenced(body, "answer")[0].endswith("++") else ["Mehr Öl", 7, ""]})
        if not heading:
            [answer] = fenced(body, "answer") or [f"{case} \u00bd"]
            return f"{answer}{'+' * (fenced(body, 'point') == ['Mehr Öl'])}" if fenced(body, "answer") else answer
        [first], [second] = fenced(body, "first"), fenced(body, "second")
        opinions = fenced(body, "opinion")
        if opinions:
            self.opinions.setdefault(case, set()).add(tuple(opinions))
        round_ = 0 if heading != "debate" else len(self.opinions[case])
        vote = VOTES[case][round_][JURY.index(body["model"])]
        better = {"l": max(first, second, key=len), "a": min(first, second, key=len)}.get(vote, "")
        named = {"n": "neither", "?": "both"}.get(vote) or ("first" if better == first else "second")
        marks = {"first": (9, 4.5), "second": (1, 10), "neither": (6, 6), "both": (0, 11)}[named]
        if heading == "debate":
            return json.dumps({"reason": f"{vote}{round_}", "better": named})
        return json.dumps({"reason": f"{vote}0", "first": marks[0], "second": marks[1]})


def test_with_the_stand_in_a_mended_answer_and_its_first_make_a_pair(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program("fellowship", start, settings(*of_program("fellowship")))

    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert {row["kind"] for row in made["preferences"]} <= {"refined", "verified"}
    assert len(made["preferences"]) == len(made["notes"]) > 0
    assert {reason for _, reason in made.refused} & {"nothing_failed", "same_text", "undecided", "not_refined"}
    assert made.calls <= made.settled * fellowship.most_calls(fellowship.Knobs())


def test_most_of_the_jury_decide_and_they_debate_only_where_there_is_no_majority(
    start: Start, settings: Callable[..., Settings]
) -> None:
    jury = Jury()
    cases = Cases(list(VOTES), jury)

    made = cases.run(fellowship, start, settings)

    assert pairs(made) == {
        ("last ½++", "last ½"): pytest.approx(2 / 3),
        ("first ½", "first ½++"): pytest.approx(2 / 3),
        ("debated ½++", "debated ½"): pytest.approx(2 / 3),
        ("late ½", "late ½++"): pytest.approx(2 / 3),
    }
    assert sorted(row["kind"] for row in made["preferences"]) == ["refined"] * 2 + ["verified"] * 2
    assert {text for text, use in uses(made).items() if use == "answer"} == {
        "last ½++", "first ½", "debated ½++", "late ½",
    }  # fmt: skip
    assert [reason for reason in reasons(made) if reason == "undecided"] == ["undecided"] * 2
    assert cases.asked["last", "debate"] == cases.asked["first", "debate"] == 0
    assert cases.asked["debated", "debate"] == 3
    assert cases.asked["split", "debate"] == cases.asked["late", "debate"] == 6
    assert all(cases.asked[case, "review"] == 3 for case in VOTES)
    assert {opinion[-2:] for said in jury.opinions["debated"] for opinion in said} == {"l0", "a0", "n0"}


@pytest.mark.parametrize("compare", ["direct", "independent"])
def test_a_jury_may_name_the_better_one_or_give_marks_of_each_alone(
    start: Start, settings: Callable[..., Settings], compare: str
) -> None:
    def say(case: str, heading: str, body: dict[str, Any]) -> str:
        texts = fenced(body, "answer") or fenced(body, "first")
        if heading == "review":
            return json.dumps({"points": [] if texts[0].endswith("+") else ["more"]})
        if not heading:
            return f"{texts[0]}+" if texts else case
        is_last = texts[0].endswith("+")
        if heading == "alone":
            return json.dumps({"reason": "", "mark": 5 if is_last or case == "tied" else 6 if case == "over" else 1})
        named = "neither" if case != "better" else "first" if is_last else "second"
        return json.dumps({"reason": "so", "better": named})

    cases = Cases(["better", "tied", "over"], say)

    made = cases.run(
        fellowship, start, settings, f'compare="{compare}"', "scale=5", "debate=0", 'jury=["judge", "judge"]'
    )

    assert pairs(made) == {("better+", "better"): 1}
    assert cases.asked["better", "alone"] == (2 if compare == "independent" else 0)
    assert {*reasons(made)} >= {"undecided"}


def test_an_answer_that_no_review_changes_has_no_pair(start: Start, settings: Callable[..., Settings]) -> None:
    def say(case: str, heading: str, _: dict[str, Any]) -> str:
        return json.dumps({"points": [] if case == "fine" else ["more"]}) if heading == "review" else case

    cases = Cases(["fine", "stubborn"], say)

    made = cases.run(fellowship, start, settings)

    assert made["responses"] == []
    assert reasons(made) == ["not_refined"] * 6 + ["nothing_failed"] + ["same_text"] * 5
    assert cases.asked["fine", ""] == 1
    assert cases.asked["fine", "both"] == cases.asked["stubborn", "both"] == 0


def test_an_answer_that_cannot_be_kept_leaves_the_other_without_a_pair(
    start: Start, settings: Callable[..., Settings]
) -> None:
    def say(_: str, heading: str, body: dict[str, Any]) -> str:
        if heading == "review":
            return json.dumps({"points": ["so"]})
        if not heading:
            return "Clean." if fenced(body, "answer") else "<answer 0123456789ab> is left in it."
        return json.dumps({"reason": "so", "better": "first" if fenced(body, "first") == ["Clean."] else "second"})

    made = Cases(["one"], say).run(fellowship, start, settings, 'compare="direct"', "reviews=1")

    assert uses(made) == {"Clean.": "answer"}
    assert made["preferences"] == []
    assert "repeats_prompt" in reasons(made)
