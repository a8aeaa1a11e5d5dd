"""The body that an article's JSON-LD tells (`articleBody`): what was found on the page is compared with it.

Many sites tell search engines the whole text, also where a reader sees a preview. Where paragraphs of it were left out,
hidden or not, they are the page's body; where they are not on the page at all, what is told is the text.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from wellspring.tasks.contracts import outside
from wellspring.tasks.methods.pages.blocks import LEAVES, Block, Piece

VERSION = 1

MAX_CHARS = 500_000  # of JSON-LD
MAX_NODES = 2_000
LEAST_CHARS = 300  # of a body; a shorter one is a summary
PROBE_CHARS, LEAST_PIECE = 40, 50
IS_THERE = 0.5  # of what is told, found on the page
MAY_MISS = 0.1  # of what is told and on the page
IS_ALONE = 2.0  # times what is missing: a block with so little text besides is taken whole

_MARKUP = re.compile(r"<[^<>]{1,500}>|\[[^\]]{1,30}\]")


def body_in(data: Iterable[str]) -> str:
    """Return the longest `articleBody` of a page's JSON-LD; empty where there is none worth the name."""
    found = [body for text in data if '"articleBody"' in text[:MAX_CHARS] for body in _bodies(text)]
    longest = max(found, key=len, default="")
    return longest if len(longest) >= LEAST_CHARS else ""


def _bodies(text: str) -> list[str]:
    try:
        pending: list[Any] = [outside.loads(text, strict=False)]
    except ValueError:
        return []
    found: list[str] = []
    for _ in range(MAX_NODES):
        if not pending:
            break
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(cast("list[Any]", value))
        elif isinstance(value, Mapping):
            entry = cast("Mapping[str, Any]", value)
            pending.extend(inner for inner in entry.values() if isinstance(inner, (list, dict)))
            if isinstance(body := entry.get("articleBody"), str):
                found.append(_MARKUP.sub(" ", body))
    return found


class Told:
    """Which pieces of a page say what is told."""

    def __init__(self, body: str, pieces: list[Piece]) -> None:
        self.body = body
        told = _squeezed(body)
        shown = [_squeezed(piece.text) if len(piece.text) >= LEAST_PIECE else "" for piece in pieces]
        sizes = [len(text) if text and text[:PROBE_CHARS] in told else 0 for text in shown]
        self._sizes = list(zip(sizes, pieces, strict=True))
        self.is_on_page = sum(sizes) >= IS_THERE * len(told)

    def missing(self, blocks: list[Block], inside: list[bool]) -> list[int]:
        """Return the blocks that hold what is told and was not kept, and let nothing of it be out.

        They are the lowest block around it; where that one holds much else, the very paragraphs.
        """
        left = [(piece.block, size) for size, piece in self._sizes if size and not inside[piece.block]]
        if sum(size for _, size in left) <= MAY_MISS * sum(size for size, _ in self._sizes):
            return []
        held = [0] * len(blocks)
        for block, size in left:
            held[block] += size
        for index in range(len(blocks) - 1, 0, -1):
            held[blocks[index].parent] += held[index]
        for index, block in enumerate(blocks[1:], start=1):
            if held[index] or (held[block.parent] and block.tag in LEAVES):
                block.is_out = False
        holder = max((index for index in range(len(blocks)) if held[index] == held[0]), default=0)
        is_alone = blocks[holder].plain + blocks[holder].links < IS_ALONE * held[holder]
        return [holder] if is_alone else [block for block, _ in left]


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()
