"""Exclusions: what is left out of the next export and stays in the store, in quarantine, until it is included again.

A person names rows, pages or anything else by id, or by a condition on exported columns. All that rests on what is
named is left out with it. Decisions lie with the journal, as tombstones do: they survive the loss of the database.
A person who reads rows marks some as ones to exclude: such a mark is a decision, too, with that person's name.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.visible import visible
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.provenance import conditions, lineage
from wellspring.tasks.spine.releases import decisions


def exclude(store: Store, ids: Sequence[str] = (), *, where: str = "", reason: str = "asked") -> dict[str, Any]:
    """Leave something out of the next export, with all that rests on it.

    Args:
        store: The store, held for writing.
        ids: Of anything: rows, pages, seeds; the beginning of an id is enough, and so is FILE:LINE of an export.
        where: A condition on columns of the exported rows: those that meet it now are named, each by its id.
        reason: Why; the card says it.

    Returns:
        `named` (the ids that are new in quarantine), `already` (those that were in it), and `left_out`, a dict for each
        id in quarantine now: `id`, `reason`, `instructions`, `answers`, `rewrites` (how many of each rest on it).

    Raises:
        UsageError: Nothing is named, an id names nothing, or no exported row meets the condition.
    """
    if not ids and not where:
        raise UsageError("nothing is named", hint="give an id, or --where CONDITION; `wellspring excluded` lists all")
    named = [lineage.find(store, one)[1] for one in ids]
    named += _meeting(store, conditions.read(where)) if where else []
    return _decided(store, "exclude", list(dict.fromkeys(named)), reason)


def include(
    store: Store, ids: Sequence[str] = (), *, everything: bool = False, reason: str = "asked"
) -> dict[str, Any]:
    """Take something out of quarantine: the next export has it again, where it still stands.

    Args:
        store: The store, held for writing.
        ids: As they were named when they were excluded; the beginning is enough.
        everything: All that is in quarantine.
        reason: Why.

    Returns:
        As `exclude` does.

    Raises:
        UsageError: Nothing is named, or an id is not in quarantine.
    """
    standing = {row["id"] for row in excluded(store)}
    if not ids and not everything:
        raise UsageError("nothing is named", hint="give an id of `wellspring excluded`, or --all")
    named = sorted(standing) if everything else [_one_of(standing, one) for one in ids]
    return _decided(store, "include", named, reason)


def by_marks(store: Store) -> None:
    """Exclude what people marked as to exclude, each under the name of who said so, and include what they took back.

    A mark decides once. What somebody included since stays in, until the mark is given anew. Who takes a mark back
    takes their own exclusion back, unless another person still has the mark, or somebody decided by hand since.

    Args:
        store: The store, held for writing; the marks are its scores.
    """
    for one in store.query("decisions/of_people").to_dicts():
        reason = f"{one['person']}: {one['reason'] or 'marked so'}"[: decisions.MOST_REASON_CHARS]
        decisions.decide(store, one["kind"], [one["id"]], reason)


def excluded(store: Store) -> list[dict[str, Any]]:
    """Return what is in quarantine: `id`, `reason`, and how many `instructions`, `answers`, `rewrites` rest on it."""
    return store.query("exports/excluded").to_dicts()


def _decided(store: Store, kind: str, named: Sequence[str], reason: str) -> dict[str, Any]:
    before = {row["id"] for row in excluded(store)}
    new = [one for one in named if (one in before) is (kind == "include")]
    decisions.decide(store, kind, new, reason)
    return {"named": new, "already": [one for one in named if one not in new], "left_out": excluded(store)}


def _one_of(standing: set[str], target: str) -> str:
    found = [target] if target in standing else sorted(one for one in standing if target and one.startswith(target))
    if len(found) != 1:
        said = f"begins {len(found)} ids that are" if found else "is not"
        raise UsageError(f"`{visible(target)}` {said} in quarantine", hint="`wellspring excluded` lists what is")
    return found[0]


def _meeting(store: Store, condition: conditions.Condition) -> list[str]:
    """Return the ids of exported rows that meet a condition.

    Raises:
        UsageError: No form has its columns, or no row meets it.
    """
    folders = {path.split("/")[1] for path in store.query("lineage/paths")["path"].to_list()}
    files = sorted(path for folder in folders for path in (store.exports / folder).rglob("*.parquet"))
    known, found, looked = set[str](), dict[str, None](), 0
    for path in files:
        columns = pq.read_schema(path).names
        known |= {*columns}
        if condition.columns <= {*columns}:
            looked += 1
            table: pa.Table = pq.read_table(path, columns=sorted({"id", *condition.columns}))
            found |= dict.fromkeys(row["id"] for row in table.to_pylist() if condition.holds(row))
    if not looked:
        raise UsageError(
            f"no exported form has all of the columns {', '.join(sorted(condition.columns))}",
            hint=f"there are: {', '.join(sorted(known))}" if known else "there is no export: `wellspring build` first",
        )
    if not found:
        raise UsageError(f"no exported row meets `{visible(condition.text)}`", hint="nothing was excluded")
    return list(found)
