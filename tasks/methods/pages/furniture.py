"""What on a page is furniture: navigation, sharing, related links, consent, captions, comments.

A container is furniture by its tag, its role or its names (in `main_text.toml`), unless it holds much of the prose.
"""

import re
import tomllib
from functools import cached_property, lru_cache
from importlib import resources

from wellspring.tasks.methods.pages.blocks import LEAVES, Block, add_up

VERSION = 1

# Of the page's prose, in what is kept all the same.
IS_NEEDED = {"consent": 0.97, "furniture": 0.75, "captions": 0.2, "comments": 0.97, "header": 0.2, "form": 0.2}
GATED_CHARS, GATED_LINKS = 250, 0.1  # of prose in what is hidden, and of link text beside it
IS_ARTICLE = 0.4  # of the page's prose, in an article that no name takes out
IS_TOO_LITTLE = 0.3  # left after leaving out: too much was

_FURNITURE_TAGS = frozenset({"nav", "footer", "aside", "search"})
_TELLING_TAGS = _FURNITURE_TAGS | {"figure", "figcaption", "header", "form"}
_FURNITURE_ROLES = frozenset(
    (
        "navigation",
        "banner",
        "contentinfo",
        "complementary",
        "search",
        "dialog",
        "alertdialog",
        "menu",
        "menubar",
        "toolbar",
    )
)
_ASKED = ("consent", "furniture", "captions", "comments", "gated")  # a block is the first that its names tell
_AT_END = "(?:.*[-_])?"  # before the words that end a name; such a form has no `|` outside of brackets
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def leave_out(blocks: list[Block], *, is_thread: bool) -> None:
    """Mark furniture; where its names mislead, so that too little is left, believe tags and roles alone."""
    total = blocks[0].prose
    none_of_it = _mark_furniture(blocks, is_thread=is_thread, by_name=True)
    add_up(blocks)
    if blocks[0].prose < IS_TOO_LITTLE * (total - none_of_it):
        for block in blocks:
            block.is_out = False
        add_up(blocks)
        _mark_furniture(blocks, is_thread=is_thread, by_name=False)
        add_up(blocks)


def _mark_furniture(blocks: list[Block], *, is_thread: bool, by_name: bool) -> float:
    """Mark furniture from the body down, unless it holds much of the page; return how much prose is never its own."""
    total = blocks[0].prose or 1.0
    none_of_it = 0.0
    holders = _holders(blocks)
    for index, block in enumerate(blocks[1:], start=1):
        above = blocks[block.parent]
        if above.is_out:
            block.is_out = True
            continue
        if not (block.names or block.role or block.is_hidden or block.tag in _TELLING_TAGS):
            continue
        kind = _kind_of(block, above, by_name=by_name and index not in holders)
        if not kind or (kind == "comments" and is_thread):
            continue
        block.is_out = block.prose < IS_NEEDED[kind] * total
        if block.is_out and kind in {"comments", "consent"}:
            none_of_it += block.prose
    return none_of_it


def _holders(blocks: list[Block]) -> set[int]:
    """Return what an article with much of the prose is in, itself too: their names say of whom it is, not what."""
    holders: set[int] = set()
    for index, block in enumerate(blocks):
        if block.tag == "article" and block.prose >= IS_ARTICLE * blocks[0].prose:
            above = index
            while above > 0 and above not in holders:
                holders.add(above)
                above = blocks[above].parent
    return holders


def _kind_of(block: Block, above: Block, *, by_name: bool) -> str:
    if block.tag in _FURNITURE_TAGS or block.role in _FURNITURE_ROLES:
        return "furniture"
    kind, is_gated = _told_by(block.names) if block.names and by_name else ("", False)
    if block.is_hidden or is_gated:
        return "" if (is_gated and block.tag in LEAVES) or _is_gated_text(block) else "furniture"
    if block.tag in {"figure", "figcaption"}:
        return "" if block.has_table else "captions"
    if block.tag == "header":
        return "header" if above.tag in {"body", "div"} and block.links > block.plain else ""
    return kind or ("form" if block.tag == "form" else "")


def _is_gated_text(block: Block) -> bool:
    """Tell the part of a body that opens for subscribers, or at a click."""
    is_named = is_called(block.names, "gated") or is_called(block.names, "bodies")
    return is_named and block.prose >= GATED_CHARS and block.links < GATED_LINKS * block.plain


class Forms:
    """Forms of a whole name or line, in any case. ASCII is lowered first: it is matched twice as fast so."""

    def __init__(self, forms: list[str]) -> None:
        ends = "|".join(form.removeprefix(_AT_END) for form in forms if form.startswith(_AT_END))
        whole = [form for form in forms if not form.startswith(_AT_END)]
        self._told = "|".join([f"{_AT_END}(?:{ends})", *whole] if ends else whole)
        self._lower = re.compile(f"(?:{self._told})$")

    def match(self, told: str) -> bool:
        """Tell whether a name or a line has one of the forms."""
        found = self._lower.match(told.lower()) if told.isascii() else self._any_case.match(told)
        return found is not None

    @cached_property
    def _any_case(self) -> re.Pattern[str]:
        return re.compile(f"(?:{self._told})$", re.IGNORECASE)


@lru_cache(maxsize=1)
def _told() -> dict[str, list[str]]:
    text = (resources.files("wellspring.tasks.methods.pages") / "main_text.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=1)
def names() -> dict[str, Forms]:
    """Return the forms of `main_text.toml` by their headings."""
    return {key: Forms(forms) for key, forms in _told().items()}


@lru_cache(maxsize=1)
def _any_name() -> Forms:
    """Return the forms of all kinds in one: most names have none of them."""
    return Forms([form for kind in _ASKED for form in _told()[kind]])


@lru_cache(maxsize=50_000)
def _told_by(names: str) -> tuple[str, bool]:
    """Tell what the class and id of a block call it (furniture, captions, comments, or nothing), and whether gated.

    Names are looked at token by token: `overflow-hidden` hides nothing, `elementor-widget` is no widget of a sidebar.
    """
    whole = names.split()
    tokens = whole if names.islower() else _CAMEL.sub("-", names).split()
    is_gated = any("gated" in _kinds_of(token) for token in whole)
    # Utility classes that show at another width (`hidden md:block`) hide nothing.
    if ":" in names and any(":" in token and token.endswith(("block", "flex", "grid", "inline")) for token in tokens):
        tokens = [token for token in tokens if token != "hidden"]  # noqa: S105 - a class, no password
    kinds = [kind for token in tokens if (kind := next(iter(_kinds_of(token)), "gated")) != "gated"]
    return min(kinds, key=_ASKED.index, default=""), is_gated


@lru_cache(maxsize=50_000)  # sites share frameworks, and so the words of their names
def _kinds_of(token: str) -> tuple[str, ...]:
    return tuple(kind for kind in _ASKED if names()[kind].match(token)) if _any_name().match(token) else ()


@lru_cache(maxsize=50_000)
def is_called(told: str, key: str) -> bool:
    """Tell whether one of the names told is of this kind."""
    return any(names()[key].match(token) for token in told.split())
