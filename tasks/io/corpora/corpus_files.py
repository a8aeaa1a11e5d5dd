"""What a team has: archives, JSONL, Parquet, folders of pages; found, named by their bytes, and read piece by piece.

What a file is, its first bytes say, not its name: it is of the first format that says so (`OURS`), after those of the
profile's own (`own_formats.py`). A corpus is a path, a glob, a folder or any fsspec URI. Each file can
be read in ranges that together give each of its items once: bytes as stored (archives), bytes of the inflated text
(JSONL, archives compressed as a whole) or rows (Parquet). Nothing here holds more than a few records.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io import files
from wellspring.tasks.io.corpora import archive_headers, own_formats, streams, tables, unpacking, warc
from wellspring.tasks.io.corpora.own_formats import NONE, Broken, Own
from wellspring.tasks.io.corpora.streams import Window
from wellspring.tasks.io.corpora.warc import Damage, Record

Kind = str  # a name of `OURS`, or of a format of the user's

CACHE = "corpora.json"  # in a store's `indexes`
TEXT_FIELDS = ("text", "content", "raw_content", "markdown", "body", "article")
HTML_FIELDS = ("html", "raw_html")
_ABOUT_FIELDS = (
    "id url uri source_url link title author authors license meta metadata "
    "date publishing_date fetched_at crawl_date timestamp"
)
_DOCUMENT_FIELDS = frozenset({*TEXT_FIELDS, *HTML_FIELDS, *_ABOUT_FIELDS.split()})
_NOT_DATA = re.compile(
    r"(?:^|/)(?:[._][^/]*|[^/]*\.(?:lock|tmp|part|crc|md|txt\.sha256|yaml|yml|css|js|png|jpe?g|gif|svg|ico))$",
    re.IGNORECASE,
)
_HTML = re.compile(rb"<(?:!doctype|html|head|body|meta|title|div|p|h1|article|table|\?xml)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """A line of JSONL, a row of Parquet, or a page of a folder: named fields, one of them text or html."""

    offset: int
    length: int
    url: str
    html: bytes | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """A file of a corpus: what it is, its sha256 as stored, its size, and the size of what its ranges count."""

    uri: str
    kind: Kind
    sha256: str
    bytes: int
    extent: int


@dataclass(frozen=True, slots=True)
class Object:
    """A line of JSONL or a row of Parquet, as it is."""

    offset: int
    length: int
    fields: dict[str, Any]


Item = Record | CorpusRow | Damage


def expand(path: str) -> list[str]:
    """Return the files of a path, glob, folder (walked, hidden and side files left out) or URI, in order.

    Raises:
        BrokenError: There is nothing there.
    """
    return listed(path)[0]


def listed(path: str) -> tuple[list[str], list[str]]:
    """Return what `expand` does, and the side files of a folder: notes, styles, images, hidden files; both in order.

    Raises:
        BrokenError: There is nothing there.
    """
    aside: list[str] = []
    path = str(streams.place_of(path)) if "://" in path else path
    try:
        filesystem, inner = fsspec.url_to_fs(path)
        if any(char in path for char in "*?[") and not filesystem.exists(inner):
            found = [name for name in filesystem.glob(inner) if not filesystem.isdir(name)]
        elif filesystem.isdir(inner):
            every = filesystem.find(inner)
            found = [name for name in every if not _NOT_DATA.search(name[len(inner) :])]
            aside = sorted(name[len(inner) :].lstrip("/") for name in set(every) - set(found))
        else:
            found = [inner] if filesystem.exists(inner) else []
    except Exception as error:  # each filesystem has its own: a web server's 401 is no OSError
        raise BrokenError(
            f"cannot look at {path}: {error}", hint="check the path; a URI may need its package and credentials"
        ) from error
    if not found:
        raise BrokenError(
            f"there is no corpus at {path}",
            hint="give a file, a folder, a glob or a URI, such as --corpus crawl/*.warc.gz",
        )
    if unreadable := [name for name in found if outside.sound(name) != name]:
        raise BrokenError(
            f"the name {unreadable[0]!r} is not UTF-8, and cannot be written down", hint="rename the file"
        )
    return sorted(filesystem.unstrip_protocol(name) if "://" in path else name for name in found), aside


def look(uri: str, cache: Path | None = None, own: Own = NONE) -> File:
    """Name a file by its bytes, and learn its kind and extent.

    It is read in full, once: what was found is kept in `cache` (a JSON file, by address, size and change time), so that
    a second run does not read a corpus again to learn that there is nothing to do.

    Raises:
        BrokenError: It cannot be read, is empty, or is nothing we know.
    """
    known: dict[str, File] = (files.read_json(cache, dict[str, File]) if cache is not None else None) or {}
    key = _state(uri)
    if key and own.names:
        key += f"|{own.versions}"
    if key in known:
        return known[key]
    file = _looked_at(uri, own)
    if cache is not None and key:
        files.write_json(cache, {name: asdict(one) for name, one in {**known, key: file}.items()})
    return file


def _state(uri: str) -> str:
    """Address, size and change time of a file, as its filesystem tells them; empty where it tells none."""
    try:
        filesystem, inner = fsspec.url_to_fs(uri)
        about = filesystem.info(inner)
    except (OSError, ImportError, ValueError):
        return ""
    changed = next((about[key] for key in ("mtime", "ETag", "etag", "LastModified", "updated") if about.get(key)), None)
    return f"{uri}|{about.get('size')}|{changed}" if changed else ""


def unlike(uri: str, sha256: str, size: int) -> str:
    """Say in what a file differs from one of this digest and size: "" if in nothing. It is read in full.

    One of another size, or that is not there, is not read.
    """
    try:
        filesystem, inner = fsspec.url_to_fs(uri)
        if not filesystem.exists(inner):
            return "is not there"
        found = filesystem.info(inner).get("size")
        if found is not None and found != size:
            return f"has {found} bytes"
        digest, _ = _digest(uri)
    except Exception as error:  # noqa: BLE001 - each filesystem has its own: a web server's 401 is no OSError
        return f"cannot be read: {error}"
    return "" if digest == sha256 else f"has other bytes, sha256 {digest}"


def _digest(uri: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with streams.opened(uri) as file:
        while piece := file.read(streams.READ_BYTES * 4):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def known_places(cache: Path, sha256: str) -> list[str]:
    """Return where `look` has seen a file of this digest, by what it kept in `cache`."""
    known: dict[str, File] = files.read_json(cache, dict[str, File]) or {}
    return sorted({file.uri for file in known.values() if file.sha256 == sha256})


def _looked_at(uri: str, own: Own) -> File:
    digest, size = _digest(uri)
    if not size:
        raise BrokenError(f"{uri} is empty", hint="an empty file has no records; take it out of the corpus")
    kind = own.of(uri) or _kind(uri)
    return File(uri, kind, digest, size, _extent(uri, kind, size) if kind in OURS else size)


def _kind(uri: str) -> Kind:
    name, start = uri.lower(), own_formats.beginning(uri)
    with streams.opened(uri) as file:
        magic = file.read(len(_PARQUET))
    if found := next((kind for kind, is_this in _TESTS if is_this(name, magic, start)), ""):
        return found
    raise BrokenError(
        f"{uri} is no corpus that we know: it begins with {start[:24]!r}",
        hint="it may be a WARC, ARC or WET archive, JSONL, Parquet, or HTML; plain or in gzip, zstd or lz4; or of a "
        "format of your own (`formats` in the profile)",
    )


def _is_json(name: str, start: bytes) -> bool:
    is_named = re.search(r"\.(jsonl|ndjson)(\.\w+)?$", name) is not None
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or is_named


_PARQUET = b"PAR1"
# In the order in which they are looked for: by the name, the first bytes as stored, and as inflated.
_TESTS: tuple[tuple[Kind, Callable[[str, bytes, bytes], bool]], ...] = (
    ("table", lambda name, _, __: name.endswith(tables.ENDING)),
    ("parquet", lambda _, magic, __: magic == _PARQUET),
    ("warc", lambda name, _, start: bool(archive_headers.is_archive(start) or re.search(r"\.w?arc(\.\w+)*$", name))),
    ("jsonl", lambda name, _, start: _is_json(name, start)),
    ("parquet", lambda name, _, __: name.endswith(".parquet")),
    ("html", lambda name, _, start: bool(_HTML.search(start) or re.search(r"\.(x?html?)(\.\w+)?$", name))),
    ("text", lambda name, _, start: bool(re.search(r"\.(txt|md)(\.\w+)?$", name)) and b"\0" not in start),
)
OURS = dict(_TESTS)


def _extent(uri: str, kind: Kind, size: int) -> int:
    if kind == "table":
        return 1  # read as a whole
    if kind == "parquet":
        try:
            with streams.opened(uri) as file:
                parquet = pq.ParquetFile(file)
                return 1 if unpacking.bomb(parquet, _columns(parquet)) else parquet.metadata.num_rows
        except (pa.ArrowException, OSError):
            return 1  # no footer, no rows: one rejection
    if (kind == "warc" and not warc.is_stream(uri)) or kind in {"html", "text"}:
        return size
    inflated = 0
    try:
        with streams.inflated(uri) as read:
            while piece := read(streams.READ_BYTES * 4):
                inflated += len(piece)
    except OSError:
        pass  # what comes before the break can be read; the break itself is a rejection
    return max(1, inflated)


def read(uri: str, kind: Kind, start: int, stop: int, limit_bytes: int, own: Own = NONE) -> Iterator[Item]:
    """Yield the items that begin in [start, stop) of the file's extent, or what stands in their place.

    A file of a format of `own` is one range, whatever the range says; its records are numbered from 0.
    """
    if kind not in OURS:
        yield from _of_format(uri, kind, own)
    elif kind == "table":
        yield from _of_table(uri)
    elif kind == "warc":
        yield from warc.records(uri, limit_bytes, start, stop)
    elif kind in {"jsonl", "parquet"}:
        for item in objects(uri, kind, start, stop, limit_bytes):
            yield item if isinstance(item, Damage) else _row(item)
    else:
        yield from _page(uri, kind, limit_bytes)


def _of_format(uri: str, kind: Kind, own: Own) -> Iterator[Item]:
    for found in own.records(kind, uri):
        if isinstance(found, Broken):
            yield Damage(found.number, 1, "format_error", found.why, _address(uri))
        else:
            yield _row(Object(found[0], 1, {"url": f"{_address(uri)}#{found[0]}", **found[1]}))


def _of_table(uri: str) -> Iterator[Item]:
    number = 0
    try:
        for page in tables.pages(uri):
            number = page.number + 1
            fields = {"text": page.text, "title": page.title, "url": f"{_address(uri)}#{page.number}"}
            yield _row(Object(page.number, 1, fields | ({"license": page.license} if page.license else {})))
    except (OSError, ValueError, csv.Error) as error:
        yield Damage(number, 1, "table_error", str(error)[:300], _address(uri))


def is_cut(kind: Kind) -> bool:
    """Whether files of a kind are read in ranges; others are read as a whole."""
    return kind in OURS


def objects(uri: str, kind: Kind, start: int, stop: int, limit_bytes: int) -> Iterator[Object | Damage]:
    """Yield the objects of JSONL lines or Parquet rows that begin in the range, whatever their fields."""
    yield from (_lines if kind == "jsonl" else _rows)(uri, start, stop, limit_bytes)


def read_record(uri: str, kind: str, offset: int, length: int) -> bytes:
    """Return an item's original bytes: a record, a line, a page; a Parquet row as JSON; of other formats the file.

    Raises:
        BrokenError: The file is not there, or does not hold it any more.
    """
    if kind == "warc":
        return warc.read_record(uri, offset, length)
    if kind == "table":
        if text := next((page.text for page in tables.pages(uri) if page.number == offset), ""):
            return text.encode("utf-8", "surrogatepass")
        raise BrokenError(f"{uri} has no part {offset}", hint="is it the file that was read?")
    if kind == "parquet":
        with streams.opened(uri) as file:
            for index, row in _numbered(pq.ParquetFile(file), offset, offset + 1, None):
                if index == offset:
                    return json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
        raise BrokenError(
            f"{uri} has no row {offset}", hint="is it the file that was read? compare its sha256 in `sources`"
        )
    with streams.inflated(uri) as read_bytes:
        window = Window(read_bytes)
        if kind in OURS:
            window.skip(offset)
            return window.take(length)
        while window.ensure(len(window.buffer) + 1):
            pass
        return bytes(window.buffer)


def _lines(uri: str, start: int, stop: int, limit_bytes: int) -> Iterator[Object | Damage]:
    """Yield the lines that begin in the range; a line over the limit is skipped without being held."""
    broken = ""
    with streams.inflated(uri) as read_bytes:

        def guarded(size: int) -> bytes:
            nonlocal broken
            try:
                return read_bytes(size)
            except OSError as error:
                broken = str(error)
                return b""

        window = Window(guarded)
        window.skip(max(0, start - 1))
        if start:
            _skip_line(window)  # the line that the range before has
        while (window.position < stop or start == stop == 0) and window.ensure(1):
            offset = window.position
            line = _line(window, limit_bytes)
            length = window.position - offset
            if line is None:
                yield Damage(offset, length, "too_large", f"a line of {length} bytes, over the limit of {limit_bytes}")
            elif window.is_ended and not window.buffer and broken:
                yield Damage(offset, max(1, length), "corrupt_stream", broken)
                return
            else:
                yield _parsed(offset, length, line)
        if broken and window.is_ended and not window.buffer and window.position == start == 0:
            yield Damage(0, 1, "corrupt_stream", broken)


def _skip_line(window: Window) -> None:
    while window.ensure(1):
        end = window.buffer.find(b"\n")
        if end >= 0:
            window.skip(end + 1)
            return
        window.skip(len(window.buffer))


def _line(window: Window, limit_bytes: int) -> bytes | None:
    """Take the next line, its end included; or skip it and return None when it is over the limit."""
    searched = 0
    while True:
        end = window.buffer.find(b"\n", searched)
        if end >= 0:
            return window.take(end + 1)
        searched = len(window.buffer)
        if searched > limit_bytes:
            _skip_line(window)
            return None
        if not window.ensure(searched + 1):
            return window.take(searched)


def _parsed(offset: int, length: int, line: bytes) -> Object | Damage:
    stripped = line.removeprefix(b"\xef\xbb\xbf").strip()
    if not stripped:
        return Damage(offset, length, "blank_line", "")
    try:
        fields = outside.loads(stripped)
    except UnicodeDecodeError as error:
        return Damage(offset, length, "not_utf8", str(error))
    except ValueError as error:
        return Damage(offset, length, "not_json", str(error))
    if not isinstance(fields, dict):
        return Damage(offset, length, "not_an_object", f"a JSON {type(fields).__name__}")
    return Object(offset, length, cast("dict[str, Any]", fields))


def _row(found: Object) -> CorpusRow | Damage:
    """Find the text of an object, and where it came from."""
    offset, length, fields = found.offset, found.length, found.fields
    url = next(
        (value for key in ("url", "uri", "source_url", "link") if isinstance(value := fields.get(key), str) and value),
        "",
    )
    if not url and isinstance(meta := fields.get("meta") or fields.get("metadata"), dict):
        url = str(cast("dict[str, Any]", meta).get("url") or "")
    for key in HTML_FIELDS:
        if isinstance(value := fields.get(key), str) and value.strip():
            return CorpusRow(offset, length, url, value.encode("utf-8", "replace"), fields)
    for key in TEXT_FIELDS:
        if isinstance(value := fields.get(key), str) and value.strip():
            return CorpusRow(offset, length, url, None, {**fields, "text": value})
    if any(key in fields for key in (*TEXT_FIELDS, *HTML_FIELDS)):
        return Damage(offset, length, "no_text", "its text is null or empty", url)
    return Damage(
        offset,
        length,
        "no_text",
        f"none of {', '.join((*TEXT_FIELDS, *HTML_FIELDS))} among {', '.join(list(fields)[:20])}",
        url,
    )


def _rows(uri: str, start: int, stop: int, limit_bytes: int) -> Iterator[Object | Damage]:
    index = start
    try:
        with streams.opened(uri) as file:
            parquet = pq.ParquetFile(file)
            if start == 0 and (why := unpacking.bomb(parquet, _columns(parquet))):
                yield Damage(0, 1, "too_large", f"its rows are one bomb: {why}")
                return
            for index, row in _numbered(parquet, start, stop, _columns(parquet)):
                size = sum(len(value) for value in row.values() if isinstance(value, (str, bytes)))
                if size > limit_bytes:
                    yield Damage(index, 1, "too_large", f"a row of {size} characters, over the limit of {limit_bytes}")
                else:
                    yield Object(index, 1, row)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        yield Damage(index, max(1, stop - index), "corrupt_parquet", str(error).splitlines()[0][:300])


def _columns(parquet: pq.ParquetFile) -> list[str] | None:
    """Read only what a document is made of, where it is there."""
    names = parquet.schema_arrow.names
    has_text = any(name in names for name in (*TEXT_FIELDS, *HTML_FIELDS))
    return [name for name in names if name in _DOCUMENT_FIELDS] if has_text else None


def _numbered(
    parquet: pq.ParquetFile, start: int, stop: int, columns: list[str] | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    first = 0
    for group in range(parquet.num_row_groups):
        rows = parquet.metadata.row_group(group).num_rows
        if first + rows > start and first < stop:
            index = first
            for batch in unpacking.batches(parquet, group, columns):
                if index + batch.num_rows > start and index < stop:
                    for i, row in enumerate(unpacking.rows(batch), start=index):
                        if start <= i < stop:
                            yield i, row
                index += batch.num_rows
        first += rows


def _page(uri: str, kind: Kind, limit_bytes: int) -> Iterator[Item]:
    body = b""
    try:
        with streams.inflated(uri) as read_bytes:
            window = Window(read_bytes)
            is_over = window.ensure(limit_bytes + 1)
            body = bytes(window.buffer)
    except OSError as error:
        yield Damage(0, max(1, len(body)), "corrupt_stream", str(error), _address(uri))
        return
    if is_over:
        yield Damage(0, limit_bytes, "too_large", f"over the limit of {limit_bytes} bytes", _address(uri))
    elif not body.strip():
        yield Damage(0, 1, "no_text", "the file is empty", _address(uri))
    elif kind == "html":
        yield CorpusRow(0, len(body), _address(uri), body, {})
    else:
        yield CorpusRow(0, len(body), _address(uri), None, {"text": body.decode("utf-8", "replace")})


def _address(uri: str) -> str:
    return uri if "://" in uri else f"file://{uri}"
