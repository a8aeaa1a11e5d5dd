"""SQL of models over a page's tables: what it may ask, and that nothing else can be read, changed or used up."""

import time
from pathlib import Path

import pytest

from wellspring.tasks.io.storage import page_tables

TABLE = {
    "page_table": {
        "columns": ("river", 'odd " name', "km"),
        "kinds": ("VARCHAR", "VARCHAR", "DOUBLE"),
        "rows": (("Aare", "a", 288.0), ("Reuss", None, 164.0), ("Linth; L", "c", 140.5)),
    }
}


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT max(km) FROM page_table", [[288.0]]),
        ("SELECT river FROM page_table WHERE km < 200 ORDER BY km", [["Linth; L"], ["Reuss"]]),
        ("WITH x AS (SELECT count(*) AS n FROM page_table) SELECT n FROM x", [[3]]),
        ("SELECT count(*) FROM page_table WHERE river LIKE '%s' AND km IS NOT NULL", [[1]]),
        ("SELECT rank() OVER (ORDER BY km) FROM page_table ORDER BY 1", [[1], [2], [3]]),
        ("SELECT sum(km)::DECIMAL(10, 2) FROM page_table", [[592.5]]),
        ('SELECT "odd "" name" FROM page_table WHERE km = 288', [["a"]]),
    ],
)
def test_one_select_gives_rows(sql: str, rows: list[list[object]]) -> None:
    assert page_tables.query(sql, TABLE) == ("ok", rows, "")


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "DROP TABLE page_table",
        "SELECT 1; SELECT 2",
        "SET threads = 4",
        "ATTACH '/tmp/x.db'",
        "COPY page_table TO '/tmp/x'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM query('DROP TABLE page_table')",
        "SELECT repeat('x', 1000000000)",
        "SELECT river || river FROM page_table",
        "SELECT list(km) OVER () FROM page_table",
        "SELECT range(1000000000)",
        "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x) SELECT max(n) FROM x",
        "SELECT random()",
        "SELECT now()",
        "SELECT km FROM page_table WHERE 1 = " + "1" * 4000,
    ],
)
def test_whatever_is_no_select_over_the_table_alone_is_denied(sql: str) -> None:
    assert page_tables.query(sql, TABLE).outcome == "denied"


def test_it_is_over_when_its_time_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_tables, "SECONDS", 0.2)
    many = ", ".join(f"page_table AS t{number}" for number in range(25))
    began = time.monotonic()

    assert page_tables.query(f"SELECT count(*) FROM {many} WHERE t0.km + t24.km > t1.km", TABLE).outcome == "timeout"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("sql", "outcome"),
    [
        ("SELECT missing FROM page_table", "error"),
        ("SELECT a.km FROM page_table a, page_table b, page_table c, page_table d, page_table e", "too_large"),
    ],
)
def test_what_stopped_it_is_named(sql: str, outcome: str) -> None:
    assert page_tables.query(sql, TABLE).outcome == outcome


def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page_tables.query("SELECT river FROM page_table ORDER BY km", TABLE)

    assert list(tmp_path.iterdir()) == []
