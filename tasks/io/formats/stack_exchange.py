"""Dumps of Stack Exchange (`Posts.xml`): a question or an answer each, with its licence."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

from wellspring.tasks.contracts.errors import Rejection

VERSION = 1
BEGIN = re.compile(rb"<row (?=[^<>]*\bPostTypeId=)")
KINDS = {"1": "question", "2": "answer"}


def is_this(name: str, start: bytes) -> bool:
    """Tell by the root, and the first row."""
    return b"<posts>" in start[:512] and BEGIN.search(start) is not None


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any] | Rejection]:
    """Yield the post; one that is neither a question nor an answer is refused."""
    block = file.read()
    end = block.find(b"/>")
    if end < 0:
        yield Rejection("truncated", "the row has no end")
        return
    said = ET.fromstring(block[: end + 2]).attrib  # noqa: S314 - one element, and no entities of its own
    kind = KINDS.get(said.get("PostTypeId", ""))
    if kind is None:
        yield Rejection("not_a_page", f"a post of type {said.get('PostTypeId')}")
        return
    title, body = said.get("Title", ""), said.get("Body", "")
    yield {
        "html": f"<h1>{title}</h1>{body}" if title else body,
        "title": title or None,
        "date": said.get("CreationDate"),
        "license": said.get("ContentLicense"),
        "id": said.get("Id"),
        "kind": kind,
        "parent": said.get("ParentId"),
    }
