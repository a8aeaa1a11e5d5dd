"""Questions over a table of a page, answered by SQL that was run: the answer is computed, and nobody wrote it.

Beside the papers. A table of the page is made in a database of its own, in memory. A model writes a question with its
SQL; what the SQL gives is the answer, an amount, a text or a set. Another model, which sees the question and no SQL,
writes SQL of its own: both must give the same, or the question can be taken in two ways. SQL that gives the same over
an empty table does not need the table, and is refused. Numbers are rounded to two decimals, and the question says so.

    a table of rivers -> "Which river is the longest?", SELECT river ... LIMIT 1 -> Aare
"""

from typing import Any

from pydantic import Field

from wellspring.tasks.contracts import page_tables, verifiable
from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.page_tables import NAME, PageTable
from wellspring.tasks.contracts.pieces import ENGLISH
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = ""
PAPER = "beside the papers: questions over tables of pages, answered by SQL"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator", "responder")
APART = (("generator", "responder"),)
REAL_MODEL = ""

DECIMALS = 2
ROUNDED = " Round the number to two decimals."

Cell = str | float | bool | None
Cells = list[Cell]


class Knobs(Section):
    """What a profile can set under `[recipes.table_questions]`."""

    tables: int = Field(default=2, ge=1, le=16, description="most tables of a page")
    questions: int = Field(default=3, ge=1, le=16, description="questions on each")
    least_rows: int = Field(default=3, ge=1, description="rows that a table has at least")
    most_rows: int = Field(default=40, ge=1, le=500, description="rows that a table has at most: it stands in the task")
    most_members: int = Field(default=8, ge=1, le=50, description="most members of an answer that is a set")


class Asked(Answered):
    """A question, its SQL, and the unit of its answer."""

    question: str
    sql: str
    unit: str | None


class Again(Answered):
    """SQL for a question."""

    sql: str


def most_calls(knobs: Knobs) -> int:
    """For each question one to write it, and one for other SQL."""
    return 2 * knobs.tables * knobs.questions


async def program(row: Row, ask: Ask) -> None:
    """Write questions over the tables of the page.

    Raises:
        Rejection: `other_language`; `no_table`, the page has none of a size that a task can hold.
    """
    if row.get("language") not in ENGLISH:
        raise Rejection("other_language", f"{row['language']}, and the forms of answers are in English")
    least, most = ask.knobs.least_rows, ask.knobs.most_rows
    found = [one for one in page_tables.tables(row["text"]) if least <= len(one.rows) <= most and len(one.columns) > 1]
    if not found:
        raise Rejection("no_table", f"the page has no table of {least} to {most} rows")
    await ask.tried([_of_table(row, ask, table) for table in found[: ask.knobs.tables]])


async def _of_table(row: Row, ask: Ask, table: PageTable) -> None:
    asked: dict[str, Any] = {"title": row["title"] or "", "schema": table.described, "table": table.text}
    written = await ask.draws(ask.knobs.questions, "write", Asked, **asked)
    different = {one.question.casefold(): one for one in reversed(written)}
    await ask.tried([_task(row, ask, table, one) for one in reversed(different.values())])


async def _task(row: Row, ask: Ask, table: PageTable, said: Asked) -> None:
    """Work the answer out, twice, and note the task.

    Raises:
        Rejection: `sql_fails`; `not_of_table`, it gives the same over an empty table; `no_short_answer`;
            `sql_disagrees`; or as `verifiable.make` has it.
    """
    kind, known = _answer(await _run(ask, said.sql, table.given), said.unit or "", ask.knobs.most_members)
    empty = await ask.query(said.sql, {NAME: table.given | {"rows": []}})
    if empty.outcome == "ok" and _answer_or_none(empty.rows, said.unit or "") == (kind, known):
        raise Rejection("not_of_table", f"{known[:100]}: {said.sql[:200]}")
    other = await ask(
        "again", Again, role="responder", question=said.question, schema=table.described, table=table.text
    )
    rows = await _run(ask, other.sql, table.given)
    if _answer_or_none(rows, said.unit or "") != (kind, known):
        raise Rejection("sql_disagrees", f"{known[:100]} and {rows[:3]}: {said.question[:200]}")
    start = len(row["text"][: table.start].encode())
    question = said.question + (ROUNDED if "." in known and kind == "amount" else "")
    cited = [(start, start + len(table.text.encode()))]
    how = {"family": "table", "follows": verifiable.COMPUTED}
    verifiable.make(ask, said, verifiable.short_answer(kind, question, table.text, known, cited, **how))


async def _run(ask: Ask, sql: str, table: dict[str, Any]) -> list[Cells]:
    ran = await ask.query(sql, {NAME: table})
    if ran.outcome != "ok":
        raise Rejection("sql_fails", f"{ran.outcome}: {ran.detail[:150]}: {sql[:150]}")
    return ran.rows


def _answer_or_none(rows: list[Cells], unit: str) -> tuple[str, str] | None:
    try:
        return _answer(rows, unit, len(rows))
    except Rejection:
        return None


def _answer(rows: list[Cells], unit: str, most: int) -> tuple[str, str]:
    """Return the kind and the text of an answer: of one cell an amount or a text, of one column a set.

    Raises:
        Rejection: `no_short_answer`, it is none of these.
    """
    cells = [row[0] for row in rows if len(row) == 1]
    if not cells or len(cells) < len(rows) or len(cells) > most or any(one in {None, ""} for one in cells):
        raise Rejection("no_short_answer", f"{len(rows)} rows of {len(rows[0]) if rows else 0} cells")
    if len(cells) > 1:
        members = sorted({_shown(one) for one in cells})
        if any(";" in one for one in members):
            raise Rejection("no_short_answer", "a member holds a semicolon")
        return "set", "; ".join(members)
    if isinstance(cells[0], str | bool):
        return "text", _shown(cells[0])
    return "amount", f"{_shown(cells[0])} {unit}".strip()


def _shown(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return " ".join(cell.split())
    return f"{round(float(cell or 0), DECIMALS) + 0.0:.{DECIMALS}f}".rstrip("0").rstrip(".")
