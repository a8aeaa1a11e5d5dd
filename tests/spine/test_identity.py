"""A stage's fingerprint says the VERSION of all that its rows rest on: what is raised is due, and nothing else."""

import importlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store, methods_lock
from wellspring.tasks import (  # fmt: skip
    documents,
    exports,
    groundings,
    instructions,
    passages,
    preferences,
    responses,
    scores,
    seeds,
    selections,
    verdicts,
)
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.answers import checks
from wellspring.tasks.methods.vectors import choices
from wellspring.tasks.spine.provenance import held_out
from wellspring.tasks.spine.releases import papers
from wellspring.tasks.spine.running.identity import place, raised
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import embedders
from wellspring.tasks.spine.watching import stage_status
from wellspring.tasks.spine.writing import knn_pool

Make = Callable[..., Settings]
Start = Callable[[Settings], AbstractContextManager[Run]]
STAGES = {
    "documents": documents.extract,
    "passages": passages.split,
    "seeds": seeds.ingest,
    "groundings": groundings.attribute,
    "instructions": instructions.synthesize,
    "responses": responses.respond,
    "verdicts": verdicts.check,
    "scores": scores.judge,
}
ROOMS = ("", "spine", "methods", "judges", "recipes")
COMPUTED = sorted(name for name in methods_lock.names() if name.startswith("methods."))


def rests_on(stage: str, *rooms: str) -> set[str]:
    """What the code of a stage leads to: computed methods, by the names that it and what it calls use."""
    found = {module for module, _ in methods_lock.reached(methods_lock.read(stage), rooms or ROOMS)}
    return {name for name in found if name.startswith("methods.")}


def bump(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    module = importlib.import_module(place(name) if "." in name else f"wellspring.tasks.{name}")
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)


@pytest.fixture
def whole(settings: Make, tmp_path: Path) -> Settings:
    """Settings under which every rule is in use."""
    bench = tmp_path / "bench.jsonl"
    bench.write_text(
        json.dumps({"question": "How many sheep are in the pen after the dog has brought them all?"}) + "\n"
    )
    return settings(
        f'benchmarks.paths={{mine = "{bench}"}}',
        'documents.quality=["c4.sentences"]',
        "documents.site_boilerplate=true",
        f"seeds.paths=[{json.dumps(str(bench))}]",
        "seeds.deduplicate_cosine=0.9",
        "seeds.min_score=5",
        'seeds.quality=["cqia"]',
        "instructions.math_and_code=false",
        "instructions.max_pool_cosine=0.9",
        "responses.grounded=true",
        f"verdicts.checks={json.dumps([*checks.OURS.uses])}",
        'verdicts.judges=["moderation", "checklist", "verifiers"]',
        'scores.judges=["seven_criteria", "response_quality"]',
        "exports.packed_tokens=2048",
        f"selections.beside={json.dumps(sorted(choices.OURS))}",
    )


def prints(store: Store, chosen: Settings) -> dict[str, set[str]]:
    """The fingerprints of each stage that can tell them before there is any row."""
    found = stage_status.methods(store, chosen, [stage.__wrapped__ for stage in STAGES.values()])
    return {stage: set(methods) for stage, methods in found.items()}


def changed(was: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    return {stage for stage in was if was[stage] != now[stage]}


def test_a_version_of_one_is_left_out_so_that_todays_stores_stay_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    before = raised("figures", "languages", own=1)
    bump(monkeypatch, "methods.figures")

    assert before == {}
    assert raised("figures", "languages", own=3) == {"figures": 2, "own": 3}


def test_a_file_that_has_another_name_now_keeps_its_first_one_in_fingerprints() -> None:
    assert raised("spine.knn_pool") == {"spine.pool": knn_pool.VERSION}


def touched(store: Store, chosen: Settings, names: Iterable[str]) -> dict[str, set[str]]:
    """Return name -> the stages whose fingerprints change when its VERSION is raised."""
    was, found = prints(store, chosen), dict[str, set[str]]()
    for name in names:
        with pytest.MonkeyPatch.context() as patch:
            bump(patch, name)
            found[name] = changed(was, prints(store, chosen))
    return found


@pytest.mark.slow
def test_a_raised_method_changes_the_stages_whose_code_leads_to_it_and_no_other(
    whole: Settings, store_dir: Path
) -> None:
    with Store.open(store_dir) as store:
        found = touched(store, whole, COMPUTED)

    led = {stage: rests_on(stage) for stage in STAGES}
    led["scores"] &= {"methods.loops", "methods.tokens"}  # the rest is for programs and for methods over sets
    assert found == {name: {stage for stage in STAGES if name in led[stage]} for name in COMPUTED}


@pytest.mark.slow
def test_a_raised_stage_or_part_of_the_spine_changes_its_own_rows(whole: Settings, store_dir: Path) -> None:
    parts = {
        "spine.page_text": {"documents"},
        "spine.demonstrations": {"instructions"},
        "spine.knn_pool": {"instructions"},
        "spine.retrieval": {"groundings"},
        "spine.embedders": {"seeds", "groundings", "instructions"},
        "spine.contamination": {"seeds", "instructions", "verdicts"},
        "judges.loading": {"seeds", "scores"},
    }
    with Store.open(store_dir) as store:
        found = touched(store, whole, [*STAGES, *parts])

    assert found == {stage: {stage} for stage in STAGES} | parts


def test_a_rule_that_is_off_makes_nothing_due(settings: Make, store_dir: Path) -> None:
    chosen = settings("documents.replace_personal_data=false", 'verdicts.checks=["not_refused"]')
    off = ("quality", "site_boilerplate", "personal_data", "decontamination", "figures", "code_blocks")
    with Store.open(store_dir) as store:
        found = touched(store, chosen, [f"methods.{name}" for name in off])

    assert not any(found.values())


def late_prints(run: Run) -> dict[str, Any]:
    """The fingerprints of the stages that are named by the rows that they are made of."""
    chosen = exports._chosen(run)
    held = held_out.look(run)
    looked = exports._looked_through(run, chosen, held)
    evidence = papers.evidence(run.store, looked.made, looked.answers)
    pool = run.store.query("selections/candidates", judge="seven_criteria", min_score=0.0, required=[], owed=[])
    return {
        "embeddings": embedders.embedder(run, "seeds").fingerprint,
        "selections": selections._fingerprint(run, pool),
        "preferences": preferences._fingerprint(run),
        "exports": exports._fingerprint(run, chosen, looked.digest, papers.digest(evidence), held),
    }


@pytest.mark.slow
def test_a_raised_method_changes_the_stages_that_are_named_by_their_rows(whole: Settings, start: Start) -> None:
    led = {stage: {stage} | rests_on(stage, "methods", "judges") for stage in ("selections", "preferences")}
    led["exports"] = {"exports"} | rests_on("exports") - {
        "methods.hashing_embedder",  # which made the vectors in force
        *("methods.holdout", "methods.near_duplicates"),  # of an evaluation set, by which sites it has
    }
    led["embeddings"] = {"methods.hashing_embedder", "methods.words", "spine.embedders"}
    found: dict[str, set[str]] = {}
    with start(whole) as run:
        instruction_store.fill(run, 6)
        was = late_prints(run)
        for name in sorted({"methods.quality", "methods.injections"}.union(*led.values())):
            with pytest.MonkeyPatch.context() as patch:
                bump(patch, name)
                found[name] = changed(was, late_prints(run))

    missed = {stage: {name for name in names if stage not in found[name]} for stage, names in led.items()}
    assert not any(missed.values()), missed
    assert {name for name, stages in found.items() if "embeddings" in stages} == led["embeddings"]
    assert found["methods.quality"] == found["methods.injections"] == set()
