"""The Sentence Transformers door (extra `models`): a model of one's own, in PyTorch or ONNX, loaded once a process."""

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.vectors import Vectors, unit

BATCH_TEXTS = 64


def embed(
    texts: Sequence[str], *, model: str, revision: str, pooling: str, prefix: str, max_length_tokens: int, backend: str
) -> Vectors:
    """Embed texts: (n, d) float32, rows of unit length.

    Args:
        texts: Any number of them.
        model: Name on the hub, or a folder.
        revision: Commit, tag or branch; empty is the latest that is at hand.
        pooling: `mean` over the tokens, or `cls`, the first one.
        prefix: Put before every text, as some models want ("query: ").
        max_length_tokens: What is beyond is not read.
        backend: torch or onnx. A folder without an ONNX file is exported when it is loaded.

    Raises:
        UsageError: The extra is not installed, or no model is named.
    """
    if not model:
        raise UsageError("embeddings.embedder is sentence_transformers, and embeddings.model names no model")
    engine = _engine(model, revision, backend)
    engine.max_seq_length = max_length_tokens
    # Pooled here, so that it is the one that is asked for whatever the model's folder says.
    tokens = engine.encode(
        [prefix + text for text in texts],
        batch_size=BATCH_TEXTS,
        show_progress_bar=False,
        output_value="token_embeddings",
        convert_to_numpy=False,
    )
    states = [np.asarray(found.float().cpu()) for found in tokens]
    pooled = [found.mean(axis=0) if pooling == "mean" else found[0] for found in states]
    return unit(np.stack(pooled)) if pooled else np.empty((0, 0), dtype=np.float32)


@lru_cache(maxsize=1)
def _engine(model: str, revision: str, backend: str) -> Any:
    if not _has("sentence_transformers"):
        raise UsageError(
            f"the embedder `{model}` needs the extra `models`",
            hint="pip install 'wellspring[models]', or --set embeddings.embedder=hashing",
        )
    if backend == "onnx" and not (_has("optimum") and _has("optimum.onnxruntime")):
        raise UsageError("embeddings.backend is onnx", hint="pip install optimum-onnx onnxruntime, or backend = torch")
    from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports] - an extra

    return SentenceTransformer(model, revision=revision or None, backend=backend)


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
