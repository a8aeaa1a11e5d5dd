"""Last lines of answers held against known ones: amounts, dates, texts and sets, as people write them."""

import inspect

import pytest

from wellspring.tasks.contracts import comparers
from wellspring.tasks.io.containment import Call
from wellspring.tasks.io.sandbox import FIRST, Sandbox

AMOUNTS = [
    ("5 km", "5000 m", True),
    ("5,000 m", "5 km", True),
    ("3.1 miles", "5 km", True),
    ("3 miles", "5 km", False),
    ("5", "5 km", False),
    ("5 km", "5", False),
    ("12 members", "12 members", True),
    ("12", "12 members", True),
    ("12 chairs", "12 members", False),
    ("1,234.5", "1.234,5", True),
    ("1.234,5", "1234.5", True),
    ("1 234,5", "1234.5", True),
    ("1'234.5", "1234.5", True),
    ("12,34,567", "1234567", True),
    ("1.234", "1234", False),
    ("1,234", "1234", True),
    ("0,5", "0.5", True),
    ("1,23.5", "123.5", False),
    ("1.2.3", "123", False),
    ("$1.2 million", "1,200,000 dollars", True),
    ("$1.2m", "$1200000", True),
    ("\u20ac5", "$5", False),
    ("5 percent", "5%", True),
    ("5 per cent", "5 %", True),
    ("0.05", "5%", False),
    ("5 percentage points", "5%", False),
    ("forty-two", "42", True),
    ("one hundred and five members", "105 members", True),
    ("2 h 30 min", "150 minutes", True),
    ("2 hours and 30 minutes", "2.5 h", True),
    ("5 ft 11 in", "71 inches", True),
    ("\u22123 \xb0C", "-3 \xb0C", True),
    ("3 \xb0C", "-3 \xb0C", False),
    ("3 K", "3 \xb0C", False),
    ("1.5 \xd7 10\xb3 m", "1.5 km", True),
    ("1.5e3 m", "1.5 km", True),
    ("\xbd km", "500 m", True),
    ("1 1/2 km", "1500 m", True),
    ("5 m\xb2", "5 square metres", True),
    ("5 sq km", "5 km\xb2", True),
    ("100 km/h", "100 kilometres per hour", True),
    ("100 MW", "100 mW", False),
    ("about 5 km", "5 km", True),
    ("not 5 km", "5 km", False),
    ("5 km or 6 km", "5 km", False),
    ("5 to 6 km", "5 km", False),
    ("5 km, 6 km", "5 km", False),
    ("5-6 km", "5 km", False),
    ("", "5 km", False),
    ("km", "5 km", False),
    ("5 kms", "5 km", True),
    ("five kilometres", "5 km", True),
    ("27.8 m/s", "100 km/h", True),
    ("3,5 kg", "3500 g", True),
    ("5kg", "5 kg", True),
    ("10,000", "10 000", True),
    ("1e400", "5", False),
    ("5/0", "5", False),
    ("\u0663", "3", True),
    ("3 million people", "3,000,000 people", True),
    ("18 months", "1.5 years", True),
    ("twenty", "20", True),
    ("5 million", "5", False),
    ("0", "0", True),
    ("-0", "0", True),
    ("007", "7", True),
    ("1,2,3", "123", False),
    ("5 km 6 km", "5 km", False),
    ("1 1/2", "1.5", True),
]
DATES = [
    ("3 May 2021", "2021-05-03", True),
    ("May 3rd, 2021", "2021-05-03", True),
    ("the third of May, 2021", "2021-05-03", True),
    ("03/05/2021", "2021-05-03", False),
    ("13/05/2021", "2021-05-13", True),
    ("05/13/2021", "2021-05-13", True),
    ("3.5.2021", "2021-05-03", True),
    ("Monday, 3 May 2021", "2021-05-03", True),
    ("May 2021", "2021-05", True),
    ("2021", "2021-05-03", False),
    ("2021", "2021", True),
    ("nineteen ninety-nine", "1999", True),
    ("two thousand and five", "2005", True),
    ("twenty-first of March 1999", "21 March 1999", True),
    ("March twenty-first, nineteen ninety-nine", "21 March 1999", True),
    ("44 BC", "44 BC", True),
    ("44", "44 BC", False),
    ("30 February 2020", "2020-02-30", False),
    ("29 Feb 2021", "29 Feb 2021", False),
    ("29 Feb 2020", "2020-02-29", True),
    ("4 May", "May 4", True),
    ("May", "May", True),
    ("not 3 May 2021", "3 May 2021", False),
    ("3 May 2021 or 4 May 2021", "3 May 2021", False),
    ("1969-07-20T20:17Z", "July 20, 1969", True),
    ("Sept. 5, 2001", "2001-09-05", True),
    ("two thousand", "2000", True),
    ("1900s", "1900", False),
    ("05/05/2020", "5 May 2020", True),
]
TEXTS = [
    ("The United States", "united states", True),
    ("Zurich", "Z\xfcrich", True),
    ("St Mary's", "St. Mary\u2019s", True),
    ("C", "C++", False),
    ("1.5", "15", False),
    ("Paris, France", "Paris", False),
    ("**Paris**.", "Paris", True),
    ("\u201cParis\u201d", "Paris", True),
    ("not Paris", "Paris", False),
    ("well-known", "well known", True),
    ("-5", "5", False),
    ("A", "the A", True),
    ("", "", False),
]
SETS = [
    ("b, a and c", "a; b; c", True),
    ("a; b", "a; b; c", False),
    ("a, b, c, d", "a; b; c", False),
    ("Trinidad and Tobago; Cuba", "Cuba; Trinidad and Tobago", True),
    ("[a, b]", "a; b", True),
    ("A & B", "a; b", True),
    ("a", "a", True),
    ("", "a", False),
    ("a, b, and c", "a;b;c", True),
]
CASES = [
    *(("amount", *case) for case in AMOUNTS),
    *(("date", *case) for case in DATES),
    *(("text", *case) for case in TEXTS),
    *(("set", *case) for case in SETS),
]


@pytest.mark.parametrize(("kind", "said", "known", "same"), CASES)
def test_two_answers_say_the_same_or_not(kind: str, said: str, known: str, *, same: bool) -> None:
    assert comparers.is_right(f"Some words first.\nAnswer: {said}", kind, known) is same


def test_the_sandbox_says_of_each_what_python_says() -> None:
    calls = [Call("is_right", (f"Answer: {said}", kind, known)) for kind, said, known, _ in CASES]
    with Sandbox() as sandbox:
        ran = sandbox.run_program(inspect.getsource(comparers), calls)

    assert (ran.outcome, ran.engine) == ("ok", FIRST)
    assert ran.values == [same for *_, same in CASES]


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("It is long.\nAnswer: 5", "5"),
        ("**Answer:** 5", "5"),
        ("> Answer : `5`", "5"),
        ("ANSWER: 'so it is'.", "so it is"),
        ("Answer: 5\nOr so.", None),
        ("Answer: 4\nAnswer: 5", None),
        ("The answer is 5", None),
        ("Answer:", None),
        ("", None),
    ],
)
def test_the_last_line_alone_names_the_answer(response: str, answer: str | None) -> None:
    assert comparers.final(response) == answer
