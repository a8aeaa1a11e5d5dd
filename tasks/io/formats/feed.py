"""RSS, RDF and Atom: an entry each, read by lxml past what is not well-formed."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - it is compiled, and has no types

VERSION = 1
_ROOT = re.compile(rb"(?:<\?[^>]*\?>|<!--.*?-->|\s|\xef\xbb\xbf)*<(?:rss|feed|rdf:RDF)\b", re.DOTALL | re.IGNORECASE)
_WHOLE = ("encoded", "content", "description", "summary")
_DATES = ("pubDate", "published", "date", "updated")


def is_this(name: str, start: bytes) -> bool:
    """Tell by the root of the feed."""
    return _ROOT.match(start) is not None


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    """Yield the entries: the longest of what stands for their text."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.fromstring(file.read(), parser)
    for entry in root.iter("{*}item", "{*}entry"):
        told = {str(etree.QName(one).localname): one for one in reversed(entry) if isinstance(one.tag, str)}
        bodies = [_inner(told[key]) for key in _WHOLE if key in told]
        yield {
            "html": max(bodies, key=len, default=""),
            "title": _said(told.get("title")),
            "url": _link(entry),
            "author": _said(told.get("creator")) or _said(told.get("author")),
            "date": next((said for key in _DATES if (said := _said(told.get(key)))), None),
            "license": _said(told.get("rights")),
        }


def _said(element: Any) -> str | None:
    return None if element is None else " ".join("".join(element.itertext()).split()) or None


def _inner(element: Any) -> str:
    """Return HTML as it was escaped, or as it stands among the feed's own elements."""
    if len(element) == 0:
        return element.text or ""
    return (element.text or "") + "".join(etree.tostring(one, encoding="unicode") for one in element)


def _link(entry: Any) -> str:
    links = [one for one in entry if isinstance(one.tag, str) and etree.QName(one).localname == "link"]
    chosen = [one for one in links if one.get("rel", "alternate") == "alternate"] or links
    return ((chosen[0].get("href") or chosen[0].text or "") if chosen else "").strip()
