"""Pages said again, piece by piece, in four styles: easy, medium, hard, and questions with answers.

Paper: WRAP, Rephrasing the Web (arXiv 2401.16380). Web text is cut into pieces of about 300 tokens, since more at once
loses content, and a model says each again in one of four styles. One trains on the pages and on what was said of them,
half and half. Ours differs: the answers are JSON, so that no greeting stands before a text; questions and answers come
as pairs, and are written out here; and what came is looked at. A text that is its piece unchanged, that is far shorter,
that has lost most of the numbers, or that came before for the same page is refused. (The paper keeps everything. Names
are asked for, and not looked at: nobody tells them from other words in every language.)

    "The pump lifts water 12 metres." -> hard: "The pump effects a hydraulic elevation of 12 metres."
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "WRAP"
PAPER = "WRAP, Rephrasing the Web, arXiv 2401.16380"
VERSION = 1
TAKES = "documents"
MAKES = ("rewrites",)
ROLES = ("generator",)
MAY = frozenset[str]()
ASCII_CHARS = 4  # in a token; any other character is taken for a whole one

Style = Literal["easy", "medium", "hard", "question_answer"]
STYLES: tuple[Style, ...] = ("easy", "medium", "hard", "question_answer")
_SENTENCE = re.compile(r".+?(?:[.!?\u2026]+[\"')\]\u201d\u2019]*\s+|[\u3002\uff01\uff1f]+\s*|\n\s*|\Z)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Knobs(Section):
    """What a profile can set under `[recipes.wrap]`."""

    styles: tuple[Style, ...] = Field(default=STYLES, min_length=1, description="in which styles pages are said again")
    styles_of_piece: int = Field(
        default=1,
        ge=1,
        le=len(STYLES),
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


class Said(Answered):
    """A piece of a page, said again."""

    text: str


class Pair(Answered):
    """A question that a piece of a page answers, and the answer."""

    question: str
    answer: str


class Asked(Answered):
    """A piece of a page as questions and answers."""

    pairs: list[Pair] = Field(min_length=1)

    @property
    def text(self) -> str:
        """The pairs, written out as the paper has them."""
        return "\n\n".join(f"Question: {one.question}\nAnswer: {one.answer}" for one in self.pairs)


def most_calls(knobs: Knobs) -> int:
    """One for each piece, in each of its styles."""
    return knobs.pieces * min(knobs.styles_of_piece, len({*knobs.styles}))


async def program(row: Row, ask: Ask) -> None:
    """Have each piece of the page said again, and keep what still says the same.

    Raises:
        Rejection: `empty_text`, the page says nothing.
    """
    cut, most = pieces(row["text"], ask.knobs.piece_tokens), ask.knobs.pieces
    if not cut:
        raise Rejection("empty_text", "the page says nothing")
    if len(cut) > most:
        ask.made.refused("too_long", f"pieces {most + 1} to {len(cut)} of the page are more than are asked for")
    wanted: list[tuple[str, Style]] = [
        (piece, style) for number, piece in enumerate(cut[:most]) for style in _styles(row, ask.knobs, number)
    ]
    found = await ask.tried([_say(ask, piece, style) for piece, style in wanted])
    texts = set[str]()
    for said, (_, style) in zip(found, wanted, strict=True):
        if said is None:
            continue
        if _plain(said.text) in texts:
            ask.made.refused("same_text", f"{style}: {said.text[:200]}")
            continue
        texts.add(_plain(said.text))
        ask.made.rewrite(said, style=style)


async def _say(ask: Ask, piece: str, style: Style) -> Said | Asked:
    said = await ask(style, Asked if style == "question_answer" else Said, text=piece)
    check(said.text, piece, ask.knobs)
    return said


def _styles(row: Row, knobs: Knobs, number: int) -> list[Style]:
    """Return the styles of a piece: in turn from piece to piece, beginning where the page's id says."""
    styles: list[Style] = list(dict.fromkeys(knobs.styles))
    first = int(row["input_id"][:8], 16) + number * knobs.styles_of_piece
    return [styles[(first + i) % len(styles)] for i in range(min(knobs.styles_of_piece, len(styles)))]


def pieces(text: str, size: int) -> list[str]:
    """Cut a text at the ends of its sentences into pieces of one length, about.

    Args:
        text: Of a page.
        size: Tokens of a piece; the fewest pieces that are no longer are made, as even as sentences allow.

    Returns:
        The pieces, in their order; none of a text that says nothing.
    """
    sentences = list(_sentences(text.strip(), size))
    goal = (total := sum(map(_tokens, sentences))) / max(math.ceil(total / size), 1)
    found, before = dict[int, str](), 0.0
    for sentence in sentences:
        place = int((before + _tokens(sentence) / 2) / goal)
        found[place] = found.get(place, "") + sentence
        before += _tokens(sentence)
    return [piece.strip() for piece in found.values() if piece.strip()]


def _sentences(text: str, size: int) -> Iterator[str]:
    """Yield the sentences; one that is longer than a piece comes in parts that fit into one, cut between words."""
    for sentence in _SENTENCE.findall(text):
        if _tokens(sentence) <= size:
            yield sentence
        else:
            yield from re.findall(rf".{{1,{size}}}(?:\s+|\Z)|.{{1,{size}}}", sentence, re.DOTALL)


def _tokens(text: str) -> float:
    return sum(1 / ASCII_CHARS if char.isascii() else 1 for char in text)


def check(text: str, piece: str, knobs: Knobs) -> None:
    """Return when a text may stand for a piece of a page.

    Args:
        text: What a model wrote.
        piece: What it was to say again.
        knobs: How much of it must still be there.

    Raises:
        Rejection: `copy_of_document`, it is the piece unchanged; `too_short`; `loses_numbers`.
    """
    if _plain(text) == _plain(piece):
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


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
