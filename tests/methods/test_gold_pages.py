"""Questions whose pages are known: the search of groundings finds them, in French and in Chinese."""

from pathlib import Path

import pytest

from tests.bench import retrieval_quality
from tests.bench.gold_pages import chinese, french, reciprocal_rank, searched
from tests.bench.judged_collections import Collection
from tests.bench.retrieval_quality import gains


def test_questions_of_pupils_find_their_pages_in_french() -> None:
    collection = french()

    found = searched(collection)

    first = [grades.get(one[0][0], 0) for one, grades in zip(found, collection.grades, strict=True)]
    assert (len(collection.texts), len(collection.asked)) == (12, 24)
    assert sum(grade > 0 for grade in first) >= 21
    assert reciprocal_rank(found, collection) > 0.92


@pytest.mark.shared
def test_sentences_find_the_passages_that_they_stood_by_in_chinese(shared: Path) -> None:
    collection = chinese(shared)

    found = searched(collection)

    by_words = retrieval_quality.by_keywords(collection, *retrieval_quality.BM25[0])
    assert len(collection.asked) == 30
    assert {grade for grades in collection.grades for grade in grades.values()} == {1, 2, 3}
    assert all(not any(asked in text for text in collection.texts) for asked in collection.asked)
    assert gains(found, collection).mean() > 0.67
    assert reciprocal_rank(found, collection) > 0.76
    assert gains(found, collection).mean() > gains(by_words, collection).mean()


def test_what_is_of_a_low_grade_does_not_count_as_found() -> None:
    asked = Collection(["a", "b", "c"], ["x", "y"], [{0: 1, 1: 3}, {2: 1}])

    assert reciprocal_rank([[(0, 9.0), (1, 8.0)], [(2, 9.0)]], asked) == 0.25
