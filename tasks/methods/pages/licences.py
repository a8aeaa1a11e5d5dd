"""Licences that a page declares: Creative Commons and others by link, `rel=license`, meta and schema.org.

A licence becomes a column that reaches the dataset's card; where a page links several (a wiki's text and its images),
the most restrictive is taken, so that the card never promises more than the page does.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from selectolax.lexbor import LexborHTMLParser

VERSION = 2
_CREATIVE_COMMONS = re.compile(
    r"creativecommons\.org/(?:licenses/(by(?:-nc)?(?:-nd|-sa)?|nc(?:-sa)?|sa|nd(?:-nc)?)(?:/(\d\.\d))?|publicdomain/(zero|mark)(?:/(\d\.\d))?)",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\bCC[ -](BY(?:[ -]NC)?(?:[ -](?:SA|ND))?)(?:[ -](\d\.\d))?\b|\bCC0\b", re.IGNORECASE)
_OTHERS = (
    (re.compile(r"gnu\.org/(?:licenses|copyleft)/(fdl|gpl|lgpl|agpl)", re.IGNORECASE), "GNU "),
    (re.compile(r"opensource\.org/licenses?/([A-Za-z0-9.-]+)", re.IGNORECASE), ""),
    (re.compile(r"apache\.org/licenses/LICENSE-(2\.0)", re.IGNORECASE), "Apache-"),
    (re.compile(r"nationalarchives\.gov\.uk/doc/(open-government-licence)", re.IGNORECASE), ""),
)
_META = (
    "license",
    "licence",
    "dc.rights",
    "dcterms.rights",
    "dcterms.license",
    "dc.rights.license",
    "copyright-license",
)
MAX_CHARS = 200
MAX_LISTED = 20


def licence_of(tree: LexborHTMLParser, named: Mapping[str, list[str]], linked: list[Mapping[str, Any]]) -> str | None:
    """Return the licence a page declares, as an SPDX-like name; None where it declares none."""
    texts = [value for name in _META for value in named.get(name, [])]
    texts += [text for entry in linked for text in _said(entry.get("license"))]
    nodes = tree.css('a[rel~="license"], link[rel~="license"], a[href*="creativecommons.org/"]')
    texts += [href for node in nodes if (href := node.attributes.get("href"))]
    found = {name for text in texts if (name := name_of(text))}
    return max(sorted(found), key=_restriction, default=None)


def _said(value: Any) -> list[str]:
    """Return the texts by which JSON-LD names licences: a text, an object of several, a list of them."""
    parts = cast("list[Any]", value)[:MAX_LISTED] if isinstance(value, list) else [value]
    found: list[str] = []
    for part in parts:
        if isinstance(part, dict):
            told = cast("dict[str, Any]", part)
            part = next((told[key] for key in ("@id", "url", "sameAs", "identifier", "name") if told.get(key)), None)  # noqa: PLW2901 - the object's own name
        found += [part] if isinstance(part, str) else []
    return found


def name_of(text: str) -> str | None:
    """Return the licence that a link or a phrase names, such as CC-BY-SA-4.0; None if it names none."""
    text = text[: MAX_CHARS * 2]
    if match := _CREATIVE_COMMONS.search(text):
        kind, version, public, public_version = match.groups()
        if public:
            return f"CC0-{public_version or '1.0'}" if public.lower() == "zero" else "PDM-1.0"
        return f"CC-{kind.upper()}" + (f"-{version}" if version else "")
    if match := _NAMED.search(text):
        if not match[1]:
            return "CC0-1.0"
        return f"CC-{match[1].upper().replace(' ', '-')}" + (f"-{match[2]}" if match[2] else "")
    for pattern, prefix in _OTHERS:
        if match := pattern.search(text):
            return f"{prefix}{match[1].upper() if prefix == 'GNU ' else match[1]}"
    return None


def _restriction(name: str) -> int:
    parts = name.split("-")
    return 4 * ("ND" in parts) + 3 * ("NC" in parts) + 2 * ("SA" in parts) + ("BY" in parts)
