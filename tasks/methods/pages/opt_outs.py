"""Reservations of rights that a page, its server or its site declares against machine use.

| where | what is read | by |
|---|---|---|
| page | `robots` meta and `http-equiv`, also by a crawler's name: noindex, none, noai, noml, noarchive | de facto |
| page | `tdm-reservation` meta; `content-usage`; RSL, linked or in place | TDMRep, IETF aipref, RSL 1.0 |
| headers | `X-Robots-Tag`, `TDM-Reservation`, `Content-Usage`, `Content-Signal`, `Link` to RSL | the same |
| site | robots.txt: groups for AI agents, `Content-Usage`, `Content-Signal`, `License` | RFC 9309, aipref, RSL |
| site | ai.txt, /.well-known/tdmrep.json | Spawning, TDMRep |

Each is a word and where it stood, such as `meta robots: noai`, so that a refusal says what was respected. `noarchive`
is read as its makers say (Bing takes no such page for training). RSL whose terms are not at hand reserves.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlsplit

VERSION = 2
RESERVING = frozenset({"noai", "noindex", "none", "noml", "noarchive"})
_TO_ALL = frozenset({"noai", "noml"})  # of whomever they are asked, they speak of models
# User agents by which sites address those who train models; `*` in robots.txt speaks to search engines as well.
MODEL_CRAWLERS = frozenset(
    {
        "gptbot",
        "ccbot",
        "google-extended",
        "google-cloudvertexbot",
        "anthropic-ai",
        "claudebot",
        "claude-web",
        "applebot-extended",
        "bytespider",
        "tiktokspider",
        "meta-externalagent",
        "facebookbot",
        "cohere-ai",
        "cohere-training-data-crawler",
        "diffbot",
        "omgili",
        "omgilibot",
        "webzio-extended",
        "ai2bot",
        "ai2bot-dolma",
        "amazonbot",
        "perplexitybot",
        "deepseekbot",
        "pangubot",
        "timpibot",
        "img2dataset",
        "imagesiftbot",
        "laion-huggingface-processor",
        "friendlycrawler",
        "icc-crawler",
        "cotoyogi",
        "wellspring",
    }
)
SITE_FILES = ("/robots.txt", "/ai.txt", "/.well-known/tdmrep.json")
MAX_RULES = 5_000
MAX_CHARS = 500_000
_NAMES = ("robots", "googlebot", "bingbot", "x-robots-tag", *sorted(MODEL_CRAWLERS))
_WITH_VALUES = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")  # no agents
_WORD = re.compile(r"[a-z][a-z-]*")
_TOKEN = re.compile(r"[a-z0-9_-]+")
_TRAINING = frozenset({"train-ai", "train-genai", "ai-train", "ai", "genai", "ai-all", "all"})
RSL = "application/rsl+xml"
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})|([^\x00-\x7f]+)")


def in_markup(named: Mapping[str, list[str]], rsl: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the reservations among a page's meta values (lower-case name -> values) and its RSL.

    Args:
        named: Values of `<meta>` by name, property or `http-equiv`.
        rsl: RSL documents in the page; of one that is linked, its address.
    """
    found: list[str] = []
    for name in (name for name in _NAMES if name in named):
        words = [word for value in named[name] for word in _WORD.findall(value.lower())]
        is_general = name in {"robots", "x-robots-tag"}
        found += [f"meta {name}: {word}" for word in words if word in RESERVING and (is_general or word != "none")]
    if any(value.strip() == "1" for value in named.get("tdm-reservation", [])):
        found.append("meta tdm-reservation: 1")
    found += [f"meta content-usage: {why}" for value in named.get("content-usage", []) if (why := _reserved(value))]
    found += [f"RSL: {why}" for text in rsl if (why := in_rsl(text))]
    return tuple(dict.fromkeys(found))


def in_headers(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the reservations among HTTP headers (lower-case name -> value)."""
    found = [f"X-Robots-Tag: {word}" for word in _tags(headers.get("x-robots-tag", "").lower())]
    if headers.get("tdm-reservation", "").strip() == "1":
        found.append("TDM-Reservation: 1")
    for name in ("Content-Usage", "Content-Signal"):
        found += [f"{name}: {why}"] if (why := _reserved(headers.get(name.lower(), ""))) else []
    if RSL in headers.get("link", ""):
        found.append("RSL: linked by the server")
    return tuple(dict.fromkeys(found))


def _tags(value: str) -> Iterator[str]:
    """Yield the words of `X-Robots-Tag` that are meant for us: an agent's name holds until the next one's."""
    agent = "*"
    for directive in value.split(","):
        name, colon, rule = directive.partition(":")
        if colon and name.strip() not in _WITH_VALUES:
            agent = name.strip()
        for word in _WORD.findall(rule if colon else directive):
            if word in _TO_ALL or (word in RESERVING and agent in {*MODEL_CRAWLERS, "*"}):
                yield word


def _reserved(value: str) -> str | None:
    """Return what a value of `Content-Usage` or `Content-Signal` denies of training, such as `train-ai=n`."""
    for part in value.lower().split(","):
        name, _, said = part.partition(";")[0].partition("=")
        if name.strip() in _TRAINING and said.strip().strip('"') in {"n", "no"}:
            return f"{name.strip()}={said.strip()}"
    return None


def _allowed(value: str) -> bool:
    return any(
        name.strip() in _TRAINING and said.strip() in {"y", "yes"}
        for name, _, said in (part.partition("=") for part in value.lower().split(","))
    )


def in_rsl(text: str) -> str | None:
    """Return why terms in RSL reserve a page against training; None if they give it freely.

    Args:
        text: The document, or the address of one whose terms are not at hand.
    """
    if "<" not in text:
        return f"terms at {text[:200]}"
    said = {
        kind: {
            word.lower()
            for found in re.findall(rf"<{kind}\b[^>]{{0,200}}usage[^>]{{0,200}}>([^<]{{0,500}})<", text[:MAX_CHARS])
            for word in re.split(r"[\s,]+", found)
        }
        for kind in ("permits", "prohibits")
    }
    if denied := sorted(said["prohibits"] & _TRAINING):
        return f"prohibits {denied[0]}"
    if said["permits"] and not said["permits"] & _TRAINING:
        return "does not permit training"
    paid = re.search(r"<payment\b[^>]{0,200}type\s{0,3}=\s{0,3}[\"']([a-z-]{1,40})", text[:MAX_CHARS])
    return f"payment by {paid[1]}" if paid and paid[1] not in {"free", "attribution"} else None


def rules_of(text: str, name: str = "robots.txt") -> list[str]:
    """Read what a site's file asks of those who train models.

    In robots.txt a group for `*` alone speaks of search, but for what it says of use (`Content-Usage`,
    `Content-Signal`); `License` is RSL's and speaks to all. ai.txt (Spawning) has the same form, and there `*` speaks
    to us. tdmrep.json is a list of locations.

    Returns:
        Rules such as `allow: /a`, `disallow: /b`, `usage: /c train-ai=n`, `usage: / License https://...`.
    """
    if name == "tdmrep.json":
        return _of_tdmrep(text)
    us = MODEL_CRAWLERS if name == "robots.txt" else {*MODEL_CRAWLERS, "*"}
    rules, group, is_open = list[str](), set[str](), False
    for line in re.split(r"\r\n|\r|\n", text[:MAX_CHARS].lstrip("\ufeff"))[:MAX_RULES]:
        key, colon, value = line.split("#", 1)[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            group = group if is_open else set()
            group.add(token[0] if (token := _TOKEN.match(value.lower())) else value)
            is_open = True
            continue
        is_open = is_open and key not in {"allow", "disallow"}
        if key in {"allow", "disallow"} and value and group & us:
            rules.append(f"{key}: {value}")
        elif key in {"content-usage", "content-signal"} and (not group or group & {*us, "*"}):
            rules += _of_usage(value)
        elif key == "license" and value:
            rules.append(f"usage: / License {value[:500]}")
    return rules


def _of_usage(value: str) -> list[str]:
    path, _, said = value.partition(" ") if value.startswith("/") else ("/", "", value)
    if why := _reserved(said):
        return [f"usage: {path} {why}"]
    return [f"usage: {path} allowed"] if _allowed(said) else []


def _of_tdmrep(text: str) -> list[str]:
    try:
        told: Any = json.loads(text[:MAX_CHARS].lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return []
    entries = cast("list[Any]", told) if isinstance(told, list) else [told]
    rules: list[str] = []
    for entry in entries[:MAX_RULES]:
        if isinstance(entry, dict) and isinstance(path := cast("dict[str, Any]", entry).get("location"), str) and path:
            is_reserved = str(cast("dict[str, Any]", entry).get("tdm-reservation")).strip() == "1"
            rules.append(f"{'disallow' if is_reserved else 'allow'}: {path}")
    return rules


def may_use(rules: Iterable[str], url: str) -> bool:
    """Tell whether a URL of a site may be used under its rules."""
    return reserving(rules, url) is None


def reserving(rules: Iterable[str], url: str) -> str | None:
    """Return the rule of a site that reserves a URL, or None.

    The longest that matches decides, of two as long the one that allows (RFC 9309). Rules of use decide for themselves:
    who may fetch a page may still not train on it.
    """
    parts = urlsplit(url)
    path = _normal((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    best: dict[bool, tuple[int, bool, str]] = {}
    for rule in rules:
        key, _, value = rule.partition(": ")
        pattern, _, said = value.partition(" ") if key == "usage" else (value, "", "")
        pattern = _normal(pattern)
        if _matches(pattern, path):
            is_allowed = key == "allow" or said == "allowed"
            place = (len(pattern), is_allowed, rule)
            best[key == "usage"] = max(best.get(key == "usage", place), place)
    return next((rule for _, is_allowed, rule in best.values() if not is_allowed), None)


def _normal(path: str) -> str:
    """Write a path as RFC 9309 compares it: escapes in capitals, of what needs one and of nothing else."""

    def one(match: re.Match[str]) -> str:
        octets = unquote_to_bytes(match[0]) if match[1] else match[0].encode("utf-8", "surrogatepass")
        return "".join(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in octets)

    return _ESCAPE.sub(one, path)


def _matches(pattern: str, path: str) -> bool:
    """Match a robots pattern (prefix, `*`, final `$`) without a regular expression, so that no site can stall us."""
    is_anchored = pattern.endswith("$")
    pieces = pattern.rstrip("$").split("*")
    if not path.startswith(pieces[0]):
        return False
    position = len(pieces[0])
    for piece in pieces[1:]:
        found = path.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return not is_anchored or position == len(path) or (len(pieces) > 1 and path.endswith(pieces[-1]))
