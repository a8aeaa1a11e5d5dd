"""MHTML: a page as a browser saved it."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, BinaryIO, cast

from wellspring.tasks.contracts import charsets
from wellspring.tasks.contracts.errors import Rejection

VERSION = 1
PAGES = True
_HEAD = re.compile(rb"^content-type:\s*multipart/related", re.IGNORECASE | re.MULTILINE)


def is_this(name: str, start: bytes) -> bool:
    """Tell by its head: a message of related parts."""
    head = start[:4096].lstrip()
    return bool(re.match(rb"[A-Za-z-]+:\s", head) and b"mime-version:" in head.lower() and _HEAD.search(head))


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any] | Rejection]:
    """Yield the page: the first part that is HTML."""
    message = cast("EmailMessage", message_from_bytes(file.read(), policy=policy.default))
    for part in message.walk():
        if part.get_content_type() in {"text/html", "application/xhtml+xml"}:
            body = cast("bytes", part.get_payload(decode=True) or b"")
            text, _ = charsets.decode(body, str(part.get("content-type", "")))
            where = message.get("snapshot-content-location") or part.get("content-location") or ""
            yield {"html": text, "url": str(where), "title": str(message.get("subject", "")) or None}
            return
    yield Rejection("no_text", "no part of it is HTML")
