"""JSON that is no JSONL: an array of objects, or an object that holds one. Each object is traced to its bytes."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import Rejection

VERSION = 1
PLACED = True
ROWS = frozenset(  # fields whose array is the set; any other belongs to the one record that the file is
    (
        *("data", "rows", "examples", "items", "records", "documents", "train", "test", "validation", "instances"),
        *("results", "entries", "articles", "pages", "questions", "samples", "prompts"),
    )
)
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_BLANK = b"\xef\xbb\xbf \t\r\n"
_ARRAY = re.compile(rb"\[\s*[{\]]")
_OF_ROWS = re.compile(rb'\{\s*"(\w+)"\s*:\s*\[\s*\{')


def is_this(name: str, start: bytes) -> bool:
    """Tell by how it begins; a file that begins with an object on one line is JSONL, unless it holds rows."""
    begun = start.lstrip(_BLANK)
    if not begun.startswith(b"{"):
        is_named = re.search(r"\.(?:jsonl|ndjson)(\.\w+)?$", name.lower()) is not None
        return not is_named and _ARRAY.match(begun) is not None
    if re.search(r"\.json(\.\w+)?$", name.lower()) is None:
        return False
    first, _, rest = begun.partition(b"\n")
    if rest.strip() and _is_json(first):
        return False
    named = _OF_ROWS.match(begun)
    return bool(rest.strip()) or (named is not None and named[1].decode() in ROWS)


def _is_json(line: bytes) -> bool:
    try:
        outside.loads(line)
    except ValueError:
        return False
    return True


def records(file: BinaryIO, name: str) -> Iterator[tuple[int, int, dict[str, Any] | Rejection]]:
    """Yield the objects of the outermost array; the whole where there is none. A damaged one is refused alone."""
    body = file.read()
    found = False
    for start, end in _objects(body):
        found = True
        yield start, end - start, _object(body[start:end])
    if not found:
        is_one = body.lstrip(_BLANK).startswith(b"{")
        yield 0, len(body), _object(body) if is_one else Rejection("no_text", "the array holds no object")


def _object(body: bytes) -> dict[str, Any] | Rejection:
    try:
        return outside.loads(body)
    except ValueError as error:
        return Rejection("not_json", str(error))


def _objects(body: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the objects are that stand in the outermost array, or in one of `ROWS`."""
    opened, inside, start, said = list[bytes](), 0, -1, b""
    for mark in _MARKS.finditer(body):
        char = mark[0]
        if char in {b"{", b"["}:
            if char == b"[" and (not opened or (opened == [b"{"] and said.decode("utf-8", "replace") in ROWS)):
                inside = len(opened) + 1
            elif char == b"{" and inside and len(opened) == inside:
                start = mark.start()
            opened.append(char)
        elif char in {b"}", b"]"}:
            inside = 0 if len(opened) == inside and char == b"]" else inside
            del opened[-1:]
            if char == b"}" and start >= 0 and len(opened) == inside:
                yield start, mark.end()
                start = -1
        else:
            said = char[1:-1]
    if start >= 0:
        yield start, len(body)
