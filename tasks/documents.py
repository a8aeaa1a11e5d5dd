"""Sources -> documents: the text of every page worth reading, or why it is not one.

    {"document_id": "9f2c...", "source_id": "5b0c...", "record_offset": 88116, "record_length": 11075,
     "url": "https://wiki.archlinux.org/title/Sudo", "title": "Sudo", "language": "en", "tokens": 5120,
     "license": "GNU FDL", "text": "Sudo allows a system administrator to delegate authority ...", "duplicate_of": None}

Conservation: every item of a corpus (a record of an archive, whatever its type; a line; a row; a page) is a document or
a rejection that names file, offset and reason; of thousands in a range that are damaged or one line again, one counts
the rest. Shards are ranges of files; they are committed in the order of their
source ids and offsets, so which of two copies is kept depends neither on which worker was faster nor on the order in
which corpora are named. Files that come in later runs give the same documents. Where a page stands in several files
with one text, its row is of the file that was read first: its title, date and licence are those told there.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Corpus
from wellspring.tasks.io.corpora import benchmarks, corpus_files
from wellspring.tasks.io.corpora.own_formats import NONE, Own
from wellspring.tasks.io.corpora.warc import Damage
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.pages import (
    decontamination,
    extraction,
    languages,
    main_text,
    near_duplicates,
    personal_data,
    quality,
    site_boilerplate,
)
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.spine.reading import near_copies, page_text, site_rules, superseding
from wellspring.tasks.spine.running import blame, page_limits, sharding
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.running.sharding import Produced, Shard, Work

VERSION = 4
SHARD_BYTES = 8 * 2**20  # of an archive as stored: some 300 pages
SHARD_ROWS = 2_000  # of Parquet
LEAST_BYTES = 2_000  # of a range of Parquet, as stored
READING = ": reading"  # of a file, beside its pages
HELD_CHARS = 2**26  # of text: what fails beyond it is no one page's fault
PARTS = "documents/parts"
_ITEMS = ("documents", "rejections")  # every item of a file is one or the other
_IDENTITY = ["document_id", "source_id", "record_offset", "url", "domain", "text_digest", "fetched_at"]
_LOWER, _BLANKS = bytes(range(256)).lower(), b" \t\n\r\x0b\x0c"  # texts that differ in these alone are one
_ALWAYS = (
    "content_types",
    "metadata",
    "bylines",
    "dates",
    "licences",
    "opt_outs",
    "languages",
    "tokens",
    "word_hashes",
    "spine.page_text",
)
_OF_OURS = ("blocks", "bodies", "formulas", "furniture", "listings", "rendering", "told_bodies")
_TOO_LARGE = Rejection("out_of_memory", "it needs more than a page may")
_REVISITED = re.compile(r": of (\S+) as it was at \S+( time)?$")

Payload = Mapping[str, Any]
Rows = dict[str, list[dict[str, Any]]]  # by table


@stage("documents")
def extract(run: Run) -> Counts:
    """Read what the corpora hold and no run has read under these settings.

    Raises:
        BrokenError: A shard broke; the others are kept, and it is due again.
    """
    method = _method(run)
    fingerprint = _fingerprint(method)
    run.activate("documents", {fingerprint: method["extractor"]}, method)
    settle = partial(_settle, fingerprint=fingerprint, least=run.settings.documents.jaccard)
    work = Work(_read, split=_split, refuse=_refuse, settle=settle)
    compute = partial(sharding.compute, run, stage="documents", fingerprint=fingerprint, work=work)
    named = _shards(run, fingerprint, method, run.settings.sources.corpora)
    counts = compute(shards=named, most_rows=_left(run, fingerprint))
    counts += compute(shards=_shards(run, fingerprint, method, run.found_pages))  # few, and somebody asked for them
    if method["respect_opt_outs"]:
        counts += site_rules.withhold(run, fingerprint)
    counts += superseding.mark(run, fingerprint)
    near_copies.mark(run, fingerprint)
    return counts


def _left(run: Run, fingerprint: str) -> int | None:
    """How many documents the run may still read: later stages use no more than `limit`."""
    if run.settings.limit is None:
        return None
    return run.settings.limit - run.store.count("documents/written", fingerprint=fingerprint)


def _method(run: Run) -> dict[str, Any]:
    """What the fingerprint is made of: every setting that can change a row, and the bytes of the benchmarks.

    Raises:
        UsageError: A quality rule does not exist.
    """
    wanted = run.settings.documents
    quality.rules(wanted.quality)
    cache = run.store.indexes / corpus_files.CACHE
    bench = run.settings.benchmarks
    told = wanted.model_dump(exclude={"near_duplicates", "jaccard", "superseded"})
    return (
        told
        | {
            "limit_bytes": run.settings.sources.max_record_bytes,
            "page_seconds": run.settings.sources.max_page_seconds,
            "benchmarks": {name: (path, corpus_files.look(path, cache).sha256) for name, path in bench.files().items()},
            "ngram_words": bench.ngram_words,
            "containment": bench.containment,
        }
        | ({"formats": versions} if (versions := Own(run.settings.formats, run.settings.plugins).versions) else {})
    )


def _fingerprint(method: Payload) -> str:
    hashes = {name: sha256 for name, (_, sha256) in method["benchmarks"].items()}
    versions = (VERSION, extraction.VERSION, main_text.VERSION, near_duplicates.VERSION)
    return content_id("documents", *versions, {**method, "benchmarks": hashes}, *raised(*_rules(method)).items())


def _rules(method: Payload) -> list[str]:
    """Name the methods that a page passes under these settings, besides those whose VERSION always counts."""
    optional = {
        **dict.fromkeys(_OF_OURS, method["extractor"] == "wellspring"),
        "site_boilerplate": method["site_boilerplate"],
        **dict.fromkeys(("personal_data", "national_numbers", "secret_keys"), method["replace_personal_data"]),
        **dict.fromkeys(("quality", "language_rules"), method["quality"]),
        "decontamination": method["benchmarks"],
    }
    return [*_ALWAYS, *(name for name, is_asked in optional.items() if is_asked)]


def _shards(run: Run, fingerprint: str, method: Mapping[str, Any], chosen: Iterable[Corpus]) -> Iterator[Shard]:
    """Cut the corpora into shards of about equal work: ranges of large files, several small files together."""
    parts: list[dict[str, Any]] = []
    weight = 0.0
    for part in _parts(run, fingerprint, chosen):
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


def _parts(run: Run, fingerprint: str, chosen: Iterable[Corpus]) -> Iterator[dict[str, Any]]:
    """Yield the ranges of files that are not read yet: a new file beside old ones must not make those due again.

    Files come in the order of their source ids, as seeds do: which pages `limit` leaves out, and which of two copies is
    kept, does not depend on the order in which corpora are named.
    """
    seen = set(sharding.done(run, PARTS, fingerprint))
    files: dict[str, tuple[corpus_files.File, str | None]] = {}
    for corpus in chosen:
        uris = corpus_files.expand(corpus.path, corpus.most_files)
        for file in corpus_files.looks(uris, run.store.indexes / corpus_files.CACHE, run.own_formats):
            files.setdefault(content_id("source", file.sha256, corpus.license), (file, corpus.license))
    for source_id, (file, terms) in sorted(files.items()):
        step = _step(file, run.own_formats)
        for start in range(0, file.extent, step):
            stop = min(start + step, file.extent)
            part = {"source_id": source_id, "uri": file.uri, "kind": file.kind, "start": start, "stop": stop}
            part |= {} if file.kind in corpus_files.OURS else {"own": run.own_formats}
            if (part_id := _part_id(part)) not in seen:
                yield part | {"part_id": part_id, "license": terms}


def _step(file: corpus_files.File, own: Own) -> int:
    """Return how much of a file is a range; rows that take next to no bytes are not worth many ranges."""
    if file.kind == "parquet":
        return max(SHARD_ROWS, file.extent * LEAST_BYTES // file.bytes)
    return SHARD_BYTES if corpus_files.is_cut(file.kind, own) else file.extent


@dataclass(frozen=True, slots=True)
class _Draft:
    """A page's text as it was extracted, and where it lies."""

    place: Damage
    part: Payload
    found: dict[str, Any]


def _read(payload: Payload) -> Produced:
    """Read a shard's items: each is a document or a rejection."""
    method = payload["method"]
    found: list[_Draft] = []
    rows = _no_rows()
    with page_limits.bounded_memory():
        for part in payload["parts"]:
            before = len(found) + len(rows["rejections"])
            _read_part(part, payload, found, rows)
            rows["shards"].append(_part_row(part, len(found) + len(rows["rejections"]) - before))
        _finish(found, rows, method)
        return _produced(rows)


def _read_part(part: Payload, payload: Payload, found: list[_Draft], rows: Rows) -> None:
    """Read the items of a range of a file.

    Raises:
        MemoryError: All items together are too many for a worker; one that is too large by itself is refused.
    """
    method, end = payload["method"], part["start"]
    whole = Damage(part["start"], part["stop"] - part["start"], "", "")
    if why := payload.get(sharding.REFUSED, {}).get(_unit(part, whole) + READING):
        rows["rejections"].append(_refusal(whole, part, why))
        return
    try:
        for item in _timed(part, method):
            place, end = Damage(item.offset, item.length, "", "", item.url), item.offset + item.length
            try:
                found.append(_draft(item, place, part, payload, rows))
            except Rejection as refusal:
                rows["rejections"].append(_refusal(place, part, refusal))
            except MemoryError:
                if _is_full(found):
                    raise
                rows["rejections"].append(_refusal(place, part, _TOO_LARGE))
    except MemoryError:
        if _is_full(found) or part["kind"] != "parquet":
            raise
        rows["rejections"].append(_refusal(Damage(end, max(1, part["stop"] - end), "", ""), part, _TOO_LARGE))


def _timed(part: Payload, method: Payload) -> Iterator[corpus_files.Item]:
    """Yield the items of a range; where one parser reads all of the file, what it spends on each is bounded, too."""
    items = _items(part, method["limit_bytes"])
    if _is_cut(part) and part["kind"] in corpus_files.OURS:
        yield from items
        return
    name = _unit(part, Damage(part["start"], 1, "", "")) + READING
    while True:
        with page_limits.unit(name, method["page_seconds"]):
            item = next(items, None)
        if item is None:
            return
        yield item


def _is_cut(part: Payload) -> bool:
    return corpus_files.is_cut(part["kind"], part.get("own", NONE))


def _items(part: Payload, limit_bytes: int) -> Iterator[corpus_files.Item]:
    of = (part["uri"], part["kind"], part["start"], part["stop"], limit_bytes)
    return corpus_files.read(*of, part.get("own", NONE))


def _draft(item: corpus_files.Item, place: Damage, part: Payload, payload: Payload, rows: Rows) -> _Draft:
    method, name = payload["method"], _unit(part, place)
    if why := payload.get(sharding.REFUSED, {}).get(name):
        raise why
    with page_limits.unit(name, method["page_seconds"]), blame.refusing():
        rows["site_rules"] += page_text.site_rules(item, method["limit_bytes"])
        return _Draft(place, part, page_text.draft_of(item, part, method))


def _is_full(found: list[_Draft]) -> bool:
    """Whether so much is held that a MemoryError is not the fault of the item at hand."""
    return sum(len(draft.found["text"]) for draft in found) > HELD_CHARS


def _unit(part: Payload, place: Damage) -> str:
    return f"{part['part_id']}+{place.offset}"


def _finish(found: list[_Draft], rows: Rows, method: Payload) -> None:
    """Do what needs the whole shard in view, then make a document of each draft, or a rejection."""
    texts = [draft.found["text"] for draft in found]
    if method["site_boilerplate"]:
        texts = site_boilerplate.strip(texts, [page_text.domain_of(draft.found["url"]) for draft in found])
    known = _benchmarks(method)
    for draft, text in zip(found, texts, strict=True):
        try:
            with page_limits.unit(_unit(draft.part, draft.place), method["page_seconds"]), blame.refusing():
                document, counts = _document(draft, text, method)
                if known is not None:
                    decontamination.check(known, document["text"])
        except Rejection as refusal:
            rows["rejections"].append(_refusal(draft.place, draft.part, refusal))
            continue
        rows["documents"].append(document)
        document_id = document["document_id"]
        rows["redactions"] += [{"document_id": document_id, "kind": k, "count": n} for k, n in counts.items()]


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


def _part_row(part: Payload, items: int) -> dict[str, Any]:
    """A range that is read, under a stage name of its own: files are grouped into shards differently as they come."""
    counts = {"rows_in": items, "rows_out": items, "rows_rejected": 0}
    return {"stage": PARTS, "shard_id": part["part_id"], "path": part["uri"], **counts}


def _no_rows() -> Rows:
    return {table: [] for table in ("documents", "redactions", "rejections", "site_rules", "shards")}


def _produced(rows: Rows) -> Produced:
    texts = [row["text"] for row in rows["documents"]]
    bands = near_duplicates.bands(texts).tolist() if texts else []
    ids = [row["document_id"] for row in rows["documents"]]
    signatures = [{"document_id": id_, "bands": own} for id_, own in zip(ids, bands, strict=True)]
    tables = {table: _table(table, found) for table, found in (rows | {"signatures": signatures}).items()}
    return Produced(len(rows["documents"]) + len(rows["rejections"]), tables)


def _table(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    known = {"run_id", "fingerprint"} | ({"stage"} if table == "rejections" else set())
    return pa.Table.from_pylist(rows, schema=pa.schema([f for f in records.schema(table) if f.name not in known]))


def _refusal(item: corpus_files.Item, part: Payload, refusal: Rejection) -> dict[str, str]:
    place = f"{part['uri']} at {item.offset}+{item.length}"
    url = f" {item.url[:500]}" if item.url else ""
    return {
        "input_id": _item_id(part["source_id"], item.offset),
        "reason": refusal.reason,
        "detail": page_text.clean(f"{place}{url}: {refusal.detail}"[:2000]),
    }


def _item_id(source_id: str, offset: int) -> str:
    return content_id("item", source_id, offset)


def _document(draft: _Draft, text: str, method: Payload) -> tuple[dict[str, Any], dict[str, int]]:
    """Make the row of a document, and count the personal data that was replaced in it.

    Raises:
        Rejection: It is too short or too long, in another language, or of low quality.
    """
    counts: dict[str, int] = {}
    if method["replace_personal_data"]:
        text, counts = personal_data.replace(text)
    rules, language = quality.rules(method["quality"]), languages.identify(text)
    text = quality.without_lines(text, rules, language)
    tokens = count_tokens(text)
    if tokens < method["min_tokens"]:
        raise Rejection("too_short", f"{tokens} tokens, fewer than {method['min_tokens']}")
    if tokens > method["max_tokens"]:
        raise Rejection("too_long", f"{tokens} tokens, more than {method['max_tokens']}")
    if method["languages"] and language not in method["languages"]:
        raise Rejection("language", f"{language}, not {', '.join(method['languages'])}")
    quality.check(text, rules, language)
    digest = hashlib.sha256(text.encode().translate(_LOWER, _BLANKS)).hexdigest()[: records.ID_HEX_CHARS]
    url = draft.found["url"]
    return draft.found | {
        "document_id": content_id("document", url, digest),
        "source_id": draft.part["source_id"],
        "record_offset": draft.place.offset,
        "record_length": draft.place.length,
        "domain": page_text.domain_of(url),
        "language": language,
        "license": draft.found["license"] or draft.part["license"],
        "text": text,
        "tokens": tokens,
        "text_digest": digest,
        "duplicate_of": None,
    }, counts


def _split(payload: Payload) -> list[Payload]:
    """Cut a shard that breaks: by its parts, then by the records of the one that is left."""
    parts = payload["parts"]
    if len(parts) > 1:
        middle = len(parts) // 2
        return [{**payload, "parts": parts[:middle]}, {**payload, "parts": parts[middle:]}]
    part = parts[0]
    if not _is_cut(part):
        return []
    offsets = [place.offset for place in _places(part, payload["method"]["limit_bytes"])]
    if len(offsets) < 2:  # noqa: PLR2004 - one record cannot be cut
        return []
    middle = offsets[len(offsets) // 2]
    # The pieces keep the part's id: it is done when they are, and they are committed together.
    return [{**payload, "parts": [cut]} for cut in ({**part, "stop": middle}, {**part, "start": middle})]


def _places(part: Payload, limit_bytes: int) -> list[Damage]:
    """Return where the records of a part lie; where that cannot be told, the part as one."""
    whole = Damage(part["start"], part["stop"] - part["start"], "", "")
    if part["kind"] == "parquet":
        is_few = part["stop"] - part["start"] <= SHARD_ROWS
        return [Damage(row, 1, "", "") for row in range(part["start"], part["stop"])] if is_few else [whole]
    if not _is_cut(part):  # to read it may be what breaks
        return [whole]
    items = _items(part, limit_bytes)
    try:
        with blame.refusing():
            return [Damage(item.offset, item.length, "", "", item.url) for item in items]
    except (Rejection, MemoryError):
        return [whole]


def _part_id(part: Payload) -> str:
    return content_id("part", part["source_id"], part["start"], part["stop"])


def _refuse(payload: Payload, why: Rejection) -> Produced:
    """Refuse the one page that breaks its shard."""
    part = payload["parts"][0]
    refused = [_refusal(place, part, why) for place in _places(part, payload["method"]["limit_bytes"])]
    return _produced(_no_rows() | {"rejections": refused, "shards": [_part_row(part, len(refused))]})


def _settle(store: Store, produced: Produced, fingerprint: str, least: float) -> Produced:
    """Mark what only the whole corpus knows: pages seen before, texts kept before, pages that were forgotten.

    Shards are settled in the order of the corpus, so the first copy is the one that is kept, on every machine. Texts
    stay in Arrow: what is looked at is who a document is.
    """
    tables = _unread(store, produced.tables, fingerprint)
    left = sum(tables[name].num_rows for name in _ITEMS)
    rows = tables["documents"].select(_IDENTITY).to_pylist()
    refused = _with_originals(store, tables["rejections"].to_pylist(), rows, fingerprint)
    if not rows:
        return Produced(left, tables | {"rejections": _table("rejections", refused)})
    forgotten = {(kind, value) for kind, value in store.query("documents/forgotten").rows()}
    seen = store.query(
        "documents/seen",
        fingerprint=fingerprint,
        document_ids=[row["document_id"] for row in rows],
        text_digests=[row["text_digest"] for row in rows],
    ).to_dicts()
    places = {row["document_id"]: f"{row['source_id']}+{row['record_offset']}" for row in seen}
    kept = {row["text_digest"]: row["document_id"] for row in seen if row["duplicate_of"] is None}
    near = near_copies.like_forgotten(store, tables["documents"]["text"], least)
    is_new: list[bool] = []
    originals: list[str | None] = []
    repeats: list[dict[str, Any]] = []
    for row, like in zip(rows, near, strict=True):
        document_id = row["document_id"]
        try:
            _check_new(row, places, forgotten)
            _check_like(like)
        except Rejection as refusal:
            item_id = _item_id(row["source_id"], row["record_offset"])
            detail = f"{refusal.detail}; record {row['source_id']}+{row['record_offset']}"
            refused.append({"input_id": item_id, "reason": refusal.reason, "detail": detail})
            is_new.append(False)
            repeats += [row] if refusal.reason == "already_seen" else []
            continue
        is_new.append(True)
        places[document_id] = f"{row['source_id']}+{row['record_offset']}"
        original = kept.setdefault(row["text_digest"], document_id)
        originals.append(None if original == document_id else original)
    documents = tables["documents"].filter(pa.array(is_new))
    column = documents.column_names.index("duplicate_of")
    documents = documents.set_column(column, documents.field("duplicate_of"), pa.array(originals, pa.string()))
    ids = documents["document_id"]
    settled = {
        "documents": documents,
        "signatures": _of(tables["signatures"], ids.filter(documents["duplicate_of"].is_null())),
        "redactions": _of(tables["redactions"], ids),
        "rejections": _table("rejections", refused),
        "repeats": _table("repeats", repeats),
    }
    return Produced(left, tables | settled)


def _unread(store: Store, tables: Mapping[str, pa.Table], fingerprint: str) -> dict[str, pa.Table]:
    """Leave out items that are rows or refusals already: their file is read once more for others of its items."""
    documents, rejections = (tables[name] for name in _ITEMS)
    places = list(zip(*(documents[name].to_pylist() for name in ("source_id", "record_offset")), strict=True))
    names, refused = [_item_id(*place) for place in places], rejections["input_id"].to_pylist()
    known = {"fingerprint": fingerprint, "stage": "documents", "input_ids": [*names, *refused]}
    over = set(store.query("rejections/known", **known)["input_id"].to_list())
    ranges = {"source_ids": sorted({source for source, _ in places}), "offsets": sorted({at for _, at in places})}
    over |= {_item_id(*place) for place in store.query("documents/places", fingerprint=fingerprint, **ranges).rows()}
    is_new = [pa.array([name not in over for name in items], pa.bool_()) for items in (names, refused)]
    return {**tables, "documents": documents.filter(is_new[0]), "rejections": rejections.filter(is_new[1])}


def _of(rows: pa.Table, document_ids: pa.ChunkedArray) -> pa.Table:
    return rows.filter(pc.is_in(rows["document_id"], value_set=document_ids))


def _with_originals(
    store: Store, refused: list[dict[str, str]], rows: list[dict[str, Any]], fingerprint: str
) -> list[dict[str, str]]:
    """Name the document of the page that a revisit record stands for, where the store or this shard has it."""
    urls = {i: match[1] for i, row in enumerate(refused) if (match := _REVISITED.search(row["detail"]))}
    if not urls:
        return refused
    found = dict(store.query("documents/of_urls", fingerprint=fingerprint, urls=sorted(set(urls.values()))).rows())
    found = {row["url"]: row["document_id"] for row in reversed(rows)} | found
    for i, url in urls.items():
        if url in found:
            refused[i] = refused[i] | {"detail": f"{refused[i]['detail']}: document {found[url]}"}
    return refused


def _check_like(like: float) -> None:
    if like:
        raise Rejection("forgotten", f"its text is nearly one that was forgotten (about {like:.2f} alike)")


def _check_new(row: Payload, places: Mapping[str, str], forgotten: set[tuple[str, str]]) -> None:
    if row["document_id"] in places:
        raise Rejection(
            "already_seen", f"the same page and text are document {row['document_id']} ({places[row['document_id']]})"
        )
    labels = (row["domain"] or "").split(".")  # a forgotten site is forgotten with its subdomains, new ones too
    sites = [("domain", ".".join(labels[n:])) for n in range(len(labels))]
    for name in (("url", row["url"]), *sites, ("source", row["source_id"]), ("text", row["text_digest"])):
        if name in forgotten:
            raise Rejection("forgotten", f"{name[0]} {name[1]} was forgotten")
