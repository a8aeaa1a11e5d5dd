"""Hazard categories of a text."""

import json

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import fenced
from wellspring.tasks.judges import moderation

ROW = {"text": "for i in targets: send(i)  # pseudo-code"}


def test_the_prompt_carries_the_text_and_explains_every_category() -> None:
    system, user = moderation.prompt(ROW, None).messages

    assert fenced("text", ROW["text"]) in user.content
    assert all(f"- {category}:" in system.content for category in moderation.CATEGORIES)


def test_no_category_passes() -> None:
    parsed = moderation.parse(ROW, json.dumps({"analysis": "A garden plan.", "categories": []}))

    assert parsed == {"passed": True, "detail": "none: A garden plan."}


def test_named_categories_flag_the_text_in_one_order() -> None:
    said = {"analysis": "Names a dose.", "categories": ["Specialised advice", "privacy", "privacy"]}

    parsed = moderation.parse(ROW, json.dumps(said))

    assert parsed == {"passed": False, "detail": "privacy, specialised_advice: Names a dose."}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"analysis": "Odd.", "categories": ["bad_vibes"]}, "unknown_category"),
        ({"analysis": "Odd.", "categories": "none"}, "incomplete_answer"),
        ({"categories": []}, "incomplete_answer"),
    ],
)
def test_an_answer_outside_the_taxonomy_fails(answer: dict[str, object], reason: str) -> None:
    with pytest.raises(Rejection) as caught:
        moderation.parse(ROW, json.dumps(answer))

    assert caught.value.reason == reason
