"""The floor under a page for a seed (`groundings.min_fit`): what it keeps of queries with a page, and of those without.

    python -m tests.bench.floor --shared DIRECTORY

Queries of Cranfield and Vaswani are asked of their own collection, and of collections without any page for them: the
other one, web pages, and 45 of either. Queries of even number tune the floor, the others report what it does.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.bench.judged_collections import beir, read
from wellspring.tasks.contracts.settings import GroundingsSettings
from wellspring.tasks.io.vectors import index
from wellspring.tasks.io.vectors.keywords import KeywordIndex
from wellspring.tasks.methods.instructions.fit import fit
from wellspring.tasks.methods.pages.tokens import cut_tokens
from wellspring.tasks.methods.vectors import hashing_embedder
from wellspring.tasks.methods.vectors.fusion import fuse
from wellspring.tasks.methods.vectors.words import words
from wellspring.tasks.spine.vectors.retrieval import DEPTH, KEYWORDS_SHARE, VECTORS_SHARES

FEW = 45  # pages of a small corpus
KEPT = 0.9  # of the queries that have a page, in the worse served collection
WANTED = GroundingsSettings()


def fits(texts: Sequence[str], asked: Sequence[str]) -> list[float]:
    """Return the best fit among the candidates of each query, as groundings search and measure them."""
    cut = [words(text) for text in texts]
    held = [set(one) for one in cut]
    keywords = KeywordIndex.build(cut)
    depth = min(DEPTH, len(texts))
    worth, by_words = keywords.search([words(query) for query in asked], depth)
    embedder = hashing_embedder.fit(texts, 256, 2**16, 0)
    cosines, by_vectors = index.exact(embedder.embed(asked).vectors, embedder.embed(texts).vectors, depth)
    values: list[float] = []
    lists = (by_words.tolist(), worth.tolist(), by_vectors.tolist(), cosines.tolist())
    for query, found, scores, near, cosine in zip(asked, *lists, strict=True):
        rankings = [
            [pair for pair in zip(found, scores, strict=True) if pair[0] >= 0],
            list(zip(near, cosine, strict=True)),
        ]
        hits = fuse(rankings, WANTED.candidates, weights=(KEYWORDS_SHARE, VECTORS_SHARES["hashing"]))
        rarity = keywords.rarity(words(query))
        values.append(max(fit(rarity, held[row]) for row, _ in hits))
    return values


def measured(shared: Path) -> dict[str, list[float]]:
    """Return the fits of queries by what they were asked of; names that begin with `own` have a page there."""
    cranfield, of_cranfield, _ = beir(shared / "retrieval" / "cranfield")
    vaswani, of_vaswani, _ = beir(shared / "retrieval" / "vaswani_npl")
    gold = read(shared / "web" / "wcxb_dev_a.gold.jsonl.gz")
    pages = [cut_tokens(f"{row['title']}\n\n{row['main_content']}", WANTED.document_tokens) for row in gold]
    asked = {
        "own: cranfield": (cranfield, of_cranfield),
        "own: vaswani": (vaswani, of_vaswani),
        "cranfield's of vaswani": (vaswani, of_cranfield),
        "cranfield's of web pages": (pages, of_cranfield),
        f"cranfield's of {FEW} web pages": (pages[:: len(pages) // FEW][:FEW], of_cranfield),
        "vaswani's of cranfield": (cranfield, of_vaswani),
        "vaswani's of web pages": (pages, of_vaswani),
        f"vaswani's of {FEW} of cranfield": (cranfield[:: len(cranfield) // FEW][:FEW], of_vaswani),
    }
    return {name: fits(*one) for name, one in asked.items()}


def main(shared: Path) -> None:
    """Print the floor that one half chooses, and what it and the default keep of both halves."""
    found = measured(shared)
    own = [np.array(values[::2]) for name, values in found.items() if name.startswith("own")]
    tuned = min(float(np.quantile(values, 1 - KEPT)) for values in own)
    print(f"tuned on one half to keep {KEPT:.0%}: {tuned:.2f}; the one that the settings suggest: {WANTED.min_fit}")
    print("| queries | floor | a page fits, tuning half | other half |\n|---|---|---|---|")
    for name, values in found.items():
        for floor in (tuned, WANTED.min_fit):
            shares = [float(np.mean(np.array(half) >= floor)) for half in (values[::2], values[1::2])]
            print(f"| {name} | {floor:.2f} | {shares[0]:.2f} | {shares[1]:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[3] / "shared" / "data")
    main(parser.parse_args(sys.argv[1:]).shared)
