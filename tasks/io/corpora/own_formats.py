"""Formats of files of a user's own, for corpora and for seeds: a file of a plug-in folder, or of a package.

    VERSION = 1                          raised when a record comes out otherwise
    def is_this(name, start): ...        whether a file is of it, by its name and its first 64 KiB; files come inflated
    def records(file, name): ...         an open binary file -> dicts: what a line of JSONL would hold

A record of a corpus has `text` or `html`, and may have `url`, `title`, `license`; one of seeds has `prompt` or
`messages`. `formats` in the profile names those that are looked for, in its order, before ours (`corpus_files.OURS`). A
file of such a format is read as a whole by one worker. What `records` raises refuses the rest of the file.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import FORMATS
from wellspring.tasks.contracts.settings import Recast, Settings
from wellspring.tasks.io.corpora import recasts, streams
from wellspring.tasks.io.corpora.streams import Window

SNIFF_BYTES = 2**16
RECAST = "recast"  # the format of a table that the profile recasts
MOST_BYTES = 2**30  # of a file, which is held as a whole


class Broken(NamedTuple):
    """What stands in place of the records that a format could not read: how many came before, and why."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Own:
    """The formats that a profile names, the folders they may be in, and the recasts of its tables."""

    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    recasts: Mapping[str, Recast] = field(default_factory=dict[str, Recast])

    @classmethod
    def of_seeds(cls, settings: Settings) -> "Own":
        """Return those of the files that seeds are read from."""
        return cls(settings.formats, settings.plugins, settings.seeds.recasts)

    @property
    def versions(self) -> dict[str, int]:
        """Name -> VERSION, for fingerprints.

        Raises:
            UsageError: One is not there, or its file is not whole.
        """
        return {name: self._module(name).VERSION for name in self.names}

    def of(self, uri: str) -> str:
        """Return the first that says that a file is its own; empty where none does."""
        if recasts.of(self.recasts, uri):
            return RECAST
        if not self.names:
            return ""
        start = beginning(uri)
        return next((name for name in self.names if self._module(name).is_this(uri, start)), "")

    def records(self, name: str, uri: str) -> Iterator[tuple[int, Mapping[str, Any]] | Broken]:
        """Yield the records of a file with their numbers, from 0; where one cannot be read, why, and no more."""
        count = 0
        try:
            with streams.inflated(uri) as read:
                own = recasts.records(self.recasts, uri) if name == RECAST else None
                for record in own or self._module(name).records(_file(read), uri):
                    yield count, dict(record)
                    count += 1
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a user's code: what it raises is a fact about the file
            yield Broken(count, f"the format `{name}`: {type(error).__name__}: {error}"[:300])

    def _module(self, name: str) -> Any:
        module = FORMATS.theirs(name, self.folders)
        if not callable(getattr(module, "is_this", None)):
            raise UsageError(
                f"{module.__file__} is no whole format of files: it has no function `is_this`",
                hint="tasks/io/README.md shows what such a file holds",
            )
        return module


NONE = Own()


def beginning(uri: str) -> bytes:
    """Return the first bytes of a file, inflated; none where they cannot be read."""
    try:
        with streams.inflated(uri) as read:
            return Window(read).take(SNIFF_BYTES)
    except OSError:
        return b""


def _file(read: Any) -> BinaryIO:
    pieces, size = list[bytes](), 0
    while piece := read(streams.READ_BYTES):
        pieces.append(piece)
        if (size := size + len(piece)) > MOST_BYTES:
            raise ValueError(f"the file inflates to more than {MOST_BYTES} bytes")
    return io.BytesIO(b"".join(pieces))
