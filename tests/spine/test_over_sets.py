"""Methods over sets: computed once for each set, in place of the set before, and chosen by like a judge."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import instruction_store as store
from wellspring.tasks import responses, scores, selections
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.plugins import SETS
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.operations import retrying
from wellspring.tasks.spine.running import preflight, validation
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
SHARES = """
import polars as pl
from wellspring.tasks.contracts.settings import Section

VERSION, TAKES, SUBJECT = 1, ("instructions", "instruction_vectors"), "instruction"


class Knobs(Section):
    whole: float = 100.0


def scores(tables, knobs):
    rows = tables["instructions"].join(tables["instruction_vectors"], on="subject_id")
    length = pl.col("text").str.len_chars()
    value = (knobs.whole * length / length.sum()).alias("value")
    total = rows.select("subject_id", pl.lit("total").alias("criterion"), value, pl.lit("its share").alias("reason"))
    lacking = total.with_columns(pl.lit("doubt").alias("criterion"), pl.lit(None).alias("value"))
    return pl.concat([total, lacking.with_columns(pl.lit("no_doubt: none").alias("reason"))])
"""
ABOVE = """
VERSION, TAKES, SUBJECT = 1, ("scores",), "instruction"


def scores(tables, knobs):
    import polars as pl

    found = tables["scores"].filter(pl.col("criterion") == "total")
    return found.with_columns(reason=pl.concat_str("judge")).drop("judge")
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "shares.py").write_text(SHARES)
    (folder / "above.py").write_text(ABOVE)
    return folder


def chosen(settings: Callable[..., Settings], plugins: Path, *names: str, **more: object) -> Settings:
    """Settings whose one judge is a method over sets."""
    of = {"judges": [names[0]], "computed": list(names)}
    least = {"min_score": 16.7}
    return settings(plugins=[str(plugins)], scores=of, selections=least, verdicts={"required": []}, **more)


def valid(run: Run) -> list[tuple[str, str, float]]:
    """Scores in force that have a value, audited and published."""
    validation.audit(run, "scores")
    said = "SELECT judge, subject_id, value FROM valid_scores WHERE value IS NOT NULL ORDER BY ALL"
    return run.store._connection.execute(said).fetchall()


@pytest.mark.slow
def test_a_set_is_scored_once_and_a_changed_set_as_a_whole_in_place_of_the_one_before(
    settings: Callable[..., Settings], start: Start, plugins: Path
) -> None:
    with start(chosen(settings, plugins, "shares", "above")) as run:
        ids = store.fill(run, 6)
        first, second = scores.judge(run), scores.judge(run)
        of_six = valid(run)
        more = store.fill(run, 12)
        third = scores.judge(run)
        of_twelve = valid(run)
        [(kept,)] = run.store._connection.execute("SELECT count(*) FROM scores").fetchall()
        reopened = retrying.reopen(run, stage="scores")
        methods = {name for stage, name, _ in run.store.query("exports/methods").rows() if stage == "scores"}

    assert [(one.counts.rows_in, one.counts.rows_out) for one in (first, second, third)] == [(12, 12), (0, 0), (24, 24)]
    assert {(judge, one) for judge, one, _ in of_six} == {(judge, one) for judge in ("shares", "above") for one in ids}
    assert {one for _, one, _ in of_twelve} == {*more}
    assert sum(value for judge, _, value in of_twelve if judge == "shares") == pytest.approx(100)
    assert kept == 3 * 12  # two of one method, one of the other
    assert reopened == 0
    assert methods == {"shares", "above"}


@pytest.mark.slow
def test_rows_are_chosen_by_its_total_and_a_knob_makes_it_due(
    settings: Callable[..., Settings], start: Start, plugins: Path
) -> None:
    with start(chosen(settings, plugins, "shares")) as run:
        store.fill(run, 6)
        responses.respond(run)
        store.publish(run, "responses")
        scores.judge(run)
        wanted = {one for _, one, value in valid(run) if value >= 16.7}
        selections.select(run)
        said = "SELECT DISTINCT instruction_id FROM selections WHERE policy = 'best_per_topic'"
        taken = run.store._connection.execute(said).fetchall()
    with start(chosen(settings, plugins, "shares", methods={"shares": {"whole": 1.0}})) as run:
        again = scores.judge(run)
        total = sum(value for _, _, value in valid(run))

    assert 0 < len(wanted) < 6
    assert {one for (one,) in taken} == wanted
    assert again.counts.rows_out == 6
    assert total == pytest.approx(1)


def noted(run: Run, ids: list[str]) -> None:
    """Notes of a program on these instructions: tags of four, and the process of the first."""
    tags = [["cooking", "maths"], ["cooking"], ["maths"], ["cooking"]]
    rows = [
        records.Note(
            f"{i:020x}", "knn_instruct-1", ids[i], "tags", json.dumps([{"tag": one} for one in own]), "c", store.WRITER
        )
        for i, own in enumerate(tags)
    ]
    steps = json.dumps({"steps": [], "functions": ["boil_water", "pour", "pour"]})
    rows.append(records.Note("f" * 20, "knn_instruct-1", ids[0], "process", steps, "c", store.WRITER))
    run.store.append("notes", rows)
    run.store.execute("notes/publish")


@pytest.mark.slow
def test_each_of_ours_runs_on_the_tables_of_a_store_and_tags_are_sampled(
    settings: Callable[..., Settings], start: Start
) -> None:
    of = {"judges": ["response_quality", "alike_tags"], "computed": sorted(SETS.names())}
    knobs = {"alike_tags": {"least": 1}, "more": {"sources": ["response_quality", "r3"]}}
    knobs |= {"fastclass": {"classes": {"home": "bread and roofs", "water": "tides and pumps"}, "kept": [2]}}
    knobs |= {"curriculum": {"judge": "alike_tags"}, "information_alignment": {"otherwise": "creation"}}
    ways = {"beside": ["alike_tags"], "min_score": 0, "budget": 3}
    with start(settings(scores=of, methods=knobs, selections=ways, verdicts={"required": []})) as run:
        ids = store.fill(run, 8)
        noted(run, ids)
        responses.respond(run)
        store.publish(run, "responses")
        first, second = scores.judge(run), scores.judge(run)
        made = {judge: value for judge, one, value in valid(run) if one == ids[0]}
        selections.select(run)
        said = "SELECT instruction_id FROM selections WHERE policy = 'alike_tags' ORDER BY rank"
        taken = [one for (one,) in run.store._connection.execute(said).fetchall()]

    without = {"bradley_terry", "calibration", "faceted_rasch", "more", "main_gec", "witqa"}  # no use to them is here
    assert {*of["computed"]} - without <= made.keys()
    assert (made["alike_tags"], made["alike_steps"]) == (2.0, 2.0)
    assert first.counts.rows_out > 8
    assert second.counts.rows_out == second.counts.calls == 0
    assert taken[0] == ids[0]
    assert taken[1] == min(ids[1:4])  # a second pass: any tag is new again
    assert {*taken} < {*ids[:4]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / 0", "ended in ZeroDivisionError at .*shares.py"),
        ("return 7", "gives 7"),
        ("return frame('nobody', 'total', 1.0)", "scores 'nobody', which is no instruction"),
        ("return frame(one, 'Two Words', 1.0)", "names the criterion 'Two Words'"),
        ("return frame(one, 'total', float('nan'))", "the value nan"),
        ("return pl.concat([frame(one, 'total', 1.0)] * 2)", "twice by `total`"),
        ("return frame(one, 'total', 'high')", "InvalidOperationError"),
    ],
)
def test_what_a_method_does_wrongly_stops_the_run_and_names_the_file(
    body: str, said: str, settings: Callable[..., Settings], start: Start, plugins: Path
) -> None:
    text = f"""
import polars as pl

VERSION, TAKES, SUBJECT = 1, ("instructions",), "instruction"


def frame(one, criterion, value):
    return pl.DataFrame({{"subject_id": [one], "criterion": [criterion], "value": [value], "reason": [""]}})


def scores(tables, knobs):
    one = tables["instructions"]["subject_id"][0]
    {body}
"""
    (plugins / "shares.py").write_text(text)
    with start(chosen(settings, plugins, "shares")) as run:
        store.fill(run, 2)
        with pytest.raises(BrokenError, match=said) as caught:
            scores.judge(run)
        written = run.store.query("scores/unpublished")

    assert "shares" in caught.value.message
    assert not len(written)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"scores": {"computed": ["nobody"]}}, "no method over sets `nobody`"),
        ({"scores": {"computed": ["mine"]}}, "no whole method over sets"),
        ({"scores": {"computed": ["shares"]}, "methods": {"shares": {"wholly": 1}}}, "methods.shares.wholly"),
        ({"methods": {"nobody": {}}}, "no method over sets `nobody`"),
        ({"scores": {"computed": ["shares"], "imports": {"shares": "s.csv"}}}, "imported and computed"),
        ({"scores": {"computed": ["seven_criteria"]}}, "a judge has this name"),
    ],
)
def test_what_is_wrong_in_a_profile_is_said_before_anything_runs(
    values: dict[str, object], said: str, plugins: Path, tmp_path: Path
) -> None:
    (plugins / "mine.py").write_text(SHARES.replace('"instructions", ', '"pages", '))
    (plugins / "seven_criteria.py").write_text(SHARES)
    profile = tmp_path / "p.json"
    profile.write_text(json.dumps({"plugins": [str(plugins)], **values}))

    with pytest.raises(UsageError, match=said):
        preflight.look(settings_.load(str(profile), environment={}), tmp_path / "ws", ["synthesis"])
