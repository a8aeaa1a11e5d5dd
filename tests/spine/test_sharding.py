"""The loop of computed stages: due shards only, one commit each, a killer unit alone is refused."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, Rejection, UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage import store as stores
from wellspring.tasks.io.storage.store import DatabaseMemoryError
from wellspring.tasks.spine.running import sharding, workers
from wellspring.tasks.spine.running.runs import Counts, Run
from wellspring.tasks.spine.running.sharding import Produced, Shard, Work

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]


def split_numbers(payload: Mapping[str, Any]) -> Produced:
    """Even numbers become passages, odd ones are refused, 13 kills its worker."""
    numbers: list[int] = payload["numbers"]
    if 13 in numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    if payload.get("raises"):
        raise OSError("this shard is broken")
    if 7 in numbers or payload.get("mistaken"):
        raise ValueError("seven is a number that nobody thought of")
    if 9 in numbers:
        raise MemoryError
    even = [n for n in numbers if n % 2 == 0]
    odd = [n for n in numbers if n % 2]
    return Produced(
        len(numbers),
        {
            "passages": pa.table(
                {
                    "passage_id": [f"p{n}" for n in even],
                    "document_id": ["d"] * len(even),
                    "start_chars": even,
                    "end_chars": even,
                    "text": [str(n) for n in even],
                    "tokens": [1] * len(even),
                },
                schema=without_writer("passages"),
            ),
            "rejections": refusals(odd, "odd"),
        },
    )


def without_writer(table: str) -> pa.Schema:
    known = {"run_id", "fingerprint"} | ({"stage"} if table == "rejections" else set())
    return pa.schema([f for f in records.schema(table) if f.name not in known])


def refusals(numbers: list[int], reason: str, detail: str = "") -> pa.Table:
    return pa.table(
        {"input_id": [f"n{n}" for n in numbers], "reason": [reason] * len(numbers), "detail": [detail] * len(numbers)},
        schema=without_writer("rejections"),
    )


def halves(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    numbers = payload["numbers"]
    middle = len(numbers) // 2
    return [{"numbers": part} for part in (numbers[:middle], numbers[middle:]) if part]


def refuse(payload: Mapping[str, Any], why: Rejection) -> Produced:
    return Produced(len(payload["numbers"]), {"rejections": refusals(payload["numbers"], why.reason, why.detail)})


WORK = Work(split_numbers, split=halves, refuse=refuse)


def shards(*groups: list[int], **more: Any) -> list[Shard]:
    return [Shard(f"s{group[0]:03}", {"numbers": group} | more) for group in groups]


def compute(run: Run, work: list[Shard]) -> Counts:
    run.activate("passages", {"f": "numbers"})
    return sharding.compute(run, stage="passages", fingerprint="f", shards=work, work=WORK)


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["thread", "process"])
def test_rows_and_refusals_add_up_and_carry_who_wrote_them(start: Start, settings: Make, runner: str) -> None:
    with start(settings(f"runner={runner}", "threads=2")) as run:
        counts = compute(run, shards([0, 1, 2], [3, 4]))
        rows = run.store.query("passages/unpublished")

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (5, 3, 2)
    assert set(rows["run_id"]) == {run.run_id}
    assert set(rows["fingerprint"]) == {"f"}


@pytest.mark.slow
def test_twice_is_once(start: Start, settings: Make) -> None:
    with start(settings("runner=thread")) as run:
        compute(run, shards([0, 1], [2]))
    with start(settings("runner=thread")) as run:
        again = compute(run, shards([0, 1], [2], [4]))

    assert again == Counts(rows_in=1, rows_out=1)


@pytest.mark.slow
def test_a_broken_shard_is_recorded_and_due_again_and_the_others_are_kept(start: Start, settings: Make) -> None:
    bad = shards([2], raises=True)
    with (
        start(settings("runner=thread")) as run,
        pytest.raises(BrokenError, match=r"1 of 2 shards of `passages` broke.*this shard is broken"),
    ):
        compute(run, shards([0]) + bad)
    with start(settings("runner=thread")) as run:
        failures = run.store.query("failures/all")
        counts = compute(run, shards([0], [2]))

    assert failures["shard_id"].to_list() == ["s002"]
    assert counts.rows_out == 1


@pytest.mark.slow
def test_only_the_unit_that_kills_its_worker_is_lost(start: Start, settings: Make) -> None:
    with start(settings("runner=process", "threads=2")) as run:
        counts = compute(run, shards([0, 2, 13, 4], [6, 8], [10]))
        refused = run.store.query("rejections/all")

    assert counts == Counts(rows_in=7, rows_out=6, rows_rejected=1)
    assert refused.select("input_id", "reason").rows() == [("n13", "killed_worker")]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "reason"), [(7, "method_error"), (9, "out_of_memory")])
def test_a_shard_that_breaks_is_split_until_one_unit_is_refused(
    start: Start, settings: Make, number: int, reason: str
) -> None:
    with start(settings("runner=process", "threads=2")) as run:
        counts = compute(run, shards([0, 2, number, 4], [6, 8]))
        refused = run.store.query("rejections/all").to_dicts()

    assert counts == Counts(rows_in=6, rows_out=5, rows_rejected=1)
    assert [(row["input_id"], row["reason"]) for row in refused] == [(f"n{number}", reason)]
    if number == 7:
        assert re.match(r"ValueError at tests/spine/test_sharding\.py:\d+: seven is", refused[0]["detail"])


@pytest.mark.slow
def test_where_all_shards_end_in_one_exception_nothing_is_refused_and_the_line_is_named(
    start: Start, settings: Make
) -> None:
    mistaken = shards([0], [2], mistaken=True)
    with (
        start(settings("runner=process", "threads=2")) as run,
        pytest.raises(
            BrokenError, match=r"each of the 2 rows of `passages` ended in ValueError at tests/spine/test_sh"
        ),
    ):
        compute(run, mistaken)
    with start(settings("runner=thread")) as run:
        refused = run.store.count("rejections/all")
        counts = compute(run, shards([0], [2]))

    assert refused == 0
    assert counts.rows_out == 2


KILLED = """
import os, sys
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import runs, sharding
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import test_sharding as t
chosen = settings.load(None, ["runner=thread", "threads=1"], environment={})
with runs.start("test", chosen, sys.argv[2], quiet=True) as run:
    t.compute(run, t.shards([0, 1], [2]))
    print("written", flush=True)
    import time; time.sleep(60)
"""


@pytest.mark.slow
def test_a_killed_run_is_marked_and_what_it_committed_is_not_done_again(
    start: Start, settings: Make, store_dir: Path
) -> None:
    command = [sys.executable, "-c", KILLED, __file__, str(store_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()

    with start(settings("runner=thread")) as run:
        counts = compute(run, shards([0, 1], [2], [3]))
        statuses = run.store.query("runs/all")["status"].to_list()

    assert counts == Counts(rows_in=1, rows_rejected=1)
    assert statuses == ["crashed", "running"]


def test_a_shard_id_that_could_leave_the_store_is_refused(start: Start, settings: Make) -> None:
    with start(settings("runner=thread")) as run, pytest.raises(BrokenError, match="cannot name a file"):
        sharding.compute(run, stage="passages", fingerprint="f", shards=[Shard("../../x")], work=WORK)


def test_dask_without_its_extra_says_how_to_get_it(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(UsageError, match="extra `dask`"), workers.executor(settings("runner=dask")):
        pass


@pytest.mark.slow
def test_a_commit_that_does_not_fit_into_little_memory_gets_all_that_is_allowed(
    start: Start, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "STREAM_MB", 2)
    monkeypatch.setattr(stores, "KEY_BYTES", 0)
    refused = list[str]()
    commit_tables = sharding._commit_tables

    def watched(*given: Any) -> dict[str, int]:
        try:
            return commit_tables(*given)
        except DatabaseMemoryError as error:
            refused.append(error.message)
            raise

    monkeypatch.setattr(sharding, "_commit_tables", watched)
    numbers = list(range(0, 200_000, 2))
    with start(settings(runner="thread")) as run:
        counts = compute(run, shards(numbers))

        assert counts.rows_out == run.store.count("passages/all") == len(numbers)
    assert len(refused) == 1


@pytest.mark.slow
def test_where_no_worker_can_start_nothing_is_refused_and_the_way_out_is_said(tmp_path: Path) -> None:
    unguarded = tmp_path / "unguarded.py"
    unguarded.write_text(
        "from wellspring.flows.dataset import dataset\n"
        f"dataset.fn(profile='smoke', store={str(tmp_path / 'ws')!r}, only='corpus')\n",
        encoding="utf-8",
    )
    here = Path(__file__).parents[2]

    ended = subprocess.run(
        [sys.executable, str(unguarded)],
        cwd=here,
        check=False,
        env=os.environ | {"PYTHONPATH": str(here)},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ended.returncode == 1
    assert "no worker process can start" in ended.stderr
    assert "__main__" in ended.stderr
    with stores.Store.open(tmp_path / "ws") as store:
        assert store.count("rejections/all") == 0
