"""Mailboxes (mbox): a message each, its plain part, or its HTML."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, BinaryIO, cast

from wellspring.tasks.contracts import charsets
from wellspring.tasks.contracts.errors import Rejection

VERSION = 1
BEGIN = re.compile(rb"(?<=\n)From (?=\S[^\n]*\d{4}\r?\n[A-Za-z-]+:)")
_STUFFED = re.compile(rb"^>(>*From )", re.MULTILINE)


def is_this(name: str, start: bytes) -> bool:
    """Tell by how it begins."""
    return BEGIN.match(b"\n" + start, 1) is not None


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any] | Rejection]:
    """Yield the message."""
    _, _, raw = file.read().partition(b"\n")
    message = cast("EmailMessage", message_from_bytes(_STUFFED.sub(rb"\1", raw), policy=policy.default))
    part = message.get_body(("plain", "html"))
    if part is None:
        yield Rejection("no_text", "no part of the message is text")
        return
    text, _ = charsets.decode(cast("bytes", part.get_payload(decode=True) or b""), str(part.get("content-type", "")))
    kind = "html" if part.get_content_type() == "text/html" else "text"
    told = {key: str(value) for key in ("subject", "from", "date", "message-id") if (value := message.get(key))}
    yield {
        kind: text,
        "title": told.get("subject"),
        "author": re.sub(r"\s*<[^>]*>", "", told.get("from", "")) or None,
        "date": told.get("date"),
        "id": told.get("message-id"),
    }
