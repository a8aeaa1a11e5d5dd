"""The profile's benchmarks, read and indexed once in each process, and what may be in no dataset because of them."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from tasks.contracts.errors import Rejection
from tasks.contracts.records import content_id
from tasks.contracts.settings import BenchmarksSettings
from tasks.contracts.vectors import Vectors
from tasks.io import benchmarks as files
from tasks.methods import decontamination
from tasks.methods.decontamination import Benchmarks, Prompt


def fingerprint(wanted: BenchmarksSettings) -> str:
    """Name what is looked for, and how: the bytes of the files and the thresholds, not where the files lie.

    Raises:
        BrokenError: A file is missing, or has no prompts.
    """
    if not wanted.paths:
        return ""
    load(wanted)  # a missing file is named by its reader
    digests = sorted(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in wanted.paths.values())
    return content_id("benchmarks", digests, wanted.ngram_words, wanted.containment, wanted.cosine)


def load(wanted: BenchmarksSettings) -> Benchmarks:
    """Return the benchmarks of the profile, indexed; none at all where it names none.

    Raises:
        BrokenError: A file is missing, or has no prompts.
    """
    return _load(tuple(sorted(wanted.paths.items())), wanted.ngram_words, wanted.containment)


@lru_cache(maxsize=4)
def _load(paths: tuple[tuple[str, str], ...], ngram_words: int, containment: float) -> Benchmarks:
    prompts = (Prompt(*row) for row in files.read(dict(paths)))
    return decontamination.index(prompts, ngram_words, containment)


def check(wanted: BenchmarksSettings, text: str) -> None:
    """Refuse a text that holds a prompt of the profile's benchmarks, in its words.

    Raises:
        Rejection: `contaminated`.
    """
    if wanted.paths:
        decontamination.check(load(wanted), text)


def by_meaning(wanted: BenchmarksSettings, vectors: Vectors, prompt_vectors: Vectors) -> Mapping[int, Rejection]:
    """Return the rows of `vectors` (n, d) that are too near a benchmark prompt, each with its refusal.

    Args:
        wanted: The benchmarks; `cosine` is the ceiling, above 1 is off.
        vectors: Unit vectors of the texts.
        prompt_vectors: (m, d) unit vectors of `texts(wanted)`, by the same embedder.
    """
    found = decontamination.semantic(load(wanted), vectors, prompt_vectors, wanted.cosine)
    return {row: Rejection("contaminated", match.describe()) for row, match in enumerate(found) if match}


def texts(wanted: BenchmarksSettings) -> Sequence[str]:
    """Return the prompts of the profile's benchmarks; none where the look by meaning is off."""
    return [prompt.text for prompt in load(wanted).prompts] if wanted.paths and wanted.cosine <= 1 else []
