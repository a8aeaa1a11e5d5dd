"""Forgetting: a page, a site or a source is taken out with everything made from it, and must not come back.

Releases that hold it are issued again without it. The order is such that a kill at any moment is mended by the same
command again: the tombstone first, then what is found through the rows (journal, shards, exports, releases), the rows
themselves last, and the files that held them are written anew, since a deleted row's bytes stay in a database file. At
the end it looks, and says what it did not find.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.stages import SAID, STAGES
from wellspring.tasks.io import files
from wellspring.tasks.io.storage.journal import Journal
from wellspring.tasks.io.storage.store import JOURNAL, READING, Store
from wellspring.tasks.spine.provenance import lineage, reach
from wellspring.tasks.spine.provenance.reach import FRAGMENT_CHARS, Reach
from wellspring.tasks.spine.reading import near_copies
from wellspring.tasks.spine.releases import papers, reissuing
from wellspring.tasks.spine.releases.news import SINCE
from wellspring.tasks.spine.releases.reissuing import Gone
from wellspring.tasks.spine.running.runs import FOUND, now
from wellspring.tasks.spine.vectors import embedders
from wellspring.tasks.spine.watching import marts, people, stage_status

Policy = Literal["drop", "remake"]
# What is made of others goes with them, before them; sources and calls stay, or go by ids of their own.
_NOUNS = [stage for stage in reversed(STAGES.values()) if stage.about or stage.edges]
_TABLES = ("rejections", *(table for stage in _NOUNS for table in (stage.noun, *stage.beside)))
_SAID = (*SAID, "completions")
_IDS = {name for stage in STAGES.values() for name in (stage.id, stage.about, *(edge.column for edge in stage.edges))}


@dataclass(slots=True)
class Forgotten:
    """What was forgotten: the receipt that a person can file. `*_left` are counted afterwards, and are 0.

    `found` says of each thing that was looked for how many there were. `near_copies_named` are pages that are nearly
    it, `quoted_by` some of those that stay and have texts of it.
    """

    way: str
    value: str
    policy: str
    near_copies: str = "remove"
    documents: int = 0
    found: dict[str, int] = field(default_factory=dict)
    near_copies_named: list[str] = field(default_factory=list)
    quoted_by: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    calls_erased: int = 0
    vectors_erased: int = 0
    shards_rewritten: int = 0
    datasets_withdrawn: list[str] = field(default_factory=list)
    releases_reissued: list[str] = field(default_factory=list)
    fragments_looked_for: int = 0
    descendants_left: int = 0
    texts_left: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the receipt as plain values, for JSON."""
        return asdict(self)


def forget(
    store: Store,
    *,
    policy: Policy = "drop",
    near_copies: reach.NearCopies = "remove",
    reason: str = "asked",
    draw: Callable[[Store], object] | None = None,
    **by: str | None,
) -> Forgotten:
    """Take a page out, with everything made from it, and leave a tombstone that keeps it from coming back.

    Exact copies of its text on other pages go too, and near copies, unless these are only to be named. What was only
    shown it (as a demonstration or a neighbour) is taken out as well; `policy` says whether that is made again from
    others (`remake`) or not at all (`drop`). Calls that were shown it, or what was written from it, lose their words.

    Args:
        store: The store, held for writing.
        policy: What becomes of what was only shown it.
        near_copies: Whether pages that are nearly it go, too, or stay and are named in the receipt.
        reason: Why, for the tombstone.
        draw: Draws the pages anew from what is left, before this looks for what was forgotten; without it there are
            none.
        by: Exactly one of `url`, `domain`, `source`.

    Returns:
        The receipt.

    Raises:
        UsageError: Nothing, or several things, are named, or the store knows no such thing and never did.
        BrokenError: Something of it is still there afterwards; what, and where.
    """
    way, value = lineage.one_of(by)
    value = value.lower() if way == "domain" else value
    if way not in {"url", "domain", "source"}:
        raise UsageError(f"--{way} cannot be forgotten", hint="one of --url, --domain, --source")
    scope = reach.of(store, way, value, near_copies, is_released=reissuing.knows(store.path, way, value))
    receipt = Forgotten(way, value, policy, near_copies, found=scope.found, quoted_by=scope.quoted_by)
    receipt.near_copies_named = _urls(store, scope.near)
    embedders.entrust(store, scope.ids)
    _bury(store, receipt, scope, reason)
    _erase_calls(store, scope, receipt)
    _rewrite_shards(store, scope, receipt)
    _blank_found(store, scope)
    people.forget(store.path, frozenset(scope.ids), scope.fragments)
    _withdraw(store, scope, receipt)
    _reissue(store, scope, receipt)
    _delete_rows(store, scope, receipt)
    with marts.alone(store.path):  # nobody draws anew, from a snapshot, what is taken out
        _drop_caches(store)
        store.rewrite()
        _redact_events(store, scope.fragments)
        stage_status.remember(store, frozenset(scope.ids))
        if draw is not None:
            draw(store)
    _look(store, scope, receipt)
    return receipt


def _bury(store: Store, receipt: Forgotten, scope: Reach, reason: str) -> None:
    """Leave tombstones, with the journal, too: for what was named, for each text, and for pages that are its copies.

    Where near copies go, too, a sketch of each text is kept: one that comes later, on another page, is known by it.
    What is not to be made again has a tombstone, too: the database, which has its refusal, may be made anew.
    """
    way, value = receipt.way, receipt.value
    names = {(way, value)}
    if scope.documents:
        rows = store.query("documents/of_ids", ids=scope.documents)
        names |= {("text", digest) for digest in rows["text_digest"].to_list()}
        names |= near_copies.sketched(rows["text"].to_list()) if receipt.near_copies == "remove" else set()
        if way == "domain":
            own = rows.filter(~rows["document_id"].is_in(scope.elsewhere))
            names |= {("domain", domain) for domain in own["domain"].to_list()}
    names |= {("url", url) for url in _urls(store, scope.elsewhere)}
    if way == "source":
        names |= {("source", id_) for id_ in _sources(store, value)}
    if receipt.policy == "drop":
        names |= _not_again(store, scope)
    at = now()
    store.append("tombstones", [records.Tombstone(kind, name, reason, at) for kind, name in sorted(names)])
    store.entrust()


def _not_again(store: Store, scope: Reach) -> set[tuple[str, str]]:
    """Name the inputs of what was only shown it, with the method that is not to make it again."""
    shown = store.query("lineage/shown_to", ids=scope.ids).to_dicts()
    seeds = store.query("lineage/attributed", ids=scope.ids).to_dicts()
    return {("instructions", f"{row['input_id']} {row['fingerprint']}") for row in shown} | {
        ("groundings", f"{row['input_id']} {row['fingerprint']}") for row in seeds
    }


def _urls(store: Store, documents: Sequence[str]) -> list[str]:
    return sorted(set(store.query("documents/of_ids", ids=documents)["url"].to_list()))


def _sources(store: Store, value: str) -> list[str]:
    """Return the ids of the sources that a person means."""
    return store.query("lineage/by_source", value=value)["id"].to_list()


def _erase_calls(store: Store, scope: Reach, receipt: Forgotten) -> None:
    """Erase the calls of what goes; and, of calls that only showed it, the words but not the row that came of them."""
    path = store.path / JOURNAL
    if not path.is_file():
        return
    journal = Journal(path, owner="forget")
    try:
        shown = (
            [name for name in journal.holding(scope.fragments) if name not in set(scope.calls)]
            if scope.fragments
            else []
        )
        journal.erase([*scope.calls, *shown])
        receipt.vectors_erased = journal.erase_vectors(_vectors(store, scope.ids))
        journal.compact()
    finally:
        journal.close()
    store.execute("lineage/forget_requests", ids=shown)
    receipt.found["calls that they came from"] = len(scope.calls)
    receipt.found["other calls that hold such texts"] = len(shown)
    receipt.calls_erased = len(scope.calls) + len(shown)


def _vectors(store: Store, ids: Sequence[str]) -> set[bytes]:
    """Return the vectors of these texts, as the journal records those that a server gave."""
    vectors = store.query("lineage/vectors", ids=ids)["vector"].to_list()
    return {np.asarray(vector, np.float32).tobytes() for vector in vectors}


def _rewrite_shards(store: Store, scope: Reach, receipt: Forgotten) -> None:
    """Write Parquet shards anew without the rows that name what goes or hold its words."""
    if not scope.ids:
        return
    ids = pa.array(scope.ids, pa.string())
    for path in sorted(store.shards.rglob("*.parquet")):
        table = pq.read_table(path)
        goes = _rows_of(table, ids, scope.fragments)
        if pc.any(goes).as_py():
            with files.replacing(path) as partial:
                pq.write_table(table.filter(pc.invert(goes)), partial, compression="zstd")
            receipt.shards_rewritten += 1


def _rows_of(table: pa.Table, ids: pa.Array, fragments: Sequence[str]) -> Any:
    """Mark the rows that name one of the ids or hold one of the texts (NULL does neither)."""
    goes: Any = pa.chunked_array([pa.repeat(pa.scalar(False), table.num_rows)])
    pattern = "|".join(map(re.escape, fragments))
    for name in table.column_names:
        column = table.column(name)
        if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
            continue
        if name in _IDS:
            goes = pc.or_kleene(goes, pc.is_in(column, ids))
        elif pattern:
            goes = pc.or_kleene(goes, pc.match_substring_regex(column, pattern))
    return pc.equal(pc.coalesce(goes, pa.scalar(False)), pa.scalar(True))


def _blank_found(store: Store, scope: Reach) -> None:
    """Put blanks where pages that a live search found are kept: what stays keeps its place in the file."""
    urls = set(store.query("documents/of_ids", ids=scope.documents)["url"].to_list())
    for path in (store.path / FOUND).glob("*.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line if _stays(line, urls, scope.fragments) else b" " * (len(line) - 1) + b"\n" for line in lines]
        if kept != lines:
            files.write_whole(path, b"".join(kept))


def _stays(line: bytes, urls: set[str], fragments: Sequence[str]) -> bool:
    page = json.loads(line) if line.strip() else {}
    return page.get("url") not in urls and not any(fragment.encode() in line for fragment in fragments)


def _withdraw(store: Store, scope: Reach, receipt: Forgotten) -> None:
    """Take away whole datasets that have a line of it, or name it in their papers: the next export writes them anew."""
    paths = store.query("lineage/files", ids=scope.ids)["path"].to_list()
    named = {folder.name for folder in store.exports.iterdir() if papers.holds(folder, scope.ids)}
    folders = sorted({path.removeprefix("exports/").split("/")[0] for path in paths} | named)
    every = store.query("lineage/paths")["path"].to_list()
    gone = [path for path in every if path.removeprefix("exports/").split("/")[0] in folders]
    for folder in folders:
        for path in (store.exports / folder, *store.exports.glob(f"{folder}{SINCE}*")):
            shutil.rmtree(path, ignore_errors=True)
    receipt.rows["exports"] = store.execute("lineage/forget_paths", paths=gone)
    receipt.datasets_withdrawn = folders


def _reissue(store: Store, scope: Reach, receipt: Forgotten) -> None:
    """Issue releases again that hold it, and take the old ones away."""
    digests = store.query("documents/of_ids", ids=scope.documents)["text_digest"].to_list()
    gone = Gone(receipt.way, receipt.value, frozenset(scope.ids), frozenset(digests), scope.fragments)
    receipt.releases_reissued = [
        f"{one['release']} as {one['as']}, without {one['rows_taken_out']} lines"
        for one in reissuing.reissue(store, gone)
    ]


def _delete_rows(store: Store, scope: Reach, receipt: Forgotten) -> None:
    with store.transaction():
        _elect(store, scope.documents)
        for table in _TABLES:
            receipt.rows[table] = receipt.rows.get(table, 0) + store.execute(f"{table}/forget", ids=scope.ids)
        receipt.rows["completions"] = store.execute("lineage/forget_completions", ids=scope.calls)
        for table in _SAID if scope.fragments else ():
            store.execute(f"{table}/unsay", fragments=scope.fragments)
        store.execute("tombstones/refuse")
    receipt.documents = len(scope.documents)


def _elect(store: Store, documents: list[str]) -> None:
    """Of near duplicates that lose their original the lowest id takes its place."""
    heirs: dict[str, list[str]] = {}
    for id_, original in store.query("lineage/near_copies", ids=documents).rows():
        heirs.setdefault(original, []).append(id_)
    for ids in heirs.values():
        store.execute("duplicates/forget", ids=ids[:1])
        store.execute("lineage/repoint", ids=ids[1:], original=ids[0])


def _drop_caches(store: Store) -> None:
    """Throw away indexes, matrices and pages: they are made again from what is left."""
    store.execute("rows/drop")  # of a site whose writing was killed
    for folder in (store.pages, store.path / "tmp", store.path / READING):
        shutil.rmtree(folder, ignore_errors=True)
    for entry in store.indexes.iterdir():
        if not entry.name.startswith("fit-"):  # what an embedder learned of word counts: its vectors depend on it
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _redact_events(store: Store, fragments: Sequence[str]) -> None:
    """Take texts that quote it out of lineage events (an error's message may)."""
    if not fragments:
        return
    pattern = re.compile("|".join(map(re.escape, fragments)))
    for path in store.events.glob("*.jsonl"):
        lines = path.read_text(encoding="ascii").splitlines()
        redacted = [_redacted(line, pattern) for line in lines]
        if redacted != lines:
            path.write_text("".join(f"{line}\n" for line in redacted), encoding="ascii")


def _redacted(line: str, pattern: re.Pattern[str]) -> str:
    """Replace each text of a line of JSON that quotes it, as a whole."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [clean(inner) for inner in value]
        return "forgotten" if isinstance(value, str) and pattern.search(value) else value

    try:
        known = json.loads(line)
    except ValueError:  # a line that a kill has torn
        return "" if pattern.search(line) else line
    cleaned = clean(known)
    return line if cleaned == known else json.dumps(cleaned, sort_keys=True, separators=(",", ":"))


def _look(store: Store, scope: Reach, receipt: Forgotten) -> None:
    """Look for what was forgotten wherever it could be, and count what is found.

    Raises:
        BrokenError: Something is there.
    """
    found: dict[str, int] = {}
    receipt.fragments_looked_for = len(scope.fragments)
    receipt.descendants_left = store.query("lineage/kinds", ids=scope.ids).height if scope.ids else 0
    if scope.fragments:
        found |= dict(store.query("lineage/left", fragments=scope.fragments).rows())
        found |= _in_journal(store, scope.fragments)
        found |= _in_files(store, scope.fragments)
    receipt.texts_left = sum(found.values())
    if receipt.descendants_left or receipt.texts_left:
        places = ", ".join(f"{name}: {n}" for name, n in sorted(found.items())) or "rows made from it"
        raise BrokenError(
            f"{receipt.descendants_left} descendants and {receipt.texts_left} texts are left ({places})",
            hint="run the same command again; if they are still left, another process writes this store",
        )


def _in_journal(store: Store, fragments: Sequence[str]) -> Mapping[str, int]:
    path = store.path / JOURNAL
    if not path.is_file():
        return {}
    journal = Journal(path, owner="forget")
    try:
        held = journal.holding(fragments)
    finally:
        journal.close()
    return {"journal": len(held)} if held else {}


def _in_files(store: Store, fragments: Sequence[str]) -> Mapping[str, int]:
    """Count files that hold one of the texts as they are; Parquet is read through."""
    pattern = re.compile(b"|".join(re.escape(fragment.encode()) for fragment in fragments))
    found: dict[str, int] = {}
    for path in sorted(p for p in store.path.rglob("*") if p.is_file() and p.stat().st_size):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            holds = pc.any(_rows_of(table, pa.array([], pa.string()), fragments)).as_py()
        else:
            holds = _file_holds(path, pattern)
        if holds:
            found[str(path.relative_to(store.path))] = 1
    return found


def _file_holds(path: Path, pattern: re.Pattern[bytes]) -> bool:
    """Look through a file in pieces that overlap, so that its size does not matter."""
    piece, tail = 8 * 2**20, b""
    with path.open("rb") as file:
        while data := file.read(piece):
            if pattern.search(tail + data):
                return True
            tail = data[-4 * FRAGMENT_CHARS :]
    return False
