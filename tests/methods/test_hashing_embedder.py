"""The embedder that needs no download: few texts, unseen words, empty texts, and the same bits every time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from wellspring.tasks.methods.vectors import hashing_embedder
from wellspring.tasks.methods.vectors.hashing_embedder import fit

FIVE = [
    "the cat sat on the mat",
    "dogs bark loudly at night",
    "bread with butter",
    "rivers flow to the sea",
    "a cat and a dog",
]


def many(count: int) -> list[str]:
    """Texts of two topics, each of its own words."""
    rng = np.random.default_rng(0)
    topics = [[f"{stem}{i}" for i in range(40)] for stem in ("wing", "bread")]
    return [" ".join(rng.choice(topics[i % 2], 12)) for i in range(count)]


def test_five_documents_are_enough() -> None:
    learned = fit(FIVE, 64, 2**12, seed=0)

    vectors, is_empty, _ = learned.embed(FIVE)

    assert vectors.shape == (5, 64)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert not is_empty.any()
    assert learned.components.shape[1] == 5


def test_a_text_lies_nearest_to_what_it_shares_words_with() -> None:
    learned = fit(FIVE, 64, 2**12, seed=0)

    vectors = learned.embed([*FIVE, "butter on bread", "a barking dog"]).vectors

    assert (vectors[5:] @ vectors[:5].T).argmax(axis=1).tolist() == [2, 4]


def test_an_unseen_form_lies_nearer_to_its_kin_than_to_others() -> None:
    learned = fit(many(400), 16, 2**12, seed=0)

    wing, bread, form = learned.embed(["wing3 wing4", "bread3 bread4", "winging"]).vectors

    assert form @ wing > form @ bread + 0.3


def test_words_nobody_knows_still_tell_texts_apart() -> None:
    learned = fit(many(400), 16, 2**12, seed=0)

    one, two, again = learned.embed(["qqq zzz", "kkk jjj", "zzz qqq"]).vectors

    assert one @ again > 0.999
    assert one @ two < 0.8


def test_texts_without_words_get_the_unit_vector_of_nothing_and_a_flag() -> None:
    learned = fit(FIVE, 16, 2**12, seed=0)

    vectors, is_empty, _ = learned.embed(["", "...", "bread"])

    assert is_empty.tolist() == [True, True, False]
    assert vectors[0].tolist() == [1.0, *([0.0] * 15)]


def test_stop_words_count_where_there_is_nothing_else() -> None:
    _, is_empty, _ = fit(FIVE, 16, 2**12, seed=0).embed(["who are you"])

    assert not is_empty[0]


def test_a_text_has_one_vector_whatever_its_batch() -> None:
    texts = many(60)
    learned = fit(texts, 16, 2**12, seed=0)

    together = learned.embed(texts).vectors
    alone = np.concatenate([learned.embed([text]).vectors for text in texts])

    assert together.tobytes() == alone.tobytes()


def test_the_same_corpus_gives_the_same_fit_bit_for_bit() -> None:
    one, two = (fit(many(200), 16, 2**12, seed=0) for _ in range(2))

    assert one.components.tobytes() == two.components.tobytes()


def test_another_seed_is_another_embedder() -> None:
    one, two = (fit(FIVE, 16, 2**12, seed=seed).embed(FIVE).vectors for seed in (0, 1))

    assert not np.array_equal(one, two)


def test_the_projection_is_the_truncated_decomposition_of_the_weighted_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """The naive reference: the whole matrix, decomposed by LAPACK."""
    kept: list[sparse.csr_matrix] = []
    original: Callable[..., np.ndarray] = hashing_embedder._right_vectors

    def watched(texts: sparse.csr_matrix, hashed: sparse.csr_matrix, dimensions: int, seed: int) -> np.ndarray:
        kept.append(texts @ hashed)
        return original(texts, hashed, dimensions, seed)

    monkeypatch.setattr(hashing_embedder, "_right_vectors", watched)

    learned = fit(many(300), 4, 2**12, seed=0)

    right = np.linalg.svd(kept[0].toarray(), full_matrices=False)[2][:2].T
    found = learned.components[:, :2].astype(np.float64)
    assert np.abs(np.abs((right * found).sum(axis=0)) - 1).max() < 1e-3


def test_an_empty_corpus_leaves_a_sketch_of_hashed_words() -> None:
    learned = fit([], 64, 2**12, seed=0)

    one, two, again = learned.embed(["cats sleep", "rivers flow", "cats sleep"]).vectors

    assert one @ again > 0.999
    assert one @ two < 0.6


def test_a_saved_fit_embeds_as_before_without_pickle(tmp_path: Path) -> None:
    learned = fit(FIVE, 16, 2**12, seed=0)
    learned.save(tmp_path)

    loaded = hashing_embedder.Fit.load(tmp_path)

    assert loaded.embed(FIVE).vectors.tobytes() == learned.embed(FIVE).vectors.tobytes()
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".npy", ".npy", ".npy"]
