"""Formats of files beyond those that are read in ranges: ours (`tasks/io/formats`), and those of a user's own.

    VERSION = 1                          raised when a record comes out otherwise
    def is_this(name, start): ...        whether a file is of it, by its name and its first 64 KiB; files come inflated
    def records(file, name): ...         an open binary file -> dicts: what a line of JSONL would hold

A record of a corpus has `text` or `html`, and may have `url`, `title`, `license`; one of seeds has `prompt` or
`messages`. In its place may stand a `Rejection`. `formats` in the profile names those that are looked for first, in its
order; then come ours, and then what is read in ranges. A file is read as a whole by one worker, and what `records`
raises refuses the rest of it. A format may say more of itself:

    BEGIN = re.compile(rb"<page>")       where a record begins: files are cut there and read in ranges, `records` gets
                                         one record at a time, and a damaged one costs itself
    PLACED = True                        `records` yields (first byte, length, record): a trace gives these bytes
    PAGES = True                         its records are the pages of one document: as such it is read in archives, too
    NEEDS = "pypdf"                      a module of the extra `files`
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, BinaryIO, NamedTuple

from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.contracts.plugins import FORMATS
from wellspring.tasks.contracts.settings import Recast, Settings
from wellspring.tasks.io.corpora import recasts, streams
from wellspring.tasks.io.corpora.streams import Range, Window

SNIFF_BYTES = 2**16
RECAST = "recast"  # the format of a table that the profile recasts
MOST_BYTES = 2**30  # of a file that is held as a whole
BEGIN_BYTES = 2**13  # the longest match of a BEGIN


class Found(NamedTuple):
    """A record where it lies: its first byte and length, or its number and 1; or why there is none."""

    offset: int
    length: int
    fields: Mapping[str, Any] | Rejection


@dataclass(frozen=True, slots=True)
class Own:
    """The formats that a profile names, the folders they may be in, and the recasts of its tables; ours come after."""

    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    recasts: Mapping[str, Recast] = field(default_factory=dict[str, Recast])

    @classmethod
    def of_seeds(cls, settings: Settings) -> "Own":
        """Return those of the files that seeds are read from."""
        return cls(settings.formats, settings.plugins, settings.seeds.recasts)

    @property
    def versions(self) -> dict[str, int]:
        """Name -> VERSION, for fingerprints: of all that the profile names, and of ours that were raised.

        Raises:
            UsageError: One is not there, or its file is not whole.
        """
        ours = {name: self._module(name).VERSION for name in _ours()}
        theirs = {name: self._module(name).VERSION for name in self.names}
        return {name: version for name, version in ours.items() if version > 1} | theirs

    def of(self, uri: str, start: bytes) -> str:
        """Return the first that says that a file of this beginning is its own; empty where none does."""
        if recasts.of(self.recasts, uri):
            return RECAST
        return next((name for name in (*self.names, *_ours()) if self._module(name).is_this(uri, start)), "")

    def begin(self, name: str) -> re.Pattern[bytes] | None:
        """Return where a record of a format begins; None where its files are read as a whole."""
        return None if name == RECAST else getattr(self._module(name), "BEGIN", None)

    def is_placed(self, name: str) -> bool:
        """Whether a record of a format lies in one piece in its file."""
        if name == RECAST:
            return False
        module = self._module(name)
        return hasattr(module, "BEGIN") or getattr(module, "PLACED", False)

    def records(self, name: str, uri: str, start: int, stop: int, limit_bytes: int) -> Iterator[Found]:
        """Yield the records of a file that begin in the range; where one cannot be read, why.

        Args:
            name: Of the format.
            uri: Of the file.
            start: First byte of the range, of the inflated file; what is read as a whole is one range.
            stop: End of the range.
            limit_bytes: A record that is cut out at its BEGIN and is longer than this is refused.
        """
        if name == RECAST:
            yield from self._recast(uri)
            return
        if begin := self.begin(name):
            with streams.ranged(uri, start, stop) as window:
                for offset, block in _blocks(window, begin, start, stop, limit_bytes):
                    yield from self._of_block(name, uri, offset, block)
        else:
            with streams.inflated(uri) as read:
                yield from self._of_file(name, uri, read)

    def pages(self, name: str, body: bytes) -> Iterator[Mapping[str, Any] | Rejection]:
        """Yield the pages of a document that stands in an archive or a row."""
        yield from (one.fields for one in self._numbered(name, io.BytesIO(body), name))

    def of_pages(self, name: str, start: bytes) -> str:
        """Return the format of a document of this name and beginning, if its records are its pages."""
        found = self.of(name, start)
        return found if found and getattr(self._module(found), "PAGES", False) else ""

    def _recast(self, uri: str) -> Iterator[Found]:
        number = 0
        try:
            for number, record in enumerate(recasts.records(self.recasts, uri), start=1):
                yield Found(number - 1, 1, record)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - it tells of the file
            said = f"the format `{RECAST}`: {type(error).__name__}: {error}"[:300]
            yield Found(number, 1, Rejection("format_error", said))

    def _of_file(self, name: str, uri: str, read: Any) -> Iterator[Found]:
        try:
            file = _file(read)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - codecs and filesystems have their own
            yield Found(0, 1, Rejection("corrupt_stream", f"{type(error).__name__}: {error}"[:300]))
            return
        yield from self._numbered(name, file, uri)

    def _of_block(self, name: str, uri: str, offset: int, block: bytes | Rejection | int) -> Iterator[Found]:
        if isinstance(block, Rejection):
            yield Found(offset, 1, block)
        elif isinstance(block, int):
            yield Found(offset, block, Rejection("too_large", f"a record of {block} bytes"))
        else:
            found = list(self._numbered(name, io.BytesIO(block), uri))
            yield Found(offset, len(block), found[0].fields if found else Rejection("no_text", "the record is empty"))

    def _numbered(self, name: str, file: BinaryIO, uri: str) -> Iterator[Found]:
        module, number = self._module(name), 0
        try:
            for number, record in enumerate(module.records(file, uri), start=1):
                placed = record if isinstance(record, tuple) else (number - 1, 1, record)
                yield Found(placed[0], placed[1], placed[2] if isinstance(placed[2], Rejection) else dict(placed[2]))
        except MemoryError:
            raise
        except ImportError as error:
            why = f"it needs the package {error.name}: pip install 'wellspring[files]'"
            yield Found(number, 1, Rejection("needs_package", why))
        except Exception as error:  # noqa: BLE001 - a user's code, or a library's: it tells of the file
            said = f"the format `{name}`: {type(error).__name__}: {error}"[:300]
            yield Found(number, 1, Rejection("format_error", said))

    def _module(self, name: str) -> Any:
        if name in _ours():
            return _of_ours(name)
        module = FORMATS.whole(name, self.folders)
        if not callable(getattr(module, "is_this", None)):
            raise UsageError(
                f"{module.__file__} is no whole format of files: it has no function `is_this`",
                hint="tasks/io/README.md shows what such a file holds",
            )
        return module


NONE = Own()


@cache
def _ours() -> tuple[str, ...]:
    return tuple(name for name, whence in FORMATS.names().items() if whence == "ours")


@cache
def _of_ours(name: str) -> Any:
    return FORMATS.whole(name)


def beginning(uri: str) -> bytes:
    """Return the first bytes of a file, inflated; none where they cannot be read."""
    try:
        with streams.inflated(uri) as read:
            return Window(read).take(SNIFF_BYTES)
    except (OSError, EOFError, ValueError):
        return b""


def _blocks(
    window: Range, begin: re.Pattern[bytes], start: int, stop: int, limit_bytes: int
) -> Iterator[tuple[int, bytes | Rejection | int]]:
    """Yield the pieces of a stream from one beginning to the next: bytes, the size of one too large, or its break."""
    if not start:
        window.buffer[:], window.position = b"\n", -1  # so that the first line, too, has a line before it
    if window.position < start and not window.skip_to(begin, BEGIN_BYTES, stop, begin=1):
        if window.broken and not start:
            yield 0, Rejection("corrupt_stream", window.broken)
        return
    while window.buffer and window.position < stop:
        offset, held = window.position, _held(window, begin, limit_bytes)
        if window.broken and window.is_ended and not window.buffer:
            yield offset, Rejection("corrupt_stream", window.broken)
        else:
            yield offset, held


def _held(window: Window, begin: re.Pattern[bytes], limit_bytes: int) -> bytes | int:
    """Take what comes up to the next beginning; skip it where it is over the limit, and return its size."""
    searched = 1
    while True:
        match = begin.search(window.buffer, searched)
        if match and (window.is_ended or len(window.buffer) - match.start() >= BEGIN_BYTES):
            return window.take(match.start())
        searched = max(1, (match.start() if match else len(window.buffer) - BEGIN_BYTES))
        if searched > limit_bytes:
            before = window.position
            window.skip_to(begin, BEGIN_BYTES, begin=searched)
            return window.position - before
        if not window.ensure(len(window.buffer) + 1):
            match = begin.search(window.buffer, searched)
            return window.take(match.start() if match else len(window.buffer))


def _file(read: Any) -> BinaryIO:
    pieces, size = list[bytes](), 0
    while piece := read(streams.READ_BYTES):
        pieces.append(piece)
        if (size := size + len(piece)) > MOST_BYTES:
            raise ValueError(f"the file inflates to more than {MOST_BYTES} bytes")
    return io.BytesIO(b"".join(pieces))
