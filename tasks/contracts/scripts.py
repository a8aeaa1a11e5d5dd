"""What a word is in each script: where words are not parted by blanks, a letter with its marks is a word.

Chinese, Japanese, Thai, Lao, Khmer and Burmese put no blanks between words. Korean does, but its endings change, and so
do its blanks. Cutting these into true words needs a dictionary for each language; single letters find the same near
copies and prompts without one. Marks (accents, vowel signs, tone marks) belong to the letter before them. Characters
that nobody sees (soft hyphens, joiners, marks of direction) are no part of a word and do not end one.
"""

import re
import unicodedata
from collections.abc import Sequence

ALONE_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1100, 0x11FF),  # Hangul letters
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3040, 0x318F),  # kana, bopomofo, Hangul letters
    (0x31A0, 0x31FF),
    (0x3400, 0x9FFF),  # Chinese characters
    (0xA960, 0xA97F),
    (0xA9E0, 0xA9FF),  # Burmese
    (0xAA60, 0xAA7F),
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),
    (0xFF66, 0xFFDC),
    (0x1AFF0, 0x1B16F),  # kana
    (0x20000, 0x3FFFF),
)
ALONE = "".join(f"{chr(first)}-{chr(last)}" for first, last in ALONE_RANGES)  # inside of `[...]`
UNSEEN = (
    "\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef"
)

_CHINESE, _KANA, _SOUTHEAST = 2, 3, 4  # letters in a word: also of Korean; of Thai, Lao, Khmer and Burmese
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ALONE = re.compile(rf"(?![\W_])[{ALONE}]")
_UNSEEN = re.compile(f"[{UNSEEN}]")
_MARK_CATEGORIES = ("Mn", "Mc")


def _marks() -> str:
    """Return the marks of the first plane as ranges, for the inside of `[...]`."""
    points = [point for point in range(0x300, 0x10000) if unicodedata.category(chr(point)) in _MARK_CATEGORIES]
    starts = [point for point, before in zip(points, [0, *points], strict=False) if point != before + 1]
    ends = [point for point, after in zip(points, [*points[1:], 0], strict=True) if after != point + 1]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(starts, ends, strict=True))


MARKS = _marks()


def word_pattern(letter: str = r"[^\W_]") -> re.Pattern[str]:
    r"""Return the pattern of a word.

    Args:
        letter: The pattern of a letter; that of `\w` takes the underscore for one.
    """
    other = rf"(?![{ALONE}]){letter}"
    return re.compile(rf"(?!\W)[{ALONE}][{MARKS}{UNSEEN}]*|{other}(?:{other}|[{MARKS}{UNSEEN}])*")


WORD = word_pattern()


def seen(text: str) -> str:
    """Return a text without the characters that nobody sees."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def stands_alone(word: str) -> bool:
    """Tell whether a word is one letter of a script without blanks."""
    return _ALONE.match(word) is not None


def letters_in_word(word: str) -> int:
    """Return how many such letters say as much as a word of a script with blanks; 1 of a word that is none."""
    if not stands_alone(word):
        return 1
    char = word[0]
    if char < "\u1100" or "\u1780" <= char <= "\u17ff" or "\ua9e0" <= char <= "\uaa7f":
        return _SOUTHEAST
    return _CHINESE if _HAN.match(char) else _KANA


def scale(letters: Sequence[int]) -> int:
    """Return how many words of a text say as much as one: the mean of `letters_in_word`, where most are letters."""
    alone = [count for count in letters if count > 1]
    return round(sum(alone) / len(alone)) if len(alone) * 2 > len(letters) else 1
