"""Forgetting: a page, a site or a source is taken out with everything made from it, and must not come back.

The order is such that a kill at any moment is mended by the same command again: the tombstone first, then what is
found through the rows (journal, shards, exports), the rows themselves last, and the files that held them are written
anew, since a deleted row's bytes stay in a database file. At the end it looks, and says what it did not find.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.contracts import records
from tasks.contracts.errors import BrokenError, UsageError
from tasks.io import files
from tasks.io.journal import Journal
from tasks.io.store import Store
from tasks.spine import lineage, pages, standing
from tasks.spine.runs import FOUND, now

Policy = Literal["drop", "remake"]
FRAGMENT_CHARS = 48
FRAGMENTS_A_TEXT = 12
FRAGMENTS = 4000
_TABLES = (
    *("exports", "preferences", "selections", "scores", "verdicts", "responses", "instructions", "groundings"),
    *("embeddings", "passages", "rejections", "seeds", "signatures", "redactions", "duplicates", "documents"),
    *("repeats", "similarities"),
)
_SAID = ("rejections", "failures", "validations", "runs")
_ESCAPED = re.compile(r"[\"\\\x00-\x1f\x7f]")
_IDS = ("document_id", "passage_id", "text_id", "seed_id", "input_id", "subject_id", "grounding_id", "source_id")


@dataclass(slots=True)
class Forgotten:
    """What was forgotten: the receipt that a person can file. `*_left` are counted afterwards, and are 0."""

    way: str
    value: str
    policy: str
    documents: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    calls_erased: int = 0
    shards_rewritten: int = 0
    datasets_withdrawn: list[str] = field(default_factory=list)
    fragments_looked_for: int = 0
    descendants_left: int = 0
    texts_left: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the receipt as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What goes: documents, every id made from them, texts that prove it, and the model calls it was said in."""

    documents: list[str]
    ids: list[str]
    fragments: list[str]
    calls: list[str]


def forget(
    store: Store,
    *,
    policy: Policy = "drop",
    reason: str = "asked",
    **by: str | None,
) -> Forgotten:
    """Take a page out, with everything made from it, and leave a tombstone that keeps it from coming back.

    Exact copies of its text on other pages go too. What was only shown it (as a demonstration or a neighbour) is taken
    out as well; `policy` says whether that is made again from others (`remake`) or not at all (`drop`).

    Args:
        store: The store, held for writing.
        policy: What becomes of what was only shown it.
        reason: Why, for the tombstone.
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
    lineage.define(store)
    receipt = Forgotten(way, value, policy)
    scope = _scope(store, way, value)
    _bury(store, way, value, scope, reason)
    _erase_calls(store, scope, receipt)
    _rewrite_shards(store, scope, receipt)
    _blank_found(store, scope)
    _withdraw(store, scope, receipt)
    _delete_rows(store, scope, policy, receipt)
    _drop_caches(store)
    store.rewrite()
    _redact_events(store, scope.fragments)
    standing.remember(store, frozenset(scope.ids))
    pages.write_site(store)
    _look(store, scope, receipt)
    return receipt


def _scope(store: Store, way: str, value: str) -> _Scope:
    """Find everything that goes. A tombstone without rows is a forgetting that was interrupted near its end."""
    try:
        start = lineage.starts(store, way, value)
    except UsageError:
        if (way, value) not in set(store.query("documents/forgotten").rows()):
            raise
        return _Scope([], [], [], [])
    reached = store.query("lineage/down", ids=start)
    documents = reached.filter(kind="documents")["id"].to_list()
    copies = store.query("lineage/copies", ids=documents)["id"].to_list()
    reached = store.query("lineage/down", ids=sorted({*start, *copies}))
    documents = sorted(set(reached.filter(kind="documents")["id"].to_list()))
    ids = sorted(set(reached.filter(reached["kind"] != "sources")["id"].to_list()))
    fragments = _fragments(store, documents, ids)
    calls = store.query("lineage/calls_of", ids=ids)["id"].to_list()
    return _Scope(documents, ids, fragments, calls)


def _fragments(store: Store, documents: list[str], ids: list[str]) -> list[str]:
    """Cut short texts out of what goes that no document that stays has: none of them may be found afterwards."""
    texts = store.query("lineage/documents", ids=documents)["text"].to_list()
    each = max(1, min(FRAGMENTS_A_TEXT, FRAGMENTS // max(len(texts), 1)))
    found = sorted({fragment for text in texts[:FRAGMENTS] for fragment in _cut(text, each)})
    if not found:
        return []
    kept = set(store.query("lineage/kept_texts", fragments=found, ids=ids)["text"].to_list())
    own = [fragment for fragment in found if fragment not in kept]
    return own + [as_json for own_one in own if (as_json := json.dumps(own_one)[1:-1]) != own_one]


def _cut(text: str, most: int) -> Iterator[str]:
    """Yield up to `most` pieces spread over the text, free of characters that JSON escapes."""
    runs = [run for run in _ESCAPED.split(text) if len(run.strip()) >= FRAGMENT_CHARS]
    step = max(1, -(-len(runs) // most))
    for run in runs[::step]:
        begin = (len(run) - FRAGMENT_CHARS) // 2
        yield run[begin : begin + FRAGMENT_CHARS]


def _bury(store: Store, way: str, value: str, scope: _Scope, reason: str) -> None:
    """Leave tombstones: for what was named, and for each text, so that a copy elsewhere does not come back either."""
    names = {(way, value)}
    if scope.documents:
        rows = store.query("lineage/documents", ids=scope.documents)
        names |= {("text", digest) for digest in rows["text_digest"].to_list()}
        if way == "domain":
            names |= {("domain", domain) for domain in rows["domain"].to_list()}
    if way == "source":
        names |= {("source", id_) for id_ in _sources(store, value)}
    at = now()
    store.append("tombstones", [records.Tombstone(kind, name, reason, at) for kind, name in sorted(names)])


def _sources(store: Store, value: str) -> list[str]:
    """Return the ids of the sources that a person means."""
    return store.query("lineage/by_source", value=value)["id"].to_list()


def _erase_calls(store: Store, scope: _Scope, receipt: Forgotten) -> None:
    """Erase the calls of what goes; and, of calls that only showed it, the words but not the row that came of them."""
    path = store.path / "completions.sqlite"
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
        journal.compact()
    finally:
        journal.close()
    store.execute("lineage/forget_requests", ids=shown)
    receipt.calls_erased = len(scope.calls) + len(shown)


def _rewrite_shards(store: Store, scope: _Scope, receipt: Forgotten) -> None:
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


def _blank_found(store: Store, scope: _Scope) -> None:
    """Put blanks where pages that a live search found are kept: what stays keeps its place in the file."""
    urls = set(store.query("lineage/documents", ids=scope.documents)["url"].to_list())
    for path in (store.path / FOUND).glob("*.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line if _stays(line, urls, scope.fragments) else b" " * (len(line) - 1) + b"\n" for line in lines]
        if kept != lines:
            files.write_whole(path, b"".join(kept))


def _stays(line: bytes, urls: set[str], fragments: Sequence[str]) -> bool:
    page = json.loads(line) if line.strip() else {}
    return page.get("url") not in urls and not any(fragment.encode() in line for fragment in fragments)


def _withdraw(store: Store, scope: _Scope, receipt: Forgotten) -> None:
    """Take away whole datasets that have a line of it: the next export writes them anew, without."""
    paths = store.query("lineage/files", ids=scope.ids)["path"].to_list()
    folders = sorted({path.removeprefix("exports/").split("/")[0] for path in paths})
    every = store.query("lineage/paths")["path"].to_list()
    gone = [path for path in every if path.removeprefix("exports/").split("/")[0] in folders]
    for folder in folders:
        shutil.rmtree(store.exports / folder, ignore_errors=True)
    receipt.rows["exports"] = store.execute("lineage/forget_paths", paths=gone)
    receipt.datasets_withdrawn = folders


def _delete_rows(store: Store, scope: _Scope, policy: Policy, receipt: Forgotten) -> None:
    refusals = _refusals(store, scope) if policy == "drop" else []
    with store.transaction():
        _elect(store, scope.documents)
        for table in _TABLES:
            receipt.rows[table] = receipt.rows.get(table, 0) + store.execute(f"lineage/forget_{table}", ids=scope.ids)
        receipt.rows["completions"] = store.execute("lineage/forget_completions", ids=scope.calls)
        for table in _SAID if scope.fragments else ():
            store.execute(f"lineage/forget_said_{table}", fragments=scope.fragments)
        store.append("rejections", refusals)
    receipt.documents = len(scope.documents)


def _refusals(store: Store, scope: _Scope) -> list[records.RejectionRow]:
    """Say of what was only shown it that it is not to be made again."""
    shown = store.query("lineage/shown_to", ids=scope.ids).to_dicts()
    seeds = store.query("lineage/attributed", ids=scope.ids).to_dicts()
    rows = {("instructions", row["input_id"], row["fingerprint"]) for row in shown}
    rows |= {("groundings", row["input_id"], row["fingerprint"]) for row in seeds}
    return [
        records.RejectionRow(*row, "forgotten", "it was shown what was forgotten", "forget") for row in sorted(rows)
    ]


def _elect(store: Store, documents: list[str]) -> None:
    """Of near duplicates that lose their original the lowest id takes its place."""
    heirs: dict[str, list[str]] = {}
    for id_, original in store.query("lineage/near_copies", ids=documents).rows():
        heirs.setdefault(original, []).append(id_)
    for ids in heirs.values():
        store.execute("lineage/forget_duplicates", ids=ids[:1])
        store.execute("lineage/repoint", ids=ids[1:], original=ids[0])


def _drop_caches(store: Store) -> None:
    """Throw away indexes, matrices and pages: they are made again from what is left."""
    store.execute("rows/drop")  # of a site whose writing was killed
    for folder in (store.pages, store.path / "tmp"):
        shutil.rmtree(folder, ignore_errors=True)
    store.pages.mkdir()
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


def _look(store: Store, scope: _Scope, receipt: Forgotten) -> None:
    """Look for what was forgotten wherever it could be, and count what is found.

    Raises:
        BrokenError: Something is there.
    """
    lineage.define(store)
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
            hint="run the same command again; if it stays, something else writes this store",
        )


def _in_journal(store: Store, fragments: Sequence[str]) -> Mapping[str, int]:
    path = store.path / "completions.sqlite"
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
