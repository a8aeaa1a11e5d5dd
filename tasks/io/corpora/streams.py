"""Bytes from anywhere, a bounded piece at a time: files and URIs (fsspec), compressions, and a window over a stream.

The door of fsspec and of FastWARC's codecs. Nothing here holds more than a window of a stream, and nothing inflates
past the limit it was given: that is what makes a bomb one rejection.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import fsspec
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
Place = Path | str  # on this machine, or an address that fsspec opens
_HUB_DATASET = re.compile(r"^hf://(?!(?:datasets|models|spaces|buckets)/)")  # a dataset, if it does not say what it is
GZIP_MAGIC = b"\x1f\x8b\x08"
LZ4_MAGIC = b"\x04\x22\x4d\x18"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_CODECS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    "lz4": cast("Callable[[BinaryIO], BinaryIO]", stream_io.Lz4Reader),
    "zstd": cast("Callable[[BinaryIO], BinaryIO]", stream_io.ZstdReader),
}


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
            del self.buffer[:step]
            self.position += step
            size -= step
        return self.position - start

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
        with fsspec.open(uri, "rb") as file:
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


@contextmanager
def inflated(uri: str) -> Iterator[Callable[[int], bytes]]:
    """Open a file as its uncompressed bytes, by its first bytes and not by its name: gzip, zstd, lz4 or plain.

    The reader returns at most about as much as it is asked for. It raises OSError where the compression is broken.
    """
    with opened(uri) as file:
        magic = file.read(4)
        file.seek(0)
        if magic.startswith(GZIP_MAGIC):
            yield _gunzipped(file)
        elif magic in {LZ4_MAGIC, ZSTD_MAGIC}:
            yield _CODECS["lz4" if magic == LZ4_MAGIC else "zstd"](file).read
        else:
            yield file.read


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
        readers: list[Callable[[BinaryIO], BinaryIO]] = [_zlib_reader(31)]
    elif coding == "deflate":
        readers = [_zlib_reader(15), _zlib_reader(-15)]
    elif coding == "br":
        readers = [cast("Callable[[BinaryIO], BinaryIO]", stream_io.BrotliReader)]
    elif coding == "zstd" and body.startswith(ZSTD_MAGIC):
        readers = [_CODECS["zstd"]]
    else:
        return body
    return _first_that_reads(body, coding, readers, limit_bytes)


def _first_that_reads(
    body: bytes, coding: str, readers: list[Callable[[BinaryIO], BinaryIO]], limit_bytes: int
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


def _bounded(reader: BinaryIO, limit_bytes: int) -> bytes:
    out = bytearray()
    while piece := reader.read(min(READ_BYTES, limit_bytes + 1 - len(out))):
        out += piece
        if len(out) > limit_bytes:
            raise Rejection("too_large", f"inflates past {limit_bytes} bytes")
    return bytes(out)


class _ZlibReader(io.RawIOBase):
    def __init__(self, file: BinaryIO, wbits: int) -> None:
        super().__init__()
        self._pending = file.read()
        self._inflate = zlib.decompressobj(wbits=wbits)

    def read(self, size: int = -1, /) -> bytes:
        out = self._inflate.decompress(self._pending, size)
        self._pending = self._inflate.unconsumed_tail
        if not out and not self._inflate.eof:
            raise OSError("it ends before its end")
        return out


def _zlib_reader(wbits: int) -> Callable[[BinaryIO], BinaryIO]:
    return lambda file: cast("BinaryIO", _ZlibReader(file, wbits))


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
