"""The audit door: what holds passes, what does not is shown, and nothing to look at is never a pass."""

import importlib
import threading
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests import sample_store
from tests.sample_store import Sample
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.io import suites
from wellspring.tasks.io.suites import Expectation, Result, Suite, gxe

NOUNS = sorted(p.stem for p in (Path(__file__).parents[2] / "expectations").glob("[a-z]*.py"))


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    filled = sample_store.fill(tmp_path)
    yield filled
    filled.store.close()


def checked(monkeypatch: pytest.MonkeyPatch, rule: Expectation, *frames: pl.DataFrame) -> Result:
    monkeypatch.setattr(suites, "suite", lambda noun: Suite(noun, (rule,)))
    return suites.check("anything", frames)[0]


NOT_BLANK = gxe.ExpectColumnValuesToMatchRegex(column="text", regex=r"\S", notes="because")


def test_every_table_that_people_read_has_a_suite_that_the_library_can_build() -> None:
    for noun in NOUNS:
        suite = importlib.import_module(f"wellspring.expectations.{noun}").SUITE
        for rule in (*suite.rows, *suite.facts):
            assert suites.build(rule).notes == rule.notes
            assert len(rule.notes) > 20

    assert set(NOUNS) == set(STAGES)


@pytest.mark.parametrize("noun", sorted({*NOUNS} - {"preferences", "notes", "rewrites"}))
@pytest.mark.slow
def test_a_suite_holds_on_a_whole_store(sample: Sample, noun: str) -> None:
    sample_store.publish(sample, keep={noun})
    rows = sample.store._connection.sql(f'SELECT * FROM "{noun}"').to_arrow_table()

    results = suites.check(noun, [rows], sample.store)

    assert [r for r in results if not r.success and r.severity == "fail"] == []


@pytest.mark.timeout(120)
def test_threads_check_in_turn_since_the_library_keeps_its_context_in_a_global() -> None:
    frame, counted = pl.DataFrame({"source_id": ["s"] * 3}), []
    barrier = threading.Barrier(3)

    def check() -> None:
        barrier.wait()
        counted.extend([r.evaluated for r in suites.check("sources", [frame]) if r.column_name == "source_id"])

    threads = [threading.Thread(target=check) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(counted) >= 3
    assert set(counted) == {3}


def test_values_are_counted_over_all_batches_and_slack_is_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = gxe.ExpectColumnValuesToMatchRegex(column="text", regex=r"\S", mostly=0.75, notes="because")
    bad, good = pl.DataFrame({"text": [" "]}), pl.DataFrame({"text": ["a", "b", "c"]})

    within = checked(monkeypatch, rule, bad, good)
    beyond = checked(monkeypatch, rule, bad, good, bad)

    assert (within.success, within.evaluated, within.unexpected) == (True, 4, 1)
    assert (beyond.success, beyond.evaluated, beyond.unexpected) == (False, 5, 2)


def test_a_failure_shows_a_few_values_and_keeps_them_out_of_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = gxe.ExpectColumnValuesToNotMatchRegex(column="text", regex="secret", notes="because")

    result = checked(monkeypatch, rule, pl.DataFrame({"text": ["a secret " + "x" * 500] * 20}))

    assert not result.success
    assert len(result.sample) == suites.SAMPLE_ROWS
    assert all(len(value) <= suites.SAMPLE_CHARS for value in result.sample)
    assert "secret" not in result.observed


@pytest.mark.parametrize(
    ("frames", "observed"),
    [
        ([], "nothing to look at"),
        ([pl.DataFrame({"text": []}, schema={"text": pl.String})], "nothing to look at"),
        ([pl.DataFrame({"text": [None]}, schema={"text": pl.String})], "nothing to look at"),
        ([pl.DataFrame({"words": ["a"]})], "there is no column `text`"),
    ],
)
def test_nothing_to_look_at_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, frames: list[pl.DataFrame], observed: str
) -> None:
    result = checked(monkeypatch, NOT_BLANK, *frames)

    assert not result.success
    assert result.evaluated == 0
    assert result.observed == observed


def test_a_column_that_may_be_empty_passes_when_all_of_it_is_null_but_not_without_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule = gxe.ExpectColumnValuesToMatchRegex(column="text", regex="x", may_be_empty="by design", notes="because")
    nulls = pl.DataFrame({"text": [None, None]}, schema={"text": pl.String})

    assert checked(monkeypatch, rule, nulls).success
    assert not checked(monkeypatch, rule, nulls.head(0)).success


def test_an_expectation_that_raises_is_a_failure_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = gxe.ExpectColumnValuesToBeBetween(column="text", min_value=1, notes="because")

    result = checked(monkeypatch, rule, pl.DataFrame({"text": ["no number"]}))

    assert not result.success
    assert result.observed


def test_an_expectation_that_cannot_be_added_up_over_batches_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = gxe.ExpectColumnMeanToBeBetween(column="n", min_value=0, notes="because")

    result = checked(monkeypatch, rule, pl.DataFrame({"n": [1, 2]}))

    assert not result.success
    assert result.observed == "it does not judge value by value"


def test_a_table_without_a_suite_is_named() -> None:
    with pytest.raises(UsageError, match="`weather` has no suite"):
        suites.check("weather", [])


BREAKS = [
    ("documents", "UPDATE documents SET source_id = 'lost'", "orphans"),
    ("documents", "UPDATE documents SET duplicate_of = 'lost'", "lost_originals"),
    ("documents", "INSERT INTO duplicates VALUES ('lost', 'near-1', 'lost', 0.9, 'r')", "torn_duplicates"),
    ("documents", "INSERT INTO redactions VALUES ('lost', 'f', 'email', 1, 'r')", "orphan_redactions"),
    ("documents", "UPDATE documents SET text_digest = 'same'", "kept_twice"),
    ("documents", "UPDATE receipts SET rows_in = rows_in + 1 WHERE stage = 'documents'", "unaccounted"),
    ("documents", "INSERT INTO tombstones VALUES ('domain', 'bread.example', 'asked', '2026-01-01')", "forgotten"),
    ("passages", "UPDATE passages SET start_chars = 1", "misplaced"),
    ("passages", "UPDATE receipts SET rows_in = rows_in + 1 WHERE stage = 'passages'", "unaccounted"),
    ("embeddings", "UPDATE embeddings SET vector = [1.0, 1.0]", "not_unit"),
    ("embeddings", "UPDATE embeddings SET vector = ['nan'::FLOAT, 1.0]", "not_unit"),
    (
        "sources",
        "INSERT INTO receipts SELECT * REPLACE ('sources' AS stage, 9 AS rows_in) FROM receipts",
        "unaccounted",
    ),
    ("embeddings", "UPDATE embeddings SET text_id = concat('lost', text_id)", "orphans"),
    ("groundings", "UPDATE groundings SET seed_id = 'lost'", "orphan_seeds"),
    ("instructions", "UPDATE instructions SET parent_ids = ['lost']", "orphan_parents"),
    ("instructions", "UPDATE instructions SET document_id = 'lost'", "orphan_documents"),
    ("responses", "UPDATE responses SET instruction_id = 'lost'", "orphans"),
    ("scores", "UPDATE scores SET subject_id = concat('lost', subject_id)", "orphans"),
    ("scores", "UPDATE scores SET value = 11", "off_scale"),
    ("scores", "UPDATE scores SET completion_id = 'lost'", "orphan_completions"),
    ("verdicts", "UPDATE verdicts SET completion_id = 'lost'", "orphan_completions"),
    ("completions", 'UPDATE completions SET request = \'{"Authorization": "Bearer x"}\'', "quoted_keys"),
    ("scores", "UPDATE receipts SET rows_in = rows_in + 1 WHERE stage = 'scores'", "unaccounted"),
    ("selections", "UPDATE receipts SET rows_in = rows_in + 1 WHERE stage = 'selections'", "unaccounted"),
    ("exports", "UPDATE receipts SET rows_in = rows_in + 9 WHERE stage = 'exports'", "unaccounted"),
    ("selections", "UPDATE selections SET rank = rank + 1", "torn_ranks"),
    ("selections", "DELETE FROM selections WHERE policy = 'random_0'", "controls"),
    ("exports", "UPDATE verdicts SET check_name = 'contamination', passed = false", "contaminated"),
    ("exports", "UPDATE exports SET sha256 = concat(line, repeat('0', 63))", "two_digests"),
    ("exports", "DELETE FROM exports WHERE line = 2", "torn_files"),
    ("exports", "UPDATE exports SET row_id = 'lost'", "orphans"),
    ("settled", "DELETE FROM groundings", "lost_rows"),
    ("settled", "DELETE FROM rejections", "lost_refusals"),
    ("settled", "INSERT INTO settled SELECT * FROM settled", "settled_twice"),
    ("steps", "UPDATE steps SET completion_id = 'lost'", "orphan_completions"),
    ("steps", "DELETE FROM settled", "orphans"),
    ("steps", "INSERT INTO steps SELECT * FROM steps", "places_twice"),
]


@pytest.mark.parametrize(("noun", "damage", "fact"), BREAKS, ids=[f"{noun}: {fact}" for noun, _, fact in BREAKS])
@pytest.mark.slow
def test_a_store_that_was_broken_is_caught_by_the_fact_that_guards_it(
    sample: Sample, noun: str, damage: str, fact: str
) -> None:
    sample_store.publish(sample, keep={noun})
    sample.store._connection.execute(damage)

    results = suites.check(noun, [], sample.store, sample_store.RUN)

    assert [r.success for r in results if r.column_name == fact] == [False]


def seeds_of(sample: Sample, run: str, language: str, *, published: bool = True) -> None:
    rows = [records.Seed(f"{run}{i}", "read-1", "s", i, "text", None, language, 4, run) for i in range(120)]
    sample.store.append("seeds", rows)
    sample.store._connection.execute("INSERT INTO runs SELECT * REPLACE (? AS run_id) FROM runs LIMIT 1", [run])
    sample.store.append("publications", [records.Publication("seeds", "read-1", run)] if published else [])


def drift_of(sample: Sample, noun: str, column: str) -> Result:
    results = suites.check(noun, [], sample.store)
    return next(r for r in results if r.column_name == column)


def test_a_mix_that_moved_is_a_warning(sample: Sample) -> None:
    sample_store.publish(sample)
    seeds_of(sample, "before", "en")
    seeds_of(sample, "now", "de", published=False)

    drift = drift_of(sample, "seeds", "language_drift")

    assert (drift.success, drift.severity) == (False, "warn")
    assert drift.observed.startswith("language_drift = 0.98") or drift.observed == "language_drift = 1.0"


def test_a_mix_is_compared_with_the_last_ten_runs_and_not_with_all_that_ever_were(sample: Sample) -> None:
    for run in range(15):
        seeds_of(sample, f"old{run:02}", "de")
    sample.store._connection.execute("UPDATE runs SET started_at = '2020-01-01'")
    for run in range(10):
        seeds_of(sample, f"recent{run}", "en")
    sample.store._connection.execute("UPDATE runs SET started_at = '2026-01-01' WHERE starts_with(run_id, 'recent')")
    seeds_of(sample, "now", "en", published=False)

    assert drift_of(sample, "seeds", "language_drift").observed == "language_drift = 0.0"


HUNDRED = "FROM runs, range(100) AS hundred (i)"
MOVES = [
    ("seeds", "refusal_drift", "UPDATE receipts SET rows_in = 200, rows_rejected = if(run_id = 'now', 100, 0)"),
    (
        "seeds",
        "reason_drift",
        f"INSERT INTO rejections SELECT 'seeds', concat(run_id, i), 'f', run_id, '', run_id {HUNDRED}",
    ),
    (
        "selections",
        "topic_drift",
        f"INSERT INTO selections SELECT 'p', concat(run_id, i), 'f', i, if(run_id = 'now', 0, i % 9), run_id {HUNDRED}",
    ),
]


@pytest.mark.parametrize(("noun", "column", "change"), MOVES, ids=[column for _, column, _ in MOVES])
@pytest.mark.slow
def test_what_is_refused_and_what_is_chosen_are_mixes_too(sample: Sample, noun: str, column: str, change: str) -> None:
    sample_store.publish(sample)
    for table in ("runs", "receipts"):
        sample.store._connection.execute(f"INSERT INTO {table} SELECT * REPLACE ('now' AS run_id) FROM {table}")

    sample.store._connection.execute(change)

    assert (drift_of(sample, noun, column).success, drift_of(sample, noun, column).severity) == (False, "warn")
