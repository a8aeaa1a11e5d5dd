"""Does an answer go in circles, anywhere in it: the same sentence, item, words or letters again and again?

Three looks, each linear. Sentences and items of lists: one of them many times, or most of the text said before; a
counter before them, an ordinal at their start or one number that is counted up in them does not make them new. Words:
a stretch that has a period, wherever it stands. Letters: one long word with a period.

Code blocks, tables and the refrain of a poem are none, and neither is what was asked for ("write it 100 times").
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from wellspring.tasks.methods.instructions import copies

VERSION = 1
LOOKED_AT_CHARS = 60_000  # of the text, half from its start and half from its end
LEAST_CHARS = 80  # that repetitions fill
_SHOWN_CHARS = 60
_PHRASE_CHARS, _REFRAIN_CHARS = 12, 40  # a shorter unit is a heading or an exclamation
_GRAM = 3  # words that stand as before: a period is looked for behind them
_LEAST_RUN_WORDS, _LEAST_PERIODS, _LONG_WORD_CHARS, _PROBE_CHARS = 24, 3, 60, 12
_LEAST_ITEMS, _COUNTED_UP = 5, 8

_ASKED = re.compile(
    r"\b(?:repeat(?:ed|ing|s|edly)?|repetition|\d+ times|(?:ten|twenty|fifty|hundred|thousand|many|several"
    r"|multiple) times|over and over"
    r"|again and again|mantra|chant|lines of|wiederhol\w*|\d+ ?mal|répét\w*|répèt\w*|\d+ fois|repit\w*|repet\w*"
    r"|\d+ ve[cz]es|ripet\w*|\d+ volte"
    r"|повтор\w*|\d+ раз\w*|herhaal\w*|\d+ keer|powtórz\w*|\d+ razy|tekrar\w*|\d+ kez|lặp|\d+ lần|ulang\w*"
    r"|\d+ kali|\d+ gånger)\b"
    r"|重复|重複|重覆|\d+ ?[次遍回]|繰り返|반복|\d+ ?번|كرر|مرة|مرات|दोहर|\d+ ?बार",
    re.IGNORECASE,
)
_VERSE = re.compile(
    r"\b(?:poems?|songs?|lyrics|rap|hymn|lullaby|refrain|chorus|villanelle|verses?|haiku|rhymes?|ballad|prayer"
    r"|gedicht|lied|poème"
    r"|chanson|poema|canci[óo]n|poesia|стих\w*|песн\w*)\b|[诗詩歌]|시를|노래|قصيدة|कविता",
    re.IGNORECASE,
)
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})")
_TABLE = re.compile(r"\s*\||[^|]*\|[^|]*\||\s*[-=_*#~.+|: \t]{3,}\Z")
_SPLIT = re.compile(r"\n+|(?<=[.!?;])\s+|(?<=[\u3002\uff01\uff1f\uff1b\u0964\u061f])")
_ITEM = re.compile(r"\s*(?:[-*•+]|\(?\d{1,4}[.):、]|\(?[a-z][.)])\s*", re.IGNORECASE)
_COUNTER = re.compile(
    r"\A\W*(?:(?:step|day|point|item|number|no|reason|tip|week|part|line)?\.?\s*\(?#?\d{1,4}(?:st|nd|rd"
    r"|th)?[.):、,]\s*|[a-z][.)]\s+"
    r"|第[\d一二三四五六七八九十]{1,3}[\u3001\uff0c:\uff1a]?)?\W*(?:(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
    r"|last)(?:ly)?\b"
    r"|(?:also|then|next|moreover|furthermore|additionally|finally|in addition|besides|again|and|but|so)\b)?\W*",
    re.IGNORECASE,
)
_INLINE_COUNTER = re.compile(r"(?:(?<=\s)|\A)\(?\d{1,4}[.):](?=\s)")
_NUMBER = re.compile(r"\d+")


class _Unit(NamedTuple):
    said: str
    is_item: bool


def circles(text: str, instruction: str) -> str | None:
    """Return the words in which an answer goes round, and how often; None where it goes on.

    Args:
        text: An answer; of a very long one its two ends are looked at.
        instruction: What it answers: it may have asked for the repetition, or for verses.
    """
    if _ASKED.search(instruction):
        return None
    half = LOOKED_AT_CHARS // 2
    looked_at = text if len(text) <= LOOKED_AT_CHARS else f"{text[:half]}\n{text[-half:]}"
    prose = _prose(looked_at)
    if len(prose) < LEAST_CHARS:
        return None
    is_verse = bool(_VERSE.search(instruction))
    return _said_again(prose, is_verse=is_verse) or _period(prose, is_verse=is_verse) or _long_word(prose)


def _prose(text: str) -> str:
    """Return a text without its closed code blocks, tables and rules."""
    parts = [list[str]()]
    for line in text.splitlines():
        if _FENCE.match(line):
            parts.append([])
        elif not _TABLE.match(line):
            parts[-1].append(line)
    is_open = len(parts) % 2 == 0  # the last block does not end: who loops in it never comes to its end
    kept = parts[::2] + (parts[-1:] if is_open else [])
    return "\n".join(line for part in kept for line in part)


def _units(prose: str) -> Iterator[_Unit]:
    """Yield the sentences and lines of a text, without counters, case and marks."""
    for part in _SPLIT.split(prose):
        said = " ".join(re.findall(r"\w+", _COUNTER.sub("", part, count=1).casefold()))
        if said:
            yield _Unit(said, _ITEM.match(part) is not None)


def _said_again(prose: str, *, is_verse: bool) -> str | None:
    units = list(_units(prose))
    phrases = [unit.said for unit in units if _weight(unit.said) >= _PHRASE_CHARS]
    total = sum(len(unit.said) for unit in units)
    counts = Counter(phrases)
    for said, times in counts.most_common(1):
        share = times * len(said) / total
        is_loop = (times >= 4 and share >= 0.5) or (times >= 8 and share >= 0.25) or times >= 25  # noqa: PLR2004 - measured
        if is_loop and times * _weight(said) >= LEAST_CHARS and not (is_verse and share < 0.75):  # noqa: PLR2004 - a refrain
            return f"{times} times `{said[:_SHOWN_CHARS]}`"
    again = sum((times - 1) * len(said) for said, times in counts.items() if _weight(said) >= _REFRAIN_CHARS)
    if again >= 2 * LEAST_CHARS and again / total >= (0.75 if is_verse else 0.5):
        return f"{again / total:.0%} of it was said in it before"
    return _equal_items(units) or _counted_up(phrases)


def _weight(said: str) -> int:
    """Return the length of what is said; a character of a script without spaces counts for three letters."""
    return len(said) + 2 * sum(char >= "\u2e80" for char in said)


def _equal_items(units: list[_Unit]) -> str | None:
    """Find a list most of whose items are the same."""
    items = Counter(unit.said for unit in units if unit.is_item)
    for said, times in items.most_common(1):
        if times >= _LEAST_ITEMS and times >= 0.6 * items.total() and times * _weight(said) >= LEAST_CHARS / 2:
            return f"{times} of {items.total()} items are `{said[:_SHOWN_CHARS]}`"
    return None


def _counted_up(phrases: list[str]) -> str | None:
    """Find one sentence in which only a number changes, by one each time."""
    run, before, number = 1, "", 0
    for said in phrases:
        found = _NUMBER.findall(said)
        shape = _NUMBER.sub("#", said)
        now = int(found[0][:9]) if len(found) == 1 else 0
        is_next = shape == before and len(shape.split()) >= 5 and len(found) == 1 and now == number + 1  # noqa: PLR2004 - a sentence
        run = run + 1 if is_next else 1
        if run >= _COUNTED_UP:
            return f"`{shape[:_SHOWN_CHARS]}`, counted up {run} times"
        before, number = shape, now
    return None


def _period(prose: str, *, is_verse: bool) -> str | None:
    """Find a stretch of words that repeats what stood a fixed distance before, for three times that distance."""
    words = copies.words(_INLINE_COUNTER.sub(" ", prose))
    seen: dict[tuple[str, ...], int] = {}
    distance, run = 0, 0
    for i in range(len(words) - _GRAM + 1):
        gram = tuple(words[i : i + _GRAM])
        here = i - seen.get(gram, i)
        run = run + 1 if here and here == distance else (1 if here else 0)
        distance, seen[gram] = here, i
        if run >= max(_LEAST_RUN_WORDS, _LEAST_PERIODS * distance) and not (
            is_verse and distance > 1 and run < len(words) / 2
        ):
            piece = " ".join(words[i - distance : i])
            if not piece.replace(" ", "").isdigit() or distance == 1:
                return f"`{piece[:_SHOWN_CHARS]}` again and again"
    return None


def _long_word(prose: str) -> str | None:
    """Find a long word with a period, such as `hahaha`."""
    for word in prose.split():
        if len(word) >= _LONG_WORD_CHARS and word[:_PROBE_CHARS].isalpha():
            period = word.find(word[:_PROBE_CHARS], 1)
            if 0 < period <= len(word) // 4 and word[period:] == word[:-period]:
                return f"`{word[:period][:_SHOWN_CHARS]}` again and again"
    return None
