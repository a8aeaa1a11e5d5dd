"""A model of one's own: a tiny one, made here, in PyTorch; skipped where the extra is not installed."""

import importlib.util
from typing import Any

import numpy as np
import pytest

from tasks.contracts.errors import UsageError
from tasks.io import sentence_models

SHAPE: dict[str, Any] = {"revision": "", "pooling": "mean", "prefix": "", "max_length_tokens": 32, "backend": "torch"}
has_models = importlib.util.find_spec("sentence_transformers") is not None


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A BERT of two layers with random weights and a vocabulary of letters."""
    if not has_models:
        pytest.skip("sentence-transformers is not installed (extra `models`)")
    import torch  # pyright: ignore[reportMissingImports] - an extra
    from transformers import (  # pyright: ignore[reportMissingImports] - an extra
        BertConfig,
        BertModel,
        BertTokenizerFast,
    )

    folder = tmp_path_factory.mktemp("model")
    letters = list("abcdefghijklmnopqrstuvwxyz")
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(known))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    wanted = BertConfig(
        vocab_size=len(known),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(wanted).save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_vectors_are_of_unit_length_and_every_choice_moves_them(model: str) -> None:
    texts = ["hello world", "bread", "x" * 500]

    plain = sentence_models.embed(texts, model=model, **SHAPE)
    cls = sentence_models.embed(texts, model=model, **{**SHAPE, "pooling": "cls"})
    prefixed = sentence_models.embed(texts, model=model, **{**SHAPE, "prefix": "query "})

    assert plain.shape == (3, 32)
    assert plain.dtype == np.float32
    assert np.allclose(np.linalg.norm(plain, axis=1), 1, atol=1e-5)
    assert not np.allclose(plain, cls, atol=1e-3)
    assert not np.allclose(plain, prefixed, atol=1e-3)
    assert np.allclose(plain, sentence_models.embed(texts, model=model, **SHAPE), atol=1e-6)


def test_a_missing_extra_is_said() -> None:
    if has_models:
        pytest.skip("sentence-transformers is installed")

    with pytest.raises(UsageError, match="needs the extra `models`"):
        sentence_models.embed(["a"], model="some/model", **SHAPE)
