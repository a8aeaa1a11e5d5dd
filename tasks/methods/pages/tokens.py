"""One estimate of tokens for the whole project: what a character costs is decided by its script.

Real vocabularies are downloads and differ by model; what we need is a length that is the same everywhere, costs
nothing, and adds up. The costs were fitted to cl100k on texts in 100 languages (measure them again with
`python -m tests.bench.tokens VOCABULARY`): within a fifth for English, code, Chinese, Japanese, Korean, Arabic, Hebrew,
Hindi, Bengali, Tamil, Thai, Greek and Russian; Latin languages with few marks (Finnish, Welsh) cost up to twice as
much. Newer vocabularies (o200k) spend half as much on Arabic and Indic scripts, so that a budget in these tokens holds
for them, too. Budgets that must hold exactly come from the server's `usage`, which the journal records.
"""

import numpy as np
from numpy.typing import NDArray

VERSION = 2
UNITS = 1000  # in a token
ASCII = 235  # units of a character: 4.26 characters a token
MOST_CHARS = 5  # that a token can have, rounded up: what has to be read of a text to fill a budget
_COSTS: tuple[tuple[int, int], ...] = (  # first code point of a block, units of a character in it
    (0x0000, ASCII),
    (0x0080, 2000),  # Latin with marks
    (0x0250, 1500),  # phonetic letters, combining marks
    (0x0370, 1050),  # Greek
    (0x0400, 520),  # Cyrillic
    (0x0530, 2100),  # Armenian
    (0x0590, 1200),  # Hebrew
    (0x0600, 950),  # Arabic
    (0x0780, 1200),
    (0x0900, 1200),  # Devanagari
    (0x0980, 1450),  # Bengali
    (0x0A00, 1850),  # Gurmukhi to Sinhala
    (0x0E00, 950),  # Thai
    (0x0E80, 1800),  # Lao, Tibetan, Burmese
    (0x10A0, 2100),  # Georgian
    (0x1100, 1000),
    (0x1200, 1700),  # Ethiopic, Khmer, Mongolian
    (0x1E00, 1100),  # Latin and Greek with two marks, Vietnamese
    (0x2000, 500),  # punctuation, arrows, mathematics
    (0x2E80, 1000),
    (0x3040, 900),  # kana
    (0x3100, 1000),
    (0x3400, 1180),  # Chinese characters
    (0xA000, 1000),
    (0xAC00, 1250),  # Hangul
    (0xD7B0, 1000),
    (0x10000, 2000),  # emoji, rare scripts
)
_STARTS = np.array([start for start, _ in _COSTS], dtype=np.uint32)
_UNITS = np.array([units for _, units in _COSTS], dtype=np.int64)


def _units(text: str) -> NDArray[np.int64]:
    """Return what each character costs, in units: (characters,)."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return _UNITS[np.searchsorted(_STARTS, points, side="right") - 1]


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text, rounded up; 0 for the empty text.

    Never decreasing when text is appended, and `count(a + b) <= count(a) + count(b)`.
    """
    units = len(text) * ASCII if text.isascii() else int(_units(text).sum())
    return -(-units // UNITS)


def cut_tokens(text: str, max_tokens: int) -> str:
    """Return the longest start of the text that is at most `max_tokens`, ended between words where there are words.

    Raises:
        ValueError: `max_tokens` is negative.
    """
    if max_tokens < 0:
        raise ValueError(f"max_tokens is {max_tokens}")
    if count_tokens(text) <= max_tokens:
        return text
    most = max_tokens * UNITS
    length = most // ASCII if text.isascii() else int(np.searchsorted(np.cumsum(_units(text)), most, side="right"))
    start = text[:length]
    words = start.rsplit(None, 1)
    return words[0] if len(words) == 2 and len(words[0]) > len(start) // 2 else start  # noqa: PLR2004 - a start and a last word
