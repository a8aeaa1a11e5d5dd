"""R^3: the three terms as the formula has them, of open and of constrained answers."""

import numpy as np
import polars as pl
import pytest

from wellspring.tasks.contracts.vectors import Vectors, unit
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.methods.sets.r3 import Knobs, distinct_trigrams, scores

RNG = np.random.default_rng(5)
ASKED, SAID = (unit(np.abs(RNG.standard_normal((3, 4)))) for _ in range(2))
WANTED = unit(np.abs(RNG.standard_normal((1, 4))))
TEXTS = ["a b c a b c a b c", "one two three four five six seven " * 9, "short"]


def frame(ids: list[str], vectors: Vectors) -> pl.DataFrame:
    return pl.DataFrame({"subject_id": ids, "vector": vectors})


def tables() -> dict[str, pl.DataFrame]:
    rows = [(f"a{i}", f"q{i}", text, "answer" if i else "draw") for i, text in enumerate(TEXTS)]
    return {
        "responses": pl.DataFrame(rows, ["subject_id", "instruction_id", "text", "use"], orient="row"),
        "instruction_vectors": frame(["q0", "q1", "q2"], ASKED),
        "response_vectors": frame(["a0", "a1"], SAID[:2]),
        "reference_vectors": frame(["a0"], WANTED),
    }


def naive(i: int, *, by_reference: bool) -> float:
    words = TEXTS[i].split()
    grams = list(zip(words, words[1:], words[2:], strict=False))
    first = count_tokens(TEXTS[i]) / 100
    if by_reference:
        most = max(count_tokens(text) / 100 for text in TEXTS)
        share = sum(x * y for x, y in zip(SAID[i].tolist(), WANTED[0].tolist(), strict=True)) / 0.9
        first = most * min(share, 1.0)
    relevance = sum(x * y for x, y in zip(ASKED[i].tolist(), SAID[i].tolist(), strict=True))
    return first * len(set(grams)) / len(grams) * relevance


@pytest.mark.parametrize("by_reference", [True, False])
def test_rewards_are_the_product_of_their_terms(*, by_reference: bool) -> None:
    found = scores(tables(), Knobs(by_reference=by_reference, most_relevance=0.9))
    values = {one: value for one, _, value, _ in found.rows()}

    assert values["a0"] == pytest.approx(naive(0, by_reference=by_reference), rel=1e-5)
    assert values["a1"] == values["q1"] == pytest.approx(naive(1, by_reference=False), rel=1e-5)
    assert values["a2"] is None
    assert "q0" not in values  # a draw for a pair says nothing of its instruction


def test_a_text_of_two_words_repeats_nothing() -> None:
    assert [distinct_trigrams(text) for text in ("two words", "a a a a", "a b c d")] == [1.0, 0.5, 1.0]
