"""Pairs of a better and a worse answer, as files that a script shows side by side."""

from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import shards

PAIRS_A_FILE = 20
ROWS_AT_ONCE = 2000


def write(store: Store, *, shows_values: bool) -> int:
    """Write the pairs in force and return how many there are; none where values are hidden."""
    shelf = shards.Shelf(store.pages, "pairs", PAIRS_A_FILE)
    if shows_values:
        for frame in store.stream("rows/pairs", rows=ROWS_AT_ONCE):
            shelf.put(frame.to_dicts())
    shelf.close()
    return shelf.rows
