"""The ablation without grounding: only messages are shown, and nothing of a document."""

import json

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.headings import known
from wellspring.tasks.contracts.prompting import Message, Row
from wellspring.tasks.recipes import ungrounded as recipe
from wellspring.tasks.spine.writing import asks

PARTS = {"ability": "plan", "knowledge": "yeast", "output": "a table", "extra_information": "none"}
ROW = {"input_id": "0a1b2c3d4e", "text": "SECRET PAGE", "title": "SECRET TITLE"}
SHOWN = [{"text": "Is plan B better?", "document_text": "SECRET DEMONSTRATION"}, {"text": "Sort this."}]
PROMPT = known()["ungrounded"]["write"]


def asked(row: Row) -> tuple[Message, ...]:
    return asks._messages(PROMPT, recipe.fields(row, SHOWN, recipe.Knobs()))


def test_the_prompt_carries_every_message_and_no_document() -> None:
    said = "".join(message.content for message in asked(ROW))

    assert "Is plan B better?" in said
    assert "Sort this." in said
    assert "SECRET" not in said


def test_inputs_with_the_same_demonstrations_are_still_asked_apart() -> None:
    one, other = (asked(ROW | {"input_id": name}) for name in ("0a1b2c", "ffeedd"))

    assert one[-1] != other[-1]


def test_a_good_answer_is_kept() -> None:
    answer = json.dumps({"scene": "A baker.", "query_compositions": PARTS, "query": "Why?"})

    said = recipe.Ungrounded.read(answer, PROMPT)

    assert (said.query, said.scene, said.query_compositions.model_dump()) == ("Why?", "A baker.", PARTS)


@pytest.mark.parametrize(("text", "reason"), [("no", "unparsable_answer"), ('{"query": "Why?"}', "incomplete_answer")])
def test_a_bad_answer_says_why(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        recipe.Ungrounded.read(text, PROMPT)

    assert refused.value.reason == reason
