"""Corpora -> sources: every file of what the profile names, known by its bytes.

    {"source_id": "5b0c...", "name": "field notes", "uri": "corpus/sample.warc.gz", "kind": "warc",
     "license": "CC0-1.0", "sha256": "545795e2...", "bytes": 18180464}

A file that moved is the same source, at its new place; a file that changed is a new one. Nothing is parsed here.
"""

from collections.abc import Mapping

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.records import Source, content_id
from wellspring.tasks.contracts.settings import Corpus
from wellspring.tasks.io.corpora import corpus_files
from wellspring.tasks.spine.running.runs import Counts, Run, stage

NAMED = 3  # side files, in a note


@stage("sources")
def register(run: Run) -> Counts:
    """Find the files of every corpus and write down those that are new.

    Raises:
        BrokenError: A corpus is not there, is empty, or is nothing we can read; nothing was read yet.
    """
    if not run.corpora:
        raise BrokenError(
            "the run names no corpus",
            hint="add --corpus PATH (an archive, JSONL, Parquet or a folder), or [[sources.corpora]] in the profile",
        )
    found: list[tuple[Corpus, str]] = []
    for corpus in run.corpora:
        uris, aside = corpus_files.listed(corpus.path, corpus.most_files)
        found += [(corpus, uri) for uri in uris]
        _say_left_aside(run, corpus, aside)
    known = dict(run.store.query("sources/all").select("source_id", "uri").rows())
    rows: dict[str, Source] = {}
    strange: dict[str, list[str]] = {}
    cache = run.store.indexes / corpus_files.CACHE
    looked = corpus_files.looks([uri for _, uri in found], cache, run.own_formats)
    for done, ((corpus, uri), file) in enumerate(zip(found, looked, strict=True), start=1):
        row = _source(run, corpus, file)
        strange.setdefault(corpus.path, []).append(uri if row.kind == corpus_files.UNKNOWN else "")
        if row.source_id not in rows or known.get(row.source_id) == uri:  # in two places: it is where it was
            rows[row.source_id] = row
        run.progress("sources", done, len(found))
    _check_known(strange)
    _move(run, [row for row in rows.values() if known.get(row.source_id, row.uri) != row.uri])
    new = run.store.append("sources", list(rows.values()))
    return Counts(rows_in=new, rows_out=new)


def _say_left_aside(run: Run, corpus: Corpus, names: list[str]) -> None:
    """Say which files of a folder are read as no page, so that nobody looks for them among the refusals."""
    if names:
        shown = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
        run.progress.note(f"sources: {len(names)} side files of {corpus.path} are left out, as no pages: {shown}")


def _check_known(strange: Mapping[str, list[str]]) -> None:
    """Refuse a corpus none of whose files is anything we know; beside others, such a file is a refusal of its own."""
    for path, uris in strange.items():
        if all(uris):
            raise BrokenError(
                f"{path}: {corpus_files.unknown(uris[0])}",
                hint="it may be an archive (WARC, ARC, WET), JSONL, Parquet, HTML, text, or of a format in "
                "tasks/io/formats; or of a format of your own (`formats` in the profile)",
            )


def _move(run: Run, rows: list[Source]) -> None:
    """Say of known files where they lie now: what came of them is traced to there."""
    for row in rows:
        run.store.execute("sources/move", source_id=row.source_id, uri=row.uri)
    if rows:
        run.progress.note(f"sources: {len(rows)} known files have moved, the first to {rows[0].uri}")


def _source(run: Run, corpus: Corpus, file: corpus_files.File) -> Source:
    name = corpus.name or file.uri.rstrip("/").rpartition("/")[2]
    return Source(
        source_id=content_id("source", file.sha256, corpus.license),
        name=name,
        uri=file.uri,
        kind=file.kind,
        license=corpus.license,
        sha256=file.sha256,
        bytes=file.bytes,
        run_id=run.run_id,
    )
