"""What a store has exported: every file, with its digest."""

from hashlib import sha256
from pathlib import Path


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file under a folder, by its path."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in sorted(found)}


def exported(store: Path) -> dict[str, str]:
    """Return the digest of every file that a store has exported, or is about to."""
    return digests(store / "exports")
