"""How near to the hardware, how far from the naive way: `python -m tests.bench.neighbours [--small] [NAME ...]`.

Every figure is a ratio to something measured in the same run: the sgemm rate of this machine, the exact answer, or the
loop that a method's definition is. `by cpu` divides processor seconds, which a busy machine disturbs less than `by
wall`. A figure with a target prints it, and whether it was reached; with `--small` sizes the targets do not apply.
Vectors: `syn`, 2,000 clusters; `real`, texts of `../shared/data` through the default embedder, where those are.
"""

import argparse
import gzip
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import tasks  # noqa: F401 - pins the BLAS kernel before numpy is loaded

import faiss  # isort: skip
import numpy as np
import polars as pl
from numba import get_num_threads

from tasks.contracts.records import content_id
from tasks.contracts.vectors import Rows, Vectors, unit
from tasks.io import index, tensors
from tasks.methods import hashing_embedder, neighbour_graph, overlap_graph, representatives, semantic_duplicates

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


class Figure(NamedTuple):
    """A line of the table; `value` is compared with `target` (at least), None where there is no target."""

    name: str
    conditions: str
    by_wall: float
    by_cpu: float
    unit: str
    target: float | None = None
    note: str = ""


class Spent(NamedTuple):
    """What a call took, and what it returned."""

    wall: float
    cpu: float
    value: Any


def spend(function: Callable[..., Any], *arguments: Any, **named: Any) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    value = function(*arguments, **named)
    return Spent(time.perf_counter() - wall, time.process_time() - cpu, value)


def peak() -> tuple[float, float]:
    """Return the sgemm rate of this machine, in flop by wall second and by processor second: the best of five."""
    size = 4096
    matrix = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    runs = [spend(np.matmul, matrix, matrix) for _ in range(6)][1:]
    return 2 * size**3 / min(run.wall for run in runs), 2 * size**3 / min(run.cpu for run in runs)


def of_peak(name: str, conditions: str, flop: float, run: Spent, target: float | None = None, note: str = "") -> Figure:
    """Express a run as a share of sgemm, measured again right now: a busy machine changes from minute to minute."""
    by_wall, by_cpu = peak()
    return Figure(name, conditions, flop / run.wall / by_wall, flop / run.cpu / by_cpu, "of sgemm", target, note)


def against(
    name: str, conditions: str, naive: Spent, ours: Spent, target: float | None = None, note: str = ""
) -> Figure:
    return Figure(name, conditions, naive.wall / ours.wall, naive.cpu / ours.cpu, "times faster", target, note)


def synthetic(rows: int, width: int, seed: int = 0) -> Vectors:
    """Rows around 2,000 centres: easy for approximate search."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((2000, width), dtype=np.float32)
    cells = rng.integers(0, 2000, rows)
    parts = []
    for start in range(0, rows, 100_000):
        own = cells[start : start + 100_000]
        parts.append(unit(centres[own] + 0.5 * rng.standard_normal((len(own), width), dtype=np.float32)))
    return np.concatenate(parts)


def real(rows: int, width: int) -> Vectors | None:
    """Texts of the shared corpora through the default embedder, hard to search approximately; None without them."""
    if not SHARED.is_dir():
        return None
    texts: list[str] = []
    for name, field in (("pool_alpaca_a", "instruction"), ("pool_t0_a", "prompt"), ("seeds_knn_instruct_a", "prompt")):
        texts += [_text(row, field) for row in _lines(SHARED / "instructions" / f"{name}.jsonl.gz")]
    for corpus in ("vaswani_npl", "cranfield"):
        texts += [row["text"] for row in _lines(SHARED / "retrieval" / corpus / "corpus.jsonl.gz")]
    for row in _lines(SHARED / "web" / "wcxb_dev_a.gold.jsonl.gz"):
        texts += [part for part in (row["main_content"] or "").split("\n") if len(part) > 80]
    texts = sorted(set(texts), key=content_id)[:rows]
    return hashing_embedder.fit(texts[:20_000], width, 2**16, 0).embed(texts).vectors


def _text(row: dict[str, Any], field: str) -> str:
    return str(row.get(field) or row.get("instruction") or row.get("prompt") or next(iter(row.values())))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")]


def recall(found: Rows, truth: Rows) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, truth, strict=True)]))


def sets(rows: int, width: int) -> list[tuple[str, Vectors]]:
    made = [("syn", synthetic(rows, width)), ("real", real(rows, width))]
    return [(name, vectors) for name, vectors in made if vectors is not None]


def bench_exact(rows: int) -> list[Figure]:
    """Search of a set in itself, and its graph, against the rate of sgemm."""
    figures = []
    for width, graph_target, kinds in ((384, 1.30, ("syn", "real")), (1024, 1.50, ("syn",))):
        for kind, vectors in sets(rows, width):
            if kind not in kinds:
                continue
            n = len(vectors)
            flop, at = 2.0 * n * n * width, f"{kind} n={n:,} d={width} k=10"
            index.exact(vectors[:3000], vectors[:3000], 10)  # compile
            neighbour_graph.exact_graph(vectors[:3000], 10)
            searched = spend(index.exact, vectors, vectors, 10, find=index.on_cpu)
            figures.append(of_peak("exact search", at, flop, searched, 0.82 if width == 384 else 0.86))
            shipped = spend(faiss.knn, vectors, vectors, 10, metric=faiss.METRIC_INNER_PRODUCT)
            figures.append(of_peak("  peer: faiss.knn, kernel pinned", at, flop, shipped))
            graph = spend(neighbour_graph.exact_graph, vectors, 10)
            same = np.abs(graph.value[0][:, -2] - _ninth_other(*searched.value)).max()
            figures.append(
                of_peak(
                    "exact graph",
                    at,
                    flop,
                    graph,
                    graph_target,
                    f"largest difference of 9th scores from the search: {same:.0e}",
                )
            )
            figures += _bf16(vectors, graph.value[1], at, flop)
    return figures


def _ninth_other(scores: Any, rows: Rows) -> Any:
    """Return the score of the ninth row beside the row itself, of the ten that a search found."""
    own = rows == np.arange(len(rows))[:, None]
    return np.where(own.any(axis=1), scores[:, -1], scores[:, -2])


def _bf16(vectors: Vectors, truth: Rows, at: str, flop: float) -> list[Figure]:
    if not tensors.has_bf16():
        return []
    coarse = {"multiply": tensors.bf16_product, "rounding": np.inf, "spare": 14}
    neighbour_graph.exact_graph(vectors[:3000], 10, **coarse)
    run = spend(neighbour_graph.exact_graph, vectors, 10, **coarse)
    found = recall(run.value[1], truth)
    return [of_peak("graph through bf16, scored anew", at, flop, run, 2.00, f"recall {found:.4f} (must be .997)")]


def bench_million(rows: int) -> list[Figure]:
    """The approximate graph and search of a large set."""
    vectors = synthetic(rows, 384)
    at = f"syn n={rows:,} d=384 k=10"
    sample = np.linspace(0, rows - 1, 1000).astype(np.int64)
    queries = np.ascontiguousarray(vectors[sample])
    exact = spend(index.exact, queries, vectors, 11, find=index.on_cpu)
    truth = np.array(
        [[row for row in found if row != own][:10] for own, found in zip(sample, exact.value[1], strict=True)]
    )
    whole = Spent(exact.wall * rows / 1000, exact.cpu * rows / 1000, None)

    def graph() -> Rows:
        centroids, _ = index.kmeans(vectors, max(8, rows // 1000), seed=0, iterations=6)
        return overlap_graph.overlap_graph(vectors, 10, centroids, index.exact, joined=2)[1]

    run = spend(graph)
    note = f"recall {recall(run.value[sample], truth):.4f} (must be .98), {run.wall:.0f} s; exact from 1,000 rows"
    figures = [against("approximate graph", at, whole, run, 50, note)]
    ids = [f"{i:08}" for i in range(rows)]
    chosen = index.choose(rows)
    for kind in ("ivf_flat", "ivf_sq8", "ivf_rabitq"):
        built = spend(index.Index.build, ids, vectors, kind=kind)
        run = spend(built.value.search, queries, 11)
        found = np.array([[r for r in rows_ if r != own][:10] for own, rows_ in zip(sample, run.value[1], strict=True)])
        note = (
            f"recall {recall(found, truth):.3f}, {1000 / run.cpu:,.0f} queries/core-s, built in {built.cpu:.0f} core-s"
        )
        name = f"approximate search, {kind}" + (" (the rule's choice)" if kind == chosen else "")
        figures.append(against(name, at, exact, run, None, note))
    return figures


def bench_choice(rows: int) -> list[Figure]:
    """Selection: batched against the loop."""
    figures = []
    for kind, vectors in sets(rows, 384):
        n = len(vectors)
        at = f"{kind} n={n:,} d=384"
        order = np.random.default_rng(1).permutation(n)
        representatives.filtered(vectors[:2000], np.arange(2000))
        ours = spend(representatives.filtered, vectors, order, 0.9)
        naive = spend(_filter_loop, vectors, order, 0.9)
        figures.append(against("Repr Filter, t=.9", at, naive, ours, 10, _same(naive.value, ours.value)))
        m = min(2000, n // 10)
        representatives.centres(vectors[:2000], 100)
        ours = spend(representatives.centres, vectors, m)
        naive = spend(_centre_loop, vectors, m)
        note = f"radius {ours.value[1]:.6f}, loop {naive.value:.6f}"
        figures.append(against(f"k-center, m={m:,}", at, naive, ours, 7, note))
        figures.append(_facilities(vectors, at, m))
        figures += _cells(vectors, at)
    return figures


def _filter_loop(vectors: Vectors, order: Rows, threshold: float) -> Rows:
    kept, count, admitted = np.empty_like(vectors), 0, []
    for row in order:
        if not count or (kept[:count] @ vectors[row]).max() < threshold:
            kept[count] = vectors[row]
            count += 1
            admitted.append(row)
    return np.array(admitted)


def _same(one: Rows, two: Rows) -> str:
    return "the same picks" if np.array_equal(one, two) else f"picks differ: {len(np.setxor1d(one, two))} of {len(one)}"


def _centre_loop(vectors: Vectors, count: int) -> float:
    nearest = vectors @ vectors[0]
    for _ in range(count - 1):
        nearest = np.maximum(nearest, vectors @ vectors[nearest.argmin()])
    return float(1 - nearest.min())


def _facilities(vectors: Vectors, at: str, count: int) -> Figure:
    """Compare with plain greedy on the whole similarity matrix: timed for a few picks, the others cost the same."""
    graph = neighbour_graph.exact_graph(vectors, 32)
    representatives.facilities(graph[0][:500, :4], np.where(graph[1][:500, :4] < 500, graph[1][:500, :4], -1), 5)
    ours = spend(representatives.facilities, *graph, count)

    def picks(number: int) -> None:
        best = np.zeros(len(vectors), dtype=np.float32)
        for _ in range(number):
            gains = np.concatenate(
                [
                    np.maximum(vectors[start : start + 1024] @ vectors.T - best, 0).sum(axis=1)
                    for start in range(0, len(vectors), 1024)
                ]
            )
            best = np.maximum(best, vectors @ vectors[gains.argmax()])

    one = spend(picks, 1)
    dense = Spent(one.wall * count, one.cpu * count, None)
    note = f"dense greedy: one pick of {count:,} timed; graph k=32 not counted in ours"
    return against(f"facility location, m={count:,}", at, dense, ours, 500, note)


def _cells(vectors: Vectors, at: str) -> list[Figure]:
    threshold = 0.9
    everything = spend(semantic_duplicates.pairs, vectors, threshold)
    left, right, _ = everything.value
    cells = round(len(vectors) ** 0.5)

    def divided() -> tuple[Rows, Any]:
        centroids, of = index.kmeans(vectors, cells, seed=0, iterations=5)
        return of, semantic_duplicates.within_cells(vectors, of, centroids, threshold)

    run = spend(divided)
    of, stays = run.value
    found = float((of[left] == of[right]).mean()) if len(left) else 1.0
    note = f"pair recall {found:.3f} (must be .95) of {len(left):,}; {int((~stays).sum()):,} rows go"
    return [against(f"SemDeDup, C={cells}", at, everything, run, 10, note)]


def bench_retrieval() -> list[Figure]:
    """nDCG@10 of keywords, vectors and both, on two judged collections."""
    from tests.bench.retrieval_quality import judged

    return [
        Figure(f"nDCG@10 {name}", conditions, value, value, "nDCG@10", target)
        for name, conditions, value, target in judged(SHARED)
    ]


def bench_memory(rows: int) -> list[Figure]:
    """The largest this process grew to, against the matrix that it searched."""
    vectors = synthetic(rows, 384)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    neighbour_graph.exact_graph(vectors, 10)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    note = f"matrix {vectors.nbytes / 2**20:.0f} MB; peak rose by {grown:.0f} MB (0 if an earlier part was larger)"
    return [Figure("memory of the exact graph", f"n={rows:,} d=384", grown, grown, "MB beyond the matrix", None, note)]


def shown(figures: list[Figure], *, is_small: bool) -> pl.DataFrame:
    rows = []
    for figure in figures:
        best = max(figure.by_wall, figure.by_cpu)
        verdict = (
            "" if figure.target is None else "small" if is_small else "reached" if best >= figure.target else "MISSED"
        )
        rows.append(
            {
                "figure": figure.name,
                "conditions": figure.conditions,
                "by wall": round(figure.by_wall, 3),
                "by cpu": round(figure.by_cpu, 3),
                "unit": figure.unit,
                "must reach": figure.target,
                "": verdict,
                "note": figure.note,
            }
        )
    return pl.DataFrame(rows)


def main() -> None:
    """Run the named parts, or all, and print the table."""
    parser = argparse.ArgumentParser(description="Figures of the neighbour engine, with peers in the same run.")
    parser.add_argument("names", nargs="*", help="exact, choice, million, retrieval, memory; all by default")
    parser.add_argument("--small", action="store_true", help="sizes for a check that it runs; targets do not apply")
    parser.add_argument("--rows", type=int, help="rows of every set, instead of those that the targets are for")
    options = parser.parse_args()

    def size(full: int, small: int) -> int:
        return options.rows or (small if options.small else full)

    parts: dict[str, Callable[[], list[Figure]]] = {
        "exact": lambda: bench_exact(size(50_000, 3000)),
        "choice": lambda: bench_choice(size(50_000, 2000)),
        "million": lambda: bench_million(size(1_000_000, 20_000)),
        "retrieval": bench_retrieval,
        "memory": lambda: bench_memory(size(50_000, 3000)),
    }
    by_wall, by_cpu = peak()
    print(f"threads {get_num_threads()}, kernel {os.environ.get('OPENBLAS_CORETYPE')}, load {os.getloadavg()[0]:.1f}")
    print(f"sgemm {by_wall / 1e9:.0f} GF/s by wall, {by_cpu / 1e9:.0f} GF per core-second; bf16: {tensors.has_bf16()}")
    gpu = (
        "no GPU was at hand: the GPU path is not measured"
        if not (index.gpus() or tensors.has_cuda())
        else "GPU at hand"
    )
    print(gpu, flush=True)
    figures: list[Figure] = []
    for name in options.names or parts:
        if name == "retrieval" and not SHARED.is_dir():
            print("retrieval: needs ../shared/data, which is not here")
            continue
        figures += parts[name]()
        print(f"{name} done, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    is_small = options.small or options.rows is not None
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=90, tbl_width_chars=240, tbl_hide_dataframe_shape=True):
        print(shown(figures, is_small=is_small))


if __name__ == "__main__":
    main()
