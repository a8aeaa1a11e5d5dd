"""Right and wrong answers by rule: what is right stays right, and each kind of mutant is there and is wrong."""

import pytest

from wellspring.tasks.contracts import comparers, variants

PAGE = (
    "The bridge over the Rhine at Konstanz is 5 km long, and Anna Berg opened it on 3 May 2021, after 12 years of work "
    "and with 4,500 tonnes of steel. In 1999 nobody thought of it. Trinidad and Tobago sent steel, and so did Cuba."
)
EVERYWHERE = {"swapped_entity", "negation", "empty", "refusal", "echo", "every_answer", "stuffing"}
KNOWN = [
    ("amount", "5 km", {"wrong_number", "wrong_unit"}),
    ("amount", "4,500 tonnes", {"wrong_number", "wrong_unit"}),
    ("amount", "12", {"wrong_number"}),
    ("amount", "$1.2 million", {"wrong_number", "wrong_unit"}),
    ("amount", "3.50 %", {"wrong_number", "wrong_unit"}),
    ("amount", "0", set[str]()),
    ("date", "3 May 2021", {"near_miss", "wrong_number"}),
    ("date", "1999", {"wrong_number"}),
    ("date", "44 BC", set[str]()),
    ("text", "Anna Berg", {"near_miss"}),
    ("text", "the 2 red rooms", {"near_miss", "wrong_number"}),
    ("set", "Cuba; Trinidad and Tobago", {"near_miss"}),
    ("set", "steel", {"near_miss"}),
]


@pytest.mark.parametrize(("kind", "known", "more"), KNOWN)
def test_variants_of_a_known_answer_are_what_they_are_called(kind: str, known: str, more: set[str]) -> None:
    right, wrong = variants.right(kind, known), variants.wrong(kind, known, "What is it?", PAGE)

    assert [one for one in right if not comparers.is_right(one, kind, known)] == []
    assert [one for one in wrong if comparers.is_right(one.text, kind, known)] == []
    assert {one.kind for one in wrong} >= EVERYWHERE | more


@pytest.mark.parametrize(
    ("kind", "known", "said"),
    [
        ("amount", "5 km", "5000 m"),
        ("amount", "4500 tonnes", "4,500 tonnes"),
        ("amount", "12 years", "twelve years"),
        ("date", "2021-05-03", "May 3, 2021"),
        ("set", "a; b; c", "b, c and a"),
        ("text", "Anna Berg", "anna berg"),
    ],
)
def test_what_is_known_is_said_in_other_ways(kind: str, known: str, said: str) -> None:
    assert variants.final(said) in variants.right(kind, known)


def test_a_mutant_that_would_say_the_same_is_none() -> None:
    wrong = {one.text for one in variants.wrong("amount", "0", "How many?", "There are 0 of 7.")}

    assert not wrong & {"Answer: 0", "Answer: -0", "Answer: 00"}
    assert {"Answer: 1", "Answer: 7"} <= wrong
    again = variants.wrong("set", "news; more; more", "What?", "All of it is News and More here.")
    assert [one for one in again if comparers.is_right(one.text, "set", "news; more; more")] == []
