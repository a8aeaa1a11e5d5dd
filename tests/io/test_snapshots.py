"""Snapshots: readers turn nobody away and are never turned away; a snapshot is whole and as new as can be."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.contracts.records import Publication
from wellspring.tasks.io.storage import holding, snapshots
from wellspring.tasks.io.storage import store as stores
from wellspring.tasks.io.storage.store import DATABASE, Store

NOTEBOOK = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
time.sleep(float(sys.argv[2]))
connection.close()
"""
DYING = """
import os, signal, sys
from wellspring.tasks.io import files
from wellspring.tasks.io.storage import snapshots, store as stores
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
store = stores.Store.open(sys.argv[1])
store.append("publications", [stores.records.Publication("documents", "p", "later")])
"""
MOMENTS = {
    "while it is copied": "snapshots._copy_one = die",
    "copied, not on disk": "files.flush = die",
    "on disk, not named": "files.write_json = die",
    "named, the old one still there": "snapshots._sweep = die",
}


def publication(run_id: str) -> Publication:
    return Publication("documents", "p", run_id)


def runs_in(store: Store) -> list[str]:
    return store.query("publications/all")["run_id"].sort().to_list()


def notebook(store: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", NOTEBOOK, str(store / DATABASE), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_a_reader_beside_a_writer_sees_what_was_committed_when_the_snapshot_was_made(store_dir: Path) -> None:
    with Store.open(store_dir, owner="a run") as store:
        store.append("publications", [publication("a")])
        with store.transaction():
            store.append("publications", [publication("not committed")])
            store.share("a run")
        store.append("publications", [publication("later")])

        with Store.read(store_dir) as one, Store.read(store_dir) as two:
            seen = runs_in(one), runs_in(two)
            made_by = one.snapshot.made_by if one.snapshot else ""
            store.share("a run")
            old = runs_in(one)
        with Store.read(store_dir) as three:
            new = runs_in(three)

    assert seen == (["a"], ["a"])
    assert made_by == "a run"
    assert old == ["a"]  # who has one open reads on in it
    assert new == ["a", "later", "not committed"]


def test_of_a_store_that_nobody_holds_a_reader_sees_all_and_opens_no_file_that_a_writer_wants(store_dir: Path) -> None:
    with Store.open(store_dir) as store:
        store.append("publications", [publication("a")])
    with Store.read(store_dir) as first, Store.open(store_dir) as store:
        store.append("publications", [publication("b")])
        before = runs_in(first)
    with Store.read(store_dir) as second, Store.read(store_dir) as third:
        same = second.snapshot == third.snapshot
        after = runs_in(third)

    assert (before, after, same) == (["a"], ["a", "b"], True)
    assert len(list((store_dir / "snapshot").glob("at-*"))) == 1


def test_a_reader_cannot_write(store_dir: Path) -> None:
    Store.open(store_dir).close()

    with Store.read(store_dir) as store, pytest.raises(duckdb.Error, match="read-only"):
        store.append("publications", [publication("a")])


def test_a_copy_to_work_on_is_the_readers_own_and_gone_afterwards(store_dir: Path) -> None:
    Store.open(store_dir).close()

    with Store.read(store_dir, works=True) as store:
        store.execute("rows/open")
        store.append("publications", [publication("a")])
    with Store.read(store_dir) as again:
        kept = runs_in(again)

    assert kept == []
    assert list((store_dir / "reading").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_while_a_snapshot_is_made_leaves_a_whole_one(moment: str, store_dir: Path) -> None:
    with Store.open(store_dir) as store:
        store.append("publications", [publication("a")])
        store.share("a run")
        script = f"{DYING}{MOMENTS[moment]}\nstore.share('another')"
    done = subprocess.run([sys.executable, "-c", script, str(store_dir)], check=False)
    noted = snapshots.latest(store_dir)
    assert noted is not None
    with closing(duckdb.connect(str(snapshots.path_of(store_dir, noted)), read_only=True)) as connection:
        found = connection.execute("SELECT run_id FROM publications ORDER BY ALL").fetchall()

    assert done.returncode == -signal.SIGKILL
    assert found == ([("a",), ("later",)] if moment.startswith("named") else [("a",)])
    with Store.read(store_dir) as store:
        assert runs_in(store) == ["a", "later"]
    with Store.open(store_dir) as store:
        store.share("the next")
    assert len({path.name.partition(".")[0] for path in (store_dir / "snapshot").glob("at-*")}) == 1


def test_a_store_at_work_that_has_no_snapshot_yet_parks_a_reader(
    store_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "FIRST_SECONDS", 0.1)
    with Store.open(store_dir), pytest.raises(TransientError, match="nothing to read yet") as parked:
        Store.read(store_dir)

    assert parked.value.exit_code == 3


def test_a_damaged_snapshot_is_made_again_and_named_while_it_cannot_be(store_dir: Path) -> None:
    with Store.open(store_dir) as store:
        store.append("publications", [publication("a")])
        store.share("a run")
        noted = snapshots.latest(store_dir)
        assert noted is not None
        snapshots.path_of(store_dir, noted).write_bytes(b"no database" * 1000)
        with pytest.raises(BrokenError, match=r"snapshot/at-\d+\.duckdb \(a copy of .*\) cannot be opened") as named:
            Store.read(store_dir)
    with Store.read(store_dir) as store:
        assert runs_in(store) == ["a"]

    assert "delete the folder" in named.value.hint


@pytest.mark.parametrize("said", [b"", b"{", b'{"file": "../wellspring.duckdb"}', b"[" * 5000])
def test_a_note_that_says_nothing_or_leads_elsewhere_is_made_again(store_dir: Path, said: bytes) -> None:
    Store.open(store_dir).close()
    Store.read(store_dir).close()
    (store_dir / "snapshot" / "snapshot.json").write_bytes(said)

    with Store.read(store_dir) as store:
        assert store.snapshot == snapshots.latest(store_dir)


def test_snapshots_take_a_small_share_of_the_time(store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, made = [1000.0], list[float]()
    monkeypatch.setattr(stores.time, "monotonic", lambda: clock[0])

    def slow_copy(database: Path, target: Path) -> None:
        made.append(clock[0])
        clock[0] += 30
        copy(database, target)

    copy = snapshots.copy
    with Store.open(store_dir) as store:
        monkeypatch.setattr(snapshots, "copy", slow_copy)
        for _ in range(200):
            clock[0] += 20
            store.share_in_time("a run")

    assert made[0] > 1000 + snapshots.EVERY_SECONDS
    assert all(later - before >= snapshots.SHARE * 30 for before, later in pairwise(made))
    assert len(made) >= 2


@pytest.mark.slow
def test_a_program_that_is_no_run_of_ours_is_named_and_the_run_parks_or_waits(
    store_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(store_dir).close()
    monkeypatch.setattr(stores, "FOREIGN_SECONDS", 0.3)
    process = notebook(store_dir, 60)
    pid = process.pid

    with pytest.raises(TransientError) as parked:
        Store.open(store_dir)
    with Store.read(store_dir) as store:
        seen = runs_in(store)
    process.kill()
    process.communicate()
    monkeypatch.setattr(stores, "FOREIGN_SECONDS", 30)
    process = notebook(store_dir, 0.5)
    Store.open(store_dir).close()
    process.communicate()

    assert f"process {pid} (" in parked.value.message
    assert "duckdb.connect" in parked.value.message  # its command
    assert parked.value.exit_code == 3
    assert "move" not in parked.value.hint
    assert seen == []
    assert holding.holder(store_dir) is None


def test_a_look_at_the_lock_turns_no_writer_away(store_dir: Path) -> None:
    Store.open(store_dir).close()
    descriptor = os.open(store_dir / holding.LOCK, os.O_RDWR)
    os.write(descriptor, b'{"pid": 1, "host": "elsewhere", "owner": "one that was killed"}')
    os.close(descriptor)
    door = "import sys; from wellspring.tasks.io.storage.holding import holder"
    looking = f"{door}\nprint(flush=True)\nwhile True: holder(sys.argv[1])"
    process = subprocess.Popen([sys.executable, "-c", looking, str(store_dir)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()

    try:
        for _ in range(30):
            os.close(holding.acquire(store_dir, wait=False))
    finally:
        process.kill()
        process.communicate()
