"""nDCG@10 on Cranfield and Vaswani: keywords alone, vectors alone, and the two fused as groundings fuse them."""

import gzip
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.io import index
from tasks.io.keywords import KeywordIndex
from tasks.methods import hashing_embedder
from tasks.methods.fusion import fuse
from tasks.methods.words import words
from tasks.spine.retrieval import DEPTH, KEYWORDS_SHARE, RANK_CONSTANT, VECTORS_SHARE

Scores = NDArray[np.float64]

BM25 = {"cranfield": 0.322, "vaswani_npl": 0.416}  # ../shared/data/baselines.json, k1 = 0.9, b = 0.4


GRID = [(share, constant) for share in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0) for constant in (1, 5, 10, 20, 60)]
FOLDS = 10


class Collection(NamedTuple):
    """nDCG@10 by query (queries,): of words, of vectors, and of both under each setting of `GRID`."""

    conditions: str
    published: float
    words: Scores
    vectors: Scores
    both: dict[tuple[float, int], Scores]


def judged(shared: Path, dimensions: int = 256) -> Iterator[tuple[str, str, float, float | None]]:
    """Yield (name, conditions, nDCG@10, what it must reach): both together more than BM25 alone, theirs and ours.

    `held out`: share and constant are chosen on nine tenths of the queries of both collections, such that the one that
    gains less gains most, and looked at on the last tenth. `chosen on the other`: on all queries of the other one.
    """
    found = {name: _collection(shared / "retrieval" / name, bm25, dimensions) for name, bm25 in BM25.items()}
    held_out = _held_out(found)
    for name, one in found.items():
        target = max(one.published, float(one.words.mean()))
        yield f"{name}, keywords", one.conditions, float(one.words.mean()), None
        yield f"{name}, vectors", one.conditions, float(one.vectors.mean()), None
        default = one.both[VECTORS_SHARE / KEYWORDS_SHARE, RANK_CONSTANT]
        yield f"{name}, hybrid as set", one.conditions, float(default.mean()), target
        yield f"{name}, hybrid held out", one.conditions, float(held_out[name].mean()), target
        (other,) = (two for key, two in found.items() if key != name)
        setting = max(GRID, key=lambda key: float(other.both[key].mean()))
        at = f"share {setting[0]}, constant {setting[1]}"
        yield f"{name}, hybrid chosen on the other", at, float(one.both[setting].mean()), None
    chosen = max(GRID, key=lambda key: _least_gain(found, key, lambda scores: float(scores.mean())))
    yield "share that all queries choose", f"constant {chosen[1]}", chosen[0], None


def _held_out(found: Mapping[str, Collection]) -> dict[str, Scores]:
    scores = {name: np.empty_like(one.words) for name, one in found.items()}
    for fold in range(FOLDS):

        def rest(values: Scores, fold: int = fold) -> float:
            return float(values[np.arange(len(values)) % FOLDS != fold].mean())

        chosen = max(GRID, key=lambda key: _least_gain(found, key, rest))
        for name, one in found.items():
            scores[name][fold::FOLDS] = one.both[chosen][fold::FOLDS]
    return scores


def _least_gain(found: Mapping[str, Collection], setting: tuple[float, int], mean: Callable[[Scores], float]) -> float:
    return min(mean(one.both[setting]) / mean(one.words) for one in found.values())


def _collection(folder: Path, published: float, dimensions: int) -> Collection:
    documents = read(folder / "corpus.jsonl.gz")
    texts = [_text(row) for row in documents]
    ids = [row["_id"] for row in documents]
    queries = read(folder / "queries.jsonl.gz")
    asked = [query["text"] for query in queries]
    grades = _grades(folder / "qrels.tsv")
    graded = [grades.get(query["_id"], {}) for query in queries]
    pairs = list(zip(_by_words(texts, asked), _by_vectors(texts, asked, dimensions), strict=True))
    both = {
        (share, constant): _gains(
            [[row for row, _ in fuse(pair, 10, weights=(1.0, share), constant=constant)] for pair in pairs], ids, graded
        )
        for share, constant in GRID
    }
    conditions = f"{len(texts):,} documents, {len(asked)} queries, d={dimensions}"
    by_words, by_vectors = ([pair[i] for pair in pairs] for i in range(2))
    return Collection(conditions, published, _gains(by_words, ids, graded), _gains(by_vectors, ids, graded), both)


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


def _gains(rows: list[list[int]], ids: list[str], graded: list[dict[str, int]]) -> Scores:
    """Return nDCG@10 of each query that has a document to be found."""
    return np.array(
        [
            _gain([grades.get(ids[row], 0) for row in found]) / ideal
            for grades, found in zip(graded, rows, strict=True)
            if (ideal := _gain(sorted(grades.values(), reverse=True)))
        ]
    )


def _gain(grades: list[int]) -> float:
    return sum(max(grade, 0) / math.log2(place + 2) for place, grade in enumerate(grades[:10]))
