"""The computed checks by name: what passes, what fails, what cannot be said."""

import re

import pytest

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import VerdictsSettings
from wellspring.tasks.methods.answers.checks import checks

SETTINGS = VerdictsSettings()
ROW = {
    "instruction": "How high does the pump lift, and how much?",
    "document": "The pump lifts water 14 metres and 1250 litres an hour through a copper pipe.",
    "response": "The pump lifts water 14 metres. In two hours it lifts 2 * 1250 = 2500 litres of water.",
    "finish_reason": "stop",
}


@pytest.mark.parametrize(
    ("name", "changed", "passed"),
    [
        ("not_refused", {}, True),
        ("not_refused", {"response": "I'm sorry, but I can't help with that."}, False),
        ("not_truncated", {}, True),
        ("not_truncated", {"finish_reason": "length"}, False),
        ("not_truncated", {"finish_reason": "unknown"}, True),
        ("not_truncated", {"finish_reason": "unknown", "response": "```\nx = 1"}, False),
        ("no_marks", {}, True),
        ("no_marks", {"response": "They ask how high.</think>It lifts 14 metres."}, False),
        ("no_marks", {"response": "It lifts 14 metres.<|im_end|>"}, False),
        ("no_marks", {"response": "The turn ends with `<|im_end|>`."}, True),
        ("no_marks", {"instruction": "<think>\nA pump.\n</think>\nHow high?"}, False),
        ("knowledge_precision", {}, True),
        ("knowledge_precision", {"response": "Bees dance in the hive until the honey is ripe for winter."}, False),
        ("knowledge_precision", {"document": None}, None),
        ("knowledge_precision", {"response": "Fourteen."}, None),
        ("numbers", {}, True),
        ("numbers", {"response": "It lifts 99 metres."}, False),
        ("numbers", {"response": "It gives 2 * 1250 = 2600 litres."}, False),
        ("numbers", {"response": "A lot."}, None),
        ("numbers", {"response": "It lifts 99 metres.", "document": None}, None),
        ("code_parses", {}, None),
        ("code_parses", {"response": "```python\nx = 1\n```"}, True),
        ("code_parses", {"response": "```python\nx = \n```"}, False),
        ("code_parses", {"response": "```cobol\nMOVE.\n```"}, None),
    ],
)
def test_a_check_says_yes_no_or_that_it_cannot_say(name: str, changed: dict[str, str], passed: bool | None) -> None:  # noqa: FBT001
    outcome = checks((name,))[name](ROW | changed, SETTINGS)

    assert outcome.passed is passed
    assert outcome.passed or outcome.detail  # a failure says what it rests on


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("not_loping", "there is no check `not_loping`", "did you mean not_looping"),
        ("checklist.9", "there is no check `checklist.9`", "did you mean checklist.8"),
        ("checklist", "`checklist` is asked of a model", "verdicts.judges"),
        ("moderation", "`moderation` is asked of a model", "verdicts.judges"),
    ],
)
def test_what_is_no_computed_check_is_wrong_usage_and_what_is_near_is_named(name: str, said: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        checks(("not_refused", name))

    assert hint in caught.value.hint
