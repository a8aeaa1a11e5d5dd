"""Signatures: a folder is whole by its signer's key, and whatever was done to it is found and named."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.io import signatures

pytest.importorskip("cryptography")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small dataset with its manifest."""
    place = tmp_path / "dataset"
    (place / "messages").mkdir(parents=True)
    (place / "README.md").write_text("# A card\n")
    (place / "messages" / "train.jsonl").write_text('{"id": "1"}\n')
    _describe(place)
    return place


def _describe(place: Path) -> None:
    paths = [path for path in signatures.listed(place) if path not in {signatures.MANIFEST, signatures.SIGNATURE}]
    files = [
        {"path": p, "bytes": (place / p).stat().st_size, "sha256": sha256((place / p).read_bytes()).hexdigest()}
        for p in paths
    ]
    (place / signatures.MANIFEST).write_text(json.dumps({"name": "dataset", "files": files}))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    signatures.make_keys(tmp_path / "key")
    return tmp_path / "key"


def _flip(folder: Path) -> None:
    data = bytearray((folder / "messages" / "train.jsonl").read_bytes())
    data[3] ^= 1
    (folder / "messages" / "train.jsonl").write_bytes(data)


def _change_and_describe(folder: Path) -> None:
    _flip(folder)
    _describe(folder)


def _link(folder: Path) -> None:
    (folder / "README.md").rename(folder.parent / "elsewhere")
    (folder / "README.md").symlink_to(folder.parent / "elsewhere")


def _point_outside(folder: Path) -> None:
    (folder.parent / "secret").write_text("x")
    told = json.loads((folder / signatures.MANIFEST).read_text())
    told["files"].append({"path": "../secret", "bytes": 1, "sha256": sha256(b"x").hexdigest()})
    (folder / signatures.MANIFEST).write_text(json.dumps(told))


def _sign_with_another_key(folder: Path) -> None:
    signatures.make_keys(folder.parent / "other")
    signatures.sign(folder, folder.parent / "other")


TAMPERED: list[tuple[Callable[[Path], object], set[tuple[str, str]]]] = [
    (_flip, {("messages/train.jsonl", "was changed")}),
    (lambda folder: (folder / "README.md").write_text("# Another\n"), {("README.md", "has 10 bytes, not 9")}),
    (lambda folder: (folder / "README.md").unlink(), {("README.md", "is missing")}),
    (lambda folder: (folder / ".hidden").write_text("x"), {(".hidden", "was added")}),
    (_link, {("README.md", "is a link")}),
    (_change_and_describe, {("manifest.sig", "does not fit: manifest or signature was changed")}),
    (
        _point_outside,
        {
            ("manifest.sig", "does not fit: manifest or signature was changed"),
            ("../secret", "lies outside of the folder"),
        },
    ),
    (_sign_with_another_key, {("manifest.sig", "is by another key")}),
    (lambda folder: (folder / "manifest.sig").unlink(), {("manifest.sig", "is missing")}),
    (lambda folder: (folder / "manifest.sig").write_text("[]"), {("manifest.sig", "is no signature")}),
    (lambda folder: (folder / "manifest.json").unlink(), {("manifest.json", "is missing")}),
    (
        lambda folder: (folder / "manifest.json").write_text("{"),
        {
            ("manifest.json", "cannot be read"),
            ("manifest.sig", "does not fit: manifest or signature was changed"),
        },
    ),
]


def test_a_signed_folder_is_whole_by_the_public_key_in_a_file_or_in_words(folder: Path, key: Path) -> None:
    public = signatures.sign(folder, key)

    assert signatures.verify(folder, public) == []
    assert signatures.verify(folder, str(key) + ".pub") == []
    assert public == (key.parent / "key.pub").read_text().strip()


@pytest.mark.parametrize(("tamper", "named"), TAMPERED)
def test_each_tampering_is_found_and_named(
    folder: Path, key: Path, tamper: Callable[[Path], object], named: set[tuple[str, str]]
) -> None:
    public = signatures.sign(folder, key)
    tamper(folder)

    assert [(one.path, one.what) for one in signatures.verify(folder, public)] == sorted(named, reverse=True)


def test_a_folder_that_is_not_as_its_manifest_says_is_not_signed(folder: Path, key: Path) -> None:
    _flip(folder)

    with pytest.raises(BrokenError, match=r"messages/train\.jsonl: was changed"):
        signatures.sign(folder, key)
    assert not (folder / signatures.SIGNATURE).exists()


def test_a_private_key_is_for_its_owner_alone_and_is_not_written_over(folder: Path, key: Path) -> None:
    before = key.read_bytes()

    assert key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="is there already"):
        signatures.make_keys(key)
    assert key.read_bytes() == before
    key.chmod(0o640)
    with pytest.raises(UsageError, match="others may read the key"):
        signatures.sign(folder, key)


def test_what_is_no_key_is_refused_without_a_word_of_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a password")
    (tmp_path / "text").chmod(0o600)

    with pytest.raises(UsageError, match="no private ed25519 key") as of_private:
        signatures.sign(folder, tmp_path / "text")
    with pytest.raises(UsageError, match="no public ed25519 key") as of_public:
        signatures.verify(folder, str(tmp_path / "text"))
    with pytest.raises(UsageError, match="neither"):
        signatures.verify(folder, "AAAA-not-a-key")
    assert "password" not in f"{of_private.value} {of_public.value}"
