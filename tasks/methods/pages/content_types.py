"""What bytes are, whatever they are declared as: a page, plain text, or what else they turn out to be.

Servers declare a PDF, a picture, a script or a feed as `text/html`. So the bytes decide: their first ones where these
tell, then what the text begins with, and then what was declared.
"""

import re

from wellspring.tasks.contracts import outside

VERSION = 1
PAGE, TEXT = "page", "text"
LISTS = frozenset({"a feed", "a sitemap"})  # they name pages, and are none
HEAD_CHARS = 4096
MOST_CONTROLS = 0.05  # of the characters of a text
_MAGIC = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP package"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a picture or a sound (RIFF)"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
    (b"OggS", "a sound (Ogg)"),
    (b"ID3", "a sound (MP3)"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"{\\rtf", "RTF"),
)
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_PROLOGUE = re.compile(r"\s*(?:<\?[^>]*\?>\s*|<!--.*?-->\s*|<!doctype\s+(?!html)[^>]*>\s*)*", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<(!doctype\s+html|[a-zA-Z][\w:.-]*)", re.IGNORECASE)
_ROOTS = {
    **dict.fromkeys(("rss", "feed", "rdf:rdf"), "a feed"),
    **dict.fromkeys(("urlset", "sitemapindex"), "a sitemap"),
    "svg": "an SVG picture",
}
_MARKUP = re.compile(
    r"<(?:!doctype html|html|head|body|title|meta|div|p|h[1-6]|table|article|span|br|ul|a)\b", re.IGNORECASE
)
_NOTES = r"(?:/\*.*?\*/\s*|//[^\n]*\n\s*)*"
_SCRIPT = re.compile(
    _NOTES + r"""(?:["']use strict["']|[!;+(]*function\b|[!;(]*\([\w$, ]*\)\s*=>|(?:var|let|const)\s+[\w$]+\s*[=;,]|"""
    r"""(?:window|document|self|module|exports|jQuery|\$)[.(\[]|import\s+[\w{*"']|define\s*\(|if\s*\(\s*typeof\b)""",
    re.DOTALL,
)
_STYLE = re.compile(
    _NOTES + r"(?:@(?:charset|import|media|font-face|keyframes|supports)\b|"
    r"[\w.#*:\[][^{}<;]{0,300}\{\s*(?:--)?[a-z-]+\s*:)",
    re.DOTALL,
)


def what_is(body: bytes, text: str, declared: str) -> str:
    """Say what bytes are.

    Args:
        body: The bytes, content codings undone.
        text: The same, decoded.
        declared: Their Content-Type; '' where nothing was declared.

    Returns:
        `PAGE`, `TEXT`, or in words what else they are.
    """
    if known := next((said for magic, said in _MAGIC if body.startswith(magic)), ""):
        return known
    head = text[:HEAD_CHARS]
    if len(_NOT_TEXT.findall(head)) > MOST_CONTROLS * len(head):
        return "no text"
    kind = declared.partition(";")[0].strip().lower()
    return _markup(head, kind) or _bare(text, kind)


def _markup(head: str, kind: str) -> str:
    """Say what a text is that begins with an element; '' where it begins with none, or none that tells."""
    start = _PROLOGUE.match(head)
    root = _ROOT.match(head, start.end() if start else 0)
    if root is None:
        return ""
    name = root[1].lower()
    if name in _ROOTS:
        return _ROOTS[name]
    if name == "html" or name.startswith("!"):
        return PAGE
    is_xml = "<?xml" in head[:200] or kind.endswith(("/xml", "+xml"))
    if is_xml and not _MARKUP.search(head):
        return f"XML (<{root[1]}>)"
    return "" if kind.startswith("text/") and kind != "text/html" else PAGE if _MARKUP.search(head) else ""


def _bare(text: str, kind: str) -> str:
    """Say what a text is that begins with no element."""
    if kind not in {"", "text/html", "application/xhtml+xml"}:
        return TEXT if kind.startswith("text/") and kind not in {"text/css", "text/javascript"} else kind
    start, has_markup = text.lstrip("\ufeff \t\r\n"), _MARKUP.search(text) is not None
    if start[:1] in {"{", "["} and _is_json(start):
        return "JSON"
    if not has_markup and _SCRIPT.match(start[:HEAD_CHARS]):
        return "a script"
    return "a style sheet" if not has_markup and _STYLE.match(start[:HEAD_CHARS]) else PAGE


def _is_json(text: str) -> bool:
    try:
        outside.loads(text)
    except ValueError:
        return False
    return True
