"""The answer to a hard instruction: asked for with its reasons."""

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import ResponsesSettings
from wellspring.tasks.recipes import answer, answer_with_rationale

ROW = {"input_id": "i1", "text": "Size a pump for two wells.", "domain": None}


def test_the_instruction_stands_alone_and_the_wish_for_reasons_is_in_the_system_prompt() -> None:
    system, user = answer_with_rationale.prompt(ROW, ResponsesSettings(system="Be brief.")).messages

    assert user.content == ROW["text"]
    assert system.content.startswith("Be brief.")
    assert system.content != answer.prompt(ROW, ResponsesSettings(system="Be brief.")).messages[0].content


def test_a_good_answer_keeps_its_reasons() -> None:
    assert answer_with_rationale.parse(ROW, "The head is 12 m. So take B.\n") == {
        "text": "The head is 12 m. So take B."
    }


def test_an_empty_answer_is_refused() -> None:
    with pytest.raises(Rejection) as caught:
        answer_with_rationale.parse(ROW, "")

    assert caught.value.reason == "empty_answer"
