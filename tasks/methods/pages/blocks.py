"""A page as blocks: the tree of its containers, and its text in document order, read in one walk without recursion.

What a block says is in pieces (a paragraph's text, a cell's, code with its line ends); what it is called and how much
of its text is prose or links is on the block. `main_text.py` decides which blocks are the page's text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from wellspring.tasks.methods.pages import listings
from wellspring.tasks.methods.pages.formulas import Formulas

VERSION = 3
PROSE_CHARS = 40  # plain text below this is a label, and counts a quarter
BREAK = "\x02"  # a <br> in a piece
MAX_SPAN = 200  # columns or rows of a cell
LANGUAGE_LEVELS = 4  # from code up, at which its language is told

HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
LEAVES = frozenset({"p", "pre", "blockquote", "li", "dt", "dd", "tr", "caption", "figcaption", "summary", *HEADINGS})
_SKIPPED = frozenset(
    (
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "iframe",
        "object",
        "embed",
        "canvas",
        "audio",
        "video",
        "map",
        "select",
        "textarea",
        "button",
        "head",
        "link",
        "meta",
        "input",
        "datalist",
        "dialog",
        "menu",
        "progress",
        "meter",
        "rt",
        "rp",
    )
)
_BLOCKS = frozenset(
    (
        "html",
        "body",
        "div",
        "section",
        "article",
        "main",
        "header",
        "footer",
        "nav",
        "aside",
        "search",
        "form",
        "fieldset",
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hgroup",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "pre",
        "blockquote",
        "address",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "td",
        "th",
        "caption",
        "figure",
        "figcaption",
        "details",
        "summary",
        "hr",
        "center",
    )
)
_MARKED = frozenset(("a", "code"))
_COUNTED = frozenset(("table", "pre", "ul", "ol", "blockquote", "td", "th", "li"))
_NAMED = frozenset(("class", "id"))  # most blocks have no other attributes
_BODIES = frozenset(("articleBody", "text", "description"))
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden", re.IGNORECASE)
_BREAKS = f" {BREAK} "
_SAYS_NOTHING = f"{BREAK} `"
_UNSEEN = re.compile("[\u00ad\u200b\ufeff]")  # where a word may break, which is no part of it
_POWER = re.compile(r"[-+\u2212]?(?:\d{1,4}|[nkmxyT])")
_BASE = re.compile(r"(?:(?<![^\W\d_])[^\W\d_]{1,3}|\d|\))$")


class Block:
    """A container or a leaf: whose it is, what names it, and how much text it holds.

    `own_plain` and `own_links` count its own text outside and inside of links, in characters (in bytes where it is not
    ASCII: a Chinese sentence says as much in a third of the characters); `plain`, `links`, `prose` all that is below.
    """

    __slots__ = (
        "across",
        "depth",
        "down",
        "has_table",
        "is_body",
        "is_hidden",
        "is_out",
        "items",
        "links",
        "names",
        "number",
        "own_links",
        "own_plain",
        "parent",
        "plain",
        "prose",
        "role",
        "tag",
    )

    def __init__(self, tag: str, parent: int, depth: int) -> None:
        self.tag = tag
        self.parent = parent
        self.depth = depth
        self.names = self.role = ""
        self.is_hidden = self.is_body = self.is_out = self.has_table = False
        self.number = self.items = 0
        self.across = self.down = 1
        self.own_plain = self.own_links = self.plain = self.links = 0
        self.prose = 0.0


@dataclass(slots=True)
class Piece:
    """A run of text, and the block it stands in."""

    block: int
    text: str
    is_code: bool = False


def blocks_of(body: LexborNode, formulas: Formulas, *, with_noscript: bool = False) -> tuple[list[Block], list[Piece]]:
    """Read a page's body into blocks (parents before children, the body first) and pieces (in document order)."""
    reader = _Reader(formulas, with_noscript=with_noscript)
    reader.walk(body)
    return reader.blocks, reader.pieces


def add_up(blocks: list[Block]) -> None:
    """Sum text from the leaves to the body, leaving out what is out."""
    for block in blocks:
        block.plain = plain = block.own_plain
        block.links = links = block.own_links
        if plain <= links or block.tag in HEADINGS:
            block.prose = 0.0
        else:
            block.prose = (1.0 if plain >= PROSE_CHARS else 0.25) * (plain - links)
    for block in reversed(blocks):
        if (block.plain or block.links) and block.parent >= 0 and not block.is_out:
            above = blocks[block.parent]
            above.plain += block.plain
            above.links += block.links
            above.prose += block.prose


class _Reader:
    """The state of the walk. Its stack holds the elements that are open, and what to do where each ends."""

    def __init__(self, formulas: Formulas, *, with_noscript: bool) -> None:
        self.blocks = [Block("body", -1, 0)]
        self._formulas = formulas
        self.pieces: list[Piece] = []
        self._skipped = _SKIPPED - {"noscript"} if with_noscript else _SKIPPED
        self._buffer: list[str] = []
        self._current = self._in_link = self._plain = self._links = self._misses = 0

    def walk(self, body: LexborNode) -> None:  # noqa: C901, PLR0912 - one loop over the kinds of nodes
        """Visit every node below the body, in order. Most nodes are text, so that is looked at first, and here."""
        stack: list[tuple[LexborNode, str | int]] = []
        buffer, skipped = self._buffer, self._skipped
        has_formulas = self._formulas.are_there
        node = body.first_child
        while node is not None or stack:
            if node is None:
                node, end = stack.pop()
                if isinstance(end, int):
                    if buffer:
                        self._flush()
                    self._current = end
                elif end:
                    self._leave(end)
                node = node.next
                continue
            tag = node.tag or ""
            if tag == "-text":
                text = node.text_content or ""
                if not text.isspace():
                    self._text(text)
                elif buffer:
                    buffer.append(" ")
            elif tag in _BLOCKS:
                if buffer:
                    self._flush()
                above = self._current
                if (child := self._enter(node, tag)) is not None:
                    stack.append((node, above))
                    node = child
                    continue
            elif tag == "br":
                buffer.append(_BREAKS)
            elif has_formulas and (formula := self._formulas.read(node, tag)) is not None:
                self._text(formula)
            elif tag == "sup" and (power := _power(node, buffer)):
                self._text(power)
            elif tag not in skipped and (child := node.first_child) is not None:
                stack.append((node, self._inline(tag) if tag in _MARKED else ""))
                node = child
                continue
            node = node.next
        self._flush()

    def _inline(self, tag: str) -> str:
        """Begin an inline element whose end matters, and return its tag."""
        if tag == "a":
            self._in_link += 1
        else:
            self._buffer.append("`")
        return tag

    def _leave(self, end: str) -> None:
        if end == "a":
            self._in_link -= 1
        else:
            self._buffer.append("`")

    def _text(self, text: str) -> None:
        self._buffer.append(text)
        shown = text.strip()
        size = len(shown) if text.isascii() else len(shown.encode("utf-8", "replace"))
        if self._in_link:
            self._links += size
        else:
            self._plain += size

    def _flush(self) -> None:
        buffer = self._buffer
        text = " ".join((buffer[0] if len(buffer) == 1 else "".join(buffer)).split())
        if not text.isascii():
            text = _UNSEEN.sub("", text)
        if text.strip(_SAYS_NOTHING):
            self.pieces.append(Piece(self._current, text))
            block = self.blocks[self._current]
            block.own_plain += self._plain
            block.own_links += self._links
        buffer.clear()
        self._plain = self._links = 0

    def _enter(self, node: LexborNode, tag: str) -> LexborNode | None:
        """Begin a block and return its first child; None where there is nothing to walk into."""
        blocks, current = self.blocks, self._current
        above = blocks[current]
        block = Block(tag, current, above.depth)
        index = len(blocks)
        blocks.append(block)
        attributes = node.attributes
        if attributes:
            names = attributes.get("class") or ""
            if own := attributes.get("id"):
                names = f"{names} {own}"
            block.names = names.strip()
            if not _NAMED.issuperset(attributes):
                block.role = attributes.get("role") or ""
                block.is_hidden = _is_hidden(attributes)
                block.is_body = attributes.get("itemprop") in _BODIES
        if tag in _COUNTED:
            self._count(block, above, attributes)
        if tag == "pre" or (block.names and self._is_code(node, block.names)):
            self._code(node, index)
            return None
        child = node.first_child
        if child is not None:
            self._current = index
        return child

    def _is_code(self, node: LexborNode, names: str) -> bool:
        if self._misses > listings.MAX_MISSES or not listings.is_called(names):
            return False
        is_alone = listings.is_code_alone(node)
        self._misses += not is_alone
        return is_alone

    def _code(self, node: LexborNode, index: int) -> None:
        code = listings.read(node)
        if not code.strip():
            return
        inner = node.css_first("code[class]")
        named = [inner.attributes.get("class") or ""] if inner else []
        above = index
        for _ in range(LANGUAGE_LEVELS):
            named.append(self.blocks[above].names)
            above = max(0, self.blocks[above].parent)
        language = listings.language_of(" ".join(named))
        self.pieces.append(Piece(index, f"```{language}\n{code}\n```", is_code=True))
        self.blocks[index].own_plain = len(code)

    def _count(self, block: Block, above: Block, attributes: Mapping[str, str | None]) -> None:
        """Take down what lists and tables number, and where there is a table."""
        tag = block.tag
        if tag in {"table", "pre"}:
            above.has_table = self.blocks[max(0, above.parent)].has_table = True
        elif tag in {"ul", "ol", "blockquote"}:
            block.depth += 1
            if tag == "ol" and attributes:
                block.items = _number(attributes.get("start")) - 1
        elif tag in {"td", "th"}:
            block.across, block.down = _number(attributes.get("colspan")), _number(attributes.get("rowspan"))
        else:
            above.items += 1
            block.number = above.items if above.tag == "ol" else 0


def _number(value: str | None) -> int:
    return min(int(value), MAX_SPAN) if value and value.isdecimal() and len(value) < 5 and value != "0" else 1  # noqa: PLR2004


def _power(node: LexborNode, before: list[str]) -> str:
    """Return `^2` for a raised number or letter after a short word; nothing where it marks a note."""
    inner = node.first_child
    if inner is not None and inner.tag in {"i", "em", "b", "strong", "span"} and inner.next is None:
        inner = inner.first_child
    if inner is None or inner.tag != "-text" or inner.next is not None or not before:
        return ""
    text = (inner.text_content or "").strip()
    return f"^{text}" if _POWER.fullmatch(text) and _BASE.search(before[-1]) else ""


def _is_hidden(attributes: Mapping[str, str | None]) -> bool:
    if "hidden" in attributes:
        return not (attributes.get("id") or "").startswith("S:")  # React streams content into those, and shows it
    if attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style")
    return bool(style and _HIDDEN.search(style))
