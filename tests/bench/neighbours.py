"""How near to the hardware, how far from the naive way: `python -m tests.bench.neighbours [--small] [NAME ...]`.

Every figure is a ratio to something measured in the same run: the sgemm rate of this machine, the exact answer, or the
loop that a method's definition is. Each row is printed as soon as it is measured. A row with a target says whether it
was reached by wall time; `by cpu` divides processor seconds, which a busy machine disturbs less. With `--small` sizes
the targets do not apply. Vectors: `syn`, 2,000 clusters; `real`, texts of `../shared/data` through the default
embedder, where those are. On a machine with a GPU: `tests/bench/gpu.sh`.
"""

import argparse
import datetime as dt
import importlib.util
import math
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import wellspring.tasks  # noqa: F401 - pins the BLAS kernel before numpy is loaded

import faiss  # isort: skip
import numpy as np
from numba import get_num_threads

from tests.bench.judged_collections import read
from tests.bench.measurements import Figure, Spent, against, beside_peak, best, of_peak, peak, say, show, spend
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.contracts.vectors import Rows, Vectors, unit
from wellspring.tasks.io.vectors import index, tensors
from wellspring.tasks.methods.vectors import hashing_embedder, neighbour_graph, representatives, semantic_duplicates
from wellspring.tasks.spine.vectors import sharded_search

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SAMPLE_QUERIES = 1000
ELSEWHERE = {  # on a processor whose sgemm reaches 500 GF/s on two cores, before candidates were scored side by side
    "exact search": "on another processor .78 to .81. ",
    "exact graph": "on another processor 1.15 to 1.17 of real texts. ",
}


@lru_cache(maxsize=2)
def synthetic(rows: int, width: int, seed: int = 0) -> Vectors:
    """Rows around 2,000 centres: easy for approximate search."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((2000, width), dtype=np.float32)
    cells = rng.integers(0, 2000, rows)
    made = np.empty((rows, width), dtype=np.float32)
    for start in range(0, rows, 100_000):
        own = cells[start : start + 100_000]
        made[start : start + 100_000] = unit(
            centres[own] + 0.5 * rng.standard_normal((len(own), width), dtype=np.float32)
        )
    return made


@lru_cache(maxsize=1)
def real(rows: int, width: int) -> Vectors | None:
    """Texts of the shared corpora through the default embedder, hard to search approximately; None without them."""
    if not SHARED.is_dir():
        return None
    texts: list[str] = []
    for name, field in (("pool_alpaca_a", "instruction"), ("pool_t0_a", "prompt"), ("seeds_knn_instruct_a", "prompt")):
        texts += [_text(row, field) for row in read(SHARED / "instructions" / f"{name}.jsonl.gz")]
    for corpus in ("vaswani_npl", "cranfield"):
        texts += [row["text"] for row in read(SHARED / "retrieval" / corpus / "corpus.jsonl.gz")]
    for row in read(SHARED / "web" / "wcxb_dev_a.gold.jsonl.gz"):
        texts += [part for part in (row["main_content"] or "").split("\n") if len(part) > 80]
    texts = sorted(set(texts), key=content_id)[:rows]
    return hashing_embedder.fit(texts[:20_000], width, 2**16, 0).embed(texts).vectors


def _text(row: dict[str, Any], field: str) -> str:
    return str(row.get(field) or row.get("instruction") or row.get("prompt") or next(iter(row.values())))


def recall(found: Rows, truth: Rows) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, truth, strict=True)]))


def sets(rows: int, width: int) -> Iterator[tuple[str, Vectors]]:
    yield "syn", synthetic(rows, width)
    if (vectors := real(rows, width)) is not None:
        yield "real", vectors


def bench_exact(rows: int) -> Iterator[Figure]:
    """Search of a set in itself, and its graph, against the rate of sgemm."""
    for kind, vectors in sets(rows, 384):
        yield from _exact(kind, vectors, 0.82, 1.30)


def bench_wide(rows: int) -> Iterator[Figure]:
    """The same for wide vectors."""
    yield from _exact("syn", synthetic(rows, 1024), 0.86, 1.50)


def _exact(kind: str, vectors: Vectors, search_target: float, graph_target: float) -> Iterator[Figure]:
    n, width = vectors.shape
    flop, at = 2.0 * n * n * width, f"{kind} n={n:,} d={width} k=10"
    index.exact(vectors[:3000], vectors[:3000], 10)  # compile
    neighbour_graph.exact_graph(vectors[:3000], 10)
    searched = beside_peak(index.exact, vectors, vectors, 10, find=index.on_cpu)
    yield of_peak("exact search", at, flop, searched, search_target, ELSEWHERE["exact search"])
    shipped = beside_peak(faiss.knn, vectors, vectors, 10, metric=faiss.METRIC_INNER_PRODUCT)
    yield of_peak("peer: faiss.knn, kernel pinned", at, flop, shipped)
    graph = beside_peak(neighbour_graph.exact_graph, vectors, 10)
    same = np.abs(graph.value[0][:, -2] - _ninth_other(*searched.value)).max()
    note = f"{ELSEWHERE['exact graph']}9th scores differ from the search by {same:.0e}"
    yield of_peak("exact graph", at, flop, graph, graph_target, note)
    if tensors.has_bf16():
        coarse = {"multiplier": tensors.bf16_products, "rounding": np.inf, "spare": 14}
        neighbour_graph.exact_graph(vectors[:3000], 10, **coarse)
        run = beside_peak(neighbour_graph.exact_graph, vectors, 10, **coarse)
        found = recall(run.value[1], graph.value[1])
        yield of_peak("graph through bf16, scored anew", at, flop, run, 2.00, f"recall {found:.4f} (must be .997)")


def _ninth_other(scores: Any, rows: Rows) -> Any:
    """Return the score of the ninth row beside the row itself, of the ten that a search found."""
    own = rows == np.arange(len(rows))[:, None]
    return np.where(own.any(axis=1), scores[:, -1], scores[:, -2])


@lru_cache(maxsize=1)
def _million(rows: int) -> tuple[Vectors, Rows, Vectors, Spent, Rows]:
    """Return a large set, 1,000 of its rows, those again as queries, what their exact search took, and its answer."""
    say(f"drawing {rows:,} vectors")
    vectors = synthetic(rows, 384)
    sample = np.linspace(0, rows - 1, SAMPLE_QUERIES).astype(np.int64)
    queries = np.ascontiguousarray(vectors[sample])
    index.exact(queries, vectors[:3000], 11, find=index.on_cpu)  # compile
    exact = spend(index.exact, queries, vectors, 11, find=index.on_cpu)
    return vectors, sample, queries, exact, _others(sample, exact.value[1])


def _others(own: Rows, found: Rows) -> Rows:
    """Return the first ten rows found for each that are not the row itself."""
    return np.array([[row for row in rows if row != self_][:10] for self_, rows in zip(own, found, strict=True)])


def bench_graph(rows: int) -> Iterator[Figure]:
    """The approximate graph of a large set, against its exact search and its exact graph."""
    vectors, sample, _, exact, truth = _million(rows)
    at = f"syn n={rows:,} d=384 k=10"
    part = min(rows, 50_000)
    neighbour_graph.exact_graph(vectors[:3000], 10)
    say(f"exact graph of {part:,} rows")
    symmetric = spend(neighbour_graph.exact_graph, np.ascontiguousarray(vectors[:part]), 10).times((rows / part) ** 2)

    def graph() -> tuple[Any, Rows]:
        centroids = index.centroids(vectors, max(8, rows // 1000), seed=0, iterations=6, points=64)
        return sharded_search.graph(Settings(), path, 10, centroids)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npy"  # as a store keeps it
        np.save(path, vectors)
        say("approximate graph")
        run = spend(graph)._replace(cpu=math.nan)  # the seconds of workers are not those of this process
        say("approximate graph, again")
        again = graph()
    found = f"recall {recall(run.value[1][sample], truth):.4f} (must be .98)"
    yield against(
        "approximate graph, against exact search",
        at,
        exact.times(rows / SAMPLE_QUERIES),
        run,
        50,
        f"{found}; exact: extrapolated from {SAMPLE_QUERIES:,} rows searched in all",
    )
    yield against(
        "approximate graph, against our exact graph",
        at,
        symmetric,
        run,
        50,
        f"{found}; exact: extrapolated from n={part:,} by n^2",
    )
    same = all(one.tobytes() == two.tobytes() for one, two in zip(again, run.value, strict=True))
    yield Figure("approximate graph twice", at, float(same), float(same), "equal to the bit", 1.0)


def bench_search(rows: int) -> Iterator[Figure]:
    """Approximate search of a large set: every kind of index, and whether the rule chose the fastest."""
    vectors, sample, queries, exact, truth = _million(rows)
    at = f"syn n={rows:,} d=384 k=10, {SAMPLE_QUERIES:,} queries"
    ids = [f"{i:08}" for i in range(rows)]
    chosen = index.choose(rows)
    rates = {"flat": SAMPLE_QUERIES / exact.wall}
    for kind in ("ivf_flat", "ivf_sq8", "ivf_rabitq", "hnsw"):
        say(f"building {kind}")
        built = spend(index.Index.build, ids, vectors, kind=kind)
        built.value.search(queries[:100], 11)
        run = best(built.value.search, queries, 11)
        reached = recall(_others(sample, run.value[1]), truth)
        if reached >= index.LEAST_RECALL:
            rates[kind] = SAMPLE_QUERIES / run.wall
        note = f"recall {reached:.3f}, {SAMPLE_QUERIES / run.wall:,.0f} queries/s, built in {built.wall:.0f} s"
        name = f"approximate search, {kind}" + (" (the rule's choice)" if kind == chosen else "")
        yield against(name, at, exact, run, None, note)
    fastest = max(rates, key=lambda kind: rates[kind])
    share = rates.get(chosen, 0.0) / rates[fastest]
    yield Figure(f"the rule's choice, {chosen}", at, share, share, "of the fastest at .95", 1.0, f"fastest: {fastest}")


def bench_filter(rows: int) -> Iterator[Figure]:
    """Repr Filter: batched against the loop."""
    for kind, vectors in sets(rows, 384):
        order = np.random.default_rng(1).permutation(len(vectors))
        representatives.filtered(vectors[:2000], np.arange(2000))
        ours = best(representatives.filtered, vectors, order, 0.9)
        say("the loop")
        naive = spend(_filter_loop, vectors, order, 0.9)
        note = f"{_same(naive.value, ours.value)}, {len(ours.value):,} kept"
        yield against("Repr Filter, t=.9", f"{kind} n={len(vectors):,} d=384", naive, ours, 10, note)


def bench_centres(rows: int) -> Iterator[Figure]:
    """k-center: batched against the loop."""
    for kind, vectors in sets(rows, 384):
        m = min(2000, len(vectors) // 10)
        representatives.centres(vectors[:2000], 100)
        ours = best(representatives.centres, vectors, m)
        say("the loop")
        naive = best(_centre_loop, vectors, m)
        note = f"radius {ours.value[1]:.6f}, loop {naive.value:.6f}"
        yield against(f"k-center, m={m:,}", f"{kind} n={len(vectors):,} d=384", naive, ours, 7, note)


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


def bench_facilities(rows: int) -> Iterator[Figure]:
    """Facility location: lazy on a graph against plain greedy on all similarities, of which one pick is timed."""
    for kind, vectors in sets(rows, 384):
        n, m = len(vectors), min(2000, len(vectors) // 10)
        graph = spend(neighbour_graph.exact_graph, vectors, 32)
        representatives.facilities(graph.value[0][:500, :4], graph.value[1][:500, :4] % 500, 5)
        ours = best(representatives.facilities, *graph.value, m)
        say("one pick of plain greedy")
        dense = spend(_dense_pick, vectors).times(m)
        note = f"one pick of {m:,} timed; ours without its graph (k=32), which takes {graph.wall:.1f} s"
        yield against(f"facility location, m={m:,}", f"{kind} n={n:,} d=384", dense, ours, 500, note)
        whole = Spent(ours.wall + graph.wall, ours.cpu + graph.cpu, None)
        yield against(f"facility location with its graph, m={m:,}", f"{kind} n={n:,} d=384", dense, whole, 500)


def _dense_pick(vectors: Vectors) -> int:
    covered = np.zeros(len(vectors), dtype=np.float32)
    starts = range(0, len(vectors), 1024)
    gains = [np.maximum(vectors[start : start + 1024] @ vectors.T - covered, 0).sum(axis=1) for start in starts]
    return int(np.concatenate(gains).argmax())


def bench_cells(rows: int) -> Iterator[Figure]:
    """SemDeDup within cells, against all pairs."""
    threshold = 0.9
    for kind, vectors in sets(rows, 384):
        semantic_duplicates.pairs(vectors[:3000], threshold)
        everything = spend(semantic_duplicates.pairs, vectors, threshold)
        left, right, _ = everything.value
        cells = round(len(vectors) ** 0.5)

        def divided(vectors: Vectors = vectors, cells: int = cells) -> tuple[Rows, Any]:
            centroids, of = index.kmeans(vectors, cells, seed=0, iterations=5)
            return of, semantic_duplicates.within_cells(vectors, of, centroids, threshold)

        run = spend(divided)
        of, stays = run.value
        found = float((of[left] == of[right]).mean()) if len(left) else 1.0
        note = f"pair recall {found:.3f} (must be .95) of {len(left):,}; {int((~stays).sum()):,} rows go"
        yield against(f"SemDeDup, C={cells}", f"{kind} n={len(vectors):,} d=384", everything, run, 10, note)


def bench_memory(rows: int) -> Iterator[Figure]:
    """How far a process grows beyond its matrix, in one of its own; the larger set shows what grows with it."""
    for n in (rows, 2 * rows):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vectors.npy"
            np.save(path, synthetic(n, 384))
            synthetic.cache_clear()
            for name in ("exact search", "exact graph"):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    grown = pool.apply(_grown, (str(path), name))
                note = f"matrix {n * 384 * 4 / 2**20:.0f} MB; of this the answer is {n * 10 * 12 / 2**20:.0f} MB"
                yield Figure(f"memory of the {name}", f"n={n:,} d=384 k=10", grown, grown, "MB beyond", None, note)


def _grown(path: str, name: str) -> float:
    """Return by how many MB the peak of this process exceeds what it held with the matrix, its code compiled."""
    vectors = np.load(path)
    call = {
        "exact search": lambda part: index.exact(part, part, 10),
        "exact graph": lambda part: neighbour_graph.exact_graph(part, 10),
    }[name]
    call(vectors[:4000])
    before = _status("VmRSS")
    call(vectors)
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    """Return a size of this process in kB; getrusage would count what its parent held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def bench_gpu(rows: int, device: str = "cuda") -> Iterator[Figure]:
    """Search, near copies and the exact graph on a device of PyTorch, against its matrix rate and the plain way."""
    if device == "cuda" and not tensors.has_cuda():
        say("no GPU was at hand: nothing to measure")
        return
    if importlib.util.find_spec("torch") is None:
        say("PyTorch is not installed: nothing to measure")
        return
    import torch  # pyright: ignore[reportMissingImports] - an extra

    vectors, k = synthetic(rows, 384), 32
    flop, at = 2.0 * rows * rows * 384, f"syn n={rows:,} d=384 k={k}, {device}, float16"
    part = torch.from_numpy(vectors[:16_384]).to(device, torch.float16)
    wait, times = (torch.cuda.synchronize, 20) if device == "cuda" else (lambda: None, 2)

    def plain(queries: Any, base: Any) -> None:
        for start in range(0, len(queries), 4096):
            torch.topk(queries[start : start + 4096] @ base.T, k, dim=1)
        wait()

    def multiply() -> None:
        for _ in range(times):
            torch.mm(part, part.T)
        wait()

    multiply()
    rate = times * 2.0 * len(part) ** 2 * 384 / best(multiply).wall
    whole = torch.from_numpy(vectors).to(device, torch.float16)
    sample = whole[: min(rows, 65_536)]
    torch_way = best(plain, sample, whole).times(rows / min(rows, 65_536))
    del whole, sample

    def find(queries: Vectors, base: Vectors, count: int) -> Any:
        return tensors.nearest(queries, base, count, device=device)

    say("exact graph")
    candidates = best(find, vectors, vectors, 2 * k + index.SPARE)
    ours = best(index.exact, vectors, vectors, k, find=find, rounding=tensors.ROUNDING["float16"])
    checked = np.linspace(0, rows - 1, 200).astype(np.int64)
    truth = index.exact(np.ascontiguousarray(vectors[checked]), vectors, k, find=index.on_cpu)[1]
    note = f"{rate / 1e12:.0f} TF/s measured; recall {recall(ours.value[1][checked], truth):.4f} (must be 1)"
    for name, run in ((f"candidates on {device}", candidates), (f"exact graph on {device}, proven", ours)):
        share = flop / run.wall / rate
        yield Figure(name, at, share, share, "of its matrix rate", 0.40, f"{run.wall:.2f} s; {note}")
        yield against(f"{name}, against torch mm + topk", at, torch_way, run, 2)
    yield from _beside_cpu(vectors, find, at)
    if index.gpus():
        shipped = best(index.candidates, vectors, vectors, k)
        yield against(f"exact graph on {device}, against faiss.knn_gpu", at, shipped, ours)


def _beside_cpu(vectors: Vectors, find: index.Search, at: str) -> Iterator[Figure]:
    """Search by few, and near copies of a half in the other, on a device and on this CPU."""
    half, few = len(vectors) // 2, min(len(vectors) // 2, 10_000)
    for name, asked, base, wanted in (
        (f"search of {few:,} queries, k=10", vectors[:few], vectors, 10),
        ("near copies of a known half, k=1", vectors[half:], vectors[:half], 1),
    ):
        say(name)
        run = best(index.exact, asked, base, wanted, find=find, rounding=tensors.ROUNDING["float16"])
        plainly = spend(index.exact, asked[:few], base, wanted, find=index.on_cpu)
        same = np.array_equal(run.value[1][:few], plainly.value[1])
        note = f"{'the same rows' if same else 'ROWS DIFFER'}; of the CPU {few:,} queries were timed"
        yield against(f"{name}, against this CPU", at, plainly.times(len(asked) / few), run, None, note)


PARTS: dict[str, tuple[Callable[[int], Iterator[Figure]], int, int]] = {  # what, rows, rows with --small
    "exact": (bench_exact, 50_000, 3000),
    "wide": (bench_wide, 50_000, 3000),
    "filter": (bench_filter, 50_000, 2000),
    "centres": (bench_centres, 50_000, 2000),
    "facilities": (bench_facilities, 50_000, 2000),
    "cells": (bench_cells, 50_000, 2000),
    "graph": (bench_graph, 1_000_000, 20_000),
    "search": (bench_search, 1_000_000, 20_000),
    "memory": (bench_memory, 50_000, 3000),
    "gpu": (bench_gpu, 1_000_000, 20_000),
    "torch-cpu": (partial(bench_gpu, device="cpu"), 2000, 2000),  # that it runs; its speed says nothing
}


def main() -> None:
    """Measure the named parts, or all, and print each row as it is done."""
    parser = argparse.ArgumentParser(description="Figures of the neighbour engine, with peers in the same run.")
    parser.add_argument("names", nargs="*", help=f"{', '.join(PARTS)}; all by default")
    parser.add_argument("--small", action="store_true", help="sizes for a check that it runs; targets do not apply")
    parser.add_argument("--rows", type=int, help="rows of every set, instead of those that the targets are for")
    options = parser.parse_args()
    by_wall, by_cpu = peak()
    has_gpu = bool(index.gpus() or tensors.has_cuda())
    kernel, load = os.environ.get("OPENBLAS_CORETYPE"), os.getloadavg()[0]
    print(f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {_processor()}, {get_num_threads()} threads, {kernel}, load {load:.1f}")
    print(f"sgemm {by_wall / 1e9:.0f} GF/s by wall, {by_cpu / 1e9:.0f} GF per core-second; bf16: {tensors.has_bf16()}")
    print("GPU at hand" if has_gpu else "no GPU was at hand: the GPU path is not measured")
    print(
        "\n| figure | conditions | by wall | by cpu | unit | must reach | | |\n|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    for name in options.names or PARTS:
        bench, full, small = PARTS[name]
        say(f"{name}, load {os.getloadavg()[0]:.1f}")
        for figure in bench(options.rows or (small if options.small else full)):
            print(show(figure, is_small=options.small or options.rows is not None), flush=True)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


if __name__ == "__main__":
    main()
