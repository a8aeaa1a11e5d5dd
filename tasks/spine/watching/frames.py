"""Tables of a store as Polars frames, for people who look: rows in force, and what was refused."""

import difflib

import polars as pl

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.io.storage.store import Store


def tables() -> list[str]:
    """Return the names of all tables."""
    return sorted(records.TABLES)


def rows(store: Store, table: str) -> pl.DataFrame:
    """Return the rows of a table that are in force; all of its rows, where it has no methods (`runs`, `completions`).

    Raises:
        UsageError: There is no such table.
    """
    _expect("table", table)
    return store.query("rows/all", view=f"valid_{table}" if _is_by_method(table) else table)


def _expect(what: str, name: str) -> None:
    if name not in records.TABLES:
        near = difflib.get_close_matches(name, records.TABLES, n=3) or tables()
        raise UsageError(f"there is no {what} `{name}`", hint=f"there is {', '.join(near)}")


def _is_by_method(table: str) -> bool:
    return table in STAGES and STAGES[table].is_by_method


def refused(store: Store, stage: str | None = None, reason: str | None = None) -> pl.DataFrame:
    """Return what the methods in force refuse: stage, input_id, reason, detail, run_id.

    Raises:
        UsageError: There is no such stage, or it has refused nothing for such a reason.
    """
    if stage is not None:
        _expect("stage", stage)
    found = store.query("rejections/seen", stage=stage, reason=reason)
    if reason is not None and found.is_empty():
        known = store.query("rejections/seen", stage=stage, reason=None)["reason"].unique().sort().to_list()
        near = difflib.get_close_matches(reason, known, n=3) or known
        raise UsageError(f"nothing is refused for `{reason}`", hint=f"reasons are: {', '.join(near) or 'none yet'}")
    return found
