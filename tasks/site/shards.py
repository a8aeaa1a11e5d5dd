"""Data of the site as small script files: a page fetches the few that a person looks at, with no server and no more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

FILES_A_FOLDER = 1000


def script(value: Any) -> bytes:
    """Write data as a script literal in UTF-8, with nothing in it that could end a script element or a line."""
    text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    for char, escaped in ((b"<", b"\\u003c"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029")):
        text = text.replace(char, escaped)
    return text


def write(folder: Path, name: str, value: Any) -> None:
    """Write a file that hands its value to the site's script, under its name below the site's folder.

    Args:
        folder: The site's folder.
        name: The file without its ending, such as `rows/0/12`.
        value: What it holds.
    """
    path = folder / f"{name}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"wellspring.arrived(%s,%s);\n" % (orjson.dumps(name), script(value)))


def place(name: str, number: int) -> str:
    """Return the name of one of many files: a thousand in a folder."""
    return f"{name}/{number // FILES_A_FOLDER}/{number}"


class Shelf:
    """Rows of one kind in files of so many each, written as they come."""

    def __init__(self, folder: Path, name: str, size: int) -> None:
        self.folder, self.name, self.size = folder, name, size
        self.rows = 0
        self._waiting: list[Any] = []

    def put(self, rows: Sequence[Any]) -> None:
        """Take rows; whole files are written at once."""
        self._waiting += rows
        self.rows += len(rows)
        while len(self._waiting) >= self.size:
            self._write(self._waiting[: self.size])
            self._waiting = self._waiting[self.size :]

    def close(self) -> None:
        """Write what is left."""
        if self._waiting:
            self._write(self._waiting)
            self._waiting = []

    def _write(self, rows: Sequence[Any]) -> None:
        number = (self.rows - len(self._waiting)) // self.size
        write(self.folder, place(self.name, number), rows)
