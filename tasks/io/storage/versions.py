"""Versions of what is on disk: the numbered upgrades of `sql/upgrades/`, and what is said of a newer version.

The tables of the store and of the journal carry a number each: that of the last upgrade they came through. What is made
anew has the newest tables and number at once; what was made before there were numbers is version 0. An upgrade is
one file, `0002_what.sql`, committed together with its number, so a kill leaves the version before it or the one after.
"""

from functools import lru_cache
from pathlib import Path

from wellspring.tasks.contracts.errors import UsageError

_UPGRADES = Path(__file__).parents[3] / "sql" / "upgrades"


@lru_cache(maxsize=2)
def upgrades(what: str) -> dict[int, str]:
    """Return the upgrades of the `store` or the `journal`, oldest first: the version each leads to, and its SQL."""
    files = sorted((_UPGRADES / what).glob("*.sql"))
    return {int(path.name.partition("_")[0]): path.read_text(encoding="utf-8") for path in files}


def newest(what: str) -> int:
    """Return the version that this code reads and writes."""
    return max(upgrades(what))


def due(what: str, version: int) -> dict[int, str]:
    """Return the upgrades that lead from a version to the newest, in their order."""
    return {number: text for number, text in upgrades(what).items() if number > version}


def refuse_newer(what: str, path: Path, version: int) -> None:
    """Refuse what a newer Wellspring wrote: this one does not know what its columns mean.

    Raises:
        UsageError: The version is above those that this code knows.
    """
    if version > newest(what):
        raise UsageError(
            f"the {what} {path} has version {version}; this Wellspring knows versions up to {newest(what)}",
            hint="nothing was written to it: use the newer Wellspring that made it, or choose another --store",
        )
