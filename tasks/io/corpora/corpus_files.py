"""What a team has: archives, JSONL, Parquet, folders of pages; found, named by their bytes, and read piece by piece.

What a file is, its first bytes say, not its name: it is of the first format that says so, of the profile's own and of
`tasks/io/formats` (`own_formats.py`), then of `OURS`. A file that is of none is one refusal. A corpus is a path, a
glob, a folder, any fsspec URI, or what stands for other files (`containers.py`). Each file of `OURS` can be read in
ranges that together give each of its items once: bytes as stored (archives), bytes of the inflated text (JSONL,
indexes, archives compressed as a whole) or rows (Parquet). Nothing here holds more than a few records.
"""

import csv
import hashlib
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.contracts import charsets, outside
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.plugins import FORMATS
from wellspring.tasks.io import files
from wellspring.tasks.io.corpora import archive_headers, cdx, containers, own_formats, streams, tables, unpacking, warc
from wellspring.tasks.io.corpora.own_formats import NONE, Own
from wellspring.tasks.io.corpora.streams import Window
from wellspring.tasks.io.corpora.warc import Damage, Record

Kind = str  # a name of `OURS`, or of a format
UNKNOWN = "unknown"

CACHE = "corpora.json"  # in a store's `indexes`
CACHE_REST = 50  # times as long as it took to write it
MOST_ALIKE = 1_000  # damages of a range, or lines and rows that are one again and again; more are one refusal
TEXT_FIELDS = ("text", "content", "raw_content", "markdown", "body", "article")
HTML_FIELDS = ("html", "raw_html")
_ABOUT_FIELDS = (
    "id url uri source_url link title author authors license meta metadata "
    "date publishing_date fetched_at crawl_date timestamp"
)
_DOCUMENT_FIELDS = frozenset({*TEXT_FIELDS, *HTML_FIELDS, *_ABOUT_FIELDS.split()})
_NOT_DATA = re.compile(
    r"(?:^|/)(?:[._][^/]*|[^/]*\.(?:lock|tmp|part|crc|txt\.sha256|yaml|yml|css|js|png|jpe?g|gif|svg|ico)"
    r"|dataset_infos?\.json|dataset_dict\.json|state\.json|cache-[^/]*\.arrow)$",
    re.IGNORECASE,
)
_HTML = re.compile(rb"<(?:!doctype|html|head|body|meta|title|div|p|h1|article|table|\?xml)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """A line of JSONL, a row of Parquet, or a page of a folder: named fields, and what its page is.

    Attributes:
        offset: Where it begins.
        length: How long it is.
        url: Where it came from; '' where nothing says so.
        body: The bytes of a page.
        declared: What they are said to be: `text/html` or `text/plain`.
        fields: What else stands beside them.
    """

    offset: int
    length: int
    url: str
    body: bytes
    declared: str
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


def expand(path: str, most: int = 0) -> list[str]:
    """Return the files of a path, glob, folder (walked, hidden and side files left out) or URI, in order.

    Args:
        path: Where they are; a container, a list or the name of a crawl stands for the files that it names.
        most: How many of them are wanted; 0 is all.

    Raises:
        BrokenError: There is nothing there.
    """
    return listed(path, most)[0]


def listed(path: str, most: int = 0) -> tuple[list[str], list[str]]:
    """Return what `expand` does, and the side files of a folder: styles, images, hidden files; both in order.

    Raises:
        BrokenError: There is nothing there.
    """
    if "::" in path:
        return [path], []
    found, aside = _found(path if Path(path).exists() else containers.crawl(path) or path)
    files, beside = list[str](), list[str]()
    for uri in found:
        held = containers.inside(uri)
        names = [uri] if held is None else [name for name in held if not _NOT_DATA.search(name.partition("::")[0])]
        files += names
        beside += [] if held is None else [name for name in held if name not in set(names)]
        if most and len(files) >= most:
            return files[:most], aside + beside
    if not files:
        raise BrokenError(f"{path} holds no file that could be read", hint="is it the right container, or list?")
    return files, aside + beside


def _found(path: str) -> tuple[list[str], list[str]]:
    """Return the files of a path as they lie there, and its side files."""
    aside: list[str] = []
    path = str(streams.place_of(path)) if "://" in path else path
    try:
        filesystem, inner = fsspec.url_to_fs(path)
        filesystem.invalidate_cache()  # a bucket's listing is kept for as long as the process lives
        filesystem.dircache.clear()  # also where the filesystem has no way of its own to do that
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
    """Name one file by its bytes, and learn its kind and extent: `looks` for one.

    Raises:
        BrokenError: It cannot be read.
    """
    (file,) = looks([uri], cache, own)
    return file


def looks(uris: Iterable[str], cache: Path | None = None, own: Own = NONE) -> Iterator[File]:
    """Name files by their bytes, and learn their kinds and extents.

    Each is read in full, once: what was found is kept in `cache` (a JSON file, by address, size and change time), so
    that a second run does not read a corpus again to learn that there is nothing to do. The cache is written when all
    were looked at or one failed, and between as often as it takes a fiftieth of the time.

    Raises:
        BrokenError: One cannot be read.
    """
    known: dict[str, File] = (files.read_json(cache, dict[str, File]) if cache is not None else None) or {}
    named = f"|{own.versions}" if own.names else ""
    new, due = 0, 0.0
    try:
        for uri in uris:
            key = streams.state(uri)
            file = known.get(key + named)
            if file is None:
                file = _looked_at(uri, own)
                if key:
                    known[key + named] = file
                    new += 1
            if new and time.monotonic() > due:
                new, due = 0, time.monotonic() + CACHE_REST * _keep(known, cache)
            yield file
    finally:
        if new:
            _keep(known, cache)


def _keep(known: Mapping[str, File], cache: Path | None) -> float:
    """Write down what is known of files, and return how many seconds that took."""
    started = time.monotonic()
    if cache is not None:
        files.write_json(cache, {name: asdict(one) for name, one in known.items()})
    return time.monotonic() - started


def standing(place: str) -> list[str]:
    """Return address, size and change time of each file of a place, as they lie there: a container is not opened.

    Raises:
        BrokenError: There is nothing there, or it cannot be looked at.
    """
    found, _ = _found(place if Path(place).exists() else containers.crawl(place) or place)
    return [streams.state(uri) or _of_the_web(uri) for uri in found]


def _of_the_web(uri: str) -> str:
    """Return what a web server tells of a file that names no digest of it."""
    try:
        filesystem, inner = fsspec.url_to_fs(uri)
        about = filesystem.info(inner)
    except (OSError, ImportError, ValueError):
        return uri
    return f"{uri}|{about.get('size')}|{about.get('Last-Modified')}"


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
    kind = kind_of(uri, own) if size else UNKNOWN
    return File(uri, kind, digest, size, _extent(uri, kind, size, own))


def kind_of(uri: str, own: Own = NONE) -> Kind:
    """Return the format of a file: a name, or `UNKNOWN`.

    Raises:
        BrokenError: It cannot be opened.
    """
    name, start = uri.partition("::")[0], own_formats.beginning(uri)
    with streams.opened(uri) as file:
        magic = file.read(len(_PARQUET))
    if name.endswith(tables.ENDING):  # a card is JSON, too
        return "table"
    if found := own.of(name, start):
        return found
    return next((kind for kind, is_this in _TESTS if is_this(name.lower(), magic, start)), UNKNOWN)


def unknown(uri: str) -> str:
    """Say of a file of no format what it begins with, and what could be read."""
    start = own_formats.beginning(uri)
    if not start.strip():
        return "the file is empty"
    return f"it is nothing that we know: it begins with {start[:24]!r}"


def _is_json(name: str, start: bytes) -> bool:
    is_named = re.search(r"\.(jsonl|ndjson)(\.\w+)?$", name) is not None
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or is_named


_PARQUET = b"PAR1"
_BINARY = re.compile(rb"\0|^(?:PK\x03\x04|\x89PNG|GIF8|\xff\xd8\xff|%PDF)")
_TEXTS = r"\.(txt|text|md|markdown|rst|html?\.md)(\.\w+)?$"
# In the order in which they are looked for: by the name, the first bytes as stored, and as inflated.
_TESTS: tuple[tuple[Kind, Callable[[str, bytes, bytes], bool]], ...] = (
    ("table", lambda name, _, __: name.endswith(tables.ENDING)),
    ("parquet", lambda _, magic, __: magic == _PARQUET),
    ("warc", lambda name, _, start: bool(archive_headers.is_archive(start) or re.search(r"\.w?arc(\.\w+)*$", name))),
    ("cdx", lambda _, __, start: cdx.is_index(start)),
    ("jsonl", lambda name, _, start: _is_json(name, start)),
    ("parquet", lambda name, _, __: name.endswith(".parquet")),
    ("text", lambda name, _, start: bool(start.strip() and re.search(_TEXTS, name)) and not _is_binary(start)),
    ("html", lambda name, _, start: _is_html(name, start) and not _is_binary(start)),
)
OURS = dict(_TESTS)
_PAGES = frozenset({"html", "text"})


def _is_html(name: str, start: bytes) -> bool:
    return bool(start.strip() and (_HTML.search(start) or re.search(r"\.(x?html?)(\.\w+)?$", name)))


def _is_binary(start: bytes) -> bool:
    """Tell bytes that are no text; those of UTF-16 have NULs, too."""
    return _BINARY.search(start) is not None and not charsets.decode(start[:1024])[1].startswith("utf-16")


def _extent(uri: str, kind: Kind, size: int, own: Own) -> int:
    if kind == "table":
        return 1  # read as a whole
    if kind not in OURS and (kind == UNKNOWN or not own.begin(kind)):
        return max(1, size)
    if kind == "parquet":
        try:
            with streams.opened(uri) as file:
                parquet = pq.ParquetFile(file)
                return 1 if unpacking.bomb(parquet, _columns(parquet)) else parquet.metadata.num_rows
        except (pa.ArrowException, OSError):
            return 1  # no footer, no rows: one rejection
    if (kind == "warc" and not warc.is_stream(uri)) or kind in _PAGES:
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

    What is not cut (`is_cut`) is one range, whatever the range says. `MOST_ALIKE` damages of a range are items; those
    that come after them are one, which counts them.
    """
    told, more, first, end = 0, Counter[str](), 0, 0
    for item in _items(uri, kind, start, stop, limit_bytes, own):
        if not isinstance(item, Damage) or told < MOST_ALIKE:
            told += isinstance(item, Damage)
            yield item
        else:
            first = first if more else item.offset
            more[item.reason] += item.count
            end = item.offset + item.length
    if more:
        said = ", ".join(f"{count} {reason}" for reason, count in more.most_common())
        yield Damage(first, max(1, end - first), "too_many", f"more that are no items: {said}")


def _items(uri: str, kind: Kind, start: int, stop: int, limit_bytes: int, own: Own) -> Iterator[Item]:
    if kind == UNKNOWN:
        yield Damage(0, 1, "unknown_format", unknown(uri), _address(uri))
    elif kind not in OURS:
        yield from _of_format(uri, kind, start, stop, limit_bytes, own)
    elif kind == "table":
        yield from _of_table(uri)
    elif kind == "warc":
        yield from warc.records(uri, limit_bytes, start, stop)
    elif kind == "cdx":
        yield from _captures(uri, start, stop, limit_bytes)
    elif kind in {"jsonl", "parquet"}:
        for item in objects(uri, kind, start, stop, limit_bytes):
            yield item if isinstance(item, Damage) else _row(item)
    else:
        yield from _page(uri, kind, limit_bytes)


def _of_format(uri: str, kind: Kind, start: int, stop: int, limit_bytes: int, own: Own) -> Iterator[Item]:
    for found in own.records(kind, uri, start, stop, limit_bytes):
        if isinstance(found.fields, Rejection):
            yield Damage(found.offset, found.length, found.fields.reason, found.fields.detail, _address(uri))
        else:
            part = found.fields.get("fragment") or found.offset
            told = {key: value for key, value in found.fields.items() if key != "url" or value}
            yield _row(Object(found.offset, found.length, {"url": f"{_address(uri)}#{part}", **told}))


def _of_table(uri: str) -> Iterator[Item]:
    number = 0
    try:
        for page in tables.pages(uri):
            number = page.number + 1
            fields = {"text": page.text, "title": page.title, "url": f"{_address(uri)}#{page.number}"}
            yield _row(Object(page.number, 1, fields | ({"license": page.license} if page.license else {})))
    except (OSError, ValueError, csv.Error) as error:
        yield Damage(number, 1, "table_error", str(error)[:300], _address(uri))


def _captures(uri: str, start: int, stop: int, limit_bytes: int) -> Iterator[Item]:
    """Yield the records that the lines of an index name."""
    legend = own_formats.beginning(uri).partition(b"\n")[0].decode("utf-8", "replace")
    for offset, length, line in lines(uri, start, stop, limit_bytes):
        if isinstance(line, int):
            yield Damage(offset, length, "repeated_line", f"{line} more of the line before", count=line)
        elif isinstance(line, Rejection):
            yield Damage(offset, length, line.reason, line.detail)
        elif line.strip() and not (offset == 0 and "CDX" in legend):
            try:
                yield cdx.item(cdx.capture(uri, line, legend), offset, length, limit_bytes)
            except Rejection as refusal:
                yield Damage(offset, length, refusal.reason, refusal.detail)


def is_cut(kind: Kind, own: Own = NONE) -> bool:
    """Whether files of a kind are read in ranges; others are read as a whole."""
    return (kind in OURS and kind not in _PAGES) or (kind not in {*OURS, UNKNOWN} and own.begin(kind) is not None)


def objects(uri: str, kind: Kind, start: int, stop: int, limit_bytes: int) -> Iterator[Object | Damage]:
    """Yield the objects of JSONL lines or Parquet rows that begin in the range, whatever their fields."""
    if kind != "jsonl":
        yield from _rows(uri, start, stop, limit_bytes)
        return
    for offset, length, line in lines(uri, start, stop, limit_bytes):
        if isinstance(line, int):
            yield Damage(offset, length, "repeated_line", f"{line} more of the line before", count=line)
        elif isinstance(line, Rejection):
            yield Damage(offset, length, line.reason, line.detail)
        else:
            yield _parsed(offset, length, line)


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
    if kind == "cdx":
        return _captured(uri, offset, length)
    if kind == "parquet":
        for first, batch in _batches(uri, offset, is_whole=True):
            if found := unpacking.rows(batch.slice(max(0, offset - first), 1)):
                return json.dumps(found[0], ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
        raise BrokenError(
            f"{uri} has no row {offset}", hint="is it the file that was read? compare its sha256 in `sources`"
        )
    with streams.inflated(uri) as read_bytes:
        window = Window(read_bytes)
        if kind in OURS or (FORMATS.find(kind) and NONE.is_placed(kind)):
            window.skip(offset)
            return window.take(length)
        while window.ensure(len(window.buffer) + 1):
            pass
        return bytes(window.buffer)


def _captured(uri: str, offset: int, length: int) -> bytes:
    """Fetch the record that a line of an index names, and inflate it."""
    with streams.inflated(uri) as read_bytes:
        window = Window(read_bytes)
        window.skip(offset)
        line = window.take(length)
    legend = own_formats.beginning(uri).partition(b"\n")[0].decode("utf-8", "replace")
    try:
        found = cdx.capture(uri, line, legend)
        stored = cdx.fetched(found, found.length)
        return warc.inflated_members(stored) or stored
    except Rejection as refusal:
        raise BrokenError(f"{uri}: {refusal.detail}", hint="is the archive where it was?") from refusal


def lines(uri: str, start: int, stop: int, limit_bytes: int) -> Iterator[tuple[int, int, bytes | Rejection | int]]:
    """Yield where the lines are that begin in the range, and each; one over the limit is skipped without being held.

    Of a line that comes again and again, `MOST_ALIKE` are given one by one, and of the others how many there are.
    """
    with streams.ranged(uri, start, stop) as window:
        if window.position < start:
            _skip_line(window, stop)  # the line that the range before has
        before, alike = b"", 0
        while (window.position < stop or start == stop == 0) and window.ensure(1):
            offset = window.position
            if alike == MOST_ALIKE and (count := _skip_alike(window, before, stop)):
                yield offset, window.position - offset, count
                continue
            line = _line(window, limit_bytes)
            length = window.position - offset
            before, alike = line or b"", alike + 1 if line == before else 1
            if line is None:
                why = f"a line of {length} bytes, over the limit of {limit_bytes}"
                yield offset, length, Rejection("too_large", why)
            elif window.is_ended and not window.buffer and window.broken:
                yield offset, max(1, length), Rejection("corrupt_stream", window.broken)
                return
            else:
                yield offset, length, line
        if window.broken and window.is_ended and not window.buffer and window.position == start == 0:
            yield 0, 1, Rejection("corrupt_stream", window.broken)


def _skip_alike(window: Window, line: bytes, stop: int) -> int:
    """Skip the lines from here on that are this line again, as far as they begin before `stop`; return how many."""
    count, many = 0, max(1, streams.READ_BYTES // len(line))
    block = line * many
    while window.position < stop:
        left = -(-(stop - window.position) // len(line))
        if left >= many and window.ensure(len(block)) and window.buffer.startswith(block):
            step = many
        elif window.ensure(len(line)) and window.buffer.startswith(line):
            step = 1
        else:
            break
        window.skip(step * len(line))
        count += step
    return count


def _skip_line(window: Window, stop: int | None = None) -> None:
    """Skip what is left of a line, or so much of it that no line begins before `stop`."""
    while (stop is None or window.position < stop) and window.ensure(1):
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
        if end >= 0 and end <= limit_bytes:
            return window.take(end + 1)
        if end >= 0:
            window.skip(end + 1)
            return None
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
    for declared, keys in (("text/html", HTML_FIELDS), ("text/plain", TEXT_FIELDS)):
        for key in keys:
            value = fields.get(key)
            body = value.encode("utf-8", "replace") if isinstance(value, str) else value
            if isinstance(body, bytes) and body.strip():
                return CorpusRow(offset, length, url, body, declared, fields)
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
        if start == 0:
            with streams.opened(uri) as file:
                parquet = pq.ParquetFile(file)
                if why := unpacking.bomb(parquet, _columns(parquet)):
                    yield Damage(0, 1, "too_large", f"its rows are one bomb: {why}")
                    return
        for index, batch in _ranged(uri, start, stop):
            if isinstance(batch, int):
                yield Damage(index, batch, "repeated_row", f"{batch} more of the row before", count=batch)
                continue
            for i, row in enumerate(unpacking.rows(batch), start=index):
                size = sum(len(value) for value in row.values() if isinstance(value, (str, bytes)))
                if size > limit_bytes:
                    yield Damage(i, 1, "too_large", f"a row of {size} characters, over the limit of {limit_bytes}")
                else:
                    yield Object(i, 1, row)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        yield Damage(index, max(1, stop - index), "corrupt_parquet", str(error).splitlines()[0][:300])


class _Left(threading.local):
    """Where this thread ended in a Parquet file, and what comes from there on."""

    last: tuple[str, int, Iterator[tuple[int, pa.RecordBatch]]] | None = None


_left = _Left()


def _ranged(uri: str, start: int, stop: int) -> Iterator[tuple[int, pa.RecordBatch | int]]:
    """Yield the rows of a range, a few at a time, each with the number of the first; of one row again, how many.

    A thread that read the range before goes on where that ended: a row group is unpacked once, and not for each range.
    """
    now, (known, at, batches) = streams.state(uri), _left.last or ("", 0, iter(()))
    _left.last = None
    if known != now or not 0 < at <= start:
        batches = _batches(uri, start)
    before, alike = None, 0
    for first, batch in batches:
        begin, end = max(start, first), min(stop, first + batch.num_rows)
        if begin < end:
            rows = batch.slice(begin - first, end - begin)
            is_alike = unpacking.is_one(rows, before)
            if is_alike and alike >= MOST_ALIKE:
                yield begin, len(rows)
            else:
                yield begin, rows
            before, alike = rows.slice(len(rows) - 1), alike + len(rows) if is_alike else 0
        if first + batch.num_rows >= stop:
            _left.last = (now, stop, itertools.chain([(first, batch)], batches)) if now else None
            return


def _batches(uri: str, start: int, *, is_whole: bool = False) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the rows from the row group on that holds this one, a few at a time, each with the number of the first."""
    with streams.opened(uri) as file:
        parquet, index = pq.ParquetFile(file), 0
        for group in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            if index + rows <= start:
                index += rows
                continue
            for batch in unpacking.batches(parquet, group, None if is_whole else _columns(parquet)):
                if index + batch.num_rows > start:
                    yield index, batch
                index += batch.num_rows


def _columns(parquet: pq.ParquetFile) -> list[str] | None:
    """Read only what a document is made of, where it is there."""
    names = parquet.schema_arrow.names
    has_text = any(name in names for name in (*TEXT_FIELDS, *HTML_FIELDS))
    return [name for name in names if name in _DOCUMENT_FIELDS] if has_text else None


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
    else:
        declared = "text/html" if kind == "html" else "text/plain"
        yield CorpusRow(0, len(body), _address(uri), body, declared, {})


def _address(uri: str) -> str:
    """Return an address that people can open: of a file in a container the container's, and its name there."""
    inner, _, outer = uri.partition("::")
    if outer:
        return f"{_address(outer)}#{inner.partition('://')[2]}"
    return uri if "://" in uri else f"file://{uri}"
