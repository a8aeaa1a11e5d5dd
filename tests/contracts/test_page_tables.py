"""Tables of a page: names for SQL, numbers with their units, and what is no table."""

import pytest

from wellspring.tasks.contracts import page_tables

PAGE = """Rivers of the \u00e4 north.

| River | Length (km) | Rise | Share |
| --- | --- | --- | ---: |
| Aare | 1,288 km | \u2212 | 5 % |
| Reuss \\| R | 164 km | -3 | 7.5 % |

| only | a line |
"""


def test_a_table_is_read_with_its_numbers_and_units() -> None:
    [table] = page_tables.tables(PAGE)

    assert table.columns == ("river", "length_km", "rise", "share")
    assert table.units == ("", "km", "", "%")
    assert table.rows == (("Aare", 1288.0, None, 5.0), ("Reuss | R", 164.0, -3.0, 7.5))
    assert table.kinds == ("VARCHAR", "DOUBLE", "DOUBLE", "DOUBLE")
    assert PAGE[table.start :].startswith(table.text)
    assert "length_km DOUBLE, -- km" in table.described


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("| A | A | 2nd |", ("a", "a_2", "column_3")),
        ("| | \u00dcber Alles! |", ("column_1", "uber_alles")),
        ('| "; DROP TABLE x | b |', ("drop_table_x", "b")),
    ],
)
def test_names_are_such_as_sql_takes(head: str, names: tuple[str, ...]) -> None:
    rule, row = "|" + " --- |" * len(names), "|" + " x |" * len(names)

    assert page_tables.tables(f"{head}\n{rule}\n{row}")[0].columns == names


@pytest.mark.parametrize(
    "page", ["", "| a | b |\n| 1 | 2 |", "| a | b |\n| --- | --- |", "| a | b |\n| --- | --- |\n| 1 |", "a | b"]
)
def test_what_has_no_heading_or_uneven_rows_is_no_table(page: str) -> None:
    assert page_tables.tables(page) == []


def test_a_column_of_several_units_or_dates_holds_texts() -> None:
    [table] = page_tables.tables(
        "| a | b | c |\n| --- | --- | --- |\n| 1 km | 3 May 2020 | x |\n| 2 m | 4 May 2020 | 1 |"
    )

    assert table.kinds == ("VARCHAR", "VARCHAR", "VARCHAR")
