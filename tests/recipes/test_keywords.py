"""The keywords call: the prompt carries the message, a good answer is kept, each refusal says why."""

import json

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.recipes import keywords

ROW = {"text": "my pandas groupby drops the rows where region is NaN"}


def test_the_prompt_carries_the_whole_message_behind_a_fence() -> None:
    prompt = keywords.prompt(ROW, None)

    user = prompt.messages[-1].content
    assert ROW["text"] in user
    assert user.startswith("<message ")
    assert prompt.schema == keywords.SCHEMA


def test_a_good_answer_is_kept_and_cut_to_five_keywords() -> None:
    answer = {"intention": "Keep rows.", "keywords": ["pandas", "groupby", "pandas", " ", "NaN", "data", "x", "y"]}

    parsed = keywords.parse(ROW, "Here you go:\n```json\n" + json.dumps(answer, indent=1) + "\n```")

    assert parsed == {"intention": "Keep rows.", "keywords": ["pandas", "groupby", "NaN", "data", "x"]}


def test_keywords_in_one_text_are_taken_apart() -> None:
    parsed = keywords.parse(ROW, '{"intention": "Keep.", "keywords": "pandas, groupby"}')

    assert parsed["keywords"] == ["pandas", "groupby"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I cannot say.", "unparsable_answer"),
        ('{"keywords": ["a"]}', "incomplete_answer"),
        ('{"intention": " ", "keywords": ["a"]}', "incomplete_answer"),
        ('{"intention": "x", "keywords": []}', "incomplete_answer"),
        ('{"intention": "x", "keywords": [3, null]}', "incomplete_answer"),
    ],
)
def test_a_bad_answer_says_why(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        keywords.parse(ROW, text)

    assert refused.value.reason == reason
