"""A reward model behind the chat protocol: the dialog goes in as it is, numbers come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.judges import reward_model
from wellspring.tasks.judges.loading import load_judge

ROW = {"instruction": "Name a pump. $5 is all I have.", "response": "Pump B."}


def test_the_prompt_is_the_whole_dialog_and_nothing_else() -> None:
    messages = reward_model.prompt(ROW, None).messages

    assert [(message.role, message.content) for message in messages] == [
        ("user", ROW["instruction"]),
        ("assistant", ROW["response"]),
    ]


@pytest.mark.parametrize(
    ("text", "reward"),
    [
        ("7.25", 7.25),
        (" 3 \n", 3.0),
        ("helpfulness:3.0,correctness:4.0", 3.5),
        ("helpfulness = 2\ncoherence: 4", 3.0),
        ("1e-1", 0.1),
        ("-2.5", -2.5),
        ("31.75", 31.75),
    ],
)
def test_one_number_or_the_mean_of_named_ones_is_the_reward(text: str, reward: float) -> None:
    parsed = reward_model.parse(ROW, text)

    assert load_judge("reward_model").totalled(parsed["values"]) == pytest.approx(reward)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "unparsable_answer"),
        ("I give it 7 of 10.", "unparsable_answer"),
        ("helpfulness:high", "unparsable_answer"),
        ("1e999", "mark_out_of_range"),
    ],
)
def test_anything_else_fails_the_judge(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as caught:
        reward_model.parse(ROW, text)

    assert caught.value.reason == reason


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back_as_it_was_written(reward: float) -> None:
    assert reward_model.parse(ROW, repr(reward))["values"]["reward"] == reward
