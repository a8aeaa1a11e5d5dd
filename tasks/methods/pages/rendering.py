"""Blocks of a page as Markdown: headings, lists, code, quotes, and tables whose columns stay in place."""

import re
from collections import Counter
from collections.abc import Iterable

from wellspring.tasks.methods.pages.blocks import BREAK, HEADINGS, Block

VERSION = 1

LAYOUT_CHARS = 300  # a cell longer than this is laid out in a table, not listed in it
CELL_LEVELS = 4
MOST_COLUMNS = 100  # that cells may cover
MOST_IN_CELL = 3  # texts; more are a column of a page

_BREAKS = re.compile(rf"\s*{BREAK}\s*")

Line = tuple[str, str]  # the kind of line that may follow without a blank one, and the line
Held = tuple[int, int, str, bool]  # the row, the block in it, its text, whether it is code


def render(blocks: list[Block], pieces: Iterable[tuple[int, str, bool]]) -> str:
    """Write pieces as Markdown, with blank lines but between the items of a list and the rows of a table.

    Args:
        blocks: The page's blocks.
        pieces: The block, the text, and whether it is code, of each piece to write, in order.
    """
    lines: list[Line] = []
    table, held = -1, list[Held]()
    columns = _Columns(blocks)
    for block, told, is_code in pieces:
        text = told if is_code else (_BREAKS.sub("\n", told) if BREAK in told else told).strip()
        row = _row_of(blocks, block)
        own = _table_of(blocks, row)
        if own != table:
            lines += columns.written(held, table)
            table, held = own, []
        if row >= 0:
            held.append((row, block, text, is_code))
        else:
            lines.append(_line(blocks, block, text))
    lines += columns.written(held, table)
    parts: list[str] = []
    for i, (kind, text) in enumerate(lines):
        is_next = i > 0 and kind == lines[i - 1][0] != ""
        parts.append(("\n" if is_next else "\n\n" if i else "") + text)
    return "".join(parts)


def _row_of(blocks: list[Block], index: int) -> int:
    """Return the row a block stands in, near enough to be a cell of it; else -1."""
    for _ in range(CELL_LEVELS):
        if index < 0 or blocks[index].tag == "table":
            return -1
        if blocks[index].tag == "tr":
            return index
        index = blocks[index].parent
    return -1


def _table_of(blocks: list[Block], row: int) -> int:
    if row < 0:
        return -1
    own = blocks[row].parent
    return blocks[own].parent if blocks[own].tag in {"thead", "tbody", "tfoot"} else own


class _Columns:
    """The cells of a page's rows, empty ones too."""

    def __init__(self, blocks: list[Block]) -> None:
        self._blocks = blocks
        self._cells: dict[int, list[int]] | None = None

    def _cells_of(self, row: int) -> list[int]:
        if self._cells is None:
            self._cells = {}
            for index, block in enumerate(self._blocks):
                if block.tag in {"td", "th"}:
                    self._cells.setdefault(block.parent, []).append(index)
        return self._cells.get(row, [])

    def written(self, held: list[Held], table: int) -> list[Line]:
        """Write what stands in a table: as its grid, but as paragraphs the rows that only lay out a page."""
        rows: dict[int, list[Held]] = {}
        for one in held:
            rows.setdefault(one[0], []).append(one)
        loose = {row: _is_laid_out(self._blocks, row, cells) for row, cells in rows.items()}
        are_listed = [row for row, cells in rows.items() if not loose[row] and len(cells) > 1]
        is_listed = len(are_listed) > 1 and not any(loose.values())
        lines: list[Line] = []
        grid: list[int] = []
        for row, cells in rows.items():
            if is_listed or row in are_listed:
                grid.append(row)
                continue
            lines += self._grid(grid, rows, table)
            grid = []
            lines += [_line(self._blocks, block, text) for _, block, text, _ in cells]
        return lines + self._grid(grid, rows, table)

    def _grid(self, chosen: list[int], rows: dict[int, list[Held]], table: int) -> list[Line]:
        """Write rows of one width: cells over several columns or rows leave the places that they cover empty."""
        grid: list[list[str]] = []
        covered: dict[int, int] = {}  # column -> rows that are still covered
        for row in chosen:
            line: list[str] = []
            for cell in self._cells_of(row):
                while covered.get(len(line), 0) and len(line) < MOST_COLUMNS:
                    line.append("")
                block = self._blocks[cell]
                across = max(1, min(block.across, MOST_COLUMNS - len(line)))
                for place in range(len(line), len(line) + across):
                    covered[place] = block.down
                line += [self._text_of(cell, row, rows[row]), *[""] * (across - 1)]
            line += [""] * (max(covered, default=-1) + 1 - len(line))
            covered = {place: left - 1 for place, left in covered.items() if left > 1}
            grid.append(line)
        width = max((len(line) for line in grid), default=0)
        shown = [f"| {' | '.join(line + [''] * (width - len(line)))} |" for line in grid]
        return [(f"row {table}", line) for line in [*shown[:1], "|" + " --- |" * width, *shown[1:]]] if shown else []

    def _text_of(self, cell: int, row: int, held: list[Held]) -> str:
        texts = [(block, text) for _, block, text, _ in held if _cell_of(self._blocks, row, block) == cell]
        between = "; " if all(self._blocks[block].tag == "li" for block, _ in texts) else " "
        return between.join(text for _, text in texts).replace("\n", " ").replace("|", "\\|")


def _is_laid_out(blocks: list[Block], row: int, cells: list[Held]) -> bool:
    """Tell a row that arranges a page: of a long text or code, or with a heading or several paragraphs in a cell."""
    if any(is_code or len(text) > LAYOUT_CHARS or blocks[block].tag in HEADINGS for _, block, text, is_code in cells):
        return True
    held = Counter(_cell_of(blocks, row, block) for _, block, _, _ in cells if blocks[block].tag != "li")
    return max(held.values(), default=0) > MOST_IN_CELL


def _cell_of(blocks: list[Block], row: int, index: int) -> int:
    while blocks[index].parent not in {row, -1}:
        index = blocks[index].parent
    return index


def _line(blocks: list[Block], index: int, text: str) -> Line:
    """Return a piece's Markdown, and the kind of line that may follow it without a blank one."""
    block = blocks[index]
    if block.tag in HEADINGS:
        return "", "#" * HEADINGS[block.tag] + " " + text.replace("\n", " ")
    if block.tag == "li":
        bullet = f"{block.number}. " if block.number else "- "
        return "item", "  " * max(0, block.depth - 1) + bullet + text.replace("\n", " ")
    if block.tag == "blockquote" or (block.parent >= 0 and blocks[block.parent].tag == "blockquote"):
        return "", "> " + text.replace("\n", "\n> ")
    return "", text
