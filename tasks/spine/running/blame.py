"""Whose fault an exception is: a row's, which is refused for it, or the method's, which stops the run.

A parser or a method that raises on one row has met a row that nobody thought of: the row is refused with the class and
the line (`method_error`), counted, and due again by `wellspring retry`. Where every row of a stage ends so, and in the
same way, no row is to blame: nothing is refused, and a person has to look at that line.
"""

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import BrokenError, Rejection, WellspringError

METHOD_ERROR = "method_error"
ENOUGH = 2  # rows that ended in the same way; one alone says nothing of the others
UNREAD = frozenset({"not_a_page", "revisit", "http_status", "not_text", "blank_line"})  # no method looked at these
_WAY = re.compile(r"[A-Za-z_]\w* at \S+:\d+(?=[\s:]|$)")
_PROJECT = Path(__file__).parents[3]
_SPINE = Path("tasks/spine")
programs: set[str] = set()  # files of plug-ins: an exception on one of their lines is named by it


class MisuseError(Exception):
    """A program asks or makes in a way that it may not: the line that does is the program's, not ours."""


@contextmanager
def refusing() -> Iterator[None]:
    """Refuse the row at hand for what a method raises on it.

    What is no row's fault passes: our own errors, a disk or a network (OSError), memory, a package that is not there.

    Raises:
        Rejection: `method_error`, with the class of the exception and the line of ours that it came from.
    """
    try:
        yield
    except (WellspringError, OSError, MemoryError, ImportError):
        raise
    except Exception as error:  # the one place that catches all: whatever a method raises on a row is that row's end
        raise Rejection(METHOD_ERROR, described(error)) from error


def described(error: BaseException) -> str:
    """Return the class of an exception and the innermost line of ours that it came through, then its words."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [(_place(frame.filename), frame.lineno) for frame in frames]
    ours = [place for place in places if not place[0].is_absolute() or str(place[0]) in programs] or places
    if isinstance(error, MisuseError):
        ours = [place for place in places if _SPINE not in place[0].parents] or places
    where = f" at {ours[-1][0]}:{ours[-1][1]}" if ours else ""
    words = outside.sound(" ".join(str(error).split())[:300])
    return f"{type(error).__name__}{where}" + (f": {words}" if words else "")


def _place(filename: str) -> Path:
    """Return a file of ours from the project's root on; any other as it is."""
    file = Path(filename)
    if not file.is_relative_to(_PROJECT):
        return file.absolute()
    place = file.relative_to(_PROJECT)
    return file if "site-packages" in place.parts else place


def way(detail: str) -> str:
    """Return what tells one exception from another: its class and line, without its words."""
    found = _WAY.search(detail)
    return found[0] if found else detail


def accuse(stage: str, rows: int, details: list[str]) -> None:
    """Stop the run where all rows of a stage ended in one exception; nothing was refused for it.

    Raises:
        BrokenError: They did; it names the exception, file and line.
    """
    if rows >= ENOUGH and len({way(detail) for detail in details}) <= 1:
        raise accused(f"each of the {rows} rows of `{stage}`", details[0])


def accused(who: str, detail: str) -> BrokenError:
    """Return what a person is told where a method is at fault: whose rows ended in its exception, and where it was."""
    return BrokenError(
        f"{who} ended in {way(detail)}, such as: {detail}",
        hint="no row is at fault, and none was refused: mend that line, or the prompt file it reads, "
        "and run the same command again",
    )


def ended(stage: str, tables: Mapping[str, str]) -> list[str] | None:
    """Return which exceptions the rows of a shard ended in, of its Parquet files; None where a method read one."""
    if stage in tables and pq.read_metadata(tables[stage]).num_rows:
        return None
    if "rejections" not in tables:
        return []
    refused = pq.read_table(tables["rejections"], columns=["reason", "detail"]).to_pylist()
    details = [row["detail"] for row in refused if row["reason"] == METHOD_ERROR]
    return None if {row["reason"] for row in refused} - {METHOD_ERROR, *UNREAD} else details
