"""One question of a checklist put to one answer."""

import json

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import fenced
from wellspring.tasks.judges import checklist

ROW = {"instruction": "Compare two pumps.", "response": "Pump A is cheaper.", "question": "Are two pumps compared?"}


def test_the_prompt_carries_instruction_answer_and_one_question() -> None:
    user = checklist.prompt(ROW, None).messages[-1].content

    assert fenced("instruction", ROW["instruction"]) in user
    assert fenced("answer", ROW["response"]) in user
    assert fenced("question", ROW["question"]) in user


@pytest.mark.parametrize(("said", "passed"), [("yes", True), ("No.", False), (True, True), (False, False)])
def test_yes_and_no_are_read_with_their_evidence(said: object, passed: bool) -> None:  # noqa: FBT001 - the expected value
    parsed = checklist.parse(ROW, json.dumps({"evidence": "Only A is named.", "answer": said}))

    assert parsed == {"passed": passed, "detail": "Are two pumps compared? Only A is named."}


@pytest.mark.parametrize(
    "answer", [{"evidence": "Unclear.", "answer": "partly"}, {"answer": "yes"}, {"evidence": "", "answer": "no"}]
)
def test_half_a_yes_and_a_verdict_without_evidence_fail(answer: dict[str, str]) -> None:
    with pytest.raises(Rejection) as caught:
        checklist.parse(ROW, json.dumps(answer))

    assert caught.value.reason == "incomplete_answer"
