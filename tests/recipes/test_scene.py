"""The scene call: the prompt carries message and page, a good answer is kept, each refusal says why."""

import json
from typing import Any

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.recipes import scene

ROW = {"text": "Is plan B better over ten years?", "document_text": "Compound growth.\n\nP grows to P(1 + r)^n."}
PARTS = {"ability": "solve", "knowledge": "interest", "output": "a sum", "extra_information": "3.1 %"}


def test_the_prompt_carries_the_page_and_the_message_behind_fences() -> None:
    prompt = scene.prompt(ROW, None)

    user = prompt.messages[-1].content
    assert ROW["document_text"] in user
    assert ROW["text"] in user
    assert user.startswith("<document ")
    assert "$100" not in prompt.messages[0].content  # a dollar of an example is no field


def test_a_good_answer_is_kept() -> None:
    parsed = scene.parse(ROW, json.dumps({"scene": "A treasurer.", "query_compositions": PARTS}))

    assert parsed == {"scene": "A treasurer.", **PARTS}


def test_extra_information_may_be_empty() -> None:
    answer = {"scene": "A treasurer.", "query_compositions": PARTS | {"extra_information": ""}}

    assert scene.parse(ROW, json.dumps(answer))["extra_information"] == ""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("no", "unparsable_answer"),
        ({"query_compositions": PARTS}, "incomplete_answer"),
        ({"scene": "", "query_compositions": PARTS}, "incomplete_answer"),
        ({"scene": "A treasurer.", "query_compositions": "solve"}, "incomplete_answer"),
        ({"scene": "A treasurer.", "query_compositions": {"ability": "solve"}}, "incomplete_answer"),
        ({"scene": "A treasurer.", "query_compositions": PARTS | {"output": None}}, "incomplete_answer"),
    ],
)
def test_a_bad_answer_says_why(answer: Any, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        scene.parse(ROW, answer if isinstance(answer, str) else json.dumps(answer))

    assert refused.value.reason == reason
