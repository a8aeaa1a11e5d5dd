"""Personal data is replaced by what it is, and what only looks like it stays."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.pages.personal_data import replace

LABELS = re.compile(r"(?:(?:NINO|SSN|Steuer-ID|PESEL|NHS number|BSN|SIN|isikukood) )?")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ann.lee+news@mail.site.example", "EMAIL"),
        ("ann (at) site (dot) example", "EMAIL"),
        ("+49 30 901820", "PHONE"),
        ("(212) 555-0187", "PHONE"),
        ("030/901 8200", "PHONE"),
        ("DE89 3704 0044 0532 0130 00", "IBAN"),
        ("GB29NWBK60161331926819", "IBAN"),
        ("4539 1488 0343 6467", "CARD"),
        ("536-22-1234", "NATIONAL_ID"),
        ("529.982.247-25", "NATIONAL_ID"),
        ("11010519491231002X", "NATIONAL_ID"),
        ("12345678Z", "NATIONAL_ID"),
        ("X1234567L", "NATIONAL_ID"),
        ("AB 12 34 56 C", "NATIONAL_ID"),
        ("NINO ab123456c", "NATIONAL_ID"),
        ("SSN 536221234", "NATIONAL_ID"),
        ("536 22 1234", "NATIONAL_ID"),
        ("RSSMRA85T10A562S", "NATIONAL_ID"),
        ("2 55 08 14 168 025 38", "NATIONAL_ID"),
        ("Steuer-ID 86095742719", "NATIONAL_ID"),
        ("PESEL 44051401359", "NATIONAL_ID"),
        ("811228-9874", "NATIONAL_ID"),
        ("131052-308T", "NATIONAL_ID"),
        ("85.07.30-033.28", "NATIONAL_ID"),
        ("756.9217.0769.85", "NATIONAL_ID"),
        ("2341 2341 2346", "NATIONAL_ID"),
        ("S1234567D", "NATIONAL_ID"),
        ("HEGG560427MVZRRL04", "NATIONAL_ID"),
        ("10000000146", "NATIONAL_ID"),
        ("12.345.678-5", "NATIONAL_ID"),
        ("NHS number 943 476 5919", "NATIONAL_ID"),
        ("BSN 111222333", "NATIONAL_ID"),
        ("SIN 046 454 286", "NATIONAL_ID"),
        ("isikukood 37605030299", "NATIONAL_ID"),
        ("3714 496353 98431", "CARD"),
        ("2223003122003222", "CARD"),
        ("NO93-8601-1117-947", "IBAN"),
        ("+683 7012", "PHONE"),
        ("01 23 45 67 89", "PHONE"),
        ("8.8.4.4", "IP"),
        ("2001:4860:4860::8888", "IP"),
    ],
)
def test_each_kind_is_replaced_and_counted(text: str, kind: str) -> None:
    name = LABELS.match(text)[0]  # pyright: ignore[reportOptionalSubscript] - it matches nothing, too

    replaced, counts = replace(f"Write to {text}, or do not.")

    assert replaced == f"Write to {name}[{kind}], or do not."
    assert counts == {kind: 1}


@pytest.mark.parametrize(
    "text",
    [
        "On 2024-05-06 at 10:30:45 it was $1,234,567.89.",
        "Version 1.2.3, section 4.5.6.7.8, pages 100-120, 1999-2004.",
        "The address 192.168.0.1 is nobody's, and so is ::1.",
        "ISBN 978-3-16-148410-0, order 4539 1488 0343 6468.",
        "GB29NWBK60161331926818 is no account, and 12345678A no person.",
        "Say @everyone, and a@b.",
        "Version 8.8.4.4 came after v8.8.4.3, and firmware 9.9.9.1 after both.",
        "Part AB123456E, order 44051401359, tape 943 476 5919, model 536221234, film 37605030299.",
        "X1234567M, RSSMRA85T10A562T, 85.07.30-033.29, 756.9217.0769.84, 2341 2341 2345, S1234567E, 811228-9873.",
        "Write +1.5 million, and 012 021 102 120 201 210.",
        "3.14159265358979 and 1,000,000,000",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert replace(text) == (text, {})


def test_places_far_apart_are_all_found() -> None:
    filler = "words and words " * 500

    replaced, counts = replace(f"a@site.example {filler} (212) 555-0187 {filler} b@site.example")

    assert counts == {"EMAIL": 2, "PHONE": 1}
    assert replaced == f"[EMAIL] {filler} [PHONE] {filler} [EMAIL]"


@given(st.text(alphabet="a1 .@-+()[]:\n", max_size=300))
def test_replacing_twice_is_replacing_once(text: str) -> None:
    replaced, _ = replace(text)

    again, counts = replace(replaced)
    assert counts == {} or len(again) <= len(replaced) + 8 * sum(counts.values())
