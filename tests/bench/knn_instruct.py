"""KNN-Instruct's neighbours on real seeds, by each embedder: what a method that deduces from neighbours is shown.

    python -m tests.bench.knn_instruct [--anchors 10]

Each of the 2,029 prompts of KNN-Instruct's own seeds is an anchor with its k = 2 nearest others. Printed for each
embedder: how near they are, how many pairs are refused as copies at the cosine in force, how many different prompts
are anybody's neighbour, and how like each other an anchor's two neighbours are (the less, the more they bring); then
how often the embedders name the same neighbour. The encoder takes minutes. `--anchors` prints that many anchors with
their neighbours, of seeds whose licence lets them be shown (Self-Instruct, OpenAssistant, prompts.chat).
"""

import argparse
import textwrap
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.bench.corpus import lines
from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors
from wellspring.tasks.io.vectors import encoder, index
from wellspring.tasks.methods.vectors import hashing_embedder
from wellspring.tasks.spine.vectors.ceilings import MEASURED

K = 2
OPEN = (
    ("seeds_self_instruct_175.jsonl.gz", "instruction"),
    ("seeds_oasst_en100.jsonl.gz", "prompt"),
    ("seeds_prompts_chat_a.jsonl.gz", "prompt"),
)
SHOWN_CHARS = 80


def embedded(texts: Sequence[str]) -> dict[str, Vectors]:
    """Return the vectors (n, d) of each embedder, with the processor time each took."""
    found = {}
    for name, embed in (
        ("hashing", lambda: hashing_embedder.fit(texts, 256, 2**16, 0).embed(texts).vectors),
        ("encoder", lambda: encoder.load()(texts)),
    ):
        started = time.process_time()
        found[name] = np.ascontiguousarray(embed())
        print(f"{name}: {len(texts)} texts in {time.process_time() - started:.1f} s of processor time")
    return found


def nearest(vectors: Vectors) -> tuple[Scores, Rows]:
    """Return cosines and rows (n, K) of the nearest others of each row."""
    scores, rows = index.exact(vectors, vectors, K + 1)
    own = np.arange(len(vectors))[:, None]
    kept = np.argsort(rows == own, axis=1, kind="stable")[:, :K]  # itself, or the last, goes
    return np.take_along_axis(scores, kept, 1), np.take_along_axis(rows, kept, 1)


def summary(name: str, vectors: Vectors) -> Rows:
    """Print one line of an embedder; returns the neighbours."""
    scores, rows = nearest(vectors)
    ceiling = MEASURED[name].cosine
    alike = np.einsum("ij,ij->i", vectors[rows[:, 0]], vectors[rows[:, 1]])
    pairs = {tuple(sorted((row, int(other)))) for row, line in enumerate(rows) for other in line}
    over = sum(float(vectors[a] @ vectors[b]) >= ceiling for a, b in pairs)
    print(
        f"{name}: cosine of the nearest {np.median(scores[:, 0]):.2f}, of the second {np.median(scores[:, 1]):.2f}"
        f" (medians); pairs refused as copies from {ceiling} on: {over} of {len(pairs):,}; different neighbours"
        f" {len(np.unique(rows)):,}; an anchor's two neighbours to each other {np.median(alike):.2f}"
    )
    return rows


def agreement(one: Rows, other: Rows) -> float:
    """Return the share of neighbours that both name."""
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(one.tolist(), other.tolist(), strict=True)]))


def show(count: int) -> None:
    """Print anchors, every n-th of the seeds that may be shown, with their neighbours by each embedder."""
    texts = list(dict.fromkeys(row[key] for name, key in OPEN for row in lines(f"instructions/{name}")))
    found = {name: nearest(vectors) for name, vectors in embedded(texts).items()}
    for row in range(len(texts) // (2 * count), len(texts), len(texts) // count)[:count]:
        print(f"\n{_short(texts[row])}")
        for name, (scores, rows) in found.items():
            for score, other in zip(scores[row], rows[row], strict=True):
                print(f"    {name} {score:.2f}  {_short(texts[other])}")


def _short(text: str) -> str:
    return textwrap.shorten(text, SHOWN_CHARS, placeholder="...")


def main() -> None:
    """Print the table, and anchors where they are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--anchors", type=int, default=0)
    chosen: Any = parser.parse_args()
    texts = [row["prompt"] for row in lines("instructions/seeds_knn_instruct_a.jsonl.gz")]
    rows = [summary(name, vectors) for name, vectors in embedded(texts).items()]
    print(f"both name the same neighbour: {agreement(*rows):.2f}")
    if chosen.anchors:
        show(chosen.anchors)


if __name__ == "__main__":
    main()
