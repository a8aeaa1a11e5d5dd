"""ACT: constraints of three classes, each with its verifier, and answers ranked by the share that they keep."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.program_cases import Cases, Start, draw, fenced, pairs, reasons, uses
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import act

pytestmark = pytest.mark.usefixtures("unaudited")

LISTS = {  # constraints on a text, on its prompt, on several texts
    "all": (["has a 0", "runs"], ["not 2"], ["is 0"]),
    "tied": (["has words"], [], ["every"]),
    "odd": (["fails"], ["unsure"], ["beyond"]),
    "some": (["has words", "has words", "fails"], ["not 2"], ["nobody"]),
    "alike": (["has words"], [], []),
    "none": ([], [], []),
}
CODE = {
    "has a 0": "```python\ndef evaluate(response):\n    return '0' in response\n```",
    "runs": "def evaluate(response):\n    return len(response) > 0",
    "has words": "def evaluate(response):\n    return bool(response.split())",
    "fails": "def evaluate(response):\n    return 1 // ('2' not in response) > 0",
}


def say(case: str, heading: str, body: dict[str, Any]) -> str:
    if not heading:
        return "alike" if case == "alike" else f"{case} {draw(body)} \u00e9"
    if heading == "constraints":
        return json.dumps(dict(zip(("of_text", "of_prompt", "of_several"), LISTS[case], strict=True)))
    [constraint] = fenced(body, "constraint")
    if heading == "verify":
        return json.dumps({"function": CODE[constraint]})
    if heading == "hold":
        kept = "perhaps" if constraint == "unsure" else "2" not in fenced(body, "answer")[0]
        return json.dumps({"evidence": "", "kept": kept})
    numbers = [int(text.partition(":")[0]) for text in fenced(body, "answer")]
    zero = [int(text.partition(":")[0]) for text in fenced(body, "answer") if " 0 " in text]
    kept = {"is 0": zero, "beyond": [1, 4], "nobody": [], "every": numbers}[constraint]
    return json.dumps({"evidence": "", "kept": kept})


class Verifying(Cases):
    """Cases in which a request for code, which shows no instruction, is of none."""

    def __call__(self, heading: str, body: dict[str, Any]) -> str | None:
        """Say what a request is answered with."""
        return say("", heading, body) if heading == "verify" else super().__call__(heading, body)


def test_with_the_stand_in_answers_have_shares_of_constraints_and_stand_in_pairs(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program("act", start, settings(*of_program("act")))

    scores = {row["subject_id"]: row["value"] for row in made["scores"]}
    assert scores.keys() == {row["response_id"] for row in made["responses"]}
    assert {row["use"] for row in made["responses"]} == {"answer", "draw", "rejected"}
    assert made["preferences"]
    assert all(scores[row["chosen_id"]] - scores[row["rejected_id"]] == row["margin"] for row in made["preferences"])
    assert {row["kind"] for row in made["notes"]} == {"constraints"}
    assert {"fails_to_run", "choice_out_of_range"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * act.most_calls(act.Knobs())


def test_answers_are_ranked_by_the_share_of_constraints_that_could_be_checked(
    start: Start, settings: Callable[..., Settings]
) -> None:
    cases = Verifying(list(LISTS), say)

    made = cases.run(act, start, settings, "answers=3")

    texts = {row["response_id"]: row["text"] for row in made["responses"]}
    assert {texts[row["subject_id"]]: (row["value"], row["reason"]) for row in made["scores"]} == {
        "all 0 é": (1, ""),
        "all 1 é": (0.5, "has a 0; is 0"),
        "all 2 é": (0.25, "has a 0; not 2; is 0"),
        **{f"tied {number} é": (1, "") for number in range(3)},
        "some 0 é": (pytest.approx(2 / 3), "nobody"),
        "some 1 é": (pytest.approx(2 / 3), "nobody"),
        "some 2 é": (pytest.approx(1 / 3), "not 2; nobody"),
    }
    assert pairs(made) == {
        ("all 0 é", "all 1 é"): 0.5, ("all 0 é", "all 2 é"): 0.75, ("all 1 é", "all 2 é"): 0.25,
        ("some 0 é", "some 2 é"): pytest.approx(1 / 3), ("some 1 é", "some 2 é"): pytest.approx(1 / 3),
    }  # fmt: skip
    assert uses(made) == {
        "all 0 é": "answer", "all 1 é": "draw", "all 2 é": "rejected",
        "some 0 é": "answer", "some 1 é": "draw", "some 2 é": "rejected",
        "tied 0 é": "answer", "tied 1 é": "rejected", "tied 2 é": "rejected",
    }  # fmt: skip
    ends = sorted(reason for name, reason in made.refused if "#" not in name)
    assert ends == ["too_few_draws", "too_few_verifiers", "too_few_verifiers"]
    assert {*reasons(made)} - {*ends} == {
        "choice_out_of_range", "duplicate", "fails_to_run", "incomplete_answer", "margin_too_small",
    }  # fmt: skip


def test_no_more_constraints_of_a_class_are_checked_than_the_knob_says(
    start: Start, settings: Callable[..., Settings]
) -> None:
    cases = Verifying(["all"], say)

    made = cases.run(act, start, settings, "answers=2", "of_each=1")

    assert sorted({row["value"] for row in made["scores"]}) == pytest.approx([1 / 3, 1])
    assert cases.asked["all", "hold"] == 12
    assert made.calls == 6 * act.most_calls(act.Knobs(answers=2, of_each=1))
