"""Files that appear at once or not at all, on disk before they are seen; and cached JSON, whole or as good as none.

A cache carries the sha256 of all else that it says, under `sha256`. One that is cut, flipped, of another shape, nested
without end or larger than any of ours is as good as none: who wrote it makes it again.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from wellspring.tasks.contracts import outside

MAX_JSON_BYTES = 2**28
MAX_JSON_DEPTH = 32
_SEAL = "sha256"


def put(partial: Path, path: Path) -> None:
    """Put a file or a folder of files where it belongs, in place of what is there; on disk first, and so its name."""
    inside = sorted(partial.rglob("*"), reverse=True) if partial.is_dir() else []
    for one in [*inside, partial]:
        flush(one)
    partial.replace(path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place beside `path` to write to; what is there when the block ends takes its place, after an error not.

    The folder has to be there. Whoever reads `path` meanwhile sees the old file or the new one, whole.
    """
    partial = path.with_name(f"{path.name}.part")
    yield partial
    put(partial, path)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file at once."""
    with replacing(path) as partial:
        partial.write_bytes(data)


def write_json(path: Path, said: Mapping[str, Any]) -> None:
    """Write a cache, sealed."""
    write_whole(path, json.dumps({**said, _SEAL: _sealed(said)}, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def read_json(path: Path, shape: Any) -> Any | None:
    """Return what a cache says, or None where it is missing, damaged, or not of its shape.

    One without a seal is of before there were seals: its shape has to do.

    Args:
        path: What `write_json` wrote.
        shape: The type of what it says, as Pydantic checks it.
    """
    try:
        if path.is_symlink() or path.stat().st_size > MAX_JSON_BYTES:
            return None
        said = json.loads(path.read_bytes())
        if not isinstance(said, dict) or said.pop(_SEAL, None) not in {None, _sealed(said)}:
            return None
        return of_shape(said, shape)
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def of_shape(said: Any, shape: Any) -> Any:
    """Return what JSON says as a value of that type.

    Raises:
        ValueError: It is of another shape, or nested too deep.
    """
    if outside.depth(said) > MAX_JSON_DEPTH:
        raise ValueError(f"it is nested more than {MAX_JSON_DEPTH} deep")
    return _adapter(shape).validate_python(said)


@lru_cache(maxsize=32)
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _sealed(said: Mapping[str, Any]) -> str:
    """Return the sha256 of what a cache says, as JSON says it: a tuple is a list there."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
