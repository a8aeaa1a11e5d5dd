"""Snapshots: what readers open in place of a store's database, which DuckDB gives to one process alone.

A snapshot is a copy of the database and its log as they were between two statements, which is what a kill would have
left: whole, and without what was not committed. It is on disk, and its name in `snapshot/snapshot.json`, before the one
before it goes; who has that open reads on in it.

DuckDB's locks are the process's: whoever opens and closes the database beside DuckDB frees them. So another process
copies.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from wellspring.tasks.io import files

FOLDER, LOCK = "snapshot", "snapshot.lock"
EVERY_SECONDS = 120.0
SHARE = 50  # of a run's time, at most one part of so many goes into snapshots
_NOTE = "snapshot.json"
_PREFIX, _SUFFIX, _LOG = "at-", ".duckdb", ".wal"
_COPY = """
import os, sys
parent = os.getppid()
try:
    with open(sys.argv[1], "rb") as old, open(sys.argv[2], "xb") as new:
        while os.getppid() == parent:
            try:
                done = os.copy_file_range(old.fileno(), new.fileno(), 1 << 26)
            except OSError as error:
                if error.errno not in (18, 22, 38, 95):
                    raise
                done = os.sendfile(new.fileno(), old.fileno(), None, 1 << 26)
            if not done:
                break
        os.fsync(new.fileno())
except OSError as error:
    sys.exit(error.errno)
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot, as its note says it.

    Attributes:
        file: Its name in the folder.
        made_at: When, in UTC.
        made_by: The run that made it, or "" for a reader, of a store that nobody held.
        version: Of the store's tables.
        defined: The digest of the tables and views that it has.
        source: What `source` said of the database that it is a copy of.
    """

    file: str
    made_at: str
    made_by: str
    version: int
    defined: str
    source: tuple[int, ...]

    @property
    def taken_at(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.made_at)


def source(database: Path) -> tuple[int, ...]:
    """Return what tells whether a database was written since: of its file and its log, place, size and time."""
    said: list[int] = []
    for path in (database, _log(database)):
        with suppress(FileNotFoundError):
            stat = path.stat()
            said += [stat.st_ino, stat.st_size, stat.st_mtime_ns] if stat.st_size else []
    return tuple(said)


def latest(directory: Path) -> Snapshot | None:
    """Return the newest snapshot of a store; None where there is none."""
    noted = files.read_json(directory / FOLDER / _NOTE, Snapshot)
    if noted is None or not _is_ours(noted.file):
        return None
    at = path_of(directory, noted)
    return noted if at.is_file() and not at.is_symlink() else None


def path_of(directory: Path, snapshot: Snapshot) -> Path:
    """Return where a snapshot lies."""
    return directory / FOLDER / snapshot.file


def copy(database: Path, target: Path) -> None:
    """Copy a database and its log, while nobody writes them; blocks are shared where the file system can.

    Raises:
        OSError: One cannot be read or written.
    """
    target.parent.mkdir(exist_ok=True)
    for old, new in ((database, target), (_log(database), _log(target))):
        if old.exists():
            _copy_one(old, new)


def _copy_one(old: Path, new: Path) -> None:
    command = [sys.executable, "-I", "-S", "-c", _COPY, str(old), str(new)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own few lines
    if done.returncode:
        raise OSError(max(done.returncode, 1), os.strerror(max(done.returncode, 1)), str(new))


def fresh(directory: Path) -> Path:
    """Return a place for the next snapshot of a store, where nothing is."""
    return directory / FOLDER / f"{_PREFIX}{time.time_ns()}{_SUFFIX}"


def put(directory: Path, made: Path, snapshot: Snapshot) -> Snapshot:
    """Make a copy the snapshot of a store, and take away those before it; the caller holds the store or its turn.

    Args:
        directory: The store.
        made: Where `copy` wrote it.
        snapshot: What its note will say.
    """
    files.flush(made)
    files.write_json(directory / FOLDER / _NOTE, asdict(snapshot))
    _sweep(directory, made.name)
    return snapshot


def clear(directory: Path) -> None:
    """Take all snapshots away: what is forgotten must not stay in one; the caller holds the store."""
    (directory / FOLDER / _NOTE).unlink(missing_ok=True)
    _sweep(directory, "")


def discard(made: Path) -> None:
    """Take away a copy that will be no snapshot."""
    for path in (made, _log(made)):
        path.unlink(missing_ok=True)


def _sweep(directory: Path, kept: str) -> None:
    for path in (directory / FOLDER).glob(f"{_PREFIX}*"):
        if path.name.removesuffix(_LOG) != kept:
            path.unlink(missing_ok=True)


def _log(database: Path) -> Path:
    return database.with_name(f"{database.name}{_LOG}")


def _is_ours(name: str) -> bool:
    """Whether a note names a file of its own folder: a store from elsewhere gives no orders."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX) and Path(name).name == name


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)
