"""Final answers of texts, and whether an answer says a known one."""

import pytest

from wellspring.tasks.contracts import references


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("So 3 + 4 = 7.\n#### 7", "7"),
        (r"Hence \boxed{12} and then \boxed{ 13 }.", "13"),
        ("We add. The final answer is 5 km.", "5 km"),
        ("(B)", "(B)"),
        ("It depends on the wind and on the tide.", None),
        ("", None),
    ],
)
def test_a_final_answer_is_named_or_stands_alone(text: str, found: str | None) -> None:
    assert references.final(text) == found


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("1,000", "1000.0", True),
        ("$5", "5 dollars", True),
        ("-3", "3", False),
        ("3 of 4", "4 of 3", False),
        ("Stra\u00dfe", "STRASSE", True),
        ("...", "!", False),
    ],
)
def test_final_answers_are_the_same_by_value_or_by_letters(one: str, other: str, is_one: bool) -> None:  # noqa: FBT001
    assert references.is_same(one, other) is is_one


@pytest.mark.parametrize(
    ("text", "known", "is_said"),
    [
        ("In 1969 they flew 1,042 miles.", "1042", True),
        ("They flew 10,420 miles.", "1042", False),
        ("It was NEIL  Armstrong, in July.", "Neil Armstrong", True),
        ("It was Neil Armstrongson.", "Neil Armstrong", False),
        ("\u00dcber Z\u00fcrich.", "z\u00fcrich", True),
        ("...", "...", False),
        ("", "Neil", False),
    ],
)
def test_a_short_known_answer_is_said_by_its_number_or_by_its_words(text: str, known: str, is_said: bool) -> None:  # noqa: FBT001
    assert references.says(text, known) is is_said


def test_answers_that_say_the_same_have_the_place_of_the_first() -> None:
    assert references.alike(["7", "No", "7.0", "...", "no.", "...", "!"]) == [0, 1, 0, 3, 1, 3, 6]
