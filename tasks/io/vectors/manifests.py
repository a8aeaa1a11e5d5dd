"""Folders of derived files (matrices, indexes, fits) that are believed only when every byte is as it was written.

FAISS loads two thirds of damaged files without a word, and a file from elsewhere could make it read out of bounds. So
a folder is written whole, under another name, then renamed; beside its files lies `manifest.json` with the fingerprint
of what they were made of, their sizes and their sha256, and its own sha256 in its first line. A folder that differs in
one byte, is of another fingerprint, lies outside the store, or holds a link is as good as none: it is made again.
"""

import hashlib
import json
import mmap
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wellspring.tasks.io import files

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2**20
_BLOCK_BYTES = 2**22


@dataclass(frozen=True, slots=True)
class _Entry:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    fingerprint: str
    facts: dict[str, Any]
    files: dict[str, _Entry]


def write(folder: Path, fingerprint: str, facts: Mapping[str, Any], save: Callable[[Path], None]) -> None:
    """Write a folder of files and its manifest; what lay there before is replaced.

    Args:
        folder: Where; its parent must be there.
        fingerprint: Of what the files are made of and how.
        facts: What a reader needs besides (counts, kinds), as JSON.
        save: Writes the files into the folder that it is given.
    """
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save(partial)
    entries = {path.name: _Entry(bytes=path.stat().st_size, sha256=digest(path)) for path in sorted(partial.iterdir())}
    body = json.dumps(asdict(_Manifest(fingerprint, dict(facts), entries)), sort_keys=True, indent=1)
    manifest = partial / MANIFEST
    manifest.write_text(f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    files.put(partial, folder)


def read(folder: Path, fingerprint: str | None, root: Path, facts: Any = dict[str, Any]) -> Any | None:
    """Return the facts of a folder whose every byte is as written, or None: then make it again.

    Args:
        folder: What `write` wrote.
        fingerprint: What it must be made of; None takes whatever it says (look at `described` for that).
        root: The store's own folder; nothing outside it is read, whatever links say.
        facts: The type of the facts, with the `fingerprint`; of another shape they are as good as none.
    """
    described = _described(folder, root)
    if described is None or fingerprint not in {None, described.fingerprint}:
        return None
    names = {path.name for path in folder.iterdir()}
    if names != {MANIFEST, *described.files}:
        return None
    for name, entry in described.files.items():
        path = folder / name
        if (
            path.is_symlink()
            or not path.is_file()
            or path.stat().st_size != entry.bytes
            or digest(path) != entry.sha256
        ):
            return None
    try:
        return files.of_shape(described.facts | {"fingerprint": described.fingerprint}, facts)
    except ValueError:
        return None


def digest(path: Path) -> str:
    """Return the sha256 of a file, read in blocks."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        if path.stat().st_size > _BLOCK_BYTES:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                for start in range(0, len(view), _BLOCK_BYTES):
                    found.update(view[start : start + _BLOCK_BYTES])
        else:
            found.update(file.read())
    return found.hexdigest()


def _described(folder: Path, root: Path) -> _Manifest | None:
    manifest = folder / MANIFEST
    if not folder.resolve().is_relative_to(root.resolve()) or folder.is_symlink() or manifest.is_symlink():
        return None
    if not manifest.is_file() or manifest.stat().st_size > MAX_MANIFEST_BYTES:
        return None
    said, _, body = manifest.read_bytes().partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != said:
        return None
    try:
        return files.of_shape(json.loads(body), _Manifest)
    except (ValueError, RecursionError):
        return None
