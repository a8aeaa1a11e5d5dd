"""Vectors and documents for those who ask: matrices of a noun, neighbours within it, candidates for a query.

A matrix lies beside the store as a memory-mapped file that is believed only as long as it holds exactly the texts that
are valid now; else it is written again from the table, without passing through Python lists.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors, checked
from wellspring.tasks.io.vectors import encoder, index, manifests
from wellspring.tasks.io.vectors.keywords import KeywordIndex
from wellspring.tasks.methods.vectors.fusion import fuse, ordered
from wellspring.tasks.methods.vectors.words import words
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import embedders, sharded_search

VERSION = 2


# Chosen on half of the questions of seven collections, and looked at on the other half (README of tasks/methods).
KEYWORDS_SHARE = 1.0
VECTORS_SHARES = {"hashing": 0.5, "encoder": 2.0}  # by embedder, beside 1 for the words
MODELS_SHARE = 1.0  # of any other embedder
REREAD_SHARE = 2.0  # the encoder's cosine, beside 1 for what brought the passage
REREAD_AT_ONCE = 100  # queries
MOST_KEPT = 20_000  # vectors of passages that were read again: 30 MB
DEPTH = 100  # passages that each of the two rankings brings
FRAME_ROWS = 10_000  # in memory at once

Found = list[tuple[str, float]]  # ids and scores, best first


@dataclass(frozen=True)
class Matrix:
    """The vectors of some nouns' valid texts under the embedder in force; row i belongs to ids[i], ids ascend."""

    ids: list[str]
    matrix: Vectors
    name: str = ""  # of its file
    fingerprint: str = ""  # of its ids and its embedder

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of an id."""
        return {text_id: row for row, text_id in enumerate(self.ids)}

    def of(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors (len(ids), d) of these texts.

        Raises:
            BrokenError: One of them has none; the message names it.
        """
        missing = [text_id for text_id in ids if text_id not in self.row_of]
        if missing:
            raise BrokenError(
                f"{len(missing)} of {len(ids)} texts have no vector, such as {missing[0]}",
                hint="run `embeddings` for their noun and its audit first; refused texts are in `rejections`",
            )
        return np.ascontiguousarray(self.matrix[[self.row_of[text_id] for text_id in ids]])


@dataclass(frozen=True)
class _Facts:
    """What the manifest of a matrix says of it."""

    rows: int


@dataclass(frozen=True)
class Neighbours:
    """Who is near whom: row i of `rows` (n, k) and `scores` (n, k) belongs to ids[i]; -1 where there are too few."""

    ids: list[str]
    rows: Rows
    scores: Scores

    def of(self, text_id: str) -> list[tuple[str, float]]:
        """Return (id, cosine) of a text's neighbours, nearest first."""
        row = self.ids.index(text_id)
        pairs = zip(self.rows[row].tolist(), self.scores[row].tolist(), strict=True)
        return [(self.ids[other], score) for other, score in pairs if other >= 0]


def vectors(run: Run, *nouns: str) -> Matrix:
    """Return the matrix of these nouns' valid texts (passages; or seeds, instructions, or both), memory-mapped.

    The matrix is empty (0, dimensions) where nothing is embedded yet.
    """
    model = embedders.embedder(run, nouns[0]).fingerprint
    embedded = run.store.query("embeddings/texts_embedded", nouns=list(nouns), model=model)
    ids: list[str] = embedded["text_id"].to_list()
    if not ids:
        return Matrix([], np.empty((0, run.settings.embeddings.dimensions), dtype=np.float32))
    of_turns = [f"{text_id} in its turns" for text_id in embedded.filter("is_of_turns")["text_id"]]
    fingerprint = hashlib.sha256("\n".join([model, *ids, *of_turns]).encode()).hexdigest()
    folder = run.store.indexes / f"matrix-{'-'.join(sorted(nouns))}"
    if manifests.read(folder, fingerprint, run.store.path, _Facts) is None:
        frames = run.store.stream("embeddings/matrix", rows=FRAME_ROWS, nouns=list(nouns), model=model)
        manifests.write(folder, fingerprint, asdict(_Facts(len(ids))), lambda path: _save(frames, len(ids), path))
    matrix = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    return Matrix(ids, matrix, folder.name, fingerprint)


def _finder(run: Run, pool: Matrix) -> Callable[[Vectors, int, index.Keep | None], tuple[Scores, Rows]]:
    """Return how the rows of a matrix are searched: exactly, or through an index beside the store if it is large.

    `embeddings.index` forces a kind; `index.choose` is the rule. A matrix that is too large for that rule and is to be
    searched exactly all the same is searched in parts, by the workers of `runner`. An index serves the matrix that it
    was made of only.
    """
    wanted, rows = run.settings.embeddings.index, len(pool.ids)
    if wanted == "flat" and index.choose(rows) != "flat":
        path = run.store.indexes / pool.name / "vectors.npy"

        def search(queries: Vectors, k: int) -> tuple[Scores, Rows]:
            return sharded_search.exact(run.settings, path, queries, k)

        return lambda queries, k, keep: index.filtered(search, queries, rows, k, keep or index.everything)
    if index.choose(rows, wanted) == "flat":
        base = np.ascontiguousarray(pool.matrix)
        return lambda queries, k, keep: index.kept(queries, base, k, keep or index.everything)
    folder = run.store.indexes / pool.name.replace("matrix", "index")
    fingerprint = content_id("index", wanted, run.settings.seed, pool.fingerprint)
    built = index.load_or_build(
        folder,
        fingerprint,
        run.store.path,
        lambda: index.Index.build(pool.ids, np.ascontiguousarray(pool.matrix), kind=wanted, seed=run.settings.seed),
    )
    return lambda queries, k, keep: built.search(queries, k, keep=keep)


def _save(frames: Iterator[pl.DataFrame], rows: int, folder: Path) -> None:
    """Write vectors into a file of so many rows, frame by frame."""
    matrix, done = None, 0
    for frame in frames:
        flat = frame["vector"].explode().to_numpy()
        part = checked(np.ascontiguousarray(flat.reshape(len(frame), -1), dtype=np.float32), "embeddings")
        if matrix is None:
            shape = (rows, part.shape[1])
            matrix = np.lib.format.open_memmap(folder / "vectors.npy", mode="w+", dtype=np.float32, shape=shape)
        matrix[done : done + len(part)] = part
        done += len(part)


def neighbours(run: Run, *nouns: str, k: int, max_cosine: float = 1.01) -> Neighbours:
    """Return the k nearest texts of each text among these nouns, itself left out by id.

    Args:
        run: The run.
        nouns: Such as "seeds", or "seeds" and "instructions" for a pool that grew.
        k: Neighbours; fewer where the pool is smaller.
        max_cosine: Neighbours that are more alike than this are left out too (copies of the anchor teach nothing).
    """
    pool = vectors(run, *nouns)
    if not pool.ids:
        return Neighbours([], np.empty((0, k), dtype=np.int64), np.empty((0, k), dtype=np.float32))
    queries = np.ascontiguousarray(pool.matrix)
    scores, rows = _finder(run, pool)(queries, k, lambda own, near, found: (found != own) & (near <= max_cosine))
    return Neighbours(pool.ids, rows, scores)


class Hybrid:
    """Documents for a query: keywords and vectors bring passages, an encoder may read the best of them again."""

    def __init__(self, run: Run, passages: Mapping[str, str], keywords: KeywordIndex, pool: Matrix) -> None:
        self._run = run
        self._document_of = passages
        self._passages = list(passages)
        self._keywords = keywords
        self._find = _finder(run, pool) if pool.ids else None
        self._pool = [passage_id if passage_id in passages else "" for passage_id in pool.ids]
        self._reread = Rereader(run) if run.settings.groundings.reread else None

    @classmethod
    def open(cls, run: Run) -> Self:
        """Index the valid passages of valid documents.

        Raises:
            UsageError: There are none; or candidates are to be read again, and the encoder is not installed.
        """
        documents: dict[str, str] = {}

        def read() -> Iterator[list[str]]:
            for frame in run.store.stream("embeddings/passages_of_documents", rows=FRAME_ROWS):
                for passage_id, document_id, text in frame.rows():
                    documents[passage_id] = document_id
                    yield words(text)

        return cls(run, documents, KeywordIndex.build(read()), vectors(run, "passages"))

    def search(self, queries: Sequence[str], k: int) -> list[list[tuple[str, float]]]:
        """Return for each query at most k (document_id, fused score), best first, equal scores by id.

        Args:
            queries: Keywords in one string each, or any text.
            k: Documents; each stands once, at its best passage.
        """
        if not queries:
            return []
        depth = max(DEPTH, 4 * k)
        share = VECTORS_SHARES.get(embedders.kind(self._run.settings.embeddings, "passages"), MODELS_SHARE)
        both = zip(self._with_words(queries, depth), self._near(queries, depth), strict=True)
        found = [fuse(rankings, depth, weights=(KEYWORDS_SHARE, share)) for rankings in both]
        if self._reread is not None:
            found = self._reread(queries, found)
        return [self._documents(passages, k) for passages in found]

    def rarity(self, query: str) -> dict[str, float]:
        """Return the words of a query, each with how rare it is among the passages."""
        return self._keywords.rarity(words(query))

    def _documents(self, passages: Found, k: int) -> Found:
        best: dict[str, float] = {}
        for passage_id, score in passages:  # best first
            best.setdefault(self._document_of[passage_id], score)
        return ordered(best, k)

    def _with_words(self, queries: Sequence[str], depth: int) -> list[Found]:
        scores, rows = self._keywords.search([words(query) for query in queries], depth)
        return [_named(self._passages, *one) for one in zip(rows.tolist(), scores.tolist(), strict=True)]

    def _near(self, queries: Sequence[str], depth: int) -> list[Found]:
        """Return the nearest passages of each query; none for a query that says nothing."""
        if self._find is None:
            return [[] for _ in queries]
        asked = embedders.embedder(self._run, "passages", is_query=True).embed(list(queries))
        scores, rows = self._find(asked.vectors, depth, None)
        named = [_named(self._pool, *one) for one in zip(rows.tolist(), scores.tolist(), strict=True)]
        return [[] if is_empty else one for one, is_empty in zip(named, asked.is_empty.tolist(), strict=True)]


def _named(names: Sequence[str], rows: Sequence[int], scores: Sequence[float]) -> Found:
    return [(names[row], score) for row, score in zip(rows, scores, strict=True) if row >= 0 and names[row]]


class Rereader:
    """The encoder over the passages that were found: their texts are encoded when a query brings them, and kept."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._encode = encoder.load()
        self._kept: dict[str, Vectors] = {}

    def __call__(self, queries: Sequence[str], found: Sequence[Found]) -> list[Found]:
        """Order the first `groundings.reread` of each ranking by their score and the encoder's; the others go.

        A query of which the encoder knows no word keeps its ranking.
        """
        known = [row for row, query in enumerate(queries) if found[row] and self._encode.knows(query)]
        asked = dict(zip(known, self._encode([queries[row] for row in known]), strict=True))
        firsts = {row: found[row][: self._run.settings.groundings.reread] for row in known}
        again = list(found)
        for start in range(0, len(known), REREAD_AT_ONCE):
            rows = known[start : start + REREAD_AT_ONCE]
            self._read({passage_id for row in rows for passage_id, _ in firsts[row]})
            for row in rows:
                near = [(passage_id, float(self._kept[passage_id] @ asked[row])) for passage_id, _ in firsts[row]]
                again[row] = fuse([firsts[row], near], len(near), weights=(1.0, REREAD_SHARE))
            self._run.progress.note(f"candidates read again for {start + len(rows)} of {len(known)} queries")
        return again

    def _read(self, passage_ids: set[str]) -> None:
        """Encode the passages that are not kept yet; what is kept stays within bounds."""
        if len(self._kept) > MOST_KEPT:
            self._kept.clear()
        lacking = sorted(passage_ids - self._kept.keys())
        texts = self._run.store.query("embeddings/texts_of_passages", passage_ids=lacking) if lacking else None
        if texts is not None:
            self._kept |= dict(zip(texts["passage_id"].to_list(), self._encode(texts["text"].to_list()), strict=True))


def candidates(run: Run, queries: Sequence[str], k: int) -> list[list[tuple[str, float]]]:
    """Return for each query at most k (document_id, score); who asks in batches opens `Hybrid` once."""
    return Hybrid.open(run).search(queries, k)
