"""What of a text stands in a corpus word for word: a Bloom filter of all runs of 25 characters.

Paper: QUIP, the share of such runs of an answer that a corpus has (Weller et al. 2023), by a Bloom filter (Marone and
Van Durme, Data Portraits, 2023). Each run of the corpus sets six bits of one block of 512, so a look-up is one access
to memory. With 12 bits a run some 0.6% of runs that are not there are found; a corpus of 1e9 characters takes 1.5 GB,
which may be a file mapped into memory.

Ours differs: all runs of the corpus are in the filter (Data Portraits takes every n-th), so a quotation is found where
it begins anywhere. White space of any kind and length counts as one blank. O(characters) to enter and to look up.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

VERSION = 1
GRAM_CHARS = 25
BITS_A_GRAM = 12
BLOCK_WORDS = 8  # of 64 bits: what one access to memory brings
_PROBES = 6
_BASE = np.uint64(0x9E3779B97F4A7C15)

Bits = NDArray[np.uint64]
Grams = NDArray[np.uint64]


def blocks(grams: int) -> int:
    """Return how many blocks a filter of so many runs has: it is an array (blocks, BLOCK_WORDS) of zeros at first."""
    return max(1, -(-grams * BITS_A_GRAM // (BLOCK_WORDS * 64)))


def count(text: str) -> int:
    """Return how many runs a text has, at most: equal ones count each."""
    return max(0, len(text) - GRAM_CHARS + 1)


def grams(text: str) -> Grams:
    """Return the hash of each run of a text, in order; none of a text that is too short."""
    plain = " ".join(text.split()).encode("utf-32-le", "surrogatepass")
    return _grams(np.frombuffer(plain, np.uint32))


def enter(found: Grams, bits: Bits) -> None:
    """Enter runs into a filter."""
    _enter(found, bits)


def holds(found: Grams, bits: Bits) -> NDArray[np.bool_]:
    """Return which runs a filter has; all that were entered, and a few of the others."""
    return _holds(found, bits)


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _grams(points: Any) -> Any:  # pragma: no cover - compiled
    found = np.empty(max(0, len(points) - GRAM_CHARS + 1), np.uint64)
    first, rolled = np.uint64(1), np.uint64(0)
    for _ in range(GRAM_CHARS):
        first *= _BASE
    for i in range(len(points)):
        rolled = rolled * _BASE + np.uint64(points[i]) + np.uint64(1)
        if i >= GRAM_CHARS:
            rolled -= first * (np.uint64(points[i - GRAM_CHARS]) + np.uint64(1))
        if i >= GRAM_CHARS - 1:
            found[i - GRAM_CHARS + 1] = _mixed(rolled)
    return found


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _mixed(number: Any) -> Any:  # pragma: no cover - compiled
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _enter(found: Any, bits: Any) -> None:  # pragma: no cover - compiled
    for gram in found:
        block = ((gram >> np.uint64(32)) * np.uint64(len(bits))) >> np.uint64(32)
        places = _mixed(gram)
        for probe in range(_PROBES):
            place = (places >> np.uint64(9 * probe)) & np.uint64(511)
            bits[block, place >> np.uint64(6)] |= np.uint64(1) << (place & np.uint64(63))


@njit(cache=True, nogil=True)  # pyright: ignore[reportUntypedFunctionDecorator] - numba has no stubs
def _holds(found: Any, bits: Any) -> Any:  # pragma: no cover - compiled
    said = np.ones(len(found), np.bool_)
    for i in range(len(found)):
        block = ((found[i] >> np.uint64(32)) * np.uint64(len(bits))) >> np.uint64(32)
        places = _mixed(found[i])
        for probe in range(_PROBES):
            place = (places >> np.uint64(9 * probe)) & np.uint64(511)
            if not (bits[block, place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1):
                said[i] = False
                break
    return said
