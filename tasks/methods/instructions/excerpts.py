"""The part of a page that a text rests on: neighbouring paragraphs, chosen by the words that they share with it.

Ours (SynthQuestions shows the beginning of a page, whatever its scene is about). A word counts by its rarity within the
page: what stands in every paragraph says nothing about which of them it is. Paragraphs that are too long are cut at
their sentences. Of equal parts the first is taken. O(words of the page).
"""

import math
import re
from collections import Counter

from wellspring.tasks.methods.pages.tokens import count_tokens, cut_tokens
from wellspring.tasks.methods.vectors.words import words

VERSION = 1
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f\u0964\u061f])|\n")
PARTS_IN_WINDOW = 4  # of a paragraph that is cut; else a window would begin or end anywhere


def part(text: str, about: str, tokens: int) -> str:
    """Return at most so many tokens of a text: the neighbouring paragraphs that share most with what it is about.

    Args:
        text: Of the page.
        about: What rests on it.
        tokens: The budget; a text that fits is returned whole.
    """
    if count_tokens(text) <= tokens:
        return text
    pieces = _pieces(text, tokens)
    held = [{*words(text[start:end])} for start, end in pieces]
    having = Counter(word for one in held for word in one)
    rarity = {word: math.log1p(len(held) / having[word]) for word in {*words(about)} if word in having}
    costs = [count_tokens(text[start:end]) + 1 for start, end in pieces]
    first, last = _window(held, costs, rarity, tokens)
    return cut_tokens(text[pieces[first][0] : pieces[last][1]].strip(), tokens)


def _window(held: list[set[str]], costs: list[int], rarity: dict[str, float], tokens: int) -> tuple[int, int]:
    """Return the first and the last piece of the window whose words weigh most; each word counts once."""
    best, chosen = -1.0, (0, 0)
    for first in range(len(held)):
        found, spent, last = set[str](), 0, first
        for last in range(first, len(held)):
            if last > first and spent + costs[last] > tokens:
                last -= 1  # noqa: PLW2901 - the window ends before it
                break
            spent += costs[last]
            found |= held[last] & rarity.keys()
        if (weight := sum(rarity[word] for word in sorted(found))) > best:
            best, chosen = weight, (first, last)
    return chosen


def _pieces(text: str, tokens: int) -> list[tuple[int, int]]:
    """Return where the paragraphs of a text start and end, long ones cut into sentences."""
    pieces: list[tuple[int, int]] = []
    for start, end in _cut(_PARAGRAPH, text, 0, len(text)):
        is_long = count_tokens(text[start:end]) > tokens // PARTS_IN_WINDOW
        pieces += _cut(_SENTENCE, text, start, end) if is_long else [(start, end)]
    return pieces or [(0, len(text))]


def _cut(between: re.Pattern[str], text: str, start: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for gap in between.finditer(text, start, end):
        if gap.start() > start:
            found.append((start, gap.start()))
        start = gap.end()
    return [*found, (start, end)] if end > start else found
