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
from collections import Counter
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from wellspring.tasks.methods.pages import bodies, furniture, rendering, told_bodies
from wellspring.tasks.methods.pages.blocks import BREAK, HEADINGS, PROSE_CHARS, Block, Piece, add_up, blocks_of
from wellspring.tasks.methods.pages.formulas import Formulas
from wellspring.tasks.methods.pages.told_bodies import Told

VERSION = 3

# Shares of prose, and lengths in characters. Found on two thirds of the sites of the test pages.
LINKS_OUT = 0.55  # of link text, above which a block is a list of links
IS_PROSE = 0.25  # of link text, below which a text is prose, and
IS_LINK = 0.9  # above which a paragraph in it only points elsewhere
IS_OVER = 0.6  # of a text told, after which a farewell ends it
FAREWELL_SHARE, FAREWELL_CHARS, NOISE_CHARS = 0.25, 60, 80
REST_SHARE = 0.15  # of the text, at most, after a farewell that stands among it
IS_PREVIEW = 2.0  # times what is shown: a body that is told is so much longer than a preview of it
MOST_TIMES = 3  # that a line is told; it is a button or a label
TITLE_CHARS = 8
CALL_CHARS = 220
REPEATED_CHARS = 80  # of a paragraph that is told once
THIN_CHARS = 200  # of prose: a page that has less may have it in <noscript>

_REPEATS = frozenset({"td", "th", "tr", "pre", "dt", "dd", *HEADINGS})  # which say the same for good reason
_SENTENCE_END = re.compile(r"[.!?…:;。\uff01\uff1f」”\"»)\]]\W*$")
_LARGE = frozenset({"h1", "h2"})
_CELLS = frozenset({"td", "th", "tr"})
_KEEP_LINKS = frozenset({"p", "li", "td", "tr", "body", *HEADINGS})
_FORUMS = ("discourse", "vbulletin", "xenforo", "phpbb", "flarum", "nodebb", "vanilla")
_THREAD = re.compile(
    r"/(?:forums?|threads?|topics?|discussions?|t|questions|viewtopic|showthread|comments|answers|community)(?:[/.?]|$)",
    re.IGNORECASE,
)
_ARTICLE_TYPE = re.compile(r'"@type"\s*:\s*\[?\s*"(?:News|Tech|Analysis|Reportage|Opinion)?(?:Article|BlogPosting)"')

Kept = tuple[int, str, bool]  # the block of a piece, its text, whether it is code


def extract(tree: LexborHTMLParser, url: str = "") -> str:
    """Return the main text of a parsed page as Markdown; empty where there is none.

    Args:
        tree: The page.
        url: Where it was found: threads are told by it, too.
    """
    if tree.body is None:
        return ""
    blocks, pieces = _read(tree, tree.body)
    is_thread = _is_thread(tree, url)
    furniture.leave_out(blocks, is_thread=is_thread)
    data = [node.text(deep=True) or "" for node in tree.css('script[type="application/ld+json"]')]
    is_article = _is_article(tree, data) and not is_thread
    title = _title(tree)
    if is_article and (headline := _headline(blocks, pieces, title)):
        bodies.leave_out_next(blocks, headline)
    roots = _roots(blocks, pieces, is_thread=is_thread, is_article=is_article)
    inside = bodies.inside(blocks, *roots)
    if not is_thread and (body := told_bodies.body_in(data)):
        told = Told(body, pieces)
        if told.is_on_page:
            inside = bodies.inside(blocks, *roots, *told.missing(blocks, inside))
        elif not told.is_on_page and len(body) > IS_PREVIEW * _size(pieces, inside):
            return "\n\n".join(line for part in body.splitlines() if (line := " ".join(part.split())))
    kept = list(_kept(blocks, pieces, inside, is_thread=is_thread))
    return rendering.render(blocks, _trimmed(blocks, kept, title) if is_article else kept)


def _read(tree: LexborHTMLParser, body: LexborNode) -> tuple[list[Block], list[Piece]]:
    formulas = Formulas(tree)
    blocks, pieces = blocks_of(body, formulas)
    add_up(blocks)
    if blocks[0].prose < THIN_CHARS and tree.css_first("noscript") is not None:
        # Pages that draw themselves keep their text there.
        blocks, pieces = blocks_of(body, formulas, with_noscript=True)
        add_up(blocks)
    return blocks, pieces


def _roots(blocks: list[Block], pieces: list[Piece], *, is_thread: bool, is_article: bool) -> list[int]:
    """Return the blocks that hold the main text, once what in them is not of it is out."""
    root = bodies.go_down(blocks)
    others: list[int] = []
    if not is_thread:
        root = bodies.article_in(blocks, root)
        others = bodies.leads(blocks, root) + bodies.beside(blocks, root)
    _leave_out_links(blocks, root, *others)
    if is_article:
        _leave_out_farewells(blocks, pieces, root)
    return [root, *others]


def _size(pieces: list[Piece], inside: list[bool]) -> int:
    return sum(len(piece.text) for piece in pieces if inside[piece.block])


def _title(tree: LexborHTMLParser) -> str:
    """Return the letters of the page's titles."""
    node, shown = tree.css_first("title"), tree.css_first('meta[property="og:title"]')
    told = (node.text(deep=True) if node else "", (shown.attributes.get("content") or "") if shown else "")
    return "\n".join(map(_letters, told))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _is_titled(piece: str, title: str) -> bool:
    return len(letters := _letters(piece)) >= TITLE_CHARS and letters in title


def _headline(blocks: list[Block], pieces: list[Piece], title: str) -> int:
    """Return the first large heading that the page's title repeats; 0 where there is none."""
    large = (piece for piece in pieces if blocks[piece.block].tag in _LARGE)
    return next((piece.block for piece in large if _is_titled(piece.text, title)), 0)


def _is_thread(tree: LexborHTMLParser, url: str) -> bool:
    """Tell a forum's thread or a question page, whose replies are its content."""
    if _THREAD.search(url.partition("//")[2]):
        return True
    generator = tree.css_first('meta[name="generator"]')
    told = (generator.attributes.get("content") or "").lower() if generator else ""
    return any(name in told for name in _FORUMS)


def _is_article(tree: LexborHTMLParser, data: list[str]) -> bool:
    """Tell a page that calls itself an article, after whose end come others."""
    node = tree.css_first('meta[property="og:type"]')
    if node is not None and (node.attributes.get("content") or "").strip().lower() == "article":
        return True
    return len(tree.css("article")) == 1 or any(_ARTICLE_TYPE.search(text) for text in data)


def _leave_out_links(blocks: list[Block], root: int, *others: int) -> None:
    """Mark lists of links in there, where there is enough besides."""
    whole = blocks[root]
    if whole.links > LINKS_OUT * (whole.plain + whole.links):
        return
    is_prose = whole.links < IS_PROSE * (whole.plain + whole.links)
    for index in (index for top in (root, *others) for index in bodies.below(blocks, top)):
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
    inside = bodies.inside(blocks, root)
    total = blocks[root].prose or 1.0
    told = 0.0
    for piece in pieces:
        block = blocks[piece.block]
        if not inside[piece.block] or block.is_out:
            continue
        is_short = len(piece.text) < FAREWELL_CHARS and block.tag in HEADINGS
        if is_short and furniture.names()["farewells"].match(piece.text):
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
        rest = [block for block in blocks[heading:] if block.parent == blocks[heading].parent and not block.is_out]
        if sum(block.prose for block in rest) < REST_SHARE * blocks[root].prose:
            for block in rest:
                block.is_out = True


def _kept(blocks: list[Block], pieces: list[Piece], inside: list[bool], *, is_thread: bool) -> Iterator[Kept]:
    """Yield what is in the text and says something, a paragraph once."""
    said: dict[str, set[int]] = {}  # a paragraph -> its block, and the one around it
    kept = [piece for piece in pieces if inside[piece.block]]
    times = Counter(piece.text for piece in kept if is_thread and blocks[piece.block].tag not in _REPEATS)
    for piece in kept:
        if is_thread and times[piece.text] >= MOST_TIMES and len(piece.text) < NOISE_CHARS:
            continue
        if len(piece.text) >= REPEATED_CHARS and not piece.is_code:
            above = blocks[piece.block].parent
            near = {piece.block, above, blocks[above].parent}
            if said.setdefault(piece.text, near).isdisjoint(near):
                continue
        if piece.is_code or not _says_nothing(piece.text.strip(f"{BREAK} "), blocks[piece.block]):
            yield piece.block, piece.text, piece.is_code


def _trimmed(blocks: list[Block], kept: list[Kept], title: str) -> list[Kept]:
    """Take the title off an article, which is told elsewhere, and the labels and headings after its last sentence."""
    kept = [one for one in kept if blocks[one[0]].tag not in _LARGE or not _is_titled(one[1], title)]
    end = len(kept)
    while end > 1 and _is_label(kept[end - 1], blocks[kept[end - 1][0]]):
        end -= 1
    return kept[:end] if end > 1 else kept


def _is_label(one: Kept, block: Block) -> bool:
    if block.tag in HEADINGS:
        return True
    _, text, is_code = one
    return not (is_code or block.tag in {"li", *_CELLS} or len(text) > PROSE_CHARS or _SENTENCE_END.search(text))


def _says_nothing(text: str, block: Block) -> bool:
    """Tell a line that stands alone and is none of the text: a button, a credit, a call, a pointer to another page."""
    names = furniture.names()
    if not text or len(text) > CALL_CHARS or block.tag in _CELLS:
        return not text
    if len(text) < NOISE_CHARS and names["noise"].match(text):
        return True
    if block.own_links > block.own_plain and names["pointers"].match(text):
        return True
    return names["calls"].match(text)
