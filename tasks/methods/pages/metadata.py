"""What a page says of itself: title, author, date, canonical URL, licence, and whether it may be used.

Read off the parsed tree: `<head>` first, then JSON-LD, then the visible byline. Values are cleaned and bounded, since
pages put anything there; what cannot be read is None, never an error.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from wellspring.tasks.contracts import outside
from wellspring.tasks.methods.pages import bylines, dates, licences, opt_outs

VERSION = 3
MAX_VALUE_CHARS = 500
MAX_HEAD_CHARS = 100_000
MAX_LD_CHARS = 200_000
MAX_LD_NODES = 500
MAX_LD_DEPTH = 4  # of names in lists of people

_TITLES = ("og:title", "twitter:title", "dc.title", "dcterms.title", "citation_title")
_AUTHORS = (
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "citation_author",
    "parsely-author",
    "sailthru.author",
)
_DATES = (
    "article:published_time",
    "datepublished",
    "dc.date",
    "dcterms.date",
    "dcterms.created",
    "citation_publication_date",
    "citation_date",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publishdate",
    "date",
    "og:published_time",
)
_ARTICLE_TYPES = ("article", "posting", "webpage", "report", "recipe", "product", "qapage", "discussion", "howto")
_SITE_SUFFIX = re.compile(r"\s+[|\u2013\u2014\u00b7\u00bb:-]{1,2}\s+[^|\u2013\u2014\u00bb]{2,60}$")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page says of itself; `opt_outs` are the reservations found in its markup, as `source: directive`."""

    title: str | None
    author: str | None
    published_at: str | None
    canonical_url: str | None
    license: str | None
    opt_outs: tuple[str, ...]


def metadata_of(tree: LexborHTMLParser, url: str) -> Metadata:
    """Read the metadata of a parsed page that was found at `url`."""
    data = [node.text(deep=True) or "" for node in tree.css('script[type="application/ld+json"]')]
    rsl = [node.text(deep=True) or "" for node in tree.css(f'script[type="{opt_outs.RSL}"]')]
    return _read(tree, data, rsl, url)


def read_html(html: str, url: str) -> Metadata:
    """Read the metadata of a page whose whole is parsed elsewhere: only its head and a few places are parsed here.

    The places are its JSON-LD, its first heading, its links to licences, and its first time if nothing else is a date.
    """
    body = html.find("<body")
    body = body if body >= 0 else html.find("<BODY", 0, MAX_HEAD_CHARS)
    start = min(body if body > 0 else MAX_HEAD_CHARS, 4 * MAX_HEAD_CHARS)
    head = _without(_without(html[:start], "script"), "style")
    marks = [found for mark in ("creativecommons.org/", 'rel="license"') if (found := html.find(mark, start)) >= 0]
    links = [html[html.rfind("<", start, found) : html.find(">", found) + 1] for found in marks]
    shown = "".join([head, "<body>", _element(html, "<h1", "</h1>", start), *links])
    told = _read(
        LexborHTMLParser(shown), list(_embedded(html, "application/ld+json")), list(_embedded(html, opt_outs.RSL)), url
    )
    if told.published_at is None and (time := _element(html, "<time", ">", start)):
        told = replace(told, published_at=bylines.date_of(LexborHTMLParser(time), ""))
    return told


def _read(tree: LexborHTMLParser, data: list[str], rsl: list[str], url: str) -> Metadata:
    named = _named(tree)
    linked = list(_linked_data(data))
    articles = _articles(linked)
    return Metadata(
        title=_title(tree, named, articles),
        author=_author(named, articles) or bylines.author_of(tree),
        published_at=_published(named, articles) or bylines.date_of(tree, url),
        canonical_url=_canonical(tree, named, url),
        license=licences.licence_of(tree, named, linked),
        opt_outs=opt_outs.in_markup(named, [*rsl, *_linked_rsl(tree)]),
    )


def _linked_rsl(tree: LexborHTMLParser) -> list[str]:
    """Return the addresses of RSL terms that a page links."""
    nodes = tree.css(f'link[rel~="license"][type="{opt_outs.RSL}"]')
    return [href for node in nodes if (href := node.attributes.get("href"))]


def _element(html: str, opening: str, closing: str, start: int) -> str:
    """Return the first element that begins so, as far as a value is read; empty where there is none."""
    found = html.find(opening, start)
    return html[found : found + MAX_VALUE_CHARS * 4].partition(closing)[0] + closing if found >= 0 else ""


def _embedded(html: str, kind: str) -> Iterator[str]:
    """Yield the contents of scripts of a type, which are data."""
    end = 0
    while (found := html.find(kind, end)) >= 0:
        opening = max(html.rfind("<", end, found), 0)
        if html[opening : opening + 7].lower() != "<script":
            end = found + len(kind)
            continue
        end = html.find("</script", found)
        end = end if end > 0 else len(html)
        yield html[html.find(">", found, end) + 1 : end]


def _without(head: str, tag: str) -> str:
    """Cut elements that hold no markup out of a head: parsing them takes longer than all that is looked at."""
    kept: list[str] = []
    end = 0
    while (begin := head.find(f"<{tag}", end)) >= 0:
        kept.append(head[end:begin])
        end = head.find(f"</{tag}>", begin)
        if end < 0:
            return "".join(kept)
        end += len(tag) + 3
    return "".join([*kept, head[end:]])


def _named(tree: LexborHTMLParser) -> dict[str, list[str]]:
    """Collect `<meta>` values by lower-case name, property or itemprop."""
    named: dict[str, list[str]] = {}
    for node in tree.css("meta"):
        attributes = node.attributes
        name = (
            attributes.get("name")
            or attributes.get("property")
            or attributes.get("itemprop")
            or attributes.get("http-equiv")
        )
        content = attributes.get("content")
        if name and content:
            named.setdefault(name.strip().lower(), []).append(content[: MAX_VALUE_CHARS * 4].strip())
    return named


def _linked_data(data: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of the page's JSON-LD, nested graphs included, a bounded number of them."""
    count = 0
    for text in data:
        if len(text) > MAX_LD_CHARS:
            continue
        try:
            pending: list[Any] = [outside.loads(text, strict=False)]
        except ValueError:
            continue
        while pending and count < MAX_LD_NODES:
            value = pending.pop(0)
            if isinstance(value, list):
                pending.extend(cast("list[Any]", value)[:50])
            elif isinstance(value, dict):
                count += 1
                entry = cast("dict[str, Any]", value)
                yield entry
                pending.extend(
                    v
                    for k in ("@graph", "mainEntity", "mainEntityOfPage")
                    if isinstance(v := entry.get(k), (list, dict))
                )


def clean(value: Any) -> str | None:
    """Return a metadata value as one short line; None if there is nothing in it."""
    if not isinstance(value, str):
        return None
    line = " ".join(re.sub(r"<[^>]{1,200}>", " ", outside.sound(value[: MAX_VALUE_CHARS * 4])).split())
    return line[:MAX_VALUE_CHARS] or None


def _types(entry: Mapping[str, Any]) -> str:
    kind = entry.get("@type")
    return (
        ",".join(str(k) for k in cast("list[Any]", kind)).lower() if isinstance(kind, list) else str(kind or "").lower()
    )


def _articles(linked: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """JSON-LD objects about the page, articles before pages."""
    typed = [(_types(entry), entry) for entry in linked]
    ranked = [(next((i for i, kind in enumerate(_ARTICLE_TYPES) if kind in types), None), e) for types, e in typed]
    return [entry for rank, entry in sorted(((r, e) for r, e in ranked if r is not None), key=lambda pair: pair[0])]


def _title(tree: LexborHTMLParser, named: Mapping[str, list[str]], articles: list[Mapping[str, Any]]) -> str | None:
    told = [clean(value) for name in _TITLES for value in named.get(name, [])[:1]]
    told += [clean(entry.get("headline")) for entry in articles]
    heading = tree.css_first("h1")
    shown = clean(heading.text(deep=True, separator=" ")) if heading else None
    node = tree.css_first("title")
    titled = clean(node.text(deep=True)) if node else None
    if titled and shown and shown.lower() in titled.lower() and len(shown) > 3:  # noqa: PLR2004 - not a logo's alt text
        return shown
    best = next((value for value in told if value), None) or titled or shown
    return (_SITE_SUFFIX.sub("", best) if best else None) or best


def _author(named: Mapping[str, list[str]], articles: list[Mapping[str, Any]]) -> str | None:
    for entry in articles:
        if names := _people(entry.get("author") or entry.get("creator")):
            return ", ".join(dict.fromkeys(names))[:MAX_VALUE_CHARS]
    for name in _AUTHORS:
        values = [
            v for value in named.get(name, []) if (v := clean(value)) and not v.startswith(("http:", "https:", "@"))
        ]
        if values:
            return ", ".join(dict.fromkeys(values))[:MAX_VALUE_CHARS]
    return None


def _people(value: Any, depth: int = 0) -> list[str]:
    if depth > MAX_LD_DEPTH:
        return []
    if isinstance(value, list):
        return [name for one in cast("list[Any]", value)[:10] for name in _people(one, depth + 1)]
    if isinstance(value, dict):
        return _people(cast("dict[str, Any]", value).get("name"), depth + 1)
    name = clean(value)
    return [name] if name and not name.startswith("http") and not name.isdecimal() else []


def date_of(value: Any) -> str | None:
    """Return the first date in a text as YYYY-MM-DD, where it is a date of the calendar; else None."""
    if not isinstance(value, str):
        return None
    return dates.first_in(value)


def _published(named: Mapping[str, list[str]], articles: list[Mapping[str, Any]]) -> str | None:
    told: list[Any] = [entry.get("datePublished") or entry.get("dateCreated") for entry in articles]
    told += [value for name in _DATES for value in named.get(name, [])[:1]]
    return next((date for value in told if (date := date_of(value))), None)


def _canonical(tree: LexborHTMLParser, named: Mapping[str, list[str]], url: str) -> str | None:
    node = tree.css_first('link[rel="canonical"]')
    href = (node.attributes.get("href") if node else None) or next(iter(named.get("og:url", [])), None)
    if not href:
        return None
    href = href.strip()[:2000]
    try:
        absolute, parts = href, urlsplit(href)
        if not parts.hostname:
            absolute = urljoin(url, href)
            parts = urlsplit(absolute)
    except ValueError:
        return None
    return absolute if parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc else None
