"""PDF, by pypdf: a page each, by its number. A page that is only a picture is refused, and the refusal says so."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from wellspring.tasks.contracts.errors import Rejection

VERSION = 1
NEEDS = "pypdf"
PAGES = True


def is_this(name: str, start: bytes) -> bool:
    """Tell by the mark, which may stand behind some bytes of a server."""
    return b"%PDF-" in start[:1024]


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any] | Rejection]:
    """Yield the pages."""
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError

    book = pypdf.PdfReader(file)
    try:
        is_locked = book.is_encrypted and not book.decrypt("")
        count, told = (0, None) if is_locked else (len(book.pages), book.metadata)
    except (FileNotDecryptedError, DependencyError):
        is_locked, count, told = True, 0, None
    if is_locked:
        yield Rejection("encrypted", "the file is locked with a password")
    for number in range(1, count + 1):
        page = book.pages[number - 1]
        text = page.extract_text().strip()
        if text:
            about = {"title": told.title, "author": told.author} if told else {}
            yield {"text": text, "fragment": f"page={number}", **about}
        else:
            yield Rejection("scanned" if _has_picture(page) else "no_text", _why(number, count, page))


def _why(number: int, count: int, page: Any) -> str:
    where = f"page {number} of {count}"
    return f"{where} is a picture without text; it was scanned" if _has_picture(page) else f"{where} is empty"


def _has_picture(page: Any) -> bool:
    drawn = (page.get("/Resources") or {}).get("/XObject") or {}
    return any(drawn[name].get_object().get("/Subtype") == "/Image" for name in drawn)
