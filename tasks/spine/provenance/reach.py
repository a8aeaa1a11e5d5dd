"""How far what is forgotten reaches: its copies and near copies, what was made of them, and the calls that tell of it.

A call is found by the rows that came of it, and, where none did (a refused answer, a first try, a page that was only
offered), by the words: short texts out of the pages, and out of what was written from them, that nothing else has.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import DocumentsSettings
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.provenance import lineage
from wellspring.tasks.spine.reading import near_copies

NearCopies = Literal["remove", "name"]
FRAGMENT_CHARS = 48
STRETCH_CHARS = 400  # of a long line, for each of which there is a fragment
FRAGMENTS_A_TEXT = 24
FRAGMENTS_A_TOLD = 4  # of a text that a model wrote from it
FRAGMENTS = 4000
NAMED = 20  # pages that a receipt names; more are counted
_ESCAPED = re.compile(r"[\"\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Reach:
    """What goes: documents, every id made from them, texts that prove it, and the model calls it was said in.

    `elsewhere` are documents that go though nobody named them; `near` near copies that were found; `found` says how
    many there were of each thing that was looked for.
    """

    documents: list[str]
    ids: list[str]
    fragments: list[str]
    calls: list[str]
    elsewhere: list[str] = field(default_factory=list)
    near: list[str] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)
    quoted_by: list[str] = field(default_factory=list)


def of(store: Store, way: str, value: str, near: NearCopies, *, is_released: bool = False) -> Reach:
    """Find everything that goes. A tombstone without rows is a forgetting that was interrupted near its end.

    Args:
        store: The store.
        way: How it is named: by `url`, `domain` or `source`.
        value: Its name.
        near: Whether near copies go as well, or are only named.
        is_released: Whether a release rests on it, though the database may not know it any more.

    Raises:
        UsageError: The store knows no such thing and never did.
    """
    try:
        start = lineage.starts(store, way, value)
    except UsageError:
        if not is_released and (way, value) not in set(store.query("documents/forgotten").rows()):
            raise
        return Reach([], [], [], [])
    named = _documents(store, start)
    copies = _without(_copies(store, named), named)
    similar = _near(store, [*named, *copies])
    gone = [*named, *copies]
    if near == "remove":
        gone = sorted({*gone, *similar, *_copies(store, similar)})
    roots = sorted({*start, *gone})
    own, quoted = _fragments(store, gone, _reached(store, roots))
    telling = store.query("lineage/telling", fragments=own, ids=_reached(store, roots))["id"].to_list() if own else []
    ids = _reached(store, sorted({*roots, *telling}))
    story = _story(store, ids)
    found = {
        "pages that were named": len(named),
        "exact copies of their text": len(copies),
        "near copies": len(similar),
        "records refused as copies": store.count("lineage/refused_copies", ids=gone),
        **_made(store, ids),
        "texts that only they have": len(own),
        "texts that only what was written from them has": len(story),
        "texts that pages have, too, which stay": len(quoted),
    }
    calls = store.query("lineage/calls_of", ids=ids)["id"].to_list()
    elsewhere = _without(gone, named)
    others = store.query("lineage/quoting", fragments=quoted, ids=ids)["url"].to_list() if quoted else []
    found["pages that stay and have such texts"] = len(others)
    return Reach(gone, ids, _as_said([*own, *story]), calls, elsewhere, similar, found, others[:NAMED])


def _documents(store: Store, ids: list[str]) -> list[str]:
    reached = store.query("lineage/down", ids=ids)
    return sorted(set(reached.filter(kind="documents")["id"].to_list()))


def _reached(store: Store, ids: list[str]) -> list[str]:
    reached = store.query("lineage/down", ids=ids)
    return sorted(set(reached.filter(reached["kind"] != "sources")["id"].to_list()))


def _copies(store: Store, documents: list[str]) -> list[str]:
    return store.query("lineage/copies", ids=documents)["id"].to_list()


def _without(ids: list[str], others: list[str]) -> list[str]:
    return sorted({*ids} - {*others})


def _near(store: Store, documents: list[str]) -> list[str]:
    """Return near copies: those that the store set aside as such, and what is as near though nobody looked yet."""
    found = set(store.query("lineage/family", ids=documents)["id"].to_list())
    pairs = store.query("lineage/banded", ids=documents)
    least = store.query("duplicates/least")["jaccard"][0] or DocumentsSettings().jaccard
    for (fingerprint,), these in pairs.partition_by("fingerprint", as_dict=True).items():
        edges = near_copies.verified(store, these.drop("fingerprint"), str(fingerprint), least)
        found |= {id_ for edge in edges for id_ in edge[:2]}
    return sorted(found - {*documents})


def _made(store: Store, ids: list[str]) -> dict[str, int]:
    """Count what was made from it; of instructions apart those that it was only shown to."""
    counts = dict(store.query("lineage/kinds", ids=ids)["kind"].value_counts().rows())
    shown = store.query("lineage/shown_to", ids=ids)["id"].n_unique()
    return {
        "groundings in them": counts.get("groundings", 0),
        "instructions written from them": counts.get("instructions", 0) - shown,
        "instructions that were only shown them": shown,
        "answers": counts.get("responses", 0),
        "exported lines": counts.get("exports", 0),
    }


def _fragments(store: Store, documents: list[str], ids: list[str]) -> tuple[list[str], list[str]]:
    """Cut short texts out of what goes; those that nothing that stays has, and those that some of it has."""
    texts = store.query("documents/of_ids", ids=documents)["text"].to_list()
    found = _cut_all(texts, FRAGMENTS_A_TEXT)
    kept = set(store.query("lineage/kept_texts", fragments=found, ids=ids)["text"].to_list()) if found else set()
    return [one for one in found if one not in kept], [one for one in found if one in kept]


def _story(store: Store, ids: list[str]) -> list[str]:
    """Cut short texts out of what was written from it, which later calls may have been shown."""
    found = _cut_all(store.query("lineage/told", ids=ids)["text"].to_list(), FRAGMENTS_A_TOLD)
    kept = set(store.query("lineage/kept_words", fragments=found, ids=ids)["text"].to_list()) if found else set()
    return [one for one in found if one not in kept]


def _cut_all(texts: list[str], most: int) -> list[str]:
    each = max(1, min(most, FRAGMENTS // max(len(texts), 1)))
    return sorted({fragment for text in texts[:FRAGMENTS] for fragment in _cut(text, each)})


def _cut(text: str, most: int) -> Iterator[str]:
    """Yield up to `most` pieces, free of characters that JSON escapes: half of the text's beginning, half of the rest.

    Prompts show the beginning of a page, or a passage of it.
    """
    runs = [run for run in _ESCAPED.split(text) if len(run.strip()) >= FRAGMENT_CHARS]
    stretches = [run[at : at + STRETCH_CHARS] for run in runs for at in range(0, len(run), STRETCH_CHARS)]
    whole = [stretch for stretch in stretches if len(stretch.strip()) >= FRAGMENT_CHARS]
    first = -(-most // 2)
    rest = whole[first:]
    step = max(1, -(-len(rest) // max(1, most - first)))
    for stretch in [*whole[:first], *(rest[::step] if most > first else [])]:
        begin = (len(stretch) - FRAGMENT_CHARS) // 2
        yield stretch[begin : begin + FRAGMENT_CHARS]


def _as_said(fragments: list[str]) -> list[str]:
    """Add each text as JSON writes it, where that differs."""
    return fragments + [said for one in fragments if (said := json.dumps(one)[1:-1]) != one]
