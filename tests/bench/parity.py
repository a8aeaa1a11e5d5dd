"""Each method beside a reference: how far they agree on one input, why where they differ, how fast, how much memory.

    python -m tests.bench.parity [NAME ...]

A reference is a library of others (scikit-learn, datasketch, scipy) or the loop of the definition that the tests have.
Times are processor seconds of one call after a warm one; memory is what Python and numpy hold at most beside the input.
"""
# ruff: noqa: PLW0108 - without its lambda a call would be made before it is timed

import difflib
import itertools
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import cohen_kappa_score
from sklearn.neighbors import NearestNeighbors

from tests.methods import (
    test_bradley_terry,
    test_calibration,
    test_fusion,
    test_measures,
    test_representatives,
    test_semantic_duplicates,
)
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.methods.answers.agreement import agreement
from wellspring.tasks.methods.datasets.measures import mtld, vendi
from wellspring.tasks.methods.instructions.copies import rouge_l
from wellspring.tasks.methods.pages import near_duplicates
from wellspring.tasks.methods.sets import bradley_terry, calibration
from wellspring.tasks.methods.vectors.fusion import fuse
from wellspring.tasks.methods.vectors.neighbour_graph import exact_graph
from wellspring.tasks.methods.vectors.representatives import centres, facilities, filtered
from wellspring.tasks.methods.vectors.semantic_duplicates import communities

ROWS, WIDTH = 1_500, 64
WORDS = ("the", "pump", "lifts", "water", "from", "a", "well", "and", "needs", "one", "valve", "that", "holds", "it")


class Case(NamedTuple):
    """A method and its reference, both on one input, and how far two results agree (1 is wholly)."""

    method: str
    reference: str
    given: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    agree: Callable[[Any, Any], float]
    reason: str = ""


class Row(NamedTuple):
    """What came of a case."""

    method: str
    reference: str
    given: str
    agreement: float
    reason: str
    seconds: float
    reference_seconds: float
    megabytes: float


def cases() -> Iterator[Case]:
    """Yield all cases; inputs are the same each time."""
    yield from _of_texts()
    yield from _of_marks()
    yield from _of_vectors(test_representatives.clustered(ROWS, WIDTH))


def _of_texts() -> Iterator[Case]:
    dice = random.Random(0)
    said = [dice.choice(WORDS) for _ in range(3_000)]
    halves = [" ".join(said[at : at + 150]) for at in range(0, 3_000, 150)]
    both = lambda words: (test_measures.naive_mtld(words, 0.72) + test_measures.naive_mtld(words[::-1], 0.72)) / 2  # noqa: E731
    yield Case("measures.mtld", "definition, a loop", "3,000 words", lambda: mtld(said), lambda: both(said), _close)
    pairs = list(itertools.pairwise(halves))
    yield Case(
        *("copies.rouge_l", "definition, a table of lengths", "19 pairs of 150 words"),
        *(lambda: [rouge_l(*two) for two in pairs], lambda: [_rouge(*two) for two in pairs], _close),
    )
    yield Case(
        *("copies.rouge_l", "difflib, blocks in order", "19 pairs of 150 words"),
        *(lambda: [rouge_l(*two) for two in pairs], lambda: [_blocks(*two) for two in pairs], _no_more),
        "difflib takes the longest block first and finds no more than ROUGE-L: agreement is the share of pairs so",
    )
    at = np.array([(row, row + 1) for row in range(len(halves) - 1)])
    yield Case(
        *("near_duplicates.jaccard", "sets of shingles, a loop", "19 pairs of 150 words"),
        *(lambda: near_duplicates.jaccard(halves, at).tolist(), lambda: [_jaccard(*two) for two in pairs], _close),
    )


def _of_marks() -> Iterator[Case]:
    dice = random.Random(1)
    one, other = ([dice.randrange(3) for _ in range(20_000)] for _ in range(2))
    yield Case(
        *("agreement.kappa", "scikit-learn, cohen_kappa_score", "20,000 marks of two judges"),
        *(lambda: agreement(one, other).kappa, lambda: float(cohen_kappa_score(one, other)), _close),
    )
    sure, right = [dice.random() for _ in range(5_000)], [dice.random() < 0.6 for _ in range(5_000)]
    yield Case(
        *("calibration.expected_error", "definition, a loop", "5,000 confidences, 10 bins"),
        lambda: calibration.expected_error(calibration.binned(sure, right, 10)),
        *(lambda: test_calibration.naive_error(sure, right, 10), _close),
    )
    matches = test_bradley_terry.MATCHES * 20
    yield Case(
        *("bradley_terry.ratings", "scipy, Nelder-Mead on the likelihood", "420 matches of 3 models"),
        lambda: [*bradley_terry.ratings(matches).values()],
        lambda: [*test_bradley_terry.naive(matches).values()],
        _nearly,
        "the search of the reference stops at 1e-4 of a point",
    )
    rankings = [[(dice.randrange(500), dice.random()) for _ in range(100)] for _ in range(2)]
    rankings = [sorted(dict(one).items(), key=lambda pair: -pair[1]) for one in rankings]
    yield Case(
        *("fusion.fuse", "definition, a loop", "two rankings of 100"),
        lambda: dict(fuse(rankings, 500)),
        lambda: test_fusion.naive(rankings),
        lambda a, b: _close([a[key] for key in sorted(a)], [b[key] for key in sorted(b)]),
    )


def _of_vectors(vectors: Vectors) -> Iterator[Case]:
    given, order = f"{ROWS:,} vectors of {WIDTH}", np.arange(ROWS)
    scores, rows = exact_graph(vectors, 20)
    yield Case(
        *("neighbour_graph.exact_graph", "scikit-learn, brute force", f"{given}, k = 10"),
        lambda: exact_graph(vectors, 10)[1].tolist(),
        lambda: (
            NearestNeighbors(n_neighbors=11, metric="cosine", algorithm="brute")
            .fit(vectors)
            .kneighbors(vectors)[1][:, 1:]
            .tolist()
        ),
        _shared,
        "equal cosines stand in another order",
    )
    yield Case(
        *("representatives.filtered", "the loop over what was admitted", f"{given}, .8"),
        lambda: filtered(vectors, order, 0.8).tolist(),
        *(lambda: test_representatives.naive_filter(vectors, order, 0.8), _same),
    )
    yield Case(
        *("representatives.centres", "the loop over all rows", f"{given}, 50 centres"),
        lambda: centres(vectors, 50)[0].tolist(),
        *(lambda: test_representatives.naive_centres(vectors, 50)[0], _same),
    )
    yield Case(
        *("representatives.facilities", "dense greedy", f"{given}, 20 of a graph of 20"),
        lambda: facilities(scores, rows, 20)[0].tolist(),
        *(lambda: test_representatives.naive_facilities(scores, rows, 20), _same),
    )
    some = vectors[:400]
    yield Case(
        *("semantic_duplicates.communities", "the loop over all cosines", f"400 vectors of {WIDTH}, .8"),
        lambda: [sorted(one) for one in communities(some, 0.8)],
        lambda: [sorted(one) for one in test_semantic_duplicates.naive_communities(some, 0.8, 2)],
        lambda a, b: _same(sorted(a), sorted(b)),
    )
    yield Case(
        *("measures.vendi", "eigenvalues of the whole kernel", f"{given}"),
        *(lambda: vendi(vectors), lambda: _vendi(vectors), _nearly),
    )


def _close(one: Any, other: Any, most: float = 1e-9) -> float:
    a, b = np.atleast_1d(np.asarray(one, float)), np.atleast_1d(np.asarray(other, float))
    return float((np.abs(a - b) <= most * np.maximum(1, np.abs(b))).mean()) if a.shape == b.shape else 0.0


def _nearly(one: Any, other: Any) -> float:
    return _close(one, other, 1e-3)


def _same(one: Sequence[Any], other: Sequence[Any]) -> float:
    return sum(a == b for a, b in zip(one, other, strict=False)) / max(len(one), len(other), 1)


def _shared(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> float:
    return sum(len({*a} & {*b}) for a, b in zip(one, other, strict=True)) / sum(map(len, one))


def _no_more(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return sum(b <= a + 1e-12 for a, b in zip(ours, theirs, strict=True)) / len(ours)


def _rouge(left: str, right: str) -> float:
    a, b = left.split(), right.split()
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if one == other else max(lengths[i][j + 1], lengths[i + 1][j])
    return 2 * lengths[-1][-1] / (len(a) + len(b))


def _blocks(left: str, right: str) -> float:
    return difflib.SequenceMatcher(None, left.split(), right.split(), autojunk=False).ratio()


def _jaccard(left: str, right: str) -> float:
    size = near_duplicates.SHINGLE_WORDS
    a, b = (
        {tuple(words[at : at + size]) for at in range(len(words) - size + 1)} for words in (left.split(), right.split())
    )
    return len(a & b) / len(a | b)


def _vendi(vectors: Vectors) -> float:
    values = np.linalg.eigvalsh(vectors.astype(np.float64) @ vectors.T.astype(np.float64) / len(vectors))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def compared(case: Case) -> Row:
    """Run both sides of a case, warm, and compare what they gave."""
    case.ours()
    started = time.process_time()
    ours = case.ours()
    seconds = time.process_time() - started
    started = time.process_time()
    theirs = case.theirs()
    reference_seconds = time.process_time() - started
    tracemalloc.start()
    case.ours()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    told = (case.method, case.reference, case.given, case.agree(ours, theirs), case.reason)
    return Row(*told, seconds, reference_seconds, peak / 1e6)


def main() -> None:
    """Print the table."""
    wanted = sys.argv[1:]
    print("| method | reference | input | agreement | ours | reference | times | most MB | reason |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in (compared(case) for case in cases() if not wanted or case.method.partition(".")[0] in wanted):
        times = row.reference_seconds / max(row.seconds, 1e-6)
        took = f"{row.seconds:.4f} s | {row.reference_seconds:.4f} s | {times:,.1f} | {row.megabytes:.1f}"
        print(f"| `{row.method}` | {row.reference} | {row.given} | {row.agreement:.4f} | {took} | {row.reason} |")


if __name__ == "__main__":
    main()
