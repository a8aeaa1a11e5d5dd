"""Word documents (DOCX), by mammoth: headings, lists, tables and notes, as a page."""

from collections.abc import Iterator
from typing import Any, BinaryIO
from zipfile import ZipFile

from wellspring.tasks.io.formats import zipped

VERSION = 1
NEEDS = "mammoth"
PAGES = True


def is_this(name: str, start: bytes) -> bool:
    """Tell by the parts of the package."""
    return zipped.has(start, b"word/", name, ".docx")


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    """Yield the document."""
    import mammoth

    zipped.check(ZipFile(file))
    file.seek(0)
    page = mammoth.convert_to_html(file, convert_image=lambda _: [])
    file.seek(0)
    yield {"html": f"<article>{page.value}</article>"} | zipped.about(ZipFile(file))
