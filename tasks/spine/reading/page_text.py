"""An item of a corpus as a draft of a document: its text, its address, and what it says of itself; or why it is none.

Archives hold records of many kinds, JSONL and Parquet name their fields as they like, folders hold pages. Here they
become one thing, by one step: what the bytes are, in which charset, and whether they are all there. What is asked of a
text (length, language, quality) is asked later, of all alike.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from wellspring.tasks.contracts import charsets
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.corpora import messages, own_formats, warc
from wellspring.tasks.io.corpora.corpus_files import CorpusRow, Item
from wellspring.tasks.io.corpora.warc import Damage, Record
from wellspring.tasks.methods.pages import content_types, extraction, metadata, opt_outs

VERSION = 4
PAGE_KINDS = frozenset({"response", "resource", "conversion"})
HTTP_OK = 200
_FETCHED = ("fetched_at", "crawl_date", "timestamp")  # fields of a row that say when its page was fetched

Payload = Mapping[str, Any]


def draft_of(item: Item, part: Payload, method: Payload) -> dict[str, Any]:
    """Read an item.

    Args:
        item: What stands in the corpus.
        part: The range of the file it lies in: `uri`, `kind`.
        method: `extractor`, `limit_bytes`, `respect_opt_outs`.

    Returns:
        Columns of a document: `text`, `url`, `title`, `author`, `published_at`, `fetched_at`, `license`.

    Raises:
        Rejection: It is damaged, no page, no text, or its page or server reserves it.
    """
    if isinstance(item, Damage):
        raise Rejection(item.reason, item.detail)
    found = _record(item, part, method) if isinstance(item, Record) else _row(item, method)
    reserved = found.pop("opt_outs")
    if reserved and method["respect_opt_outs"]:
        raise Rejection("opt_out", ", ".join(reserved))
    return found | {
        "text": clean(found["text"]).strip(),
        "url": public(found["url"] or f"file://{part['uri']}#{item.offset}"),
    }


def site_rules(item: Item, limit_bytes: int) -> list[dict[str, Any]]:
    """Return what a robots.txt, ai.txt or tdmrep.json of the archive asks of those who train models, if anything."""
    if not isinstance(item, Record) or item.kind != "response" or not _is_for_robots(item.url):
        return []
    page = messages.page(item, limit_bytes)
    name, host = item.url.partition("?")[0].rpartition("/")[2], domain_of(item.url)
    asked = opt_outs.rules_of(charsets.decode(page.body)[0], name) if page.status == HTTP_OK else []
    row = {"site_rules_id": content_id("site_rules", host, name, asked), "host": host, "name": name, "rules": asked}
    return [row] if asked else []


def _is_for_robots(url: str) -> bool:
    return url.partition("?")[0].endswith(opt_outs.SITE_FILES)


def _record(record: Record, part: Payload, method: Payload) -> dict[str, Any]:
    """Read a record of an archive."""
    if record.kind == "revisit":
        original = public((record.headers.get("warc-refers-to-target-uri") or record.url).strip("<>"))
        raise Rejection(
            "revisit", f"of {original} as it was at {record.headers.get('warc-refers-to-date', 'some time')}"
        )
    if record.kind not in PAGE_KINDS or record.url.startswith(("dns:", "metadata:", "urn:")):
        raise Rejection("not_a_page", record.kind)
    _check_whole(record)
    if part["kind"] == "warc" and not part["uri"].endswith(".gz"):
        warc.check_digest(record)
    page = messages.page(record, method["limit_bytes"])
    if page.status != HTTP_OK:
        raise Rejection("http_status", str(page.status))
    if not page.body.strip():
        raise Rejection("no_text", "the body is empty")
    if _is_for_robots(record.url):
        raise Rejection("not_a_page", "rules for robots")
    found = _read(page.body, page.headers.get("content-type", "").strip().lower(), record.url, method)
    reserved = (*found["opt_outs"], *opt_outs.in_headers(page.headers))
    return found | {"fetched_at": record.date, "opt_outs": reserved}


def _row(row: CorpusRow, method: Payload) -> dict[str, Any]:
    """Read a line, a row or a page of a folder."""
    fields = row.fields
    fetched_at = next((said for name in _FETCHED if metadata.date_of(said := clean(str(fields.get(name)))[:40])), None)
    told = {
        "title": metadata.clean(fields.get("title")),
        "author": metadata.clean(fields.get("author")),
        "published_at": metadata.date_of(fields.get("date") or fields.get("publishing_date")),
        "license": metadata.clean(fields.get("license")),
    }
    found = _read(row.body, row.declared, row.url, method)
    return found | {key: value for key, value in told.items() if value} | {"fetched_at": fetched_at}


def _check_whole(record: Record) -> None:
    """Refuse what its crawler says is a part only.

    Raises:
        Rejection: `truncated`.
    """
    if why := record.headers.get("warc-truncated"):
        raise Rejection("truncated", f"WARC-Truncated says {why}")
    if number := record.headers.get("warc-segment-number"):
        raise Rejection("truncated", f"it is segment {number} of a record that was cut")


def _read(body: bytes, declared: str, url: str, method: Payload) -> dict[str, Any]:
    """Read bytes as what they are, whatever they are declared as.

    Raises:
        Rejection: `not_text` or `not_a_page`, with what they are; or what a document of pages was refused for.
    """
    text, _ = charsets.decode(body, declared)
    found = content_types.what_is(body, text, declared)
    if found == content_types.PAGE:
        return _page(text, url, method)
    if found == content_types.TEXT:
        return _plain(text, url)
    if name := own_formats.NONE.of_pages(url, body[: own_formats.SNIFF_BYTES]):
        return _document(name, body, url, method)
    reason = "not_a_page" if found in content_types.LISTS else "not_text"
    raise Rejection(reason, found if found == declared else f"it is {found}, declared as {declared or 'nothing'}")


def _document(name: str, body: bytes, url: str, method: Payload) -> dict[str, Any]:
    """Read a document of pages that stands in an archive: its pages one after the other."""
    pages, refused = list[dict[str, Any]](), list[Rejection]()
    for one in own_formats.NONE.pages(name, body):
        if isinstance(one, Rejection):
            refused.append(one)
        else:
            found = _page(str(one["html"]), url, method) if one.get("html") else _plain(str(one["text"]), url)
            pages.append(found | {key: said for key in ("title", "author") if (said := metadata.clean(one.get(key)))})
    if not pages:
        raise refused[0] if refused else Rejection("no_text", f"the {name} is empty")
    return pages[0] | {"text": "\n\n".join(page["text"] for page in pages), "url": url}


def _plain(text: str, url: str) -> dict[str, Any]:
    none = dict.fromkeys(("title", "author", "published_at", "license"))
    return {"text": text, "url": url, "opt_outs": (), **none}


def _page(html: str, url: str, method: Payload) -> dict[str, Any]:
    found = extraction.extract(html, url, method["extractor"])
    told = found.metadata
    return {
        "text": found.text,
        "url": url or told.canonical_url or "",
        "title": told.title,
        "author": told.author,
        "published_at": told.published_at,
        "license": told.license,
        "opt_outs": told.opt_outs,
    }


_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_USERINFO = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#]*@")


def clean(text: str) -> str:
    """Return the text as every store and every model takes it: NFC, one line end, no controls, no half characters."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _UNFIT.sub("", text))


def public(url: str) -> str:
    """Return the URL without a user and password, and without blanks that would break it."""
    return _USERINFO.sub(r"\1", clean(url).strip().replace(" ", "%20"))


def domain_of(url: str) -> str:
    """Return the host that a URL names, without `www.`; empty where it names none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")
