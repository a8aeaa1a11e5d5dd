"""Near duplicates: MinHash signatures, bands, exact verification, components.

Two texts are near duplicates if the Jaccard similarity of their sets of five-word shingles reaches a threshold.
MinHash (Broder, "On the resemblance and containment of documents", 1997) only proposes: 112 permutations in 16 bands of
7 find a pair at .8 with probability .977 and one at .9 with .9999. Every proposed pair is then compared exactly, so
there are no false positives but those of 64-bit hash collisions. Words are hashed in compiled code
(`word_hashes.py`): tokenising in Python takes longer than everything else together.

Of a text that must not be kept a sketch is: eight bits of each permutation's minimum (Li and König, "b-bit minwise
hashing", 2010), from which likeness is estimated and nothing is read. The standard error at .8 is .04.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from wellspring.tasks.methods.pages import word_hashes

VERSION = 1
SHINGLE_WORDS = 5
PERMUTATIONS = 112
BANDS = 16
ROWS = PERMUTATIONS // BANDS
SKETCH_VALUES = 256  # of each byte of a sketch
SKETCH_ERROR = 0.04

_GENERATOR = np.random.Generator(np.random.PCG64(20251120))
_MULTIPLIERS = _GENERATOR.integers(0, 2**32, PERMUTATIONS, np.uint32) | np.uint32(1)
_ADDENDS = _GENERATOR.integers(0, 2**32, PERMUTATIONS, np.uint32)


def bands(texts: Sequence[str], shingle_words: int = SHINGLE_WORDS, count: int = BANDS) -> NDArray[np.int64]:
    """Return what candidates share: a hash for each band of each text's signature.

    Args:
        texts: n texts.
        shingle_words: Words in a shingle; fewer for short texts.
        count: Bands, of 112 permutations; more propose pairs that are less alike.

    Returns:
        (n, count) int64. Two texts are candidates if a column holds the same value for both. A text without words has
        zeros, which no other text's band is.
    """
    hashes, offsets = word_hashes.shingles(*word_hashes.words(texts), shingle_words)
    return _bands(hashes, offsets, _MULTIPLIERS, _ADDENDS, count).view(np.int64)


def sketches(texts: Sequence[str]) -> list[bytes]:
    """Return a sketch of each text, 112 bytes; none, of no bytes, of a text without words."""
    hashes, offsets = word_hashes.shingles(*word_hashes.words(texts), SHINGLE_WORDS)
    lowest = _minima(hashes, offsets, _MULTIPLIERS, _ADDENDS).astype(np.uint8)
    has_words = np.diff(offsets.astype(np.int64)) > 0
    return [row.tobytes() if some else b"" for row, some in zip(lowest, has_words, strict=True)]


def likeness(sketch: bytes, others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Estimate how alike a text is to others (m, 112), all as sketches; bytes that are equal by chance do not count."""
    shared = (np.frombuffer(sketch, np.uint8) == others).mean(axis=1)
    return (shared - 1 / SKETCH_VALUES) / (1 - 1 / SKETCH_VALUES)


def jaccard(texts: Sequence[str], pairs: NDArray[np.int64], shingle_words: int = SHINGLE_WORDS) -> NDArray[np.float64]:
    """Return the exact similarity of pairs of texts.

    Args:
        texts: n texts.
        pairs: (m, 2), rows of `texts`.
        shingle_words: Words in a shingle.

    Returns:
        (m,) Jaccard similarities of their sets of shingles; 1 for two texts without words.
    """
    hashes, offsets = word_hashes.shingles(*word_hashes.words(texts), shingle_words)
    values, starts = _sets(hashes, offsets)
    return _jaccard(values, starts, np.ascontiguousarray(pairs, np.int64))


def components(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of `count` things the lowest one it is connected with through `pairs` (m, 2); itself if none."""
    return _components(count, np.ascontiguousarray(pairs, np.int64).reshape(-1, 2))


def candidates(found: NDArray[np.int64], most: int = 20) -> NDArray[np.int64]:
    """Return pairs of rows of (n, 16) bands that share a band: (m, 2) int64, lower row first, each once, in order.

    In a bucket of many, each row is paired with the first and with the `most` before it: near copies are chained, and
    a bucket of k costs k pairs and not k squared.
    """
    pairs: list[NDArray[np.int64]] = []
    for column in range(found.shape[1]):
        order = np.lexsort((np.arange(len(found)), found[:, column]))
        values = found[order, column]
        firsts = np.searchsorted(values, values)
        places = np.arange(len(order))
        for step in range(1, most + 1):
            is_pair = (places - step >= firsts) & (values != 0)
            pairs.append(np.stack([order[places[is_pair] - step], order[is_pair]], axis=1))
            if not is_pair.any():
                break
        is_far = (places - most > firsts) & (values != 0)
        pairs.append(np.stack([order[firsts[is_far]], order[is_far]], axis=1))
    whole = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    return np.unique(whole, axis=0)


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _minima(hashes: Any, offsets: Any, multipliers: Any, addends: Any) -> Any:  # pragma: no cover - compiled
    """Return the lowest value of each permutation over each text's shingles, (n, 112)."""
    lowest = np.full((len(offsets) - 1, len(multipliers)), np.uint32(0xFFFFFFFF), np.uint32)
    for t in range(len(offsets) - 1):
        for i in range(offsets[t], offsets[t + 1]):
            value = np.uint32(hashes[i] >> np.uint64(32))
            for j in range(len(multipliers)):
                lowest[t, j] = min(lowest[t, j], np.uint32(multipliers[j] * value + addends[j]))
    return lowest


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _bands(hashes: Any, offsets: Any, multipliers: Any, addends: Any, count: int) -> Any:  # pragma: no cover - compiled
    rows = len(multipliers) // count
    out = np.zeros((len(offsets) - 1, count), np.uint64)
    lowest = _minima(hashes, offsets, multipliers, addends)
    for t in range(len(offsets) - 1):
        if offsets[t] == offsets[t + 1]:
            continue
        for band in range(count):
            mixed = np.uint64(band + 1)
            for j in range(band * rows, (band + 1) * rows):
                mixed = (mixed ^ np.uint64(lowest[t, j])) * np.uint64(0x9E3779B97F4A7C15)
                mixed ^= mixed >> np.uint64(29)
            out[t, band] = mixed | np.uint64(1)
    return out


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _sets(hashes: Any, offsets: Any) -> Any:  # pragma: no cover - compiled
    """Sort each text's shingles and drop repeats."""
    out = np.empty(len(hashes), np.uint64)
    out_offsets = np.zeros(len(offsets), np.int64)
    n = 0
    for t in range(len(offsets) - 1):
        ordered = np.sort(hashes[offsets[t] : offsets[t + 1]])
        for i in range(len(ordered)):
            if i == 0 or ordered[i] != ordered[i - 1]:
                out[n] = ordered[i]
                n += 1
        out_offsets[t + 1] = n
    return out[:n], out_offsets


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _jaccard(values: Any, offsets: Any, pairs: Any) -> Any:  # pragma: no cover - compiled
    out = np.empty(len(pairs), np.float64)
    for k in range(len(pairs)):
        i, i_end = offsets[pairs[k, 0]], offsets[pairs[k, 0] + 1]
        j, j_end = offsets[pairs[k, 1]], offsets[pairs[k, 1] + 1]
        total = (i_end - i) + (j_end - j)
        common = 0
        while i < i_end and j < j_end:
            if values[i] == values[j]:
                common += 1
                i += 1
                j += 1
            elif values[i] < values[j]:
                i += 1
            else:
                j += 1
        out[k] = common / (total - common) if total else 1.0
    return out


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _components(count: int, pairs: Any) -> Any:  # pragma: no cover - compiled
    parents = np.arange(count)
    for k in range(len(pairs)):
        a, b = pairs[k, 0], pairs[k, 1]
        while parents[a] != a:
            parents[a] = parents[parents[a]]
            a = parents[a]
        while parents[b] != b:
            parents[b] = parents[parents[b]]
            b = parents[b]
        if a < b:
            parents[b] = a
        else:
            parents[a] = b
    for i in range(count):
        parents[i] = parents[parents[i]]  # parents are lower than their children, and settled before them
    return parents
