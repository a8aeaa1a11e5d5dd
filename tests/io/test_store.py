"""The DuckDB door: one writer, append-only, locked down, whole after a kill."""

import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io.storage import store as stores
from wellspring.tasks.io.storage.store import DatabaseMemoryError, Store

HOLD = """
import sys, time
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.contracts.records import Publication
store = Store.open(sys.argv[1], owner="the-other-run")
store.append("publications", [Publication("documents", "p", "kept")])
store._connection.begin()
store.append("publications", [Publication("documents", "p", "lost")])
print("held", flush=True)
time.sleep(60)
"""


def publication(run_id: str) -> records.Publication:
    return records.Publication("documents", "p", run_id)


@contextmanager
def holding(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_row_that_is_there_already_is_left_as_it_is(store_dir: Path) -> None:
    with Store.open(store_dir) as store:
        first = store.append("publications", [publication("a"), publication("b")])
        second = store.append("publications", [publication("b"), publication("c")])

        assert (first, second) == (2, 1)
        assert store.count("publications/all") == 3


def test_a_transaction_that_fails_leaves_nothing(store_dir: Path) -> None:
    with Store.open(store_dir) as store:
        with pytest.raises(KeyError), store.transaction():  # noqa: PT012 - what was written before it is the point
            store.append("publications", [publication("a")])
            raise KeyError

        assert store.count("publications/all") == 0


def test_a_stream_sees_the_table_as_it_was_when_it_began(store_dir: Path) -> None:
    with Store.open(store_dir) as store:
        store.append("publications", [publication(f"{i:05}") for i in range(5000)])

        seen = 0
        for frame in store.stream("publications/all", rows=100):
            store.append("publications", [publication(f"new-{seen}")])
            seen += frame.height

        assert seen == 5000


@pytest.mark.slow
def test_the_second_process_is_told_who_holds_the_store(store_dir: Path) -> None:
    with holding(store_dir) as process, pytest.raises(TransientError) as caught:
        Store.open(store_dir)

    assert f"process {process.pid} on " in caught.value.message
    assert "(run the-other-run)" in caught.value.message
    assert caught.value.exit_code == 3
    assert "wait=true" in caught.value.hint


@pytest.mark.slow
def test_a_killed_writer_leaves_what_it_committed_and_frees_the_lock(store_dir: Path) -> None:
    with holding(store_dir) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()

    with Store.open(store_dir) as store:
        assert store.query("publications/all")["run_id"].to_list() == ["kept"]
    assert stores.holder(store_dir) is None


def test_sql_reads_no_file_loads_no_extension_and_sees_no_variable(store_dir: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with Store.open(store_dir) as store:
        rows = [1]  # noqa: F841 - a replacement scan would find it

        for attack in (
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'other.duckdb'}'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SELECT * FROM rows",
            "SET enable_external_access = true",
            "SET python_enable_replacements = true",
            "SET lock_configuration = false",
            "SET allowed_configs = ['enable_external_access']",
        ):
            with pytest.raises(duckdb.Error):
                store._connection.execute(attack)


def test_a_damaged_database_is_named_with_the_way_out(store_dir: Path) -> None:
    Store.open(store_dir).close()
    (store_dir / "wellspring.duckdb").write_bytes(b"not a database" * 1000)

    with pytest.raises(BrokenError, match=r"wellspring\.duckdb cannot be opened") as caught:
        Store.open(store_dir)

    assert "nothing" in caught.value.hint or "no answer" in caught.value.hint
    assert stores.holder(store_dir) is None


def spoilt(store_dir: Path, data: bytes) -> BrokenError:
    Store.open(store_dir).close()
    (store_dir / "wellspring.duckdb").write_bytes(data)
    with pytest.raises(BrokenError, match=r"wellspring\.duckdb") as caught:
        Store.open(store_dir)
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize("data", [b"", bytes(50_000), b"SQLite format 3\0" + bytes(5_000), b"\x7fELF" * 3_000])
def test_the_way_out_of_a_database_that_cannot_be_opened_works(store_dir: Path, data: bytes) -> None:
    error = spoilt(store_dir, data)
    (store_dir / "wellspring.duckdb.wal").write_bytes(b"its log")

    (store_dir / "wellspring.duckdb").rename(store_dir / "away")
    with Store.open(store_dir) as store:
        assert store.count("publications/all") == 0

    assert "move wellspring.duckdb" in error.hint
    assert "free space" not in error.hint
    assert (store_dir / "wellspring.duckdb.wal.damaged-1").read_bytes() == b"its log"


def of_version(path: Path, version: int) -> None:
    """Have a database's file say that it is of another version of DuckDB, with the checksum that goes with it."""
    data, total = bytearray(path.read_bytes()), 5381
    data[12:20] = version.to_bytes(8, "little")
    for (word,) in struct.iter_unpack("<Q", data[8:4096]):
        total ^= word * 0xBF58476D1CE4E5B9 % 2**64
    data[:8] = total.to_bytes(8, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("version", [12, 900, 10_000])
def test_a_database_of_another_duckdb_says_which_one_this_is_and_is_left_as_it_is(
    store_dir: Path, version: int
) -> None:
    Store.open(store_dir).close()
    path = store_dir / "wellspring.duckdb"
    of_version(path, version)
    before = path.read_bytes()

    with pytest.raises(BrokenError, match=f"version number {version}") as caught:
        Store.open(store_dir)

    assert f"another version of DuckDB wrote it: use that one (this is {duckdb.__version__})" in caught.value.hint
    assert "free space" not in caught.value.hint
    assert path.read_bytes() == before
    path.rename(store_dir / "away")  # the other way out
    Store.open(store_dir).close()


def test_damage_that_only_a_query_meets_is_named_as_damage(store_dir: Path) -> None:
    with Store.open(store_dir) as store:
        store.append("failures", [records.Failure("documents", f"{n}", "f", f"{n}" * 2_000, "r") for n in range(2_000)])
    path = store_dir / "wellspring.duckdb"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(bytes(size // 2))

    with pytest.raises(BrokenError, match=r"wellspring\.duckdb") as caught, Store.open(store_dir) as store:
        store.query("failures/all")

    assert "move wellspring.duckdb" in caught.value.hint


def test_reading_where_no_store_is_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="there is no store") as caught:
        Store.read(tmp_path)

    assert "wellspring build" in caught.value.hint


def test_an_unknown_query_and_a_missing_parameter_are_named(store_dir: Path) -> None:
    with Store.open(store_dir) as store:
        with pytest.raises(BrokenError, match="no query `documents/nothing`"):
            store.query("documents/nothing")
        with pytest.raises(BrokenError, match=r"needs \$fingerprint"):
            store.query("shards/done", stage="documents")


def test_hostile_text_round_trips(store_dir: Path) -> None:
    hostile = 'x" (a int); DROP TABLE publications; -- \u202e\u0000 \U0001f600 ' + "'" * 50
    with Store.open(store_dir) as store:
        store.append("publications", [publication(hostile)])

        assert store.query("publications/all")["run_id"].to_list() == [hostile]


def test_what_does_not_fit_into_the_databases_memory_says_how_to_raise_it(tmp_path: Path) -> None:
    rows = [records.Publication("seeds", "p", f"{n:064d}") for n in range(100_000)]
    with Store.open(tmp_path / "ws", memory_mb=4) as store, pytest.raises(BrokenError, match="its 4 MB") as caught:
        store.append("publications", rows)

    assert "database_mb=8" in (caught.value.hint or "")


def written(store: Store, table: str, rows: list[Any]) -> int:
    with store.transaction():
        return store.append(table, rows)


def test_while_rows_stream_the_database_holds_little_and_then_all_it_may(store_dir: Path) -> None:
    def held(store: Store) -> str:
        return str(store._connection.sql("SELECT current_setting('memory_limit')").fetchall()[0][0])

    with Store.open(store_dir, memory_mb=512) as store:
        streaming = store.sparing(lambda: held(store))
        after = held(store)

    assert (streaming, after) == ("61.0 MiB", "488.2 MiB")


@pytest.mark.slow
def test_texts_of_many_times_the_little_pass_through_it(store_dir: Path) -> None:
    tries = list[int]()
    with Store.open(store_dir) as store:
        for shard in range(10):
            rows = [records.Failure("documents", f"{shard} {n}", "f", f"{n}" * 2_000, "r") for n in range(2_000)]

            def work(rows: list[Any] = rows) -> None:
                tries.append(len(rows))
                written(store, "failures", rows)

            store.sparing(work, 2_000 * 8_000)

        assert store.count("failures/all") == 20_000
    assert len(tries) == 10  # none was done again with more


def test_a_store_that_may_hold_less_than_little_says_so_when_a_commit_does_not_fit(tmp_path: Path) -> None:
    rows = [records.Publication("seeds", "p", f"{n:064d}") for n in range(50_000)]
    with Store.open(tmp_path / "ws", memory_mb=4) as store:
        with pytest.raises(DatabaseMemoryError):
            store.sparing(partial(written, store, "publications", rows))

        assert store.count("publications/all") == 0


@contextmanager
def small_disk(most_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("most_bytes", [0, 1_000, 20_000])
def test_a_disk_that_is_full_while_a_store_is_opened_is_named_and_leaves_no_lock(
    store_dir: Path, most_bytes: int
) -> None:
    with small_disk(most_bytes), pytest.raises(BrokenError, match="cannot be") as full:
        Store.open(store_dir)

    assert "free space" in full.value.hint
    Store.open(store_dir).close()


@pytest.mark.slow
def test_a_database_that_another_program_has_open_is_left_to_it(store_dir: Path) -> None:
    Store.open(store_dir).close()
    reads = "import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); input()"
    words = [sys.executable, "-c", reads, str(store_dir / "wellspring.duckdb")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"

        with pytest.raises(TransientError, match=str(reader.pid)) as parked:
            Store.open(store_dir)
        reader.communicate("")

    assert "close it there" in parked.value.hint
    Store.open(store_dir).close()


@pytest.mark.timeout(60)
def test_a_stream_that_somebody_still_holds_does_not_keep_its_store_from_being_opened_again(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.append("publications", [records.Publication("documents", f"p{n}", "run") for n in range(5000)])
        frames = store.stream("publications/all", rows=100)
        next(frames)

    with Store.open(tmp_path) as store:
        assert store.count("publications/all") == 5000
    assert next(frames, None) is None


def test_what_a_run_left_that_was_killed_while_its_pages_were_drawn_stops_no_later_one(tmp_path: Path) -> None:
    with Store.open(tmp_path / "ws") as store:
        store.execute("rows/open")  # the schema that a page's rows are sorted in
        store._connection.execute("CREATE TABLE browsed.lines AS SELECT 1 AS line")

    with Store.open(tmp_path / "ws") as store:
        schemas = store._connection.sql("SELECT schema_name FROM duckdb_schemas() WHERE NOT internal").fetchall()

    assert ("browsed",) not in schemas
