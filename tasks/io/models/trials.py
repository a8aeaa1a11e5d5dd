"""What a program is tried with: a model door whose answers come in another order, or that is killed; a store to clear.

All else is the real thing: calls go one by one through `Models`, to the journal and back.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.program import NOUNS
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.storage.journal_file import reading
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.io.waits import Tick

KEPT = (*NOUNS, "rejections", "settled", "steps")  # where a program leaves rows, by its fingerprint
_CHANGING = frozenset({"run_id", "seconds"})

Rows = dict[str, list[dict[str, Any]]]


class Killed(BaseException):
    """The process is at its end: nothing of ours may catch this."""


class TrialModels(Models):
    """The real door; of the calls that wait, `pick` says which is answered next, and it is killed after some answers.

    Args:
        settings: Of the run.
        directory: Where the journal is.
        run_id: Of the run.
        pick: Given how many calls wait, the place of the next; all are sent at once where there is none.
        dies_after: So many answers that were not recorded; 0 never.
        most: So many calls may be asked for; 0 any number.
    """

    def __init__(
        self,
        settings: Settings,
        directory: Path,
        run_id: str,
        *,
        pick: Callable[[int], int] | None = None,
        dies_after: int = 0,
        most: int = 0,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        super().__init__(settings, directory, run_id)
        self._pick = pick or (lambda _: 0)
        self._is_plain = pick is None and not dies_after
        self._dies_after, self._paid = dies_after, count(1)
        self._most, self._asked = most, count(1)

    def answers(
        self,
        calls: Iterable[Call | None],
        leave: Callable[[Call], None] | None = None,
        tick: Tick | None = None,
    ) -> Iterator[Answer | Refused]:
        """Answer calls as `Models.answers` does, in this door's order.

        Raises:
            Killed: It has given as many answers as it was to give.
            BrokenError: More calls are asked for than may be.
        """
        calls = self._counted(calls)
        if self._is_plain:
            yield from super().answers(calls, leave, tick)
            return
        held: list[Call] = []
        for call in calls:
            if call is not None:
                held.append(call)
            elif held:
                chosen = held.pop(self._pick(len(held)))
                for outcome in super().answers([chosen], leave, tick):
                    if not outcome.is_cached and next(self._paid) == self._dies_after:
                        raise Killed
                    yield outcome

    def _counted(self, calls: Iterable[Call | None]) -> Iterator[Call | None]:
        for call in calls:
            if call is not None and next(self._asked) > self._most > 0:
                raise BrokenError(
                    "it asks other calls each time that it is started again",
                    hint="a program keeps nothing between its starts",
                )
            yield call


def made(store: Store, fingerprint: str) -> Rows:
    """Return all rows of a program by table, in an order of their own, without what differs from run to run."""
    return {table: [row for row in _rows(store, table) if row["fingerprint"] == fingerprint] for table in KEPT}


def _rows(store: Store, table: str) -> list[dict[str, Any]]:
    names = [name for name in records.schema(table).names if name not in _CHANGING]
    query = f'SELECT {", ".join(names)} FROM "{table}" ORDER BY ALL'  # noqa: S608 - schema() knows the names
    found = store._connection.execute(query)  # noqa: SLF001 - of this room
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def clear(store: Store, fingerprint: str) -> None:
    """Take out all rows of a program, and all completions: as if its run had been killed before it wrote any."""
    with store.transaction():
        for table in KEPT:
            gone = f'DELETE FROM "{table}" WHERE fingerprint = $fingerprint'  # noqa: S608 - tables of ours
            store._connection.execute(gone, {"fingerprint": fingerprint})  # noqa: SLF001 - of this room
        store._connection.execute("DELETE FROM completions")  # noqa: SLF001 - of this room


def jobs(directory: Path) -> int:
    """Return how many batch jobs a journal has had."""
    with reading(directory / "completions.sqlite") as connection:
        return connection.execute("SELECT count(*) FROM batches WHERE state <> 'draft'").fetchone()[0]
