"""Web archives: WARC, WET and ARC, in gzip members, one gzip, lz4, zstd, bzip2, xz or plain; every record, or why not.

FastWARC reads an intact archive fast, but at the first damaged record it stops, or goes on in silence (measured on
`adversarial/`: 6 of 14 whole pages before a corrupt member, and a truncated page delivered as whole). A corpus must not
end there, so the framing is ours: a record counts as whole only if its length leads to the next record or to the end,
its gzip member has the right checksum, and (where no checksum protects it) its block digest is right. After damage the
reader goes to the next member or `WARC/1.` line. FastWARC's codecs undo lz4, zstd and brotli (`streams.py`).

Offsets and lengths are bytes of the file as stored wherever a record can be cut out of it (a gzip member of its own, or
a plain file). In files that are compressed as a whole they are bytes of the inflated stream; `read_record` reads both.
"""

import base64
import hashlib
import io
import re
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import BinaryIO

from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.io.corpora import streams
from wellspring.tasks.io.corpora.archive_headers import (
    ANY_START,
    MAX_HEADER_BYTES,
    START_BYTES,
    WARC_START,
    Header,
    is_archive,
    read_header,
)
from wellspring.tasks.io.corpora.streams import GZIP_MAGIC, GzipMember, Window

BLANK_BYTES = 8  # two blank lines after a record, as CRLF, counted or not
SNIFF_LIMIT_BYTES = 2**20
MAX_MEMBERS = 4  # into which one record may be cut
MAX_SKIP_FACTOR = 64  # of the limit: how much of one over-long record is inflated to get past it

_GZIP_START = re.compile(re.escape(GZIP_MAGIC))


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record: `kind` is its WARC-Type (an ARC record is a response or a resource), `block` what it holds."""

    offset: int
    length: int
    kind: str
    url: str
    date: str | None
    headers: Mapping[str, str]
    block: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of the archive that is no whole record; `reason` is corrupt_gzip, truncated, wrong_length, ...

    It may stand for more than one item: `count` says for how many.
    """

    offset: int
    length: int
    reason: str
    detail: str
    url: str = ""
    count: int = 1


def records(uri: str, limit_bytes: int, start: int = 0, stop: int | None = None) -> Iterator[Record | Damage]:
    """Yield every record that begins in [start, stop), or what stands in its place.

    Ranges count bytes as stored, or of the inflated stream where the file is compressed as a whole (`is_stream`). Those
    that cover a file yield each of its records once, wherever their borders fall: a range begins with the first record
    that begins in it, and takes damage up to the next one. (A border inside a record that itself holds an uncompressed
    archive may be taken for a record's start; such archives are best read as one range.)

    Args:
        uri: A path or fsspec URI.
        limit_bytes: A record longer than this is a Damage `too_large`; memory stays within a few times this.
        start: First byte of the range.
        stop: End of the range; None is the end of the file.

    Raises:
        BrokenError: The file cannot be opened.
    """
    is_whole, magic = _form(uri)
    if is_whole:
        yield from _in_codec(uri, limit_bytes, start, stop)
        return
    with streams.opened(uri) as file:
        # The name counts where the first bytes are damaged.
        if magic.startswith(GZIP_MAGIC) or (uri.endswith(".gz") and not magic.startswith(b"WARC")):
            yield from _in_gzip(file, limit_bytes, start, stop)
        else:
            file.seek(max(0, start - 1))
            window = Window(file.read, max(0, start - 1))
            yield from _in_stream(window, limit_bytes, is_middle=start > 0, stop=stop)


def records_of(stored: bytes, limit_bytes: int) -> Iterator[Record | Damage]:
    """Yield the records of some bytes of an archive: gzip members, or as they are."""
    file = io.BytesIO(stored)
    if stored.startswith(GZIP_MAGIC):
        yield from _in_gzip(file, limit_bytes, 0, None)
    else:
        yield from _in_stream(Window(file.read), limit_bytes)


def is_stream(uri: str) -> bool:
    """Tell whether a file is compressed as a whole, so that its records are found by inflating from the start.

    That is lz4, zstd, bzip2, xz, and a gzip whose first member holds more than one record.
    """
    return _form(uri)[0]


def _form(uri: str) -> tuple[bool, bytes]:
    """Return whether a file is compressed as a whole, and its first bytes; looked at once for all its ranges."""
    state = streams.state(uri)
    return _known_form(uri, state) if state else _known_form.__wrapped__(uri, state)


@lru_cache(maxsize=64)
def _known_form(uri: str, _state: str) -> tuple[bool, bytes]:
    with streams.opened(uri) as file:
        magic = file.read(6)
        if streams.is_whole(magic) or not magic.startswith(GZIP_MAGIC):
            return streams.is_whole(magic), magic
        file.seek(0)
        window = Window(GzipMember(Window(file.read)).read)
        items = _in_stream(window, SNIFF_LIMIT_BYTES, max_skip_bytes=SNIFF_LIMIT_BYTES)
        return next(items, None) is not None and next(items, None) is not None, magic


def read_record(uri: str, offset: int, length: int) -> bytes:
    """Return the original record, inflated: headers and block, byte for byte as the crawler wrote them.

    Raises:
        BrokenError: The file is not there, or does not hold a record at that place any more.
    """
    with streams.opened(uri) as file:
        file.seek(offset)
        stored = file.read(length)
        file.seek(0)
        magic = file.read(6)
        is_compressed = magic.startswith(GZIP_MAGIC) or streams.is_whole(magic)
    if not is_compressed and len(stored) == length:
        return stored
    if is_compressed and (whole := inflated_members(stored)) is not None:
        return whole
    try:
        with streams.inflated(uri) as read:
            window = Window(read)
            window.skip(offset)
            found = window.take(length)
    except OSError as error:
        raise BrokenError(
            f"{uri} does not inflate up to byte {offset}: {error}", hint="is it the file that was read?"
        ) from error
    if len(found) != length:
        raise BrokenError(
            f"{uri} ends before byte {offset + length}",
            hint="is it the file that was read? compare its sha256 in `sources`",
        )
    return found


def inflated_members(stored: bytes) -> bytes | None:
    """Inflate bytes that are whole gzip members; None if they are not: their place is one of the inflated stream."""
    whole = b""
    while stored.rstrip(b"\0"):
        member = zlib.decompressobj(wbits=31)
        try:
            whole += member.decompress(stored)
        except zlib.error:
            return None
        if not member.eof:
            return None
        stored = member.unused_data
    return whole or None


def _in_codec(uri: str, limit_bytes: int, start: int, stop: int | None) -> Iterator[Record | Damage]:
    """Read a file that is compressed as a whole, by inflated offsets."""
    with streams.ranged(uri, start, stop) as window:
        for item in _in_stream(window, limit_bytes, is_middle=window.position < start, stop=stop):
            if isinstance(item, Damage) and item.reason == "truncated" and window.broken:
                yield replace(item, reason="corrupt_stream", detail=window.broken)
                return
            yield item
        if window.broken and (stop is None or window.position < stop):  # nothing was read of the record where it broke
            yield Damage(window.position, 1, "corrupt_stream", window.broken)


def _in_gzip(file: BinaryIO, limit_bytes: int, start: int, stop: int | None) -> Iterator[Record | Damage]:
    file.seek(start)
    raw = Window(file.read, start)
    if start and not _next_member(raw, stop):
        return
    inflated_bytes = 0
    while raw.ensure(1):
        origin = raw.position
        raw.ensure(len(GZIP_MAGIC))
        if not raw.buffer.startswith(GZIP_MAGIC):
            _next_member(raw)
            yield Damage(origin, raw.position - origin, "corrupt_gzip", "no gzip member where one should begin")
            continue
        if stop is not None and origin >= stop:
            return  # the next range begins here
        raw, inflated_bytes = yield from _in_member(file, raw, limit_bytes, inflated_bytes)
        while raw.ensure(1) and raw.buffer[0] == 0:
            raw.skip(1)  # some writers pad members with zeros


def _in_member(
    file: BinaryIO, raw: Window, limit_bytes: int, inflated_bytes: int
) -> Generator[Record | Damage, None, tuple[Window, int]]:
    """Yield what a member holds; return the window at the next one, and how far the inflated stream has come."""
    origin = raw.position
    member = GzipMember(raw)
    window = Window(member.read, inflated_bytes)
    held: Record | Damage | None = None
    count = 0
    for item in _in_stream(window, limit_bytes, max_skip_bytes=limit_bytes * MAX_SKIP_FACTOR):
        if held is not None:
            yield held
        held, count = item, count + 1
    if member.error or not window.is_ended:
        # Broken, or left unread (too large): go on at the next member, wherever the broken one claimed to end.
        file.seek(origin + 1)
        raw = Window(file.read, origin + 1)
        _next_member(raw)
        yield _broken_member(held, member.error, origin, raw.position - origin)
    elif held is not None and count == 1:
        joined = None
        if isinstance(held, Damage) and held.reason == "truncated":
            joined = _joined(file, origin, limit_bytes)
        if joined is not None:
            held, raw = joined
        yield replace(held, offset=origin, length=raw.position - origin)
    elif held is not None:
        yield held
    return raw, window.position


def _broken_member(held: Record | Damage | None, error: str, origin: int, length: int) -> Damage:
    if isinstance(held, Damage) and held.reason == "too_large":
        return replace(held, offset=origin, length=length)
    reason = "truncated" if "ends inside" in error else "corrupt_gzip"
    return Damage(origin, length, reason, error, held.url if held else "")


def _joined(file: BinaryIO, origin: int, limit_bytes: int) -> tuple[Record, Window] | None:
    """Try a record that its writer cut into several members: one that is whole if the members are read as one."""
    file.seek(origin)
    raw = Window(file.read, origin)
    whole = bytearray()
    for members in range(1, MAX_MEMBERS + 1):
        member = GzipMember(raw)
        while len(whole) <= limit_bytes and (piece := member.read(streams.READ_BYTES)):
            whole += piece
        if member.error or len(whole) > limit_bytes:
            return None
        source = io.BytesIO(whole)
        found = list(_in_stream(Window(source.read), limit_bytes)) if members > 1 else []
        if len(found) == 1 and isinstance(found[0], Record):
            return found[0], raw
        if not raw.ensure(4096) and not raw.buffer.startswith(GZIP_MAGIC):
            return None
    return None


def _is_member(raw: Window) -> bool:
    """Tell whether a gzip member that begins like an archive's record stands at the window's start."""
    raw.ensure(4096)
    if not raw.buffer.startswith(GZIP_MAGIC):
        return False
    try:
        beginning = zlib.decompressobj(wbits=31).decompress(bytes(raw.buffer[:4096]), 2048)
    except zlib.error:
        return False
    # A short or blank beginning is believed: the member itself will tell. Text that is no record's is not.
    return is_archive(beginning) or not beginning.strip() or raw.position == 0


def _next_member(raw: Window, stop: int | None = None) -> bool:
    while raw.skip_to(_GZIP_START, len(GZIP_MAGIC), stop):
        if _is_member(raw):
            return True
        raw.skip(1)
    return False


def _in_stream(
    window: Window,
    limit_bytes: int,
    *,
    is_middle: bool = False,
    stop: int | None = None,
    max_skip_bytes: int | None = None,
) -> Iterator[Record | Damage]:
    """Yield the records of an uncompressed stream, by its offsets."""
    if is_middle and not window.skip_to(WARC_START, START_BYTES, stop, begin=1):
        return
    pattern = WARC_START
    while _skip_blank(window):
        origin = window.position
        header = read_header(window)
        if isinstance(header, Header):
            pattern = header.start
            if stop is not None and origin >= stop:
                return
            if header.length > limit_bytes:
                yield _too_large(window, header, limit_bytes, max_skip_bytes)
                if max_skip_bytes is not None and not window.is_ended and _is_stuck(window, header):
                    return
                continue
            whole = _whole(window, header, limit_bytes)
            if whole is not None:
                yield whole
                continue
        yield _damage(window, header, pattern)


def _skip_blank(window: Window) -> bool:
    while window.ensure(1) and window.buffer[0] in b"\r\n":
        window.skip(1)
    return len(window.buffer) > 0


def _whole(window: Window, header: Header, limit_bytes: int) -> Record | None:
    """Return the record if its length leads to the next one or to the end, and move past it; else stay."""
    size = header.size + header.length
    window.ensure(size + 4 + 4096)
    if len(window.buffer) < size:
        return _whole_in_lf(window, header, limit_bytes)
    tail = window.peek(size, size + 4 + 4096)
    rest = tail.lstrip(b"\r\n")
    is_ended = tail.startswith(b"\n\n" if header.is_lf else b"\r\n\r\n") or ANY_START.match(rest) is not None
    is_last = not rest and len(tail) < 4 + 4096
    if not (is_ended or is_last):
        return _whole_in_lf(window, header, limit_bytes)
    record = _record(window, header, size)
    window.skip(size + len(tail) - len(rest))
    return record


def _whole_in_lf(window: Window, header: Header, limit_bytes: int) -> Record | None:
    """Try a record that went through a text tool: its length counts CRLFs that are LFs now, or characters (cc_net)."""
    if not header.is_lf:
        return None
    window.ensure(min(header.size + header.length, limit_bytes) + 4096)
    following = header.start.search(window.buffer, header.size)
    end = following.start() if following else len(window.buffer)
    block = bytes(window.buffer[header.size : end])
    if b"\r\n" in block:
        return None
    head = block.find(b"\n\n") if block.startswith(b"HTTP/") else 0
    counts = (
        len(block) + block.count(b"\n"),
        len(block) + block.count(b"\n", 0, head + 2),
        len(block.decode("utf-8", "replace")),
    )
    if not any(-BLANK_BYTES <= count - header.length <= BLANK_BYTES for count in counts):
        return None
    record = _record(window, header, end, block.rstrip(b"\n"))
    window.skip(end)
    return replace(record, headers={**record.headers, "warc-block-digest": ""})


def _record(window: Window, header: Header, size: int, block: bytes | None = None) -> Record:
    block = window.peek(header.size, size) if block is None else block
    return Record(window.position, size, header.kind, header.url, header.date, header.fields, block)


def _too_large(window: Window, header: Header, limit_bytes: int, max_skip_bytes: int | None) -> Damage:
    """Move past a record that is over the limit, or over its lie about its length, holding only a window of it."""
    origin = window.position
    window.skip(header.size - 1)
    end = origin + header.size + header.length
    stop = end if max_skip_bytes is None else min(end, window.position + max_skip_bytes)
    if window.skip_to(header.start, START_BYTES, stop, begin=1):
        return Damage(
            origin,
            window.position - origin,
            "wrong_length",
            f"Content-Length {header.length}, but a record begins before",
            header.url,
        )
    detail = f"{header.length} bytes, over the limit of {limit_bytes}"
    reason = "truncated" if window.is_ended and window.position < stop else "too_large"
    return Damage(origin, window.position - origin, reason, detail, header.url)


def _is_stuck(window: Window, header: Header) -> bool:
    """After a skip that gave up: what stands there is the middle of the record, not the next one."""
    tail = bytes(window.buffer[:64]).lstrip(b"\r\n")
    return not (window.ensure(64) and ANY_START.match(tail)) and header.length > 0


def _damage(window: Window, header: Header | str, pattern: re.Pattern[bytes]) -> Damage:
    """Move to the next record's start, and tell what lies between."""
    origin = window.position
    is_found = window.skip_to(pattern, START_BYTES if pattern is WARC_START else MAX_HEADER_BYTES, begin=1)
    length = window.position - origin
    if isinstance(header, str):
        return Damage(origin, length, "no_header", header)
    if not is_found and length < header.size + header.length:
        return Damage(
            origin, length, "truncated", f"{length} of {header.size + header.length} bytes are there", header.url
        )
    return Damage(
        origin, length, "wrong_length", f"Content-Length {header.length} does not lead to the next record", header.url
    )


def check_digest(record: Record) -> None:
    """Compare the block with its WARC-Block-Digest, where it has one that we can compute.

    Raises:
        Rejection: `wrong_digest`.
    """
    algorithm, _, digest = record.headers.get("warc-block-digest", "").partition(":")
    name = algorithm.lower().replace("-", "")
    if name not in {"sha1", "sha256", "md5"} or not digest:
        return
    found = hashlib.new(name, record.block, usedforsecurity=False)
    forms = {found.hexdigest(), base64.b32encode(found.digest()).decode().rstrip("=").lower()}
    is_base64 = digest.rstrip("=") == base64.b64encode(found.digest()).decode().rstrip("=")
    if not is_base64 and digest.rstrip("=").lower() not in forms:
        raise Rejection("wrong_digest", f"WARC-Block-Digest says {digest}")
