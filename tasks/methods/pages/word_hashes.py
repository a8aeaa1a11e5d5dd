r"""Words of many texts as 64-bit hashes, in one pass of compiled code: shingles and n-grams are made of them.

A word is what `contracts/scripts.py` says, with the underscore as a letter: `listed` gives the same words as text. Its
hash is FNV-1a over the UTF-8 bytes of its lower case. Python's own tokenising was the bottleneck of every deduplication
we measured (18 MB/s); this makes 150 MB/s on one core.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from wellspring.tasks.contracts import scripts

VERSION = 2
Hashes = NDArray[np.uint64]
Offsets = NDArray[np.int64]

_FNV_BASIS = np.uint64(14695981039346656037)
_FNV_PRIME = np.uint64(1099511628211)
_CODE_POINTS = 0x110000
_OTHER, _LETTER, _ALONE, _MARK, _UNSEEN = range(5)  # what a character is to a word
_WORD = scripts.word_pattern(r"\w")
_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0x80, 0xE0, 0xF0  # first bytes of UTF-8 sequences, from here on


def words(texts: Sequence[str]) -> tuple[Hashes, Offsets]:
    """Hash the words of texts.

    Args:
        texts: n texts.

    Returns:
        The hashes of all words, text after text (uint64); and n + 1 offsets into them: text i's words are
        `hashes[offsets[i]:offsets[i + 1]]`.
    """
    parts = [text.lower().encode("utf-8", "surrogatepass") for text in texts]
    starts = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=starts[1:])
    data = np.frombuffer(b"".join(parts) + b"\0", np.uint8)
    return _words(data, starts, _kinds())


def listed(text: str) -> list[str]:
    """Return the words of a text as they are hashed, in order."""
    return _WORD.findall(scripts.seen(text.lower()))


def shingles(hashes: Hashes, offsets: Offsets, size: int) -> tuple[Hashes, Offsets]:
    """Hash every run of `size` words within a text; a text of fewer words is one shingle of all it has.

    Returns:
        Shingle hashes and n + 1 offsets, as `words` does. A text without words has none.
    """
    return _shingles(hashes, offsets, size)


@lru_cache(maxsize=1)
def _kinds() -> NDArray[np.uint8]:
    """Return what each code point is to a word."""
    is_letter = np.array([chr(i).isalnum() or chr(i) == "_" for i in range(_CODE_POINTS)], np.bool_)
    kinds = np.where(is_letter, _LETTER, _OTHER).astype(np.uint8)
    for first, last in scripts.ALONE_RANGES:
        kinds[first : last + 1] *= np.uint8(_ALONE)
    characters = "".join(map(chr, range(_CODE_POINTS)))
    for kind, ranges in ((_MARK, scripts.MARKS), (_UNSEEN, scripts.UNSEEN)):
        for found in re.finditer(f"[{ranges}]", characters):
            kinds[found.start()] = kind
    return kinds


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _character(data: Any, i: int) -> Any:  # pragma: no cover - compiled
    """Return of the character that begins at a byte how many bytes it has, and its code point."""
    byte = data[i]
    size, point = 1, int(byte)
    if byte >= _FOUR_BYTES:
        size, point = 4, int(byte & 0x07)
    elif byte >= _THREE_BYTES:
        size, point = 3, int(byte & 0x0F)
    elif byte >= _TWO_BYTES:
        size, point = 2, int(byte & 0x1F)
    for j in range(i + 1, i + size):
        point = (point << 6) | int(data[j] & 0x3F)
    return size, point


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _words(data: Any, starts: Any, kinds: Any) -> Any:  # pragma: no cover - compiled
    count = len(starts) - 1
    offsets = np.zeros(count + 1, np.int64)
    out = np.empty(len(data) // 2 + count + 1, np.uint64)
    n = 0
    for t in range(count):
        i, end = starts[t], starts[t + 1]
        value = _FNV_BASIS
        before = _OTHER
        while i < end:
            size, point = _character(data, i)
            kind = kinds[point]
            is_next = kind == _ALONE or (kind == _LETTER and before == _ALONE)
            if before != _OTHER and (kind == _OTHER or is_next):
                out[n] = value
                n += 1
                value = _FNV_BASIS
                before = _OTHER
            if kind in (_LETTER, _ALONE) or (kind == _MARK and before != _OTHER):
                for j in range(i, i + size):
                    value = (value ^ np.uint64(data[j])) * _FNV_PRIME
                before = before if kind == _MARK else kind
            i += size
        if before != _OTHER:
            out[n] = value
            n += 1
        offsets[t + 1] = n
    return out[:n].copy(), offsets


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _mixed(value: Any) -> Any:  # pragma: no cover - compiled
    # The finaliser of SplitMix64: neighbouring inputs come out unrelated.
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _shingles(hashes: Any, offsets: Any, size: int) -> Any:  # pragma: no cover - compiled
    count = len(offsets) - 1
    out_offsets = np.zeros(count + 1, np.int64)
    out = np.empty(len(hashes) + count, np.uint64)
    n = 0
    for t in range(count):
        start, end = offsets[t], offsets[t + 1]
        runs = max(min(end - start, 1), end - start - size + 1)
        for i in range(start, start + runs):
            value = np.uint64(0)
            for j in range(i, min(i + size, end)):
                value = _mixed(value * _FNV_PRIME + hashes[j])
            out[n] = value
            n += 1
        out_offsets[t + 1] = n
    return out[:n].copy(), out_offsets
