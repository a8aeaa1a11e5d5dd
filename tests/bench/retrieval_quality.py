"""nDCG@10 on Cranfield and Vaswani: keywords alone, vectors alone, and the two fused as groundings fuse them."""

import gzip
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tasks.io import index
from tasks.io.keywords import KeywordIndex
from tasks.methods import hashing_embedder
from tasks.methods.fusion import fuse
from tasks.methods.words import words
from tasks.spine.retrieval import DEPTH, KEYWORDS_SHARE, RANK_CONSTANT, VECTORS_SHARE

BM25 = {"cranfield": 0.322, "vaswani_npl": 0.416}  # ../shared/data/baselines.json, k1 = 0.9, b = 0.4


def judged(shared: Path, dimensions: int = 256) -> Iterator[tuple[str, str, float, float | None]]:
    """Yield (name, conditions, nDCG@10, what it must reach): both together more than BM25 alone, theirs and ours."""
    for collection, target in BM25.items():
        folder = shared / "retrieval" / collection
        documents = read(folder / "corpus.jsonl.gz")
        texts = [_text(row) for row in documents]
        ids = [row["_id"] for row in documents]
        queries = read(folder / "queries.jsonl.gz")
        grades = _grades(folder / "qrels.tsv")
        asked = [query["text"] for query in queries]
        by_words = _by_words(texts, asked)
        by_vectors = _by_vectors(texts, asked, dimensions)
        both = [
            [row for row, _ in fuse(pair, 10, weights=(KEYWORDS_SHARE, VECTORS_SHARE), constant=RANK_CONSTANT)]
            for pair in zip(by_words, by_vectors, strict=True)
        ]
        at = f"{len(texts):,} documents, {len(asked)} queries, d={dimensions}"
        names = [query["_id"] for query in queries]
        alone = _mean(by_words, ids, names, grades)
        yield f"{collection}, keywords", at, alone, None
        yield f"{collection}, vectors", at, _mean(by_vectors, ids, names, grades), None
        yield f"{collection}, hybrid", at, _mean(both, ids, names, grades), max(target, alone)


def _by_words(texts: Sequence[str], asked: Sequence[str]) -> list[list[int]]:
    found = KeywordIndex.build([words(text) for text in texts]).search([words(text) for text in asked], DEPTH)[1]
    return [[row for row in rows if row >= 0] for rows in found.tolist()]


def _by_vectors(texts: Sequence[str], asked: Sequence[str], dimensions: int) -> list[list[int]]:
    fit = hashing_embedder.fit(texts, dimensions, 2**16, 0)
    return index.exact(fit.embed(asked).vectors, fit.embed(texts).vectors, DEPTH)[1].tolist()


def _text(row: dict[str, Any]) -> str:
    return row["text"] if row["text"].startswith(row["title"]) else f"{row['title']} {row['text']}"


def read(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a compressed JSONL file."""
    return [json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")]


def _grades(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in path.read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        found.setdefault(query, {})[document] = int(grade)
    return found


def _mean(rows: list[list[int]], ids: list[str], queries: list[str], grades: dict[str, dict[str, int]]) -> float:
    scores = []
    for query, found in zip(queries, rows, strict=True):
        graded = grades.get(query, {})
        ideal = _gain(sorted(graded.values(), reverse=True))
        if ideal:
            scores.append(_gain([graded.get(ids[row], 0) for row in found]) / ideal)
    return sum(scores) / len(scores)


def _gain(grades: list[int]) -> float:
    return sum(max(grade, 0) / math.log2(place + 2) for place, grade in enumerate(grades[:10]))
