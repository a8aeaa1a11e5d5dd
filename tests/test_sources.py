"""Every file of a corpus is known by its bytes, or the run says what is wrong with it."""

import gzip
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from wellspring.tasks import sources
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]


def corpora(*paths: Path) -> dict[str, object]:
    return {"sources": {"corpora": [{"path": str(path)} for path in paths]}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one page, one set of lines (gzip, without a telling name) and side files."""
    room = tmp_path / "corpus"
    (room / "pages").mkdir(parents=True)
    (room / "pages" / "a.html").write_text("<html><body><p>Text</p></body></html>")
    (room / "lines.data").write_bytes(gzip.compress(json.dumps({"text": "A line."}).encode()))
    (room / "about.yaml").write_text("no: data")
    (room / ".hidden").write_text("no data")
    return room


def test_a_folder_is_walked_and_files_are_told_by_their_bytes(folder: Path, settings: Make, start: Start) -> None:
    with start(settings(**corpora(folder))) as run:
        counts = sources.register(run).counts
        rows = run.store.query("sources/all").to_dicts()

    assert (counts.rows_in, counts.rows_out) == (2, 2)
    assert sorted((Path(row["uri"]).name, row["kind"]) for row in rows) == [("a.html", "html"), ("lines.data", "jsonl")]


def test_side_files_of_a_folder_are_left_out_and_named(
    folder: Path, settings: Make, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "notes.yml").write_text("to: do")
    (folder / "deep").mkdir(exist_ok=True)
    (folder / "deep" / "style.css").write_text("p {}")
    notes = list[str]()
    with start(settings(**corpora(folder))) as run:
        monkeypatch.setattr(run.progress, "note", notes.append)
        sources.register(run)

    said = " ".join(notes)
    assert "4 side files" in said  # two of them were there before
    assert "deep/style.css" in said
    assert "a.html" not in said


def test_twice_is_once_and_a_moved_file_is_the_same_source(folder: Path, settings: Make, start: Start) -> None:
    with start(settings(**corpora(folder))) as run:
        sources.register(run)
    (folder / "lines.data").rename(folder / "moved.data")

    with start(settings(**corpora(folder))) as run:
        counts = sources.register(run).counts

    assert (counts.rows_in, counts.rows_out) == (0, 0)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.warc.gz", None, "there is no corpus"),
        ("empty.warc.gz", b"", "is empty"),
        ("noise.bin", b"\x00\x01\x02 noise", "nothing that we know"),
    ],
)
def test_what_is_no_corpus_is_named(
    tmp_path: Path, settings: Make, start: Start, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with start(settings(**corpora(tmp_path / name))) as run, pytest.raises(BrokenError, match=says) as broken:
        sources.register(run)

    assert name in broken.value.message
    assert broken.value.hint


def test_a_run_without_a_corpus_says_how_to_name_one(settings: Make, start: Start) -> None:
    with start(settings()) as run, pytest.raises(BrokenError, match="names no corpus") as broken:
        sources.register(run)

    assert "--corpus" in broken.value.hint


@pytest.mark.slow
def test_a_known_file_is_where_it_is_named_now_and_where_it_was_if_it_is_there_too(
    folder: Path, settings: Make, start: Start
) -> None:
    def places(named: Path) -> set[str]:
        with start(settings(**corpora(named))) as run:
            assert sources.register(run).counts.rows_in in {0, 2}
            return {str(Path(uri).relative_to(folder.parent)) for uri in run.store.query("sources/all")["uri"]}

    first = places(folder)
    (folder / "another.data").write_bytes((folder / "lines.data").read_bytes())  # before it, in the order of names
    beside = places(folder)
    moved = places(folder.rename(folder.parent / "moved"))

    assert first == beside == {"corpus/pages/a.html", "corpus/lines.data"}
    assert moved == {"moved/pages/a.html", "moved/another.data"}
