"""Fits that cannot be made again, kept with the journal: a text that they learned from is forgotten or superseded.

A fit is a file that is made again of its texts where it is lost. Where one of these is gone, another fit would come of
those that are left, with it other vectors, and what was found by them would be asked and paid again. So before a text
is forgotten, the files of each fit that learned from it are copied into the journal: counts of hashed words over all
its texts and directions among them, and no text. The same is done where a page has a newer text: a database that is
made anew reads both at once, and cuts only the newest into passages. `embeddings.refit` takes them out.
"""

import base64
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from wellspring.tasks.io.storage import journal_file, outliving
from wellspring.tasks.io.storage.store import JOURNAL, Store
from wellspring.tasks.io.vectors import manifests
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import reads

LEARNED, FILES = "fit", "files of a fit"  # as reads are called
PART_BYTES = 2**22


def learned(store: Store, gone: Collection[str]) -> list[tuple[str, str, list[str]]]:
    """Return the fits that learned from one of these texts: folder, space, and the ids of all that each learned from.

    Raises:
        BrokenError: The journal cannot be read.
    """
    path = store.path / JOURNAL
    if journal_file.version(path) is None:
        return []
    with journal_file.reading(path) as connection:
        asked = "SELECT fingerprint, input_id, value FROM reads WHERE kind = ? ORDER BY fingerprint"
        found = [(name, space, json.loads(ids)) for name, space, ids in connection.execute(asked, (LEARNED,))]
    return [one for one in found if not {*gone}.isdisjoint(one[2])]


def keep(store: Store, name: str) -> None:
    """Have the journal keep the fit of a folder, if it is whole.

    Raises:
        BrokenError: The journal cannot be written.
    """
    folder = store.indexes / name
    facts = manifests.read(folder, None, store.path)
    if facts is not None:
        rows = [_row(folder, part, said) for part, said in _said(folder, facts)]
        outliving.written(store.path / JOURNAL, "INSERT OR REPLACE INTO", {"reads": rows})


def keep_in_run(run: Run, folder: Path, fingerprint: str) -> None:
    """Have the journal of a run keep a fit, if it is whole and not there yet."""
    facts = manifests.read(folder, fingerprint, run.store.path)
    if facts is not None and not _kept(run, folder, fingerprint):
        reads.keep(run, FILES, folder.name, dict(_said(folder, facts)))


def _said(folder: Path, facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what the journal holds of a fit, by name: its files in parts, and then what they are."""
    fingerprint, sizes = facts["fingerprint"], dict[str, int]()
    for path in sorted(folder.iterdir()):
        if path.name == manifests.MANIFEST:
            continue
        data = path.read_bytes()
        parts = [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]
        sizes[path.name] = len(parts)
        for name, part in zip(_parts(fingerprint, path.name, len(parts)), parts, strict=True):
            yield name, base64.b85encode(zlib.compress(part)).decode()
    yield fingerprint, {"facts": facts, "files": sizes}


def _parts(fingerprint: str, file: str, count: int) -> list[str]:
    return [f"{fingerprint} {file} {number}" for number in range(count)]


def _row(folder: Path, name: str, said: Any) -> tuple[str, str, str, str, int]:
    value = json.dumps(said)
    return (FILES, folder.name, name, value, zlib.crc32(value.encode()))


def restored(run: Run, folder: Path, fingerprint: str) -> bool:
    """Write a fit where it was, as the journal keeps it; returns whether it does, with every part."""
    whole = _kept(run, folder, fingerprint)
    names = [one for file, count in whole.get("files", {}).items() for one in _parts(fingerprint, file, count)]
    if not names or len(reads.kept(run, FILES, folder.name, names)) < len(names):
        return False

    def save(partial: Path) -> None:
        for file, count in whole["files"].items():
            with (partial / file).open("wb") as written:
                for name in _parts(fingerprint, file, count):
                    part = reads.kept(run, FILES, folder.name, [name])[name]
                    written.write(zlib.decompress(base64.b85decode(part)))

    facts = {name: value for name, value in whole["facts"].items() if name != "fingerprint"}
    manifests.write(folder, fingerprint, facts, save)
    return True


def drop(run: Run, folder: Path, fingerprint: str) -> None:
    """Take a fit out of the journal, if it is there: another takes its place."""
    whole = _kept(run, folder, fingerprint)
    if whole and not run.is_rehearsal:
        names = [one for file, count in whole["files"].items() for one in _parts(fingerprint, file, count)]
        reads.drop(run, [*names, fingerprint])


def _kept(run: Run, folder: Path, fingerprint: str) -> dict[str, Any]:
    return reads.kept(run, FILES, folder.name, [fingerprint]).get(fingerprint, {})
