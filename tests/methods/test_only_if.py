"""Only-IF: what a set has, counted as a loop, and what the card says of so many."""

import random

import pytest

from wellspring.tasks.methods.datasets.only_if import Breadth, breadth, said

DICE = random.Random(6)
TEXTS = [DICE.choice(["Sort this.", "sort  THIS.", "Add it up.", "Count them."]) for _ in range(60)]
TOPICS = [DICE.choice([0, 0, 0, 4, 7]) for _ in range(60)]
SITES = [DICE.choice(["a.org", "b.org", None, None, None]) for _ in range(60)]


def test_breadth_is_counted_without_case_and_blanks_and_shares_are_of_all_rows() -> None:
    found = breadth(TEXTS, TOPICS, SITES)

    assert found.instructions == len({text.lower().replace("  ", " ") for text in TEXTS}) == 3
    assert found.topics == 3
    assert found.topic_share == max(TOPICS.count(one) for one in TOPICS) / 60
    assert found.domain_share == max(SITES.count("a.org"), SITES.count("b.org")) / 60
    assert breadth([], [], []) == Breadth(0, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("count", "words"), [(299, "No model of the paper"), (300, "in part"), (999, "in part"), (1000, "")]
)
def test_the_card_says_what_the_paper_says_of_so_many(count: int, words: str) -> None:
    told = said(Breadth(count, 12, 0.25, 0.1))

    assert "12 topics; the largest topic has 25% of the rows, the largest site 10%." in told
    assert words in told
    assert ("synthetic" in told) == bool(words)
