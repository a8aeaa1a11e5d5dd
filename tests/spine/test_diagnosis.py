"""The doctor: what is wrong is found, and what to do is said."""

from pathlib import Path

import pytest

from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import containment
from wellspring.tasks.io.sandbox import FIRST
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.storage.journal import Journal
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.operations import diagnosis
from wellspring.tasks.spine.operations.diagnosis import Finding


def found(chosen: Settings, store: Path) -> dict[str, Finding]:
    return {finding.what: finding for finding in diagnosis.examine(chosen, store)}


def test_a_sound_machine_is_fine_and_says_that_the_stand_in_is_no_language_model(tmp_path: Path) -> None:
    findings = found(Settings(), tmp_path / "ws")

    assert all(finding.is_fine or finding.is_optional for finding in findings.values())
    assert "not a language model" in findings["generator: offline-extractive"].found
    assert "wellspring build" in findings["store"].remedy


def test_it_says_which_engines_run_code_and_what_is_missing_where_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = found(Settings(), tmp_path)["sandbox"]
    without = containment.Tier(is_there=False, prefix=(), said="left out: this kernel has no landlock")
    monkeypatch.setattr(containment, "tier", lambda: without)
    there = found(Settings(), tmp_path)["sandbox"]

    assert here.found.startswith(FIRST)
    assert (there.is_fine, there.is_optional) == (False, True)
    assert "left out: this kernel has no landlock" in there.found
    assert "gets no verdict" in there.remedy


def test_it_says_which_benchmarks_are_looked_for_and_that_none_is(tmp_path: Path) -> None:
    none = found(Settings(), tmp_path)["benchmarks"]
    shipped = found(settings.load(None, ["benchmarks.paths.quiz=shipped:mt_bench"], environment={}), tmp_path)
    away = found(settings.load(None, ["benchmarks.paths.quiz=nowhere.jsonl"], environment={}), tmp_path)

    assert (none.is_fine, none.is_optional) == (False, True)
    assert "no benchmark is looked for" in none.found
    assert "shipped:" in none.remedy
    assert shipped["benchmarks"].found == "quiz (160 prompts)"
    assert (away["benchmarks"].is_fine, away["benchmarks"].is_optional) == (False, False)
    assert "nowhere.jsonl" in away["benchmarks"].found


def test_it_says_which_least_marks_are_unmeasured_and_nothing_where_none_is_asked_for(tmp_path: Path) -> None:
    wanted = ["scores.judges=['seven_criteria']", "selections.min_score=6", "seeds.min_score=0"]
    asked = found(settings.load(None, wanted, environment={}), tmp_path)["least marks"]
    others = found(settings.load(None, ["scores.judges=[]", "seeds.min_score=0"], environment={}), tmp_path)

    assert asked.found.startswith("selections.min_score = 6 of 7: unmeasured")
    assert asked.remedy
    assert "least marks" not in others


def test_a_server_that_answers_is_counted_and_one_that_does_not_is_named(tmp_path: Path) -> None:
    with faults.running() as server:
        up = settings.load(None, [f"models.base_url={server.url}"], environment={})
        answered = found(up, tmp_path)["generator: offline-extractive"]
    silent = found(settings.load(None, ["models.base_url=http://127.0.0.1:9/v1"], environment={}), tmp_path)

    assert answered.is_fine
    assert answered.found == "answers, and serves it"
    assert not silent["generator: offline-extractive"].is_fine
    assert "127.0.0.1:9" in silent["generator: offline-extractive"].found
    assert "base_url" in silent["generator: offline-extractive"].remedy


def test_a_journal_is_counted_and_one_that_is_damaged_is_named_with_what_that_costs(tmp_path: Path) -> None:
    path = tmp_path / "completions.sqlite"
    Journal(path).close()
    sound = found(Settings(), tmp_path)["journal"]
    path.write_bytes(b"\0" * 4096)
    damaged = found(Settings(), tmp_path)["journal"]

    assert sound.is_fine
    assert "0 attempts" in sound.found
    assert not damaged.is_fine
    assert "paid, again" in damaged.remedy


def test_a_store_at_work_is_left_alone_and_its_holder_is_named(tmp_path: Path) -> None:
    with Store.open(tmp_path / "ws", owner="busy-run"):
        finding = found(Settings(), tmp_path / "ws")["store"]

    assert "busy-run" in finding.found
    assert finding.is_fine


def test_a_damaged_store_says_what_to_do(tmp_path: Path) -> None:
    Store.open(tmp_path / "ws").close()
    (tmp_path / "ws" / "wellspring.duckdb").write_bytes(b"x" * 50_000)

    finding = found(Settings(), tmp_path / "ws")["store"]

    assert not finding.is_fine
    assert "journal" in finding.remedy
