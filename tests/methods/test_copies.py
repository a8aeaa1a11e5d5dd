"""ROUGE-L and verbatim coverage: fast as they are, they equal their definitions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.instructions.copies import coverage, lcs, rouge_l, words

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=70)


def _table(left: list[str], right: list[str]) -> int:
    """The textbook recurrence."""
    row = [0] * (len(right) + 1)
    for a in left:
        above = row[:]
        for j, b in enumerate(right, start=1):
            row[j] = above[j - 1] + 1 if a == b else max(above[j], row[j - 1])
    return row[-1]


@given(WORDS, WORDS)
def test_the_longest_common_subsequence_equals_the_textbook_recurrence(left: list[str], right: list[str]) -> None:
    assert lcs(left, right) == _table(left, right)


def test_rouge_l_of_a_known_pair_is_its_f_measure() -> None:
    # "police killed the gunman" / "police kill the gunman": 3 of 4 words in order.
    assert math.isclose(rouge_l("Police killed the gunman.", "police kill the gunman"), 0.75)


@given(st.text(max_size=80), st.text(max_size=80))
def test_rouge_l_is_symmetric_and_one_only_for_the_same_words(left: str, right: str) -> None:
    score = rouge_l(left, right)

    assert score == rouge_l(right, left)
    assert 0 <= score <= 1
    assert (score == 1) == (words(left) == words(right) != [])


def test_coverage_counts_the_words_in_runs_that_the_source_has() -> None:
    source = "the quick brown fox jumps over the lazy dog and runs far away into the green hills"
    text = "tell me why the quick brown fox jumps over the lazy dog please"

    assert math.isclose(coverage(text, source), 9 / 13)
    assert coverage("a text about other things altogether with no run in common", source) == 0
    assert coverage("quick brown fox", source) == 1
    assert coverage("", source) == 0


@given(WORDS, WORDS, st.integers(1, 5))
def test_coverage_equals_marking_every_shared_run(text: list[str], source: list[str], size: int) -> None:
    size_used = min(size, len(text)) or 1
    runs = [source[i : i + size_used] for i in range(len(source) - size_used + 1)]
    marked = {
        i + j for i in range(len(text) - size_used + 1) if text[i : i + size_used] in runs for j in range(size_used)
    }

    assert math.isclose(coverage(" ".join(text), " ".join(source), size), len(marked) / len(text) if text else 0)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("如何种植番茄幼苗", "如何种植辣椒幼苗"),
        ("การปลูกมะเขือเทศ", "การปลูกพริกไทย"),
        ("외국어를배우는방법", "외국어를익히는방법"),
        ("ການປູກໝາກເລັ່ນ", "ການປູກໝາກເຜັດ"),
    ],
)
def test_text_without_blanks_is_compared_by_letters(left: str, right: str) -> None:
    assert 0.5 < rouge_l(left, right) < 1
