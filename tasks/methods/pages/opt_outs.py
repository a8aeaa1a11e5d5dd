"""Reservations of rights that a page, its server or its site declares against machine use.

Read: `robots` meta and `X-Robots-Tag` (noindex, none, noai, noimageai, and those that name a crawler for models), the
TDM Reservation Protocol (header and meta `tdm-reservation: 1`), and robots.txt / ai.txt where the corpus holds them.
Each is a word and where it stood, such as `meta robots: noai`, so that a refusal says what was respected.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

VERSION = 1
RESERVING = frozenset({"noai", "noindex", "none", "noml"})
# User agents by which sites address those who train models; `*` in robots.txt speaks to search engines as well.
MODEL_CRAWLERS = frozenset(
    {
        "gptbot",
        "ccbot",
        "google-extended",
        "anthropic-ai",
        "claudebot",
        "claude-web",
        "applebot-extended",
        "bytespider",
        "meta-externalagent",
        "facebookbot",
        "cohere-ai",
        "diffbot",
        "omgilibot",
        "ai2bot",
        "amazonbot",
        "perplexitybot",
        "wellspring",
    }
)
_NAMES = ("robots", "googlebot", "bingbot", *sorted(MODEL_CRAWLERS))
_WORD = re.compile(r"[a-z][a-z-]*")
MAX_RULES = 5_000


def in_markup(named: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the reservations among a page's meta values (lower-case name -> values)."""
    found: list[str] = []
    for name in (name for name in _NAMES if name in named):
        words = [word for value in named[name] for word in _WORD.findall(value.lower())]
        found += [
            f"meta {name}: {word}" for word in words if word in RESERVING and (name == "robots" or word != "none")
        ]
    if any(value.strip() == "1" for value in named.get("tdm-reservation", [])):
        found.append("meta tdm-reservation: 1")
    return tuple(dict.fromkeys(found))


def in_headers(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the reservations among HTTP headers (lower-case name -> value)."""
    found: list[str] = []
    for directive in headers.get("x-robots-tag", "").lower().split(","):
        # `noai`, or `gptbot: noindex`; another crawler's rules are not ours.
        agent, colon, rule = directive.rpartition(":")
        if not colon or agent.strip() in {*MODEL_CRAWLERS, "*"}:
            found += [f"X-Robots-Tag: {word}" for word in _WORD.findall(rule) if word in RESERVING]
    if headers.get("tdm-reservation", "").strip() == "1":
        found.append("TDM-Reservation: 1")
    return tuple(dict.fromkeys(found))


def rules_of(text: str, name: str = "robots.txt") -> list[str]:
    """Read a site's robots.txt or ai.txt: what it asks of those who train models, as `allow: /a` and `disallow: /b`.

    In robots.txt a group for `*` alone speaks of search. ai.txt (Spawning) has the same form, and there `*` speaks to
    us.
    """
    wanted = MODEL_CRAWLERS if name == "robots.txt" else {*MODEL_CRAWLERS, "*"}
    rules, group, is_open = list[str](), set[str](), False
    for line in text[:500_000].splitlines()[:MAX_RULES]:
        key, colon, value = line.split("#", 1)[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            group = group if is_open else set()
            group.add(value.lower())
            is_open = True
            continue
        is_open = False
        if key in {"allow", "disallow"} and value and group & wanted:
            rules.append(f"{key}: {value}")
    return rules


def may_use(rules: Iterable[str], url: str) -> bool:
    """Tell whether a URL of a site may be used under its rules; the longest that matches decides."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    best = (0, True)
    for rule in rules:
        key, _, pattern = rule.partition(": ")
        if _matches(pattern, path):
            best = max(best, (len(pattern), key == "allow"))
    return best[1]


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
