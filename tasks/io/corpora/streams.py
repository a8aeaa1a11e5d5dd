"""Bytes from anywhere, a bounded piece at a time: files and URIs (fsspec), compressions, and a window over a stream.

The door of fsspec and of FastWARC's codecs. Nothing here holds more than a window of a stream, and nothing inflates
past the limit it was given: that is what makes a bomb one rejection.
"""

import bz2
import io
import lzma
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import fsspec
import zstandard
from fastwarc import stream_io

if TYPE_CHECKING:
    import zlib
else:
    try:  # twice as fast, and the same interface; where it is not installed the standard library does
        from isal import isal_zlib as zlib
    except ImportError:
        import zlib

from wellspring.tasks.contracts.errors import BrokenError, Rejection

READ_BYTES = 2**18
AHEAD_BYTES = 2**20  # of a file on a server, beyond what is asked for
Place = Path | str  # on this machine, or an address that fsspec opens
_HUB_DATASET = re.compile(r"^hf://(?!(?:datasets|models|spaces|buckets)/)")  # a dataset, if it does not say what it is
GZIP_MAGIC = b"\x1f\x8b\x08"
LZ4_MAGIC = b"\x04\x22\x4d\x18"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_DICTIONARY = b"\x5d\x2a\x4d\x18"  # of a WARC-zstd: a frame that others skip
_ZSTD_SKIPPED = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
MOST_DICTIONARY = 2**26
ZSTD_PIECE = 2**11  # of a file: a block of 4 bytes may stand for 128 KiB
KEPT_BYTES = 2**25  # behind a range's end, for the next one: more than a record may have


class Window:
    """A sliding view of a stream: `buffer[0]` is the byte at `position`."""

    def __init__(self, read: Callable[[int], bytes], position: int = 0) -> None:
        self._read = read
        self.position = position
        self.buffer = bytearray()
        self.is_ended = False

    def ensure(self, size: int) -> bool:
        """Fill the buffer to `size` bytes; False when the stream ends before."""
        while len(self.buffer) < size and not self.is_ended:
            piece = self._read(max(READ_BYTES, size - len(self.buffer)))
            self.buffer += piece
            self.is_ended = not piece
        return len(self.buffer) >= size

    def skip(self, size: int) -> int:
        """Move on by `size` bytes, or to the end; return how many there were."""
        start = self.position
        while size > 0 and self.ensure(1):
            step = min(size, len(self.buffer))
            self.pass_by(step)
            size -= step
        return self.position - start

    def pass_by(self, size: int) -> None:
        """Drop bytes of the buffer."""
        del self.buffer[:size]
        self.position += size

    def skip_to(self, pattern: re.Pattern[bytes], overlap: int, stop: int | None = None, begin: int = 0) -> bool:
        """Move on to the next match that starts before `stop`; else to the end (or to `stop`), and return False.

        `overlap` is the longest match, which may lie across two pieces; a byte before it stays in view for lookbehinds.
        `begin` bytes of the buffer are not searched (but seen by a lookbehind).
        """
        while True:
            match = pattern.search(self.buffer, begin)
            if match and (self.is_ended or len(self.buffer) - match.start() >= overlap):
                if stop is not None and self.position + match.start() >= stop:
                    self.skip(stop - self.position)
                    return False
                self.skip(match.start())
                return True
            # None, or one at the very end that may be part of a longer one: look again with more in view.
            kept = match.start() if match else max(begin, len(self.buffer) - overlap)
            if stop is not None and self.position + kept >= stop:
                self.skip(stop - self.position)
                return False
            self.skip(max(0, kept - 1))
            begin = min(kept, 1)
            if not self.ensure(len(self.buffer) + 1) and not pattern.search(self.buffer, begin):
                self.skip(len(self.buffer))
                return False

    def peek(self, start: int, stop: int) -> bytes:
        """Return bytes of the buffer, copied once."""
        with memoryview(self.buffer) as view:
            return bytes(view[start:stop])

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes (fewer at the end) and move past them."""
        self.ensure(size)
        taken = self.peek(0, size)
        self.skip(len(taken))
        return taken


class Range(Window):
    """A view of a file's inflated bytes, which ends where they break; what lies behind its `mark` is kept.

    Attributes:
        broken: How they broke, if they did.
        mark: From which byte on they are kept when they are passed, for the range after this one.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(self._sound)
        self._files = ExitStack()
        self._inflated = self._files.enter_context(inflated(uri))
        self._kept = bytearray()
        self.broken = ""
        self.mark: int | None = None

    def _sound(self, size: int) -> bytes:
        try:
            return self._inflated(size)
        except (OSError, EOFError, ValueError) as error:
            self.broken = str(error)
            return b""

    def pass_by(self, size: int) -> None:
        """Drop bytes, but for those behind the mark."""
        if self.mark is not None and self.position + size > self.mark and len(self._kept) <= KEPT_BYTES:
            self._kept += self.buffer[max(0, self.mark - self.position) : size]
        super().pass_by(size)

    def go_on(self, start: int) -> bool:
        """Move to the byte before `start`, or to the first record behind it, where the range before has read too far.

        Returns:
            False where these bytes are gone.
        """
        ended = self.mark
        if ended is not None and self.position > ended and len(self._kept) <= KEPT_BYTES:
            self.position -= len(self._kept)
            self.buffer[:0] = self._kept
        if not (self.position < start or (ended is not None and ended < start <= self.position)):
            return False
        self._kept, self.mark = bytearray(), None
        self.skip(max(0, start - 1 - self.position))
        return True

    def is_over(self, stop: int) -> bool:
        """Whether nothing comes behind a range."""
        return bool(self.broken) or (self.is_ended and self.position + len(self.buffer) <= stop)

    def close(self) -> None:
        """Close the file."""
        self._files.close()

    def __del__(self) -> None:
        """Close the file of a range that no other one followed."""
        self.close()


class GzipMember:
    """One member of a gzip file, read through the window of the file; `error` says how it broke, if it did."""

    def __init__(self, raw: Window) -> None:
        self._raw = raw
        self._inflate = zlib.decompressobj(wbits=31)
        self._has_output = False
        self.error = ""

    def read(self, size: int) -> bytes:
        """Return up to about `size` inflated bytes; b"" at the end of the member and where it broke."""
        while not self._inflate.eof and not self.error:
            if not self._raw.ensure(1):
                self.error = "the file ends inside a gzip member"
                break
            piece = self._raw.peek(0, READ_BYTES)
            try:
                out = self._inflate.decompress(piece, size)
            except zlib.error as error:
                self.error = str(error)
                return b"" if self._has_output else _beginning(piece)[:size]
            # At the end zlib may report the same leftover as unconsumed and as unused.
            left = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            self._raw.skip(len(piece) - len(left))
            if out:
                self._has_output = True
                return out
        return b""


def _beginning(broken: bytes) -> bytes:
    """Inflate what comes before the break, so that a damaged record can still be named."""
    inflate = zlib.decompressobj(wbits=31)
    out = b""
    for i in range(0, len(broken), 64):
        try:
            out += inflate.decompress(broken[i : i + 64], READ_BYTES)
        except zlib.error:
            break
    return out


def place_of(text: str) -> Place:
    """Return a path, or an address: of a dataset of the Hub as the library writes it (`hf://datasets/ORG/NAME/FILE`)."""
    return _HUB_DATASET.sub("hf://datasets/", text) if "://" in text else Path(text)


@contextmanager
def stored(place: Place) -> Iterator[BinaryIO]:
    """Open the file of a place as it is stored.

    Raises:
        OSError: A path cannot be read.
        BrokenError: An address cannot be read.
    """
    with place.open("rb") if isinstance(place, Path) else opened(place) as file:
        yield file if isinstance(place, Path) else io.BufferedReader(cast("io.RawIOBase", file), READ_BYTES)


@contextmanager
def opened(uri: str) -> Iterator[BinaryIO]:
    """Open a path or any fsspec URI for reading; credentials come from the environment, as each filesystem reads them.

    Raises:
        BrokenError: It is not there, may not be read, or not in ranges; the message names it.
    """
    try:
        filesystem, inner = fsspec.url_to_fs(uri)
        with filesystem.open(inner, "rb", block_size=AHEAD_BYTES) as file:
            if getattr(file, "size", 0) is None:  # a stream that cannot go back
                raise BrokenError(
                    f"cannot read {uri} in ranges: its server sends whole files only",
                    hint="download it, and give its path",
                )
            yield cast("BinaryIO", file)
    except (FileNotFoundError, IsADirectoryError, PermissionError, ImportError) as error:
        raise BrokenError(
            f"cannot read {uri}: {error}",
            hint="check the path; a URI may need its package (s3fs, gcsfs) and credentials",
        ) from error


def fetched(uri: str, offset: int, length: int) -> bytes:
    """Return some bytes of a file, by one request where it is on a server; what its filesystem raises passes."""
    filesystem, inner = fsspec.url_to_fs(uri)
    return filesystem.cat_file(inner, start=offset, end=offset + length)


@contextmanager
def inflated(uri: str) -> Iterator[Callable[[int], bytes]]:
    """Open a file as its uncompressed bytes, by its first bytes and not by its name: gzip, zstd, lz4, bzip2, xz, plain.

    The reader returns at most about as much as it is asked for. It raises OSError where the compression is broken.
    """
    with opened(uri) as file:
        magic = file.read(6)
        file.seek(0)
        codec = _codec(magic)
        yield codec(file) if codec else file.read


class _Left(threading.local):
    """The range that this thread read last, and the state of its file; none where it was the last one of it."""

    last: tuple[str, Range] | None = None


_left = _Left()


@contextmanager
def ranged(uri: str, start: int, stop: int | None) -> Iterator[Range]:
    """Open a range of a file's inflated bytes: a view at the byte before `start`, or at the first record behind it.

    A thread that read the range before goes on where that ended. So ranges in their order cost one pass over the file,
    and not one each from its beginning.
    """
    now, (known, found) = state(uri), _left.last or ("", None)
    _left.last = None
    if found is None or not start or known != now or not found.go_on(start):
        if found is not None:
            found.close()
        found = Range(uri)
        found.skip(max(0, start - 1))
    found.mark = stop - 1 if stop else None
    yield found
    if now and stop and not found.is_over(stop):
        _left.last = now, found
    else:
        found.close()


def state(uri: str) -> str:
    """Address, size and change time of a file, as its filesystem tells them; empty where it tells none."""
    try:
        filesystem, inner = fsspec.url_to_fs(uri.rpartition("::")[2])
        about = filesystem.info(inner)
    except (OSError, ImportError, ValueError):
        return ""
    changed = next((about[key] for key in ("mtime", "ETag", "etag", "LastModified", "updated") if about.get(key)), None)
    return f"{uri}|{about.get('size')}|{changed}" if changed else ""


def is_whole(magic: bytes) -> bool:
    """Tell by its first six bytes whether a file is compressed as a whole, by a codec other than gzip."""
    return _codec(magic) not in {None, _gunzipped}


def _codec(magic: bytes) -> Callable[[BinaryIO], Callable[[int], bytes]] | None:
    if magic.startswith(GZIP_MAGIC):
        return _gunzipped
    if magic.startswith(ZSTD_MAGIC) or _ZSTD_SKIPPED.match(magic):
        return _unzstd
    if magic.startswith(LZ4_MAGIC):
        return lambda file: cast("BinaryIO", stream_io.Lz4Reader(file)).read
    if magic.startswith(b"BZh"):
        return lambda file: _sound(bz2.BZ2File(file).read1)
    return (lambda file: _sound(lzma.LZMAFile(file).read1)) if magic == b"\xfd7zXZ\x00" else None


def _sound(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Say in one way that a stream is broken."""

    def sound(size: int) -> bytes:
        try:
            return read(size)
        except (EOFError, ValueError, lzma.LZMAError, zstandard.ZstdError) as error:
            raise OSError(str(error)) from error

    return sound


def _unzstd(file: BinaryIO) -> Callable[[int], bytes]:
    """Return a reader of frames, with the dictionary that stands before them in a WARC-zstd."""
    raw, known, frame = Window(file.read), None, None
    if raw.ensure(8) and raw.buffer.startswith(_ZSTD_DICTIONARY):
        known = _dictionary(_skippable(raw))
    inflate = zstandard.ZstdDecompressor(dict_data=known)

    def read(_: int) -> bytes:
        nonlocal frame
        while True:
            while frame is None and raw.ensure(4) and _ZSTD_SKIPPED.match(raw.buffer):
                _skippable(raw)
            if not raw.ensure(1):
                if frame is None:
                    return b""
                raise OSError("the file ends inside a zstd frame")
            frame = frame or inflate.decompressobj()
            piece = raw.peek(0, ZSTD_PIECE)
            out = frame.decompress(piece)
            raw.skip(len(piece) - (len(frame.unused_data) if frame.eof else 0))
            frame = None if frame.eof else frame
            if out:
                return out

    return _sound(read)


def _skippable(raw: Window) -> bytes:
    size = int.from_bytes(raw.take(8)[4:], "little")
    said = raw.take(size) if size <= MOST_DICTIONARY else b""
    if len(said) < size and raw.skip(size - len(said)) < size - len(said):
        raise OSError("the file ends inside a zstd frame")
    return said


def _dictionary(said: bytes) -> zstandard.ZstdCompressionDict:
    if said.startswith(ZSTD_MAGIC):
        said = zstandard.ZstdDecompressor().decompress(said, max_output_size=MOST_DICTIONARY)
    return zstandard.ZstdCompressionDict(said)


def _gunzipped(file: BinaryIO) -> Callable[[int], bytes]:
    raw = Window(file.read)
    member = GzipMember(raw)

    def read(size: int) -> bytes:
        nonlocal member
        while True:
            out = member.read(size)
            if member.error:
                raise OSError(member.error)
            if out:
                return out
            if not raw.ensure(len(GZIP_MAGIC)) or not raw.buffer.startswith(GZIP_MAGIC):
                return b""
            member = GzipMember(raw)

    return read


def decoded(body: bytes, coding: str, limit_bytes: int) -> bytes:
    """Undo one content or transfer coding of a body: gzip, deflate, br, zstd, chunked.

    A body that is not in the coding its header claims comes back as it is: archives store decoded bodies under the
    server's headers more often than not.

    Raises:
        Rejection: `too_large`, it inflates past the limit; `corrupt_encoding`, it breaks on the way.
    """
    if coding == "chunked":
        return _dechunked(body)
    if coding in {"gzip", "x-gzip"}:
        if not body.startswith(GZIP_MAGIC):
            return body
        readers: list[Callable[[BinaryIO], Callable[[int], bytes]]] = [_zlib_reader(31)]
    elif coding == "deflate":
        readers = [_zlib_reader(15), _zlib_reader(-15)]
    elif coding == "br":
        readers = [lambda file: cast("BinaryIO", stream_io.BrotliReader(file)).read]
    elif coding == "zstd" and body.startswith(ZSTD_MAGIC):
        readers = [_unzstd]
    else:
        return body
    return _first_that_reads(body, coding, readers, limit_bytes)


def _first_that_reads(
    body: bytes, coding: str, readers: list[Callable[[BinaryIO], Callable[[int], bytes]]], limit_bytes: int
) -> bytes:
    broken = ""
    for reader in readers:
        try:
            return _bounded(reader(io.BytesIO(body)), limit_bytes)
        except (OSError, zlib.error) as error:
            broken = str(error)
    # gzip has a magic number, so this one is really broken; the others have none, and a readable body is a plain one.
    if coding in {"gzip", "x-gzip", "zstd"} or b"<" not in body[:4096]:
        raise Rejection("corrupt_encoding", f"Content-Encoding {coding}: {broken}")
    return body


def _bounded(read: Callable[[int], bytes], limit_bytes: int) -> bytes:
    out = bytearray()
    while piece := read(min(READ_BYTES, limit_bytes + 1 - len(out))):
        out += piece
        if len(out) > limit_bytes:
            raise Rejection("too_large", f"inflates past {limit_bytes} bytes")
    return bytes(out)


def _zlib_reader(wbits: int) -> Callable[[BinaryIO], Callable[[int], bytes]]:
    def opened_by(file: BinaryIO) -> Callable[[int], bytes]:
        pending, inflate = file.read(), zlib.decompressobj(wbits=wbits)

        def read(size: int) -> bytes:
            nonlocal pending
            out = inflate.decompress(pending, size)
            pending = inflate.unconsumed_tail
            if not out and not inflate.eof:
                raise OSError("it ends before its end")
            return out

        return read

    return opened_by


_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


def _dechunked(body: bytes) -> bytes:
    """Undo chunked transfer; where the framing breaks, or never was, the rest is taken as it stands."""
    out = bytearray()
    position = 0
    while match := _CHUNK_SIZE.match(body, position):
        size = int(match[1], 16)
        start, end = match.end(), match.end() + size
        if size == 0:
            return bytes(out)
        if end > len(body) or body[end : end + 1] not in {b"\r", b"\n", b""}:
            break
        out += body[start:end]
        position = end + 2 if body[end : end + 2] == b"\r\n" else end + 1
    return bytes(out) + body[position:]
