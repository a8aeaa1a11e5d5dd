"""The embedder that needs no download: hashed words and letter n-grams, weighted, projected on what occurs together.

Papers: Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009 (hashed features with signs);
Deerwester et al., "Indexing by latent semantic analysis", JASIS 1990 (the projection); Halko, Martinsson, Tropp,
"Finding structure with randomness", SIAM Review 2011 (how it is computed); Bojanowski et al., "Enriching word vectors
with subword information", TACL 2017 (a word is itself plus its n-grams, so that an unseen form lands near its kin).

A text is the sum of its words, each weighted by (1 + ln count) x ln((N + 1) / (texts with it + 1/2)); a word is a
sparse vector of hashed features; a text's vector is that sum projected on the right singular vectors of the corpus.
What the corpus does not span (it has fewer texts than dimensions) goes into the dimensions left over as a signed
sketch, so that five documents are enough to begin with and new words still tell texts apart.

Complexity: fit O((words of all texts + features) x dimensions x 8 passes); embed O(words x features of a word x d).
Sums run in a fixed order through sparse products, never through BLAS, so one fit gives a text one vector, bit for bit,
whatever the batch or the machine. The fit itself passes through LAPACK: two kinds of BLAS kernel agree to about 1e-6.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import xxhash
from numpy.typing import NDArray
from scipy import sparse

from wellspring.tasks.contracts.vectors import Vectors, unit
from wellspring.tasks.methods.vectors.words import words

VERSION = 1
GRAM_CHARS = (3, 4, 5)
GRAM_SHARE = 0.5  # weight of a word's n-grams together, beside 1 for the word itself; .3 to .7 are alike (README)
BATCH_TEXTS = 2048
_OVERSAMPLED = 10
_POWER_PASSES = 3
_NEGLIGIBLE = 1e-6  # singular values below this share of the first are rounding

Float = NDArray[np.float64]
Sparse = Any  # scipy.sparse.csr_matrix, whose types do not know what its products are


class Embedded(NamedTuple):
    """Unit vectors (n, d) float32, and which texts (n,) had no words: their vector says nothing.

    `refused` says (row, reason, detail) of texts that an embedder would not take; they count as empty, too.
    """

    vectors: Vectors
    is_empty: NDArray[np.bool_]
    refused: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """What was learned from a corpus: enough to embed any text, the same way for ever.

    Attributes:
        dimensions: Width d of the vectors.
        features: Number of hash buckets.
        seed: Of the hashes and of the random start of the decomposition.
        texts: How many texts it was fitted on.
        documents_with: (features,) float32, texts that have a word of this bucket.
        rows: (features,) int32, row of `components` for a bucket; -1 if the corpus has none of it.
        components: (seen features, rank) float32, right singular vectors; rank <= dimensions.
    """

    dimensions: int
    features: int
    seed: int
    texts: int
    documents_with: NDArray[np.float32]
    rows: NDArray[np.int32]
    components: NDArray[np.float32]

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts; a text without words gets the unit vector of nothing, and is flagged.

        Args:
            texts: Any number of them.
        """
        parts = [self._embed(texts[start : start + BATCH_TEXTS]) for start in range(0, len(texts), BATCH_TEXTS)]
        if not parts:
            return Embedded(np.empty((0, self.dimensions), dtype=np.float32), np.empty(0, dtype=np.bool_))
        return Embedded(np.concatenate([p.vectors for p in parts]), np.concatenate([p.is_empty for p in parts]))

    def _embed(self, texts: Sequence[str]) -> Embedded:
        counts, known = _counted(texts)
        weighted = _weighted(counts, self._rarity(known))
        features = _features(known, self.features, self.seed)
        wide = weighted @ self._projected(features)
        lost = np.einsum("nd,nd->n", wide, wide) <= _NEGLIGIBLE**2 * np.maximum(
            np.asarray(weighted.power(2).sum(1)).ravel(), 1e-12
        )
        if lost.any():  # every word is new, and no dimension was left over: the whole width is a sketch of them
            wide[lost] = (weighted[lost] @ (features @ _sketch(self.features, self.dimensions, self.seed))).toarray()
        is_empty = np.diff(counts.indptr) == 0
        wide[is_empty] = 0
        wide[is_empty, 0] = 1
        return Embedded(unit(wide), is_empty)

    def _rarity(self, known: Sequence[str]) -> Float:
        buckets = [_bucket(word, self.features, self.seed)[0] for word in known]
        found = self.documents_with[buckets].tolist()
        return np.array([math.log((self.texts + 1) / (with_it + 0.5)) for with_it in found])

    def _projected(self, features: Sparse) -> Float:
        """Return the vectors (words, d) of words: projection on the components, then a sketch of what they leave."""
        seen = _renumbered(features, self.rows, len(self.components))
        components = self.components.astype(np.float64)
        spanned = seen @ components
        left_over = self.dimensions - components.shape[1]
        if not left_over:
            return spanned
        sketch = _sketch(self.features, left_over, self.seed)
        back = (sketch[np.flatnonzero(self.rows >= 0)].T @ components).T  # (rank, left_over)
        return np.hstack([spanned, (features @ sketch).toarray() - sparse.csr_matrix(spanned) @ back])

    def save(self, folder: Path) -> None:
        """Write the fit as plain arrays into a folder that is there."""
        facts = {
            "version": VERSION,
            "dimensions": self.dimensions,
            "features": self.features,
            "seed": self.seed,
            "texts": self.texts,
        }
        (folder / "fit.json").write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")
        for name in ("documents_with", "rows", "components"):
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; whoever calls has checked the bytes. Arrays are mapped, not read."""
        facts: dict[str, Any] = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
        facts.pop("version")
        names = ("documents_with", "rows", "components")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names}
        return cls(**facts, **arrays)


def fit(texts: Sequence[str], dimensions: int, features: int, seed: int) -> Fit:
    """Learn from a corpus which words matter and which occur together.

    Args:
        texts: The corpus, or a sample of it; the order of the texts does not matter beyond rounding. May be empty: then
            every vector is a sketch of hashed words.
        dimensions: Width of the vectors, at least 2.
        features: Hash buckets, at least 1.
        seed: Another seed is another embedder.
    """
    counts, known = _counted(texts)
    documents_with = np.zeros(features, dtype=np.float32)
    buckets = np.array([_bucket(word, features, seed)[0] for word in known], dtype=np.int64)
    np.add.at(documents_with, buckets, np.bincount(counts.indices, minlength=len(known)))
    hashed = _features(known, features, seed)
    seen = np.unique(hashed.indices)
    rows = np.full(features, -1, dtype=np.int32)
    rows[seen] = np.arange(len(seen), dtype=np.int32)
    started = Fit(
        dimensions, features, seed, len(texts), documents_with, rows, np.empty((len(seen), 0), dtype=np.float32)
    )
    weighted = _weighted(counts, started._rarity(known))  # noqa: SLF001 - of the same module
    lengths = np.sqrt(np.asarray(weighted.power(2).sum(1)).ravel())
    weighted.data /= np.repeat(lengths, np.diff(weighted.indptr))
    components = _right_vectors(weighted, _renumbered(hashed, rows, len(seen)), dimensions, seed)
    return Fit(dimensions, features, seed, len(texts), documents_with, rows, components)


def _right_vectors(texts: Sparse, hashed: Sparse, dimensions: int, seed: int) -> NDArray[np.float32]:
    """Return the first right singular vectors of texts @ hashed, without forming it: randomised subspace iteration."""
    smaller = min(texts.shape[0], hashed.shape[1])
    if smaller == 0:
        return np.empty((hashed.shape[1], 0), dtype=np.float32)
    width = min(dimensions + _OVERSAMPLED, smaller)
    start = np.random.default_rng(seed).standard_normal((hashed.shape[1], width))
    space = texts @ (hashed @ start)
    transposed = (texts.T.tocsr(), hashed.T.tocsr())
    for _ in range(_POWER_PASSES):
        space = texts @ (hashed @ (transposed[1] @ (transposed[0] @ _orthogonal(space))))
    small = (transposed[1] @ (transposed[0] @ _orthogonal(space))).T  # (width, features): the matrix in that space
    values, left = np.linalg.eigh(small @ small.T)
    singular = np.sqrt(np.maximum(values[::-1], 0))
    rank = int(min(dimensions, np.count_nonzero(singular > _NEGLIGIBLE * singular[0]))) if singular[0] > 0 else 0
    right = (small.T @ left[:, ::-1][:, :rank]) / singular[:rank]
    return _signed(right).astype(np.float32)


def _orthogonal(columns: Float) -> Float:
    return np.linalg.qr(columns)[0]


def _signed(columns: Float) -> Float:
    """Turn each column so that its largest entry is positive: a decomposition leaves the sign open."""
    if not columns.size:
        return columns
    largest = columns[np.abs(columns).argmax(axis=0), np.arange(columns.shape[1])]
    return columns * np.where(largest < 0, -1.0, 1.0)


def _counted(texts: Sequence[str]) -> tuple[Sparse, list[str]]:
    """Count the words of each text: (texts, words) with words of a row in their alphabetical order, and the words."""
    known: dict[str, int] = {}
    columns: list[int] = []
    values: list[int] = []
    ends = [0]
    for text in texts:
        for word, count in sorted(Counter(words(text) or words(text, keep_stop_words=True)).items()):
            columns.append(known.setdefault(word, len(known)))
            values.append(count)
        ends.append(len(columns))
    return sparse.csr_matrix((np.array(values, dtype=np.float64), columns, ends), shape=(len(texts), len(known))), list(
        known
    )


def _weighted(counts: Sparse, rarity: Float) -> Sparse:
    logs = np.array([0.0, *(1 + math.log(n) for n in range(1, int(counts.data.max(initial=0)) + 1))])
    data = logs[counts.data.astype(np.int64)] * rarity[counts.indices]
    return sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)


def _features(known: Sequence[str], features: int, seed: int) -> Sparse:
    """Hash words: (words, features), each word's own bucket first, then those of its n-grams."""
    rows = [_hashed(word, features, seed) for word in known]
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.fromiter((column for columns, _ in rows for column in columns), dtype=np.int64, count=ends[-1])
    values = np.fromiter((value for _, values in rows for value in values), dtype=np.float64, count=ends[-1])
    return sparse.csr_matrix((values, columns, ends), shape=(len(known), features))


@lru_cache(maxsize=2**17)
def _hashed(word: str, features: int, seed: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    bucket, sign = _bucket(word, features, seed)
    bounded = f"<{word}>"
    grams = [bounded[i : i + size] for size in GRAM_CHARS for i in range(len(bounded) - size + 1)]
    share = GRAM_SHARE / math.sqrt(len(grams)) if grams else 0.0
    placed = [_bucket(f"\x00{gram}", features, seed) for gram in grams]  # no word holds a NUL: grams are kept apart
    return (bucket, *(b for b, _ in placed)), (sign, *(s * share for _, s in placed))


def _bucket(feature: str, features: int, seed: int) -> tuple[int, float]:
    found = xxhash.xxh64_intdigest(feature.encode("utf-8", "surrogatepass"), seed)
    return (found >> 1) % features, 1.0 if found & 1 else -1.0


def _renumbered(features: Sparse, rows: NDArray[np.int32], count: int) -> Sparse:
    """Return the features (words, seen) in the numbering of the components; unseen ones are left out."""
    columns = rows[features.indices]
    kept = columns >= 0
    ends = np.concatenate([[0], np.cumsum(kept)])[features.indptr]
    return sparse.csr_matrix((features.data[kept], columns[kept], ends), shape=(features.shape[0], count))


@lru_cache(maxsize=4)
def _sketch(features: int, width: int, seed: int) -> Sparse:
    """Return a signed random map (features, width) with one entry in each row (a count sketch)."""
    drawn = np.random.default_rng([seed, width])
    columns = drawn.integers(0, width, features)
    signs = drawn.choice([-1.0, 1.0], features)
    return sparse.csr_matrix((signs, columns, np.arange(features + 1)), shape=(features, width))
