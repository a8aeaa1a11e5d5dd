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

from wellspring.tasks.contracts import orders, records
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.contracts.visible import visible
from wellspring.tasks.io.corpora import corpus_files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.releases import papers

SHORTEST_PREFIX = 4
SHOWN_CHARS = 400
PLACE = ("source_id", "record_offset", "record_length")  # of a record in an archive
_LINE = re.compile(r"(?P<path>.+):(?P<line>\d+)")
_ID = re.compile(r"[0-9a-f]+")
_NAMED = re.compile(rf"\b[0-9a-f]{{{records.ID_HEX_CHARS}}}\b")
_PLACE = re.compile(r" at (\d+)\+(\d+)\b")

_WAYS = ("url", "domain", "source", "seed", "prompt", "model", "document")


@dataclass(slots=True)
class Node:
    """A row in the tree of what it was made from: its kind (singular), how its child used it, what is worth knowing.

    What several rows were made from is shown once; where it comes again it is repeated by its id alone.
    """

    kind: str
    id: str
    relation: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    is_repeated: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the tree as plain values, for JSON; what is repeated has no facts and no children there."""
        return {
            "kind": self.kind,
            "id": self.id,
            "relation": self.relation,
            "facts": {} if self.is_repeated else self.facts,
            "children": [child.as_dict() for child in self.children],
            "is_repeated": self.is_repeated,
        }

    @property
    def known(self) -> list[tuple[str, Any]]:
        """The facts that there are, without the empty ones: names and values."""
        return [(name, value) for name, value in self.facts.items() if value not in (None, "", [])]

    def __str__(self) -> str:
        """Draw the tree, a line a row."""
        return "\n".join(self.lines())

    def lines(self, indent: str = "") -> Iterator[str]:
        """Yield a line a row, those that it was made from below it and further right."""
        said = "as above" if self.is_repeated else "  ".join(f"{name} {value}" for name, value in self.known)
        yield indent + visible(f"{self.relation} {self.kind} {self.id}  {said}".replace("\n", " ")).strip()
        for child in self.children:
            yield from child.lines(f"{indent}    ")

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


def find(store: Store, target: str) -> tuple[str, str]:
    """Return kind and id of what a person named: an id, its beginning, or FILE:LINE of an export.

    Raises:
        UsageError: It names nothing, or more than one thing; the message lists them.
    """
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


def _is_unknown(store: Store, path: str) -> bool:
    """Whether a path is a file among the exports of which the database has no line at all."""
    exports = store.exports.resolve()
    there = next((file.resolve() for file in (Path(path), exports / path) if file.is_file()), None)
    if there is None or not there.is_relative_to(exports):
        return False
    return not store.count("lineage/line", path=there.relative_to(exports).as_posix(), line=1)


def _line(store: Store, path: str, line: int) -> str:
    tidy = Path(path).as_posix().removeprefix("./")
    rows = store.query("lineage/line", path=tidy, line=line)
    if rows.is_empty():
        if Path(path).name in papers.FILES:
            raise UsageError(
                f"`{path}` is a paper of the dataset, so its lines are no rows",
                hint="`wellspring papers FOLDER REF` lists the rows that one of its sentences counts",
            )
        if _is_unknown(store, path):
            raise BrokenError(
                f"the database does not know the export `{path}`: it was lost or moved since, and the run that was"
                " to make it anew did not finish",
                hint="run the same `wellspring build` again: the journal has the answers, so none is paid again",
            )
        raise UsageError(
            f"no export of {store.path} has a line {line} in `{path}`",
            hint=f"lines count from 1; the files are in {store.exports}, if `forget` did not withdraw them: "
            "then run the same `wellspring build` again",
        )
    if rows["path"].n_unique() > 1:
        raise UsageError(
            f"{rows['path'].n_unique()} exported files end in `{path}`",
            hint=f"name one of them: {', '.join(rows['path'].unique().sort())}",
        )
    return rows["export_id"][0]


def trace(store: Store, target: str) -> Node:
    """Return the tree of what a row was made from, up to archive files, byte offsets and lengths.

    Of what was refused it says what it was, why it was refused, and where it was read.

    Args:
        store: The store.
        target: An id, the beginning of one, or FILE:LINE of an export; of a row, or of what was refused.

    Raises:
        UsageError: The target names nothing, or more than one thing.
    """
    try:
        _, id_ = find(store, target)
    except UsageError:
        refused = _refusals(store, target)
        if not refused:
            raise
        return _refused(store, refused)
    root = _Graph(store, [id_]).tree(id_)
    if refused := [f"{row['stage']}: {row['reason']}: {row['detail']}" for row in _refusals(store, id_)]:
        root.facts["refused"] = [_shown(one) for one in refused]
    return root


class _Graph:
    """Everything that some rows were made from: each thing once, whatever was made from it."""

    def __init__(self, store: Store, ids: Sequence[str]) -> None:
        self.edges = dict[str, list[tuple[str, str]]]()
        self.shown = set[str]()
        ids = list(ids)
        while ids:
            self.edges.update({id_: [] for id_ in ids})
            above = store.query("lineage/parents", ids=ids)
            for child, relation, parent in above.rows():
                self.edges[child].append((relation, parent))
            ids = [parent for parent in above["parent_id"].unique().sort().to_list() if parent not in self.edges]
        self.kinds = dict(store.query("lineage/kinds", ids=sorted(self.edges)).rows())
        self.facts = _facts(store, self.kinds)

    def tree(self, id_: str, relation: str = "") -> Node:
        """Return a thing and what is above it; what was shown before is only named, so that it stays small."""
        node = Node(_singular(self.kinds.get(id_)), id_, relation, is_repeated=id_ in self.shown)
        node.facts = self.facts.get(id_, {})
        if not node.is_repeated:
            self.shown.add(id_)
            node.children = [self.tree(parent, how) for how, parent in self.edges[id_]]
        return node


def _refusals(store: Store, target: str) -> list[dict[str, Any]]:
    """Return the refusals of one input, named by its id or the beginning of it; a draw of it is an input of its own.

    Raises:
        UsageError: It begins the ids of several.
    """
    if len(target) < SHORTEST_PREFIX:
        return []
    found = store.query("lineage/refused", prefix=target).to_dicts()
    exact = [row for row in found if row["input_id"] == target] or found
    names = sorted({row["input_id"] for row in exact})
    if len(names) > 1:
        raise UsageError(f"`{target}` begins {len(names)} ids of what was refused: {', '.join(names[:20])}")
    return exact


def _refused(store: Store, rows: Sequence[Mapping[str, Any]]) -> Node:
    """Return what was refused as a tree: why, at each stage that did, and from where."""
    ids = {name: "named" for row in rows for name in _NAMED.findall(row["detail"])}
    ids |= {row["input_id"].partition("#")[0].partition(":")[0]: "came from" for row in rows}
    places = [_place_of(store, row) for row in rows]
    ids |= {place["source_id"]: "read from" for place in places if place}
    kinds = dict(store.query("lineage/kinds", ids=sorted(ids)).rows())
    graph = _Graph(store, sorted(kinds))
    asked = _asked(store, [row["input_id"] for row in rows])
    nodes = [
        Node("refusal", row["input_id"], "", {k: row[k] for k in row if k != "input_id"} | place)
        for row, place in zip(rows, places, strict=True)
    ]
    for node in nodes:
        node.facts |= {"asked": asked[node.id]} if node.id in asked else {}
    root, *more = nodes
    for one in more:
        one.relation = "refused, too"
    root.children = [*more, *(graph.tree(id_, ids[id_]) for id_ in sorted(kinds))]
    return root


def _place_of(store: Store, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the place of a refused record: it is known by its source and offset, wherever the archive lies now."""
    match = _PLACE.search(row["detail"])
    if row["stage"] != "documents" or match is None:
        return {}
    offset, length = int(match[1]), int(match[2])
    for source_id in store.query("sources/all")["source_id"].to_list():
        if content_id("item", source_id, offset) == row["input_id"]:
            return {"source_id": source_id, "record_offset": offset, "record_length": length}
    return {}


def _facts(store: Store, kinds: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Read what is worth knowing of each thing, one query a kind."""
    by_kind = defaultdict[str, list[str]](list)
    for id_, kind in kinds.items():
        by_kind[kind].append(id_)
    facts: dict[str, dict[str, Any]] = {}
    for kind, ids in by_kind.items():
        for row in store.query(f"{kind}/of_ids", ids=sorted(ids)).to_dicts():
            facts.setdefault(row[STAGES[kind].id], {name: _shown(row[name]) for name in STAGES[kind].shown})
    for id_, what, said in store.query("lineage/judged", ids=sorted(kinds)).rows():
        facts.setdefault(id_, {}).setdefault("judged", {})[what] = said
    for id_, asked in _asked(store, sorted(kinds)).items():
        facts.setdefault(id_, {})["asked"] = asked
    return facts


def _asked(store: Store, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the model calls on the way to each thing, where there were several: what was asked, of whom, the call."""
    found = defaultdict[str, list[str]](list)
    for row in store.query("steps/of_things", ids=list(ids)).iter_rows(named=True):
        found[row["id"]].append(f"{row['heading']} of the {row['role']} [{row['completion_id']}]")
    return {id_: calls for id_, calls in found.items() if len(calls) > 1}


def _singular(kind: str | None) -> str:
    """Return the word for one thing of a kind; `missing` for what an edge leads to and no table holds."""
    return STAGES[kind].singular if kind else "missing"


def _shown(value: Any) -> Any:
    if isinstance(value, str) and len(value) > SHOWN_CHARS:
        return f"{value[:SHOWN_CHARS]}…"
    return value


def record_of(store: Store, target: str, places: Sequence[str] = ()) -> bytes:
    """Return the bytes of the page that something was made of, or of the record that was refused.

    Args:
        store: The store.
        target: As for `trace`.
        places: Where else the archive may lie.

    Raises:
        UsageError: It was made without a document.
        BrokenError: The archive is nowhere, or is not the file that was read.
    """
    tree = trace(store, target)
    if tree.kind == "refusal" and "record_offset" in tree.facts:
        return bytes_at(store, places=places, **{name: tree.facts[name] for name in PLACE})
    found = [node.id for node in tree.walk() if node.kind == "document"]
    if not found:
        raise UsageError(f"{target} was made without a document", hint="`wellspring trace` shows what it was made from")
    return record_bytes(store, found[0], places)


def record_bytes(store: Store, document_id: str, places: Sequence[str] = ()) -> bytes:
    """Return the original record of a document, read back from its archive: headers and payload, decompressed.

    Args:
        store: The store.
        document_id: Of the document.
        places: Where else its archive may lie.

    Raises:
        UsageError: There is no such document.
        BrokenError: The archive is nowhere, or is not the file that was read.
    """
    documents = store.query("documents/of_ids", ids=[document_id]).to_dicts()
    if not documents:
        raise UsageError(f"there is no document `{document_id}`", hint="trace the row: its documents are in the tree")
    return bytes_at(store, places=places, **{name: documents[0][name] for name in PLACE})


def bytes_at(
    store: Store, *, source_id: str, record_offset: int, record_length: int, places: Sequence[str] = ()
) -> bytes:
    """Return a record of a source, once the whole file is found to be the one that was read, by its digest.

    Raises:
        BrokenError: It is nowhere: not where it was read, nor where a run has seen it since, nor in `places`.
    """
    source = store.query("sources/of_ids", ids=[source_id]).to_dicts()[0]
    known = corpus_files.known_places(store.indexes / corpus_files.CACHE, source["sha256"])
    named = [uri for place in places for uri in corpus_files.expand(place)]
    found: dict[str, str] = {}
    for uri in dict.fromkeys([source["uri"], *known, *named]):
        if uri not in named and not orders.is_known_place(uri):
            found[uri] = "is an address that only the store names"
            continue
        found[uri] = corpus_files.unlike(uri, source["sha256"], source["bytes"])
        if not found[uri]:
            return corpus_files.read_record(uri, source["kind"], record_offset, record_length)
    said = "; ".join(f"{uri} {what}" for uri, what in list(found.items())[:5])
    raise BrokenError(
        f"{said}; when it was read it had {source['bytes']} bytes, sha256 {source['sha256']}",
        hint="say where the archive is now: wellspring trace ID --record --corpus PATH; its bytes are compared",
    )


def impact(store: Store, **by: str | None) -> Impact:
    """Return everything that depends on a page, domain, source, seed, prompt, model or document.

    Args:
        store: The store.
        by: Exactly one of `url`, `domain`, `source`, `seed`, `prompt` (fingerprint or name), `model`, `document`.

    Raises:
        UsageError: None or several were given, or it names nothing.
    """
    way, value = one_of(by)
    start = starts(store, way, value)
    reached = store.query("lineage/down", ids=start)
    ids: dict[str, list[str]] = {}
    for kind, id_ in reached.select("kind", "id").rows():
        ids.setdefault(kind, []).append(id_)
    files = store.query("lineage/files", ids=ids.get("exports", [])).to_dicts()
    return Impact(start, ids, files)


def one_of(by: Mapping[str, str | None]) -> tuple[str, str]:
    """Return the one way that was given and its value; a URL as it is written when its page is read.

    Raises:
        UsageError: None, several, or an unknown one.
    """
    given = {way: value for way, value in by.items() if value}
    if len(given) != 1 or not set(given) <= set(_WAYS):
        raise UsageError(
            f"name exactly one thing; got {', '.join(sorted(given)) or 'none'}",
            hint="one of " + ", ".join(f"--{way}" for way in _WAYS),
        )
    way, value = next(iter(given.items()))
    if way == "url":
        from wellspring.tasks.spine.reading import page_text  # what reads pages is heavy

        value = page_text.public(value)
    return way, value


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
        raise UsageError(f"no {way} `{value}` in {store.path}", hint="write it exactly as it is in the store")
    return found
