"""Indexes of archives, CDX and CDXJ: each line names a capture, and only the bytes of that capture are fetched.

A line is an item. It is refused without a request where the index says that it holds no page. What a server sends
instead of the range (all of the file, an error) is refused, too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.io.corpora import containers, streams, warc
from wellspring.tasks.io.corpora.warc import Damage, Record

_CDXJ = re.compile(rb"[^\s]+ \d{14} (\{.*)", re.DOTALL)
_CDX = re.compile(rb"\s?CDX( [A-Za-z])+\s*")
_LEGEND = {"a": "url", "m": "mime", "s": "status", "S": "length", "V": "offset", "g": "filename"}
HTTP_OK = "200"


@dataclass(frozen=True, slots=True)
class Capture:
    """Where a record lies: in which file, from which byte, and how many."""

    uri: str
    offset: int
    length: int
    url: str


def is_index(start: bytes) -> bool:
    """Tell an index by its first line."""
    first = start.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    return _CDX.fullmatch(first) is not None or _CDXJ.fullmatch(first) is not None


def capture(index: str, line: bytes, legend: str) -> Capture:
    """Read a line of an index.

    Args:
        index: Where the index is; files are named from there.
        line: The line.
        legend: The first line of a CDX, which names its columns; a CDXJ needs none.

    Raises:
        Rejection: It is no line of an index, it names no page, or a file that it may not.
    """
    told = _told(line, legend)
    url, status, mime = (str(told.get(key) or "") for key in ("url", "status", "mime"))
    if status not in {"", "-", HTTP_OK}:
        raise Rejection("http_status", f"{status} {url}")
    if mime and mime != "-" and not re.match(r"text/|application/(?:xhtml|pdf|http)|warc/", mime):
        raise Rejection("not_text", f"{mime} {url}")
    try:
        offset, length = int(told["offset"]), int(told["length"])
        return Capture(containers.resolved(index, str(told["filename"])), offset, length, url)
    except (KeyError, ValueError, TypeError) as error:
        raise Rejection("damaged_line", f"the line names no file, offset and length: {error}") from error
    except BrokenError as error:
        raise Rejection("url_refused", error.message) from error


def _told(line: bytes, legend: str) -> dict[str, Any]:
    if found := _CDXJ.fullmatch(line.strip()):
        try:
            told = outside.loads(found[1])
        except ValueError as error:
            raise Rejection("not_json", str(error)) from error
        return told if isinstance(told, dict) else {}
    columns = [_LEGEND.get(letter, "") for letter in legend.replace("CDX", "").split()]
    return dict(zip(columns, line.decode("utf-8", "replace").split(), strict=False))


def fetched(found: Capture, limit_bytes: int) -> bytes:
    """Fetch the stored bytes of a capture: its range, and nothing else.

    Raises:
        Rejection: `too_large`, `url_failed`, or `truncated` where fewer or more bytes came.
    """
    if found.length > limit_bytes:
        raise Rejection("too_large", f"{found.length} bytes, over the limit of {limit_bytes}")
    try:
        stored = streams.fetched(found.uri, found.offset, found.length)
    except Exception as error:  # each filesystem has its own
        raise Rejection("url_failed", f"{found.uri}: {error}"[:300]) from error
    if len(stored) != found.length:
        raise Rejection("truncated", f"{found.uri} gave {len(stored)} bytes where {found.length} were asked for")
    return stored


def item(found: Capture, offset: int, length: int, limit_bytes: int) -> Record | Damage:
    """Return the record of a capture, in the place of its line; or what is wrong with it."""
    try:
        held: Iterator[Record | Damage] = warc.records_of(fetched(found, limit_bytes), limit_bytes)
        record = next(held, None)
    except Rejection as refusal:
        return Damage(offset, length, refusal.reason, refusal.detail, found.url)
    if record is None:
        return Damage(offset, length, "no_header", "no record is in its range", found.url)
    return replace(record, offset=offset, length=length)
