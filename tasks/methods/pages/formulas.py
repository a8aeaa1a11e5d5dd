"""Formulas of a page as LaTeX, each once, however often the page holds it.

A page that shows a formula holds it as MathML, as drawn spans, as an image whose `alt` is its source, or as the source
in a script; often as several of these. The source is taken where there is one, else the MathML is written as LaTeX.
"""

import re
import unicodedata

from selectolax.lexbor import LexborHTMLParser, LexborNode

VERSION = 1
MAX_LEVELS = 40  # of MathML; what is deeper is read as its text
MAX_CHARS = 4_000
MAX_MISSES = 200  # elements that are called formulas and hold none

_ANYWHERE = 'math,mjx-container,script[type^="math/tex"],img.latex,img.tex,img[class^="mwe-math"]'
_SCRIPT = 'script[type^="math/tex"]'
_SOURCE = 'annotation[encoding="application/x-tex"]'
_IMAGE = re.compile(r"(?:^|\s)(?:mwe-math-fallback\S*|latex|tex|math\S*)(?:\s|$)")
_WHOLE = re.compile(r"(?:^|\s)(?:katex|mwe-math-element|MathJax\w*)(?:\s|$)")
_STYLE = re.compile(r"\{\s*\\(?:display|text)style\b\s*(.*)\}|\\(?:display|text)style\b\s*(.*)", re.DOTALL)
_FUNCTIONS = frozenset(("sin", "cos", "tan", "log", "ln", "exp", "min", "max", "lim", "det", "sup", "inf", "arg"))
_SIGNS = {
    "\u2212": "-",
    "∑": r"\sum ",
    "∏": r"\prod ",
    "∫": r"\int ",
    "∞": r"\infty ",
    "≤": r"\le ",
    "≥": r"\ge ",
    "≠": r"\ne ",
    "≈": r"\approx ",
    "\u00d7": r"\times ",
    "⋅": r"\cdot ",
    "∂": r"\partial ",
    "∈": r"\in ",
    "→": r"\to ",
    "±": r"\pm ",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "\u2061": "",
    "\u2062": "",
    "\u2063": "",
}
_PARTS = {"mfrac": 2, "mroot": 2, "msup": 2, "msub": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}


class Formulas:
    """Where the formulas of a page are, as one walk over it meets them."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self.are_there = tree.css_first(_ANYWHERE) is not None
        self._misses = 0
        self._has_scripts = self.are_there and tree.css_first(_SCRIPT) is not None

    def read(self, node: LexborNode, tag: str) -> str | None:  # noqa: PLR0911 - one for each form
        """Return the formula that an inline element is, between dollars.

        Returns:
            None where it is no formula; nothing where it draws one that is told elsewhere.
        """
        if tag == "math":
            return _between_dollars(_source(node))
        names = node.attributes.get("class") or ""
        if tag == "script":
            kind = node.attributes.get("type") or ""
            return _between_dollars(node.text(deep=True)) if kind.startswith("math/tex") else None
        if tag == "img":
            return _between_dollars(node.attributes.get("alt") or "") if _IMAGE.search(names) else None
        if tag != "mjx-container" and not (names and _WHOLE.search(names)):
            return None
        if self._has_scripts and "MathJax" in names:
            return ""
        if self._misses > MAX_MISSES:
            return None
        inner = node.css_first("math") or node.css_first("img[alt]")
        if inner is None:
            self._misses += 1
            return "" if "MathJax" in names or tag == "mjx-container" else None
        return _between_dollars(_source(inner) if inner.tag == "math" else inner.attributes.get("alt") or "")


def _between_dollars(tex: str) -> str:
    tex = " ".join(tex[:MAX_CHARS].split()).strip("$ ")
    style = _STYLE.fullmatch(tex)
    tex = (style[1] or style[2] or "").strip() if style else tex
    return f"${tex}$" if tex else ""


def _source(math: LexborNode) -> str:
    told = math.css_first(_SOURCE)
    if told is not None:
        return told.text(deep=True)
    return math.attributes.get("alttext") or _tex(math, 0)


def _tex(node: LexborNode, level: int) -> str:
    """Write MathML as LaTeX."""
    tag = node.tag or ""
    if tag == "-text":
        return "".join(map(_sign, unicodedata.normalize("NFKC", (node.text_content or "").strip())))
    if level > MAX_LEVELS:
        return node.text(deep=True)
    if tag in {"annotation", "annotation-xml", "mphantom"}:
        return ""
    if tag == "mtext":
        return rf"\text{{{node.text(deep=True).strip()}}}"
    parts = [tex for child in node.iter(include_text=True) if (tex := _tex(child, level + 1)) or child.tag == "mrow"]
    if len(parts) == _PARTS.get(tag):
        return _of_parts(tag, [part.strip() for part in parts])
    return _around(tag, parts)


def _of_parts(tag: str, parts: list[str]) -> str:
    if tag == "mfrac":
        return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
    if tag == "mroot":
        return rf"\sqrt[{parts[1]}]{{{parts[0]}}}"
    own = parts[0] if len(parts[0]) == 1 or parts[0].startswith("\\") else f"{{{parts[0]}}}"
    marks = "_^" if len(parts) == _PARTS["msubsup"] else "^" if tag in {"msup", "mover"} else "_"
    return own + "".join(
        mark + (part if len(part) == 1 else f"{{{part}}}") for mark, part in zip(marks, parts[1:], strict=True)
    )


def _around(tag: str, parts: list[str]) -> str:
    inner = "".join(parts)
    if tag == "msqrt":
        return rf"\sqrt{{{inner.strip()}}}"
    if tag == "mi" and inner in _FUNCTIONS:
        return rf"\{inner} "
    if tag == "mfenced":
        return f"({','.join(parts)})"
    if tag == "mtable":
        return r"\begin{matrix} " + r" \\ ".join(parts) + r" \end{matrix}"
    return " & ".join(parts) if tag == "mtr" else inner


def _sign(char: str) -> str:
    if char in _SIGNS:
        return _SIGNS[char]
    kind, _, letter = unicodedata.name(char, "").rpartition(" LETTER ")
    if kind in {"GREEK SMALL", "GREEK CAPITAL"} and letter.isalpha():
        return "\\" + (letter.lower() if kind == "GREEK SMALL" else letter.capitalize()) + " "
    return char
