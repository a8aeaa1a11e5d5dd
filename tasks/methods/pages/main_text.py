"""Our extractor: the main text of a page as Markdown.

Containers whose tag, role or name calls them furniture (navigation, footers, sharing, related links, consent) are out,
unless they hold much of the page's prose. Then the walk goes down from the body into whichever container holds nearly
all the prose, and stops where it is spread over several: the paragraphs of an article, the posts of a thread, the cards
of a listing. In there, lists of links go out where there is prose to read, and stay where links are what the page is
about. Names are in `main_text.toml`.

Boilerplate by link density: Kohlschuetter et al., "Boilerplate Detection using Shallow Text Features" (WSDM 2010).
Going down to the text: after the readability bookmarklet (Arc90, 2009). Ours differs in deciding by the share of prose
rather than by a sum of bonuses, which is what keeps threads and listings together.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

from selectolax.lexbor import LexborHTMLParser

from wellspring.tasks.methods.pages import rendering
from wellspring.tasks.methods.pages.blocks import BREAK, HEADINGS, PROSE_CHARS, Block, Piece, add_up, blocks_of
from wellspring.tasks.methods.pages.formulas import Formulas

VERSION = 3

# Shares of prose, and lengths in characters. Found on one half of the test pages; the other half says the same.
ARTICLE_SHARE = 0.4  # of what is around it, for a block that is called the article's text
GOES_DOWN = 0.9  # into a container that holds this much of its parent's
IS_NEEDED = {"furniture": 0.45, "captions": 0.2, "comments": 0.97, "header": 0.2}  # is kept if it holds this much
IS_TOO_LITTLE = 0.3  # left after leaving out: too much was
LINKS_OUT = 0.55  # of link text, above which a block is a list of links
IS_PROSE = 0.25  # of link text, below which a text is prose, and
IS_LINK = 0.9  # above which a paragraph in it only points elsewhere
IS_OVER = 0.6  # of a text told, after which a farewell ends it
FAREWELL_SHARE, FAREWELL_CHARS, NOISE_CHARS = 0.25, 60, 80
THIN_CHARS = 200  # of prose: a page that has less may have it in <noscript>
LEAD_LEVELS, LEAD_CHARS = 4, 900

_LEAVES = frozenset({"p", "pre", "blockquote", "li", "dt", "dd", "tr", "caption", "figcaption", "summary", *HEADINGS})
_WHOLES = frozenset({"table", "tbody", "ul", "ol", "dl"})
_KEEP_LINKS = frozenset({"p", "li", "td", "tr", "body", *HEADINGS})
_FURNITURE_TAGS = frozenset({"nav", "footer", "aside", "search"})
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
_FORUMS = ("discourse", "vbulletin", "xenforo", "phpbb", "flarum", "nodebb", "vanilla")
_THREAD = re.compile(
    r"/(?:forums?|threads?|topics?|discussions?|t|questions|viewtopic|showthread|comments|answers|community)(?:[/.?]|$)",
    re.IGNORECASE,
)
_ARTICLE_TYPE = re.compile(r'"@type"\s*:\s*\[?\s*"(?:News|Tech|Analysis|Reportage|Opinion)?(?:Article|BlogPosting)"')
_KINDS = ("furniture", "captions", "comments", "")  # the first that one of its names is called
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def extract(tree: LexborHTMLParser, url: str = "") -> str:
    """Return the main text of a parsed page as Markdown; empty where there is none.

    Args:
        tree: The page.
        url: Where it was found: threads are told by it, too.
    """
    if tree.body is None:
        return ""
    formulas = Formulas(tree)
    blocks, pieces = blocks_of(tree.body, formulas)
    add_up(blocks)
    if blocks[0].prose < THIN_CHARS and tree.css_first("noscript") is not None:
        blocks, pieces = blocks_of(tree.body, formulas, with_noscript=True)  # pages that draw themselves keep their text there
        add_up(blocks)
    is_thread = _is_thread(tree, url)
    _leave_out_furniture(blocks, is_thread=is_thread)
    root = _go_down(blocks)
    leads: list[int] = []
    if not is_thread:
        root = _article_in(blocks, root)
        leads = _leads(blocks, root)
    _leave_out_links(blocks, root)
    if not is_thread and _is_article(tree):
        _leave_out_farewells(blocks, pieces, root)
    return rendering.render(blocks, _kept(pieces, _inside(blocks, root, *leads)))


@lru_cache(maxsize=1)
def _names() -> dict[str, re.Pattern[str]]:
    text = (resources.files("wellspring.tasks.methods.pages") / "main_text.toml").read_text(encoding="utf-8")
    return {key: re.compile(f"(?:{'|'.join(forms)})$", re.IGNORECASE) for key, forms in tomllib.loads(text).items()}


@lru_cache(maxsize=50_000)
def _kind(names: str) -> str:
    """Tell what the class and id of a block call it: furniture, captions, comments, or nothing.

    Names are looked at token by token: `overflow-hidden` hides nothing, `elementor-widget` is no widget of a sidebar.
    """
    tokens = _CAMEL.sub("-", names).split()
    # Utility classes that show at another width (`hidden md:block`) hide nothing.
    if any(":" in token and token.endswith(("block", "flex", "grid", "inline")) for token in tokens):
        tokens = [token for token in tokens if token != "hidden"]  # noqa: S105 - a class, no password
    return min((_kind_of_token(token) for token in tokens), key=_KINDS.index, default="")


@lru_cache(maxsize=50_000)  # sites share frameworks, and so the words of their names
def _kind_of_token(token: str) -> str:
    return next((kind for kind in _KINDS[:-1] if _names()[kind].match(token)), "")


def _is_called(names: str, key: str) -> bool:
    return any(_names()[key].match(token) for token in names.split())


def _is_thread(tree: LexborHTMLParser, url: str) -> bool:
    """Tell a forum's thread or a question page, whose replies are its content."""
    if _THREAD.search(url.partition("//")[2]):
        return True
    generator = tree.css_first('meta[name="generator"]')
    told = (generator.attributes.get("content") or "").lower() if generator else ""
    return any(name in told for name in _FORUMS)


def _is_article(tree: LexborHTMLParser) -> bool:
    """Tell a page that calls itself an article, after whose end come others."""
    node = tree.css_first('meta[property="og:type"]')
    if node is not None and (node.attributes.get("content") or "").strip().lower() == "article":
        return True
    scripts = tree.css('script[type="application/ld+json"]')
    return len(tree.css("article")) == 1 or any(_ARTICLE_TYPE.search(node.text(deep=True) or "") for node in scripts)


def _leave_out_furniture(blocks: list[Block], *, is_thread: bool) -> None:
    """Mark furniture; where its names mislead, so that too little is left, believe tags and roles alone."""
    total = blocks[0].prose
    comments = _mark_furniture(blocks, is_thread=is_thread, by_name=True)
    add_up(blocks)
    if blocks[0].prose < IS_TOO_LITTLE * (total - comments):
        for block in blocks:
            block.is_out = False
        add_up(blocks)
        _mark_furniture(blocks, is_thread=is_thread, by_name=False)
        add_up(blocks)


def _mark_furniture(blocks: list[Block], *, is_thread: bool, by_name: bool) -> float:
    """Mark furniture from the body down, unless it holds much of the page; return how much prose was in comments."""
    total = blocks[0].prose or 1.0
    comments = 0.0
    for block in blocks[1:]:
        above = blocks[block.parent]
        if above.is_out:
            block.is_out = True
            continue
        kind = _kind_of(block, above, by_name=by_name)
        if not kind or (kind == "comments" and is_thread):
            continue
        block.is_out = block.prose < IS_NEEDED[kind] * total
        if block.is_out and kind == "comments":
            comments += block.prose
    return comments


def _kind_of(block: Block, above: Block, *, by_name: bool) -> str:
    if block.is_hidden or block.tag in _FURNITURE_TAGS or block.role in _FURNITURE_ROLES:
        return "furniture"
    if block.tag in {"figure", "figcaption", "form"}:
        return "captions"
    if block.tag == "header":
        return "header" if above.tag in {"body", "div"} and block.links > block.plain else ""
    return _kind(block.names) if block.names and by_name else ""


def _go_down(blocks: list[Block]) -> int:
    """Return the container in which the prose is spread over several children."""
    fullest: dict[int, int] = {}  # a block -> the container in it that holds most
    for index, block in enumerate(blocks[1:], start=1):
        if not block.is_out and block.tag not in _LEAVES:
            best = fullest.setdefault(block.parent, index)
            if block.prose > blocks[best].prose:
                fullest[block.parent] = index
    index = 0
    while (best := fullest.get(index)) is not None:
        if blocks[best].prose < GOES_DOWN * blocks[index].prose or blocks[best].tag in _WHOLES:
            break
        index = best
    return index


def _article_in(blocks: list[Block], root: int) -> int:
    """Return the block in there that is called the article's text, if it holds enough of the prose; else the root."""
    best = root
    for index in _below(blocks, root):
        block = blocks[index]
        if block.is_out or block.tag in _LEAVES or block.prose < ARTICLE_SHARE * blocks[best].prose:
            continue
        is_called = block.tag in {"article", "main"} or block.is_body or _is_called(block.names, "bodies")
        if is_called and _is_under(blocks, index, best):
            best = index
    return best


def _leads(blocks: list[Block], root: int) -> list[int]:
    """Return the blocks shortly before the text that are called its lead."""
    above = root
    for _ in range(LEAD_LEVELS):
        above = max(0, blocks[above].parent)
    found: list[int] = []
    for index in range(above + 1, root):
        block = blocks[index]
        is_lead = not block.is_out and PROSE_CHARS <= block.prose < LEAD_CHARS and block.plain > 2 * block.links
        is_new = not (found and _is_under(blocks, index, found[-1]))
        if is_lead and is_new and block.names and _is_called(block.names, "leads"):
            found.append(index)
    return found


def _is_under(blocks: list[Block], index: int, above: int) -> bool:
    while index > above:
        index = blocks[index].parent
    return index == above


def _below(blocks: list[Block], root: int) -> list[int]:
    """Return what is below a block, in order: parents come first, so it ends where a parent lies before the root."""
    found: list[int] = []
    for index in range(root + 1, len(blocks)):
        if blocks[index].parent < root:
            break
        found.append(index)
    return found


def _leave_out_links(blocks: list[Block], root: int) -> None:
    """Mark lists of links in there, where there is enough besides."""
    whole = blocks[root]
    if whole.links > LINKS_OUT * (whole.plain + whole.links):
        return
    is_prose = whole.links < IS_PROSE * (whole.plain + whole.links)
    for index in _below(blocks, root):
        block = blocks[index]
        text = block.plain + block.links
        if blocks[block.parent].is_out:
            block.is_out = True
        elif block.is_out or not text:
            continue
        elif block.tag not in _KEEP_LINKS:
            block.is_out = block.links > LINKS_OUT * text
        elif is_prose and block.tag == "p" and block.links > PROSE_CHARS // 2:
            block.is_out = block.links >= IS_LINK * text  # `See also: ...`


def _leave_out_farewells(blocks: list[Block], pieces: list[Piece], root: int) -> None:
    """Mark what follows a heading such as `Related articles`: its container, or the rest of a text that it ends."""
    inside = _inside(blocks, root)
    total = blocks[root].prose or 1.0
    told = 0.0
    for piece in pieces:
        block = blocks[piece.block]
        if not inside[piece.block] or block.is_out:
            continue
        if len(piece.text) < FAREWELL_CHARS and block.tag in HEADINGS and _names()["farewells"].match(piece.text):
            _say_farewell(blocks, piece.block, root, is_over=told > IS_OVER * total, most=FAREWELL_SHARE * total)
        told += len(piece.text) if len(piece.text) >= PROSE_CHARS else 0.0


def _say_farewell(blocks: list[Block], heading: int, root: int, *, is_over: bool, most: float) -> None:
    above = blocks[heading].parent
    while above not in {root, -1} and blocks[above].parent != root and blocks[blocks[above].parent].prose < most:
        above = blocks[above].parent
    if above not in {root, -1} and blocks[above].prose < most:
        blocks[above].is_out = True
    elif is_over:
        # It stands among the text itself: the rest of its siblings goes with it.
        for block in blocks[heading:]:
            block.is_out = block.is_out or block.parent == blocks[heading].parent


def _inside(blocks: list[Block], *roots: int) -> list[bool]:
    """Tell for each block whether it is part of the text."""
    inside = [False] * len(blocks)
    for index, block in enumerate(blocks):
        inside[index] = index in roots or (block.parent >= 0 and inside[block.parent] and not block.is_out)
    return inside


def _kept(pieces: list[Piece], inside: list[bool]) -> Iterator[tuple[int, str, bool]]:
    for piece in pieces:
        if not inside[piece.block]:
            continue
        text = piece.text.strip(f"{BREAK} ")
        if text and (piece.is_code or len(text) >= NOISE_CHARS or not _names()["noise"].match(text)):
            yield piece.block, piece.text, piece.is_code
