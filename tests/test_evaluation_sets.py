"""Evaluation sets: disjoint from all that was ever exported for training, by page, site and near copy, and stable."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import certified_tasks, instruction_store, judge_runs
from tests.test_verifiable import CHOSEN, export, lines
from wellspring.tasks import embeddings
from wellspring.tasks.contracts import records, verifiable
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.methods.datasets import holdout
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
pytestmark = [pytest.mark.usefixtures("unaudited"), pytest.mark.slow]
SHARE = 0.5
SITES = {f"{subject}.example" for recipe, subject, _ in instruction_store.instructions(24) if "knn" not in recipe}
EVALUATION = {site for site in SITES if holdout.side_of(site, SHARE, {}) == holdout.EVALUATION}
HELD, TRAINED = min(EVALUATION), min(SITES - EVALUATION)
CARD = "exports/wellspring-dataset/tasks/evaluation.md"


def build(run: Run) -> None:
    """Put certified tasks of six sites into the store, and rows that are no tasks."""
    ids = judge_runs.fill(run, [["Answer: 12 metres"]] * 24)
    run.store.append("methods", [records.MethodRow("verdicts", "certified-1", "certificate", "{}", True, "w")])
    for instruction_id in ids[::2]:
        certified(run, instruction_id)


def certified(run: Run, instruction_id: str) -> None:
    task = certified_tasks.a_task()
    certified_tasks.note(run, instruction_id, task)
    said = {"instruction_id": instruction_id, "kind": "amount", "certified": True, "solved": {"strong": [2, 3]}}
    data = json.dumps(said)
    certified_tasks.keep_note(run, verifiable.CERTIFICATE, data)
    verdict = records.Verdict(instruction_id, "certified-1", verifiable.CHECK, True, "", None, "w")
    run.store.append("verdicts", [verdict])
    instruction_store.publish(run, "verdicts")


def add_page(run: Run, site: str, text: str) -> str:
    """Put a page and a task of it into the store; returns the url of the page."""
    page = instruction_store._document(site.removesuffix(".example"), text, content_id("source"))
    page = replace(page, document_id=content_id("document", site, text), url=f"https://{site}/other")
    run.store.append("documents", [page])
    asked = f"What do the people of {site} say about it? Answer in one line with a number and a unit."
    row = instruction_store._instruction("attributed_grounding", page.document_id, [], asked)
    run.store.append("instructions", [row])
    instruction_store.publish(run, "documents", "instructions")
    embeddings.embed(run, of="instructions")
    instruction_store.publish(run, "embeddings")
    judge_runs.answer(run, row.instruction_id, ["Answer: 12 metres"])
    certified(run, row.instruction_id)
    return page.url


def urls(store_dir: Path, form: str, *splits: str) -> set[str]:
    folder = store_dir / "exports" / "wellspring-dataset" / form
    found = [path for path in folder.glob("*.jsonl") if not splits or path.stem in splits]
    return {json.loads(line)["url"] or "" for path in found for line in path.read_text(encoding="utf-8").splitlines()}


def sites(found: set[str]) -> set[str]:
    return {url.split("/")[2] for url in found if url}


@pytest.fixture
def night(settings: Callable[..., Settings], start: Start) -> Callable[..., None]:
    """Do something in the store, and export with a share."""

    def run_it(share: float, *steps: Callable[[Run], Any]) -> None:
        chosen = settings(*judge_runs.of_judge("certificate", *CHOSEN, f"exports.evaluation_share={share}"))
        with start(chosen) as run:
            for step in (*steps, export):
                step(run)

    return run_it


def test_no_site_of_the_evaluation_set_is_in_any_other_file_and_it_has_its_card(
    night: Callable[..., None], store_dir: Path
) -> None:
    night(SHARE, build)

    assert sites(urls(store_dir, "tasks", "evaluation")) == EVALUATION
    assert sites(urls(store_dir, "messages") | urls(store_dir, "tasks", "train")) == SITES - EVALUATION
    assert "" in urls(store_dir, "messages")  # rows of no page
    card = (store_dir / CARD).read_text(encoding="utf-8")
    number = len([one for one in lines(store_dir, "tasks") if sites({one["url"] or ""}) & EVALUATION])
    assert f"{number} tasks of {len(EVALUATION)} sites" in card
    assert "| amount | " in card
    told = (store_dir / "exports/wellspring-dataset/README.md").read_text(encoding="utf-8")
    assert holdout.HELD_OUT in told
    assert "split: evaluation" in told


def test_a_site_stays_on_its_side_when_pages_come_and_the_share_changes(
    night: Callable[..., None], store_dir: Path
) -> None:
    night(SHARE, build)
    before = urls(store_dir, "tasks", "evaluation")

    night(0.0, lambda run: add_page(run, HELD, "Moss on a roof is brushed off in spring, and never with hot water."))
    assert sites(urls(store_dir, "messages")) & EVALUATION == set()
    assert urls(store_dir, "tasks", "evaluation") == before | {f"https://{HELD}/other"}
    night(0.99, lambda run: add_page(run, TRAINED, "A cold frame keeps lettuce from frost until late in November."))
    assert f"https://{TRAINED}/other" in urls(store_dir, "messages")
    assert sites(urls(store_dir, "tasks", "evaluation")) == EVALUATION


def test_a_near_copy_on_another_site_is_never_trained_on(night: Callable[..., None], store_dir: Path) -> None:
    copy = instruction_store.SUBJECTS[HELD.removesuffix(".example")] + " Indeed."
    night(SHARE, build)
    before = urls(store_dir, "tasks", "evaluation")

    night(SHARE, lambda run: add_page(run, TRAINED, copy))

    assert f"https://{TRAINED}/other" not in urls(store_dir, "messages") | urls(store_dir, "tasks")
    assert urls(store_dir, "tasks", "evaluation") == before
    assert f"1 rows were left out of both sides: {holdout.NEAR_COPY}" in (store_dir / CARD).read_text(encoding="utf-8")


def test_what_was_trained_on_is_never_moved_into_evaluation_nor_a_near_copy_of_it(
    night: Callable[..., None], store_dir: Path
) -> None:
    new, newer, *_ = [one for i in range(99) if holdout.side_of(one := f"new{i}.example", SHARE, {}) == "evaluation"]
    copy = instruction_store.SUBJECTS[TRAINED.removesuffix(".example")] + " Indeed."
    night(0.0, build)
    before = urls(store_dir, "messages")
    assert sites(before) == SITES

    night(SHARE, lambda run: add_page(run, new, copy))

    assert urls(store_dir, "messages") == before
    assert not (store_dir / CARD).exists()
    night(SHARE, lambda run: add_page(run, newer, "A lathe turns wood at 900 rounds a minute for a bowl."))
    assert sites(urls(store_dir, "tasks", "evaluation")) == {newer}
