"""Files that appear whole, and caches that are believed only when they are whole and of their shape."""

import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.tasks.io import files
from wellspring.tasks.io.vectors import manifests

SHAPE = dict[str, list[int]]
DEEP = '{"a": ' + "[" * 5_000 + "]" * 5_000 + "}"
ODD = [
    "",
    "null",
    "[]",
    "3",
    '"a"',
    "{",
    DEEP,
    '{"a": 3}',
    '{"a": [{}]}',
    '{"a": [NaN]}',
    '{"sha256": 3}',
    '{"sha256": []}',
]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_cache_is_as_good_as_none(tmp_path: Path, odd: str) -> None:
    (tmp_path / "c.json").write_text(odd)

    assert files.read_json(tmp_path / "c.json", SHAPE) is None


@settings(max_examples=60)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_as_good_as_none_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    path, said = tmp_path_factory.mktemp("flip") / "c.json", {"seven": [7, 77], "eight": [8]}
    files.write_json(path, said)
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1 << bit
    path.write_bytes(data)

    assert files.read_json(path, SHAPE) in (None, said)


def test_a_folder_or_a_link_is_no_cache(tmp_path: Path) -> None:
    files.write_json(tmp_path / "real.json", {"a": [1]})
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")

    assert files.read_json(tmp_path / "real.json", SHAPE) == {"a": [1]}
    assert files.read_json(tmp_path / "link.json", SHAPE) is None
    assert files.read_json(tmp_path, SHAPE) is None
    assert files.read_json(tmp_path / "none.json", SHAPE) is None


def test_what_is_put_in_place_is_on_disk_before_its_name_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        steps.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    def replaced(self: Path, target: Path) -> Path:
        steps.append(f"rename {self.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    files.write_whole(tmp_path / "one", b"1")
    (tmp_path / "new" / "inner").mkdir(parents=True)
    (tmp_path / "new" / "inner" / "leaf").touch()
    files.put(tmp_path / "new", tmp_path / "two")

    assert steps[:3] == ["sync one.part", "rename one.part", f"sync {tmp_path.name}"]
    assert steps[3:] == ["sync leaf", "sync inner", "sync new", "rename new", f"sync {tmp_path.name}"]


ODD_BODIES = [
    "null", "[]", "3", DEEP, "{}",
    '{"fingerprint": "f", "facts": [], "files": {}}',
    '{"fingerprint": "f", "facts": {}, "files": []}',
    '{"fingerprint": ["f"], "facts": {}, "files": {}}',
    '{"fingerprint": "f", "facts": {}, "files": {"a": 3}}',
    '{"fingerprint": "f", "facts": {}, "files": {"a": {"bytes": "many", "sha256": null}}}',
    '{"fingerprint": "f", "facts": {"rows": {}}, "files": {}}',
]  # fmt: skip


@pytest.mark.parametrize("body", ODD_BODIES)
def test_a_manifest_that_keeps_its_own_hash_and_is_odd_is_as_good_as_none(tmp_path: Path, body: str) -> None:
    (tmp_path / "a").write_bytes(b"1")
    digest = hashlib.sha256(body.encode()).hexdigest()
    (tmp_path / "manifest.json").write_text(f"{digest}\n{body}")

    assert manifests.read(tmp_path, "f", tmp_path, dict[str, int | str]) is None


def test_a_manifest_with_facts_of_another_shape_is_as_good_as_none(tmp_path: Path) -> None:
    manifests.write(tmp_path / "m", "f", {"rows": "some"}, lambda folder: (folder / "a").write_bytes(b"1"))

    assert manifests.read(tmp_path / "m", "f", tmp_path) == {"rows": "some", "fingerprint": "f"}
    assert manifests.read(tmp_path / "m", "f", tmp_path, dict[str, int]) is None


def test_no_rename_of_a_file_into_place_passes_by_the_one_that_flushes() -> None:
    rename = re.compile(r"os\.(?:replace|rename)\(|\.rename\(|\.replace\((?:path|folder|old|former|target)\)")
    rooms = [path for room in ("tasks", "flows") for path in Path(room).rglob("*.py") if path.name != "files.py"]

    places = {path.name: found for path in rooms if (found := rename.findall(path.read_text(encoding="utf-8")))}

    assert places == {"datasets.py": [".replace(former)"]}  # out of the way, before the new one is put


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"yesterday's, and longer")
    files.write_whole(path, b"today's")
    assert path.read_bytes() == b"today's"
    assert [left.name for left in tmp_path.iterdir()] == ["page.html"]


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"yesterday's")

    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as out:
            out.write(data[: len(data) // 2])
        msg = "no space left on device"
        raise OSError(msg)

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="no space"):
        files.write_whole(path, b"today's page")
    assert path.read_bytes() == b"yesterday's"
