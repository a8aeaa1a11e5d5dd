"""Releases of a store, what differs between them, and what is left out of them: what people ask for by hand."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage import links
from wellspring.tasks.io.storage.store import Store, refuse_none
from wellspring.tasks.spine.provenance import exclusions
from wellspring.tasks.spine.releases import decisions, differences, holdings, news, releases
from wellspring.tasks.spine.releases.differences import Side
from wellspring.tasks.spine.releases.releases import NOW


@contextmanager
def _held(store: Path, owner: str) -> Iterator[Store]:
    refuse_none(store)
    with Store.open(store, owner=owner) as opened:
        yield opened


def release(store: Path, name: str) -> dict[str, Any]:
    """Freeze what is exported, as `releases.make` says."""
    with _held(store, "release") as opened:
        return releases.make(opened, name)


def rollback(store: Path, name: str, reason: str) -> dict[str, Any]:
    """Have the link lead to a release and stay there, as `releases.rollback` says."""
    with _held(store, "rollback") as opened:
        return releases.rollback(opened, name, reason)


def forward(store: Path, reason: str) -> dict[str, Any]:
    """Take a rollback back, as `releases.forward` says."""
    with _held(store, "release") as opened:
        return releases.forward(opened, reason)


def listed(store: Path) -> list[dict[str, Any]]:
    """Return the facts of all releases; `is_held` marks the one that a person rolled back to."""
    with Store.read(store) as opened:
        held = decisions.held_at(opened)
        return [one | {"is_held": one["name"] == held} for one in releases.listed(opened.path)]


def exclude(store: Path, ids: Sequence[str], where: str, reason: str) -> dict[str, Any]:
    """Leave something out of the next export, as `exclusions.exclude` says."""
    with _held(store, "exclude") as opened:
        return exclusions.exclude(opened, ids, where=where, reason=reason)


def include(store: Path, ids: Sequence[str], reason: str, *, everything: bool) -> dict[str, Any]:
    """Take something out of quarantine, as `exclusions.include` says."""
    with _held(store, "include") as opened:
        return exclusions.include(opened, ids, everything=everything, reason=reason)


def excluded(store: Path) -> list[dict[str, Any]]:
    """Return what is in quarantine."""
    with Store.read(store) as opened:
        return exclusions.excluded(opened)


def diff(store: Path, a: str, b: str, profile: str) -> dict[str, Any]:
    """Say what differs between two releases; `now` is what an export would give, rehearsed on a copy of the store.

    Args:
        store: The store.
        a: The name of a release, or `now`.
        b: Likewise.
        profile: Whose settings count for `now`.

    Raises:
        UsageError: There is no such release.
        BrokenError: What an export would give is not known before a build.
    """
    links.refuse(store)
    refuse_none(store)
    chosen = settings.load(profile) if NOW in (a, b) else None
    if a == b:
        raise UsageError(f"`{a}` is compared with itself", hint="name two releases, or a release and `now`")
    sides = {name: differences.of_release(store, name) for name in (a, b) if name != NOW}
    if chosen is not None:
        sides[NOW] = _now(store, profile, chosen)
    return differences.between(sides[a], sides[b])


def _now(store: Path, profile: str, chosen: Settings) -> Side:
    """Return what an export would give: the curation is rehearsed, and nothing is sent.

    Raises:
        BrokenError: It would ask models, so what comes of it is not known.
    """
    from wellspring.flows.dataset import dataset
    from wellspring.tasks.spine.operations import estimating

    with estimating.rehearsal(chosen, store) as run:
        dataset.fn(profile, str(run.store.path), [], "curation")
        if calls := sum(receipt.counts.calls for receipt in run.receipts):
            raise BrokenError(
                f"what an export would give is not known: {calls} model calls are due before it",
                hint=f"wellspring build --profile {profile} --store {store}; or compare two releases",
            )
        return _exported(run.store, NOW)


def _exported(store: Store, name: str) -> Side:
    """Return the export in force as a side; its snapshot is made in a folder that is thrown away."""
    folder = store.exports / releases.exported(store)["name"]
    with tempfile.TemporaryDirectory(prefix="wellspring-diff-") as place:
        holdings.hold(store, folder, Path(place))
        return differences.side(Path(place), name, _told(store, folder))


def _told(store: Store, folder: Path) -> Mapping[str, Any]:
    """Return what a manifest would say of the export in force."""
    found, measures = releases.exported(store), folder / "measures.json"
    drawn = orjson.loads(measures.read_bytes()) if measures.is_file() else {}
    rows = {file["path"]: file["rows_in_file"] for file in store.query("exports/files").to_dicts()}
    return {
        "name": found["name"],
        "settings": releases.told(orjson.loads(found["settings"] or "{}")),
        "measures": drawn.get("measures", []),
        "rows": next((count for path, count in sorted(rows.items()) if "/messages/" in path), 0),
    }


def known(store: Path, name: str) -> None:
    """Refuse the name of a release that is not there, before anything is written.

    Raises:
        UsageError: There is none.
    """
    differences.folder_of(store, name)


def since(store: Path, name: str) -> dict[str, Any]:
    """Write what is new since a release, beside the export that is in place, as `news.write` says."""
    with _held(store, "export") as opened:
        a, found = differences.of_release(store, name), releases.exported(opened)
        b = _exported(opened, found["name"])
        return news.write(opened, opened.exports / found["name"], a, b)
