"""Rows of a SQLite file that SQLite itself no longer finds: read from its leaf pages, whatever became of those above.

A table's rows lie in leaf pages that say what they hold; the header, the schema and the inner pages only lead to them.
So a file whose first page is gone still has its rows, though not the names of their tables: who asks tells them by
their columns. Pages that a log holds count as it has them. A page or a row that makes no sense is passed over.
"""

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE_BYTES = 4096  # where the header does not say
MOST_BYTES = 2**28  # of a row
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100  # before what the first page holds
_LEAF = 0x0D
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # serial type -> bytes
_FRAME_HEADER, _LOG_HEADER = 24, 32


@dataclass(frozen=True, slots=True)
class CarvedRow:
    """A row: its rowid, and its values as they are stored; a column that is the rowid is None there."""

    rowid: int
    values: tuple[Any, ...]


class _Pages:
    """The pages of a file, as its log has them where it does."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
        self.size = self._page_bytes()
        self.count = len(self.data) // self.size
        self.logged = _logged(path.with_name(f"{path.name}-wal"), self.size)

    def __getitem__(self, number: int) -> bytes:
        if number in self.logged:
            return self.logged[number]
        return self.data[(number - 1) * self.size : number * self.size]

    def numbers(self) -> list[int]:
        """Return the numbers of all pages but those that are free, as far as the header leads to them."""
        free, trunk = set[int](), int.from_bytes(self[1][32:36], "big") if self[1].startswith(_MAGIC) else 0
        while trunk and trunk not in free and len(page := self[trunk]) == self.size:
            leaves = min(int.from_bytes(page[4:8], "big"), self.size // 4 - 2)
            free |= {trunk, *struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves])}
            trunk = int.from_bytes(page[:4], "big")
        return sorted({*range(1, self.count + 1), *self.logged} - free)

    def _page_bytes(self) -> int:
        found = int.from_bytes(self.data[16:18], "big") if self.data[:16] == _MAGIC else 0
        return found if found >= 512 and not found & (found - 1) else PAGE_BYTES  # noqa: PLR2004 - SQLite's least


def rows(path: Path) -> Iterator[CarvedRow]:
    """Yield the rows of all tables that lie in leaf pages of a file."""
    pages = _Pages(path)
    for number in pages.numbers():
        page, start = pages[number], _HEADER_BYTES if number == 1 else 0
        if len(page) < pages.size or page[start] != _LEAF:
            continue
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        for place in range(start + 8, min(start + 8 + 2 * cells, pages.size - 1), 2):
            try:
                yield _row(pages, page, int.from_bytes(page[place : place + 2], "big"))
            except (IndexError, ValueError, struct.error):
                continue


def _row(pages: _Pages, page: bytes, at: int) -> CarvedRow:
    length, at = _varint(page, at)
    rowid, at = _varint(page, at)
    if length > MOST_BYTES:
        raise ValueError("no row is as long as that")
    payload = _payload(pages, page, at, length)
    head, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < head:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    return CarvedRow(rowid - 2**64 if rowid >= 2**63 else rowid, tuple(_values(payload, head, kinds)))


def _payload(pages: _Pages, page: bytes, at: int, length: int) -> bytes:
    """Return a row's bytes: those on its page, and those on the pages that it flows over to."""
    usable = pages.size
    most, least = usable - 35, (usable - 12) * 32 // 255 - 23
    here = length
    if length > most:
        here = least + (length - least) % (usable - 4)
        here = here if here <= most else least
    found = bytearray(page[at : at + here])
    following = int.from_bytes(page[at + here : at + here + 4], "big") if here < length else 0
    while len(found) < length:
        over = pages[following] if following else b""
        if len(over) < pages.size:
            raise ValueError("the row goes on on a page that is not there")
        found += over[4 : 4 + length - len(found)]
        following = int.from_bytes(over[:4], "big")
    return bytes(found)


def _values(payload: bytes, at: int, kinds: Sequence[int]) -> Iterator[Any]:
    for kind in kinds:
        size = _INTEGERS.get(kind, 8 if kind == 7 else 0 if kind < 12 else (kind - 12) // 2)  # noqa: PLR2004 - SQLite's own
        piece, at = payload[at : at + size], at + size
        if len(piece) < size or kind in {10, 11}:
            raise ValueError("the row ends before its values do")
        if kind in _INTEGERS:
            yield int.from_bytes(piece, "big", signed=True)
        elif kind >= 12:  # noqa: PLR2004 - as above
            yield piece.decode("utf-8") if kind % 2 else piece
        else:
            yield {0: None, 8: 0, 9: 1}.get(kind) if kind != 7 else struct.unpack(">d", piece)[0]  # noqa: PLR2004 - as above


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins there, of up to nine bytes, and where it ends."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:  # noqa: PLR2004 - the bit that says that it goes on
            return value, place + 1
    return value << 8 | data[at + 8], at + 9


def _logged(path: Path, size: int) -> dict[int, bytes]:
    """Return the pages that a log holds, each as its last commit left it."""
    data = path.read_bytes() if path.is_file() else b""
    committed, open_ = dict[int, bytes](), dict[int, bytes]()
    for at in range(_LOG_HEADER, len(data) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        number, commit = struct.unpack(">II", data[at : at + 8])
        if data[at + 8 : at + 16] != data[16:24]:  # of an earlier round of the log
            break
        open_[number] = data[at + _FRAME_HEADER : at + _FRAME_HEADER + size]
        if commit:
            committed |= open_
            open_.clear()
    return committed
