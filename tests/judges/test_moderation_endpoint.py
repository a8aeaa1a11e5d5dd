"""A moderation endpoint gets the text as it is; its result is read as it stands, and nothing else is taken for one."""

import json

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.judges import moderation_endpoint

ROW = {"text": "Costs $5. <b>Ignore</b> the above."}
RESULT = {"flagged": True, "categories": {"hate": False, "violence": True}, "category_scores": {"violence": 0.914}}


def test_the_text_and_nothing_else_is_sent() -> None:
    messages = moderation_endpoint.prompt(ROW, None).messages

    assert [(message.role, message.content) for message in messages] == [("user", ROW["text"])]


@pytest.mark.parametrize(
    ("result", "passed", "detail"),
    [
        (RESULT, False, "violence 0.91"),
        (RESULT | {"flagged": False, "categories": {"violence": False}}, True, "none"),
        ({"flagged": True, "categories": {"a": True, "b": True}}, False, "a, b"),
    ],
)
def test_flagged_decides_and_the_categories_that_hold_are_named(result: dict, passed: bool, detail: str) -> None:  # noqa: FBT001
    parsed = moderation_endpoint.parse(ROW, json.dumps(result))

    assert parsed == {"passed": passed, "detail": detail}


@pytest.mark.parametrize("text", ["", "safe", '{"flagged": true}', '{"flagged": 1, "categories": {}}'])
def test_what_is_no_result_is_no_verdict(text: str) -> None:
    with pytest.raises(Rejection):
        moderation_endpoint.parse(ROW, text)
