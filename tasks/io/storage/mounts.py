"""Which file system a path lies on, and whether it is one of a network, whose locks and fsync cannot be trusted."""

import os
import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")
_NETWORK = re.compile(
    r"(nfs|cifs|smb|afs|ceph|lustre|gpfs|beegfs|gluster|pvfs|orangefs|ocfs|gfs2|glusterfs|coda|ncp|davfs|panfs|wekafs"
    r"|juicefs|9p|virtiofs|vboxsf|prl_fs|vmhgfs|fuse$|fuse\.)"
)
_LOCAL = {"fuse.fuse-overlayfs"}  # what containers without root have for a disk
_OCTAL = re.compile(rb"\\([0-7]{3})")


def file_system(path: Path, mounts: str) -> str:
    """Return the kind of file system that a path lies on, or "" where that is not said.

    Args:
        path: What it is asked of; it need not be there.
        mounts: What `/proc/mounts` says: of two mounts in one place the later one is seen.
    """
    where, best, kind = path.absolute(), -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 - device, place, kind
            continue
        place = Path(os.fsdecode(_OCTAL.sub(lambda found: bytes([int(found[1], 8)]), os.fsencode(fields[1]))))
        if where.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), fields[2]
    return kind


def network(path: Path, mounts: str) -> str:
    """Return the kind of a network file system that a path lies on, or "" where it lies on none."""
    kind = file_system(path, mounts)
    return kind if _NETWORK.match(kind) and kind not in _LOCAL else ""


def said() -> str:
    """Return what this machine says of its mounts; "" where it does not say."""
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
