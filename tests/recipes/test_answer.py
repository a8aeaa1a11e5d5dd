"""The answer: the instruction stands as it is, under the system prompt of its domain."""

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import ResponsesSettings
from wellspring.tasks.recipes import answer

ROW = {"input_id": "i1", "text": "How do I prune a quince?\n$5 is all I have.", "domain": "garden.example"}


def test_the_prompt_is_the_instruction_and_nothing_else() -> None:
    prompt = answer.prompt(ROW, ResponsesSettings())

    assert [(message.role, message.content) for message in prompt.messages] == [("user", ROW["text"])]
    assert prompt.schema is None


@pytest.mark.parametrize(
    ("domain", "system"), [("garden.example", "You garden."), ("other.example", "Be brief."), (None, "Be brief.")]
)
def test_the_system_prompt_is_the_domains_or_the_general_one(domain: str | None, system: str) -> None:
    settings = ResponsesSettings(system="Be brief.", systems={"garden.example": "You garden."})

    assert answer.prompt(ROW | {"domain": domain}, settings).messages[0].content == system


def test_a_good_answer_is_kept_as_it_was_written() -> None:
    assert answer.parse(ROW, " In winter.\n\n- Cut\n") == {"text": "In winter.\n\n- Cut"}


def test_an_empty_answer_is_refused() -> None:
    with pytest.raises(Rejection) as caught:
        answer.parse(ROW, " \n\t")

    assert caught.value.reason == "empty_answer"
