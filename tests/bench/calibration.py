"""At which cosine two texts mean the same, for each embedder: what `tasks/spine/vectors/ceilings.py` states.

    PYTHONPATH=. python -m tests.bench.calibration ../shared/data

Pairs that mean the same: benchmark prompts changed by rule (typos, case, blanks, an order of words), seeds with polite
words around them, with typos, with sentences swapped, and `paraphrases.tsv`, written by hand. Pairs that do not: the
same seeds with another number or with a word turned into its opposite, the third column of that file (same form and
topic, another task), the seed that is nearest by words, and pairs drawn by chance. Pairs are halved by a hash of their
texts: the threshold is read off one half, precision and recall of the other are printed beside it. Precision is that
of a pool in which a pair of one form and another task is as frequent as one that means the same; pairs by chance and
by words are printed only, since no threshold worth having is near them.

No cosine tells a text from the same one with another number or an opposite (`UNSEEN`): these are left out of
thresholds, and how many of them each would call the same is printed, too.
"""

import gzip
import hashlib
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.io.vectors import encoder
from wellspring.tasks.methods.vectors import hashing_embedder
from wellspring.tasks.spine.vectors.ceilings import MEASURED

PRECISIONS = (0.95, 0.99)
SEEDS = 600  # that pairs are made of
WORDS = 60  # of the longest
UNSEEN = {"another number", "an opposite"}
FAR = {"by chance", "nearest by words"}
EACH = 60  # pairs of a kind that a rule made; of those written by hand, all
OPPOSITES = {
    "advantages": "disadvantages", "best": "worst", "increase": "decrease", "more": "less", "positive": "negative",
    "before": "after", "with": "without", "should": "should not", "can": "cannot", "is": "is not", "first": "last",
    "good": "bad", "large": "small", "high": "low", "long": "short", "new": "old", "always": "never", "all": "no",
}  # fmt: skip
POLITE = ("Please help me with this. {}", "Hi! {} Thank you.", "I have a question: {}", "{} Thanks in advance!")
NUMBER = re.compile(r"\d+")


class Pair(NamedTuple):
    """Two texts, what was done to make the one of the other, and whether they mean the same."""

    kind: str
    left: str
    right: str
    is_same: bool


def pairs(shared: Path) -> list[Pair]:
    """Return the labelled pairs, `EACH` at most of each kind that a rule made."""
    seeds = [text for text in _prompts(shared / "instructions/seeds_knn_instruct_a.jsonl.gz") if _fits(text)][:SEEDS]
    made = [*_planted(shared / "instructions"), *_by_hand(), *_of_seeds(seeds)]
    kinds: dict[str, list[Pair]] = {}
    for pair in sorted(set(made), key=lambda pair: _half(pair, 2**32)):
        kinds.setdefault(pair.kind, []).append(pair)
    return [pair for kind, found in kinds.items() for pair in found[: None if "by hand" in kind else EACH]]


def _fits(text: str) -> bool:
    return 4 <= len(text.split()) <= WORDS


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _prompts(path: Path) -> Iterator[str]:
    return (row["prompt"] for row in _rows(path))


def _planted(folder: Path) -> Iterator[Pair]:
    """Yield benchmark prompts as they are and as a rule changed them; not those cut or buried in others."""
    kept = {"typos_2_percent", "whitespace_unicode", "case_punct", "prefix_suffix", "word_swaps_5_percent"}
    originals: dict[tuple[str, str], str] = {}
    for path in sorted(folder.glob("bench_*.jsonl.gz")):
        for row in _rows(path):
            text = row.get("prompt") or row.get("instruction") or (row.get("turns") or [""])[0]
            originals[path.name, str(row["id"])] = text
    for row in _rows(folder / "contamination_planted.jsonl.gz"):
        original = originals.get((row["benchmark"], row["benchmark_id"]), "")
        if row["kind"] in kept and _fits(original):
            yield Pair(row["kind"], original, row["prompt"], True)


def _by_hand() -> Iterator[Pair]:
    rows = (Path(__file__).parent / "paraphrases.tsv").read_text(encoding="utf-8").splitlines()
    for row in rows:
        text, same, other = row.split("\t")
        yield Pair("paraphrase, by hand", text, same, True)
        yield Pair("same form, another task, by hand", text, other, False)


def _of_seeds(seeds: Sequence[str]) -> Iterator[Pair]:
    chance = random.Random(0)
    nearest = _nearest_by_words(seeds)
    for row, text in enumerate(seeds):
        yield Pair("polite words", text, chance.choice(POLITE).format(text), True)
        yield Pair("two typos", text, _misspelt(_misspelt(text, chance), chance), True)
        if len(parts := re.split(r"(?<=[.!?])\s+", text.strip())) > 1:
            yield Pair("sentences swapped", text, " ".join([*parts[1:], parts[0]]), True)
        if NUMBER.search(text):
            yield Pair("another number", text, NUMBER.sub(lambda found: str(int(found[0]) + 7), text), False)
        if (opposite := _opposite(text)) != text:
            yield Pair("an opposite", text, opposite, False)
        yield Pair("nearest by words", text, seeds[nearest[row]], False)
        yield Pair("by chance", text, seeds[chance.randrange(len(seeds))], False)


def _misspelt(text: str, chance: random.Random) -> str:
    """Swap two letters within a word."""
    place = chance.choice([i for i in range(1, len(text) - 1) if text[i : i + 2].isalpha()] or [0])
    return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]


def _opposite(text: str) -> str:
    """Turn the first word that has an opposite into it."""
    words = "|".join(OPPOSITES)
    return re.sub(rf"\b({words})\b", lambda found: OPPOSITES[found[0]], text, count=1)


def _nearest_by_words(texts: Sequence[str]) -> list[int]:
    """Return the text that shares most words with each, but less than four fifths: more may be a copy."""
    words = [set(re.findall(r"\w+", text.lower())) for text in texts]
    shares = [[len(one & two) / len(one | two) * (one is not two) for two in words] for one in words]
    return [max(range(len(texts)), key=lambda row: own[row] if own[row] < 0.8 else 0) for own in shares]


def _half(pair: Pair, of: int = 2) -> int:
    return int(hashlib.sha256("\n".join(sorted(pair[1:3])).encode()).hexdigest(), 16) % of


def threshold(cosines: Sequence[float], is_same: Sequence[bool], precision: float) -> float:
    """Return the least cosine from which on this share of the pairs mean the same; above 1 if there is none.

    Pairs that do not are weighted as if there were as many of them as of those that do.
    """
    order, same = np.argsort(-np.asarray(cosines), kind="stable"), np.asarray(is_same)
    hits, alarms = np.cumsum(same[order]) / same.sum(), np.cumsum(~same[order]) / (~same).sum()
    good = np.flatnonzero(hits >= precision * (hits + alarms))
    return float(np.asarray(cosines)[order][good[-1]]) if len(good) else 1.01


def _report(name: str, embed: Callable[[Sequence[str]], Vectors], found: Sequence[Pair]) -> None:
    texts = list(dict.fromkeys(text for pair in found for text in pair[1:3]))
    vectors = dict(zip(texts, embed(texts), strict=True))
    cosines = {pair: float(vectors[pair.left] @ vectors[pair.right]) for pair in found}
    seen = [pair for pair in found if pair.kind not in UNSEEN | FAR and pair.left != pair.right]
    halves = [[pair for pair in seen if _half(pair) == half] for half in (0, 1)]
    unseen = [cosines[pair] for pair in found if pair.kind in UNSEEN]
    for wanted in PRECISIONS:
        ceiling = threshold([cosines[p] for p in halves[0]], [p.is_same for p in halves[0]], wanted)
        said = [f"{_scores(half, cosines, ceiling)}" for half in halves]
        print(f"{name}: cosine {ceiling:.3f} for {wanted}: tuned on {said[0]}; other half {said[1]}")
        print(f"  another number or an opposite: {sum(c >= ceiling for c in unseen)} of {len(unseen)} called the same")
    for at in sorted({0.8, 0.85, 0.9, 0.95, MEASURED[name].cosine}):
        print(f"  at {at}: both halves {_scores([*halves[0], *halves[1]], cosines, at)}")
    for kind in dict.fromkeys(pair.kind for pair in found):
        own = sorted(cosines[pair] for pair in found if pair.kind == kind)
        print(f"  {kind:34} {len(own):3}  " + "  ".join(f"{own[int(q * (len(own) - 1))]:.3f}" for q in (0.1, 0.5, 0.9)))


def _scores(found: Iterable[Pair], cosines: dict[Pair, float], ceiling: float) -> str:
    same = [cosines[pair] >= ceiling for pair in found if pair.is_same]
    other = [cosines[pair] >= ceiling for pair in found if not pair.is_same]
    recall, alarms = sum(same) / len(same), sum(other) / len(other)
    precision = recall / (recall + alarms) if recall else 0.0
    return f"precision {precision:.3f} recall {recall:.3f} ({len(same)} same, {len(other)} not)"


def main() -> None:
    """Print each embedder's thresholds, and the deciles of its cosines by kind of pair (10%, half, 90%)."""
    found = pairs(Path(sys.argv[1]))
    learned = list(dict.fromkeys(text for pair in found for text in pair[1:3]))
    fit = hashing_embedder.fit(learned, 256, 2**16, 0)
    _report("hashing", lambda texts: fit.embed(texts).vectors, found)
    _report("encoder", encoder.load(), found)


if __name__ == "__main__":
    main()
