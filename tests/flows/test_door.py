"""The Python front door: what it returns, what it refuses, and that importing it changes nothing."""

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

import wellspring
from wellspring.flows import choices
from wellspring.tasks.contracts import settings

SAMPLE = Path(__file__).parents[2] / "deployments" / "sample"
FEW = {"limit": 4, "runner": "thread"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> wellspring.Built:
    return wellspring.build(store=tmp_path_factory.mktemp("door") / "ws", **FEW)


def test_importing_it_loads_and_changes_nothing() -> None:
    code = (
        "import os, signal, sys, threading; before = dict(os.environ), set(sys.modules), threading.active_count();"
        "import wellspring; assert dict(os.environ) == before[0]; assert threading.active_count() == before[2];"
        "print(sorted(m for m in set(sys.modules) - before[1] if m.split('.')[0] in "
        "{'numpy', 'polars', 'duckdb', 'prefect', 'openai', 'pydantic'} or m.startswith('wellspring.')))"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "[]"


@pytest.mark.slow
def test_a_build_says_what_it_did(built: wellspring.Built) -> None:
    stages = built.stages

    assert not built.is_idle
    assert {"documents", "instructions", "exports"} <= set(stages["stage"])
    assert all(file.is_file() for file in built.files)
    assert built.run_id in built.facts["page"]


@pytest.mark.slow
def test_a_second_build_has_nothing_to_do(built: wellspring.Built) -> None:
    again = wellspring.build(store=built.store, **FEW)

    assert again.is_idle
    assert again.files == built.files


@pytest.mark.slow
def test_a_pilot_is_built_and_kept_and_the_rest_is_estimated_by_it(tmp_path: Path) -> None:
    few = {"limit": 8, "runner": "thread"}

    found = wellspring.estimate(store=tmp_path / "ws", pilot=3, **few)
    with wellspring.open(tmp_path / "ws") as store:
        settled = store._store.query("settled/means").rows()
    built = wellspring.build(store=tmp_path / "ws", **few)

    stages = {stage["stage"]: stage for stage in found["stages"]}
    assert {stages[name]["settled"] for name in ("groundings", "responses")} == {3}
    assert all(inputs <= 3 for _, inputs, _ in settled)
    assert stages["groundings"]["waves"] >= 2
    assert built.stages.filter(stage="groundings")["rows_in"].to_list() == [5]


@pytest.mark.slow
def test_rows_in_force_are_frames(built: wellspring.Built) -> None:
    with wellspring.open(built.store) as store:
        lines, texts = store.rows("exports"), store.rows("instructions")

    exported = built.files[0].read_text(encoding="utf-8").splitlines()
    assert len(lines.filter(pl.col("path") == str(built.files[0].relative_to(built.store)))) == len(exported)
    assert texts["text"].str.len_chars().min() > 0


@pytest.mark.slow
def test_what_was_refused_has_a_reason(built: wellspring.Built) -> None:
    with wellspring.open(built.store) as store:
        refused = store.refused()
        reason = refused["reason"][0]
        some = store.refused(refused["stage"][0], reason)

    assert refused["reason"].is_not_null().all()
    assert set(some["reason"]) == {reason}


@pytest.mark.slow
def test_a_row_is_traced_to_the_bytes_of_its_page(built: wellspring.Built) -> None:
    with wellspring.open(built.store) as store:
        (row_id, *_) = store.rows("instructions").filter(pl.col("document_id").is_not_null())["instruction_id"]
        tree = store.trace(row_id)
        page = store.record(row_id)

    assert row_id in str(tree).splitlines()[0]
    assert "document" in str(tree)
    assert page.startswith((b"WARC/", b"HTTP/"))


@pytest.mark.slow
def test_status_is_that_of_the_command_line(built: wellspring.Built) -> None:
    command = [sys.executable, "-m", "wellspring.flows.cli", "status", "--store", str(built.store), "--json"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    with wellspring.open(built.store) as store:
        facts = store.status()

    assert {row["stage"]: row["rows_valid"] for row in facts["stages"]} == {
        row["stage"]: row["rows_valid"] for row in said["stages"]
    }


@pytest.mark.slow
def test_an_unknown_table_is_refused_with_those_that_come_near(built: wellspring.Built) -> None:
    with wellspring.open(built.store) as store:
        with pytest.raises(wellspring.UsageError, match="no table `instruction`") as refused:
            store.rows("instruction")
        with pytest.raises(wellspring.UsageError, match="no stage `intructions`"):
            store.refused("intructions")
        with pytest.raises(wellspring.UsageError, match="nothing is refused for `to_short`"):
            store.refused(reason="to_short")

    assert "instructions" in refused.value.hint


def test_where_there_is_no_store_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(wellspring.BrokenError, match="there is no store"):
        wellspring.open(tmp_path / "nowhere")

    assert not list(tmp_path.iterdir())


def test_settings_are_given_as_values() -> None:
    values = {
        "limit": 3,
        "replay": True,
        "exports": {"formats": ["raw"]},
        "seeds": {"paths": ['a "name"\x7f']},
        "models": {"generator": {"model": "m", "extra_body": {"a.b": {"c": [1, 2.5, False]}}}},
    }

    found = settings.load(None, choices.of_values(values), environment={})

    assert (found.limit, found.replay) == (3, True)
    assert (found.seeds.paths, found.exports.formats) == (('a "name"\x7f',), ("raw",))
    assert found.models.generator.extra_body == {"a.b": {"c": [1, 2.5, False]}}


@pytest.mark.parametrize("values", [{"limit": None}, {"models": {"generator": {"extra_body": {"x": object()}}}}])
def test_a_value_that_no_profile_can_hold_is_refused_by_its_name(values: dict[str, object]) -> None:
    with pytest.raises(wellspring.UsageError, match=r"`(limit|models\.generator\.extra_body)` cannot be"):
        wellspring.build(store="nowhere", **values)

    assert not Path("nowhere").exists()


def test_a_setting_that_is_misspelt_is_refused_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(wellspring.UsageError, match=r"documents\.extracter"):
        wellspring.build(store=tmp_path / "ws", documents={"extracter": "x"})

    assert not (tmp_path / "ws").exists()


@pytest.mark.slow
def test_it_builds_inside_a_running_event_loop(tmp_path: Path) -> None:
    async def cell() -> wellspring.Built:
        return wellspring.build(store=tmp_path / "ws", only="corpus", **FEW)

    assert len(asyncio.run(cell()).stages)


@pytest.mark.slow
def test_two_stores_are_built_side_by_side_and_one_inside_the_other(tmp_path: Path) -> None:
    from wellspring.tasks.spine.running import runs

    made = threading.Thread(target=wellspring.build, kwargs={"store": tmp_path / "a", "only": "corpus", **FEW})
    made.start()
    wellspring.build(store=tmp_path / "b", only="corpus", **FEW)
    made.join()
    chosen = settings.load("smoke", ["limit=4", "runner=thread"], environment={})
    with runs.start("outer", chosen, tmp_path / "a", quiet=True) as outer:
        wellspring.build(store=tmp_path / "c", only="corpus", **FEW)
        with runs.start("inner", chosen, f"{tmp_path}/./a", quiet=True) as inner:
            assert inner is outer

    counted = []
    for name in ("a", "b", "c"):
        with wellspring.open(tmp_path / name) as store:
            counted.append(len(store.rows("documents")))
    assert counted[0] == counted[1] == counted[2] > 0


@pytest.mark.slow
def test_a_store_that_another_thread_builds_is_busy(tmp_path: Path) -> None:
    from wellspring.tasks.spine.running import runs

    chosen, refused = settings.load("smoke", [], environment={}), []

    def build() -> None:
        try:
            wellspring.build(store=tmp_path / "ws", **FEW)
        except wellspring.TransientError as error:
            refused.append(error)

    with runs.start("outer", chosen, tmp_path / "ws", quiet=True):
        thread = threading.Thread(target=build)
        thread.start()
        thread.join()

    assert len(refused) == 1
