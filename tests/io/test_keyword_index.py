"""Keyword search, against BM25 written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io.vectors.keywords import KeywordIndex

DOCUMENTS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=12), min_size=1, max_size=12)


def naive(documents: list[list[str]], query: list[str], k1: float, b: float) -> list[float]:
    """BM25 with the idf of Lucene, written out."""
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for word in query:
            with_it = sum(word in other for other in documents)
            count = document.count(word)
            idf = math.log(1 + (len(documents) - with_it + 0.5) / (with_it + 0.5))
            score += idf * count / (count + k1 * (1 - b + b * len(document) / mean)) if count else 0.0
        scores.append(score)
    return scores


@given(DOCUMENTS, st.lists(st.sampled_from("abcdefghxyz"), max_size=5))
def test_scores_and_order_are_those_of_the_formula(documents: list[list[str]], query: list[str]) -> None:
    index = KeywordIndex.build(documents, k1=1.2, b=0.75)

    scores, rows = index.search([query], 4)

    truth = naive(documents, query, 1.2, 0.75) if any(documents) else [0.0] * len(documents)
    found = [row for row in rows[0].tolist() if row >= 0]
    assert len(found) == min(4, sum(score > 0 for score in truth))
    assert np.allclose([truth[row] for row in found], sorted(truth, reverse=True)[: len(found)], atol=1e-5)
    assert np.allclose(scores[0, : len(found)], [truth[row] for row in found], atol=1e-5)


def test_equal_scores_keep_the_lower_row_first_also_at_the_end_of_the_list() -> None:
    index = KeywordIndex.build([["x"], ["a", "b"], ["a", "c"], ["a", "d"], ["a", "e"]])

    _, rows = index.search([["a"]], 3)

    assert rows[0].tolist() == [1, 2, 3]


def test_the_order_of_a_query_changes_no_bit() -> None:
    rng = np.random.default_rng(0)
    documents = [rng.choice(list("abcdefghij"), 20).tolist() for _ in range(200)]
    index = KeywordIndex.build(documents)

    forth, back = index.search([list("abcdefg"), list("gfedcba")], 50)[0]

    assert forth.tobytes() == back.tobytes()


def test_a_query_without_known_words_finds_nothing() -> None:
    scores, rows = KeywordIndex.build([["a"]]).search([["z"], []], 2)

    assert rows.tolist() == [[-1, -1], [-1, -1]]
    assert not scores.any()


def test_documents_without_words_are_indexed_and_never_found() -> None:
    _, rows = KeywordIndex.build([[], []]).search([["a"]], 1)

    assert rows.tolist() == [[-1]]


def test_no_documents_and_bad_parameters_are_said() -> None:
    with pytest.raises(UsageError, match="no documents"):
        KeywordIndex.build([])
    with pytest.raises(UsageError, match="b = 2"):
        KeywordIndex.build([["a"]], b=2)
    with pytest.raises(ValueError, match="k is 0"):
        KeywordIndex.build([["a"]]).search([["a"]], 0)
