"""E-books (EPUB): a chapter each, in the order of the spine."""

import posixpath
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import unquote
from zipfile import ZipFile

from wellspring.tasks.contracts import charsets
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.io.formats import zipped

VERSION = 1
PAGES = True


def is_this(name: str, start: bytes) -> bool:
    """Tell by the part that comes first in every e-book."""
    return zipped.has(start, b"mimetypeapplication/epub+zip", name, ".epub")


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any] | Rejection]:
    """Yield the chapters; a locked book is refused."""
    book = zipped.check(ZipFile(file))
    if "META-INF/encryption.xml" in book.namelist() and b"EncryptedData" in book.read("META-INF/encryption.xml"):
        yield Rejection("encrypted", "the book is locked")
        return
    container = zipped.parsed(book.read("META-INF/container.xml"))
    root = next(one.get("full-path") or "" for one in container.iter("{*}rootfile"))
    package = zipped.parsed(book.read(root))
    about = {
        key: "".join(found.itertext()).strip() or None
        for key, tag in (("title", "title"), ("author", "creator"), ("date", "date"), ("license", "rights"))
        if (found := next(package.iter(f"{{http://purl.org/dc/elements/1.1/}}{tag}"), None)) is not None
    }
    parts = {one.get("id"): one.get("href") or "" for one in package.iter("{*}item")}
    for entry in package.iter("{*}itemref"):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(root), unquote(parts.get(entry.get("idref"), ""))))
        if path not in book.namelist():
            yield Rejection("truncated", f"the chapter {path} is not in the book")
        else:
            yield {"html": charsets.decode(book.read(path))[0], "fragment": path, **about}
