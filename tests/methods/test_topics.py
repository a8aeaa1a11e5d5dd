"""Topics: named by what sets them apart, grouped by nearness, whatever the order of the texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.datasets.topics import hierarchy, labels

TEXTS = {
    0: ["How do I clean a water pump?", "Which water pump fits a deep well?", "My water pump is loud."],
    1: ["How do I feed a sourdough starter?", "Why is my sourdough starter grey?", "Is sourdough bread sour?"],
    2: ["How do I bake rye bread?", "Why is rye bread sticky?"],
}


def test_a_topic_is_named_by_its_own_phrases_pairs_before_their_parts() -> None:
    found = labels(TEXTS)

    assert found[0].startswith("water pump")
    assert found[1].startswith("sourdough starter")
    assert found[2].startswith("rye bread")
    assert not any("how" in name.split(", ") for name in found.values())


def test_close_topics_are_one_group_and_the_largest_comes_first() -> None:
    centroids = unit(np.array([[1, 0, 0], [0, 1, 0.1], [0, 1, 0.2]], dtype=np.float32))

    found = hierarchy(TEXTS, centroids)

    assert [topic.topic for topic in found] == [1, 2, 0]
    assert found[0].group == found[1].group != found[2].group
    assert [topic.rows for topic in found] == [3, 2, 3]
    assert "bread" in found[0].group_name or "sourdough" in found[0].group_name


@given(st.permutations(TEXTS[0]), st.permutations(TEXTS[1]))
def test_the_order_of_texts_does_not_change_a_name(first: list[str], second: list[str]) -> None:
    assert labels({1: second, 0: first, 2: TEXTS[2]}) == labels(TEXTS)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_topics_are_one_group(count: int) -> None:
    centroids = np.eye(count, 4, dtype=np.float32)

    assert {topic.group for topic in hierarchy({i: TEXTS[i] for i in range(count)}, centroids)} == {0}


def test_a_topic_without_words_has_a_name_all_the_same() -> None:
    assert labels({0: ["?!"]}) == {0: "(no phrase)"}
