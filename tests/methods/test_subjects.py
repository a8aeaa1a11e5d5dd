"""Pages of code and of mathematics are told from pages that only speak of them."""

import gzip
import json
from pathlib import Path

import pytest

from wellspring.tasks.methods.instructions.subjects import is_code, is_mathematics

CODE = """Open the file and read it line by line.

with open("notes.txt") as file:
    lines = file.readlines()
    count = len(lines)
print(count);
def total(values):
    result = sum(values)
    return result
"""
MATHS = (
    "A polynomial p(x) = x^2 - 3x + 2 has the derivative 2x - 3. By the theorem of Rolle there is a root of the "
    "derivative between two roots of the polynomial. The proof uses the integral $\\int_1^2 p(x) dx$ and a lemma on "
    "eigenvalues of a matrix."
)
PROSE = (
    "The committee (which met twice) chose the blue paint; the red one, at $40 a tin, was $5 more than last year's. "
    "Our code of conduct is short: be kind, be on time. He returned from the class with a function to attend.\n" * 8
)


def test_code_is_found() -> None:
    assert is_code(CODE)
    assert not is_code(MATHS)


def test_mathematics_is_found() -> None:
    assert is_mathematics(MATHS)
    assert not is_mathematics(CODE)


def test_prose_is_neither() -> None:
    assert not is_code(PROSE)
    assert not is_mathematics(PROSE)


@pytest.mark.slow
@pytest.mark.shared
def test_code_is_found_on_pages_of_documentation_and_hardly_elsewhere(shared: Path) -> None:
    with gzip.open(shared / "web" / "wcxb_dev_a.gold.jsonl.gz") as file:
        pages = [json.loads(line) for line in file]
    shops = [p for p in pages if p["page_type"] in {"product", "collection", "listing", "service"}]

    found = [p["url"] for p in pages if is_code(p["main_content"] or "")]

    assert any("go.dev" in url for url in found)
    assert any("doc.rust-lang.org" in url for url in found)
    assert not any(is_code(p["main_content"] or "") for p in shops)
