"""What formats in a ZIP package share: whether it is one, what it may unfold to, and what it says of itself."""

from typing import Any
from zipfile import ZipFile

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - it is compiled, and has no types

MAGIC = b"PK\x03\x04"
MOST_BYTES = 2**29  # of all parts, unfolded
MOST_TIMES = 200  # as large as it is stored


def has(start: bytes, part: bytes, name: str, suffix: str) -> bool:
    """Tell whether a file begins as a ZIP package, and has such a part near its beginning, or such a name."""
    return start.startswith(MAGIC) and (part in start or name.lower().endswith(suffix))


def check(package: ZipFile) -> ZipFile:
    """Return the package, if it may be unfolded.

    Raises:
        ValueError: It unfolds to more than a document is.
    """
    parts = package.infolist()
    large, stored = sum(one.file_size for one in parts), sum(one.compress_size for one in parts)
    if large > MOST_BYTES or (large > 2**24 and large > MOST_TIMES * stored):
        raise ValueError(f"its {stored} bytes unfold to {large}")
    return package


def parsed(body: bytes) -> Any:
    """Parse a part: no entities, no network."""
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))


def about(package: ZipFile) -> dict[str, Any]:
    """Return title, author and date as an Office package has them."""
    if "docProps/core.xml" not in package.namelist():
        return {}
    told = {str(etree.QName(one).localname): one.text for one in parsed(package.read("docProps/core.xml"))}
    return {"title": told.get("title"), "author": told.get("creator"), "date": told.get("created")}
