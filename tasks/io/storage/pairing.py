"""The journal and the database of one store: whether they belong together, and what only the database still has.

The database copies each answer of the journal, with its number, which is given once. So two files that number other
calls alike are of two stores. And a journal whose numbers end before those of the copy was emptied, deleted, cut, or
put back from an older one: what it lacks is brought over from the copy before anything is sent.

What a journal holds besides has no copy: refusals, vectors, what prompts rested on, and attempts that gave nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.storage import journal_file
from wellspring.tasks.io.storage.journal import DONE, LOOKUP_IDS, Entry, record
from wellspring.tasks.io.storage.journal_file import Connection

Copied = Mapping[str, Any]  # an answer, as the database has it: the columns of its table `completions`


def refuse_strangers(path: Path, numbered: Sequence[tuple[int, str]], database: str) -> None:
    """Refuse a journal and a database of two stores, before rows of one come into the other.

    Args:
        path: The journal, which can be read or is not there.
        numbered: Some of the latest answers of the database, at most 500: number and completion id.
        database: How the database's file is called.

    Raises:
        BrokenError: Most of the numbers that both know are of other calls.
    """
    if not numbered or not path.is_file() or not path.stat().st_size:
        return
    with closing(journal_file.read_only(path)) as connection:
        marks = ",".join("?" * len(numbered))
        query = f"SELECT sequence, completion_id FROM completions WHERE sequence IN ({marks})"  # noqa: S608 - only question marks
        known = dict(connection.execute(query, [number for number, _ in numbered]).fetchall())
    others = sum(known.get(number, name) != name for number, name in numbered)
    if 2 * others > len(known):
        raise BrokenError(
            f"{database} and {path.name} in {path.parent} are of two stores: of {len(known)} answers that both number, "
            f"{others} are other calls",
            hint=f"no row of one came into the other: put back the one that belongs here; or, if {path.name} does, "
            f"move {database} (and {database}.wal) away, and the next `wellspring build` makes it anew",
        )


def bring_over(path: Path, last: int, copies: Iterable[Sequence[Copied]], *, owner: str) -> str:
    """Bring answers into a journal that only the database still has; return what to say of it.

    Args:
        path: The journal; it is made if need be.
        last: The highest number in the database.
        copies: The answers of the database, in parts.
        owner: Who does it, for the message that others see.
    """
    had = brought = 0
    with journal_file.held(path, owner=owner) as (connection, _):
        connection.execute("BEGIN IMMEDIATE")
        journal_file.number_from(connection, last)
        for part in copies:
            names = _recorded(connection, [answer["completion_id"] for answer in part])
            missing = [answer for answer in part if answer["completion_id"] not in names]
            had += len(part)
            brought += len(missing)
            for answer in missing:
                _bring(connection, answer)
        for name, column in (("spent_micro_usd", "cost_micro_usd"), ("sent_calls", "attempts")):
            (least,) = connection.execute(f"SELECT coalesce(sum({column}), 0) FROM completions").fetchone()  # noqa: S608 - our own names
            connection.execute("UPDATE ledger SET value = max(value, ?) WHERE name = ?", (least, name))
        connection.execute("COMMIT")
    if not brought:
        return ""
    return (
        f"the journal lacks {brought} of {had} answers that were recorded: they are brought over from the database's "
        f"copy, and not paid again; what has no copy (refusals, vectors, what prompts rested on) is made or asked for "
        f"again where it is needed. If you have the lost {path.name}, stop, and put it back"
    )


def _recorded(connection: Connection, names: Sequence[str]) -> set[str]:
    found = set[str]()
    for start in range(0, len(names), LOOKUP_IDS):
        part = names[start : start + LOOKUP_IDS]
        marks = ",".join("?" * len(part))
        query = f"SELECT completion_id FROM completions WHERE completion_id IN ({marks})"  # noqa: S608 - only question marks
        found |= {name for (name,) in connection.execute(query, part)}
    return found


def _bring(connection: Connection, answer: Copied) -> None:
    """Record an answer under its own number, with its call."""
    cost = 0 if math.isnan(answer["cost_usd"]) else round(answer["cost_usd"] * 1e6)
    columns = [name for name in Entry._fields if name not in {"state", "cost_micro_usd"}]
    entry = Entry(**{name: answer[name] for name in columns}, state=DONE, cost_micro_usd=cost)
    call = (entry.completion_id, answer["role"], entry.model, answer["request"])
    connection.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", call)
    record(connection, entry, None, answer["run_id"])
    connection.execute(
        "UPDATE OR IGNORE completions SET sequence = ? WHERE completion_id = ?",
        (answer["sequence"], entry.completion_id),
    )
