"""Conditions on exported columns, and what they may not be; marks of people that become exclusions."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import sample_store
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.spine.provenance import conditions, exclusions

ROWS: list[dict[str, Any]] = [
    {"id": "a", "score": 4.0, "url": "https://forum.example/1", "recipe": "knn", "ok": True, "list": ["x"]},
    {"id": "b", "score": 6.0, "url": "https://news.example/it's", "recipe": "att", "ok": False, "list": []},
    {"id": "c", "score": None, "url": None, "recipe": "att", "ok": None, "list": None},
]


def meeting(text: str) -> str:
    condition = conditions.read(text)
    return "".join(row["id"] for row in ROWS if condition.holds(row))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("score < 5", "a"),
        ("score<5 or score>=6", "ab"),
        ("score != 4", "b"),
        ("score <> 4.0", "b"),
        ("score is null", "c"),
        ("score IS NULL OR url is not null", "abc"),
        ("url contains 'forum'", "a"),
        ("url not contains 'forum'", "b"),
        ("url = 'https://news.example/it''s'", "b"),
        ("recipe in ('att', 'x') and not score is null", "b"),
        ("recipe not in ('att')", "a"),
        ("not (score < 5 or score is null)", "b"),
        ("ok = true", "a"),
        ("score > -1 and (recipe = 'knn' or recipe = 'att')", "ab"),
        ("not not score = 4", "a"),
    ],
)
def test_a_condition_holds_for_the_rows_that_it_says(text: str, ids: str) -> None:
    assert meeting(text) == ids


def test_and_binds_before_or() -> None:
    assert meeting("score = 4 or recipe = 'att' and score = 6") == "ab"
    assert meeting("(score = 4 or recipe = 'att') and score = 6") == "b"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "score",
        "score <",
        "score = 5; DROP TABLE exports",
        "score = 5 -- all",
        "score = (SELECT 1)",
        "1 = 1",
        "'a' = 'a'",
        "score in ()",
        "score in (1, )",
        "score = 5 score = 6",
        "url contains score",
        "url like '%'",
        "read_text('/etc/passwd') = 'x'",
        'score = "5"',
        "score = 'it's'",
        "score not = 4",
        "exports.score = 4",
        "score = 5 /* x */",
        "is null",
        "((score = 4)",
        "score = 4)",
        "score == 4",
        "score = 1e9",
        "score = 0x10",
        "a\x00 = 1",
        "(" * 60 + "score = 4" + ")" * 60,
        "not " * 60 + "score = 4",
        "score = '" + "x" * 20_000 + "'",
    ],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        conditions.read(text)

    assert "--where" in refused.value.hint


@pytest.mark.parametrize("text", ["score > 'a'", "url > 5", "ok < 'x'", "list = 'x'", "score = true"])
def test_values_of_another_kind_are_no_silent_no(text: str) -> None:
    condition = conditions.read(text)

    with pytest.raises(UsageError, match="the condition compares it with"):
        [condition.holds(row) for row in ROWS]


@given(st.text(alphabet="score <>=!()',01aandorti-;\"\\\n\x00é", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        condition = conditions.read(text)
    except UsageError:
        return
    assert condition.columns


def test_who_takes_a_mark_back_takes_back_only_what_nobody_else_decided(tmp_path: Path) -> None:
    sample = sample_store.fill(tmp_path)
    store, (mine, both, by_hand) = sample.store, sample.responses[:3]
    run = store._connection.execute
    people = {"human:anna": (mine, both, by_hand), "human:otto": (both,)}
    for person, ids in people.items():
        run("INSERT INTO methods VALUES ('scores', ?, ?, '{}', TRUE, ?)", [person, person, sample_store.RUN])
        marks = [records.Score(one, person, person, "keep", 0.0, "", None, sample_store.RUN) for one in ids]
        store.append("scores", marks)
    sample_store.publish(sample)

    def left_out() -> set[str]:
        exclusions.by_marks(store)
        exclusions.by_marks(store)  # a mark decides once
        return {one["id"] for one in exclusions.excluded(store)}

    assert left_out() == {mine, both, by_hand}
    exclusions.include(store, [by_hand])
    exclusions.exclude(store, [by_hand], reason="a wrong answer")
    run("UPDATE scores SET value = 1 WHERE judge = 'human:anna'")
    assert left_out() == {both, by_hand}
    run("UPDATE scores SET value = 1 WHERE judge = 'human:otto'")
    assert left_out() == {by_hand}
    run("UPDATE scores SET value = 0 WHERE judge = 'human:anna' AND subject_id = ?", [mine])
    assert left_out() == {mine, by_hand}
    store.close()
