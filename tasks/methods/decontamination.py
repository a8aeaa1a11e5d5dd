"""Benchmark prompts in our data: found exactly, by 13-grams, and in disguise; and which prompt it was.

Four looks, the cheap ones first. `exact`: the same words, whatever case, punctuation and spacing. `ngram`: a run of 13
words in common (GPT-3's rule, Brown et al. 2020, appendix C). `containment`: a stretch of the text holds nearly all of
a prompt's words and letters (a prompt with typos, swapped words, a preface, or inside a longer text), or the text is
the larger part of a prompt. `embedding`: an optional look by meaning, with vectors that the caller makes.

Containment is measured on what is left after aligning: candidates share word pairs with the text, and are then
compared word by word (typos by letter trigrams) in the window where they share most.

Use: `benchmarks = decontamination.index(rows)`, then `decontamination.check(benchmarks, text)`, which raises a
Rejection that names the prompt; or `find_all(benchmarks, texts)`.
"""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tasks.contracts.errors import Rejection
from tasks.methods import word_hashes

VERSION = 1
NGRAM_WORDS = 13
CONTAINMENT = 0.8
SHORT_WORDS, SHORT_CONTAINMENT = 8, 0.9  # "What is the meaning of life?" must not lose its last word
SHORTEST_WORDS = 4  # a prompt of fewer words ("Hello!") is matched as a whole text only
PART_WORDS = 6  # a text of fewer words is not taken for the beginning of a prompt
PART_SHARE = 0.4  # and it has to be this much of it
MAX_CANDIDATES = 8  # rows compared word by word, for one text
SHOWN_CHARS = 160

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A row of a benchmark."""

    benchmark: str
    row_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A text's likeness to a benchmark prompt: how it was found, and how much of the prompt (or of the text) it is."""

    kind: str
    prompt: Prompt
    share: float

    def describe(self) -> str:
        """Say which prompt it is, for a rejection's detail."""
        shown = " ".join(self.prompt.text.split())[:SHOWN_CHARS]
        return f"{self.kind} {self.share:.2f} {self.prompt.benchmark}:{self.prompt.row_id} {shown!r}"


@dataclass(slots=True)
class Benchmarks:
    """Prompts, indexed: whole texts, long runs, and word pairs."""

    prompts: list[Prompt]
    words: list[list[str]]
    ngram_words: int
    containment: float
    whole: dict[tuple[str, ...], int]
    runs: dict[int, int]
    run_hashes: NDArray[np.uint64]
    pair_hashes: NDArray[np.uint64]
    posting_offsets: NDArray[np.int64]
    posting_rows: NDArray[np.int64]
    sizes: NDArray[np.int64]


def index(prompts: Iterable[Prompt], ngram_words: int = NGRAM_WORDS, containment: float = CONTAINMENT) -> Benchmarks:
    """Index benchmark prompts.

    Args:
        prompts: The rows; blank ones are left out.
        ngram_words: Words of a run that is contamination by itself.
        containment: Share of a prompt (or of a text) that is.
    """
    kept = [prompt for prompt in prompts if _words(prompt.text)]
    words = [_words(prompt.text) for prompt in kept]
    whole: dict[tuple[str, ...], int] = {}
    runs: dict[int, int] = {}
    pairs: dict[int, list[int]] = {}
    for row, (found, long, short) in enumerate(zip(words, _hashed(kept, ngram_words), _hashed(kept, 2), strict=True)):
        whole.setdefault(tuple(found), row)
        for value in long if len(found) >= ngram_words else ():
            runs.setdefault(value, row)
        for value in set(short):
            pairs.setdefault(value, []).append(row)
    order = sorted(pairs)
    return Benchmarks(
        prompts=kept,
        words=words,
        ngram_words=ngram_words,
        containment=containment,
        whole=whole,
        runs=runs,
        run_hashes=np.array(sorted(runs), np.uint64),
        pair_hashes=np.array(order, np.uint64),
        posting_offsets=np.cumsum([0, *(len(pairs[value]) for value in order)]),
        posting_rows=np.array([row for value in order for row in pairs[value]], np.int64),
        sizes=np.array([len(found) for found in words], np.int64),
    )


def find(benchmarks: Benchmarks, text: str) -> Match | None:
    """Return the benchmark prompt that a text holds, or None."""
    return find_all(benchmarks, [text])[0]


def check(benchmarks: Benchmarks, text: str) -> None:
    """Refuse a text that holds a benchmark prompt.

    Raises:
        Rejection: `contaminated`; the detail names benchmark, row and prompt.
    """
    if match := find(benchmarks, text):
        raise Rejection("contaminated", match.describe())


def find_all(benchmarks: Benchmarks, texts: Sequence[str]) -> list[Match | None]:
    """Return for each text the benchmark prompt it holds, or None; the strongest look that finds one speaks."""
    if not benchmarks.prompts:
        return [None] * len(texts)
    plain = [_plain(text) for text in texts]
    hashes, offsets = word_hashes.words(plain)
    runs, run_offsets = word_hashes.shingles(hashes, offsets, benchmarks.ngram_words)
    pairs, pair_offsets = word_hashes.shingles(hashes, offsets, 2)
    has_run = _known(runs, benchmarks.run_hashes)
    found: list[Match | None] = []
    for i, text in enumerate(plain):
        size = int(offsets[i + 1] - offsets[i])
        run_slice, pair_slice = slice(run_offsets[i], run_offsets[i + 1]), slice(pair_offsets[i], pair_offsets[i + 1])
        hit = _exact(benchmarks, text, size) or _run(benchmarks, runs[run_slice], has_run[run_slice], size)
        found.append(hit or _contained(benchmarks, text, pairs[pair_slice]))
    return found


def semantic(
    benchmarks: Benchmarks, vectors: NDArray[np.float32], prompt_vectors: NDArray[np.float32], cosine: float
) -> list[Match | None]:
    """Return for each vector the benchmark prompt nearest by meaning, where it is near enough.

    Args:
        benchmarks: The prompts.
        vectors: (n, d) unit vectors of the texts.
        prompt_vectors: (m, d) unit vectors of `benchmarks.prompts`, by the same model.
        cosine: Least cosine; above 1 finds nothing.
    """
    if not len(vectors) or not len(prompt_vectors) or cosine > 1:
        return [None] * len(vectors)
    found: list[Match | None] = []
    for start in range(0, len(vectors), 1024):
        scores = vectors[start : start + 1024] @ prompt_vectors.T
        best = scores.argmax(axis=1)
        for row, score in zip(best, scores[np.arange(len(best)), best], strict=True):
            found.append(Match("embedding", benchmarks.prompts[row], float(score)) if score >= cosine else None)
    return found


def _plain(text: str) -> str:
    """Undo what disguises a text without changing its words: width, ligatures, accents' forms, odd spaces."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _words(text: str) -> list[str]:
    return _WORD.findall(_plain(text).lower())


def _hashed(prompts: Sequence[Prompt], size: int) -> list[list[int]]:
    hashes, offsets = word_hashes.shingles(*word_hashes.words([_plain(prompt.text) for prompt in prompts]), size)
    return [hashes[a:b].tolist() for a, b in itertools.pairwise(offsets)]


def _known(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(known) or not len(hashes):
        return np.zeros(len(hashes), np.bool_)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return known[place] == hashes


def _exact(benchmarks: Benchmarks, text: str, size: int) -> Match | None:
    if size > 5_000:  # noqa: PLR2004 - no prompt is that long; do not tokenise a book to learn so
        return None
    row = benchmarks.whole.get(tuple(_WORD.findall(text.lower())))
    return None if row is None else Match("exact", benchmarks.prompts[row], 1.0)


def _run(benchmarks: Benchmarks, runs: NDArray[np.uint64], is_known: NDArray[np.bool_], size: int) -> Match | None:
    if size < benchmarks.ngram_words or not is_known.any():
        return None
    rows = Counter(benchmarks.runs[value] for value in runs[is_known].tolist())
    row, count = max(sorted(rows.items()), key=lambda pair: pair[1])
    share = min(1.0, count / max(1, len(benchmarks.words[row]) - benchmarks.ngram_words + 1))
    return Match("ngram", benchmarks.prompts[row], share)


def _contained(benchmarks: Benchmarks, text: str, pairs: NDArray[np.uint64]) -> Match | None:
    """Compare the text with the prompts that share most word pairs with one stretch of it."""
    candidates = _candidates(benchmarks, pairs)
    if not candidates:
        return None
    words = _WORD.findall(text.lower())
    best: Match | None = None
    for row, start in candidates:
        share = _likeness(words, start, benchmarks.words[row])
        is_short = len(benchmarks.words[row]) <= SHORT_WORDS
        needed = max(SHORT_CONTAINMENT, benchmarks.containment) if is_short else benchmarks.containment
        if share >= needed and (best is None or share > best.share):
            best = Match("containment", benchmarks.prompts[row], share)
    return best


def _candidates(benchmarks: Benchmarks, pairs: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """Rows with enough of their pairs in one stretch of the text, most first, and where that stretch begins."""
    known = benchmarks.pair_hashes
    place = np.minimum(np.searchsorted(known, pairs), len(known) - 1)
    ids = np.where(known[place] == pairs, place, -1)
    if np.count_nonzero(ids >= 0) < 2:  # noqa: PLR2004 - one pair in common says nothing
        return []
    rows, counts, starts = _windows(ids, benchmarks.posting_offsets, benchmarks.posting_rows, benchmarks.sizes)
    sizes = benchmarks.sizes[rows]
    of_prompt = counts / np.maximum(1, sizes - 1)
    of_text = counts / max(1, len(pairs))
    is_near = (sizes >= SHORTEST_WORDS) & ((of_prompt >= 0.3) | ((of_text >= 0.6) & (of_prompt >= 0.2)))  # noqa: PLR2004
    score = np.maximum(of_prompt, of_text)[is_near]
    order = np.lexsort((rows[is_near], -score))[:MAX_CANDIDATES]
    return [(int(row), int(start)) for row, start in zip(rows[is_near][order], starts[is_near][order], strict=True)]


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _windows(ids: Any, offsets: Any, postings: Any, sizes: Any) -> Any:  # pragma: no cover - compiled
    """For each row sharing pairs with the text: the most pairs in a window of the row's length, and where it begins."""
    rows, begins, places = _places(ids, offsets, postings, len(sizes))
    best = np.zeros(len(rows), np.int64)
    starts = np.zeros(len(rows), np.int64)
    for k, row in enumerate(rows):
        low = begins[row]
        for high in range(begins[row], begins[row + 1]):
            while places[high] - places[low] >= sizes[row]:
                low += 1
            if high - low + 1 > best[k]:
                best[k] = high - low + 1
                starts[k] = places[low]
    return rows, best, starts


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _places(ids: Any, offsets: Any, postings: Any, count: int) -> Any:  # pragma: no cover - compiled
    """Where each row's pairs stand in the text: rows that have any, offsets by row, places in order."""
    totals = np.zeros(count, np.int64)
    for id_ in ids:
        if id_ >= 0:
            for row in postings[offsets[id_] : offsets[id_ + 1]]:
                totals[row] += 1
    begins = np.zeros(count + 1, np.int64)
    begins[1:] = np.cumsum(totals)
    places = np.empty(begins[count], np.int64)
    filled = begins[:count].copy()
    for place, id_ in enumerate(ids):
        if id_ >= 0:
            for row in postings[offsets[id_] : offsets[id_ + 1]]:
                places[filled[row]] = place
                filled[row] += 1
    return np.flatnonzero(totals), begins, places


def _likeness(words: Sequence[str], start: int, prompt: Sequence[str]) -> float:
    """Return how much of the prompt stands in a window of the text, or how much of the text begins the prompt."""
    size = len(prompt)
    slack = max(2, size // 5)
    window = words[max(0, start - slack) : start + size + slack]
    share = _shared(prompt, window)
    if len(words) >= PART_WORDS and PART_SHARE * size <= len(words) < size:
        share = max(share, _shared(words, prompt[: len(words) + slack]))
    return share


def _shared(wanted: Sequence[str], there: Sequence[str]) -> float:
    """Share of `wanted` that is in `there`: words one for one, misspelt ones by the letters they have in common.

    Words weigh by their letters, so that a changed name counts for more than a changed article.
    """
    left = Counter(there)
    missing: list[str] = []
    found = total = 0.0
    for word in wanted:
        weight = 1.0 + len(word) / 4
        total += weight
        if left[word] > 0:
            left[word] -= 1
            found += weight
        else:
            missing.append(word)
    spare = "".join(f" {word} " for word in there if left[word] > 0)
    for word in missing:
        grams = [f" {word} "[i : i + 2] for i in range(len(word) + 1)]
        share = sum(gram in spare for gram in grams) / len(grams)
        if len(word) >= SHORTEST_WORDS and share >= 0.5:  # noqa: PLR2004 - half of its letter pairs: a typo
            found += share * (1.0 + len(word) / 4)
    return found / total if total else 0.0
