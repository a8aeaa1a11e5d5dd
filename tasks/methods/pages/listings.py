"""Code on a page, with its lines and indentation, and without the numbers of its lines.

Highlighters lay code out as a row or a box for each line, and put numbers beside it: in a column, or before each line.
"""

import re
from functools import lru_cache

from selectolax.lexbor import LexborNode

VERSION = 2

MAX_MISSES = 200  # that are called code or a gutter and hold something else: they may lie in one another

_LAID_OUT = "div,p,li,tr,br,[class*=line],[class*=ln],[class*=gutter],[class*=blob-num]"
_LINES = frozenset(("div", "p", "li", "tr"))
_HOLDERS = frozenset(("table", "tbody", "thead", "td", "th", "ol", "ul"))  # blanks beside them are no code
_BOXES = frozenset(
    (
        "prism-code",
        "syntaxhighlighter",
        "crayon-main",
        "CodeMirror-code",
        "view-lines",
        "blob-wrapper",
        "js-file-line-container",
    )
)
_GUTTER = re.compile(
    r"(?:^|\s)(?:\S*gutter\S*|linenos?|linenodiv|linenos-div|line-?no|line-?numbers?\S*|blob-num|crayon-nums?|ln|lnt|"
    r"hljs-ln-numbers)(?:\s|$)",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"[\d\s]*")
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language-|lang-|highlight-source-|highlight-|brush:\s*)([a-zA-Z0-9+#]{1,20})(?:\s|$)"
)
_NO_LANGUAGES = frozenset(("default", "none", "text", "plaintext", "plain"))


@lru_cache(maxsize=50_000)
def is_called(names: str) -> bool:
    """Tell whether names are those that a highlighter gives to a box of code."""
    return not _BOXES.isdisjoint(names.split())


def is_code_alone(box: LexborNode) -> bool:
    """Tell a box that holds no text of another kind."""
    return box.css_first("pre,p,h1,h2,h3,h4,img") is None


def language_of(names: str) -> str:
    """Return the language that the names of blocks around code tell, or nothing."""
    return next((name for name in _LANGUAGE.findall(names) if name not in _NO_LANGUAGES), "")


def read(box: LexborNode) -> str:
    """Return the code in an element; nothing where it holds only numbers of lines."""
    text = box.text(deep=True) if box.css_first(_LAID_OUT) is None else _laid_out(box)
    lines = [line.rstrip() for line in text.strip("\n").split("\n")]
    is_numbers = len(lines) > 1 and all(line.strip() == str(i) for i, line in enumerate(lines, start=1))
    return "" if is_numbers else "\n".join(lines)


def _laid_out(box: LexborNode) -> str:
    """Read code out of boxes, rows and breaks, each a line."""
    parts: list[str] = []
    open_: list[tuple[LexborNode, int, int]] = []  # an element, the parts before it, the lines that ended before it
    ended = 0
    gutters = _Gutters()
    node = box.first_child
    while node is not None or open_:
        if node is None:
            node, begin, before = open_.pop()
            if node.tag in _LINES and ended == before:
                ended += 1
                if not "".join(parts[begin:]).endswith("\n"):
                    parts.append("\n")
        elif node.tag == "-text":
            if not _is_between(node):
                parts.append(node.text_content or "")
        elif node.tag == "br":
            parts.append("\n")
        elif not gutters.have(node):
            open_.append((node, len(parts), ended))
            node = node.first_child
            continue
        node = node.next
    return "".join(parts)


def _is_between(text: LexborNode) -> bool:
    """Tell blanks between boxes or rows, which are no code."""
    if not (text.text_content or "").isspace():
        return False
    beside = (text.prev, text.next)
    return any(node is not None and node.tag in _HOLDERS | _LINES for node in beside)


class _Gutters:
    """The gutters of a box of code. Elements are called gutters and hold code, too: so many of them are looked into."""

    def __init__(self) -> None:
        self._misses = 0

    def have(self, node: LexborNode) -> bool:
        """Tell a gutter: it is called so, and holds numbers or nothing."""
        names = node.attributes.get("class")
        if not names or self._misses > MAX_MISSES or not _GUTTER.search(names):
            return False
        is_one = _NUMBERS.fullmatch(node.text(deep=True)) is not None
        self._misses += not is_one
        return is_one
