"""Files that appear at once or not at all."""

from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in a folder that is there: whoever reads it meanwhile sees the old one or the new one, whole."""
    partial = path.with_name(f"{path.name}.part")
    partial.write_bytes(data)
    partial.replace(path)
