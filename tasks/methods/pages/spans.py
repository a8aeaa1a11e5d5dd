# ruff: noqa: RUF001 - typographic and CJK signs are meant
"""Spans of a text that are at most so many tokens and end where a thought ends: at a paragraph, else at a sentence.

A span is what a reader (or a model) gets to see on its own, so it must not end in mid-sentence. Sentences end at
`. ! ? …` before a blank and something that can begin a sentence, at their CJK counterparts, and at line ends of
structured text (list items, rows, code). Abbreviations and initials do not end one.
"""

import re

from wellspring.tasks.methods.pages.tokens import MOST_CHARS, count_tokens, cut_tokens

VERSION = 2


# What is cut at, best first: where a paragraph ends, where a sentence ends, where a line ends, between words.
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"""(?<=[.!?…])["'”’»)\]]*\s+(?=[^\s.,;:!?)\]])|(?<=[。！？｡])[」』”’）]*|\n+""")
_WORD = re.compile(r"\s+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|[A-Za-z]\.[A-Za-z]|[Dd]r|[Mm]rs?|[Mm]s|[Pp]rof|[Ss]t|[Nn]o|[Ff]ig|[Ee]q|[Vv]ol|[Vv]s|[Cc]f|[Ee]tc|[Aa]l|[Ii]nc|[Ll]td|bzw|[Nn]r|u\.a|z\.B|d\.h)\.$"
)


def split(text: str, max_tokens: int) -> list[tuple[int, int]]:
    """Cut a text into consecutive spans of at most `max_tokens`.

    Args:
        text: The text.
        max_tokens: Most tokens of one span, by `tokens.count_tokens`; at least 1. A character that costs more is one.

    Returns:
        (start, end) in characters, in order, not overlapping, without blanks at their ends; together they hold every
        character of the text that is not blank. A sentence that is too long is cut between words, a word between
        characters.

    Raises:
        ValueError: `max_tokens` is below 1.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}")
    units = [
        unit for paragraph in _pieces(text, 0, len(text), _PARAGRAPH) for unit in _units(text, *paragraph, max_tokens)
    ]
    spans: list[tuple[int, int]] = []
    for start, end in units:
        if spans and count_tokens(text[spans[-1][0] : end]) <= max_tokens:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def sentences(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence of a text, in characters, without blanks at their ends."""
    return [span for paragraph in _pieces(text, 0, len(text), _PARAGRAPH) for span in _sentences(text, *paragraph)]


def _units(text: str, start: int, end: int, max_tokens: int) -> list[tuple[int, int]]:
    """Return a paragraph as the largest pieces that fit: itself, its sentences, their words, their characters."""
    if count_tokens(text[start:end]) <= max_tokens:
        return [(start, end)]
    units: list[tuple[int, int]] = []
    for sentence in _sentences(text, start, end):
        if count_tokens(text[slice(*sentence)]) <= max_tokens:
            units.append(sentence)
            continue
        for word in _pieces(text, *sentence, _WORD):
            units += _characters(text, *word, max_tokens)
    return units


def _characters(text: str, start: int, end: int, max_tokens: int) -> list[tuple[int, int]]:
    if count_tokens(text[start:end]) <= max_tokens:
        return [(start, end)]
    found: list[tuple[int, int]] = []
    while start < end:
        length = len(cut_tokens(text[start : min(end, start + MOST_CHARS * max_tokens)], max_tokens)) or 1
        found.append((start, start + length))
        start += length
    return found


def _pieces(text: str, start: int, end: int, border: re.Pattern[str]) -> list[tuple[int, int]]:
    cuts = [start, *(cut for match in border.finditer(text, start, end) for cut in match.span()), end]
    return [piece for a, b in zip(cuts[::2], cuts[1::2], strict=True) if (piece := _stripped(text, a, b))]


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    begin = start
    for match in _SENTENCE.finditer(text, start, end):
        if "\n" not in match[0] and _ABBREVIATION.search(text, max(begin, match.start() - 12), match.start()):
            continue
        # Closing quotes and brackets belong to the sentence before.
        close = match.end() - len(match[0].lstrip("\"'”’»)]」』）"))
        if piece := _stripped(text, begin, close):
            found.append(piece)
        begin = match.end()
    if piece := _stripped(text, begin, end):
        found.append(piece)
    return found


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
