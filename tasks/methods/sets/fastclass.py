"""FastClass (arXiv 2212.05506): a class for each row, learned from the names of classes alone.

Of each class the rows nearest to its name are retrieved, N times as many as are kept; facility location keeps those
that cover them best. A row that several classes keep is of the class whose name is nearest. A classifier learns these
weak labels and names a class for every row. Of the sizes that the knobs name, those are taken whose predicted classes
have the greatest entropy. The total is the probability of the class that the reason names. Costs a graph of each pool.

Ours differs: what is retrieved from are the rows themselves, not a corpus beside them. Vectors are of the embedder in
force, and the classifier is a logistic regression on them, not a fine-tuned RoBERTa.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field
from sklearn.linear_model import LogisticRegression  # pyright: ignore[reportMissingTypeStubs]

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.contracts.vectors import Rows, Vectors
from wellspring.tasks.methods.sets.lifting import Scored, frame
from wellspring.tasks.methods.vectors.neighbour_graph import exact_graph
from wellspring.tasks.methods.vectors.representatives import facilities

SYSTEM = "FastClass"
PAPER = "arXiv 2212.05506"
VERSION = 1
TAKES, SUBJECT = ("instruction_vectors", "text_vectors"), "instruction"
RESTS_ON = ("lifting", "neighbour_graph", "representatives")
GRAPH_K = 32


class Knobs(Section):
    """The classes, and how many rows stand for one."""

    classes: dict[str, str] = Field(default_factory=dict, description="name -> what it is about; none gives no scores")
    times: tuple[int, ...] = Field(default=(2, 5, 10), min_length=1, description="N: retrieved, for each that is kept")
    kept: tuple[int, ...] = Field(default=(300, 500, 800), min_length=1, description="K: rows that stand for a class")


class Learned(NamedTuple):
    """What a classifier says: probabilities (n, classes), the entropy of its classes, and the sizes it is of."""

    chances: NDArray[np.float64]
    entropy: float
    sizes: tuple[int, int]


def texts(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> list[str]:  # noqa: ARG001 - the seam's
    """Return what the classes are about."""
    return [about or name for name, about in knobs.classes.items()]


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the probability of the class of each instruction; none where fewer than two classes are named."""
    rows, known = tables["instruction_vectors"], dict(tables["text_vectors"].rows())
    names = [name for name, about in knobs.classes.items() if (about or name) in known]
    if len(names) < 2 or len(rows) < len(names):  # noqa: PLR2004 - to tell apart
        return frame(())
    vectors = rows["vector"].to_numpy()
    of_names = np.array([known[knobs.classes[name] or name] for name in names], dtype=np.float32)
    cosines = vectors @ of_names.T
    tried = [learned(vectors, cosines, n, k) for k in knobs.kept for n in knobs.times]
    best = max(tried, key=lambda one: one.entropy)
    found: list[Scored] = []
    for one, chances in zip(rows["subject_id"].to_list(), best.chances, strict=True):
        place = int(np.argmax(chances))
        why = f"{names[place]}; N {best.sizes[0]}, K {best.sizes[1]}, entropy {best.entropy:.3f}"
        found.append((one, TOTAL, float(chances[place]), why))
    return frame(found)


def learned(vectors: Vectors, cosines: Vectors, times: int, kept: int) -> Learned:
    """Learn classes from the rows that stand for them.

    Args:
        vectors: (n, d), unit length.
        cosines: (n, classes) of each row to the name of each class.
        times: How many times as many rows are retrieved as are kept.
        kept: Rows that stand for a class.
    """
    rows, labels = weak_labels(vectors, cosines, times, kept)
    chances = np.zeros(cosines.shape)
    classes = np.unique(labels)
    if len(classes) == 1:
        chances[:, classes[0]] = 1.0
    else:
        model = LogisticRegression(C=10.0, max_iter=1000).fit(vectors[rows], labels)
        chances[:, classes] = model.predict_proba(vectors)
    return Learned(chances, entropy(chances.argmax(axis=1).tolist()), (times, kept))


def weak_labels(vectors: Vectors, cosines: Vectors, times: int, kept: int) -> tuple[Rows, Rows]:
    """Return the rows that stand for classes, ascending, and the class of each."""
    best = dict[int, int]()
    for of in range(cosines.shape[1]):
        pool = np.argsort(-cosines[:, of], kind="stable")[: times * kept]
        for row in pool[_covering(vectors[pool], min(kept, len(pool)))].tolist():
            if row not in best or cosines[row, of] > cosines[row, best[row]]:
                best[row] = of
    rows = sorted(best)
    return np.array(rows, dtype=np.int64), np.array([best[row] for row in rows], dtype=np.int64)


def _covering(pool: Vectors, count: int) -> Rows:
    if count == len(pool):
        return np.arange(count)
    return facilities(*exact_graph(np.ascontiguousarray(pool), min(GRAPH_K, len(pool) - 1)), count)[0]


def entropy(classes: Sequence[int]) -> float:
    """Return the entropy of classes, in nats."""
    shares = [count / len(classes) for count in Counter(classes).values()]
    return -sum(share * math.log(share) for share in shares)
