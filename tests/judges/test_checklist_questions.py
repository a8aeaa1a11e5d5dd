"""Checklists written for an instruction."""

import json

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import fenced
from wellspring.tasks.judges import checklist_questions

ROW = {"text": "Compare two pumps for a well of 12 metres, with prices."}


def test_the_prompt_carries_the_whole_instruction() -> None:
    user = checklist_questions.prompt(ROW, None).messages[-1].content

    assert fenced("instruction", ROW["text"]) in user


def test_distinct_questions_are_kept_in_order_and_at_most_eight() -> None:
    given = [f"Is point {i} treated?" for i in range(10)] + ["Is point 0 treated?", "Mention prices."]

    parsed = checklist_questions.parse(ROW, json.dumps({"questions": given}))

    assert parsed["questions"] == given[:8]


@pytest.mark.parametrize("questions", [[], ["Is it short?"], "Is it short?", ["Say more.", "Say less."], [1, 2, 3]])
def test_fewer_than_two_questions_fail(questions: object) -> None:
    with pytest.raises(Rejection) as caught:
        checklist_questions.parse(ROW, json.dumps({"questions": questions}))

    assert caught.value.reason == "incomplete_answer"
