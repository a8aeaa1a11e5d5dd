"""The choice of a page: the prompt carries every page in order, a good answer is kept, each refusal says why."""

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.recipes import choice

ROW = {"text": "How do I keep my starter alive?", "pages": ["Yeast is a fungus.", "Starters rest in the fridge."]}


def test_the_prompt_carries_the_task_and_every_page_in_order() -> None:
    user = choice.prompt(ROW, None).messages[-1].content

    places = [user.index(text) for text in ("my starter", "Page 1", "Yeast", "Page 2", "fridge")]
    assert places == sorted(places)
    assert user.count("<page ") == 2


@pytest.mark.parametrize(("said", "best"), [("2", 2), ('"1"', 1), ("0", 0)])
def test_a_number_is_kept(said: str, best: int) -> None:
    assert choice.parse(ROW, f'{{"comparison": "Two is about it.", "best": {said}}}') == {"best": best}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Page two", "unparsable_answer"),
        ('{"comparison": "Both."}', "incomplete_answer"),
        ('{"best": "both"}', "incomplete_answer"),
        ('{"best": true}', "incomplete_answer"),
        ('{"best": 3}', "choice_out_of_range"),
        ('{"best": -1}', "choice_out_of_range"),
    ],
)
def test_a_bad_answer_says_why(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        choice.parse(ROW, text)

    assert refused.value.reason == reason
