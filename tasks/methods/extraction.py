"""From a page to its main text, by one of three extractors: `wellspring` (ours), `resiliparse` or `trafilatura`."""

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from tasks.contracts.errors import Rejection
from tasks.methods import metadata
from tasks.methods.metadata import Metadata

VERSION = 1


@dataclass(frozen=True, slots=True)
class Extracted:
    """A page's main text, and what it says of itself."""

    text: str
    metadata: Metadata


def extract(html: str, url: str, extractor: str = "wellspring") -> Extracted:
    """Extract the main text and the metadata of a page.

    Raises:
        Rejection: `no_text`, there is none; `unparsable_page`, the library gave up on it.
    """
    tree = LexborHTMLParser(html)
    told = metadata.read(tree, url)
    text = (_trafilatura(html) if extractor == "trafilatura" else _resiliparse(html)).strip()
    if not text:
        raise Rejection("no_text", "no main text on the page")
    return Extracted(text, told)


def _resiliparse(html: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(html, main_content=True)


def _trafilatura(html: str) -> str:
    import trafilatura

    return trafilatura.extract(html, include_comments=False) or ""
