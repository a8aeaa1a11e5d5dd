"""Stores that earlier commits made go on under this one: nothing is paid twice, and old rows are not mixed with new."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests import light
from tests.old_stores import OLD, unpacked
from wellspring.flows.cli import app
from wellspring.flows.dataset import dataset
from wellspring.flows.retry import retry
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.recipes import answer
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching import summaries

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What this commit makes of the sample that the old stores were made from, under their settings."""
    folder = tmp_path_factory.mktemp("fresh")
    profile = str(unpacked("6154e7a", folder / "old") / "settings.json")
    with light.unaudited(), light.pageless():
        dataset.fn(profile=profile, store=str(folder / "ws"))
    return folder / "ws"


def go_on(store: Path, *overrides: str, only: str | None = None) -> dict[str, Any]:
    dataset.fn(profile=str(store / "settings.json"), store=str(store), overrides=list(overrides), only=only)
    return facts(store)


def facts(store: Path) -> dict[str, Any]:
    with Store.read(store) as opened:
        return summaries.of_run(opened)


def calls(said: dict[str, Any]) -> int:
    return sum(row["calls"] for row in said["stages"])


def paid_twice(store: Path) -> list[str]:
    with closing(sqlite3.connect(store / "completions.sqlite")) as connection:
        answered = "SELECT completion_id FROM attempts WHERE outcome = 'done' GROUP BY 1 HAVING count(*) > 1"
        return [row[0] for row in connection.execute(answered)]


def exported(store: Path, form: str = "messages") -> dict[str, Any]:
    lines = (store / "exports" / "wellspring-sample" / form / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return {json.loads(line)["id"]: json.loads(line) for line in lines}


def overtaken(store: Path) -> int:
    """Exported instructions whose page or seed is not in force."""
    with Store.read(store) as opened:
        return opened._connection.execute(
            "SELECT count(*) FROM valid_exports JOIN responses ON row_id = response_id JOIN instructions"
            " USING (instruction_id) WHERE input_id NOT IN (SELECT document_id FROM valid_documents"
            " UNION ALL SELECT seed_id FROM valid_seeds)"
        ).fetchone()[0]  # pyright: ignore[reportOptionalSubscript]


def status(store: Path) -> tuple[dict[str, Any], str]:
    asked = ["status", "--store", str(store)]
    found, said = CliRunner().invoke(app, [*asked, "--json"]), CliRunner().invoke(app, asked)
    assert (found.exit_code, said.exit_code) == (0, 0)
    return json.loads(found.stdout), " ".join(said.output.split())


@pytest.mark.parametrize("name", OLD)
def test_an_old_store_that_goes_on_exports_what_a_fresh_one_does_and_pays_nothing_twice(
    name: str, fresh: Path, tmp_path: Path
) -> None:
    old = unpacked(name, tmp_path / "ws")

    first = go_on(old)
    again = go_on(old)

    assert exported(old) == exported(fresh)
    assert calls(first) <= calls(facts(fresh))
    assert paid_twice(old) == []
    assert overtaken(old) == 0
    assert again["is_idle"]
    assert exported(old) == exported(fresh)


@pytest.mark.parametrize("name", OLD)
@pytest.mark.usefixtures("unaudited", "pageless")
def test_an_old_store_is_looked_at_exported_and_retried(name: str, tmp_path: Path) -> None:
    old = unpacked(name, tmp_path / "ws")
    before = exported(old)
    row = next(name for name, row in before.items() if row["recipe"] == "attributed_grounding")

    traced = CliRunner().invoke(app, ["trace", row, "--store", str(old)])
    one = go_on(old, 'exports.formats=["messages", "alpaca"]', only="curation")
    told = exported(old)
    retry.fn(profile=str(old / "settings.json"), store=str(old))

    assert traced.exit_code == 0
    assert "document" in traced.output
    assert {row["stage"] for row in one["stages"] if row["calls"]} == {"scores"}  # judges are asked by new prompts
    assert {key: {name: row[name] for name in before[key]} for key, row in told.items()} == before
    assert len(exported(old, "alpaca")) == len(exported(old))
    assert overtaken(old) == 0


@pytest.mark.usefixtures("unaudited", "pageless")
def test_an_old_store_that_went_on_can_be_replayed_from_its_journal(tmp_path: Path) -> None:
    old = unpacked("6154e7a", tmp_path / "ws")
    go_on(old)
    before = exported(old)
    (old / "wellspring.duckdb").unlink()

    replayed = go_on(old, "replay=true")

    assert calls(replayed) == 0
    assert exported(old) == before


@pytest.mark.usefixtures("unaudited", "pageless")
def test_pages_that_were_read_anew_take_what_was_written_for_the_old_ones_out(tmp_path: Path) -> None:
    old = unpacked("00d5351", tmp_path / "ws")
    before = exported(old)

    go_on(old, only="corpus")
    go_on(old, only="curation")

    left = exported(old)
    assert {row["recipe"] for row in before.values()} == {"attributed_grounding", "knn_instruct"}
    assert {row["recipe"] for row in left.values()} == {"knn_instruct"}
    assert left.keys() < before.keys()
    assert overtaken(old) == 0


def test_status_says_what_an_upgrade_makes_due(tmp_path: Path) -> None:
    old = unpacked("00d5351", tmp_path / "ws")

    found, said = status(old)

    due = {row["stage"]: row["rows_due"] for row in found["stages"] if row["rows_due"]}
    assert found["versions"]["upgrades"][0]["upgraded_from"] == 0
    assert "the store was upgraded from version 0 to 1 at" in said
    assert {"documents", "groundings"} <= set(found["changed"])
    assert (due["documents"], due["groundings"]) == (44, 8)
    assert "`documents`: its rows were written by an older method; 44 are due again" in said
    assert "goes on" in said


def test_status_counts_under_the_codes_methods_and_a_run_then_does_just_that(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shutil.copytree(fresh, tmp_path / "ws")
    before, _ = status(store)
    monkeypatch.setattr(answer, "VERSION", answer.VERSION + 1)

    found, said = status(store)
    done = go_on(store)
    after, _ = status(store)

    due = {row["stage"]: row["rows_due"] for row in found["stages"] if row["rows_due"]}
    answered = next(row["rows_in"] for row in done["stages"] if row["stage"] == "responses")
    assert before["changed"] == after["changed"] == []
    assert found["changed"] == ["responses"]
    assert due == {"responses": answered}
    assert f"`responses`: its rows were written by an older method; {answered} are due again" in said


def instruction(name: str, input_id: str, number: int) -> records.Instruction:
    composed = ("document_id", "scene", "ability", "knowledge", "output", "extra_information")
    rest: dict[str, Any] = dict.fromkeys(composed)
    rest |= {"recipe": "knn_instruct", "draw": 0, "text": name, "parent_ids": [], "completion_id": "c", "run_id": "r"}
    return records.Instruction(name, f"round {number}", input_id, round=number, **rest)


def test_what_later_rounds_deduced_from_an_overtaken_instruction_is_overtaken_with_it(
    start: Any, settings: Callable[..., Settings]
) -> None:
    seeds = [records.Seed(name, "read", "s", 0, name, None, "en", 3, "r") for name in ("old", "new")]
    rows = [instruction("a", "old", 1), instruction("b", "a", 2), instruction("c", "b", 3), instruction("d", "new", 1)]
    with start(settings()) as run:
        _fill(run, seeds, rows)
        both = run.store.query("instructions/written")["instruction_id"].to_list()
        run.store.append("rejections", [records.RejectionRow("seeds", "old", "read", "near_duplicate", "", "r")])

        left = run.store.query("instructions/written")["instruction_id"].to_list()

    assert sorted(both) == ["a", "b", "c", "d"]
    assert left == ["d"]


def _fill(run: Run, seeds: list[records.Seed], rows: list[records.Instruction]) -> None:
    run.activate("seeds", {"read": "read"})
    run.activate("instructions", {row.fingerprint: "knn" for row in rows})
    run.store.append("seeds", seeds)
    run.store.append("instructions", rows)
    for noun in ("seeds", "instructions"):
        run.store.execute(f"{noun}/publish")
