"""The neighbour recipe: the prompt carries every dialog in order, a good answer is kept, each refusal says why."""

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.headings import known
from wellspring.tasks.recipes import knn_instruct as recipe
from wellspring.tasks.spine.writing import asks

DIALOGS = [
    {"text": "How do I prune a pear?", "response": "In late winter."},
    {"text": "When do quinces ripen?", "response": None},
    {"text": "Which rootstock is small?", "response": "M27."},
]
PROMPT = known()["knn_instruct"]["write"]


def test_the_prompt_carries_every_dialog_in_order() -> None:
    user = asks._messages(PROMPT, recipe.fields({"language": "en"}, DIALOGS, recipe.Knobs()))[-1].content

    places = [user.index(text) for text in ("pear", "late winter", "quinces", "rootstock", "M27")]
    assert places == sorted(places)
    assert user.count("<reply ") == 2
    assert "in English." in user


def test_a_good_answer_is_kept() -> None:
    said = recipe.Next.read('Sure:\n{"user": "Gardeners.",\n "query": "My hedge is bare below. What now?",}', PROMPT)

    assert (said.query, said.user) == ("My hedge is bare below. What now?", "Gardeners.")


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
        recipe.Next.read(text, PROMPT)

    assert refused.value.reason == reason
