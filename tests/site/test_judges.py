"""Judges on the page of the dataset: marks, what they miss, how sure is how right, tags; each where there is some."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import polars as pl

from tests import instruction_store, judge_runs
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.site import composition
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAMES = ("marks", "seeded", "calibration", "tags")


def test_bins_and_tags_of_a_store_are_shown(start: Start, settings: Callable[..., Settings]) -> None:
    with start(settings()) as run:
        ids = judge_runs.fill(run, [["An answer."], ["Another one."]])
        run.store.append("methods", [records.MethodRow("scores", "c-1", "calibration", "{}", True, run.run_id)])
        marks = [
            records.Score(one, "c-1", "calibration", "total", right, why, None, run.run_id)
            for one, right, why in (
                (ids[0], 0.25, "bin of 4: confidence 0.810, right 0.250; ECE 0.5600 of 4 answers"),
                (ids[1], 0.25, "bin of 4: confidence 0.810, right 0.250; ECE 0.5600 of 4 answers"),
            )
        ]
        tagged = {ids[0]: ["cooking", "<b>"], judge_runs.id_of(ids[1], 0): ["cooking"]}
        notes = [
            records.Note(f"n{at}", "c-1", one, "tags", json.dumps([{"tag": tag} for tag in tags]), "c", run.run_id, [])
            for at, (one, tags) in enumerate(tagged.items())
        ]
        run.store.append("scores", marks)
        run.store.append("notes", notes)
        instruction_store.publish(run, "scores", "notes")
        frames = {name: run.store.query(f"marts/{name}") for name in ("calibration", "tags")}
        frames |= {"marks": run.store.query("exports/marks"), "seeded": run.store.query("exports/seeded", required=[])}

    page = "".join(map(str, composition._judges(frames)))

    assert frames["calibration"].rows() == [(0.81, 0.25, 4)]
    assert frames["tags"].rows() == [("", 2, 0), ("cooking", 2, 0), ("<b>", 1, 0)]
    assert "2 instructions have 2 tags" in page
    assert "ECE 0.5600 of 4 answers" in page
    assert "Right answers in 100" in page
    assert "&lt;b&gt;" in page
    assert "Seeded errors" not in page


def test_what_is_not_there_has_no_section_and_what_judges_miss_has_one() -> None:
    empty: dict[str, Any] = {name: pl.DataFrame() for name in NAMES}
    row = {"judge": "j", "error": "number", "pairs": 9, "found": 2, "tied": 3, "turned": 4, "without_mark": 0}

    page = "".join(map(str, composition._judges(empty | {"seeded": pl.DataFrame([row])})))

    assert list(composition._judges(empty)) == []
    assert page.count("<section") == 1
    assert "number" in page
