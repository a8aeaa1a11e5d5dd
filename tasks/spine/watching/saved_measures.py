"""The portrait of the dataset as it is kept beside the pages: what the drawing stage writes and the site reads."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from wellspring.tasks.io import files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching import marts


@dataclass(frozen=True, slots=True)
class DatasetMeasures:
    """What the card and the page show.

    Attributes:
        measures: A row for each part: `all`, each recipe, other choices of as many, `random` (the mean of the
            controls).
        topics: A row for each topic: its group, rows and names; largest group first.
        lengths: Part -> counts of instructions by tokens, in powers of two from 1.
        scores: Part -> counts of instructions by whole score, from 0.
        points: Places on the map: x and y in [0, 1], kind (instruction, seed, document), topic (-1 for none), label.
    """

    measures: list[dict[str, Any]]
    topics: list[dict[str, Any]]
    lengths: dict[str, list[int]]
    scores: dict[str, list[int]]
    points: list[tuple[float, float, str, int, str]]


def save(store: Store, portrait: DatasetMeasures) -> None:
    """Keep the portrait where pages find it, its labels and topics only where the profile shows values of rows."""
    kept = portrait if marts.shows_values(store) else _without_values(portrait)
    store.pages.mkdir(exist_ok=True)
    files.write_json(_place(store), asdict(kept))


def _without_values(portrait: DatasetMeasures) -> DatasetMeasures:
    return replace(portrait, topics=[], points=[(*point[:4], "") for point in portrait.points])


def is_kept(store: Store) -> bool:
    """Whether one is there; the pages of a store may have been taken away."""
    return _place(store).is_file()


def read(store: Store) -> DatasetMeasures | None:
    """Return the portrait of the latest export; None before there is one, and where it is damaged."""
    kept = files.read_json(_place(store), DatasetMeasures)
    if kept is None:
        return None
    if marts.shows_values(store):
        return kept
    save(store, kept)  # it may have been written when the profile showed them
    return _without_values(kept)


def _place(store: Store) -> Path:
    return store.pages / "portrait.json"
