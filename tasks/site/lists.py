"""Lists of what is in a store besides exported rows: what was refused, copies, pages, seeds, instructions.

Every count on a page leads to one of these. Rows of one kind, reason and run lie together, so a count is a part of the
list, and a link says which. Each row has the id that `wellspring trace` takes.
"""

from typing import Any

from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import shards

LISTS = {  # name: what a page calls it
    "refused": "Refused inputs",
    "sites": "Refused pages by site",
    "copies": "Copies that are not used",
    "documents": "Documents in use",
    "seeds": "Seeds in use",
    "instructions": "Instructions",
}
ROWS_A_FILE = 100
ROWS_AT_ONCE = 20_000
_ROW = ("id", "telling", "said", "what", "line")


def write(store: Store, *, shows_values: bool) -> None:
    """Write the lists; `rows/lines` has numbered the exported lines. Where values are hidden only ids are in them."""
    index = {name: _write(store, name, shows_values=shows_values) for name in LISTS}
    shards.write(store.pages, "lists/index", {"size": ROWS_A_FILE, "lists": index})


def _write(store: Store, name: str, *, shows_values: bool) -> list[list[Any]]:
    """Write one list and return its groups in order: part, kind, run and how many rows."""
    shelf, groups = shards.Shelf(store.pages, f"lists/{name}", ROWS_A_FILE), dict[tuple[str, ...], int]()
    for frame in store.stream(f"rows/list_{name}", rows=ROWS_AT_ONCE, shows_values=shows_values):
        shelf.put(frame.select(_ROW).rows())
        for *group, count in frame.group_by("part", "kind", "run_id", maintain_order=True).len().rows():
            groups[tuple(group)] = groups.get(tuple(group), 0) + count
    shelf.close()
    return [[*group, count] for group, count in groups.items()]
