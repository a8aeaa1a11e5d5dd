"""Releases: what is exported, frozen under a name, and the link that says which of them is current.

    STORE/releases/NAME/     the exported files, the card, `lineage/`, other papers, and `manifest.json`
    STORE/releases/current   a link to one of them

A release is written beside its place and put there by a rename, with its files made read-only; then the link is
replaced by a rename, too. So readers see the old release or the new one, whole, and a kill leaves one of the two. The
manifest names each file with its sha256. Its `digest` is the sha256 of these names and digests, as `sha256sum` writes
them: the same rows, settings and methods have the same digest, under whatever name and on whatever day.
"""

import hashlib
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import ConfigDict
from typing_extensions import TypedDict

from wellspring.tasks.contracts.casting import without_directories
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.visible import visible
from wellspring.tasks.io import datasets, files, signatures
from wellspring.tasks.io.storage.links import CURRENT, RELEASES
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.releases import decisions, holdings
from wellspring.tasks.spine.running import origin
from wellspring.tasks.spine.running.runs import now

MANIFEST = "manifest.json"
NOW = "now"
FORM = 1  # of the manifest


class _File(TypedDict):
    path: str
    bytes: int
    sha256: str
    rows: int


class _Manifest(TypedDict, total=False):
    """What is read of a manifest: one from elsewhere may say anything."""

    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]
    name: str
    dataset: str
    license: str
    made_at: str
    digest: str
    rows: int
    settings: dict[str, Any]
    measures: list[dict[str, Any]]
    excluded: list[dict[str, Any]]
    reissued: dict[str, Any]
    files: list[_File]


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9]|[A-Za-z0-9]")
_REISSUED = re.compile(rf"(?:{_NAME.pattern})(?:\+[1-9][0-9]{{0,5}})?")
_RESERVED = frozenset({CURRENT, NOW})
_READ_ONLY = 0o444
_OF_THE_MACHINE = frozenset(
    {
        "threads",
        "runner",
        "dask_address",
        "database_mb",
        "rights",
        "wait",
        "replay",
        "plugins",
        "events",
        "pages",
        "budget",
    }
)
_PLACES = frozenset({"path", "paths", "base_url", "endpoints", "key_env", "search_url", "search_key_env", "prices"})
_SENT = frozenset({"extra_headers", "extra_query", "extra_body", "proxy", "ca_file"})


def folder_of(store: Path) -> Path:
    """Return where the releases of a store lie."""
    return store / RELEASES


def checked(name: str) -> str:
    """Return a name that a new release may have.

    Raises:
        UsageError: It may not: it is a path, a word that means something else, or has other characters.
    """
    if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
        raise UsageError(
            f"a release cannot be named `{visible(name[:80])}`",
            hint="take up to 64 letters (a to z), digits, dots, dashes and underscores, beginning and ending with a "
            "letter or digit, such as v1.0; `now` and `current` mean something else",
        )
    return name


def find(store: Path, name: str) -> Path:
    """Return the folder of a release that is there; `current` is the one that the link leads to.

    Raises:
        UsageError: There is none of that name; the message says which there are.
    """
    if name == CURRENT and (found := current(store)):
        return folder_of(store) / found
    if _REISSUED.fullmatch(name) and name.lower() not in _RESERVED and (folder_of(store) / name / MANIFEST).is_file():
        return folder_of(store) / name
    known = names(store)
    hint = f"releases: {', '.join(known[:20])}" if known else "make one: wellspring release NAME"
    if again := successor(store, name):
        hint = f"it held what was forgotten since, and was issued again without it as {again}"
    raise UsageError(f"there is no release `{visible(name[:80])}`", hint=hint)


def names(store: Path) -> list[str]:
    """Return the names of the releases of a store, the oldest first."""
    folder = folder_of(store)
    found = [p for p in folder.iterdir() if is_one(p)] if folder.is_dir() else []
    return [path.name for path in sorted(found, key=lambda path: (str(manifest(path).get("made_at")), path.name))]


def parted(name: str) -> tuple[str, int]:
    """Return the name that a person gave a release, and how often it was issued again."""
    stem, _, number = name.partition("+")
    return stem, int(number) if number.isdecimal() else 0


def successor(store: Path, name: str) -> str:
    """Return the release that stands for one that was issued again, or nothing."""
    stem, number = parted(name)
    later = [(parted(one)[1], one) for one in names(store) if parted(one)[0] == stem]
    return max(((n, one) for n, one in later if n > number), default=(0, ""))[1]


def is_one(path: Path) -> bool:
    """Whether a path is the folder of a release."""
    return bool(_REISSUED.fullmatch(path.name)) and not path.is_symlink() and (path / MANIFEST).is_file()


def manifest(folder: Path) -> dict[str, Any]:
    """Return what the manifest of a release, or of an export, says; nothing where it is none or cannot be read."""
    try:
        if (folder / MANIFEST).stat().st_size > files.MAX_JSON_BYTES:
            return {}
        return dict(files.of_shape(orjson.loads((folder / MANIFEST).read_bytes()), _Manifest))
    except (OSError, ValueError):
        return {}


def current(store: Path) -> str:
    """Return the name of the release that is current, or nothing."""
    link = folder_of(store) / CURRENT
    name = str(link.readlink()) if link.is_symlink() else ""
    return name if name and is_one(folder_of(store) / name) else ""


def switch(store: Path, name: str) -> None:
    """Have the link lead to a release: to the one before or to this one, at any moment."""
    link = folder_of(store) / CURRENT
    partial = link.with_name(f".{CURRENT}.part")
    partial.unlink(missing_ok=True)
    partial.symlink_to(name)
    partial.replace(link)
    files.flush(link.parent)


def make(store: Store, name: str) -> dict[str, Any]:
    """Freeze what is exported as a release, and let the link lead to it, unless a person rolled back.

    Args:
        store: The store, held for writing.
        name: Of the release.

    Returns:
        The facts of the release as `described` has them, `was_there` (the same release was made before), and
        `held_at` (the release that the link stays at, since a person rolled back; else nothing).

    Raises:
        UsageError: It may not be named so, or another release has the name.
        BrokenError: Nothing is exported, or not as it was written, or something of it was excluded since.
    """
    folder = folder_of(store.path)
    place = folder / checked(name)
    _refuse_taken(folder, name)
    what, source = _exported(store)
    sweep(folder)
    partial = folder / f".{name}.part"
    partial.mkdir(parents=True)
    try:
        _copy(source, partial)
        holdings.hold(store, partial, partial)
        said = seal(partial, _said(store, what, source) | {"name": name})
        was_there = _put(partial, place, said)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    stays = decisions.held_at(store)
    switch(store.path, stays if stays and is_one(folder / stays) else name)
    return described(store.path, name) | {"was_there": was_there, "held_at": stays}


def rollback(store: Store, name: str, reason: str) -> dict[str, Any]:
    """Have the link lead to a release, and stay there until `forward`.

    Args:
        store: The store, held for writing.
        name: The release.
        reason: Why; it lies with the journal.

    Returns:
        The facts of the release, and `before`: the one that was current.

    Raises:
        UsageError: There is no such release.
        BrokenError: A file of it is not as it was released.
    """
    folder, before = find(store.path, name), current(store.path)
    if not is_whole(folder):
        raise BrokenError(f"the release `{folder.name}` is damaged", hint="roll back to another: wellspring releases")
    decisions.decide(store, "rollback", [folder.name], reason)
    switch(store.path, folder.name)
    return described(store.path, folder.name) | {"before": before}


def forward(store: Store, reason: str) -> dict[str, Any]:
    """Take a rollback back: the link leads to the newest release, and follows new ones again.

    Args:
        store: The store, held for writing.
        reason: Why; it lies with the journal.

    Returns:
        As `rollback` does.

    Raises:
        UsageError: There is no release.
    """
    before, known = current(store.path), names(store.path)
    newest = find(store.path, known[-1] if known else CURRENT)
    decisions.decide(store, "forward", [newest.name], reason)
    switch(store.path, newest.name)
    return described(store.path, newest.name) | {"before": before}


def _put(partial: Path, place: Path, said: Mapping[str, Any]) -> bool:
    """Put a release in its place; return whether the same one is there already.

    Raises:
        UsageError: Another one is there.
    """
    if place.exists():
        if is_whole(place) and manifest(place).get("digest") == said["digest"]:
            return True
        raise UsageError(
            f"the release `{place.name}` is there already, and holds something else",
            hint="a release never changes: give this one another name; `wellspring releases` lists them",
        )
    files.put(partial, place)
    return False


def _refuse_taken(folder: Path, name: str) -> None:
    """Refuse a name that some file systems take for another's, or that another release stands for.

    Raises:
        UsageError: There is a release whose name differs in capitals only, or that was issued again under this name.
    """
    if again := successor(folder.parent, name):
        raise UsageError(f"`{name}` was issued again as `{again}`", hint="take another name: `diff` goes by this one")
    alike = [p.name for p in folder.iterdir() if is_one(p)] if folder.is_dir() else []
    if twin := next((one for one in alike if one != name and one.lower() == name.lower()), ""):
        raise UsageError(f"the release `{twin}` is there already", hint=f"take another name than `{name}`")


def sweep(folder: Path) -> None:
    """Take away what a killed command left beside its place."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith("."):
            path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)


def exported(store: Store) -> dict[str, Any]:
    """Return what is known of the export in force: its name, fingerprint, manifest, settings, commit and versions.

    Raises:
        BrokenError: There is none.
    """
    found = store.query("releases/exported").to_dicts()
    if len(found) != 1:
        raise BrokenError(f"nothing in {store.path} is exported", hint="make it: wellspring build; then release it")
    return found[0]


def _exported(store: Store) -> tuple[dict[str, Any], Path]:
    """Return what is known of the export in force, and where it lies, audited and as it was written.

    Raises:
        BrokenError: There is none, it is not as it was written, or something of it was excluded since.
    """
    again = f"wellspring export --store {store.path}"
    found = exported(store)
    if still := store.count("releases/still_in"):
        raise BrokenError(f"{still} exported lines rest on what was excluded since", hint=f"write it anew: {again}")
    source = store.exports / found["name"]
    said = manifest(source)
    listed = {file["path"]: file["sha256"] for file in said.get("files", ())}
    seal_ = datasets.digest(source / MANIFEST) if listed else ""
    is_sealed = seal_ and found["manifest"] in {"", seal_}
    if not is_sealed or not datasets.is_whole(source, listed | {MANIFEST: seal_}):
        raise BrokenError(f"the files in {source} are not as they were exported", hint=f"write them anew: {again}")
    return found | {"said": said}, source


def _copy(source: Path, target: Path) -> None:
    for path in sorted(p for p in source.rglob("*") if p.is_file() and p.name != MANIFEST):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _said(store: Store, what: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """Return what the manifest says besides the files."""
    measures = source / "measures.json"
    drawn = orjson.loads(measures.read_bytes()) if measures.is_file() else {}
    return {
        "dataset": what["name"],
        "license": what["said"].get("license", ""),
        "fingerprint": what["fingerprint"],
        "settings": told(orjson.loads(what["settings"] or "{}")),
        "measures": drawn.get("measures", []),
        "validations": store.query("releases/validations").to_dicts(),
        "excluded": store.query("exports/excluded").to_dicts(),
        "versions": {
            "written_by": {"commit": what["commit"], "packages": orjson.loads(what["versions"] or "{}")},
            "released_by": {"commit": origin.commit(), "packages": origin.versions()},
        },
    }


def told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without what says where something lies, who is asked how, or how much of a machine is used."""

    def clean(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: clean(one) for key, one in value.items() if key not in _PLACES | _SENT}
        if isinstance(value, list):
            return [clean(one) for one in value]
        return without_directories(value) if isinstance(value, str) else value

    kept = {key: value for key, value in settings.items() if key not in _OF_THE_MACHINE}
    return clean(kept)


def seal(folder: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    """Write the manifest of a release that is not in its place yet, and make its files read-only; return its words."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    rows = _counted(folder)
    listed = [_file(folder, path, rows) for path in paths]
    whole = {
        "form": FORM,
        "made_at": now().isoformat(timespec="microseconds") + "Z",
        **said,
        "digest": digest_of(listed),
        "rows": _rows(listed),
        "files": listed,
    }
    (folder / MANIFEST).write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2) + b"\n")
    for path in (*paths, folder / MANIFEST):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & _READ_ONLY)
    return whole


def _counted(folder: Path) -> dict[str, int]:
    """Return how many rows each file has by the snapshot of its lineage."""
    return dict(holdings.read(folder, "rows").group_by("file").len().iter_rows())


def _file(folder: Path, path: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    stem = name.rpartition(".")[0]
    return {
        "path": name,
        "bytes": path.stat().st_size,
        "sha256": datasets.digest(path),
        "rows": rows.get(stem, 0) if path.suffix in {".jsonl", ".parquet"} else 0,
    }


def _rows(listed: Sequence[Mapping[str, Any]]) -> int:
    """Return the rows of the first form: all its splits."""
    lines = [file for file in listed if file["path"].endswith(".jsonl") and file["rows"]]
    forms = list(dict.fromkeys(file["path"].rpartition("/")[0] for file in lines))
    first = "messages" if "messages" in forms else next(iter(forms), "")
    return sum(file["rows"] for file in lines if file["path"].rpartition("/")[0] == first)


def digest_of(listed: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of a whole release: of the lines that `sha256sum` writes of its files, in order of path."""
    lines = "".join(f"{file['sha256']}  {file['path']}\n" for file in sorted(listed, key=lambda file: file["path"]))
    return hashlib.sha256(lines.encode()).hexdigest()


def is_whole(folder: Path) -> bool:
    """Whether every file of a release is as its manifest says, and no other file is there but a signature."""
    said = manifest(folder)
    try:
        listed = {file["path"]: file["sha256"] for file in said["files"]}
        is_named = digest_of(said["files"]) == said["digest"]
    except (KeyError, TypeError, AttributeError):
        return False
    here = listed | {MANIFEST: datasets.digest(folder / MANIFEST)}
    return is_named and datasets.is_whole(folder, here, {signatures.SIGNATURE})


def described(store: Path, name: str) -> dict[str, Any]:
    """Return the facts of a release: its name and folder, when it was made, its rows and digest, whether it is whole.

    `reissue_of` is the release that it stands for since something was forgotten, or nothing.
    """
    folder = folder_of(store) / name
    said = manifest(folder)
    return {
        "name": name,
        "folder": str(folder),
        "dataset": said.get("dataset", ""),
        "made_at": said.get("made_at", ""),
        "rows": said.get("rows", 0),
        "files": len(said.get("files", ())),
        "bytes": sum(file["bytes"] for file in said.get("files", ())),
        "digest": said.get("digest", ""),
        "is_current": current(store) == name,
        "is_signed": (folder / signatures.SIGNATURE).is_file(),
        "is_whole": is_whole(folder),
        "reissue_of": said.get("reissued", {}).get("of", ""),
    }


def listed(store: Path) -> list[dict[str, Any]]:
    """Return the facts of all releases of a store, the oldest first."""
    return [described(store, name) for name in names(store)]
