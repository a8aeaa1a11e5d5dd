"""Answers of fields: which are right, what they are worth in part, and mutants that the verifier rejects."""

import json

import pytest

from wellspring.tasks.contracts import field_answers, field_tasks
from wellspring.tasks.io import verify

FIELDS = [
    ["length", "amount", "5 km"],
    ["name", "text", "Z\u00e4h Bridge"],
    ["metals", "set", "tin; lead"],
    ["day", "date", "4 June 1987"],
]
WHOLE = {"length": "5,000 m", "name": "the Z\u00e4h bridge", "metals": ["lead", "tin"], "day": "1987-06-04"}


@pytest.mark.parametrize(
    ("changed", "share"),
    [
        ({}, 1),
        ({"length": "5 m"}, 3 / 4),
        ({"length": 5, "metals": "tin; lead"}, 3 / 4),
        ({"metals": ["tin"], "day": "June 1987"}, 2 / 4),
        ({"metals": ["tin", ""]}, 3 / 4),
        ({"name": None}, 3 / 4),
        ({"name": {"is": "Z\u00e4h Bridge"}}, 3 / 4),
        ({"more": "yes"}, 4 / 5),
    ],
)
def test_an_answer_is_worth_the_share_of_its_right_fields(changed: dict[str, object], share: float) -> None:
    text = json.dumps(WHOLE | changed)

    assert field_answers.credit(text, FIELDS) == share
    verifier = field_tasks.verifier(FIELDS)
    assert verify.score(verifier, text) == share
    assert verify.verify(verifier, text) is (share == 1)
    assert verify.credit([text], [verifier], prompts=[""]) == [share]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('So: {"a": 1}.', {"a": 1}),
        ('```json\n{"a": "x: \\"b\\""}\n```', {"a": 'x: "b"'}),
        ('{"a": 1} {"a": 1}', None),
        ('{"a": 1, "a": 1}', None),
        ("[1]", None),
        ("{", None),
        ("no", None),
    ],
)
def test_an_answer_holds_one_object(text: str, found: object) -> None:
    assert field_answers.object_of(text) == found


def test_right_answers_pass_and_mutants_do_not() -> None:
    verifier, page = (
        field_tasks.verifier(FIELDS),
        "The Z\u00e4h Bridge, 5 km, 3 men, of 1901, near Lake Ohm, has steel parts.",
    )
    right, wrong = field_tasks.right(FIELDS), field_tasks.wrong(FIELDS, "What is it?", page)

    assert [one for one in right if verify.verify(verifier, one) is not True] == []
    assert [one for one in wrong if verify.verify(verifier, one.text) is not False] == []
    kinds = {one.kind for one in wrong}
    assert kinds > {"wrong_number", "near_miss", "missing_field", "extra_field", "swapped_fields", "every_answer"}


def test_the_schema_asks_for_each_field_by_what_it_is() -> None:
    said = json.loads(field_tasks.schema(FIELDS, {one[0]: f"Its {one[0]}." for one in FIELDS}))

    assert said["required"] == list(WHOLE)
    assert said["properties"]["metals"] == {
        "type": "array", "items": {"type": "string"}, "description": "Its metals (all members)"
    }  # fmt: skip
