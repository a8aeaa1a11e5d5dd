"""Dumps of MediaWiki, such as Wikipedia's: a page each, its markup undone by mwparserfromhell."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

from wellspring.tasks.contracts.errors import Rejection

VERSION = 1
NEEDS = "mwparserfromhell"
BEGIN = re.compile(rb"<page>")
_END = b"</page>"
_NOT_PROSE = re.compile(
    r"^(?:file|image|category|datei|bild|kategorie|fichier|catégorie|archivo|categoría|файл|категория):", re.IGNORECASE
)
_EMPTY_LINES = re.compile(r"\n{3,}")


def is_this(name: str, start: bytes) -> bool:
    """Tell by the root of the dump."""
    return b"<mediawiki" in start[:2048]


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any] | Rejection]:
    """Yield the newest text of a page. Redirects, and pages about the wiki itself, are refused."""
    block = file.read()
    end = block.find(_END)
    if end < 0:
        yield Rejection("truncated", "the page has no end")
        return
    page = ET.fromstring(block[: end + len(_END)])  # noqa: S314 - expat bounds what entities unfold to
    title, space = page.findtext("title") or "", page.findtext("ns") or "0"
    if page.find("redirect") is not None:
        yield Rejection("redirect", title)
    elif space != "0":
        yield Rejection("not_a_page", f"{title} is in namespace {space}")
    else:
        newest = page.findall("revision")[-1:]
        said = newest[0] if newest else page
        yield {
            "title": title,
            "text": f"{title}\n\n{_plain(said.findtext('text') or '')}",
            "date": said.findtext("timestamp"),
            "id": page.findtext("id"),
        }


def _plain(markup: str) -> str:
    import mwparserfromhell

    code = mwparserfromhell.parse(markup)
    for link in code.filter_wikilinks(recursive=True):
        if _NOT_PROSE.match(str(link.title).strip()):
            code.remove(link)
    for tag in code.filter_tags(recursive=True, matches=lambda one: str(one.tag).lower() in {"ref", "gallery"}):
        code.remove(tag)
    text = code.strip_code(normalize=True, collapse=True, keep_template_params=False)
    return _EMPTY_LINES.sub("\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()
