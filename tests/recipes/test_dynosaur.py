"""Dynosaur: rows of a table fill in the tasks that a model makes of it, and each filter refuses what it is for."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import instruction_store
from tests.program_cases import Start, fenced, reasons, uses
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes.dynosaur import Task, filled

pytestmark = pytest.mark.usefixtures("unaudited")

ROWS = [
    {"review": "The harbour film is dull from its first minute on.", "label": "bad", "year": "1999"},
    {"review": "A warm and quick story about two bakers.", "label": "good", "year": "2004"},
    {"review": "A warm and quick story about two bakers.", "label": "good", "year": "2004"},
    {"review": "Nobody should sit through these trains.", "label": "bad"},
    {"review": "It made me laugh until the lights went on.", "label": "good", "year": "2011"},
]
FIELDS = {"review": "what somebody wrote", "label": "", "year": ""}
TABLE = {"table": "films", "about": "Films.", "fields": FIELDS, "examples": ROWS[:2], "rows": ROWS}
JUDGE = {
    "instruction": "Say whether this review praises the film.",
    "input_fields": ["review"],
    "output_field": "label",
}
WRITE = {"instruction": "Write a review of a film in one sentence.", "input_fields": [], "output_field": "review"}
GONE = {"instruction": "Name the director of this film.", "input_fields": ["review"], "output_field": "director"}


def test_rows_fill_tasks_in_and_their_own_cells_are_the_answers(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(instruction_store.SUBJECTS, "pumps", json.dumps(TABLE))
    asked: list[dict[str, Any]] = []

    def say(_: str, body: dict[str, Any]) -> str:
        asked.append(body)
        return json.dumps({"tasks": [JUDGE, WRITE, GONE]})

    with answering("dynosaur", say) as model:
        roles = {"generator": model.role("generator")}
        made = run_program("dynosaur", start, settings(*of_program("dynosaur"), models=roles))

    texts = {row["instruction_id"]: row["text"] for row in made["instructions"]}
    answers = {(texts[row["instruction_id"]], row["text"]) for row in made["responses"]}
    wish = "Say whether this review praises the film. Answer with one of: bad, good."
    assert len(asked) == made.calls == 1
    assert fenced(asked[0], "table") == ["films"]
    judged = {(f"{wish}\n\nreview: {row['review']}", row["label"]) for row in ROWS}
    assert answers == judged | {
        (WRITE["instruction"], ROWS[0]["review"])
    }  # asked once: a second answer is no other task
    assert len(texts) == len(answers) == 5
    assert set(uses(made).values()) == {"answer"}
    assert {row["model"] for row in made["responses"]} == {"given"}
    assert reasons(made) == ["no_such_field", *["no_table"] * 5]


def test_with_the_stand_in_a_table_becomes_tasks(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"text": f"Case {i} of the harbour.", "label": "north" if i % 2 else "south"} for i in range(8)]
    table = TABLE | {"fields": {"text": "", "label": ""}, "examples": rows[:2], "rows": rows}
    for number, subject in enumerate(instruction_store.SUBJECTS):
        monkeypatch.setitem(instruction_store.SUBJECTS, subject, json.dumps(table | {"table": f"harbours {number}"}))

    made = run_program("dynosaur", start, settings(*of_program("dynosaur")))

    assert made.settled == 6
    assert {row["text"] for row in made["responses"]} <= {cell for row in rows for cell in row.values()}
    assert made["responses"], made.refused
    assert {*reasons(made)} <= {"answer_is_shown", "no_such_field", "too_near_the_pool"}


@pytest.mark.parametrize(
    ("task", "rows", "reason"),
    [
        (GONE, ROWS, "no_such_field"),
        (JUDGE | {"input_fields": ["review", "label"]}, ROWS, "answer_is_shown"),
        (JUDGE | {"instruction": " "}, ROWS, "no_words"),
        (JUDGE, [{"review": "", "label": "good"}, {"review": "x"}], "nothing_left"),
        (JUDGE, [{"review": "x", "label": "y" * 2000}], "nothing_left"),
        (JUDGE, [*ROWS[1:3], ROWS[4], ROWS[4], ROWS[0]], "unbalanced"),  # 4 of 5
        (JUDGE, [{"review": str(i), "label": one} for i, one in enumerate("aaabc")], "unbalanced"),  # 3 of 5, of three
    ],
)
def test_each_filter_refuses_what_it_is_for(task: dict[str, Any], rows: list[dict[str, str]], reason: str) -> None:
    with pytest.raises(Rejection) as caught:
        filled(Task(**task), rows, FIELDS)

    assert caught.value.reason == reason


def test_labels_are_named_and_long_or_many_answers_are_none() -> None:
    def wish(answers: list[str]) -> str:
        rows = [{"review": f"r{i}", "label": one} for i, one in enumerate(answers)]
        return filled(Task(**JUDGE), rows, FIELDS)[0][0].split("\n")[0]

    assert wish(["b", "a", "b", "a", "c"]).endswith("Answer with one of: a, b, c.")
    assert wish([*"abcdefghij", "a"]).endswith("a, b, c, d, e, f, g, h, i, j.")
    assert wish([*"abcdefghijk", "a"]) == JUDGE["instruction"]  # eleven kinds
    assert wish(["x" * 16, "a", "a"]) == JUDGE["instruction"]
    assert wish(["a", "b"]) == JUDGE["instruction"]  # each its own
