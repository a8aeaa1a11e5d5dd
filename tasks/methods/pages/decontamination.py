"""Benchmark prompts in our data: found exactly, by 13-grams, and in disguise; and which prompt it was.

Four looks, the cheap ones first. `exact`: the same words, whatever case, punctuation and spacing. `ngram`: a run of 13
words in common (GPT-3's rule, Brown et al. 2020, appendix C). `containment`: a stretch of the text holds nearly all of
a prompt's words and letters (a prompt with typos, swapped words, a preface, or inside a longer text), or the text is
the larger part of a prompt. `embedding`: an optional look by meaning, with vectors that the caller makes.

Containment is measured on what is left after aligning: candidates share word pairs with the text, and are then
compared word by word (typos by letter pairs) in the window where they share most. Prompts whose letters stand alone
(Chinese and its kin, see `contracts/scripts.py`) are compared letter by letter in order, and several letters count
as a word wherever words are counted.

Before any look, case, width, accents, entities and characters that nobody sees are undone in prompt and text alike.

A benchmark need not be at hand as text: `seal` makes of a prompt the hashes of its words with their lengths, in order,
and sealed prompts are found by the same looks with the same results, but that a misspelt word is a missing one, and
that they cannot be looked for by meaning. A seal keeps a benchmark's text out of files and out of what is trained on
them; it is no secret from those who have a list of words.

Use: `benchmarks = decontamination.index(rows)`, then `decontamination.check(benchmarks, text)`, which raises a
Rejection that names the prompt; or `find_all(benchmarks, texts)`.
"""

import html
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

from wellspring.tasks.contracts import scripts
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.subsequences import lcs
from wellspring.tasks.methods.pages import word_hashes

VERSION = 2
NGRAM_WORDS = 13
CONTAINMENT = 0.8
SHORT_WORDS, SHORT_CONTAINMENT = 8, 0.9  # "What is the meaning of life?" must not lose its last word
SHORTEST_WORDS = 4  # a prompt of fewer words ("Hello!") is matched as a whole text only
PART_WORDS = 6  # a text of fewer words is not taken for the beginning of a prompt
PART_SHARE = 0.4  # and it has to be this much of it
MAX_CANDIDATES = 8  # rows compared word by word, for one text
TYPO_CHARS = 3  # of a word that may be misspelt, and the most letters by which its length may change
SHOWN_CHARS = 160

_ACCENTS = re.compile(r"[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")
_DOTLESS = {0x131: "i"}
_SEALED_WORD = r"#[0-9a-f]{16}[0-9]+"  # its hash, and how many letters it has; 0 and its scale if it stands alone
_SEALED = re.compile(rf"{_SEALED_WORD}(?: {_SEALED_WORD})*")
_HASH = slice(1, 17)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A row of a benchmark; its text as it is, or sealed."""

    benchmark: str
    row_id: str
    text: str

    @property
    def is_sealed(self) -> bool:
        """Whether only hashes of its words are known."""
        return self.text.startswith("#") and _SEALED.fullmatch(self.text) is not None


@dataclass(frozen=True, slots=True)
class Match:
    """A text's likeness to a benchmark prompt: how it was found, and how much of the prompt (or of the text) it is."""

    kind: str
    prompt: Prompt
    share: float

    def describe(self) -> str:
        """Say which prompt it is, for a rejection's detail."""
        shown = "(sealed)" if self.prompt.is_sealed else " ".join(self.prompt.text.split())[:SHOWN_CHARS]
        return f"{self.kind} {self.share:.2f} {self.prompt.benchmark}:{self.prompt.row_id} {shown!r}"


@dataclass(slots=True)
class Benchmarks:
    """Prompts, indexed: whole texts, long runs, and word pairs."""

    prompts: list[Prompt]
    words: list[list[str]]
    is_sealed: list[bool]
    ngram_words: int
    containment: float
    whole: dict[bytes, int]
    runs: dict[int, list[int]]  # rows that have it
    run_hashes: NDArray[np.uint64]
    pair_hashes: NDArray[np.uint64]
    posting_offsets: NDArray[np.int64]
    posting_rows: NDArray[np.int64]
    sizes: NDArray[np.int64]
    scales: NDArray[np.int64]  # words of `word_hashes` for a word: more than 1 where letters stand alone


def index(prompts: Iterable[Prompt], ngram_words: int = NGRAM_WORDS, containment: float = CONTAINMENT) -> Benchmarks:
    """Index benchmark prompts.

    Args:
        prompts: The rows; blank ones are left out.
        ngram_words: Words of a run that is contamination by itself.
        containment: Share of a prompt (or of a text) that is.
    """
    kept = [prompt for prompt in prompts if _words(prompt)]
    scales = [_scale(_words(prompt)) for prompt in kept]
    hashes = [_hashes(prompt) for prompt in kept]
    whole: dict[bytes, int] = {}
    runs: dict[int, list[int]] = {}
    pairs: dict[int, list[int]] = {}
    for row, (own, long, short) in enumerate(
        zip(hashes, _shingles(hashes, ngram_words), _shingles(hashes, 2), strict=True)
    ):
        whole.setdefault(own.tobytes(), row)
        for value in set(long) if len(own) >= ngram_words else ():
            runs.setdefault(value, []).append(row)
        for value in set(short):
            pairs.setdefault(value, []).append(row)
    order = sorted(pairs)
    return Benchmarks(
        prompts=kept,
        words=[_words(prompt) for prompt in kept],
        is_sealed=[prompt.is_sealed for prompt in kept],
        ngram_words=ngram_words,
        containment=containment,
        whole=whole,
        runs=runs,
        run_hashes=np.array(sorted(runs), np.uint64),
        pair_hashes=np.array(order, np.uint64),
        posting_offsets=np.cumsum([0, *(len(pairs[value]) for value in order)]),
        posting_rows=np.array([row for value in order for row in pairs[value]], np.int64),
        sizes=np.array([len(own) for own in hashes], np.int64),
        scales=np.array(scales, np.int64),
    )


def seal(text: str) -> str:
    """Return a text as the hashes of its words, to stand in a benchmark in its place; nothing of one without words."""
    return " ".join(_sealed(_plain(text)))


def readable(benchmarks: Benchmarks) -> list[Prompt]:
    """Return the prompts whose text is known: those that can be looked for by meaning."""
    return [prompt for prompt, is_sealed in zip(benchmarks.prompts, benchmarks.is_sealed, strict=True) if not is_sealed]


def match_of(benchmarks: Benchmarks, text: str) -> Match | None:
    """Return the benchmark prompt that a text holds, or None."""
    return find_all(benchmarks, [text])[0]


def check(benchmarks: Benchmarks, text: str) -> None:
    """Refuse a text that holds a benchmark prompt.

    Raises:
        Rejection: `contaminated`; the detail names benchmark, row and prompt.
    """
    if match := match_of(benchmarks, text):
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
        hit = _exact(benchmarks, hashes[offsets[i] : offsets[i + 1]]) or _run(
            benchmarks, runs[run_slice], has_run[run_slice], size
        )
        found.append(hit or _contained(benchmarks, text, pairs[pair_slice]))
    return found


def semantic(
    benchmarks: Benchmarks, vectors: NDArray[np.float32], prompt_vectors: NDArray[np.float32], cosine: float
) -> list[Match | None]:
    """Return for each vector the benchmark prompt nearest by meaning, where it is near enough.

    Args:
        benchmarks: The prompts.
        vectors: (n, d) unit vectors of the texts.
        prompt_vectors: (m, d) unit vectors of those that are `readable`, by the same model.
        cosine: Least cosine; above 1 finds nothing.
    """
    if not len(vectors) or not len(prompt_vectors) or cosine > 1:
        return [None] * len(vectors)
    prompts = readable(benchmarks)
    found: list[Match | None] = []
    for start in range(0, len(vectors), 1024):
        scores = vectors[start : start + 1024] @ prompt_vectors.T
        best = scores.argmax(axis=1)
        for row, score in zip(best, scores[np.arange(len(best)), best], strict=True):
            found.append(Match("embedding", prompts[row], float(score)) if score >= cosine else None)
    return found


def _plain(text: str) -> str:
    """Undo what disguises a text without changing its words: entities, case, width, ligatures, accents, odd spaces."""
    text = html.unescape(text) if "&" in text else text
    if text.isascii():
        return text
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", scripts.seen(text.casefold())))
    return unicodedata.normalize("NFKC", bare.casefold().translate(_DOTLESS))


def _words(prompt: Prompt) -> list[str]:
    return prompt.text.split() if prompt.is_sealed else word_hashes.listed(_plain(prompt.text))


def _scale(words: Sequence[str]) -> int:
    """Return how many words of a prompt are counted as one."""
    return scripts.scale([_own_scale(word) for word in words])


def _own_scale(word: str) -> int:
    if not word.startswith("#"):
        return scripts.letters_in_word(word)
    said = word[_HASH.stop :]
    return int(said) if said[0] == "0" else 1


def _letters(word: str) -> int:
    if not word.startswith("#"):
        return len(word)
    said = word[_HASH.stop :]
    return 1 if said[0] == "0" else int(said)


def _sealed(text: str) -> list[str]:
    """Return the words of a text as a sealed prompt has them."""
    hashes, _ = word_hashes.words([text])
    words = word_hashes.listed(text)
    return [f"#{value:016x}{_tail(word)}" for value, word in zip(hashes.tolist(), words, strict=True)]


def _tail(word: str) -> str:
    return f"0{scripts.letters_in_word(word)}" if scripts.stands_alone(word) else str(len(word))


def _hashes(prompt: Prompt) -> word_hashes.Hashes:
    if prompt.is_sealed:
        return np.array([int(word[_HASH], 16) for word in _words(prompt)], np.uint64)
    return word_hashes.words([_plain(prompt.text)])[0]


def _shingles(hashes: Sequence[word_hashes.Hashes], size: int) -> list[list[int]]:
    offsets = np.cumsum([0, *(len(own) for own in hashes)])
    found, ends = word_hashes.shingles(np.concatenate([np.empty(0, np.uint64), *hashes]), offsets, size)
    return [found[a:b].tolist() for a, b in itertools.pairwise(ends)]


def _known(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(known) or not len(hashes):
        return np.zeros(len(hashes), np.bool_)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return known[place] == hashes


def _exact(benchmarks: Benchmarks, hashes: word_hashes.Hashes) -> Match | None:
    row = benchmarks.whole.get(hashes.tobytes())
    return None if row is None else Match("exact", benchmarks.prompts[row], 1.0)


def _run(benchmarks: Benchmarks, runs: NDArray[np.uint64], is_known: NDArray[np.bool_], size: int) -> Match | None:
    if size < benchmarks.ngram_words or not is_known.any():
        return None
    rows = Counter(row for value in runs[is_known].tolist() for row in benchmarks.runs[value])
    edges = np.flatnonzero(np.diff(is_known, prepend=False, append=False))
    longest = int(np.diff(edges)[::2].max())
    for row in [row for row in rows if longest <= benchmarks.ngram_words * (int(benchmarks.scales[row]) - 1)]:
        del rows[row]
    if not rows:
        return None
    row, count = max(sorted(rows.items()), key=lambda pair: pair[1])
    share = min(1.0, count / max(1, len(benchmarks.words[row]) - benchmarks.ngram_words + 1))
    return Match("ngram", benchmarks.prompts[row], share)


def _contained(benchmarks: Benchmarks, text: str, pairs: NDArray[np.uint64]) -> Match | None:
    """Compare the text with the prompts that share most word pairs with one stretch of it."""
    candidates = _candidates(benchmarks, pairs)
    if not candidates:
        return None
    kinds = {benchmarks.is_sealed[row] for row, _ in candidates}
    words = {is_sealed: _sealed(text) if is_sealed else word_hashes.listed(text) for is_sealed in kinds}
    best: Match | None = None
    for row, start in candidates:
        scale = int(benchmarks.scales[row])
        share = _likeness(words[benchmarks.is_sealed[row]], start, benchmarks.words[row], scale)
        is_short = len(benchmarks.words[row]) <= SHORT_WORDS * scale
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
    is_long = sizes >= SHORTEST_WORDS * benchmarks.scales[rows]
    is_near = is_long & ((of_prompt >= 0.3) | ((of_text >= 0.6) & (of_prompt >= 0.2)))  # noqa: PLR2004
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


def _likeness(words: Sequence[str], start: int, prompt: Sequence[str], scale: int) -> float:
    """Return how much of the prompt stands in a window of the text, or how much of the text begins the prompt."""
    size = len(prompt)
    slack = max(2, size // 5)
    window = words[max(0, start - slack) : start + size + slack]
    shared = _shared if scale == 1 else _in_order
    share = shared(prompt, window)
    if len(words) >= PART_WORDS * scale and PART_SHARE * size <= len(words) < size:
        share = max(share, shared(words, prompt[: len(words) + slack]))
    return share


def _in_order(wanted: Sequence[str], there: Sequence[str]) -> float:
    return lcs([*wanted], [*there]) / len(wanted)


def _shared(wanted: Sequence[str], there: Sequence[str]) -> float:
    """Share of `wanted` that is in `there`: words one for one, misspelt ones by the letters they have in common.

    Words weigh by their letters, so that a changed name counts for more than a changed article. Of sealed words the
    letters are not known, only how many there are.
    """
    left = Counter(there)
    missing: list[str] = []
    found = total = 0.0
    for word in wanted:
        weight = 1.0 + _letters(word) / 4
        total += weight
        if left[word] > 0:
            left[word] -= 1
            found += weight
        elif not word.startswith("#"):
            missing.append(word)
    spare = [f" {word} " for word in there if left[word] > 0]
    for word in missing:
        grams = [f" {word} "[i : i + 2] for i in range(len(word) + 1)]
        near = (other for other in spare if abs(len(other) - len(word) - 2) <= TYPO_CHARS)
        share = max((sum(gram in other for gram in grams) / len(grams) for other in near), default=0.0)
        if len(word) >= TYPO_CHARS and share >= 0.5:  # noqa: PLR2004 - half of its letter pairs: a typo
            found += share * (1.0 + len(word) / 4)
    return found / total if total else 0.0
