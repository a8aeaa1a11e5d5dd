"""The neighbour recipe: the prompt carries every dialog in order, a good answer is kept, each refusal says why."""

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import InstructionsSettings
from wellspring.tasks.recipes import knn_instruct as recipe

ROW = {
    "dialogs": [
        {"text": "How do I prune a pear?", "response": "In late winter."},
        {"text": "When do quinces ripen?", "response": None},
        {"text": "Which rootstock is small?", "response": "M27."},
    ]
}


def test_the_prompt_carries_every_dialog_in_order() -> None:
    user = recipe.prompt(ROW, InstructionsSettings()).messages[-1].content

    places = [user.index(text) for text in ("pear", "late winter", "quinces", "rootstock", "M27")]
    assert places == sorted(places)
    assert user.count("<reply ") == 2


def test_a_good_answer_is_kept() -> None:
    parsed = recipe.parse(ROW, 'Sure:\n{"user": "Gardeners.",\n "query": "My hedge is bare below. What now?",}')

    assert parsed == {"text": "My hedge is bare below. What now?", "scene": "Gardeners."}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$ERROR$", "unparsable_answer"),
        ('{"query": "Why?"}', "incomplete_answer"),
        ('{"user": "Gardeners.", "query": ""}', "incomplete_answer"),
        ('{"user": [], "query": "Why?"}', "incomplete_answer"),
    ],
)
def test_a_bad_answer_says_why(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        recipe.parse(ROW, text)

    assert refused.value.reason == reason
