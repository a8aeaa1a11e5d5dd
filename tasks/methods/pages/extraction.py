"""From a page to its main text, by one of three extractors: `wellspring` (ours), `resiliparse` or `trafilatura`.

All three give what the page says of itself besides (`metadata.py`). Markdown is ours and trafilatura's.
"""

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.methods.pages import main_text, metadata
from wellspring.tasks.methods.pages.metadata import Metadata

VERSION = 1


@dataclass(frozen=True, slots=True)
class Extracted:
    """A page's main text, and what it says of itself."""

    text: str
    metadata: Metadata


def extract(html: str, url: str, extractor: str = "wellspring") -> Extracted:
    """Extract the main text and the metadata of a page.

    Args:
        html: The page, decoded.
        url: Where it was found.
        extractor: `wellspring`, `resiliparse` or `trafilatura`.

    Raises:
        Rejection: `no_text`, there is none; `unparsable_page`, the library gave up on it.
    """
    if extractor == "wellspring":
        tree = LexborHTMLParser(html)
        told, text = metadata.metadata_of(tree, url), main_text.extract(tree, url)
    else:
        told = metadata.read_html(html, url)
        text = _trafilatura(html) if extractor == "trafilatura" else _resiliparse(html)
    if not text.strip():
        raise Rejection("no_text", "no main text on the page")
    return Extracted(text, told)


def _resiliparse(html: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLParserException

    try:
        return extract_plain_text(html, main_content=True)
    except HTMLParserException as error:
        raise Rejection("unparsable_page", str(error)) from error


def _trafilatura(html: str) -> str:
    import trafilatura

    return trafilatura.extract(html, include_comments=False, output_format="markdown") or ""
