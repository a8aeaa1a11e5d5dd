"""The portrait: measures of the set, of its recipes and of the controls, equal to what their definitions give."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from tests import instruction_store as store
from wellspring.tasks import responses, scores, selections, verdicts
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.methods.datasets import measures
from wellspring.tasks.site import composition, words
from wellspring.tasks.site.markup import joined
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import dataset_measures, retrieval
from wellspring.tasks.spine.watching import saved_measures
from wellspring.tasks.spine.watching.saved_measures import DatasetMeasures

pytestmark = pytest.mark.slow  # its fixture builds a store, end to end

Drawn = tuple[DatasetMeasures, dict[str, dict], list[dict], np.ndarray]


def prepared(run: Run, count: int = 24) -> None:
    """Answer, check, judge and select."""
    store.fill(run, count)
    stages = (responses.respond, verdicts.check, scores.judge, selections.select)
    for noun, stage in zip(("responses", "verdicts", "scores", "selections"), stages, strict=True):
        stage(run)
        store.publish(run, noun)


def _texts(run: Run, rows: list[dict]) -> list[dict]:
    ids = [row["instruction_id"] for row in rows]
    return [{"id": id_, "text": text} for id_, text in run.store.query("exports/texts", ids=ids).iter_rows()]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A portrait, its measures by part, the rows it is of, and their vectors."""
    chosen = settings_.load(None, ["selections.min_score=4", "selections.topics=5", "pages.show_values=true"], {})
    with runs.start("test", chosen, tmp_path_factory.mktemp("portrait") / "ws", quiet=True) as run:
        prepared(run)
        found = dataset_measures.draw(run, "seven_criteria")
        rows = run.store.query("exports/portrait", judge="seven_criteria").to_dicts()
        texts = {row["id"]: row["text"] for row in _texts(run, rows)}
        rows = [row | {"text": texts[row["instruction_id"]]} for row in rows]
        best = [row for row in rows if row["policy"] == "best_per_topic"]
        vectors = retrieval.vectors(run, "instructions").of([row["instruction_id"] for row in best])
        dataset_measures.save(run.store, found)
        kept = saved_measures.read(run.store)
    assert kept is not None
    assert kept.measures == found.measures
    return found, {row["part"]: row for row in found.measures}, rows, vectors


def test_the_set_its_recipes_and_the_controls_stand_side_by_side(drawn: tuple) -> None:
    _, by_part, rows, _ = drawn
    best = [row for row in rows if row["policy"] == "best_per_topic"]

    assert list(by_part) == ["all", "attributed_grounding", "knn_instruct", "random"]
    assert by_part["all"]["rows"] == by_part["random"]["rows"] == len(best)
    assert by_part["attributed_grounding"]["rows"] + by_part["knn_instruct"]["rows"] == len(best)
    assert by_part["random"]["score_mean"] < by_part["all"]["score_mean"]


def test_each_measure_is_what_its_definition_gives(drawn: tuple) -> None:
    _, by_part, rows, vectors = drawn
    best = [row for row in rows if row["policy"] == "best_per_topic"]
    best.sort(key=lambda row: row["instruction_id"])
    words = [measures.tokens(row["text"]) for row in best]
    cosines = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(cosines, -1)
    grounded = [row for row in best if row["document_id"]]
    largest = max([sum(r["document_id"] == row["document_id"] for r in grounded) for row in grounded])

    found = by_part["all"]
    assert found["mtld"] == pytest.approx(measures.mtld([w for text in words for w in text]), rel=1e-3)
    assert found["vendi_score"] == pytest.approx(measures.vendi(vectors), rel=1e-3)
    assert found["distance_within"] == pytest.approx(1 - cosines.max(axis=1).mean(), rel=1e-3)
    assert found["topics"] == len({row["topic"] for row in best})
    assert found["documents"] == len({row["document_id"] for row in grounded})
    assert found["largest_document_share"] == pytest.approx(largest / len(best), rel=1e-3)
    assert found["score_mean"] == pytest.approx(mean(row["score"] for row in best), rel=1e-3)
    assert found["answers_refused"] == 0


def test_each_measure_has_a_name_and_a_meaning_on_the_page(drawn: tuple) -> None:
    portrait_, by_part, _, _ = drawn
    page = joined(composition.portrayed(portrait_))

    assert by_part["all"].keys() - {"part"} == words.MEASURES.keys()
    assert all(said in page for pair in words.MEASURES.values() for said in pair)


def test_topics_are_named_and_count_every_row_once(drawn: tuple) -> None:
    found, by_part, _, _ = drawn

    assert sum(topic["rows"] for topic in found.topics) == by_part["all"]["rows"]
    assert all(topic["topic"] and topic["group"] for topic in found.topics)


def test_histograms_count_every_row_once(drawn: tuple) -> None:
    found, by_part, _, _ = drawn

    assert sum(found.lengths["all"]) == sum(found.scores["all"]) == by_part["all"]["rows"]
    assert set(found.lengths) >= {"all", "knn_instruct", "random_0", "random_4"}


def test_the_map_has_a_labelled_place_for_instructions_seeds_and_documents(drawn: tuple) -> None:
    found, by_part, _, _ = drawn
    kinds = [kind for _, _, kind, _, _ in found.points]

    assert kinds.count("instruction") == by_part["all"]["rows"]
    assert (kinds.count("seed"), kinds.count("document")) == (6, 6)
    assert all(0 <= x <= 1 and 0 <= y <= 1 and label for x, y, _, _, label in found.points)


def test_an_empty_selection_has_a_portrait_too(settings: Callable[..., Settings], start: Callable[..., object]) -> None:
    with start(settings("selections.min_score=7", "responses.draws=1")) as run:  # type: ignore[attr-defined]
        found = dataset_measures.draw(run, "seven_criteria")

    assert found.measures == []
    assert found.points == []


def test_two_judges_of_one_thing_have_an_agreement(
    settings: Callable[..., Settings], start: Callable[..., object]
) -> None:
    from wellspring.tasks.contracts import records

    with start(settings("selections.min_score=0", "verdicts.required=[]")) as run:  # type: ignore[attr-defined]
        prepared(run, 6)
        subjects = [row["instruction_id"] for row in run.store.query("exports/portrait", judge="").to_dicts()]
        said = run.store.query("exports/agreement").to_dicts()
        same = [
            records.Score(row["subject_id"], "other-1", "other", "total", row["value"], "", None, run.run_id)
            for row in said
        ]
        run.store.append("scores", same)
        active = run.store.query("methods/active", stage="scores")["fingerprint"].to_list()
        run.activate("scores", {"other-1": "other"} | dict.fromkeys(active, "seven_criteria"))
        store.publish(run, "scores")
        found = dataset_measures.draw(run, "seven_criteria")

    assert len(set(subjects)) == 6
    assert found.measures[0]["judges_kappa"] == 1


def test_nothing_of_a_benchmark_is_in_the_set_when_the_check_is_required(
    settings: Callable[..., Settings], start: Callable[..., object], tmp_path: Path
) -> None:
    taken = store.instructions(24)[6][2]
    (tmp_path / "quiz.jsonl").write_text(json.dumps({"prompt": taken}) + "\n", encoding="utf-8")
    chosen = settings("selections.min_score=0", benchmarks={"paths": {"quiz": str(tmp_path / "quiz.jsonl")}})
    with start(chosen) as run:  # type: ignore[attr-defined]
        prepared(run, 24)
        measured = dataset_measures.draw(run, "seven_criteria").measures
        selected = run.store.query("exports/portrait", judge="")["instruction_id"].to_list()

    # The check of answers looks at the instruction too, so what holds a benchmark is not even selected.
    assert {row["part"]: row["contaminated"] for row in measured}["all"] == 0
    assert content_id("instruction", "attributed_grounding", taken) not in selected


def test_a_benchmark_that_nothing_kept_out_is_counted(
    settings: Callable[..., Settings], start: Callable[..., object], tmp_path: Path
) -> None:
    taken = store.instructions(24)[6][2]
    (tmp_path / "quiz.jsonl").write_text(json.dumps({"prompt": taken}) + "\n", encoding="utf-8")
    chosen = settings(
        "selections.min_score=0",
        "verdicts.required=[]",
        benchmarks={"paths": {"quiz": str(tmp_path / "quiz.jsonl")}},
    )
    with start(chosen) as run:  # type: ignore[attr-defined]
        prepared(run, 24)
        measured = dataset_measures.draw(run, "seven_criteria").measures

    assert 0 < {row["part"]: row["contaminated"] for row in measured}["all"] < 1
