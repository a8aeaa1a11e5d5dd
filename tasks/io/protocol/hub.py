"""The Hugging Face Hub: a folder of a dataset goes up in one commit, and comes back byte for byte.

The door of `huggingface_hub` (extra `hub`). The token is `HF_TOKEN` of the environment and nothing else: no file of a
login is read, and no message has it. `HF_ENDPOINT` names another server. A push is one commit, so who pulls sees the
dataset as it was or as it is. A pull writes beside its place, and puts the folder there when all files are there.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError, WellspringError
from wellspring.tasks.io import datasets, files, signatures
from wellspring.tasks.io.protocol.keys import Scrubber

TOKEN, ENDPOINT = "HF_TOKEN", "HF_ENDPOINT"
CARD = "README.md"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"hf://(?:datasets/)?({_NAME}/{_NAME})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{{0,199}}))?/?")
_HTTP_REFUSED = (401, 403)
_HTTP_MISSING = 404
_HTTP_LATER = (408, 425, 429)
_HTTP_BROKEN = 500
SHOWN, SHOWN_CHARS = 5, 300  # of what is wrong, in a message


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset on the Hub: `org/name`, and a branch, tag or commit."""

    repo: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push does, by path: files that are new or other, files that go, and files that are there already."""

    place: Place
    added: list[str] = field(default_factory=list[str])
    removed: list[str] = field(default_factory=list[str])
    unchanged: list[str] = field(default_factory=list[str])
    bytes: int = 0
    commit: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {
            "to": f"hf://{self.place.repo}",
            "revision": self.place.revision,
            "added": self.added,
            "removed": self.removed,
            "unchanged": len(self.unchanged),
            "bytes": self.bytes,
            "commit": self.commit,
        }


def place_of(address: str) -> Place:
    """Return what an address names.

    Args:
        address: `hf://org/name`, `hf://datasets/org/name`, or one of them with `@REVISION`.

    Raises:
        UsageError: It is no such address.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or ".." in address:
        raise UsageError(f"`{address[:200]}` names no dataset of the Hub", hint="write it as hf://ORG/NAME")
    return Place(match[1], match[2] or "main")


def push(folder: Path, address: str, *, is_private: bool = True, is_dry: bool = False) -> Plan:
    """Make a dataset of the Hub what a folder is: one commit that adds, replaces and removes files.

    Args:
        folder: An export or a release, whole by its own manifest.
        address: Where to.
        is_private: Whether a dataset that is made now is private.
        is_dry: Send nothing; only look at what is there.

    Returns:
        What was done, or would be.

    Raises:
        UsageError: The address is none, the token is missing or not good enough, or the card is refused.
        BrokenError: The folder is not as its manifest says.
        TransientError: The Hub does not answer.
    """
    place = place_of(address)
    library = _library()
    signatures.refuse_damaged(folder)
    _refuse_card(library, folder)
    paths = signatures.listed(folder)
    with _told(place) as api:
        there = _remote(library, api, place)
        digests = {path: _same(folder / path, there[path]) for path in paths if path in there}
        added = [path for path in paths if not digests.get(path)]
        removed = sorted({path for path in there if path not in paths} - {".gitattributes"})
        size = sum((folder / path).stat().st_size for path in added)
        plan = Plan(place, added, removed, [path for path in paths if digests.get(path)], size)
        if is_dry or not (added or removed):
            return plan
        if not _token():
            raise UsageError(f"{TOKEN} is not set", hint=f"set {TOKEN} to a token that may write to {place.repo}")
        api.create_repo(place.repo, repo_type="dataset", private=is_private, exist_ok=True)
        adds = [library.CommitOperationAdd(path_in_repo=path, path_or_fileobj=folder / path) for path in added]
        goes = [library.CommitOperationDelete(path_in_repo=path, is_folder=False) for path in removed]
        said = api.create_commit(
            place.repo,
            [*adds, *goes],
            commit_message=f"{len(added)} files written, {len(removed)} removed",
            repo_type="dataset",
            revision=place.revision,
        )
    return Plan(place, added, removed, plan.unchanged, size, said.oid)


def pull(address: str, folder: Path) -> Plan:
    """Fetch a dataset of the Hub into a new folder, byte for byte.

    Args:
        address: Where from.
        folder: Where to; nothing may lie there.

    Returns:
        What was fetched.

    Raises:
        UsageError: There is no such dataset, this token may not read it, or the folder is there.
        BrokenError: A file of it has a name that would lie outside of the folder, or did not come whole.
        TransientError: The Hub does not answer.
    """
    place = place_of(address)
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} is there already", hint="name a new folder")
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with _told(place) as api:
            found = api.repo_info(place.repo, repo_type="dataset", revision=place.revision)
            names = sorted(one.rfilename for one in found.siblings or [])
            if outside := next((name for name in names if not _lies_inside(name)), None):
                raise BrokenError(f"{place.repo} has a file named {outside[:200]!r}", hint="do not use this dataset")
            partial.mkdir(parents=True)
            for name in names:
                api.hf_hub_download(place.repo, name, repo_type="dataset", revision=found.sha, local_dir=partial)
        shutil.rmtree(partial / ".cache", ignore_errors=True)
        for name in {".gitattributes"} & {*names}:
            (partial / name).unlink()
        if (partial / signatures.MANIFEST).is_file():
            signatures.refuse_damaged(partial)
        got = signatures.listed(partial)
        size = sum((partial / name).stat().st_size for name in got)
        files.put(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Plan(place, got, [], [], size, found.sha or "")


def _lies_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name


def _refuse_card(library: Any, folder: Path) -> None:
    """Raise where the header of the card is not what the Hub reads.

    Raises:
        UsageError: There is no card, or its header is wrong.
    """
    try:
        library.DatasetCard.load(folder / CARD)
    except FileNotFoundError:
        raise UsageError(f"{folder} has no {CARD}", hint="name the folder of an export or of a release") from None
    except Exception as error:  # YAML, and what the library says of fields
        raise UsageError(f"the header of {CARD} is refused: {error}", hint="export the dataset anew") from error


def _remote(library: Any, api: Any, place: Place) -> dict[str, Any]:
    """Return path -> file of what is there; nothing where there is no such dataset yet, or it has no commit."""
    missing = (library.errors.RepositoryNotFoundError, library.errors.RevisionNotFoundError)
    try:
        tree = api.list_repo_tree(place.repo, recursive=True, revision=place.revision, repo_type="dataset")
        return {one.path: one for one in tree if hasattr(one, "blob_id")}
    except (*missing, library.errors.EntryNotFoundError):
        return {}


def _same(path: Path, there: Any) -> bool:
    """Whether a file is the one that is there, by sha256 of a large file, or by the name of its blob."""
    from huggingface_hub.utils.sha import git_hash

    if there.lfs is not None:
        return there.lfs.sha256 == datasets.digest(path)
    return there.size == path.stat().st_size and there.blob_id == git_hash(path.read_bytes())


def _token() -> str:
    return os.environ.get(TOKEN, "").strip()


@contextmanager
def _told(place: Place) -> Iterator[Any]:
    """Give the door to the Hub, and say in our words what went wrong; never with the token."""
    library = _library()
    scrub = Scrubber()
    scrub.add(_token())
    try:
        yield library.HfApi(endpoint=os.environ.get(ENDPOINT) or None, token=_token() or False)
    except library.errors.HfHubHTTPError as error:
        raise _refused(place, error, scrub) from None
    except WellspringError:
        raise
    except Exception as error:  # noqa: BLE001 - its client has errors of several libraries, and they may hold a request
        raise _unreached(place, error, scrub) from None


def _refused(place: Place, error: Any, scrub: Callable[[str], str]) -> Exception:
    status = getattr(error.response, "status_code", 0)
    said = scrub(" ".join(str(error).split())[:SHOWN_CHARS])
    if status in _HTTP_REFUSED:
        hint = f"set {TOKEN} to a token that may use {place.repo}"
        return UsageError(f"the Hub refused {place.repo} ({status}): {said}", hint=hint)
    if status == _HTTP_MISSING:
        return UsageError(f"there is no dataset {place.repo} at {place.revision}", hint=f"or {TOKEN} may not see it")
    if status in _HTTP_LATER or status >= _HTTP_BROKEN:
        return TransientError(f"the Hub does not answer ({status}): {said}", hint="try again later")
    return UsageError(f"the Hub refused {place.repo} ({status}): {said}", hint="mend what it names, then push again")


def _unreached(place: Place, error: Exception, scrub: Callable[[str], str]) -> Exception:
    library = _library()
    cause = error.__cause__ or error
    said = scrub(" ".join(f"{type(cause).__name__}: {cause}".split())[:SHOWN_CHARS])
    if isinstance(error, ValueError) and not isinstance(error, library.errors.OfflineModeIsEnabled):
        return UsageError(f"the Hub refused {place.repo}: {said}", hint="mend what it names, then push again")
    return TransientError(f"the Hub cannot be reached for {place.repo}: {said}", hint="try again later")


def _library() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise UsageError("the Hub needs the package huggingface_hub", hint="pip install 'wellspring[hub]'") from None
    return huggingface_hub
