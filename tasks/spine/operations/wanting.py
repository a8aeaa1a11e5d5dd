"""How many more inputs it takes until so many rows are accepted, by what was accepted of those so far.

A build uses at most `limit` pages and seeds. `wellspring build --want` builds in rounds, each with a higher limit: as
high as the acceptance so far says, and at most four times the one before, since a few rows say little. What a round
made stays, so no round is paid for twice.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching.counts import known

By = Literal["recipe", "topic"]
FEWEST = 20  # inputs of a first round
FIRST_SHARE = 10  # one in so many of the wanted rows is as many inputs as the first round uses
MOST_TIMES = 4
BEYOND = 1.05


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a store is: accepted rows in all and by group, inputs that are there, calls, and what was paid.

    `used` is how many pages, or how many seeds, the methods in force are done with: the larger of the two. `cost_usd`
    is None where a price is not known.
    """

    accepted: int
    groups: Mapping[str, int]
    pages: int
    seeds: int
    used: int
    calls: int
    cost_usd: float | None

    def missing(self, want: int) -> dict[str, int]:
        """Return how many rows are missing of each group, and of `rows` where there are no groups."""
        of = self.groups or {"rows": self.accepted}
        return {name: want - count for name, count in of.items() if count < want}

    def least(self) -> int:
        """Return the accepted rows of the group that has fewest."""
        return min(self.groups.values()) if self.groups else self.accepted

    def is_used_up(self, limit: int) -> bool:
        """Whether there are no more inputs than a limit allows."""
        return self.pages < limit and self.seeds <= limit


def standing(store: Store, settings: Settings, by: By | None = None) -> Standing:
    """Return how far a store is.

    Args:
        store: The store.
        settings: Whose recipes are groups, also where they have no row yet.
        by: What rows are counted by; in all where nothing is said.
    """
    rows = store.query("exports/accepted")
    groups: dict[str, int] = dict.fromkeys(settings.instructions.recipes, 0) if by == "recipe" else {}
    if by is not None:
        for row in rows.iter_rows(named=True):
            groups[row[by]] = groups.get(row[by], 0) + row["rows_made"]
    spent = store.query("completions/spent").to_dicts()[0]
    pages, seeds, used, calls = (int(spent[name] or 0) for name in ("pages", "seeds", "used", "calls"))
    accepted = int(rows["rows_made"].sum())
    return Standing(accepted, groups, pages, seeds, used, calls, known(float(spent["cost_usd"])))


def check(settings: Settings, want: int) -> None:
    """Refuse what cannot be reached, before anything is paid.

    Raises:
        UsageError: The selection takes fewer rows than are wanted.
    """
    if 0 < settings.selections.budget < want:
        raise UsageError(
            f"{want} rows are wanted, and selections.budget takes at most {settings.selections.budget}",
            hint=f"leave it out, or --set selections.budget={want}",
        )


def first(want: int, used: int) -> int:
    """Return the limit of the first round: few inputs, to learn from, and no fewer than were used before."""
    return max(FEWEST, want // FIRST_SHARE, used)


def following(want: int, accepted: int, limit: int) -> int:
    """Return the limit of the round after one.

    Args:
        want: Rows that are wanted.
        accepted: Rows that are accepted.
        limit: Of the round before.
    """
    expected = math.ceil(BEYOND * limit * want / accepted) if accepted else MOST_TIMES * limit
    return min(max(expected, limit + 1), MOST_TIMES * limit)


def expected(found: Standing, want: int) -> dict[str, Any]:
    """Say what it will probably take until so many rows are accepted, by the acceptance so far.

    Returns:
        `want`, `accepted`, `missing`, `acceptance` (rows an input), `inputs` (more of them), `calls`, `cost_usd`. Those
        that are not known are None: nothing was accepted yet, or a price is in no table.
    """
    accepted, used = found.least(), found.used
    missing = max(0, want - accepted)
    rate = accepted / used if accepted and used else None
    more = None if rate is None else math.ceil(missing / rate)
    said = {"want": want, "accepted": accepted, "missing": missing, "acceptance": rate, "inputs": more}
    calls = None if more is None else round(found.calls * more / used)
    cost = None if more is None or found.cost_usd is None else found.cost_usd * more / used
    return said | {"calls": calls, "cost_usd": cost}
