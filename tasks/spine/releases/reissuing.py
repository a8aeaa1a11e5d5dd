"""Issuing releases again without what was forgotten: NAME becomes NAME+1, and its files are removed.

A release never changes, but a text that is forgotten must go, also from what was frozen. So the rest of it is put
beside it under a new name, the link follows, and the old folder goes. The new manifest says of which release it is the
rest, and `lineage/taken_out.parquet` which rows are missing, by their ids and keys: so `diff NAME OTHER` still counts
them. A release may hold what the database does not know any more; so it is looked through by itself.
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.io import files
from wellspring.tasks.io.datasets import ROWS_IN_GROUP
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.datasets import trainers
from wellspring.tasks.spine.releases import decisions, holdings, papers, releases

_AS_THEY_WERE = ("*.py", *trainers.NAMES)
_SECTION = re.compile(r"\n(?=## )")
_NOT_TAKEN_AGAIN = frozenset(
    {"Files", "Issued again", "Measures", "Instructions by tokens", "Instructions by score", "Topics"}
)
_COLUMNS = {"edges": ("child_id", "parent_id"), "pages": ("document_id",), "seeds": ("seed_id",)}


@dataclass(frozen=True, slots=True)
class Gone:
    """What is to be taken out: how a person named it, the ids that go, digests of pages' texts, and short texts."""

    way: str
    value: str
    ids: frozenset[str] = frozenset()
    digests: frozenset[str] = frozenset()
    fragments: Sequence[str] = ()


def knows(store: Path, way: str, value: str) -> bool:
    """Whether a release rests on something that a person names by `url`, `domain` or `source`."""
    gone = Gone(way, value)
    return any(_pages(releases.folder_of(store) / name, gone) for name in releases.names(store))


def reissue(store: Store, gone: Gone) -> list[dict[str, Any]]:
    """Issue again, without it, all releases that hold what is forgotten.

    Killed at any moment, the same call goes on: what is issued again stays, what is left is done.

    Args:
        store: The store, held for writing.
        gone: What is forgotten.

    Returns:
        For each release that was removed: `release`, `as` (what stands for it now), `rows_taken_out` (lines of files).
    """
    folder = releases.folder_of(store.path)
    releases.sweep(folder)
    return [
        _again(store, folder / name, taken, gone)
        for name in releases.names(store.path)
        if (taken := _held(folder / name, gone)) is not None
    ]


def _pages(folder: Path, gone: Gone) -> list[str]:
    """Return the pages, or sources, of a release that are meant."""
    found = list[str]()
    for row in holdings.read(folder, "pages").iter_rows(named=True):
        is_meant = (
            (gone.way == "url" and row["url"] == gone.value)
            or (gone.way == "domain" and f".{row['domain']}".endswith(f".{gone.value}"))
            or (gone.way == "source" and gone.value in {row["source_id"], row["source"]})
            or row["text_digest"] in gone.digests
        )
        found += [row["document_id"]] if is_meant else []
    if gone.way == "source":
        seeds = holdings.read(folder, "seeds")
        found += [
            row["seed_id"] for row in seeds.iter_rows(named=True) if gone.value in {row["source_id"], row["source"]}
        ]
    return found


def _held(folder: Path, gone: Gone) -> tuple[set[str], set[tuple[str, int]]] | None:
    """Return the ids of a release that go, and its lines; None where it holds nothing of it."""
    rows, edges = holdings.read(folder, "rows"), holdings.read(folder, "edges")
    known = {*edges["child_id"], *edges["parent_id"], *rows["row_id"]}
    ids = holdings.below(edges, {*_pages(folder, gone), *(gone.ids & known)})
    lines = {(file, line) for file, line, row_id in rows.select("file", "line", "row_id").iter_rows() if row_id in ids}
    lines |= set(_telling(folder, gone.fragments))
    is_named = papers.holds(folder, gone.ids) or _is_told(folder, gone.fragments)
    return (ids, lines) if ids or lines or is_named else None


def _telling(folder: Path, fragments: Sequence[str]) -> Iterable[tuple[str, int]]:
    """Yield the lines that hold one of the texts."""
    if not fragments:
        return
    pattern = _any_of(fragments)
    for name in _files(folder):
        with (folder / f"{name}.jsonl").open("rb") as file:
            yield from ((name, number) for number, line in enumerate(file, start=1) if pattern.search(line))


def _is_told(folder: Path, fragments: Sequence[str]) -> bool:
    """Whether a card or another paper holds one of the texts."""
    of_rows = {folder / f"{name}.jsonl" for name in _files(folder)}
    papers = [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".parquet" and p not in of_rows]
    return bool(fragments) and any(_any_of(fragments).search(path.read_bytes()) for path in papers)


def _files(folder: Path) -> list[str]:
    """Return the files that have rows, without their endings; all else beside the snapshot is papers."""
    return holdings.read(folder, "rows")["file"].unique().sort().to_list()


def _any_of(fragments: Sequence[str]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(re.escape(fragment.encode()) for fragment in fragments))


def _again(
    store: Store,
    old: Path,
    taken: tuple[set[str], set[tuple[str, int]]],
    gone: Gone,
) -> dict[str, Any]:
    """Put the rest of a release in its place under a new name, have the link follow, and remove the old one."""
    name, folder = _next(old), old.parent
    before = releases.manifest(old)
    if not (folder / name).is_dir():
        partial = folder / f".{name}.part"
        partial.mkdir()
        _rest(old, partial, *taken, gone)
        _tell(old, partial, len(taken[1]))
        _beside(old, partial, taken[0], gone)
        kept = ("made_at", "dataset", "license", "fingerprint", "settings", "validations", "excluded", "versions")
        said = {key: before[key] for key in kept if key in before}
        former = {"of": old.name, "digest": before.get("digest", ""), "lines_taken_out": len(taken[1])}
        releases.seal(partial, {**said, "name": name, "measures": [], "reissued": former | {"why": "forgotten"}})
        files.put(partial, folder / name)
    _follow(store, old.name, name)
    shutil.move(old, folder / f".{old.name}.gone")
    shutil.rmtree(folder / f".{old.name}.gone")
    return {"release": old.name, "as": name, "rows_taken_out": len(taken[1])}


def _next(old: Path) -> str:
    """Return the name of what stands for a release: the one that a killed command has put there, or a new one."""
    stem, _ = releases.parted(old.name)
    ours = [path for path in old.parent.glob(f"{stem}+*") if releases.is_one(path)]
    done = next((p.name for p in ours if releases.manifest(p).get("reissued", {}).get("of") == old.name), "")
    return done or f"{stem}+{1 + max(releases.parted(path.name)[1] for path in (old, *ours))}"


def _follow(store: Store, old: str, new: str) -> None:
    """Have the link, and the decision of a person who rolled back, follow a release to what stands for it."""
    if decisions.held_at(store) == old:
        decisions.decide(store, "rollback", [new], f"{old} was issued again without what was forgotten")
    if releases.current(store.path) == old:
        releases.switch(store.path, new)


def _rest(old: Path, new: Path, ids: set[str], lines: set[tuple[str, int]], gone: Gone) -> None:
    """Write the files of a release and its snapshot without the lines and the things that go."""
    numbers = dict[str, set[int]]()
    for file, line in lines:
        numbers.setdefault(file, set()).add(line)
    for name in _files(old):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        _without(old / f"{name}.jsonl", new / f"{name}.jsonl", numbers.get(name, set()))
    _rest_of_lineage(old, new, ids, numbers, gone)


def _without(path: Path, target: Path, numbers: set[int]) -> None:
    """Copy a file of lines, and its Parquet twin, without some lines."""
    with path.open("rb") as source, target.open("wb") as file:
        file.writelines(line for number, line in enumerate(source, start=1) if number not in numbers)
    twin = path.with_suffix(".parquet")
    if twin.is_file():
        table = pq.read_table(twin)
        keep = pa.array([number not in numbers for number in range(1, table.num_rows + 1)], pa.bool_())
        pq.write_table(
            table.filter(keep), target.with_suffix(".parquet"), compression="zstd", row_group_size=ROWS_IN_GROUP
        )


def _rest_of_lineage(old: Path, new: Path, ids: set[str], numbers: dict[str, set[int]], gone: Gone) -> None:
    rows = holdings.read(old, "rows")
    places = rows.select("file", "line").iter_rows()
    goes = pl.Series([line in numbers.get(file, ()) for file, line in places], dtype=pl.Boolean)
    out = rows.filter(goes).with_columns(url=pl.lit(""), document_id=pl.lit(""), release=pl.lit(old.name))
    left = rows.filter(~goes).with_columns(line=pl.int_range(1, pl.len() + 1).over("file"))
    holdings.write(new, "rows", left)
    holdings.write(new, holdings.TAKEN_OUT, pl.concat([holdings.read(old, holdings.TAKEN_OUT), out]))
    for name, columns in _COLUMNS.items():
        kept = holdings.read(old, name)
        for column in columns:
            kept = kept.filter(~pl.col(column).is_in(list(ids))) if kept.height else kept
        holdings.write(new, name, kept)
    edges = holdings.read(new, "edges")
    calls = holdings.read(old, "calls")
    holdings.write(new, "calls", calls.filter(pl.col("completion_id").is_in(edges["parent_id"].implode())))
    held = holdings.read(old, "left_out")
    holdings.write(new, "left_out", held.filter(~pl.col("id").is_in([*ids, *gone.ids])))
    holdings.write(new, "methods", holdings.read(old, "methods"))


def _beside(old: Path, new: Path, ids: set[str], gone: Gone) -> None:
    """Write what lies beside the rows: programs and lists of files as they were, and papers of what is left."""
    for path in (path for pattern in _AS_THEY_WERE for path in old.rglob(pattern)):
        if not gone.fragments or not _any_of(gone.fragments).search(path.read_bytes()):
            (new / path.relative_to(old)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new / path.relative_to(old))
    rows = holdings.read(new, "rows")
    used = holdings.above(holdings.read(new, "edges"), {*rows["row_id"], *rows["made_id"]})
    papers.write_rest(old, new, used, ids | gone.ids, (gone.way, gone.fragments))


def _tell(old: Path, new: Path, taken_out: int) -> None:
    """Write the card of the rest: what told of all lines is not taken again, and is left out."""
    text = (old / "README.md").read_text(encoding="utf-8") if (old / "README.md").is_file() else f"# {old.name}\n"
    first, *sections = _SECTION.split(text)
    kept = [one for one in sections if one.splitlines()[0].removeprefix("## ") not in _NOT_TAKEN_AGAIN]
    rows = holdings.read(new, "rows").group_by("file").len().sort("file")
    said = (
        f"{taken_out} lines were taken out of the release `{old.name}`, since what they rest on is forgotten. The "
        "others are as they were. What that release said of its files, its measures and its topics is not repeated."
    )
    table = ["| file | rows |", "|---|---|", *(f"| {file} | {count} |" for file, count in rows.iter_rows())]
    again = ["## Issued again", "", said, "", *table, ""]
    (new / "README.md").write_text("\n".join([first.rstrip(), "", *again, *kept]).rstrip() + "\n", encoding="utf-8")
