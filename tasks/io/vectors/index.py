"""The FAISS door: nearest neighbours by inner product of unit vectors, on a GPU or on two cores, with the same answer.

FAISS finds candidates; `tasks/contracts/vectors.py` gives them their final scores and order, and a candidate list is
accepted only where it provably holds the answer (`exact`). So results do not depend on the kernel, the batch, the
thread count or the device. Rows are sorted by id: equal scores keep the lower row first, which is the lower id.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

import faiss
import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors, checked, ranked, tiled
from wellspring.tasks.io.vectors import manifests, tensors

# Below nq * d of this, FAISS compares pair by pair instead of multiplying matrices; its 128,000 makes batches of up to
# 333 queries 13 times slower than this (README).
faiss.cvar.distance_compute_blas_threshold = 1024

Search = Callable[[Vectors, Vectors, int], tuple[Scores, Rows]]

TILED_QUERIES = 256  # from here on tiles are faster than faiss.knn (README)
TILED_MAX_K = 128  # beyond, ordered lists cost more than FAISS's heaps
SPARE = 4  # candidates beyond k that are fetched to see where the k-th score ends
GPU_MAX_K = 2048


def gpus() -> int:
    """Return how many GPUs FAISS can use; asked before anything else, since its GPU calls abort without one."""
    return faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0


def exact(
    queries: Vectors, base: Vectors, k: int, *, find: Search | None = None, rounding: float = 0.0
) -> tuple[Scores, Rows]:
    """Return the k base vectors nearest each query, by inner product, ties and all.

    k + 4 candidates are fetched and scored anew. A row that was not fetched scores at most the last fetched score plus
    the rounding of two sums; a query whose k-th score is not above that is fetched again, with four times as many.

    Args:
        queries: (nq, d) float32, rows of unit length.
        base: (n, d), same d, rows of unit length.
        k: Neighbours per query, 1 <= k <= n.
        find: How candidates are found: (queries, base, k) -> scores, rows. The device's by default.
        rounding: By how much more than float32 sums the scores of `find` may be off.

    Returns:
        Scores (nq, k), cosine, best first; and row numbers of `base` (nq, k) int64. Equal scores keep the lower row
        first.

    Raises:
        ValueError: The widths differ, or k is out of range.
    """
    if queries.shape[1] != base.shape[1]:
        raise ValueError(f"queries are {queries.shape[1]} wide, the base {base.shape[1]}")
    if not 1 <= k <= len(base):
        raise ValueError(f"k is {k}, the base has {len(base)} rows")
    if find is None:
        find, rounding = candidates, device_rounding()
    scores = np.empty((len(queries), k), dtype=np.float32)
    rows = np.empty((len(queries), k), dtype=np.int64)
    slack = base.shape[1] * 2.0**-23 + rounding
    due, fetch = np.arange(len(queries)), min(len(base), (2 * k if rounding else k) + SPARE)
    while due.size:
        asked = queries if due.size == len(queries) else np.ascontiguousarray(queries[due])
        rough, found = find(asked, base, fetch)
        scores[due], rows[due] = ranked(asked, base, found, k)
        open_ = scores[due, -1] <= rough[:, -1] + slack
        due = due[open_] if fetch < len(base) else due[:0]
        fetch = min(len(base), fetch * 4)
    return scores, rows


Keep = Callable[[Rows, Scores, Rows], NDArray[np.bool_]]


def kept(queries: Vectors, base: Vectors, k: int, keep: Keep, *, find: Search | None = None) -> tuple[Scores, Rows]:
    """Return the k nearest base vectors that a filter keeps: not itself, not of the same document, not too alike.

    More and more neighbours are fetched for the queries that lack some. For a filter that keeps few rows whatever the
    query (a language, a source), search a copy of those rows instead: below one row in twenty that is faster.

    Args:
        queries: (nq, d), unit length.
        base: (n, d), unit length.
        k: Neighbours per query, 1 <= k.
        keep: (query numbers (m, 1), scores (m, c), rows (m, c)) -> which of them may stand (m, c).
        find: As in `exact`.

    Returns:
        Scores (nq, k) and rows (nq, k) in the one order; where the base runs out, -inf and -1.
    """
    return filtered(lambda asked, count: exact(asked, base, count, find=find), queries, len(base), k, keep)


def filtered(
    search: Callable[[Vectors, int], tuple[Scores, Rows]], queries: Vectors, n: int, k: int, keep: Keep
) -> tuple[Scores, Rows]:
    """Search more and more widely until every query has k rows that stand, or has seen all n: `kept` for any search."""
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    due, fetch = np.arange(len(queries) if n else 0), min(n, 2 * k + SPARE)
    while due.size:
        found_scores, found = search(np.ascontiguousarray(queries[due]), fetch)
        stands = (found >= 0) & keep(due[:, None], found_scores, found)
        order = np.argsort(~stands, axis=1, kind="stable")[:, :k]  # those that stand first, in their order
        stands = np.take_along_axis(stands, order, 1)
        width = order.shape[1]
        scores[due, :width] = np.where(stands, np.take_along_axis(found_scores, order, 1), -np.inf)
        rows[due, :width] = np.where(stands, np.take_along_axis(found, order, 1), -1)
        due = due[rows[due, -1] < 0] if fetch < n else due[:0]
        fetch = min(n, fetch * 4)
    return scores, rows


def candidates(queries: Vectors, base: Vectors, k: int) -> tuple[Scores, Rows]:
    """Find k candidates for each query on the device at hand; scores are as the device rounds them (float32)."""
    if gpus() and k <= GPU_MAX_K:
        budget = _free_gpu_bytes()
        scores, rows = faiss.knn_gpu(
            _gpu_resources(),
            queries,
            base,
            k,
            metric=faiss.METRIC_INNER_PRODUCT,
            vectorsMemoryLimit=budget // 2,
            queriesMemoryLimit=budget // 8,
        )
        return np.asarray(scores, dtype=np.float32), rows
    if _has_cuda():
        return tensors.nearest(queries, base, k)
    return on_cpu(queries, base, k)


def on_cpu(queries: Vectors, base: Vectors, k: int) -> tuple[Scores, Rows]:
    """Find k candidates for each query on the CPU."""
    if len(queries) >= TILED_QUERIES and k <= TILED_MAX_K:
        return tiled(queries, base, k)
    scores, rows = faiss.knn(queries, base, k, metric=faiss.METRIC_INNER_PRODUCT)
    return np.asarray(scores, dtype=np.float32), rows


def device_rounding() -> float:
    """Return by how much more than float32 sums the scores of `candidates` may be off."""
    return tensors.ROUNDING["float16"] if not gpus() and _has_cuda() else 0.0


@lru_cache(maxsize=1)
def _has_cuda() -> bool:
    return tensors.has_cuda()


@lru_cache(maxsize=1)
def _gpu_resources() -> Any:
    return faiss.StandardGpuResources()


def _free_gpu_bytes() -> int:
    """Return what we allow ourselves of the device: FAISS tiles sets that are larger and keeps a running top k."""
    free = getattr(faiss, "getFreeMemory", None)
    return int(free(0) * 0.8) if free else 8 * 2**30


def centroids(vectors: Vectors, k: int, seed: int, *, iterations: int = 20, points: int = 256) -> Vectors:
    """Return the centroids (cells, d), unit length, of at most k cells (spherical k-means).

    Args:
        vectors: (n, d), unit length.
        k: Cells, at least 1; no more than n are made.
        seed: Of the initial centroids and of the training sample.
        iterations: Of Lloyd.
        points: A cell that are trained on, at most.
    """
    cells = min(k, len(vectors))
    if cells < 1:
        raise ValueError(f"k is {k} for {len(vectors)} vectors")
    engine = faiss.Kmeans(
        vectors.shape[1],
        cells,
        niter=iterations,
        seed=seed % 2**31,
        spherical=True,
        gpu=bool(gpus()),
        min_points_per_centroid=1,
        max_points_per_centroid=points,
    )
    engine.train(vectors)
    return np.ascontiguousarray(engine.centroids, dtype=np.float32)


def kmeans(vectors: Vectors, k: int, seed: int, *, iterations: int = 20) -> tuple[Vectors, Rows]:
    """Return the `centroids` of at most k cells, and the cell of each vector (n,), the lower cell on ties."""
    made = centroids(vectors, k, seed, iterations=iterations)
    return made, exact(vectors, made, 1)[1][:, 0]


Kind = Literal["flat", "ivf_flat", "ivf_sq8", "ivf_rabitq", "hnsw"]

FLAT_ROWS = 200_000  # up to here exact search of batches is faster than IVF at the same recall (README)
COMPACT_ROWS = 5_000_000  # from here on one byte a number is too much; one bit is kept, and the vectors on disk
LEAST_RECALL = 0.95
_CALIBRATED_ROWS = 256
_CALIBRATED_K = 10
_SAMPLE_ERROR = 0.005  # of a recall that is measured on so many
_EFFORTS = tuple(2**power for power in range(1, 12))
_TRAINED_ROWS = 64  # for each cell
_REFINED = {"ivf_flat": 1, "ivf_sq8": 2, "ivf_rabitq": 16, "hnsw": 2}  # candidates for each neighbour, scored anew
_FEW = 0.05  # below this share of allowed rows, a copy of them is searched
_MOST_REMOVED = 0.1  # beyond this share of rows that are removed but still inside, the index is built anew


def choose(rows: int, wanted: str = "auto") -> Kind:
    """Choose a kind of index by size: the one rule.

    flat (exact) up to 200,000 rows; ivf_sq8 (one byte a number) up to 5 million; ivf_rabitq (one bit) beyond. All but
    flat find candidates that are scored anew on the vectors themselves, with as many cells probed as a recall@10 of .95
    takes, measured on 256 rows when the index is built. hnsw is there for single queries under latency, by wish only:
    it takes six times as long to build and cannot forget.

    Raises:
        UsageError: There is no such kind.
    """
    if wanted == "auto":
        return "flat" if rows <= FLAT_ROWS else "ivf_sq8" if rows <= COMPACT_ROWS else "ivf_rabitq"
    if wanted not in get_args(Kind):
        raise UsageError(f"there is no index `{wanted}`", hint=f"there are: auto, {', '.join(get_args(Kind))}")
    return cast("Kind", wanted)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the manifest of an index says of it."""

    wanted: str
    seed: int
    kind: str
    recall: float


class Index:
    """Vectors by id that are searched, grow, shrink, and outlive the process.

    Rows are in the order of ids, whatever order they came in: row numbers change when texts are added or removed, ids
    do not. FAISS knows a row by a label that it keeps for life.
    """

    def __init__(self, ids: NDArray[np.str_], vectors: Vectors, wanted: str, seed: int) -> None:
        self._ids = ids
        self._vectors = vectors
        self._wanted = wanted
        self._seed = seed
        self._engine: Any = None
        self._labels = np.arange(len(ids), dtype=np.int64)
        self.kind = choose(len(ids), wanted)
        self.recall = 1.0  # share of the 10 true nearest that a search finds, on a sample, when the index was built

    @classmethod
    def build(cls, ids: Sequence[str], vectors: Vectors, *, kind: str = "auto", seed: int = 0) -> Self:
        """Index vectors by id.

        Args:
            ids: One for each vector, each once.
            vectors: (n, d) float32, unit length.
            kind: What `choose` takes.
            seed: Of the cells.

        Raises:
            UsageError: Ids repeat, or are not as many as the vectors.
        """
        named = np.asarray(ids, dtype=np.str_)
        if len(named) != len(vectors) or len(np.unique(named)) != len(named):
            raise UsageError(f"{len(named)} ids ({len(np.unique(named))} different) for {len(vectors)} vectors")
        order = np.argsort(named, kind="stable")
        found = cls(named[order], np.ascontiguousarray(checked(vectors)[order]), kind, seed)
        found._rebuild()
        return found

    @property
    def ids(self) -> list[str]:
        """Ids in the order of rows."""
        return self._ids.tolist()

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, queries: Vectors, k: int, *, allowed: NDArray[np.bool_] | None = None, keep: Keep | None = None
    ) -> tuple[Scores, Rows]:
        """Return the k nearest rows of each query.

        Args:
            queries: (nq, d), unit length.
            k: Neighbours per query.
            allowed: (n,) rows that any query may find, such as those of a language, a source or a split.
            keep: A filter by query, as in `kept`: not itself, not of the same document.

        Returns:
            Scores (nq, k) and rows (nq, k), final and in the one order; -inf and -1 where rows run out.
        """
        keep = keep or everything
        if allowed is None:
            return filtered(self._find, queries, len(self), k, keep)
        if self._engine is not None and allowed.mean() >= _FEW:
            return filtered(self._find, queries, len(self), k, lambda asked, s, r: allowed[r] & keep(asked, s, r))
        own = np.append(np.flatnonzero(allowed), -1)  # the last is where -1 points to
        part = np.ascontiguousarray(self._vectors[own[:-1]])
        scores, rows = kept(queries, part, k, lambda asked, s, r: keep(asked, s, own[r]))
        return scores, own[rows]

    def _find(self, queries: Vectors, count: int) -> tuple[Scores, Rows]:
        """Search without a filter; FAISS's candidates get their final scores, those that were removed are dropped."""
        if self._engine is None:
            return exact(queries, self._vectors, count)
        fetch = min(count * _REFINED[self.kind] + self._engine.ntotal - len(self), self._engine.ntotal)
        row_of = np.full(self._engine.ntotal + 1, -1, dtype=np.int64)  # the last is for -1, nothing found
        row_of[self._labels] = np.arange(len(self))
        return ranked(queries, self._vectors, row_of[self._engine.search(queries, fetch)[1]], count)

    def add(self, ids: Sequence[str], vectors: Vectors) -> int:
        """Add vectors and return how many were new; an id that is there already keeps the vector it has."""
        named, first = np.unique(np.asarray(ids, dtype=np.str_), return_index=True)
        is_new = ~np.isin(named, self._ids)
        named, own = named[is_new], np.ascontiguousarray(checked(vectors)[first[is_new]])
        start = len(self._labels) if self._engine is None else self._engine.ntotal
        everyone = np.concatenate([self._ids, named])
        order = np.argsort(everyone, kind="stable")
        self._ids = everyone[order]
        self._vectors = np.ascontiguousarray(np.concatenate([self._vectors, own])[order])
        self._labels = np.concatenate([self._labels, np.arange(start, start + len(named))])[order]
        if choose(len(self), self._wanted) != self.kind:
            self._rebuild()
        elif self._engine is not None and len(own):
            self._engine.add(own)
        return len(named)

    def remove(self, ids: Sequence[str]) -> int:
        """Forget ids and return how many were there; saved again, their vectors are gone from the disk too."""
        stays = ~np.isin(self._ids, np.asarray(ids, dtype=np.str_))
        gone = len(self) - int(stays.sum())
        self._ids, self._labels = self._ids[stays], self._labels[stays]
        self._vectors = np.ascontiguousarray(self._vectors[stays])
        stale = 0 if self._engine is None else self._engine.ntotal - len(self)
        if choose(len(self), self._wanted) != self.kind or stale > _MOST_REMOVED * len(self):
            self._rebuild()
        return gone

    def _rebuild(self) -> None:
        self.kind = choose(len(self), self._wanted)
        self._labels = np.arange(len(self), dtype=np.int64)
        self._engine, self.recall = None, 1.0
        if self.kind != "flat" and len(self):
            self._engine = _trained(self._vectors, self.kind, self._seed)
            self._engine.add(self._vectors)
            self._calibrate()

    def _calibrate(self) -> None:
        """Probe as few cells as give the recall that we ask for, on rows spread over the set."""
        sample = np.unique(np.linspace(0, len(self) - 1, _CALIBRATED_ROWS).astype(np.int64))
        queries, k = np.ascontiguousarray(self._vectors[sample]), min(_CALIBRATED_K + 1, len(self))
        truth = exact(queries, self._vectors, k)[1]
        others = truth != sample[:, None]  # each finds itself, which is no merit

        def suffices(effort: int) -> bool:
            _put_effort(self._engine, effort)
            hits = (truth[:, :, None] == self._find(queries, k)[1][:, None, :]).any(axis=2)
            self.recall = float((hits & others).sum() / max(1, others.sum()))
            return self.recall >= LEAST_RECALL + _SAMPLE_ERROR

        high = next((effort for effort in _EFFORTS if suffices(effort)), _EFFORTS[-1])
        low = high // 2
        while high - low > max(1, high // 8):
            low, high = (low, (low + high) // 2) if suffices((low + high) // 2) else ((low + high) // 2, high)
        suffices(high)

    def save(self, folder: Path, fingerprint: str) -> None:
        """Write the index into a folder of the store, where `load` finds it while it is of this fingerprint."""
        facts = asdict(_Facts(self._wanted, self._seed, self.kind, self.recall))

        def write(path: Path) -> None:
            np.save(path / "vectors.npy", self._vectors, allow_pickle=False)
            np.save(path / "ids.npy", self._ids, allow_pickle=False)
            np.save(path / "labels.npy", self._labels, allow_pickle=False)
            if self._engine is not None:
                faiss.write_index(self._engine, str(path / "engine.faiss"))

        manifests.write(folder, fingerprint, facts, write)

    @classmethod
    def load(cls, folder: Path, fingerprint: str, root: Path) -> Self | None:
        """Read an index of this fingerprint, or None: it is missing, stale, damaged, or not of this store.

        Args:
            folder: Where `save` wrote.
            fingerprint: Of what it must be made of.
            root: The store; an index is never loaded from elsewhere.
        """
        facts = manifests.read(folder, fingerprint, root, _Facts)
        if facts is None or not {facts.wanted, facts.kind} <= {"auto", *get_args(Kind)}:
            return None
        vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
        found = cls(np.load(folder / "ids.npy", allow_pickle=False), vectors, facts.wanted, facts.seed)
        found._labels = np.load(folder / "labels.npy", allow_pickle=False)
        found.kind, found.recall = facts.kind, facts.recall
        if (folder / "engine.faiss").is_file():
            found._engine = faiss.read_index(str(folder / "engine.faiss"))
        return found


def load_or_build(folder: Path, fingerprint: str, root: Path, build: Callable[[], Index]) -> Index:
    """Load an index, or build and save it where there is none that can be believed."""
    found = Index.load(folder, fingerprint, root)
    if found is None:
        found = build()
        found.save(folder, fingerprint)
    return found


def everything(_: Rows, scores: Scores, rows: Rows) -> NDArray[np.bool_]:  # noqa: ARG001 - a filter has these arguments
    """Keep all: the filter that is none."""
    return np.ones(rows.shape, dtype=np.bool_)


def _trained(vectors: Vectors, kind: str, seed: int) -> Any:
    """Make an empty FAISS index, its cells learned from rows spread over the set; about 4 sqrt(n) cells."""
    n, width = vectors.shape
    cells = max(1, min(2 ** round(np.log2(4 * np.sqrt(n))), n // 40))
    spec = {
        "ivf_flat": f"IVF{cells},Flat",
        "ivf_sq8": f"IVF{cells},SQ8",
        "ivf_rabitq": f"RR{width},IVF{cells},RaBitQfs",
        "hnsw": "HNSW32,SQ8",
    }[kind]
    engine = faiss.index_factory(width, spec, faiss.METRIC_INNER_PRODUCT)
    inner = faiss.try_extract_index_ivf(engine)
    if inner is not None:
        inner.cp.seed = seed % 2**31
        inner.cp.min_points_per_centroid = 1
    else:
        cast("Any", faiss.downcast_index(engine)).hnsw.efConstruction = 100
    sample = np.unique(np.linspace(0, n - 1, min(n, _TRAINED_ROWS * cells)).astype(np.int64))
    engine.train(np.ascontiguousarray(vectors[sample]))
    return engine


def _put_effort(engine: Any, effort: int) -> None:
    """Set how many cells are probed, or how wide the graph is walked."""
    inner = faiss.try_extract_index_ivf(engine)
    if inner is not None:
        inner.nprobe = min(effort, inner.nlist)
    else:
        cast("Any", faiss.downcast_index(engine)).hnsw.efSearch = 8 * effort
