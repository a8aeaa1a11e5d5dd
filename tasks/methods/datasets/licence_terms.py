"""What licences ask of who passes a text on, and the one licence that promises no more than several sources allow.

Four things are asked: name the source (`by`), share alike (`sa`), no commerce (`nc`), no derivatives (`nd`). A licence
may stand for a source that asks no more than it does itself; for one with `sa` or `nd` only the same licence may, or a
later version of it. Names are those of the Hub's cards. What cannot be read as one licence (free text, several at once,
a licence of somebody's own) may be stood for by none.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from wellspring.tasks.methods.pages import licences

VERSION = 1
NOT_STATED, OTHER = "not stated", "other"
MAX_CHARS = 80  # of a licence that is shown

_ASKED = {
    "": "cc0-1.0 pddl unlicense wtfpl",
    "by": "mit apache-2.0 bsd bsd-2-clause bsd-3-clause isc zlib bsl-1.0 odc-by etalab-2.0 "
    "cdla-permissive-1.0 cdla-permissive-2.0",
    "by sa": "gfdl gpl gpl-2.0 gpl-3.0 agpl-3.0 lgpl lgpl-2.1 lgpl-3.0 mpl-2.0 eupl-1.1 eupl-1.2 osl-3.0 odbl "
    "cdla-sharing-1.0",
}
_KNOWN = {name: frozenset(asked.split()) for asked, names in _ASKED.items() for name in names.split()}
_ALIASES = {
    "cc0": "cc0-1.0",
    "pdm-1.0": "cc0-1.0",
    "public-domain": "cc0-1.0",
    "gnu-fdl": "gfdl",
    "gnu-gpl": "gpl",
    "gnu-lgpl": "lgpl",
    "gnu-agpl": "agpl-3.0",
    "odc-by-1.0": "odc-by",
    "odbl-1.0": "odbl",
    "pddl-1.0": "pddl",
}
_COMMONS = re.compile(r"cc-(by(?:-nc)?(?:-sa|-nd)?)(?:-(\d\.\d))?")
_ON_THE_HUB = re.compile(
    r"cc-by-(?:2\.0|2\.5|3\.0|4\.0)|cc-by-(?:sa|nc-nd)-[34]\.0|cc-by-(?:nc|nc-sa)-[234]\.0|cc-by-nd-4\.0"
)
_LINK = re.compile(r"(?:https?:)?//\S+", re.IGNORECASE)
_LONG_WORDS = (
    (re.compile(r"creative[ -]commons"), "cc"),
    (re.compile(r"attribution"), "by"),
    (re.compile(r"share[ -]?alike"), "sa"),
    (re.compile(r"non[ -]?commercial"), "nc"),
    (re.compile(r"no[ -]?deriv(?:ative)?s(?:[ -]works)?"), "nd"),
    (re.compile(r"\b(?:international|unported|licen[sc]e|universal)\b|[()]"), ""),
)


class Terms(NamedTuple):
    """A licence that could be read: its name, its name without the version, the version, and what it asks."""

    name: str
    kind: str
    version: str
    asks: frozenset[str]


def terms_of(text: str) -> Terms | None:
    """Return the one licence that a text names; None where it names none, or says more than a name."""
    if len(text) > licences.MAX_CHARS:
        return None
    found = (licences.name_of(text) or "") if _LINK.fullmatch(text.strip()) else text
    key = found.lower()
    for pattern, short in _LONG_WORDS:
        key = pattern.sub(short, key)
    key = re.sub(r"[\s_-]+", "-", key).strip("-")
    name = _ALIASES.get(key, key)
    if commons := _COMMONS.fullmatch(name):
        return Terms(name, f"cc-{commons[1]}", commons[2] or "", frozenset(commons[1].split("-")))
    return Terms(name, name, "", _KNOWN[name]) if name in _KNOWN else None


def may_stand_for(chosen: Terms, source: Terms) -> bool:
    """Whether a licence promises no more than a source allows."""
    if source.asks & {"sa", "nd"}:
        return chosen.kind == source.kind and chosen.version >= source.version
    return source.asks <= chosen.asks


def promises_more(chosen: str, source: str) -> bool:
    """Whether a licence promises more than a source allows, by what both say; nobody knows where one says nothing.

    A chosen one that is not known here is its owner's affair; a source that cannot be read allows nothing.
    """
    named = terms_of(chosen)
    if named is None or source == NOT_STATED:
        return False
    given = terms_of(source)
    return given is None or not may_stand_for(named, given)


def combined(sources: Iterable[str]) -> str:
    """Return the Hub's name of the one licence among them that may stand for all; `other` where none clearly may."""
    given = [terms_of(source) for source in sorted(set(sources))]
    known = [terms for terms in given if terms is not None]
    able = [one for one in known if all(may_stand_for(one, other) for other in known)]
    if len(known) < len(given) or len({one.kind for one in able}) != 1:
        return OTHER
    name = max(able, key=lambda one: one.version).name
    return name if name in _KNOWN or _ON_THE_HUB.fullmatch(name) else OTHER


def shown(text: str) -> str:
    """Return a licence as one short line of characters that can be seen."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if len(plain) <= MAX_CHARS else f"{plain[:MAX_CHARS]}..."
