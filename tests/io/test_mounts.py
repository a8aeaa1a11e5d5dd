"""Which file system a path lies on: what is of a network is known by its kind, and the mount seen last counts."""

from pathlib import Path

import pytest

from wellspring.tasks.io.storage import mounts

MOUNTS = """\
/dev/vda / ext4 rw 0 0
systemd-1 /data autofs rw 0 0
server:/export /data {kind} rw 0 0
tmpfs /data/scratch tmpfs rw 0 0
/dev/sdb /my\\040disk/\\303\\244 xfs rw 0 0
broken line
"""
KINDS = ["nfs", "nfs4", "cifs", "smb3", "9p", "gpfs", "beegfs", "virtiofs", "lustre", "ceph", "glusterfs", "afs"]


@pytest.mark.parametrize("kind", [*KINDS, "fuse", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs"])
def test_a_network_file_system_is_known(kind: str) -> None:
    said = MOUNTS.format(kind=kind)

    assert mounts.network(Path("/data/ws"), said) == kind
    assert mounts.network(Path("/data"), said) == kind
    assert mounts.network(Path("/database/ws"), said) == ""
    assert mounts.network(Path("/data/scratch/ws"), said) == ""


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.fuse-overlayfs"])
def test_a_disk_of_this_machine_is_no_network(kind: str) -> None:
    said = MOUNTS.format(kind=kind)

    assert mounts.network(Path("/data/ws"), said) == ""
    assert mounts.file_system(Path("/data/ws"), said) == kind


def test_blanks_and_umlauts_in_a_place_are_read_and_silence_is_no_kind() -> None:
    assert mounts.file_system(Path("/my disk/ä/ws"), MOUNTS) == "xfs"
    assert mounts.file_system(Path("/ws"), "") == ""
    assert mounts.file_system(Path.cwd(), mounts.said())
