"""A page as blocks: the tree of its containers, and its text in document order, read in one walk without recursion.

What a block says is in pieces (a paragraph's text, a cell's, code with its line ends); what it is called and how much
of its text is prose or links is on the block. `main_text.py` decides which blocks are the page's text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

PROSE_CHARS = 40  # plain text below this is a label, and counts a quarter
BREAK = "\x02"  # a <br> in a piece

HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
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
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden", re.IGNORECASE)
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight-source|brush:|highlight)[-\s:]*([a-zA-Z0-9+#]{1,20})(?:\s|$)"
)


@dataclass(slots=True)
class Block:
    """A container or a leaf: whose it is, what names it, and how much text it holds.

    `own_plain` and `own_links` count its own text outside and inside of links, in characters (in bytes where it is not
    ASCII: a Chinese sentence says as much in a third of the characters); `plain`, `links`, `prose` all that is below.
    """

    tag: str
    parent: int
    names: str
    role: str
    is_hidden: bool
    is_body: bool
    depth: int
    number: int = 0
    items: int = 0
    own_plain: int = 0
    own_links: int = 0
    plain: int = 0
    links: int = 0
    prose: float = 0.0
    is_out: bool = False
    children: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Piece:
    """A run of text, and the block it stands in."""

    block: int
    text: str
    is_code: bool = False


def read(body: LexborNode, *, with_noscript: bool = False) -> tuple[list[Block], list[Piece]]:
    """Read a page's body into blocks (parents before children, the body first) and pieces (in document order)."""
    reader = _Reader(with_noscript=with_noscript)
    reader.walk(body)
    return reader.blocks, reader.pieces


def add_up(blocks: list[Block]) -> None:
    """Sum text from the leaves to the body, leaving out what is out."""
    for block in blocks:
        block.plain, block.links = block.own_plain, block.own_links
        weight = 1.0 if block.own_plain >= PROSE_CHARS else 0.25
        block.prose = 0.0 if block.tag in HEADINGS else weight * max(0, block.own_plain - block.own_links)
    for block in reversed(blocks):
        if block.parent >= 0 and not block.is_out:
            above = blocks[block.parent]
            above.plain += block.plain
            above.links += block.links
            above.prose += block.prose


class _Reader:
    """The state of the walk. Its stack holds nodes to visit, and what to do where an element ends."""

    def __init__(self, *, with_noscript: bool) -> None:
        self.blocks = [Block("body", -1, "", "", is_hidden=False, is_body=False, depth=0)]
        self.pieces: list[Piece] = []
        self._skipped = _SKIPPED - {"noscript"} if with_noscript else _SKIPPED
        self._buffer: list[str] = []
        self._current = self._in_link = self._plain = self._links = 0

    def walk(self, body: LexborNode) -> None:  # noqa: C901 - one loop over the kinds of nodes
        """Visit every node below the body, in order. Most nodes are text, so that is looked at first, and here."""
        stack: list[LexborNode | str | int | None] = [body.first_child]
        push, pop, buffer, skipped = stack.append, stack.pop, self._buffer, self._skipped
        while stack:
            node = pop()
            if node is None:
                continue
            if isinstance(node, (str, int)):
                self._leave(node)
                continue
            push(node.next)
            tag = node.tag or ""
            if tag == "-text":
                text = node.text_content or ""
                if not text.isspace():
                    self._text(text)
                elif buffer:
                    buffer.append(" ")
            elif tag in _BLOCKS:
                if self._enter(node, tag):
                    push(self.blocks[-1].parent)
                    push(node.first_child)
            elif tag == "br":
                buffer.append(f" {BREAK} ")
            elif tag not in skipped and tag[:1] not in {"-", "!"}:
                if tag in {"a", "code"}:
                    self._inline(tag)
                    push(tag)
                push(node.first_child)
        self._flush()

    def _inline(self, tag: str) -> None:
        if tag == "a":
            self._in_link += 1
        else:
            self._buffer.append("`")

    def _leave(self, end: str | int) -> None:
        if end == "a":
            self._in_link -= 1
        elif isinstance(end, str):
            self._buffer.append("`")
        else:
            self._flush()
            self._current = end

    def _text(self, text: str) -> None:
        self._buffer.append(text)
        shown = text.strip()
        size = len(shown) if shown.isascii() else len(shown.encode("utf-8", "replace"))
        if self._in_link:
            self._links += size
        else:
            self._plain += size

    def _flush(self) -> None:
        if not self._buffer:
            return
        text = " ".join("".join(self._buffer).split())
        if text.strip(f"{BREAK} `"):
            self.pieces.append(Piece(self._current, text))
            block = self.blocks[self._current]
            block.own_plain += self._plain
            block.own_links += self._links
        self._buffer.clear()
        self._plain = self._links = 0

    def _enter(self, node: LexborNode, tag: str) -> bool:
        """Begin a block; False where there is nothing to walk into."""
        self._flush()
        index = len(self.blocks)
        self.blocks[self._current].children.append(index)
        self.blocks.append(self._block(tag, node.attributes))
        if tag == "pre":
            self._code(node, index)
            return False
        if node.first_child is None:
            return False
        self._current = index
        return True

    def _code(self, node: LexborNode, index: int) -> None:
        code = node.text(deep=True).strip("\n")
        if not code.strip():
            return
        inner = node.css_first("code[class]")
        named = f"{self.blocks[index].names} {inner.attributes.get('class') or '' if inner else ''}"
        language = _LANGUAGE.search(named)
        self.pieces.append(Piece(index, f"```{language[1] if language else ''}\n{code}\n```", is_code=True))
        self.blocks[index].own_plain = len(code)

    def _block(self, tag: str, attributes: Mapping[str, str | None]) -> Block:
        above = self.blocks[self._current]
        if not attributes:
            block = Block(tag, self._current, "", "", is_hidden=False, is_body=False, depth=above.depth)
        else:
            block = Block(
                tag,
                self._current,
                f"{attributes.get('class') or ''} {attributes.get('id') or ''}".strip(),
                attributes.get("role") or "",
                is_hidden=_is_hidden(attributes),
                is_body=attributes.get("itemprop") in {"articleBody", "text", "description"},
                depth=above.depth,
            )
        if tag in {"ul", "ol", "blockquote"}:
            block.depth += 1
        elif tag == "li":
            above.items += 1
            block.number = above.items if above.tag == "ol" else 0
        return block


def _is_hidden(attributes: Mapping[str, str | None]) -> bool:
    if "hidden" in attributes:
        return not (attributes.get("id") or "").startswith("S:")  # React streams content into those, and shows it
    return attributes.get("aria-hidden") == "true" or bool(_HIDDEN.search(attributes.get("style") or ""))
