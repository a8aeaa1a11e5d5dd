"""Where a row comes from, down to bytes of an archive, and what depends on it, down to lines of exported files.

The graph is views, `lineage_edges` and `lineage_nodes` (sql/lineage): every id names one thing, every edge says why a
thing is a parent. Tracing walks up level by level and asks one query a level; impact walks down in one query.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.contracts.errors import BrokenError, UsageError
from tasks.io import corpora
from tasks.io.store import Store

SHORTEST_PREFIX = 4
SHOWN_CHARS = 400
_LINE = re.compile(r"(?P<path>.+):(?P<line>\d+)")
_ID = re.compile(r"[0-9a-f]+")

_FACTS = {
    "exports": ("path", "line", "sha256", "fingerprint", "run_id"),
    "responses": ("model", "text", "finish_reason", "draw", "fingerprint", "run_id"),
    "instructions": ("recipe", "text", "scene", "round", "draw", "fingerprint", "run_id"),
    "groundings": ("scene", "keywords", "knowledge", "agreement", "fingerprint", "run_id"),
    "passages": ("text", "start_chars", "end_chars", "fingerprint", "run_id"),
    "documents": ("url", "title", "record_offset", "record_length", "license", "fetched_at", "fingerprint", "run_id"),
    "seeds": ("text", "line", "fingerprint", "run_id"),
    "sources": ("uri", "name", "kind", "license", "sha256", "bytes", "run_id"),
    "completions": (
        *("role", "model", "prompt_tokens", "completion_tokens", "cost_usd", "attempts", "finish_reason", "run_id"),
    ),
}
_MISSING = "missings"  # what an edge leads to and no table holds
_IDENTITY = {kind: f"{kind[:-1]}_id" for kind in _FACTS}
_WAYS = ("url", "domain", "source", "seed", "prompt", "model", "document")


@dataclass(slots=True)
class Node:
    """A row in the tree of what it was made from: its kind (singular), how its child used it, what is worth knowing."""

    kind: str
    id: str
    relation: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the tree as plain values, for JSON."""
        return {
            "kind": self.kind,
            "id": self.id,
            "relation": self.relation,
            "facts": self.facts,
            "children": [child.as_dict() for child in self.children],
        }

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Impact:
    """What depends on something: ids by kind, and how many lines of which exported files."""

    start: list[str]
    ids: dict[str, list[str]]
    files: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return counts by kind, the files, and the ids, for JSON."""
        return {
            "start": self.start,
            "counts": {kind: len(ids) for kind, ids in self.ids.items()},
            "files": self.files,
            "ids": self.ids,
        }


def define(store: Store) -> None:
    """Define the views of the graph; cheap, and always those of this version."""
    for view in ("edges", "nodes", "things", "judgements"):
        store.execute(f"lineage/{view}")


def find(store: Store, target: str) -> tuple[str, str]:
    """Return kind and id of what a person named: an id, its beginning, or FILE:LINE of an export.

    Raises:
        UsageError: It names nothing, or more than one thing; the message lists them.
    """
    define(store)
    if (match := _LINE.fullmatch(target)) is not None:
        return "exports", _line(store, match["path"], int(match["line"]))
    if not _ID.fullmatch(target) or len(target) < SHORTEST_PREFIX:
        raise UsageError(
            f"`{target}` is neither an id nor FILE:LINE",
            hint=f"give at least {SHORTEST_PREFIX} characters of an id, or a line of an export: trace train.jsonl:12",
        )
    found = store.query("lineage/find", prefix=target).rows()
    exact = [row for row in found if row[1] == target] or found
    if not exact:
        raise UsageError(f"nothing in {store.path} has the id `{target}`", hint="`wellspring status` shows recent ids")
    if len(exact) > 1:
        names = ", ".join(f"{kind} {id_}" for kind, id_ in exact)
        raise UsageError(f"`{target}` begins {len(exact)} ids: {names}", hint="give more of it")
    kind, id_ = exact[0]
    return kind, id_


def _line(store: Store, path: str, line: int) -> str:
    tidy = Path(path).as_posix().removeprefix("./")
    rows = store.query("lineage/line", path=tidy, line=line)
    if rows.is_empty():
        raise UsageError(
            f"no export of {store.path} has a line {line} in `{path}`",
            hint=f"lines count from 1; the files are in {store.exports}",
        )
    if rows["path"].n_unique() > 1:
        raise UsageError(
            f"`{path}` is the end of {rows['path'].n_unique()} exports",
            hint=f"say which: {', '.join(rows['path'].unique().sort())}",
        )
    return rows["export_id"][0]


def trace(store: Store, target: str) -> Node:
    """Return the tree of what a row was made from, up to archive files, byte offsets and lengths.

    Args:
        store: The store.
        target: An id, the beginning of one, or FILE:LINE of an export.

    Raises:
        UsageError: The target names nothing, or more than one thing.
    """
    kind, id_ = find(store, target)
    ids, edges = [id_], dict[str, list[tuple[str, str]]]()
    while ids:
        edges.update({id_: [] for id_ in ids})
        above = store.query("lineage/parents", ids=ids)
        for child, relation, parent in above.rows():
            edges[child].append((relation, parent))
        ids = [parent for parent in above["parent_id"].unique().sort().to_list() if parent not in edges]
    kinds = {row[0]: row[1] for row in store.query("lineage/kinds", ids=sorted(edges)).rows()} | {id_: kind}
    return _tree(id_, "", edges, kinds, _facts(store, kinds), frozenset())


def _tree(
    id_: str,
    relation: str,
    edges: Mapping[str, Sequence[tuple[str, str]]],
    kinds: Mapping[str, str],
    facts: Mapping[str, dict[str, Any]],
    above: frozenset[str],
) -> Node:
    node = Node(kinds.get(id_, _MISSING)[:-1], id_, relation, facts.get(id_, {}))
    for how, parent in edges.get(id_, ()):
        if parent not in above:  # a broken store may hold a circle; a tree may not
            node.children.append(_tree(parent, how, edges, kinds, facts, above | {id_}))
    return node


def _facts(store: Store, kinds: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Read what is worth knowing of each thing, one query a kind."""
    by_kind = defaultdict[str, list[str]](list)
    for id_, kind in kinds.items():
        by_kind[kind].append(id_)
    facts: dict[str, dict[str, Any]] = {}
    for kind, ids in by_kind.items():
        for row in store.query(f"lineage/{kind}", ids=sorted(ids)).to_dicts():
            facts.setdefault(row[_IDENTITY[kind]], {name: _shown(row[name]) for name in _FACTS[kind]})
    for id_, what, said in store.query("lineage/judged", ids=sorted(kinds)).rows():
        facts.setdefault(id_, {}).setdefault("judged", {})[what] = said
    return facts


def _shown(value: Any) -> Any:
    if isinstance(value, str) and len(value) > SHOWN_CHARS:
        return f"{value[:SHOWN_CHARS]}…"
    return value


def record_bytes(store: Store, document_id: str) -> bytes:
    """Return the original record of a document, read back from its archive: headers and payload, decompressed.

    Raises:
        UsageError: There is no such document.
        BrokenError: The archive is not where it was, or is not the file that was read.
    """
    define(store)
    documents = store.query("lineage/documents", ids=[document_id]).to_dicts()
    if not documents:
        raise UsageError(f"there is no document `{document_id}`", hint="trace the row: its documents are in the tree")
    document = documents[0]
    source = store.query("lineage/sources", ids=[document["source_id"]]).to_dicts()[0]
    path = Path(source["uri"])
    if "://" not in source["uri"] and (not path.is_file() or path.stat().st_size != source["bytes"]):
        size = f"{path.stat().st_size} bytes" if path.is_file() else "not there"
        raise BrokenError(
            f"{path} is {size}; when it was read it had {source['bytes']} bytes (sha256 {source['sha256']})",
            hint="put the archive back where it was",
        )
    return corpora.read_record(source["uri"], source["kind"], document["record_offset"], document["record_length"])


def impact(store: Store, **by: str | None) -> Impact:
    """Return everything that depends on a page, domain, source, seed, prompt, model or document.

    Args:
        store: The store.
        by: Exactly one of `url`, `domain`, `source`, `seed`, `prompt` (fingerprint or name), `model`, `document`.

    Raises:
        UsageError: None or several were given, or it names nothing.
    """
    define(store)
    way, value = one_of(by)
    start = starts(store, way, value)
    reached = store.query("lineage/down", ids=start)
    ids: dict[str, list[str]] = {}
    for kind, id_ in reached.select("kind", "id").rows():
        ids.setdefault(kind, []).append(id_)
    files = store.query("lineage/files", ids=ids.get("exports", [])).to_dicts()
    return Impact(start, ids, files)


def one_of(by: Mapping[str, str | None]) -> tuple[str, str]:
    """Return the one way that was given and its value.

    Raises:
        UsageError: None, several, or an unknown one.
    """
    given = {way: value for way, value in by.items() if value}
    if len(given) != 1 or not set(given) <= set(_WAYS):
        raise UsageError(
            f"say what, in exactly one way; got {', '.join(sorted(given)) or 'none'}",
            hint="one of " + ", ".join(f"--{way}" for way in _WAYS),
        )
    return next(iter(given.items()))


def starts(store: Store, way: str, value: str) -> list[str]:
    """Return the ids that a person means by a way and a value.

    Raises:
        UsageError: It names nothing in this store.
    """
    if way in {"seed", "document"}:
        kind, id_ = find(store, value)
        found = [id_] if kind == f"{way}s" else []
    else:
        found = store.query(f"lineage/by_{way}", value=value)["id"].to_list()
    if not found:
        raise UsageError(f"no {way} `{value}` in {store.path}", hint="it is compared as it is written in the store")
    return found
