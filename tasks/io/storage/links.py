"""Links inside a store: none is followed, since a store from elsewhere would have others' files read and written.

One link is ours, `releases/current`: it may name a folder beside it, and nothing else.
The store itself may be a link. A store is looked through before anything of it is opened; a folder that cannot be read
is left to whoever opens it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from wellspring.tasks.contracts.errors import BrokenError

SHOWN = 5
RELEASES, CURRENT = "releases", "current"


def refuse(store: Path) -> None:
    """Refuse a store in which anything is a link, a pipe, a socket or a device, however deep it lies.

    Raises:
        BrokenError: Something is; the first of them are named.
    """
    if found := sorted(one for one in _odd(str(store)) if not _is_current(store, one)):
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise BrokenError(
            f"in the store {store} these are links, or no files: {', '.join(map(_named, found[:SHOWN]))}{more}",
            hint="no link inside a store is followed: put the files themselves there, or take the links away; the "
            "store's own folder may be a link",
        )


def _is_current(store: Path, path: str) -> bool:
    """Whether this is the link to the current release: to a folder beside it, by its bare name."""
    link = store / RELEASES / CURRENT
    if Path(path) != link or not link.is_symlink():
        return False
    name = str(link.readlink())
    target = link.with_name(name) if name and "/" not in name and not name.startswith(".") else link
    return not target.is_symlink() and (target.is_dir() or not os.path.lexists(target))


def _odd(folder: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _odd(entry.path)
        elif not entry.is_file(follow_symlinks=False) and os.path.lexists(entry.path):
            yield entry.path


def _named(path: str) -> str:
    target = f" -> {Path(path).readlink()}" if Path(path).is_symlink() else ""
    return "".join(c if c.isprintable() else "?" for c in f"{path}{target}")
