"""What people said of rows: kept with the store, scores of their own, compared with judges, forgotten with rows."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl
import pytest

import wellspring
from tests import instruction_store as store
from tests import light
from wellspring.flows import reviewing
from wellspring.tasks import exports, responses, scores, selections, verdicts
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.review_files import Said
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching import people

pytestmark = pytest.mark.slow  # its fixture builds a store, end to end

CHOSEN = ("selections.min_score=0", "verdicts.required=[]")
Start = Callable[[Settings], AbstractContextManager[Run]]


@pytest.fixture
def exported(settings: Callable[..., Settings], start: Start, store_dir: Path) -> Path:
    """A store with exported rows and the marks of a judge."""
    with start(settings(*CHOSEN)) as run:
        store.fill(run, 12)
        stages = (responses.respond, verdicts.check, scores.judge, selections.select, exports.export)
        for noun, stage in zip(("responses", "verdicts", "scores", "selections", "exports"), stages, strict=True):
            stage(run)
            store.publish(run, noun)
        exports.put_in_place(run)
    return store_dir


def marked(path: Path, marks: dict[str, str]) -> Path:
    path.write_text("".join(f"{json.dumps({'id': one, 'mark': mark})}\n" for one, mark in marks.items()))
    return path


def sampled(store_dir: Path, folder: Path, count: int = 50, recipe: str | None = None) -> list[str]:
    wellspring.review(store_dir, to=folder, count=count, recipe=recipe)
    return [row["id"] for row in json.loads((folder / "records.json").read_text())]


def test_a_sample_is_of_rows_that_nobody_has_looked_at_and_marks_come_back_as_scores(
    exported: Path, tmp_path: Path
) -> None:
    first = sampled(exported, tmp_path / "one", 4)
    says = dict(zip(first, ("good", "bad", "exclude", "good"), strict=True))
    with light.unaudited():
        found = wellspring.review(exported, marks=marked(tmp_path / "m.jsonl", says), by="anna", profile="smoke")
        again = wellspring.review(exported, marks=tmp_path / "m.jsonl", by="anna", profile="smoke")

    with Store.read(exported) as opened:
        rows = opened.query("rows/all", view="scores").filter(judge="human:anna").to_dicts()
    totals = {row["subject_id"]: row["value"] for row in rows if row["criterion"] == "total"}
    kept = {row["subject_id"] for row in rows if row["criterion"] == "keep" and row["value"] == 0}
    assert (found["new"], again["new"]) == (8, 0)
    assert totals == {one: float(mark == "good") for one, mark in says.items()}
    assert kept == {first[2]}
    assert {one["judge"]: one["rows"] for one in found["agreements"]} == {"seven_criteria": 4}
    assert not {*first} & {*sampled(exported, tmp_path / "two")}


def of_three_tools(folder: Path, ids: list[str]) -> dict[str, Path]:
    """Write marks to exclude a row each, as a page, Argilla and Label Studio write them, by the name of a person."""
    page, argilla, studio = ids
    records = [
        {"id": argilla, "fields": {}, "responses": {"mark": [{"value": "exclude"}], "why": [{"value": "a name"}]}}
    ]
    said = [{"from_name": "mark", "value": {"choices": ["exclude"]}}]
    tasks = [{"data": {"row_id": studio}, "annotations": [{"result": said}]}]
    (folder / "argilla.json").write_text(json.dumps(records))
    (folder / "studio.json").write_text(json.dumps(tasks))
    lines = marked(folder / "page.jsonl", {page: "exclude"})
    return {"anna": lines, "otto": folder / "argilla.json", "ines": folder / "studio.json"}


@pytest.mark.usefixtures("pageless", "unaudited")
def test_a_row_marked_to_exclude_is_left_out_with_reason_and_name_until_it_is_included(
    exported: Path, tmp_path: Path, settings: Callable[..., Settings], start: Start
) -> None:
    def built() -> set[str]:
        with start(settings(*CHOSEN)) as run:
            exports.export(run)
            store.publish(run, "exports")
            exports.put_in_place(run)
            return set(run.store.query("releases/lines")["row_id"])

    def released(name: str) -> set[str]:
        found = wellspring.release(name, exported)
        return set(pl.read_parquet(Path(found["folder"]) / "lineage" / "rows.parquet")["row_id"])

    before = built()
    ids = sorted(before)[:3]
    files = of_three_tools(tmp_path, ids)
    for person, file in files.items():
        wellspring.review(exported, marks=file, by=person, profile="smoke")

    assert {one["id"]: one["reason"] for one in wellspring.excluded(exported)} == dict(
        zip(ids, ("human:anna: marked so", "human:otto: a name", "human:ines: marked so"), strict=True)
    )
    assert built() == released("one") == before - {*ids}

    wellspring.include(ids[0], exported, reason="it is fine")
    wellspring.review(exported, marks=files["anna"], by="anna", profile="smoke")
    assert built() == released("two") == before - {*ids[1:]}


def test_a_later_run_keeps_the_marks_in_force_and_the_card_says_how_far_people_agree(
    exported: Path, tmp_path: Path, settings: Callable[..., Settings], start: Start
) -> None:
    ids = sampled(exported, tmp_path / "one")
    people.keep(exported, "anna", [Said(one, "good" if n % 2 else "bad") for n, one in enumerate(ids)])
    people.keep(exported, "otto", [Said(one, "good" if n % 2 else "bad") for n, one in enumerate(ids)])

    with start(settings(*CHOSEN)) as run:
        scores.judge(run)
        validation.audit(run, "scores")
        exports.export(run)
        validation.audit(run, "exports")
        exports.put_in_place(run)
        said = people.agreements(run.store)
    card = next((exported / "exports").glob("*/README.md")).read_text()

    assert [(one["person"], one["judge"]) for one in said] == [
        ("human:anna", "human:otto"),
        ("human:anna", "seven_criteria"),
        ("human:otto", "seven_criteria"),
    ]
    assert (said[0]["rows"], said[0]["agree"], said[0]["kappa"]) == (len(ids), 1.0, 1.0)
    assert said[1]["kappa"] is None or said[1]["kappa"] < 1
    assert f"| human:anna | human:otto | {len(ids)} | 1 | 1 |" in card


def test_of_one_row_the_last_word_counts_and_pairs_are_shares(tmp_path: Path) -> None:
    first = people.keep(tmp_path, "anna", [Said("a", "good"), Said("b", "left", "", "c"), Said("b", "right", "", "d")])
    second = people.keep(tmp_path, "anna", [Said("a", "exclude", "a name")])

    rows = [json.loads(line) for line in people.places(tmp_path)["human:anna"].read_text().splitlines()]
    assert (first, second) == (5, 2)
    assert {(row["id"], row["criterion"]): row["value"] for row in rows} == {
        ("a", "total"): 0.0,
        ("a", "keep"): 0.0,
        ("b", "preferred"): 0.5,
        ("c", "preferred"): 0.0,
        ("d", "preferred"): 1.0,
    }


def test_what_was_forgotten_is_forgotten_in_marks_too(tmp_path: Path) -> None:
    people.keep(tmp_path, "anna", [Said("a", "good"), Said("b", "bad", "quotes my secret page"), Said("c", "bad")])
    people.keep(tmp_path, "otto", [Said("a", "good")])

    people.forget(tmp_path, {"a"}, ["secret page"])

    assert people.places(tmp_path).keys() == {"human:anna"}
    text = people.places(tmp_path)["human:anna"].read_text()
    assert {json.loads(line)["id"] for line in text.splitlines()} == {"c"}


@pytest.mark.parametrize("name", ["", "Anna", "../x", "a b", "human:x"])
def test_a_name_that_could_lead_elsewhere_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a person's name"):
        people.keep(tmp_path, name, [Said("a", "good")])
    assert not [*tmp_path.iterdir()]


def test_a_sample_goes_only_into_a_folder_that_holds_nothing(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with Store.read(exported) as opened:
        with pytest.raises(UsageError, match="holds something already"):
            reviewing.sample(opened, tmp_path / "full", "argilla", count=1, seed=0, recipe=None)
        with pytest.raises(UsageError, match="no exported row"):
            reviewing.sample(opened, tmp_path / "new", "argilla", count=1, seed=0, recipe="nobody")
    with pytest.raises(UsageError, match="give --to"):
        wellspring.review(exported, marks=tmp_path / "x")
