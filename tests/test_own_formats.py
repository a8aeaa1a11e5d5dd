"""Formats of files of a user's own: read as pages and as seeds, beside files of ours, and what is wrong with one."""

import gzip
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path

import pytest

from wellspring.tasks import documents, seeds, sources
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import FORMATS
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.corpora import conversations, corpus_files
from wellspring.tasks.io.corpora.own_formats import Own
from wellspring.tasks.spine.provenance import lineage
from wellspring.tasks.spine.running import preflight
from wellspring.tasks.spine.running.runs import Counts, Run

Start = Callable[[Settings], AbstractContextManager[Run]]
PROSE = "The tide turns twice a day, and a boat that is not tied to the quay leaves with it before the cook is up. "
FORMAT = """
VERSION = {version}

def is_this(name, start):
    return start.startswith(b"%BOOK")

def records(file, name):
    for chapter in file.read().decode().split("\\n--\\n")[1:]:
        if chapter == "torn":
            raise ValueError("a torn chapter")
        yield {{"{field}": chapter, "title": chapter[:8]}}
"""


def book(folder: Path, *chapters: str, name: str = "a.book") -> Path:
    """Write a book with these chapters."""
    path = folder / name
    text = "\n--\n".join(["%BOOK <?xml?>", *chapters]).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def plugged(folder: Path, field: str = "text", version: int = 1) -> Own:
    """Write a format of books, whose records have their words in this field."""
    folder.mkdir(exist_ok=True)
    (folder / "book.py").write_text(FORMAT.format(field=field, version=version))
    return Own(("book",), (str(folder),))


@pytest.mark.parametrize("name", ["a.book", "a.book.gz"])
def test_a_file_is_of_the_first_format_that_says_so_and_is_read_as_records(tmp_path: Path, name: str) -> None:
    path, own = book(tmp_path, "One.", "", "Three.", "torn", "Five.", name=name), plugged(tmp_path / "p")
    file = corpus_files.look(str(path), own=own)
    found = list(corpus_files.read(str(path), file.kind, 0, file.extent, 100, own))

    assert (file.kind, file.extent) == ("book", path.stat().st_size)
    assert corpus_files.look(str(path)).kind == "html"
    assert [getattr(item, "reason", "") for item in found] == ["", "no_text", "", "format_error"]
    assert [item.offset for item in found] == [0, 1, 2, 3]
    assert found[2].url == f"file://{path}#2"
    assert "ValueError: a torn chapter" in found[3].detail  # pyright: ignore[reportAttributeAccessIssue]
    assert corpus_files.read_record(str(path), "book", 2, 1).startswith(b"%BOOK")


def test_a_cache_does_not_hide_a_format_that_is_named_later(tmp_path: Path) -> None:
    path, cache = book(tmp_path, "One."), tmp_path / "cache.json"

    assert corpus_files.look(str(path), cache).kind == "html"
    assert corpus_files.look(str(path), cache, plugged(tmp_path / "p")).kind == "book"


def test_seeds_are_read_in_it_line_by_line(tmp_path: Path) -> None:
    path, own = book(tmp_path, "Ask one.", "", "torn"), plugged(tmp_path / "p", "prompt")
    found = list(conversations.read(path, own=own))

    assert conversations.survey(path, own=own) == 3
    assert [line for line, _ in found] == [1, 2, 3]
    assert found[0][1] == conversations.Turn("Ask one.", None)
    assert [one.reason for _, one in found[1:]] == ["empty_text", "format_error"]  # pyright: ignore[reportAttributeAccessIssue]
    assert [line for line, _ in conversations.read(path, first=2, last=2, own=own)] == [2]


@pytest.mark.parametrize(
    ("named", "text", "said"),
    [
        ("bok", "", "there is no format of files `bok`"),
        ("book", "VERSION = 1\ndef records(file, name): ...\n", "it has no function `is_this`"),
        ("book", "VERSION = 1\ndef is_this(name, start): ...\ndef records(file): ...\n", "does not take two things"),
        ("book", "VERSION = 1\ndef records(file, name): ...\nimport nothing_there\n", "cannot be loaded"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(tmp_path: Path, named: str, text: str, said: str) -> None:
    folder = plugged(tmp_path / "p").folders[0]
    if text:
        Path(folder, "book.py").write_text(text)
    chosen = settings_.load(None, [f"plugins={json.dumps([folder])}", f'formats=["{named}"]'], {})

    with pytest.raises(UsageError, match=said) as caught:
        preflight.look(chosen, tmp_path / "ws", [])

    assert named == "book" or "did you mean book" in caught.value.hint


def test_ours_are_the_files_of_their_room() -> None:
    room = resources.files("wellspring.tasks.io.formats")
    files = {one.name[:-3] for one in room.iterdir() if one.name.endswith(".py")} - {"__init__", "zipped"}

    assert set(FORMATS.names()) == files
    for name in files:
        assert Own().versions.get(name, 1) == FORMATS.whole(name).VERSION


@pytest.mark.slow
def test_pages_and_seeds_of_it_are_rows_and_a_raised_version_reads_them_again(
    settings: Callable[..., Settings], start: Start, tmp_path: Path
) -> None:
    pages = book(tmp_path, *(f"{PROSE * 4} Chapter {n}." for n in range(3)))
    asked = tmp_path / "asked"
    asked.mkdir()
    told = book(asked, "How do I tie a boat to a quay in a tide?", "What does a cook need before it is light?")
    body = FORMAT.replace('"title": chapter[:8]', '"prompt": chapter').replace("{field}", "text")
    counts: dict[int, list[Counts]] = {}
    for version in (1, 2):
        folder = Path(plugged(tmp_path / f"p{version}").folders[0])
        (folder / "book.py").write_text(body.format(version=version))
        read = {"sources": {"corpora": [{"path": str(pages)}]}, "seeds": {"paths": [str(told)]}}
        with start(settings(**read, plugins=[str(folder)], formats=["book"])) as run:
            sources.register(run)
            counts[version] = [stage(run).counts for stage in (documents.extract, documents.extract, seeds.ingest)]
            [(document,), *_] = run.store._connection.execute("SELECT document_id FROM documents").fetchall()
            page = lineage.record_bytes(run.store, document)

    for first, second, asked_for in counts.values():
        assert (first.rows_in, first.rows_out) == (3, 3)
        assert second == Counts()
        assert asked_for.rows_out == 2
    assert page == pages.read_bytes()
