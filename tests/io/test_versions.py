"""Versions of store and journal: older ones are brought up to date whole or not at all, newer ones are not touched."""

import signal
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from tests.old_stores import OLD, unpacked
from wellspring.flows.cli import app
from wellspring.tasks.contracts.errors import TransientError, UsageError
from wellspring.tasks.contracts.records import Publication
from wellspring.tasks.io.models import jobs as jobs_
from wellspring.tasks.io.storage import journal, journal_file, versions
from wellspring.tasks.io.storage.journal import Journal
from wellspring.tasks.io.storage.store import Store

LOOKS: dict[str, Callable[[Path], tuple[str, ...]]] = {
    "status": lambda store: ("status", "--store", str(store)),
    "trace": lambda store: ("trace", "abcd", "--store", str(store)),
    "doctor": lambda store: ("doctor", "--json", "--store", str(store)),
    "batches": lambda store: ("batches", "--store", str(store)),
    "build": lambda store: ("build", "--no-prefect", "--store", str(store)),
    "estimate": lambda store: ("estimate", "--store", str(store)),
    "forget": lambda store: ("forget", "--url", "https://example.org/", "--store", str(store)),
    "dashboard": lambda store: ("dashboard", "--store", str(store)),
}

# What a process does that is killed at a moment of an upgrade.
AT_ONCE = """
import os, signal, sys
from pathlib import Path
from wellspring.tasks.io.storage import journal_file, store as stores
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
"""
MOMENTS = {
    "tables altered, nothing committed": "stores.Store.append = die; stores.Store.open(folder)",
    "committed, no view made": "stores.views = die; stores.Store.open(folder)",
    "opened, not closed": "stores.Store.open(folder); die()",
}
STATEMENTS = """
connect = journal_file.connect
def dying(path):
    connection = connect(path)
    connection.create_function("die", 0, die)
    return connection
journal_file.connect = dying
due = journal_file.versions.due
def spoilt(what, version):
    parts = {n: text.split(";") for n, text in due(what, version).items()}
    return {n: ";".join([*those[:AT], " SELECT die()", *those[AT:]]) for n, those in parts.items()}
journal_file.versions.due = spoilt
journal_file.opened(folder / "completions.sqlite")
"""


def tables(store: Path) -> dict[str, list[Any]]:
    """The columns and the constraints of a store's tables, as the database has them, in order."""
    with closing(duckdb.connect(str(store / "wellspring.duckdb"), read_only=True)) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM duckdb_columns()"
            " WHERE table_name IN (SELECT table_name FROM duckdb_tables()) ORDER BY table_name, column_index"
        ).fetchall()
        constraints = connection.execute(
            "SELECT table_name, constraint_type, constraint_column_names FROM duckdb_constraints() ORDER BY ALL"
        ).fetchall()
    return {"columns": columns, "constraints": constraints}


def journal_tables(store: Path) -> dict[str, Any]:
    """The columns of a journal's tables, its indexes, and its version."""
    with closing(sqlite3.connect(store / "completions.sqlite")) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
        ).fetchall()
        found = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in sorted(names)}
        return found | {"indexes": indexes, "version": connection.execute("PRAGMA user_version").fetchone()}


def entries(store: Path) -> dict[str, tuple[str, str]]:
    with closing(sqlite3.connect(store / "completions.sqlite")) as connection:
        return {row[0]: row[1:] for row in connection.execute("SELECT completion_id, state, text FROM completions")}


def fresh(folder: Path) -> Path:
    Store.open(folder).close()
    Journal(folder / "completions.sqlite").close()
    return folder


def newer(folder: Path, what: str) -> Path:
    """A store of this version whose store or journal says that it is of the next."""
    fresh(folder)
    (folder / "settings.json").write_text("{}")
    if what == "store":
        with closing(duckdb.connect(str(folder / "wellspring.duckdb"))) as connection:
            connection.execute("INSERT INTO upgrades VALUES (?, 1, now()::TIMESTAMP)", [versions.newest(what) + 1])
    else:
        with closing(sqlite3.connect(folder / "completions.sqlite")) as connection:
            connection.execute(f"PRAGMA user_version = {versions.newest(what) + 1}")
    return folder


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of a folder, and when it was written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.mark.parametrize("name", OLD)
def test_an_old_store_gets_the_tables_of_a_fresh_one(name: str, tmp_path: Path) -> None:
    old = unpacked(name, tmp_path / "old")

    with Store.open(old) as store:
        rows = store.query("upgrades/all").to_dicts()
        thoughts = store.query("completions/by_role", role="responder")["thought"].to_list()

    assert tables(old) == tables(fresh(tmp_path / "fresh"))
    assert [(row["upgraded_from"], row["version"]) for row in rows] == [
        (number - 1, number) for number in range(1, versions.newest("store") + 1)
    ]
    assert thoughts
    assert set(thoughts) == {""}


def test_what_an_old_store_drew_for_pairs_is_of_that_use_and_no_answer(tmp_path: Path) -> None:
    old = unpacked("6154e7a", tmp_path / "old")
    with closing(duckdb.connect(str(old / "wellspring.duckdb"))) as connection:
        drawn = connection.execute("SELECT min(response_id) FROM responses").fetchone()
        connection.execute("UPDATE responses SET fingerprint = 'p' WHERE response_id = ?", drawn)
        connection.execute("INSERT INTO methods VALUES ('responses', 'p', 'answer_for_pairs', '{}', false, 'r')")

    with Store.open(old) as store:
        uses = dict(store._connection.execute("SELECT response_id, use FROM responses").fetchall())
        turns = store._connection.execute("SELECT DISTINCT history, tools, weight FROM instructions").fetchall()
        of_seeds = store._connection.execute("SELECT DISTINCT system, turns, tools FROM seeds").fetchall()

    assert drawn
    assert [name for name, use in uses.items() if use == "draw"] == [drawn[0]]
    assert {*uses.values()} == {"answer", "draw"}
    assert turns == [("", "", 1.0)]
    assert of_seeds == [("", "", "")]


@pytest.mark.parametrize("name", OLD)
def test_an_old_journal_gets_the_tables_of_a_fresh_one_and_keeps_every_answer(name: str, tmp_path: Path) -> None:
    old = unpacked(name, tmp_path / "old")
    before = entries(old)

    opened = Journal(old / "completions.sqlite")
    found = opened.lookup(list(before))
    opened.close()

    assert journal_tables(old) == journal_tables(fresh(tmp_path / "fresh"))
    assert {key: (entry.state, entry.text) for key, entry in found.items()} == before
    assert len(found) > 20
    assert opened.lost_rows == 0


def test_an_old_journal_can_be_read_by_those_who_only_look(tmp_path: Path) -> None:
    old = unpacked("00d5351", tmp_path / "old")

    jobs, ended = jobs_.listed(old), journal.outcomes(old / "completions.sqlite")

    assert jobs == []
    assert sum(number for *_, number in ended) > 20


def test_an_old_journal_that_an_older_wellspring_writes_is_left_to_it(tmp_path: Path) -> None:
    old = unpacked("6154e7a", tmp_path / "old")
    lock = journal_file.hold(old / "completions.lock", owner="older")

    with pytest.raises(TransientError, match="run older"):
        jobs_.listed(old)

    assert journal_file.version(old / "completions.sqlite") == 0
    assert lock


def test_a_damaged_old_journal_is_saved_into_one_of_this_version(tmp_path: Path) -> None:
    old = unpacked("6154e7a", tmp_path / "old")
    before, path = entries(old), old / "completions.sqlite"
    path.with_suffix(".damaged").touch()

    opened = Journal(path)
    found = opened.lookup(list(before))
    opened.close()

    assert journal_tables(old) == journal_tables(fresh(tmp_path / "fresh"))
    assert {key: (entry.state, entry.text) for key, entry in found.items()} == before


@pytest.mark.slow
@pytest.mark.parametrize("what", ["store", "journal"])
@pytest.mark.parametrize("command", LOOKS)
def test_what_a_newer_wellspring_wrote_is_refused_by_name_and_not_touched(
    command: str, what: str, tmp_path: Path
) -> None:
    folder = newer(tmp_path / "ws", what)
    before = everything(folder)

    result = CliRunner().invoke(app, LOOKS[command](folder))

    said = " ".join((str(result.exception), result.output))
    assert result.exit_code != 0
    assert f"has version {versions.newest(what) + 1}" in " ".join(said.split())
    assert f"up to {versions.newest(what)}" in " ".join(said.split())
    assert everything(folder) == before


@pytest.mark.parametrize("what", ["store", "journal"])
def test_nobody_opens_what_a_newer_wellspring_wrote(what: str, tmp_path: Path) -> None:
    folder = newer(tmp_path / "ws", what)
    doors = [lambda: Store.open(folder), lambda: Store.read(folder)]
    if what == "journal":
        path = folder / "completions.sqlite"
        doors += [lambda: Journal(path), lambda: journal_file.read_only(path), lambda: journal.outcomes(path)]
    before = everything(folder)

    for door in doors:
        with pytest.raises(UsageError, match="this Wellspring knows") as caught:
            door()
        assert "--store" in caught.value.hint

    assert everything(folder) == before


def test_a_newer_journal_that_was_damaged_is_not_saved_into_an_older_one(tmp_path: Path) -> None:
    folder = newer(tmp_path / "ws", "journal")
    (folder / "completions.damaged").touch()

    with pytest.raises(UsageError):
        Journal(folder / "completions.sqlite")

    assert not (folder / "completions.damaged.sqlite").exists()


def killed(script: str, store: Path) -> None:
    done = subprocess.run([sys.executable, "-c", AT_ONCE + script, str(store)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_upgrade_of_the_store_that_was_killed_is_finished_by_the_next_opening(moment: str, tmp_path: Path) -> None:
    old = unpacked("6154e7a", tmp_path / "old")
    with closing(duckdb.connect(str(old / "wellspring.duckdb"), read_only=True)) as connection:
        calls = connection.execute("SELECT completion_id, text FROM completions ORDER BY ALL").fetchall()
    for _ in range(2):
        killed(MOMENTS[moment], old)

    with Store.open(old) as store:
        store.append("publications", [Publication("documents", "p", "new")])
        kept = store.query("completions/by_role", role="responder").height
        numbers = store.query("upgrades/all")["version"].to_list()

    assert tables(old) == tables(fresh(tmp_path / "fresh"))
    assert numbers == list(range(1, versions.newest("store") + 1))
    assert 0 < kept <= len(calls)
    with closing(duckdb.connect(str(old / "wellspring.duckdb"), read_only=True)) as connection:
        assert connection.execute("SELECT completion_id, text FROM completions ORDER BY ALL").fetchall() == calls


@pytest.mark.slow
@pytest.mark.parametrize("at", range(1, 5))
def test_an_upgrade_of_the_journal_that_was_killed_is_finished_by_the_next_opening(at: int, tmp_path: Path) -> None:
    old = unpacked("00d5351", tmp_path / "old")
    before = entries(old)
    killed(STATEMENTS.replace("AT]", f"{at}]").replace("[AT:", f"[{at}:"), old)

    half = journal_file.version(old / "completions.sqlite")
    opened = Journal(old / "completions.sqlite")
    found = opened.lookup(list(before))
    opened.close()

    assert half == 0
    assert journal_tables(old) == journal_tables(fresh(tmp_path / "fresh"))
    assert found.keys() == before.keys()


def test_a_fresh_store_whose_making_was_killed_is_made_by_the_next_opening(tmp_path: Path) -> None:
    killed("stores.Store.append = die; stores.Store.open(folder)", tmp_path / "ws")

    with Store.open(tmp_path / "ws") as store:
        rows = store.query("upgrades/all").to_dicts()

    assert [(row["version"], row["upgraded_from"]) for row in rows] == [(versions.newest("store"), None)]


def test_rows_are_appended_by_the_names_of_their_columns(tmp_path: Path) -> None:
    with Store.open(tmp_path / "ws") as store:
        store._connection.execute("DROP TABLE publications")
        store._connection.execute(
            "CREATE TABLE publications (run_id VARCHAR PRIMARY KEY, fingerprint VARCHAR, noun VARCHAR)"
        )
        store.append("publications", [Publication("documents", "p", "a run")])

        assert store.query("publications/all").rows(named=True) == [
            {"run_id": "a run", "fingerprint": "p", "noun": "documents"}
        ]


def test_a_thought_is_kept_beside_its_answer_and_a_changed_one_counts_as_lost(tmp_path: Path) -> None:
    path = tmp_path / "completions.sqlite"
    plain = journal.Entry("a", "done", "m", "text", "stop", 1, 1, 0, 0, 1, 0.1)
    thinking = plain._replace(completion_id="b", thought="so be it", tool_calls="[]", logprobs="[-1]", served="m-2")
    opened = Journal(path)
    for entry in (plain, thinking):
        opened.end(entry, "run")
    found, rows = opened.lookup(["a", "b"]), opened.after(0, 10)
    opened.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE completions SET thought = 'so be if' WHERE completion_id = 'b'")

    opened = Journal(path)
    left = opened.lookup(["a", "b"])
    opened.close()

    assert found == {"a": plain, "b": thinking}
    assert rows[1][-4:] == ("so be it", "[]", "[-1]", "m-2")
    assert left.keys() == {"a"}
    assert plain.checksum() == zlib.crc32(b"a done m text")  # as before there were thoughts
