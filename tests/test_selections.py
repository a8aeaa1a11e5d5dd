"""Selections: threshold, topics, tie-break, controls; recomputed by content, the same on any number of threads."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import instruction_store as store
from wellspring.flows.curation import curation
from wellspring.tasks import responses, scores, selections
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.methods.vectors import choices
from wellspring.tasks.spine.running import runs, validation
from wellspring.tasks.spine.running.runs import Counts, Run

Start = Callable[[Settings], AbstractContextManager[Run]]
BEST = "best_per_topic"


@pytest.fixture
def settings(settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """Settings under which the stand-in's answers, which are much alike, need no check to be taken."""
    return lambda *overrides, **extra: settings("verdicts.required=[]", *overrides, **extra)


def judged(run: Run, count: int = 24, *, reverse: bool = False) -> None:
    """Answer and judge `count` instructions."""
    store.fill(run, count, reverse=reverse)
    for stage, noun in ((responses.respond, "responses"), (scores.judge, "scores")):
        stage(run)
        store.publish(run, noun)


def rows(run: Run, *policies: str) -> list[dict]:
    """The selection that is in force, by policy and rank."""
    found = []
    for policy in policies or (BEST, *(f"random_{i}" for i in range(5))):
        taken = run.store.query(
            "exports/rows",
            policy=policy,
            judge="seven_criteria",
            answer_judge="",
            required=[],
            owed=[],
            weights="",
            places="",
        )
        found += [row | {"policy": policy} for row in taken.to_dicts()]
    return found


def select(run: Run) -> Counts:
    """Select and publish."""
    counts = selections.select(run).counts
    store.publish(run, "selections")
    return counts


@pytest.mark.slow
def test_what_is_taken_is_over_the_threshold_and_everything_else_says_why_not(
    settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings("selections.min_score=6")) as run:
        judged(run)
        counts = select(run)
        best = [row for row in rows(run) if row["policy"] == BEST]
        refused = {
            row["reason"]: row["rows_rejected"]
            for row in run.store.query("rejections/of_stage", stage="selections").to_dicts()
        }

    assert 0 < len(best) < 24
    assert min(row["score"] for row in best) >= 6
    assert refused == {"below_threshold": 24 - len(best)}
    assert counts == Counts(rows_in=24, rows_out=len(best), rows_rejected=24 - len(best))


@pytest.mark.slow
def test_five_controls_of_equal_size_stand_beside_the_choice_and_ignore_the_score(
    settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings("selections.min_score=6")) as run:
        judged(run)
        select(run)
        taken = rows(run)

    sizes = {policy: sum(row["policy"] == policy for row in taken) for policy in {row["policy"] for row in taken}}
    assert sorted(sizes) == [BEST, *(f"random_{i}" for i in range(5))]
    assert len(set(sizes.values())) == 1
    assert min(row["score"] for row in taken if row["policy"] != BEST) < 6
    assert len({tuple(row["instruction_id"] for row in taken if row["policy"] == p) for p in sizes}) == 6


@pytest.mark.slow
def test_every_topic_gives_its_best_before_its_second(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings("selections.min_score=0", "selections.topics=6", "selections.budget=6")) as run:
        judged(run)
        select(run)
        best = [row for row in rows(run) if row["policy"] == BEST]

    assert len(best) == 6
    assert len({row["topic"] for row in best}) == 6
    assert [row["rank"] for row in best] == list(range(6))
    assert [row["score"] for row in best] == sorted((row["score"] for row in best), reverse=True)


@pytest.mark.slow
def test_other_ways_to_choose_as_many_stand_beside_when_they_are_named(
    settings: Callable[..., Settings], start: Start
) -> None:
    ways = tuple(choices.OURS)
    with start(
        settings("selections.min_score=5", "selections.budget=8", f"selections.beside={json.dumps(ways)}")
    ) as run:
        judged(run)
        select(run)
        taken = {way: rows(run, way) for way in (BEST, *ways)}

    sizes = {way: len(of) for way, of in taken.items()}
    assert 0 < sizes.pop("representative") <= 8  # near copies are left out, and most of these are near copies
    assert sizes == dict.fromkeys(sizes, 8)
    assert all(row["score"] >= 5 for of in taken.values() for row in of)
    lengths = {way: sum(len(row["text"]) for row in of) for way, of in taken.items()}
    assert lengths["longest_per_topic"] > lengths[BEST]
    assert len({tuple(sorted(row["instruction_id"] for row in of)) for of in taken.values()}) > 1


@pytest.mark.slow
@pytest.mark.usefixtures("unaudited")
def test_a_way_of_the_users_stands_beside_and_its_version_makes_a_new_selection(
    settings: Callable[..., Settings], start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "last.py").write_text("VERSION = 1\n\n\ndef choose(pool, size):\n    return range(size)[::-1]\n")
    chosen = ("selections.min_score=5", 'selections.beside=["last"]', f"plugins={json.dumps([str(tmp_path)])}")
    with start(settings(*chosen)) as run:
        judged(run)
        select(run)
        taken, again = rows(run, "last"), select(run)
        monkeypatch.setattr(choices.theirs("last", [str(tmp_path)]), "VERSION", 2)
        raised = select(run)

    assert len(taken) > 1
    assert [row["rank"] for row in taken] == list(range(len(taken)))
    assert [row["instruction_id"] for row in taken] == sorted((row["instruction_id"] for row in taken), reverse=True)
    assert again == Counts()
    assert raised.rows_in == 24


@pytest.mark.slow
@pytest.mark.usefixtures("unaudited")
def test_a_way_of_the_users_that_raises_is_told_with_its_line(
    settings: Callable[..., Settings], start: Start, tmp_path: Path
) -> None:
    (tmp_path / "wrong.py").write_text("VERSION = 1\n\n\ndef choose(pool, size):\n    return pool.nothing\n")
    chosen = ("selections.min_score=5", 'selections.beside=["wrong"]', f"plugins={json.dumps([str(tmp_path)])}")
    with start(settings(*chosen)) as run:
        judged(run)
        with pytest.raises(BrokenError, match=r"to select `wrong` ended in AttributeError at \S+wrong\.py:5"):
            selections.select(run)


@pytest.mark.slow
def test_no_domain_has_more_than_its_share(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings("selections.min_score=0", "selections.max_domain_share=0.05")) as run:
        judged(run)
        select(run)
        domains = [row["domain"] for row in rows(run) if row["policy"] == BEST and row["domain"]]

    assert domains
    assert len(set(domains)) == len(domains)


@pytest.mark.slow
def test_the_same_candidates_are_selected_once(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings()) as run:
        judged(run)
        first = select(run)
        before = rows(run)
    with start(settings()) as run:
        again = select(run)
        after = rows(run)
    with start(settings("selections.min_score=7")) as run:
        other = select(run)

    assert first.rows_in == 24
    assert again == Counts()
    assert after == before
    assert other.rows_in == 24


@pytest.mark.slow
def test_threads_and_the_order_of_rows_change_nothing(settings: Callable[..., Settings], tmp_path: Path) -> None:
    taken = []
    for i, threads in enumerate((1, 2)):
        with runs.start("test", settings(f"threads={threads}"), tmp_path / f"store{i}", quiet=True) as run:
            judged(run, 48, reverse=bool(i))
            select(run)
            taken.append([(row["policy"], row["rank"], row["topic"], row["instruction_id"]) for row in rows(run)])

    assert len(taken[0]) > 100
    assert taken[0] == taken[1]


@pytest.mark.slow
def test_an_instruction_whose_answers_fail_a_required_check_is_not_even_in_a_control(
    settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings("selections.min_score=0", 'verdicts.required=["not_refused"]')) as run:
        judged(run, 12)
        answers = run.store.query("exports/raw").to_dicts()
        bad = answers[0]
        said = [(row["id"], "checks-1", "not_refused", row is not bad, "", None, run.run_id) for row in answers]
        run.store.append("verdicts", [records.Verdict(*one) for one in said])
        run.activate("verdicts", {"checks-1": "checks"})
        store.publish(run, "verdicts")
        select(run)
        taken = rows(run)
        refused = run.store.query("rejections/of_stage", stage="selections").to_dicts()

    assert bad["instruction_id"] not in {row["instruction_id"] for row in taken}
    assert {row["reason"] for row in refused} == {"failed_not_refused"}


@pytest.mark.slow
def test_a_judge_that_failed_is_named_as_the_reason(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings("selections.min_score=1")) as run:
        ids = store.fill(run, 6)
        responses.respond(run)
        store.publish(run, "responses")
        failed = [
            records.Score(id_, "j-1", "seven_criteria", "total", None, "unparsable", None, run.run_id) for id_ in ids
        ]
        run.store.append("scores", failed)
        run.activate("scores", {"j-1": "seven_criteria"})
        store.publish(run, "scores")
        counts = select(run)
        refused = run.store.query("rejections/of_stage", stage="selections").to_dicts()

    assert counts.rows_out == 0
    assert [(row["reason"], row["rows_rejected"]) for row in refused] == [("judge_failed", 6)]


@pytest.mark.slow
def test_without_a_judge_everything_that_was_answered_can_be_taken(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    unjudged = ("scores.judges=[]", "runner='thread'", "verdicts.required=[]")
    with start(settings(*unjudged)) as run:
        store.fill(run)
        responses.respond(run)
        store.publish(run, "responses")

    curation.fn(profile="defaults", store=str(store_dir), overrides=list(unjudged))

    exported = (store_dir / "exports" / "wellspring-dataset" / "messages" / "train.jsonl").read_text(encoding="utf-8")
    assert len(exported.splitlines()) == 24


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bound", "column"),
    [("min_instructions=10000", "instructions_missing"), ("max_topic_share=0.01", "topics_too_large")],
)
def test_a_set_that_is_too_narrow_is_not_published(
    bound: str, column: str, settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings("selections.min_score=0", f"selections.{bound}")) as run:
        judged(run)
        selections.select(run)
        with pytest.raises(BrokenError, match=column):
            validation.audit(run, "selections")
