"""A VERSION that is raised is told before it is built, and the build makes exactly the rows that were told."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests import light
from wellspring.flows import terminal
from wellspring.flows.cli import app
from wellspring.flows.dataset import dataset
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.answers import checks
from wellspring.tasks.methods.instructions import acceptance
from wellspring.tasks.methods.pages import quality
from wellspring.tasks.spine.watching import summaries

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unaudited", "pageless")]

CHOSEN = ["limit=8", 'documents.quality=["c4.sentences"]']


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("built") / "ws"
    with light.unaudited(), light.pageless():
        dataset.fn(profile="smoke", store=str(store), overrides=CHOSEN)
    return store


def estimate(store: Path) -> dict[str, Any]:
    chosen = [part for one in CHOSEN for part in ("--set", one)]
    said = CliRunner().invoke(app, ["estimate", "--profile", "smoke", "--store", str(store), *chosen, "--json"])
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def superseded(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["stage"]: one for one in found["superseded"]}


def build(store: Path) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """Build again; returns the receipts of the run, and how many rows in force it wrote, by stage."""
    dataset.fn(profile="smoke", store=str(store), overrides=CHOSEN)
    with Store.read(store) as opened:
        facts = summaries.of_run(opened)
        receipts: dict[str, dict[str, Any]] = {}
        for row in facts["stages"]:
            had = receipts.get(row["stage"], {"rows_in": 0, "calls": 0})
            receipts[row["stage"]] = {key: had[key] + row[key] for key in had}
        made = {
            stage: opened._connection.execute(
                f"SELECT count(*) FROM valid_{stage} WHERE run_id = ?",
                [facts["run_id"]],
            ).fetchone()[0]  # pyright: ignore[reportOptionalSubscript]
            for stage in receipts
            if stage != "sources"
        }
    return receipts, made


def test_nothing_is_told_where_nothing_changed(built: Path) -> None:
    assert superseded(estimate(built)) == {}


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        (quality, {"documents"}),
        (checks, {"verdicts"}),
        (acceptance, {"groundings", "instructions", "responses"}),
    ],
    ids=["quality", "checks", "acceptance"],
)
def test_what_a_raised_version_supersedes_is_told_and_then_made(
    module: Any,
    stages: set[str],
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = tmp_path / "ws"
    shutil.copytree(built, store)
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)

    found = estimate(store)
    capsys.readouterr()
    terminal.estimate(found, "prices.toml")
    told, said = superseded(found), " ".join(capsys.readouterr().out.split())
    receipts, made = build(store)

    computed = told.keys() - {"selections", "preferences", "exports"}  # named by what they are made of
    assert stages <= computed <= stages | {"verdicts"}  # sameness is named by the set of answers
    assert {stage: told[stage]["rows"] for stage in stages} == {stage: made[stage] for stage in stages}
    assert all(made[stage] for stage in stages)
    assert {stage: told[stage]["rows_in"] for stage in told} == {stage: receipts[stage]["rows_in"] for stage in told}
    for stage in stages:
        assert f"`{stage}`: {told[stage]['rows']} rows were written by a method that is another now" in said
    assert superseded(estimate(store)) == {}
