"""Figures: numbers are the document's, calculations are right, and reading them runs nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.answers.figures import calculations, figures, numbers

DOCUMENT = "The pump of 400 watts lifts 1,250 litres an hour and costs 89.50 euros."


def test_numbers_are_read_with_their_separators_and_without_list_items() -> None:
    text = "1. Buy it for 89.50.\n2) Lift 1,250 litres.\nStep 3: wait.\n```\nx = 777\n```\nVersion 2.0.1 and B12."

    assert numbers(text) == [Decimal("89.5"), Decimal(1250)]


def test_numbers_that_neither_document_nor_instruction_has_are_named() -> None:
    found = figures(
        "It lifts 1250 litres for 89.5 euros, with 400 watts on 230 volts, in 3 steps.",
        DOCUMENT,
        "I have 230 V or 230 volts.",
    )

    assert found.unsupported == ()
    assert figures("It lifts 1300 litres.", DOCUMENT).unsupported == ("1300",)


def test_a_number_that_a_calculation_gives_is_supported() -> None:
    found = figures("Two hours lift 2 * 1250 = 2,500 litres, so 2500 it is.", DOCUMENT)

    assert (found.calculations, found.wrong, found.unsupported) == (1, (), ())


@pytest.mark.parametrize(
    ("shown", "is_right"),
    [
        ("12 * 4 = 48", True),
        ("12 * 4 = 46", False),
        ("100 / 3 = 33.33", True),
        ("100 / 3 = 33", True),
        ("100 / 3 = 34", False),
        ("1,200 + 300 = 1,500", True),
        ("$12.50 x 4 = $50", True),
        ("7 \u00d7 8 = 54", False),
        ("10 - 2 - 3 = 5", True),
        ("(2 + 3) * 4 = 20", True),
    ],
)
def test_a_displayed_calculation_is_worked_out_again(shown: str, is_right: bool) -> None:  # noqa: FBT001 - expected
    found = figures(f"So {shown} in all.", None)

    assert found.calculations == 1
    assert (found.wrong == ()) == is_right


@pytest.mark.parametrize(
    "text", ["1/0 = 5", "9**9**9 = 3", "__import__('os') = 3", "a = 5", "x1 - 3 = 2", "5 / 10% = 50"]
)
def test_what_is_no_plain_sum_is_left_alone(text: str) -> None:
    assert all(abs(value) < 1000 for _, _, value in calculations(text))
    assert figures(text, None).wrong in ((), ("3 = 2",))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_sums_of_whole_numbers_are_right_exactly_when_they_are(a: int, b: int) -> None:
    assert figures(f"We get {a} + {b} = {a + b}.", None).wrong == ()
    assert figures(f"We get {a} + {b} = {a + b + 1}.", None).wrong != ()


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    found = figures(text, "")

    assert found.numbers >= 0
    assert len(found.wrong) <= found.calculations
