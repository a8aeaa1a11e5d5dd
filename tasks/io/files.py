"""Files that appear at once or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place beside `path` to write to; what is there when the block ends takes its place, after an error not.

    The folder has to be there. Whoever reads `path` meanwhile sees the old file or the new one, whole.
    """
    partial = path.with_name(f"{path.name}.part")
    yield partial
    partial.replace(path)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file at once."""
    with replacing(path) as partial:
        partial.write_bytes(data)
