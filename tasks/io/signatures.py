"""Signatures of datasets: who vouches for a folder of files, checked with the folder and a public key alone.

The door of `cryptography` (extra `sign`). A signature is ed25519 over the bytes of `manifest.json`, which names each
file with its sha256, and lies beside it as `manifest.sig`. A private key is a PEM file of its owner; only its path is
ever said. `verify` trusts nothing in the folder: it names whatever is changed, missing, added, hidden or linked.
"""

import base64
import binascii
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.io import datasets, files

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
PUBLIC_ENDING = ".pub"
_SCHEME = "ed25519:"
_PREFIX = b"wellspring manifest 1\n"  # so that no signature of something else is one of a manifest
_KEY_BYTES = 32
SHOWN = 5  # of what is wrong, in a message
_MAX_BYTES = 256 * 2**20  # of a manifest or a signature that is read


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a folder: the path that it is about, and what is wrong."""

    path: str
    what: str

    def as_dict(self) -> dict[str, str]:
        """Return it as plain values, for JSON."""
        return asdict(self)


def make_keys(path: Path) -> str:
    """Make a pair of keys: the private one at `path`, for its owner alone, and the public one beside it.

    Args:
        path: A new file.

    Returns:
        The public key, as `verify` takes it.

    Raises:
        UsageError: Something lies there, or the extra is not installed.
        BrokenError: It cannot be written.
    """
    serialization, ed25519, _ = _library()
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = _shown(private)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(pem)
        path.with_name(path.name + PUBLIC_ENDING).write_text(public + "\n", encoding="ascii")
    except FileExistsError:
        raise UsageError(f"{path} is there already", hint="name a new file; a lost key cannot be made again") from None
    except OSError as error:
        raise BrokenError(f"cannot write {path}: {error.strerror}", hint="name a place that can be written") from error
    return public


def sign(folder: Path, key: Path) -> str:
    """Sign the manifest of a folder, after a look at each file that it names.

    Args:
        folder: An export or a release.
        key: The private key, as `make_keys` wrote it.

    Returns:
        The public key.

    Raises:
        UsageError: The key is none, or others may read it; or the extra is not installed.
        BrokenError: The folder is not as its manifest says: what is wrong, and where.
    """
    private = _private(key)
    found = list(_differences(folder))
    if found:
        said = "; ".join(f"{one.path}: {one.what}" for one in found[:SHOWN])
        raise BrokenError(f"{folder} is not as its manifest says: {said}", hint="export it anew, then sign it")
    signature = private.sign(_PREFIX + _bytes(folder / MANIFEST))
    told = {"algorithm": "ed25519", "public_key": _shown(private), "signature": base64.b64encode(signature).decode()}
    files.write_whole(folder / SIGNATURE, json.dumps(told, indent=2).encode() + b"\n")
    return told["public_key"]


def public(key: Path) -> str:
    """Return the public key of a private one.

    Raises:
        UsageError: It is none, or others may read it; or the extra is not installed.
    """
    return _shown(_private(key))


def verify(folder: Path, public: str) -> list[Finding]:
    """Return what is wrong with a signed folder; nothing where all is as it was signed.

    Args:
        folder: An export or a release.
        public: The public key, or a file that holds it.

    Raises:
        UsageError: The key is none; or the extra is not installed.
    """
    _, ed25519, invalid = _library()
    expected = _public(public)
    found: list[Finding] = []
    told: Mapping[str, Any] = {}
    try:
        told = _mapping(_bytes(folder / SIGNATURE))
        signature = base64.b64decode(str(told["signature"]), validate=True)
        key = ed25519.Ed25519PublicKey.from_public_bytes(expected)
        key.verify(signature, _PREFIX + _bytes(folder / MANIFEST))
    except FileNotFoundError as error:
        found.append(Finding(Path(str(error.filename)).name, "is missing"))
    except (ValueError, KeyError, OSError):
        found.append(Finding(SIGNATURE, "is no signature"))
    except invalid:
        other = str(told.get("public_key")) != f"{_SCHEME}{base64.b64encode(expected).decode()}"
        what = "is by another key" if other else "does not fit: manifest or signature was changed"
        found.append(Finding(SIGNATURE, what))
    return list(dict.fromkeys([*found, *_differences(folder)]))


def checked(folder: Path) -> list[Finding]:
    """Return in what a folder differs from its own manifest, whoever wrote that."""
    return list(_differences(folder))


def refuse_damaged(folder: Path) -> None:
    """Raise where a folder is not what its manifest says.

    Raises:
        BrokenError: It is not; what, and where.
    """
    if found := checked(folder):
        said = "; ".join(f"{one.path}: {one.what}" for one in found[:SHOWN])
        raise BrokenError(f"the dataset is not as its manifest says: {said}", hint="export it anew, or pull it again")


def listed(folder: Path) -> list[str]:
    """Return the paths of all that lies in a folder, links included, in order."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )


def _differences(folder: Path) -> Iterator[Finding]:
    try:
        described = _mapping(_bytes(folder / MANIFEST))["files"]
        named: dict[str, Mapping[str, Any]] = {str(one["path"]): one for one in described}
    except FileNotFoundError:
        yield Finding(MANIFEST, "is missing")
        return
    except (ValueError, KeyError, TypeError, OSError):
        yield Finding(MANIFEST, "cannot be read")
        return
    if len(named) != len(described):
        yield Finding(MANIFEST, "names a file twice")
    for path in listed(folder):
        if (folder / path).is_symlink():
            yield Finding(path, "is a link")
        elif path not in named and path not in {MANIFEST, SIGNATURE}:
            yield Finding(path, "was added")
    for path, one in sorted(named.items()):
        if what := _wrong(folder, path, one):
            yield Finding(path, what)


def _wrong(folder: Path, path: str, one: Mapping[str, Any]) -> str:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        return "lies outside of the folder"
    place = folder / path
    if place.is_symlink() or any(parent.is_symlink() for parent in place.parents if folder in parent.parents):
        return ""  # named already
    if not place.is_file():
        return "is missing"
    if place.stat().st_size != one.get("bytes"):
        return f"has {place.stat().st_size} bytes, not {one.get('bytes')}"
    return "" if datasets.digest(place) == one.get("sha256") else "was changed"


def _private(key: Path) -> "Ed25519PrivateKey":
    serialization, ed25519, _ = _library()
    try:
        mode = key.stat().st_mode
        data = key.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the key {key}: {error.strerror}", hint="`wellspring keys FILE` makes one"
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"others may read the key {key}", hint=f"chmod 600 {key}")
    try:
        private = serialization.load_pem_private_key(data, password=None)
        if isinstance(private, ed25519.Ed25519PrivateKey):
            return private
    except (ValueError, TypeError):
        pass
    raise UsageError(f"{key} is no private ed25519 key", hint="`wellspring keys FILE` makes one")


def _public(said: str) -> bytes:
    text = said.strip()
    if not text.startswith(_SCHEME):
        try:
            text = Path(said).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise UsageError(
                "the public key is neither `ed25519:...` nor a file that holds it", hint="its owner's FILE.pub has it"
            ) from None
    try:
        key = base64.b64decode(text.removeprefix(_SCHEME), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(_SCHEME) or len(key) != _KEY_BYTES:
        raise UsageError("this is no public ed25519 key", hint="it reads ed25519: and 44 letters; FILE.pub has it")
    return key


def _shown(private: "Ed25519PrivateKey") -> str:
    return _SCHEME + base64.b64encode(private.public_key().public_bytes_raw()).decode()


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES)


def _mapping(data: bytes) -> Mapping[str, Any]:
    found = json.loads(data)
    return found if isinstance(found, dict) else {}


def _library() -> tuple[Any, Any, Any]:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise UsageError("signatures need the package cryptography", hint="pip install 'wellspring[sign]'") from None
    return serialization, ed25519, InvalidSignature
