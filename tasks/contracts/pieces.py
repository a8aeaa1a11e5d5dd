"""Pages said again piece by piece: what the programs that make `rewrites` share.

A page is cut at the ends of its sentences. Each piece is said again in some of the program's styles, in turn. A text
that came before for the page is refused.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

ENGLISH = ("en", "und", None)  # or nobody knows
ASCII_CHARS = 4  # in a token; any other character is taken for a whole one
_SENTENCE = re.compile(r".+?(?:[.!?\u2026]+[\"')\]\u201d\u2019]*\s+|[\u3002\uff01\uff1f]+\s*|\n\s*|\Z)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Pieces(Section):
    """The knobs of a program that says pieces of a page again; it adds `styles`."""

    styles_of_piece: int = Field(
        default=1,
        ge=1,
        description="in how many of them each piece is said, in turn; 1, as in the paper, makes as much as was read",
    )
    piece_tokens: int = Field(default=300, ge=50, le=2000, description="tokens of a piece, about; 300 in the paper")
    pieces: int = Field(default=8, ge=1, le=100, description="most pieces of a page; the rest of the page is refused")
    least_numbers: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="share of its piece's numbers that a text must have; the paper does not look",
    )
    least_length: float = Field(
        default=0.25, ge=0, le=1, description="length of a text, as a share of its piece; the paper does not look"
    )


async def say_again(
    row: Row, ask: Ask, styles: Sequence[str], say: Callable[[str, str], Coroutine[Any, Any, Answered]]
) -> None:
    """Have each piece of a page said again, and make what still says the same.

    Args:
        row: The page.
        ask: As the program has it; its knobs are `Pieces`.
        styles: All that there are.
        say: Given a piece and a style, returns an answer that has a `text`, or refuses it.

    Raises:
        Rejection: `empty_text`, the page says nothing.
    """
    cut, most = pieces(row["text"], ask.knobs.piece_tokens), ask.knobs.pieces
    if not cut:
        raise Rejection("empty_text", "the page says nothing")
    if len(cut) > most:
        ask.made.refused("too_long", f"pieces {most + 1} to {len(cut)} of the page are more than are asked for")
    wanted = [
        (piece, style)
        for number, piece in enumerate(cut[:most])
        for style in _in_turn(styles, row["input_id"], number, ask.knobs.styles_of_piece)
    ]
    texts = set[str]()
    found = await ask.tried([say(piece, style) for piece, style in wanted])
    for said, (_, style) in zip(found, wanted, strict=True):
        if said is None:
            continue
        text = str(getattr(said, "text"))  # noqa: B009 - a class of answers has it as a field or as a property
        if plainly(text) in texts:
            ask.made.refused("same_text", f"{style}: {text[:200]}")
            continue
        texts.add(plainly(text))
        ask.made.rewrite(said, style=style)


def _in_turn(styles: Sequence[str], input_id: str, number: int, most: int) -> list[str]:
    """Return the styles of a piece: in turn from piece to piece, beginning where the page's id says."""
    return beginning(list(dict.fromkeys(styles)), input_id, most, number * most)


def beginning(found: Sequence[str], input_id: str, most: int, later: int = 0) -> list[str]:
    """Return at most so many of some texts, in turn, beginning where an id says, or so many later."""
    first = int(input_id[:8], 16) + later
    return [found[(first + i) % len(found)] for i in range(min(most, len(found)))]


def pieces(text: str, size: int) -> list[str]:
    """Cut a text at the ends of its sentences into pieces of one length, about.

    Args:
        text: Of a page.
        size: Tokens of a piece; the fewest pieces that are no longer are made, as even as sentences allow.

    Returns:
        The pieces, in their order; none of a text that says nothing.
    """
    cut = list(sentences(text.strip(), size))
    goal = (total := sum(map(_tokens, cut))) / max(math.ceil(total / size), 1)
    found, before = dict[int, str](), 0.0
    for sentence in cut:
        place = int((before + _tokens(sentence) / 2) / goal)
        found[place] = found.get(place, "") + sentence
        before += _tokens(sentence)
    return [piece.strip() for piece in found.values() if piece.strip()]


def in_english(row: Row, size: int, what: str) -> list[str]:
    """Return the pieces of a page in English, as `pieces` cuts them.

    Args:
        row: The page.
        size: Tokens of a piece.
        what: What is in English, for the refusal of another page: `the forms of answers`.

    Raises:
        Rejection: `other_language`; `empty_text`, the page says nothing.
    """
    if row.get("language") not in ENGLISH:
        raise Rejection("other_language", f"{row['language']}, and {what} are in English")
    if not (found := pieces(row["text"], size)):
        raise Rejection("empty_text", "the page says nothing")
    return found


def sentences(text: str, size: int) -> Iterator[str]:
    """Yield the sentences of a text, each with the white space after it.

    Args:
        text: Of a page or of an answer.
        size: Tokens of a piece; a longer sentence comes in parts that fit into one, cut between words.
    """
    for sentence in _SENTENCE.findall(text):
        if _tokens(sentence) <= size:
            yield sentence
        else:
            yield from re.findall(rf".{{1,{size}}}(?:\s+|\Z)|.{{1,{size}}}", sentence, re.DOTALL)


def _tokens(text: str) -> float:
    return sum(1 / ASCII_CHARS if char.isascii() else 1 for char in text)


def check(text: str, piece: str, knobs: Pieces) -> None:
    """Return when a text may stand for a piece of a page.

    Args:
        text: What a model wrote.
        piece: What it was to say again.
        knobs: How much of it must still be there.

    Raises:
        Rejection: `copy_of_document`, it is the piece unchanged; `too_short`; `loses_numbers`.
    """
    if plainly(text) == plainly(piece):
        raise Rejection("copy_of_document", f"it is the piece unchanged: {text[:200]}")
    if len(text) < knobs.least_length * len(piece):
        raise Rejection("too_short", f"{len(text)} characters for {len(piece)}: {text[:200]}")
    wanted = numbers(piece)
    lost = sorted(wanted - numbers(text))
    if len(lost) > (1 - knobs.least_numbers) * len(wanted):
        raise Rejection("loses_numbers", f"{len(lost)} of {len(wanted)}: {', '.join(lost)[:200]}")


def numbers(text: str) -> set[str]:
    """Return the numbers of a text by their digits, however they are grouped; those of one digit may be words."""
    digits = ("".join(str(unicodedata.digit(c)) for c in found if c.isdecimal()) for found in _NUMBER.findall(text))
    return {found for found in digits if len(found) > 1}


def plainly(text: str) -> str:
    """Return a text by which it is told whether two are the same, but for case and white space."""
    return " ".join(text.casefold().split())
