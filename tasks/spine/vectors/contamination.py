"""The profile's benchmarks, read and indexed once in each process, and what may be in no dataset because of them."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import BenchmarksSettings, Settings
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.io.corpora import benchmarks as files
from wellspring.tasks.methods.pages import decontamination
from wellspring.tasks.methods.pages.decontamination import Benchmarks, Prompt
from wellspring.tasks.spine.running import sharding
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run
from wellspring.tasks.spine.vectors import ceilings, embedders

VERSION = 1
BATCH_ROWS = 4_096
CHECK = "not_contaminated"


def owed(settings: Settings) -> list[str]:
    """The required checks that every answer has a verdict of: without a benchmark nothing is looked for in any."""
    named = settings.verdicts.owed
    return [name for name in named if name != CHECK or settings.benchmarks.paths]


def fingerprint(settings: Settings) -> str:
    """Name what is looked for, and how: the bytes of the files and the thresholds, not where the files lie.

    Raises:
        BrokenError: A file is missing, or has no prompts.
    """
    wanted = settings.benchmarks
    if not wanted.paths:
        return ""
    load(wanted)  # a missing file is named by its reader
    digests = sorted(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in wanted.files().values())
    versions = raised("decontamination", "word_hashes", own=VERSION)
    cosines = sorted({ceilings.benchmarks(settings, noun) for noun in ("passages", "seeds")})
    return content_id("benchmarks", digests, wanted.ngram_words, wanted.containment, *cosines, *versions.items())


def load(wanted: BenchmarksSettings) -> Benchmarks:
    """Return the benchmarks of the profile, indexed; none at all where it names none.

    Raises:
        BrokenError: A file is missing, or has no prompts.
    """
    return _load(tuple(wanted.files().items()), wanted.ngram_words, wanted.containment)


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


def by_meaning(settings: Settings, noun: str, vectors: Vectors, prompt_vectors: Vectors) -> Mapping[int, Rejection]:
    """Return the rows of `vectors` (n, d) that are too near a benchmark prompt, each with its refusal.

    Args:
        settings: With the benchmarks; `benchmarks.cosine` is the ceiling, above 1 is off.
        noun: Whose texts these are.
        vectors: Unit vectors of the texts.
        prompt_vectors: (m, d) unit vectors of `texts(settings.benchmarks)`, by the same embedder.
    """
    found = decontamination.semantic(
        load(settings.benchmarks), vectors, prompt_vectors, ceilings.benchmarks(settings, noun)
    )
    return {row: Rejection("contaminated", match.describe()) for row, match in enumerate(found) if match}


def texts(wanted: BenchmarksSettings) -> Sequence[str]:
    """Return the prompts that are looked for by meaning: those whose text is known; none where that is off."""
    return [prompt.text for prompt in decontamination.readable(load(wanted))] if _is_by_meaning(wanted) else []


def _is_by_meaning(wanted: BenchmarksSettings) -> bool:
    return wanted.cosine is None or wanted.cosine <= 1


def looked_for(wanted: BenchmarksSettings) -> list[dict[str, Any]]:
    """Return a row for each benchmark of the profile: its prompts, and how they are looked for."""
    prompts = Counter(prompt.benchmark for prompt in load(wanted).prompts)
    meant = Counter(prompt.benchmark for prompt in decontamination.readable(load(wanted)) if _is_by_meaning(wanted))
    return [
        {"benchmark": name, "prompts": count, "looked for by": "words and meaning" if meant[name] else "words"}
        for name, count in sorted(prompts.items())
    ]


def passages_method(settings: Settings) -> dict[str, str]:
    """Return fingerprint -> name of the look at passages by meaning; nothing where it is off."""
    is_looked = bool(texts(settings.benchmarks))
    return {content_id("passages by meaning", fingerprint(settings)): "benchmarks by meaning"} if is_looked else {}


def refuse_passages(run: Run) -> Counts:
    """Refuse embedded passages that mean what a benchmark asks; no later stage reads a document that holds one.

    Each passage is looked at once for each set of benchmarks: other files, or another ceiling, make all of them due.
    """
    wanted = run.settings.benchmarks
    counts = Counts()
    for method in passages_method(run.settings):
        mine = embedders.embedder(run, "passages")
        scope = {"model": mine.fingerprint, "settled_runs": sharding.done(run, "contamination", method)}
        fresh = run.store.query("embeddings/unsettled_runs", **scope)["run_id"].to_list()
        if not fresh:
            continue
        prompts = mine.embed(texts(wanted)).vectors
        rows: list[records.RejectionRow] = []
        for batch in run.store.stream("embeddings/fresh_passages", BATCH_ROWS, **scope):
            vectors = np.array(batch["vector"].to_list(), np.float32)
            ids = batch["text_id"].to_list()
            rows += [
                records.RejectionRow("embeddings", ids[row], method, refusal.reason, refusal.detail, run.run_id)
                for row, refusal in by_meaning(run.settings, "passages", vectors, prompts).items()
            ]
        with run.store.transaction():
            refused = run.store.append("rejections", rows)
            sharding.note_done(run, "contamination", method, fresh)
        counts += Counts(rows_out=-refused, rows_rejected=refused)
    return counts
