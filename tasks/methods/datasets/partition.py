"""Training or validation, decided by where a row comes from: rows of one document are never on both sides."""

import hashlib

VERSION = 1


def split(group: str, validation_share: float) -> str:
    """Return `train` or `validation` for a group (a document id), from a hash of it alone.

    Adding rows moves no group to the other side; raising the share only moves groups from train to validation.
    """
    point = int.from_bytes(hashlib.sha256(f"split/{group}".encode()).digest()[:8], "big") / 2**64
    return "validation" if point < validation_share else "train"
