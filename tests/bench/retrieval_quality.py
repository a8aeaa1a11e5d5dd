"""nDCG@10 of keywords, of vectors, and of both as groundings search, on the collections of `judged_collections.py`.

    python -m tests.bench.retrieval_quality [--only NAME ...] [--reread 40] [--kept DIRECTORY]

Every constant is chosen on half of the questions of each collection, by a hash of the question, and looked at on the
other half; `elsewhere` is chosen on all questions of the other collections. Chosen is what gains most over BM25 on
average of the collections (each gain as a share of BM25's figure), of what loses more than 1% on none. Intervals are
95%, by a paired bootstrap over questions. The encoder's vectors lie in `--kept` from one run to the next.
"""

import argparse
import hashlib
import importlib.util
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.bench.judged_collections import Collection, halves, made
from wellspring.tasks.contracts.vectors import Vectors, unit
from wellspring.tasks.io.vectors import encoder, index
from wellspring.tasks.io.vectors.keywords import KeywordIndex
from wellspring.tasks.methods.vectors import hashing_embedder
from wellspring.tasks.methods.vectors.fusion import fuse, ordered
from wellspring.tasks.methods.vectors.words import words
from wellspring.tasks.spine.vectors.retrieval import DEPTH, MODELS_SHARE, REREAD_SHARE, VECTORS_SHARES

SHARED = Path(__file__).parents[3] / "shared" / "data"
BM25 = ((0.9, 0.4), (0.9, 0.6), (1.2, 0.6), (1.2, 0.75))
SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
REREADS = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
WHOLE = 1_500  # texts; of larger collections the encoder reads candidates only
MOST_LOST = 0.01
RESAMPLES = 5_000
EMBEDDERS = ("hashing", "wordllama", "encoder")

Gains = NDArray[np.float64]
Found = list[list[tuple[int, float]]]  # (row, score) for each question


class Setting(NamedTuple):
    """BM25's constants, how scores are fused, and the share of the vectors beside 1 for the words."""

    bm25: tuple[float, float]
    form: str
    share: float


class Measured(NamedTuple):
    """nDCG@10 by question: of each setting, of each embedder alone, and of candidates that were read again."""

    collection: Collection
    words: Mapping[tuple[float, float], Gains]
    alone: Mapping[str, Gains]
    both: Mapping[str, Mapping[Setting, Gains]]
    again: Mapping[float, Gains]


class Kept:
    """The encoder, with vectors of earlier runs beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, Vectors] = {}
        for path in sorted(folder.glob("*.npz")):
            with np.load(path) as part:
                self._known |= dict(zip(part["keys"].tolist(), part["v"], strict=True))

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts; those of new ones are kept."""
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        names = list(lacking)
        for start in range(0, len(names), 200):
            part = names[start : start + 200]
            found = encoder.load()([lacking[key] for key in part])
            np.savez(self._folder / f"{part[0]}.npz", keys=np.array(part), v=found)
            self._known |= dict(zip(part, found, strict=True))
        return np.array([self._known[key] for key in keys], dtype=np.float32)


@lru_cache(maxsize=1)
def _wordllama() -> tuple[Vectors, Any]:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    spec = importlib.util.find_spec("wordllama")
    folder = Path(spec.origin or "").parent if spec else Path()
    rows = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    return rows.astype(np.float32), Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))


def wordllama(texts: Sequence[str]) -> Vectors:
    """Embed by the mean of static vectors of word pieces (its tokenizer tells cases apart)."""
    rows, tokenizer = _wordllama()
    pieces = [tokenizer.encode(text.lower(), add_special_tokens=False).ids or [0] for text in texts]
    return unit(np.stack([rows[one].mean(axis=0) for one in pieces]))


def embedders(collection: Collection, kept: Kept, *, reads: bool) -> dict[str, Callable[[Sequence[str]], Vectors]]:
    """Return what embeds the texts of a collection, by name; the encoder if it reads at all."""
    fit = hashing_embedder.fit(collection.texts, 256, 2**16, 0)
    found: dict[str, Callable[[Sequence[str]], Vectors]] = {"hashing": lambda texts: fit.embed(texts).vectors}
    if importlib.util.find_spec("wordllama"):
        found["wordllama"] = wordllama
    if reads and len(collection.texts) <= WHOLE:
        found["encoder"] = kept
    return found


def measure(collection: Collection, kept: Kept, reread: int) -> Measured:
    """Measure every setting on a collection."""
    by_words = {at: by_keywords(collection, *at) for at in BM25}
    alone: dict[str, Gains] = {}
    both: dict[str, dict[Setting, Gains]] = {}
    first: Found = []
    for name, embed in embedders(collection, kept, reads=reread > 0).items():
        near = by_vectors(collection, embed)
        alone[name] = gains(near, collection)
        both[name] = {
            at: gains(fused(by_words[at.bm25], near, at.form, at.share), collection)
            for at in (Setting(*one) for one in product(BM25, ("scores", "ranks"), SHARES))
        }
        if name == "hashing":
            first = fused(by_words[BM25[0]], near, "scores", VECTORS_SHARES["hashing"])
    again = _again(collection, first, kept, reread) if reread else {}
    return Measured(collection, {at: gains(found, collection) for at, found in by_words.items()}, alone, both, again)


def by_keywords(collection: Collection, k1: float, b: float) -> Found:
    """Search a collection by BM25."""
    keywords = KeywordIndex.build([words(text) for text in collection.texts], k1=k1, b=b)
    scores, rows = keywords.search([words(asked) for asked in collection.asked], DEPTH)
    return _pairs(rows, scores)


def by_vectors(collection: Collection, embed: Callable[[Sequence[str]], Vectors]) -> Found:
    """Search a collection by the cosine of vectors."""
    scores, rows = index.exact(embed(collection.asked), embed(collection.texts), min(DEPTH, len(collection.texts)))
    return _pairs(rows, scores)


def _pairs(rows: NDArray[Any], scores: NDArray[Any]) -> Found:
    both = zip(rows.tolist(), scores.tolist(), strict=True)
    return [[(row, score) for row, score in zip(*one, strict=True) if row >= 0] for one in both]


def fused(by_words: Found, near: Found, form: str, share: float) -> Found:
    """Put two searches together: by `scores` or by ranks; `share` is the weight of the vectors beside 1."""
    pairs = zip(by_words, near, strict=True)
    if form == "scores":
        return [fuse(pair, DEPTH, weights=(1.0, share)) for pair in pairs]
    return [_by_ranks(pair, (1.0, share)) for pair in pairs]


def _by_ranks(pair: Iterable[Sequence[tuple[int, float]]], weights: Sequence[float]) -> list[tuple[int, float]]:
    """Fuse by reciprocal rank (Cormack 2009), with 20 in the place of 60."""
    total: dict[int, float] = {}
    for found, weight in zip(pair, weights, strict=True):
        for rank, (row, _) in enumerate(found, start=1):
            total[row] = total.get(row, 0.0) + weight / (20 + rank)
    return ordered(total, DEPTH)


def _again(collection: Collection, first: Found, kept: Kept, reread: int) -> dict[float, Gains]:
    best = [found[:reread] for found in first]
    rows = sorted({row for found in best for row, _ in found})
    vectors = dict(zip(rows, kept([collection.texts[row] for row in rows]), strict=True))
    asked = kept(collection.asked)
    near = [[(row, float(vectors[row] @ one)) for row, _ in found] for one, found in zip(asked, best, strict=True)]
    return {
        share: gains([fuse(pair, reread, weights=(1.0, share)) for pair in zip(best, near, strict=True)], collection)
        for share in REREADS
    }


def gains(found: Found, collection: Collection) -> Gains:
    """Return nDCG@10 of each question."""
    pairs = zip(found, collection.grades, strict=True)
    return np.array([_gain([g.get(row, 0) for row, _ in one]) / _gain(sorted(g.values())[::-1]) for one, g in pairs])


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(place + 2) for place, grade in enumerate(grades[:10]))


def choose(found: Iterable[tuple[Mapping[Any, Gains], Gains, Sequence[int]]]) -> Any:
    """Return the setting that gains most on average, of those that lose more than 1% nowhere (else loses least).

    Args:
        found: For each collection: gains by setting, those of BM25, and the places of the questions to look at.
    """
    sets = list(found)
    ratios = {at: [one[at][rows].mean() / base[rows].mean() - 1 for one, base, rows in sets] for at in sets[0][0]}
    return max(ratios, key=lambda at: (min(*ratios[at], -MOST_LOST), float(np.mean(ratios[at]))))


def interval(more: Gains) -> tuple[float, float, float]:
    """Return a mean difference and its 95% interval, by bootstrap over questions."""
    rng = np.random.default_rng(0)
    means = [more[rng.integers(0, len(more), len(more))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(more.mean()), float(low), float(high)


def systems(found: Mapping[str, Measured]) -> Iterator[tuple[str, Any, dict[str, Mapping[Any, Gains]]]]:
    """Yield (name, the setting that ships, gains by setting in each collection)."""
    for name in EMBEDDERS:
        share = VECTORS_SHARES.get(name, MODELS_SHARE)
        of = {key: one.both[name] for key, one in found.items() if name in one.both}
        yield f"words + {name}", Setting(BM25[0], "scores", share), of
    yield "words + hashing, read again", REREAD_SHARE, {key: one.again for key, one in found.items() if one.again}


def show(found: Mapping[str, Measured]) -> None:
    """Print the tables."""
    print(f"| collection | texts, questions | BM25 | {' | '.join(f'{key} alone' for key in EMBEDDERS)} |")
    for name, one in found.items():
        alone = [
            f"{one.alone[key].mean():.3f}" if key in one.alone else "-" for key in ("hashing", "wordllama", "encoder")
        ]
        size = f"{len(one.collection.texts):,}, {len(one.collection.asked):,}"
        print(f"| {name} | {size} | {one.words[BM25[0]].mean():.3f} | {' | '.join(alone)} |")
    for name, shipped, of in systems(found):
        if of:
            _show(name, shipped, of, found)


def _show(name: str, shipped: Any, of: Mapping[str, Mapping[Any, Gains]], found: Mapping[str, Measured]) -> None:
    base = {key: found[key].words[BM25[0]] for key in of}
    parts = {key: halves(found[key].collection.asked) for key in of}
    chosen = choose((of[key], base[key], parts[key][0]) for key in of)
    print(f"\n{name}: ships {shipped}; the tuning halves choose {chosen}")
    print("| collection | all | tuning half | other half | other half, over BM25 | chosen elsewhere, over BM25 |")
    for key, one in of.items():
        tuned, aside = parts[key]
        others = [(of[k], base[k], range(len(base[k]))) for k in of if k != key]
        elsewhere = choose(others) if others else shipped
        cells = [f"{one[shipped][rows].mean():.3f}" for rows in (range(len(base[key])), tuned, aside)]
        over = [(one[shipped] - base[key])[aside], one[elsewhere] - base[key]]
        cells += ["{:+.3f} ({:+.3f} to {:+.3f})".format(*interval(more)) for more in over]
        print(f"| {key} | {' | '.join(cells)}, {elsewhere} |", flush=True)


def main() -> None:
    """Measure the named collections, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--only", nargs="*", help="collections; all by default")
    parser.add_argument("--reread", type=int, default=40, help="candidates that the encoder reads; 0 is without")
    parser.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "wellspring-vectors")
    wanted = parser.parse_args(sys.argv[1:])
    kept, makers = Kept(wanted.kept), made(wanted.shared)
    show({name: measure(makers[name](), kept, wanted.reread) for name in wanted.only or makers})


if __name__ == "__main__":
    main()
