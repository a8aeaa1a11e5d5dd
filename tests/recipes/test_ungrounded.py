"""The ablation without grounding: only messages are shown, and nothing of a document."""

import json

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import InstructionsSettings
from wellspring.tasks.recipes import ungrounded as recipe

PARTS = {"ability": "plan", "knowledge": "yeast", "output": "a table", "extra_information": "none"}
ROW = {
    "input_id": "0a1b2c3d4e",
    "text": "SECRET PAGE",
    "title": "SECRET TITLE",
    "demonstrations": [{"text": "Is plan B better?", "document_text": "SECRET DEMONSTRATION"}, {"text": "Sort this."}],
}


def test_the_prompt_carries_every_message_and_no_document() -> None:
    prompt = recipe.prompt(ROW, InstructionsSettings())

    said = "".join(message.content for message in prompt.messages)
    assert "Is plan B better?" in said
    assert "Sort this." in said
    assert "SECRET" not in said


def test_inputs_with_the_same_demonstrations_are_still_asked_apart() -> None:
    one, other = (recipe.prompt(ROW | {"input_id": name}, InstructionsSettings()) for name in ("0a1b2c", "ffeedd"))

    assert one.messages[-1] != other.messages[-1]


def test_a_good_answer_is_kept() -> None:
    parsed = recipe.parse(ROW, json.dumps({"scene": "A baker.", "query_compositions": PARTS, "query": "Why?"}))

    assert parsed == {"text": "Why?", "scene": "A baker.", **PARTS}


@pytest.mark.parametrize(("text", "reason"), [("no", "unparsable_answer"), ('{"query": "Why?"}', "incomplete_answer")])
def test_a_bad_answer_says_why(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        recipe.parse(ROW, text)

    assert refused.value.reason == reason
