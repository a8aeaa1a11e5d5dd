"""Near copies are proposed by bands, verified exactly, and joined into components."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import made_texts
from wellspring.tasks.methods.pages import near_duplicates


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))} if words else set()


TEXTS = st.lists(st.text(alphabet="ab ", max_size=40), min_size=2, max_size=5)


@given(TEXTS)
def test_similarity_is_exact(texts: list[str]) -> None:
    pairs = np.array([(i, j) for i in range(len(texts)) for j in range(i)])

    found = near_duplicates.jaccard(texts, pairs)

    for (i, j), share in zip(pairs.tolist(), found.tolist(), strict=True):
        a, b = shingles(texts[i]), shingles(texts[j])
        assert share == pytest.approx(len(a & b) / len(a | b) if a | b else 1.0)


@given(TEXTS)
@pytest.mark.slow
def test_equal_texts_share_every_band_and_blank_ones_none(texts: list[str]) -> None:
    found = near_duplicates.bands([*texts, *texts])

    size = len(texts)
    assert (found[:size] == found[size:]).all()
    assert [bool(row.any()) for row in found[:size]] == [bool(text.split()) for text in texts]


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_components_are_named_by_their_lowest(case: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = case
    expected = list(range(count))
    for _ in range(count):
        for a, b in pairs:
            expected[a] = expected[b] = min(expected[a], expected[b])

    assert near_duplicates.components(count, np.array(pairs, np.int64)).tolist() == expected


def test_a_bucket_of_many_copies_is_chained_and_not_squared() -> None:
    found = near_duplicates.bands(["the very same text of several words"] * 500)

    pairs = near_duplicates.candidates(found, most=3)

    assert len(pairs) < 500 * 5
    assert near_duplicates.components(500, pairs).tolist() == [0] * 500


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_near_copies_are_found_where_no_blanks_part_words(language: str) -> None:
    texts, truth = made_texts.near_copies(language, seed=1, count=40)

    pairs = near_duplicates.candidates(near_duplicates.bands(texts))
    found = {tuple(pair) for pair in pairs[near_duplicates.jaccard(texts, pairs) >= 0.8].tolist()}

    assert len(found & truth) >= 0.97 * len(truth)
    assert len(found & truth) >= 0.97 * len(found)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["docs_jest", "docs_nemo_curator"])
@pytest.mark.slow
def test_pairs_of_real_documents_are_found_and_no_others(shared: Path, name: str) -> None:
    rows = read(shared / f"dedup/{name}.jsonl.gz")
    places = {row["id"]: place for place, row in enumerate(rows)}
    with gzip.open(shared / f"dedup/{name}.jaccard.tsv.gz", "rt", encoding="utf-8") as lines:
        told = [line.rstrip("\n").split("\t") for line in lines][1:]
    truth = {tuple(sorted((places[a], places[b]))) for a, b, share, _ in told if float(share) >= 0.8}
    texts = [row["text"] for row in rows]

    pairs = near_duplicates.candidates(near_duplicates.bands(texts))
    near = near_duplicates.jaccard(texts, pairs) >= 0.8

    found = {tuple(pair) for pair in pairs[near].tolist()}
    assert len(found & truth) >= 0.97 * len(truth)
    assert len(found & truth) >= 0.97 * len(found)


@pytest.mark.shared
def test_the_planted_articles_are_all_found(shared: Path) -> None:
    rows = read(shared / "dedup/mccormick_articles.jsonl.gz")
    places = {row["id"]: place for place, row in enumerate(rows)}
    told = [line.split("\t") for line in (shared / "dedup/mccormick_truth.tsv").read_text().splitlines()[1:]]
    texts = [row["text"] for row in rows]

    pairs = near_duplicates.candidates(near_duplicates.bands(texts))
    near = near_duplicates.jaccard(texts, pairs) >= 0.8

    assert {tuple(p) for p in pairs[near].tolist()} == {tuple(sorted((places[a], places[b]))) for a, b, *_ in told}


def read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
