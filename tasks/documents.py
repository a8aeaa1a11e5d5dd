"""Sources -> documents: the text of every page worth reading, or why it is not one.

    {"document_id": "9f2c...", "source_id": "5b0c...", "record_offset": 88116, "record_length": 11075,
     "url": "https://wiki.archlinux.org/title/Sudo", "title": "Sudo", "language": "en", "tokens": 5120,
     "license": "GNU FDL", "text": "Sudo allows a system administrator to delegate authority ...", "duplicate_of": None}

Conservation: every item of a corpus (a record of an archive, whatever its type; a line; a row; a page) is a document or
a rejection that names file, offset and reason. Shards are ranges of files; they are committed in the order of the
corpus, so which of two copies is kept does not depend on which worker was faster.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import polars as pl
import pyarrow as pa

from tasks.contracts import records
from tasks.contracts.errors import Rejection
from tasks.contracts.records import content_id
from tasks.contracts.settings import Settings
from tasks.io import corpora, warc
from tasks.io.corpora import Item, Row
from tasks.io.store import Store
from tasks.io.warc import Damage, Record
from tasks.methods import charsets, extraction, languages, metadata, near_duplicates
from tasks.methods.tokens import count_tokens
from tasks.spine import sharding
from tasks.spine.runs import Counts, Run, stage
from tasks.spine.sharding import Produced, Shard, Work

VERSION = 1
SHARD_BYTES = 8 * 2**20  # of an archive as stored: some 300 pages
SHARD_ROWS = 2_000  # of Parquet
VERIFY_PAIRS = 2_000  # compared at a time
PARTS = "documents/parts"
PAGE_KINDS = frozenset({"response", "resource", "conversion"})
TEXT_TYPES = re.compile(r"^(?:text/html|application/xhtml\+xml|text/plain|text/markdown|$)")
HTTP_OK = 200

Payload = Mapping[str, Any]


@stage("documents")
def extract(run: Run) -> Counts:
    """Read what the corpora hold and no run has read under these settings.

    Raises:
        BrokenError: A shard broke; the others are kept, and it is due again.
    """
    method = _method(run.settings)
    fingerprint = content_id("documents", VERSION, extraction.VERSION, method)
    run.activate("documents", {fingerprint: method["extractor"]}, method)
    work = Work(_read, split=_split, refuse=_refuse, settle=partial(_settle, fingerprint=fingerprint))
    shards = _shards(run, fingerprint, method)
    counts = sharding.compute(run, stage="documents", fingerprint=fingerprint, shards=shards, work=work)
    _find_near_duplicates(run, fingerprint)
    return counts


def _method(settings: Settings) -> dict[str, Any]:
    """What the fingerprint is made of: every setting that can change a row."""
    return {"limit_bytes": settings.sources.max_record_bytes, **settings.documents.model_dump()}


def _shards(run: Run, fingerprint: str, method: Mapping[str, Any]) -> Iterator[Shard]:
    """Cut the corpora into shards of about equal work: ranges of large files, several small files together."""
    parts: list[dict[str, Any]] = []
    weight = 0.0
    for part in _parts(run, fingerprint):
        size = (part["stop"] - part["start"]) / (SHARD_ROWS if part["kind"] == "parquet" else SHARD_BYTES)
        if parts and weight + size > 1:
            yield _shard(parts, method)
            parts, weight = [], 0.0
        parts.append(part)
        weight += size
    if parts:
        yield _shard(parts, method)


def _shard(parts: list[dict[str, Any]], method: Mapping[str, Any]) -> Shard:
    return Shard(content_id("documents", [part["part_id"] for part in parts]), {"parts": parts, "method": method})


def _parts(run: Run, fingerprint: str) -> Iterator[dict[str, Any]]:
    """Yield the ranges of files that are not read yet: a new file beside old ones must not make those due again."""
    done = run.store.query("shards/done", stage=PARTS, fingerprint=fingerprint)["shard_id"].to_list()
    seen = set[str](done)
    for corpus in run.settings.sources.corpora:
        for uri in corpora.expand(corpus.path):
            file = corpora.look(uri, run.store.indexes / corpora.CACHE)
            source_id = content_id("source", file.sha256, corpus.license)
            step = SHARD_ROWS if file.kind == "parquet" else SHARD_BYTES
            for start in range(0, file.extent, step):
                stop = min(start + step, file.extent)
                part = {"source_id": source_id, "uri": uri, "kind": file.kind, "start": start, "stop": stop}
                part_id = _part_id(part)
                if part_id not in seen:
                    seen.add(part_id)
                    yield part | {"part_id": part_id, "license": corpus.license}


def _read(payload: Payload) -> Produced:
    """Read a shard's items: each is a document or a rejection."""
    documents: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    parts: list[dict[str, Any]] = []
    for part in payload["parts"]:
        before = (len(documents), len(refused))
        items = corpora.read(part["uri"], part["kind"], part["start"], part["stop"], payload["method"]["limit_bytes"])
        for item in items:
            try:
                documents.append(_document(item, part, payload["method"]))
            except Rejection as refusal:
                refused.append(_refusal(item, part, refusal))
        parts.append(_part_row(part, len(documents) - before[0], len(refused) - before[1]))
    return _produced(documents, refused, parts)


def _part_row(part: Payload, kept: int, refused: int) -> dict[str, Any]:
    """A range that is read, under a stage name of its own: files are grouped into shards differently as they come."""
    counts = {"rows_in": kept + refused, "rows_out": kept, "rows_rejected": refused}
    return {"stage": PARTS, "shard_id": part["part_id"], "path": part["uri"], **counts}


def _produced(documents: list[dict[str, Any]], refused: list[dict[str, str]], parts: list[dict[str, Any]]) -> Produced:
    bands = near_duplicates.bands([row["text"] for row in documents]).tolist() if documents else []
    signatures = [{"document_id": row["document_id"], "bands": b} for row, b in zip(documents, bands, strict=True)]
    tables = {
        "documents": _table("documents", documents),
        "signatures": _table("signatures", signatures),
        "rejections": _table("rejections", refused),
        "shards": _table("shards", parts),
    }
    return Produced(len(documents) + len(refused), tables)


def _table(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    known = {"run_id", "fingerprint"} | ({"stage"} if table == "rejections" else set())
    return pa.Table.from_pylist(rows, schema=pa.schema([f for f in records.schema(table) if f.name not in known]))


def _refusal(item: Item, part: Payload, refusal: Rejection) -> dict[str, str]:
    place = f"{part['uri']} at {item.offset}+{item.length}"
    url = f" {item.url[:500]}" if item.url else ""
    return {
        "input_id": content_id("item", part["source_id"], item.offset),
        "reason": refusal.reason,
        "detail": _clean(f"{place}{url}: {refusal.detail}"[:2000]),
    }


def _document(item: Item, part: Payload, method: Payload) -> dict[str, Any]:
    if isinstance(item, Damage):
        raise Rejection(item.reason, item.detail)
    found = _record(item, part, method) if isinstance(item, Record) else _row(item, method)
    text = _clean(found.pop("text")).strip()
    tokens = count_tokens(text)
    if tokens < method["min_tokens"]:
        raise Rejection("too_short", f"{tokens} tokens, fewer than {method['min_tokens']}")
    if tokens > method["max_tokens"]:
        raise Rejection("too_long", f"{tokens} tokens, more than {method['max_tokens']}")
    language = languages.identify(text)
    if method["languages"] and language not in method["languages"]:
        raise Rejection("language", f"{language}, not {', '.join(method['languages'])}")
    url = _public(found.pop("url") or f"file://{part['uri']}#{item.offset}")
    digest = content_id("text", " ".join(text.casefold().split()))
    return found | {
        "document_id": content_id("document", url, digest),
        "source_id": part["source_id"],
        "record_offset": item.offset,
        "record_length": item.length,
        "url": url,
        "domain": domain_of(url),
        "language": language,
        "license": found["license"] or part["license"],
        "text": text,
        "tokens": tokens,
        "text_digest": digest,
        "duplicate_of": None,
    }


def _record(record: Record, part: Payload, method: Payload) -> dict[str, Any]:
    """Read a record of an archive."""
    if record.kind == "revisit":
        original = record.headers.get("warc-refers-to-target-uri") or record.url
        raise Rejection(
            "revisit", f"of {original.strip('<>')} at {record.headers.get('warc-refers-to-date', 'an unknown date')}"
        )
    if record.kind not in PAGE_KINDS or record.url.startswith(("dns:", "metadata:", "urn:")):
        raise Rejection("not_a_page", record.kind)
    if part["kind"] == "warc" and not part["uri"].endswith(".gz"):
        warc.check_digest(record)
    page = warc.page(record, method["limit_bytes"])
    if page.status != HTTP_OK:
        raise Rejection("http_status", str(page.status))
    content_type = page.headers.get("content-type", "").strip().lower()
    if not TEXT_TYPES.match(content_type):
        raise Rejection("not_text", content_type or "binary")
    if not page.body.strip():
        raise Rejection("no_text", "the body is empty")
    text, _ = charsets.decode(page.body, content_type)
    fetched = {"fetched_at": record.date}
    if record.kind == "conversion" or content_type.startswith(("text/plain", "text/markdown")):
        return _plain(text, record.url) | fetched
    return _page(text, record.url, method) | fetched


def _row(row: Row, method: Payload) -> dict[str, Any]:
    """Read a line, a row or a page of a folder."""
    fields = row.fields
    told = {
        "title": metadata.clean(fields.get("title")),
        "author": metadata.clean(fields.get("author")),
        "published_at": metadata.date_of(fields.get("date") or fields.get("publishing_date")),
        "license": metadata.clean(fields.get("license")),
    }
    if row.html is not None:
        found = _page(charsets.decode(row.html)[0], row.url, method)
        return found | {key: value for key, value in told.items() if value} | {"fetched_at": None}
    return _plain(str(fields["text"]), row.url) | told | {"fetched_at": None}


def _plain(text: str, url: str) -> dict[str, Any]:
    return {"text": text, "url": url, "title": None, "author": None, "published_at": None, "license": None}


def _page(html: str, url: str, method: Payload) -> dict[str, Any]:
    found = extraction.extract(html, url, method["extractor"])
    told = found.metadata
    return {
        "text": found.text,
        "url": url or told.canonical_url or "",
        "title": told.title,
        "author": told.author,
        "published_at": told.published_at,
        "license": told.license,
    }


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def _clean(text: str) -> str:
    """Return the text as every store and every model takes it: NFC, one line end, no controls, no half characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFC", _CONTROL.sub("", whole.replace("\r\n", "\n").replace("\r", "\n")))


def _public(url: str) -> str:
    """Return the URL without a user and password, and without blanks that would break it."""
    return re.sub(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@]*@", r"\1", _clean(url).strip().replace(" ", "%20"))


def domain_of(url: str) -> str:
    """Return the host that a URL names, without `www.`; empty where it names none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")


def _split(payload: Payload) -> list[Payload]:
    """Cut a shard whose worker died: by its parts, then by the records of the one that is left."""
    parts = payload["parts"]
    if len(parts) > 1:
        middle = len(parts) // 2
        return [{**payload, "parts": parts[:middle]}, {**payload, "parts": parts[middle:]}]
    part = parts[0]
    if part["kind"] in {"html", "text"}:
        return []
    items = corpora.read(part["uri"], part["kind"], part["start"], part["stop"], payload["method"]["limit_bytes"])
    offsets = [item.offset for item in items]
    if len(offsets) < 2:  # noqa: PLR2004 - one record cannot be cut
        return []
    middle = offsets[len(offsets) // 2]
    # The pieces keep the part's id: it is done when they are, and they are committed together.
    return [{**payload, "parts": [cut]} for cut in ({**part, "stop": middle}, {**part, "start": middle})]


def _part_id(part: Payload) -> str:
    return content_id("part", part["source_id"], part["start"], part["stop"])


def _refuse(payload: Payload, why: str) -> Produced:
    """Refuse the one page that kills its worker."""
    part = payload["parts"][0]
    items = corpora.read(part["uri"], part["kind"], part["start"], part["stop"], payload["method"]["limit_bytes"])
    refused = [_refusal(item, part, Rejection("killed_worker", why)) for item in items]
    return _produced([], refused, [_part_row(part, 0, len(refused))])


def _settle(store: Store, tables: dict[str, pa.Table], fingerprint: str) -> dict[str, pa.Table]:
    """Mark what only the whole corpus knows: pages seen before, texts kept before, pages that were forgotten.

    Shards are settled in the order of the corpus, so the first copy is the one that is kept, on every machine.
    """
    rows = tables["documents"].to_pylist()
    if not rows:
        return tables
    forgotten = {(kind, value) for kind, value in store.query("documents/forgotten").rows()}
    seen = store.query(
        "documents/seen",
        fingerprint=fingerprint,
        document_ids=[row["document_id"] for row in rows],
        text_digests=[row["text_digest"] for row in rows],
    )
    places = {row["document_id"]: f"{row['source_id']}+{row['record_offset']}" for row in seen.to_dicts()}
    kept = {row["text_digest"]: row["document_id"] for row in seen.to_dicts() if row["duplicate_of"] is None}
    documents: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for row in rows:
        try:
            _check_new(row, places, forgotten)
        except Rejection as refusal:
            item_id = content_id("item", row["source_id"], row["record_offset"])
            refused.append({"input_id": item_id, "reason": refusal.reason, "detail": refusal.detail})
            continue
        places[row["document_id"]] = f"{row['source_id']}+{row['record_offset']}"
        original = kept.setdefault(row["text_digest"], row["document_id"])
        documents.append(row | {"duplicate_of": None if original == row["document_id"] else original})
    kept_ids = {row["document_id"] for row in documents if row["duplicate_of"] is None}
    signatures = [row for row in tables["signatures"].to_pylist() if row["document_id"] in kept_ids]
    return tables | {
        "documents": _table("documents", documents),
        "signatures": _table("signatures", signatures),
        "rejections": pa.concat_tables([tables["rejections"], _table("rejections", refused)]),
    }


def _check_new(row: Payload, places: Mapping[str, str], forgotten: set[tuple[str, str]]) -> None:
    if row["document_id"] in places:
        raise Rejection(
            "already_seen", f"the same page and text are document {row['document_id']} ({places[row['document_id']]})"
        )
    names = (("url", row["url"]), ("domain", row["domain"]), ("source", row["source_id"]), ("text", row["text_digest"]))
    for name in names:
        if name in forgotten:
            raise Rejection("forgotten", f"{name[0]} {name[1]} was forgotten")


def _find_near_duplicates(run: Run, fingerprint: str) -> None:
    """Compare the documents of runs that were not looked at yet with all that came before, and mark near copies.

    Kept is, in this order, what an earlier run kept, the longest, the lowest id.
    """
    wanted = run.settings.documents
    method = content_id("near_duplicates", near_duplicates.VERSION, wanted.jaccard, fingerprint)
    run.activate(
        "duplicates",
        {method: f"jaccard {wanted.jaccard}"} if wanted.near_duplicates else {},
        {"jaccard": wanted.jaccard},
    )
    settled = run.store.query("shards/done", stage="duplicates", fingerprint=method)["shard_id"].to_list()
    scope = {"fingerprint": fingerprint, "settled_runs": settled}
    fresh = run.store.query("duplicates/unsettled_runs", **scope)["run_id"].to_list()
    if not fresh or not wanted.near_duplicates:
        return
    edges = _verified(run.store, run.store.query("duplicates/candidates", **scope), fingerprint, wanted.jaccard)
    ids = sorted({id_ for edge in edges for id_ in edge[:2]})
    known = run.store.query("duplicates/known", **scope, duplicates_fingerprint=method, document_ids=ids).to_dicts()
    rows = [records.Duplicate(*row, run.run_id) for row in _copies(edges, known, method)]
    with run.store.transaction():
        run.store.append("duplicates", rows)
        done = [records.Shard("duplicates", run_id, method, "", len(ids), len(ids), 0, run.run_id) for run_id in fresh]
        run.store.append("shards", done)


def _verified(store: Store, pairs: pl.DataFrame, fingerprint: str, least: float) -> list[tuple[str, str, float]]:
    """Compare candidates exactly, a batch at a time, and return those that are near enough."""
    edges: list[tuple[str, str, float]] = []
    for batch in pairs.iter_slices(VERIFY_PAIRS):
        rows = batch.rows()
        wanted = sorted({id_ for pair in rows for id_ in pair})
        texts = dict(store.query("duplicates/texts", fingerprint=fingerprint, document_ids=wanted).rows())
        places = {id_: place for place, id_ in enumerate(wanted)}
        numbered = np.array([(places[a], places[b]) for a, b in rows], np.int64)
        found = near_duplicates.jaccard([texts[id_] for id_ in wanted], numbered).tolist()
        edges += [(a, b, share) for (a, b), share in zip(rows, found, strict=True) if share >= least]
    return edges


def _copies(
    edges: list[tuple[str, str, float]], known: list[dict[str, Any]], method: str
) -> Iterator[tuple[str, str, str, float]]:
    """Yield (copy, method, kept, similarity) for every new document of a component but the one that is kept."""
    places = {row["document_id"]: place for place, row in enumerate(known)}
    numbered = np.array([(places[a], places[b]) for a, b, _ in edges], np.int64)
    likeness: dict[str, float] = {}
    for a, b, share in edges:
        likeness[a], likeness[b] = max(share, likeness.get(a, 0.0)), max(share, likeness.get(b, 0.0))
    groups: dict[int, list[dict[str, Any]]] = {}
    for row, root in zip(known, near_duplicates.components(len(known), numbered).tolist(), strict=True):
        groups.setdefault(root, []).append(row)
    for group in groups.values():
        settled = [row["duplicate_of"] or row["document_id"] for row in group if row["is_settled"]]
        longest = min(group, key=lambda row: (-row["tokens"], row["document_id"]))["document_id"]
        kept = min(settled, default=longest)
        for row in group:
            if not row["is_settled"] and row["document_id"] != kept:
                yield row["document_id"], method, kept, likeness[row["document_id"]]
