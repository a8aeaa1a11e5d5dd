"""Sources -> documents: the text of every page worth reading, or why it is not one.

    {"document_id": "9f2c...", "source_id": "5b0c...", "record_offset": 88116, "record_length": 11075,
     "url": "https://wiki.archlinux.org/title/Sudo", "title": "Sudo", "language": "en", "tokens": 5120,
     "license": "GNU FDL", "text": "Sudo allows a system administrator to delegate authority ...", "duplicate_of": None}

Conservation: every item of a corpus (a record of an archive, whatever its type; a line; a row; a page) is a document or
a rejection that names file, offset and reason. Shards are ranges of files; they are committed in the order of the
corpus, so which of two copies is kept does not depend on which worker was faster.
"""

import gc
import hashlib
import multiprocessing
import re
import resource
import signal
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import polars as pl
import pyarrow as pa

from tasks.contracts import records
from tasks.contracts.errors import Rejection
from tasks.contracts.records import content_id
from tasks.io import benchmarks, corpora, warc
from tasks.io.corpora import Item, Row
from tasks.io.store import Store
from tasks.io.warc import Damage, Record
from tasks.methods import (
    charsets,
    decontamination,
    extraction,
    languages,
    main_text,
    metadata,
    near_duplicates,
    opt_outs,
    personal_data,
    quality,
    site_boilerplate,
)
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
WORKER_BYTES = 2 * 2**30  # of data, while a worker reads

Payload = Mapping[str, Any]


@stage("documents")
def extract(run: Run) -> Counts:
    """Read what the corpora hold and no run has read under these settings.

    Raises:
        BrokenError: A shard broke; the others are kept, and it is due again.
    """
    method = _method(run)
    fingerprint = _fingerprint(method)
    run.activate("documents", {fingerprint: method["extractor"]}, method)
    work = Work(_read, split=_split, refuse=_refuse, settle=partial(_settle, fingerprint=fingerprint))
    shards = _shards(run, fingerprint, method)
    counts = sharding.compute(run, stage="documents", fingerprint=fingerprint, shards=shards, work=work)
    _find_near_duplicates(run, fingerprint)
    return counts


def _method(run: Run) -> dict[str, Any]:
    """What the fingerprint is made of: every setting that can change a row, and the bytes of the benchmarks.

    Raises:
        UsageError: A quality rule does not exist.
    """
    wanted = run.settings.documents
    quality.rules(wanted.quality)
    cache = run.store.indexes / corpora.CACHE
    bench = run.settings.benchmarks
    told = wanted.model_dump(exclude={"near_duplicates", "jaccard"})
    return told | {
        "limit_bytes": run.settings.sources.max_record_bytes,
        "page_seconds": run.settings.sources.max_page_seconds,
        "benchmarks": {name: (path, corpora.look(path, cache).sha256) for name, path in sorted(bench.paths.items())},
        "ngram_words": bench.ngram_words,
        "containment": bench.containment,
    }


def _fingerprint(method: Payload) -> str:
    hashes = {name: sha256 for name, (_, sha256) in method["benchmarks"].items()}
    versions = (VERSION, extraction.VERSION, main_text.VERSION, near_duplicates.VERSION)
    return content_id("documents", *versions, {**method, "benchmarks": hashes})


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
    for corpus in run.corpora:
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


@dataclass(frozen=True, slots=True)
class _Draft:
    """A page's text as it was extracted, and where it lies."""

    item: Damage
    part: Payload
    found: dict[str, Any]


def _read(payload: Payload) -> Produced:
    """Read a shard's items: each is a document or a rejection."""
    method = payload["method"]
    drafts: list[_Draft] = []
    refused: list[dict[str, str]] = []
    parts: list[dict[str, Any]] = []
    rules: dict[str, opt_outs.Rules] = {}
    with _bounded_memory():
        for part in payload["parts"]:
            before = len(drafts) + len(refused)
            for item in corpora.read(part["uri"], part["kind"], part["start"], part["stop"], method["limit_bytes"]):
                place = Damage(item.offset, item.length, "", "", item.url)
                try:
                    rules |= _site_rules(item, method)
                    with _bounded_time(method["page_seconds"]):
                        drafts.append(_Draft(place, part, _found(item, part, method)))
                except Rejection as refusal:
                    refused.append(_refusal(place, part, refusal))
                except MemoryError:
                    refused.append(_refusal(place, part, Rejection("out_of_memory", "it needs more than a page may")))
            parts.append(_part_row(part, len(drafts) + len(refused) - before))
    return _produced(*_finished(drafts, rules, method, refused), parts)


def _finished(
    drafts: list[_Draft], rules: Mapping[str, opt_outs.Rules], method: Payload, refused: list[dict[str, str]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, str]]]:
    """Do what needs the whole shard in view, then make documents of the drafts: (documents, redactions, rejections)."""
    if method["site_boilerplate"]:
        texts = [draft.found["text"] for draft in drafts]
        sites = [domain_of(draft.found["url"]) for draft in drafts]
        for draft, text in zip(drafts, site_boilerplate.strip(texts, sites), strict=True):
            draft.found["text"] = text
    documents: list[dict[str, Any]] = []
    redactions: list[dict[str, Any]] = []
    known = _benchmarks(method)
    for draft in drafts:
        try:
            document, counts = _document(draft, rules, method)
            if known is not None:
                decontamination.check(known, document["text"])
        except Rejection as refusal:
            refused.append(_refusal(draft.item, draft.part, refusal))
            continue
        documents.append(document)
        redactions += [{"document_id": document["document_id"], "kind": k, "count": n} for k, n in counts.items()]
    return documents, redactions, refused


def _benchmarks(method: Payload) -> decontamination.Benchmarks | None:
    if not method["benchmarks"]:
        return None
    files = tuple((name, path, sha256) for name, (path, sha256) in method["benchmarks"].items())
    return _indexed(files, method["ngram_words"], method["containment"])


@lru_cache(maxsize=2)
def _indexed(
    files: tuple[tuple[str, str, str], ...], ngram_words: int, containment: float
) -> decontamination.Benchmarks:
    """Index the benchmarks once in each worker."""
    rows = benchmarks.read({name: path for name, path, _ in files})
    return decontamination.index((decontamination.Prompt(*row) for row in rows), ngram_words, containment)


def _site_rules(item: Item, method: Payload) -> dict[str, opt_outs.Rules]:
    """Return what a robots.txt or ai.txt of the archive says of its host: it comes before the host's pages."""
    name = item.url.partition("?")[0].rpartition("/")[2] if isinstance(item, Record) and item.kind == "response" else ""
    if name not in {"robots.txt", "ai.txt"} or not isinstance(item, Record):
        return {}
    text, _ = charsets.decode(warc.page(item, method["limit_bytes"]).body)
    agents = opt_outs.MODEL_CRAWLERS if name == "robots.txt" else {*opt_outs.MODEL_CRAWLERS, "*"}
    return {f"{domain_of(item.url)} {name}": opt_outs.rules_of(text, agents)}


@contextmanager
def _bounded_time(seconds: float) -> Iterator[None]:
    """Let a worker die that spends more CPU on one page: no exception reaches into a C library; the page is refused."""
    is_worker = multiprocessing.parent_process() is not None and threading.current_thread() is threading.main_thread()
    if not is_worker:
        yield
        return
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Bound what a worker may hold while it reads, so that a bomb is a MemoryError there and no dead machine."""
    if multiprocessing.parent_process() is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (WORKER_BYTES, before[1]))
    gc.freeze()  # what is loaded stays, and looking at it again with every page costs a tenth of the time
    try:
        yield
    finally:
        gc.unfreeze()
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _part_row(part: Payload, items: int) -> dict[str, Any]:
    """A range that is read, under a stage name of its own: files are grouped into shards differently as they come."""
    counts = {"rows_in": items, "rows_out": items, "rows_rejected": 0}
    return {"stage": PARTS, "shard_id": part["part_id"], "path": part["uri"], **counts}


def _produced(
    documents: list[dict[str, Any]],
    redactions: list[dict[str, Any]],
    refused: list[dict[str, str]],
    parts: list[dict[str, Any]],
) -> Produced:
    bands = near_duplicates.bands([row["text"] for row in documents]).tolist() if documents else []
    signatures = [{"document_id": row["document_id"], "bands": b} for row, b in zip(documents, bands, strict=True)]
    tables = {
        "documents": _table("documents", documents),
        "signatures": _table("signatures", signatures),
        "redactions": _table("redactions", redactions),
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


def _found(item: Item, part: Payload, method: Payload) -> dict[str, Any]:
    if isinstance(item, Damage):
        raise Rejection(item.reason, item.detail)
    found = _record(item, part, method) if isinstance(item, Record) else _row(item, method)
    reserved = found.pop("opt_outs")
    if reserved and method["respect_opt_outs"]:
        raise Rejection("opt_out", ", ".join(reserved))
    return found | {
        "text": _clean(found["text"]).strip(),
        "url": _public(found["url"] or f"file://{part['uri']}#{item.offset}"),
    }


def _document(
    draft: _Draft, rules: Mapping[str, opt_outs.Rules], method: Payload
) -> tuple[dict[str, Any], dict[str, int]]:
    """Make the row of a document, and count the personal data that was replaced in it.

    Raises:
        Rejection: It is too short or too long, in another language, of low quality, or reserved by its site.
    """
    found, url, text = draft.found, draft.found["url"], draft.found["text"]
    domain = domain_of(url)
    for name in ("robots.txt", "ai.txt"):
        rule = rules.get(f"{domain} {name}")
        if rule is not None and method["respect_opt_outs"] and not rule.allow(url):
            raise Rejection("opt_out", f"{name} of {domain}")
    counts: dict[str, int] = {}
    if method["replace_personal_data"]:
        text, counts = personal_data.replace(text)
    tokens = count_tokens(text)
    if tokens < method["min_tokens"]:
        raise Rejection("too_short", f"{tokens} tokens, fewer than {method['min_tokens']}")
    if tokens > method["max_tokens"]:
        raise Rejection("too_long", f"{tokens} tokens, more than {method['max_tokens']}")
    language = languages.identify(text)
    if method["languages"] and language not in method["languages"]:
        raise Rejection("language", f"{language}, not {', '.join(method['languages'])}")
    quality.check(text, quality.rules(method["quality"]))
    digest = hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()[: records.ID_HEX_CHARS]
    return found | {
        "document_id": content_id("document", url, digest),
        "source_id": draft.part["source_id"],
        "record_offset": draft.item.offset,
        "record_length": draft.item.length,
        "domain": domain,
        "language": language,
        "license": found["license"] or draft.part["license"],
        "text": text,
        "tokens": tokens,
        "text_digest": digest,
        "duplicate_of": None,
    }, counts


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
    if record.url.partition("?")[0].endswith(("/robots.txt", "/ai.txt")):
        raise Rejection("not_a_page", "rules for robots")
    text, _ = charsets.decode(page.body, content_type)
    is_plain = record.kind == "conversion" or content_type.startswith(("text/plain", "text/markdown"))
    found = _plain(text, record.url) if is_plain else _page(text, record.url, method)
    reserved = (*found["opt_outs"], *opt_outs.in_headers(page.headers))
    return found | {"fetched_at": record.date, "opt_outs": reserved}


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
    none = dict.fromkeys(("title", "author", "published_at", "license"))
    return {"text": text, "url": url, "opt_outs": (), **none}


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
        "opt_outs": told.opt_outs,
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
    return _produced([], [], refused, [_part_row(part, len(refused))])


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
    ids = {row["document_id"] for row in documents}
    kept_ids = {row["document_id"] for row in documents if row["duplicate_of"] is None}
    signatures = [row for row in tables["signatures"].to_pylist() if row["document_id"] in kept_ids]
    return tables | {
        "documents": _table("documents", documents),
        "signatures": _table("signatures", signatures),
        "redactions": _table("redactions", [r for r in tables["redactions"].to_pylist() if r["document_id"] in ids]),
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
