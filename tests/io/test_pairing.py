"""The journal and the database of one store: a lost journal gets back what was copied; two stores' files are told."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.journal import Entry, Journal, record
from wellspring.tasks.io.storage.store import DATABASE, JOURNAL, Store
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching.progress import Progress
from wellspring.tasks.spine.writing import completions

Make = Callable[..., Settings]
ANSWERS, REFUSED = 30, 4  # the fifth call was refused


def name(number: int, of: str = "") -> str:
    return f"{of or 'a'}{number:019x}"


def record_calls(path: Path, numbers: range, of: str = "") -> None:
    """Have a journal record answers; what is asked of them and what they cost is by their number."""
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        for n in numbers:
            connection.execute("INSERT INTO calls VALUES (?, 'generator', 'm', ?)", (name(n, of), f'{{"n": {n}}}'))
            said = ("http_400", "m", "no", "", 0, 0) if n == REFUSED else ("done", "m", f"answer {n}", "stop", 5, 3)
            entry = Entry(name(n, of), *said, 1, 7, 1, 0.5, f"thought {n}", "", "", "served")
            record(connection, entry, b"{}", "r")
        connection.execute("UPDATE ledger SET value = 7 * ? WHERE name = 'spent_micro_usd'", (numbers.stop,))


def opened(store: Store, settings: Settings) -> Run:
    return Run("r", "test", settings, store, Progress(quiet=False, keep=lambda _: None))


def copied(directory: Path, settings: Settings) -> None:
    """Have the database copy what the journal has."""
    with Store.open(directory) as store:
        run = opened(store, settings)
        completions.copy_from_journal(run)
        run.models.close()


@pytest.fixture
def finished(store_dir: Path, settings: Make) -> Path:
    """A store whose database has copied every answer of its journal."""
    store_dir.mkdir()
    record_calls(store_dir / JOURNAL, range(ANSWERS))
    copied(store_dir, settings())
    return store_dir


def mended(directory: Path, settings: Settings) -> None:
    with Store.open(directory) as store:
        runs._mend_journal(opened(store, settings))


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def older(path: Path) -> None:
    """Put a copy of the journal back that has the first ten answers."""
    path.unlink()
    record_calls(path, range(10))


LOST: dict[str, tuple[Callable[[Path], object], int]] = {
    "deleted": (Path.unlink, ANSWERS - 1),
    "emptied": (emptied, ANSWERS - 1),
    "older": (older, ANSWERS - 10),
}


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_journal_gets_its_answers_back_from_the_database_and_it_is_said_how_many(
    finished: Path, settings: Make, capsys: pytest.CaptureFixture[str], lost: str
) -> None:
    path, kept = finished / JOURNAL, "SELECT completion_id, sequence, text, thought, served, checksum FROM completions"
    before, calls = rows(path, f"{kept} WHERE state = 'done' ORDER BY sequence"), rows(path, "SELECT * FROM calls")
    damage, missing = LOST[lost]
    damage(path)

    mended(finished, settings())

    assert f"lacks {missing} of {ANSWERS - 1} answers that were recorded" in capsys.readouterr().err
    assert rows(path, f"{kept} WHERE state = 'done' ORDER BY sequence") == before
    assert {row for row in calls if row[0] != name(REFUSED)} <= set(rows(path, "SELECT * FROM calls"))
    with closing(Journal(path)) as journal:
        assert journal.lookup([name(7)])[name(7)].finish_reason == "stop"
        assert journal.ledger.spent_micro_usd == 7 * (ANSWERS - (lost != "older"))
        assert journal.ledger.sent_calls >= ANSWERS - 1


def test_what_is_answered_after_a_loss_is_copied_too(finished: Path, settings: Make) -> None:
    """Its number is above those that the database knows."""
    (finished / JOURNAL).unlink()
    mended(finished, settings())
    record_calls(finished / JOURNAL, range(100, 103))
    copied(finished, settings())

    with Store.open(finished) as store:
        assert set(store.query("completions/latest", at_most=3)["completion_id"]) == {name(n) for n in range(100, 103)}


def test_a_journal_that_has_all_is_left_as_it_is_and_nothing_is_said(
    finished: Path, settings: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Journal(finished / JOURNAL)) as journal:
        journal.forget([name(ANSWERS - 1)])  # set aside, to be asked again: not lost
    mended(finished, settings())

    assert capsys.readouterr().err == ""
    assert len(rows(finished / JOURNAL, "SELECT 1 FROM completions")) == ANSWERS - 1


def test_a_damaged_journal_gets_back_what_could_not_be_read_of_it(
    finished: Path, settings: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = finished / JOURNAL
    (root,) = rows(path, "SELECT rootpage FROM sqlite_master WHERE name = 'completions'")[0]
    with path.open("r+b") as file:
        file.seek(4096 * (root - 1))
        file.write(bytes(4096))
        file.truncate()

    mended(finished, settings())

    assert "the journal was damaged" in capsys.readouterr().err
    assert len(rows(path, "SELECT 1 FROM completions WHERE state = 'done'")) == ANSWERS - 1


@pytest.mark.parametrize("swapped", [DATABASE, JOURNAL])
def test_files_of_two_stores_are_named_before_rows_of_one_come_into_the_other(
    finished: Path, settings: Make, tmp_path: Path, swapped: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    record_calls(other / JOURNAL, range(20), of="b")
    copied(other, settings())
    for store in (finished, other):
        with closing(sqlite3.connect(store / JOURNAL)) as connection, connection:
            grave = ("url", f"https://{store.name}.example/", "asked", "2026-11-29 12:00:00")
            connection.execute("INSERT INTO tombstones VALUES (?, ?, ?, ?)", grave)
    (other / swapped).replace(finished / swapped)
    before = (finished / JOURNAL).read_bytes()

    with pytest.raises(BrokenError, match="of two stores: of 20 answers") as caught:
        Store.open(finished)

    assert caught.value.exit_code == 1
    assert DATABASE in caught.value.hint
    assert (finished / JOURNAL).read_bytes() == before
    with closing(duckdb.connect(str(finished / DATABASE))) as connection:
        assert connection.execute("SELECT * FROM tombstones").fetchall() == []
    (finished / DATABASE).rename(finished / "away")  # the way out
    Store.open(finished).close()


def test_some_flipped_ids_do_not_make_a_store_anothers(finished: Path) -> None:
    with closing(sqlite3.connect(finished / JOURNAL)) as connection, connection:
        connection.execute("UPDATE completions SET completion_id = 'x' || completion_id WHERE sequence % 3 = 0")

    Store.open(finished).close()


def test_a_database_of_before_the_latest_answers_is_the_same_stores(finished: Path) -> None:
    record_calls(finished / JOURNAL, range(50, 60))

    Store.open(finished).close()
