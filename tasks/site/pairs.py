"""Pairs of a better and a worse answer, as files that a script shows side by side."""

from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import shards

PAIRS_A_FILE = 20
PAIRS_AT_ONCE = 5000


def write(store: Store, pairs: int) -> None:
    """Write so many pairs in force, a part of them at a time."""
    shelf = shards.Shelf(store.pages, "pairs", PAIRS_A_FILE)
    if pairs:
        store.execute("rows/number_pairs")
    for start in range(0, pairs, PAIRS_AT_ONCE):
        shelf.put(store.query("rows/pairs", start=start, stop=start + PAIRS_AT_ONCE).to_dicts())
    shelf.close()
