"""Scores that were made elsewhere: read whole or not at all, written once, and chosen by."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import instruction_store as store
from wellspring.tasks import responses, scores, selections
from wellspring.tasks.contracts import orders
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import score_files
from wellspring.tasks.io.score_files import Mark
from wellspring.tasks.spine.running import preflight, validation
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
ROWS: list[dict[str, Any]] = [
    {"id": "a1", "value": 7.5, "criterion": "depth", "reason": "deep"},
    {"id": "a1", "value": None},
    {"id": "b2", "value": -120.0},
]
MARKS = [Mark("a1", "depth", 7.5, "deep", 1), Mark("a1", "total", None, "", 2), Mark("b2", "total", -120.0, "", 3)]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as the name of a file asks."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        names = list(dict.fromkeys(name for row in rows for name in row))
        cells = [["" if row.get(name) is None else str(row[name]) for name in names] for row in rows]
        path.write_text("\n".join(",".join(line) for line in [names, *cells]) + "\n")
    else:
        path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_a_file_of_each_kind_says_the_same(tmp_path: Path, ending: str) -> None:
    assert score_files.read(written(tmp_path / f"s.{ending}", ROWS)) == MARKS


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"value": 1}, "row 2 has none of id, subject_id, response_id, instruction_id; it has value"),
        ({"id": "x", "mark": 1}, "row 2 has none of value, score; it has id, mark"),
        ({"id": "x", "value": "high"}, "row 2 has the value 'high', which is no number"),
        ({"id": "x", "value": float("nan")}, "row 2 has the value nan, which is no number"),
        ({"id": "x", "value": 1, "criterion": "Two Words"}, "row 2 names the criterion 'Two Words'"),
        ({"id": "b2", "value": 1}, "row 2 says again what row 1 says of b2"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        score_files.read(written(tmp_path / "s.jsonl", [ROWS[2], row]))


@pytest.mark.parametrize("held", [b"", b"PAR1 and no more", b"{ not JSON", b"id,value\n"])
def test_a_file_without_scores_is_refused_before_anything_runs(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "s"
    path.write_bytes(held)
    chosen = settings_.load(None, [f"scores.imports.mine={json.dumps(str(path))}"], {})

    with pytest.raises(UsageError, match="the file of scores"):
        preflight.look(chosen, tmp_path / "ws", ["curation"])


def test_a_path_of_the_command_line_means_the_same_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert settings_.load(None, ["scores.imports.mine=s.csv"], {}).scores.imports == {"mine": f"{tmp_path}/s.csv"}


def test_imported_scores_take_no_name_of_a_judge_and_are_an_order_of_the_profile(tmp_path: Path) -> None:
    path = written(tmp_path / "s.csv", ROWS)
    profile = tmp_path / "p.toml"
    profile.write_text('[scores.imports]\nseven_criteria = "s.csv"\n')
    chosen = settings_.load(str(profile), environment={})

    assert chosen.scores.imports == {"seven_criteria": str(path)}
    assert orders.of(chosen)["scores.imports.seven_criteria"] == str(path)
    with pytest.raises(UsageError, match="a judge has this name"):
        preflight.look(chosen, tmp_path / "ws", ["curation"])


@pytest.mark.slow
def test_imported_scores_are_rows_of_their_judge_once_and_are_chosen_by(
    settings: Callable[..., Settings], start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "s.jsonl"
    imports = {"judges": ["mine"], "imports": {"mine": str(path)}}
    chosen = settings(scores=imports, selections={"min_score": 5}, verdicts={"required": []})
    with start(chosen) as run:
        ids = store.fill(run, 6)
        responses.respond(run)
        store.publish(run, "responses")
        written(path, [{"id": one, "value": place * 40.0} for place, one in enumerate(ids)] + [ROWS[2]])
        first, second = scores.judge(run), scores.judge(run)
        validation.audit(run, "scores")
        found = run.store._connection.execute(
            "SELECT subject_id, judge, criterion, value, reason, completion_id FROM valid_scores"
        ).fetchall()
        [(method,)] = run.store._connection.execute("SELECT settings FROM methods WHERE name = 'mine'").fetchall()
        selections.select(run)
        taken = run.store._connection.execute(
            "SELECT DISTINCT instruction_id FROM selections WHERE policy = 'best_per_topic'"
        ).fetchall()
        written(path, [{"id": "nobody", "value": 1}])
        with pytest.raises(BrokenError, match="no id of"):
            scores.judge(run)

    assert (first.counts.rows_in, first.counts.rows_out, first.counts.calls, second.counts.rows_in) == (6, 6, 0, 0)
    assert sorted(found) == sorted(
        (one, "mine", "total", place * 40.0, f"s.jsonl, row {place + 1}", None) for place, one in enumerate(ids)
    )
    assert json.loads(method)["imported"]["mine"]["file"] == str(path)
    assert len(json.loads(method)["imported"]["mine"]["sha256"]) == 64
    assert {one for (one,) in taken} == set(ids[1:])
