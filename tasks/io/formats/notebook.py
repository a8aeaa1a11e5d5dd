"""Jupyter notebooks: their prose and code in order, as Markdown; what the code printed is left out."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from wellspring.tasks.contracts import outside

VERSION = 1
PAGES = True
_MARK = re.compile(rb'"nbformat(?:_minor)?"\s*:\s*\d|"cell_type"\s*:')


def is_this(name: str, start: bytes) -> bool:
    """Tell by its cells, or by its name."""
    is_object = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    return is_object and (name.lower().endswith(".ipynb") or (b'"cells"' in start and _MARK.search(start) is not None))


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    """Yield the notebook."""
    book = outside.loads(file.read())
    cells = book.get("cells") or [cell for sheet in book.get("worksheets", []) for cell in sheet.get("cells", [])]
    about = book.get("metadata") or {}
    language = (about.get("kernelspec") or {}).get("language") or (about.get("language_info") or {}).get("name") or ""
    parts = [_cell(cell, language) for cell in cells if isinstance(cell, dict)]
    text = "\n\n".join(part for part in parts if part)
    title = re.search(r"^#\s+(.+)$", text, re.MULTILINE)
    yield {"text": text, "title": about.get("title") or (title[1].strip() if title else None)}


def _cell(cell: dict[str, Any], language: str) -> str:
    said = cell.get("source", cell.get("input", ""))
    text = ("".join(said) if isinstance(said, list) else str(said)).strip()
    if cell.get("cell_type") == "code":
        return f"```{language}\n{text}\n```" if text else ""
    if cell.get("cell_type") == "heading":
        return f"{'#' * int(cell.get('level', 1))} {text}"
    return text
