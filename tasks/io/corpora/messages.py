"""HTTP messages as archives hold them: the page of a record, its transfer and content codings undone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wellspring.tasks.io.corpora import streams
from wellspring.tasks.io.corpora.archive_headers import HEADER_END, MAX_HEADER_BYTES
from wellspring.tasks.io.corpora.warc import Record


@dataclass(frozen=True, slots=True)
class Page:
    """The answer of a web server, its transfer and content codings undone."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def page(record: Record, limit_bytes: int) -> Page:
    """Read the HTTP message of a response (or the bare body of a resource or conversion), codings undone.

    HTTP's Content-Length is not believed: the block is the body. A header that ends nowhere makes the block a body.

    Raises:
        Rejection: `too_large` or `corrupt_encoding`.
    """
    block = record.block
    if not block.startswith(b"HTTP/"):
        return Page(200, {"content-type": record.headers.get("content-type", "")}, block)
    end = HEADER_END.search(block, 0, MAX_HEADER_BYTES)
    head, body = (block[: end.start()], block[end.end() :]) if end else (block, b"")
    lines = head.decode("latin-1").splitlines()
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    status = re.match(r"HTTP/\S+\s+(\d{3})", lines[0])
    for coding in reversed(_codings(headers)):
        body = streams.decoded(body, coding, limit_bytes)
    return Page(int(status[1]) if status else 0, headers, body)


def _codings(headers: Mapping[str, str]) -> list[str]:
    """Codings in the order they were applied; at most a few, since a list of a hundred is an attack."""
    named = f"{headers.get('content-encoding', '')},{headers.get('transfer-encoding', '')}".lower()
    return [coding.strip() for coding in named.split(",") if coding.strip()][:6]
