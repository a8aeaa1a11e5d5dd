"""Marks of an answer."""

import json

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import fenced
from wellspring.tasks.judges import response_quality
from wellspring.tasks.judges.loading import load_judge

ROW = {"instruction": "Name three pumps.", "response": "A, B and C.", "document": "Pumps: A, B, C, D."}


def answer(**marks: object) -> str:
    full: dict[str, object] = {}
    for criterion in response_quality.CRITERIA:
        full[f"{criterion}_analysis"] = "See the first line."
        full[criterion] = marks.get(criterion, 7)
    return json.dumps(full)


def test_the_prompt_carries_instruction_answer_and_source() -> None:
    user = response_quality.prompt(ROW, None).messages[-1].content

    assert fenced("instruction", ROW["instruction"]) in user
    assert fenced("answer", ROW["response"]) in user
    assert fenced("source", ROW["document"]) in user


def test_an_answer_without_a_source_says_so() -> None:
    user = response_quality.prompt(ROW | {"document": None}, None).messages[-1].content

    assert "<source" not in user
    assert "no source" in user


def test_the_reward_is_the_mean_of_four_marks() -> None:
    parsed = response_quality.parse(ROW, answer(following=10, clarity="4/10"))

    assert load_judge("response_quality").totalled(parsed["values"]) == 7.0


@pytest.mark.parametrize(
    ("mark", "reason"), [(0, "mark_out_of_range"), (11, "mark_out_of_range"), ("good", "incomplete_answer")]
)
def test_a_mark_off_the_scale_fails_the_judge(mark: object, reason: str) -> None:
    with pytest.raises(Rejection) as caught:
        response_quality.parse(ROW, answer(clarity=mark))

    assert caught.value.reason == reason
