"""A damaged journal: what can be read is brought over, whatever led to it; the damaged file stays, through any kill."""

import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io import files
from wellspring.tasks.io.storage import journal, journal_file, outliving
from wellspring.tasks.io.storage.journal import Entry, Journal, record

ROWS = 300
LONG = "x" * 9_000  # a text that flows over to other pages


def filled(folder: Path, rows: int = ROWS) -> Path:
    """A journal of answers, every tenth of them long, each with its call and its attempt."""
    path = folder / "completions.sqlite"
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(rows):
            name, text = f"call {number}", f"answer {number}" + (LONG if number % 10 == 0 else "")
            connection.execute("INSERT INTO calls VALUES (?, 'generator', 'm', '{}')", (name,))
            connection.execute(
                "INSERT INTO attempts (completion_id, endpoint, run_id, reserved_micro_usd, cost_micro_usd, outcome)"
                " VALUES (?, 'e', 'r', 9, 7, 'done')",
                (name,),
            )
            record(connection, Entry(name, "done", "m", text, "stop", 5, 3, 0, 7, 1, 0.1), b"{}", "r")
        connection.execute("UPDATE ledger SET value = 7 * ?", (rows,))
    return path


def ids(rows: int) -> list[str]:
    """Completion ids as stores have them."""
    return [f"{number:020x}" for number in range(rows)]


def with_rows_alike(folder: Path, rows: int = 200) -> tuple[Path, dict[str, list[tuple[object, ...]]]]:
    """A journal whose tables have rows of the same types: what was asked and what was forgotten, jobs and money."""
    path = folder / "completions.sqlite"
    Journal(path).close()
    kinds = ("url", "domain", "source", "text", "instructions", "groundings")
    written: dict[str, list[tuple[object, ...]]] = {
        "calls": [(one, "generator", "m", '{"messages": []}') for one in ids(rows)],
        "tombstones": [
            (kinds[n % 6], f"https://{n}.example/ {ids(rows)[n]}", "asked", f"2026-11-29 12:00:{n % 60:02}.{n:06}")
            for n in range(rows)
        ],
        "decisions": [
            (("exclude", "include", "rollback", "forward")[n % 4], one, "asked", f"2026-11-30 12:00:{n % 60:02}.{n:06}")
            for n, one in enumerate(ids(rows))
        ],
        "batch_calls": [(one, 5, 1, None, None, None, 0) for one in ids(rows)],
        "ledger": [("sent_calls", 5), ("spent_micro_usd", 9)],
    }
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM ledger")
        for table, lines in written.items():
            connection.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(lines[0]))})", lines)
    return path, written


def root(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]


def spoil(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def found(path: Path) -> set[int]:
    """The answers of a journal, each with the text that was written."""
    with closing(Journal(path)) as opened:
        rows = opened.lookup([f"call {number}" for number in range(ROWS)])
    for name, entry in rows.items():
        number = int(name.split()[1])
        assert entry.text == f"answer {number}" + (LONG if number % 10 == 0 else "")
    return {int(name.split()[1]) for name in rows}


DAMAGE: dict[str, Callable[[Path], None]] = {
    "no magic": lambda path: spoil(path, 0, bytes(16)),
    "no header": lambda path: spoil(path, 0, b"\xff" * 100),
    "no first page": lambda path: spoil(path, 0, bytes(4096)),
    "of another program": lambda path: spoil(path, 0, b"PK\x03\x04 not a database at all"),
    "no root of the answers": lambda path: spoil(path, 4096 * (root(path, "completions") - 1), bytes(4096)),
    "no root of the calls": lambda path: spoil(path, 4096 * (root(path, "calls") - 1), b"\xaa" * 4096),
    "no indexes": lambda path: spoil(path, 4096 * (root(path, "sqlite_autoindex_completions_1") - 1), bytes(4096)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_every_answer_is_brought_over_though_nothing_leads_to_it(tmp_path: Path, damage: str) -> None:
    path = filled(tmp_path)
    DAMAGE[damage](path)
    spoilt = path.read_bytes()
    path.with_suffix(".damaged").touch()  # as who comes upon it notes it: not all of it is seen at opening

    brought = found(path)

    assert len(brought) >= ROWS - 60  # a page that is gone takes its rows along
    assert damage == "no root of the answers" or len(brought) == ROWS
    assert spoilt in {kept.read_bytes() for kept in tmp_path.glob("completions.sqlite.damaged-*")}


def test_a_journal_that_is_cut_keeps_what_is_left_of_it_and_says_what_is_lost(tmp_path: Path) -> None:
    path = filled(tmp_path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)

    said = journal_file.mended(path, owner="a test")
    brought = found(path)

    assert 0 < len(brought) < ROWS
    assert f"at most: {ROWS - len(brought)}" in said
    assert "completions.sqlite.damaged-1" in said
    assert (tmp_path / "completions.sqlite.damaged-1").stat().st_size == size // 2


def test_the_money_that_was_spent_stays_on_record(tmp_path: Path) -> None:
    path = filled(tmp_path)
    spoil(path, 0, bytes(4096))

    with closing(Journal(path)) as opened:
        assert opened.ledger.spent_micro_usd == 7 * ROWS
        assert opened.ledger.sent_calls >= ROWS


def test_what_only_the_log_of_a_killed_process_holds_is_brought_over(tmp_path: Path) -> None:
    path = filled(tmp_path, 10)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(10, 20):
            entry = Entry(f"call {number}", "done", "m", f"answer {number}", "stop", 5, 3, 0, 7, 1, 0.1)
            if number == 10:
                entry = entry._replace(text=entry.text + LONG)
            record(writer, entry, b"{}", "r")
        (tmp_path / "killed").mkdir()
        for name in (path.name, f"{path.name}-wal"):
            shutil.copyfile(tmp_path / name, tmp_path / "killed" / name)
    spoil(tmp_path / "killed" / path.name, 0, bytes(4096))

    assert found(tmp_path / "killed" / path.name) == set(range(20))


@pytest.mark.parametrize("shm", [None, b"", b"\xff" * 32768])
def test_the_shared_memory_of_a_killed_process_does_not_matter(tmp_path: Path, shm: bytes | None) -> None:
    path = filled(tmp_path)
    if shm is not None:
        path.with_name(f"{path.name}-shm").write_bytes(shm)

    assert found(path) == set(range(ROWS))
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_second_damage_is_kept_beside_the_first(tmp_path: Path) -> None:
    path = filled(tmp_path)
    for _ in range(2):
        spoil(path, 0, bytes(100))
        assert found(path) == set(range(ROWS))

    assert {kept.name for kept in tmp_path.glob("*.damaged-*")} == {f"{path.name}.damaged-{n}" for n in (1, 2)}


@pytest.mark.parametrize("step", ["set_aside", "put", "unlinked", "taken"])
def test_a_kill_while_it_is_saved_costs_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Each step is broken off; the next opening goes on from there."""
    path = filled(tmp_path)
    spoil(path, 0, bytes(4096))
    put = files.put

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def once(partial: Path, place: Path) -> None:
        if step == "unlinked" and partial.name.endswith(".saved"):
            killed()
        put(partial, place)
        if step == "put" and partial.name.endswith(".part"):
            killed()

    with monkeypatch.context() as patched:
        patched.setattr(files, "put", once)
        if step == "set_aside":
            patched.setattr(journal_file, "_save", killed)
        if step == "taken":
            patched.setattr(Path, "unlink", lambda self, **_: killed() if self.suffix == ".damaged" else None)
        with pytest.raises(KeyboardInterrupt):
            Journal(path)

    assert found(path) == set(range(ROWS))


def test_those_who_only_look_name_the_damage_and_leave_it_to_the_next_build(tmp_path: Path) -> None:
    path = filled(tmp_path)
    spoil(path, 0, bytes(100))

    for look in (journal.outcomes, journal.cut_texts):
        with pytest.raises(BrokenError, match=r"completions\.sqlite is damaged") as caught:
            look(path)

        assert "wellspring build" in caught.value.hint
    assert journal_file.shows_damage(path)
    assert path.read_bytes()[:100] == bytes(100)


def test_a_row_that_makes_no_sense_is_passed_over(tmp_path: Path) -> None:
    path = filled(tmp_path)
    number = 4096 * (root(path, "completions") - 1)
    leaf = struct.unpack(">I", path.read_bytes()[number + 4092 : number + 4096])[0]
    spoil(path, 4096 * (leaf - 1) + 8, b"\xff" * 64)
    spoil(path, 0, bytes(4096))

    assert len(found(path)) > ROWS // 2


ALIKE = ["calls", "tombstones", "decisions", "batch_calls", "ledger"]


@pytest.mark.parametrize("torn", [*ALIKE, "all"])
def test_rows_of_the_same_types_go_to_their_own_tables(tmp_path: Path, torn: str) -> None:
    path, written = with_rows_alike(tmp_path)
    if torn == "all":
        spoil(path, 0, bytes(4096))
    else:  # its inner page, or its only one
        spoil(path, 4096 * (root(path, torn) - 1), b"\xaa" * 4096)
    path.with_suffix(".damaged").touch()
    Journal(path).close()

    with closing(sqlite3.connect(path)) as connection:
        for table, rows in written.items():
            found = connection.execute(f"SELECT * FROM {table}").fetchall()
            assert set(found) <= {*rows, ("sent_calls", 0), ("spent_micro_usd", 0)}, table
            assert len(found) == len(rows) or torn == table, table
            assert torn != table or table == "ledger" or len(found) == len(rows), table


def test_a_call_is_never_taken_for_what_was_forgotten(tmp_path: Path) -> None:
    """Whatever its texts are: a role, a model and a request may look like a reason and a time."""
    path = tmp_path / "completions.sqlite"
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        alike = [(one, "url", "asked", "2026-11-29 12:00:00") for one in ids(90)]
        connection.executemany("INSERT INTO calls VALUES (?, ?, ?, ?)", alike)
    spoil(path, 0, bytes(4096))
    path.with_suffix(".damaged").touch()

    assert outliving.kept(path, needed=True) == {"tombstones": [], "decisions": []}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM calls").fetchall() == alike


@pytest.mark.parametrize("left", ["emptied", "deleted"])
def test_a_log_without_its_journal_is_brought_over(tmp_path: Path, left: str) -> None:
    """SQLite deletes the log of an empty file."""
    path = filled(tmp_path, 10)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("UPDATE completions SET run_id = 'again'")
        writer.execute("INSERT INTO tombstones VALUES ('url', 'https://a.example/', 'asked', '2026-11-29 12:00:00')")
        (tmp_path / "killed").mkdir()
        shutil.copyfile(f"{path}-wal", tmp_path / "killed" / f"{path.name}-wal")
    path = tmp_path / "killed" / path.name
    if left == "emptied":
        path.touch()

    for look in (journal.outcomes, journal.cut_texts) if left == "emptied" else ():
        with pytest.raises(BrokenError, match="is damaged"):
            look(path)
    kept = outliving.kept(path, needed=True)

    assert kept == {"tombstones": [("url", "https://a.example/", "asked", "2026-11-29 12:00:00")], "decisions": []}
    assert found(path) == set(range(10))


def test_a_saved_journal_numbers_on_from_where_it_was(tmp_path: Path) -> None:
    """A database takes a number that it has seen for an answer that it has."""
    path = filled(tmp_path)
    with closing(Journal(path)) as opened:
        opened.forget([f"call {number}" for number in range(ROWS - 50, ROWS)])
    spoil(path, 4096 * (root(path, "calls") - 1), bytes(4096))
    path.with_suffix(".damaged").touch()
    Journal(path).close()

    assert journal_file.last_number(path) == ROWS
