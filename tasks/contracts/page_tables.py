r"""Tables of a page, read out of its Markdown: columns with names that SQL can use, and cells as numbers where all are.

tables("| River | Length |\n| --- | --- |\n| Aare | 288 km |\n| Reuss | 164 km |")
-> [PageTable(columns=("river", "length"), units=("", "km"), rows=(("Aare", 288.0), ("Reuss", 164.0)), ...)]
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wellspring.tasks.contracts import comparers

NAME = "page_table"
NAME_CHARS = 40
Cell = str | float | None

_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
_BAR = re.compile(r"(?<!\\)\|")
_NUMBER = re.compile(r"[-+\u2212]?\d(?:[.,]?\d| (?=\d{3}(?!\d))\d)*")


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table of a page.

    Attributes:
        columns: Their names, as SQL has them.
        units: What stands behind every number of a column; '' where there is none.
        rows: Cells; all of a column are numbers (or None), or all are texts.
        text: As the page has it.
        start: Where it begins in the page, in characters.
    """

    columns: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    text: str
    start: int

    @property
    def numbers(self) -> tuple[bool, ...]:
        """Which columns hold numbers."""
        columns = [[row[at] for row in self.rows] for at in range(len(self.columns))]
        return tuple(
            any(isinstance(one, float) for one in column) and not any(isinstance(one, str) for one in column)
            for column in columns
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of the columns, as SQL has them."""
        return tuple("DOUBLE" if is_number else "VARCHAR" for is_number in self.numbers)

    @property
    def described(self) -> str:
        """The table as SQL would make it, with the units of its numbers."""
        lines = zip(self.columns, self.kinds, self.units, strict=True)
        told = [f"    {name} {kind},{f' -- {unit}' if unit else ''}" for name, kind, unit in lines]
        return "\n".join([f"CREATE TABLE {NAME} (", *told, ");"])

    @property
    def given(self) -> dict[str, Any]:
        """The table as `ask.query` takes it."""
        return {"columns": self.columns, "kinds": self.kinds, "rows": self.rows}


def tables(page: str) -> list[PageTable]:
    """Return the tables of a page that have a heading and as many cells in each row."""
    return [one for text, start in _texts(page) if (one := _read(text, start))]


def _texts(page: str) -> Iterator[tuple[str, int]]:
    """Yield runs of lines that begin and end with a bar, and where each begins."""
    held, start, at = list[str](), 0, 0
    for line in [*page.split("\n"), ""]:
        if line.startswith("|") and line.rstrip().endswith("|"):
            start = at if not held else start
            held.append(line)
        elif held:
            yield "\n".join(held), start
            held = []
        at += len(line) + 1


def _read(text: str, start: int) -> PageTable | None:
    head, *rest = text.split("\n")
    if not rest or not _RULE.fullmatch(rest[0].strip()):
        return None
    names, rows = _names(_cells(head)), [_cells(line) for line in rest[1:]]
    if any(len(row) != len(names) for row in rows) or not rows:
        return None
    columns = [_column([row[at] for row in rows]) for at in range(len(names))]
    cells = tuple(zip(*(cells for cells, _ in columns), strict=True))
    return PageTable(names, tuple(unit for _, unit in columns), cells, text, start)


def _cells(line: str) -> list[str]:
    return [cell.replace("\\|", "|").strip() for cell in _BAR.split(line.strip())[1:-1]]


def _names(heads: Sequence[str]) -> tuple[str, ...]:
    """Return names that SQL takes without quotes, each once."""
    found = dict[str, None]()
    for number, head in enumerate(heads, start=1):
        bare = re.sub(r"[^a-z0-9]+", "_", comparers.folded(head)).strip("_")[:NAME_CHARS]
        name = bare if bare and bare[0].isalpha() else f"column_{number}"
        found[name if name not in found else f"{name}_{number}"] = None
    return tuple(found)


def _column(cells: Sequence[str]) -> tuple[list[Cell], str]:
    """Return the cells of a column as numbers with their unit, where all that say something are such; else as texts."""
    texts: list[Cell] = [cell or None for cell in cells]
    numbers, units = list[Cell](), set[str]()
    for cell in cells:
        said = comparers.plain(cell)
        if said in {"", "-"}:
            numbers.append(None)
            continue
        found = _NUMBER.match(said)
        value = comparers.numeral(found[0].lstrip("+-")) if found else None
        if found is None or value is None:
            return texts, ""
        numbers.append(-float(value) if found[0].startswith("-") else float(value))
        units.add(said[found.end() :].strip())
    unit = units.pop() if len(units) == 1 else ""
    return (texts, "") if units or re.search(r"\d", unit) else (numbers, unit)
