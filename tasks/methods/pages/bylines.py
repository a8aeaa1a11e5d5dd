"""What a page shows of its author and its date, where its head and its JSON-LD tell neither.

Elements that are named so are looked at first, then the address, then the first lines after the headline.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from wellspring.tasks.methods.pages import dates

VERSION = 1

MAX_NODES = 40  # that are named so
LEVELS = 4  # around an element, that tell whose it is
MAX_TEXTS = 2_500  # of a page, from its top
LINE_CHARS, NAME_CHARS, NAME_WORDS = 120, 60, 7
LEAD_CHARS = 30  # of a paragraph that begins with its date
TITLE_CHARS = 6

_DATED = (
    '[itemprop="datePublished"],time,abbr.published,[class*="publish"],[class*="date"],[id*="date"],[class*="posted"],'
    '[class*="time"],[class*="meta"]'
)
_SIGNED = (
    '[itemprop="author"] [itemprop="name"],[itemprop="author"],[rel~="author"],.byline-name,.author-name,.author__name,'
    '[class*="author-name"],[class*="authorName"],.author,[class*="byline"],[class*="author"],.username,.vcard .fn'
)
_NOT_ITS_OWN = re.compile(r"comment|related|sidebar|recent|popular", re.IGNORECASE)
_IN_URL = re.compile(r"/((?:19|20)\d\d)[/-]?(\d\d)[/-]?(\d\d)(?:[/_.-]|$)")
_BY = re.compile(
    r"^(?:(?:written|posted|published|article|words|story|reviewed|artikel)\W+)*"
    r"(?:(?:by the|by|von|par|por|di|door|av|af|authored|author|autor|auteur|autore)\s*[:\uff1a]?\s+|"
    r"(?:作者|文|撰文|記者|记者)\s*[:\uff1a]\s*)(?=\S)",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:[|·•\n\t(]|\s[-\u2013\u2014]\s|,? (?:last )?updated\b|,? published\b|,? posted\b|\bon (?=[A-Z\d])|"
    r",? \d|\bmin(?:ute)?s? read\b|\bfollow\b|"
    r", (?:senior|staff|contributor|editor|founder|reporter|correspondent)\b).*$",
    re.IGNORECASE | re.DOTALL,
)
_NO_NAME = re.compile(
    r"https?:|@|^(?:the )?(?:authors?|about|admin|administrator|guest|share|comments?|posts?|read|more|view|all|home|"
    r"by|contributors?|written|editorial standards|staff|last|updated|publi\w+|veröffentlicht)\b|"
    r"\bauthors?$|\bposts\b|\barticles\b",
    re.IGNORECASE,
)


def date_of(tree: LexborHTMLParser, url: str) -> str | None:
    """Return the day that a page shows, as YYYY-MM-DD; None where it shows none."""
    for node in _own(tree, _DATED):
        attributes = node.attributes
        for told in (attributes.get("datetime"), attributes.get("content"), attributes.get("title"), _line(node)):
            if told and len(told) <= LINE_CHARS and (day := dates.first_in(told)):
                return day
    if found := _IN_URL.search(url):
        return dates.first_in("-".join(found.groups()))
    for line, node in _lines_of(tree):
        day = dates.first_in(line if len(line) <= LINE_CHARS else line[:LEAD_CHARS])
        if day and _is_own(node):
            return day
    return None


def author_of(tree: LexborHTMLParser) -> str | None:
    """Return the author that a page names beside its text; None where it names none."""
    for selector in _SIGNED.split(",") if tree.css_first(_SIGNED) is not None else ():
        for node in _own(tree, selector):
            told = node.attributes.get("content") if node.tag == "meta" else _line(node)
            if told and (name := name_of(told)):
                return name
    signed = (
        name
        for line, node in _lines_of(tree)
        if len(line) <= LINE_CHARS and _BY.match(line) and _is_own(node) and (name := name_of(line))
    )
    return next((name for name in signed if not any(word[0].islower() for word in name.split())), None)


def name_of(line: str) -> str | None:
    """Return the name in a byline; None where it holds none."""
    name = _AFTER.sub("", _BY.sub("", " ".join(line.split()))).strip(" ,.:;-\u2013\u2014'\"")
    is_name = 1 < len(name) <= NAME_CHARS and len(name.split()) <= NAME_WORDS and not _NO_NAME.search(name)
    return name if is_name and any(char.isalpha() for char in name) else None


def _own(tree: LexborHTMLParser, selector: str) -> Iterator[LexborNode]:
    """Yield the first elements of a kind that are the page's own."""
    return filter(_is_own, tree.css(selector)[:MAX_NODES])


def _is_own(node: LexborNode) -> bool:
    """Tell what is not in a list of other pages, in a menu or among comments."""
    above: LexborNode | None = node
    for _ in range(LEVELS):
        if above is None or above.tag in {"body", "article", "main"}:
            return True
        attributes = above.attributes if above.tag != "-text" else {}
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        if above.tag in {"nav", "footer", "aside"} or _NOT_ITS_OWN.search(names):
            return False
        above = above.parent
    return True


def _line(node: LexborNode) -> str:
    return " ".join(node.text(deep=True, separator=" ").split())


def _lines_of(tree: LexborHTMLParser) -> Iterator[tuple[str, LexborNode]]:
    """Yield the short texts of a page and where they are: those after its headline first, where it has one."""
    if tree.body is None:
        return
    titled = tree.css_first("title")
    title = " ".join((titled.text(deep=True) if titled else "").split())
    before: list[tuple[str, LexborNode]] = []
    is_after = False
    for count, node in enumerate(tree.body.traverse(include_text=True)):
        if count > MAX_TEXTS:
            break
        if node.tag != "-text" or not (text := node.text_content) or text.isspace():
            continue
        if node.parent is not None and node.parent.tag in {"script", "style", "noscript"}:
            continue
        line = " ".join(text.split())
        if not is_after and len(line) >= TITLE_CHARS and line in title:
            is_after = True
        elif line:
            if is_after:
                yield line, node
            else:
                before.append((line, node))
    yield from before
