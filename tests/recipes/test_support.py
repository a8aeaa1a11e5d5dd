"""The support check: the prompt carries page, scene and knowledge, a good answer is kept, each refusal says why."""

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.recipes import support

ROW = {"document_text": "Rye dough is sticky.", "scene": "A baker in a hurry.", "knowledge": "starches of rye"}


def test_the_prompt_carries_page_scene_and_knowledge() -> None:
    user = support.prompt(ROW, None).messages[-1].content

    assert all(text in user for text in ROW.values())
    assert user.count("<document ") == user.count("<scene ") == 1


@pytest.mark.parametrize(("said", "supported"), [("true", True), ("false", False), ('"No"', False), ('"yes"', True)])
def test_yes_and_no_are_read_with_their_evidence(said: str, supported: bool) -> None:  # noqa: FBT001 - the expected value
    parsed = support.parse(ROW, f'{{"evidence": "Stickiness is there.", "supported": {said}}}')

    assert parsed == {"supported": supported, "evidence": "Stickiness is there."}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It is.", "unparsable_answer"),
        ('{"supported": true}', "incomplete_answer"),
        ('{"evidence": "", "supported": true}', "incomplete_answer"),
        ('{"evidence": "Partly.", "supported": "partly"}', "incomplete_answer"),
        ('{"evidence": "Partly.", "supported": 1}', "incomplete_answer"),
    ],
)
def test_a_bad_answer_says_why(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        support.parse(ROW, text)

    assert refused.value.reason == reason
