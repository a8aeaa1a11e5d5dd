"""Questions over tables: two models' SQL must agree, the table must matter, and the answer is what was worked out."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import instruction_store
from tests.program_cases import Start, reasons
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import table_questions
from wellspring.tasks.recipes.table_questions import Cells, _answer

pytestmark = pytest.mark.usefixtures("unaudited")

TABLE = (
    "| River | Length |\n| --- | --- |\n| Aare | 288 km |\n| Reuss | 164 km |\n| Linth | 140 km |\n"
    "| Rhine \u00e4 | 1,233 km |"
)
PAGE = f"Rivers \u00e4 of the country, by their length.\n\n{TABLE}\n\nThat is all of them."
LONGEST = "SELECT river FROM page_table ORDER BY length DESC LIMIT 1"


@pytest.fixture(autouse=True)
def _with_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(instruction_store.SUBJECTS, "bees", PAGE)


def run(start: Start, settings: Callable[..., Settings], sql: str, other: str = "", unit: str | None = None) -> Made:
    def say(heading: str, body: dict[str, Any]) -> str:
        assert ("page_table" in str(body), sql in str(body)) == (True, False)
        if heading == "write":
            return json.dumps({"question": "What comes out of the rivers?", "sql": sql, "unit": unit})
        return json.dumps({"sql": other or sql})

    with answering("table_questions", say) as model:
        roles = {role: model.role("m") for role in table_questions.ROLES}
        return run_program("table_questions", start, settings(*of_program("table_questions"), models=roles))


@pytest.mark.parametrize(
    ("sql", "unit", "answer"),
    [
        (LONGEST, None, "Rhine \u00e4"),
        ("SELECT avg(length) FROM page_table WHERE river <> 'Aare'", "km", "512.33 km"),
        ("SELECT count(*) FROM page_table", None, "4"),
        ("SELECT river FROM page_table WHERE length < 200", None, "Linth; Reuss"),
    ],
)
def test_the_answer_is_what_the_sql_gives(
    sql: str, unit: str | None, answer: str, start: Start, settings: Callable[..., Settings]
) -> None:
    made = run(start, settings, sql, f"SELECT * FROM ({sql}) AS t", unit)

    [note], [reference] = [json.loads(row["data"]) for row in made["notes"]], made["responses"]
    assert (note["known"], reference["text"]) == (answer, f"Answer: {answer}")
    assert verifiable.quoted(PAGE, note["cited"]) == [TABLE]
    assert (note["follows"], note["author"]) == ("computed", "rule")
    assert made["instructions"][0]["text"].endswith(TABLE)
    assert ("two decimals" in note["question"]) is ("." in answer)
    assert reasons(made).count("no_table") == 5


@pytest.mark.parametrize(
    ("reason", "sql", "other"),
    [
        ("sql_disagrees", LONGEST, LONGEST.replace("DESC", "ASC")),
        ("sql_disagrees", LONGEST, "SELECT * FROM page_table"),
        ("sql_fails", LONGEST, "DROP TABLE page_table"),
        ("sql_fails", "SELECT read_text('/etc/passwd')", ""),
        ("not_of_table", "SELECT 1 + 1", ""),
        ("no_short_answer", "SELECT * FROM page_table", ""),
        ("no_short_answer", "SELECT river FROM page_table WHERE length > 5000", ""),
        ("no_short_answer", "SELECT max(length) FROM page_table WHERE length > 5000", ""),
    ],
)
def test_what_makes_no_task(reason: str, sql: str, other: str, start: Start, settings: Callable[..., Settings]) -> None:
    made = run(start, settings, sql, other)

    assert made["instructions"] == []
    assert [one for one in reasons(made) if one != "no_table"] == [reason]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([[True]], ("text", "yes")),
        ([[-0.001]], ("amount", "0 km")),
        ([[2]], ("amount", "2 km")),
        ([[1.5], [2.0], [1.5]], ("set", "1.5; 2")),
    ],
)
def test_cells_are_told_as_people_write_them(rows: list[Cells], found: tuple[str, str]) -> None:
    assert _answer(rows, "km", 8) == found


def test_the_most_calls_of_a_page() -> None:
    assert table_questions.most_calls(table_questions.Knobs()) == 12
