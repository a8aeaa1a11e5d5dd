"""Compiled word hashes are those of the words as they are listed, in any script."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.tasks.methods.pages import word_hashes

SCRIPTS = "aé1_ .中々がー한ขที่ີကြ្ខि्क\u0301\u00ad\u200b\ufe0f\U00020000"


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.text(max_size=60) | st.text(SCRIPTS, max_size=30), max_size=6))
def test_words_are_those_of_the_regular_expression(texts: list[str]) -> None:
    hashes, offsets = word_hashes.words(texts)

    expected = [word_hashes.listed(text) for text in texts]
    assert np.diff(offsets).tolist() == [len(words) for words in expected]
    flat = [word for words in expected for word in words]
    by_word = dict(zip(flat, hashes.tolist(), strict=True))
    assert [by_word[word] for word in flat] == hashes.tolist()


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.text(alphabet="ab ", max_size=30), max_size=5), st.integers(1, 6))
def test_shingles_are_equal_where_their_words_are(texts: list[str], size: int) -> None:
    hashes, offsets = word_hashes.shingles(*word_hashes.words(texts), size)

    for i, text in enumerate(texts):
        words = text.split()
        runs = [tuple(words[j : j + size]) for j in range(max(1, len(words) - size + 1))] if words else []
        found = hashes[offsets[i] : offsets[i + 1]].tolist()
        assert len(found) == len(runs)
        assert len(set(found)) == len(set(runs))


def test_a_soft_hyphen_or_a_joiner_changes_no_hash() -> None:
    hashes, offsets = word_hashes.words(["hyphen\u00adated wo\u200drd 中\u200b文", "hyphenated word 中文"])

    assert hashes[: offsets[1]].tolist() == hashes[offsets[1] :].tolist()
    assert np.diff(offsets).tolist() == [4, 4]
