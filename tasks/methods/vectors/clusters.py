"""Shares of a budget by cluster, and who is taken of each: a cluster's due, its longest, its best, or by lot.

- `quotas`: a budget over clusters in proportion to weights, whole numbers that add up (largest remainders), never more
  than a cluster has.
- `reweighted`: one step of Diversify and Conquer (Yu et al., arXiv 2409.11378): clusters whose picks taught most get
  more of the next round. Their score needs a trained model (reward of the gold answer minus reward of the generated
  one); ours takes any score of the picked rows, such as a judge's, and divides by the temperature before the softmax.
  Their code divides the round's size twice by the number of clusters and merges by row order; neither is done here.
  `in_rounds` is the whole walk.
- `longest`: Rethinking Data Selection at Scale (Xia et al., arXiv 2410.09335): k-means, then the longest of each
  cluster in proportion to its size. Length without clusters fell from 43.5 to 17.8 when the pool grew (arXiv
  2503.01807), so there is no such thing here.

Complexity: a sort.
"""

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.vectors import Rows

SYSTEM = ("Diversify and Conquer", "Rethinking Data Selection at Scale")
VERSION = 1
Float = NDArray[np.float64]


def quotas(sizes: NDArray[np.int64], budget: int, weights: Float | None = None) -> NDArray[np.int64]:
    """Divide a budget among clusters.

    Args:
        sizes: (clusters,) rows that each has.
        budget: Rows to take in all; all rows if there are fewer.
        weights: (clusters,) at least 0; the sizes by default. What a full cluster cannot take goes to the others.

    Returns:
        Rows to take of each (clusters,); the lower cluster first where remainders are equal.

    Raises:
        ValueError: The budget or a weight is negative, or clusters that have rows have no weight to share it by.
    """
    shares = sizes.astype(np.float64) if weights is None else np.asarray(weights, dtype=np.float64)
    if budget < 0 or (shares < 0).any():
        raise ValueError(f"budget is {budget}, the least weight {shares.min(initial=0)}")
    if budget and sizes.any() and not (shares > 0).any():
        raise ValueError("no cluster has a weight")
    due = float(min(budget, int(sizes[shares > 0].sum())))
    wanted = np.zeros(len(sizes))
    open_ = (shares > 0) & (sizes > 0)
    while open_.any():  # clusters that are due more than they have are full; the others share what is left
        wanted[open_] = shares[open_] / shares[open_].sum() * (due - sizes[~open_ & (shares > 0)].sum())
        full = open_ & (wanted >= sizes)
        if not full.any():
            break
        wanted[full] = sizes[full]
        open_ &= ~full
    taken = np.floor(wanted).astype(np.int64)
    remainders = np.where(open_, wanted - taken, -1)
    taken[np.lexsort((np.arange(len(sizes)), -remainders))[: round(due) - int(taken.sum())]] += 1
    return taken


def reweighted(weights: Float, cells: Rows, scores: Float, temperature: float = 1.0) -> Float:
    """Return the weights of the next round from the scores of the rows that this round picked.

    Args:
        weights: (clusters,) of this round.
        cells: (picked,) cluster of each picked row.
        scores: (picked,) what each taught; NaN is a failed score and is left out, never a default.
        temperature: The higher, the less the scores move the weights.

    Returns:
        Weights (clusters,) that add up to 1: those of this round times the softmax of each cluster's mean score; a
        cluster without a score keeps its weight times the mean factor.
    """
    known = ~np.isnan(scores)
    counts = np.bincount(cells[known], minlength=len(weights))
    sums = np.bincount(cells[known], weights=scores[known], minlength=len(weights))
    seen = counts > 0
    if not seen.any():
        return weights / weights.sum()
    means = sums[seen] / counts[seen]
    factors = np.ones(len(weights))
    factors[seen] = np.exp((means - means.max()) / temperature)
    factors[~seen] = factors[seen].mean()
    moved = weights * factors
    return moved / moved.sum()


def in_rounds(cells: Rows, scores: Float, budget: int, *, rounds: int = 3, temperature: float = 1.0) -> Rows:
    """Return the rows that Diversify and Conquer takes: each round the next of every cluster, then new weights.

    Within a cluster rows are taken as they come, not by score: a round looks what a cluster teaches. The first round
    shares by size; each next by the weights that `reweighted` makes of the scores of what the round before took.

    Args:
        cells: (n,) cluster of each row.
        scores: (n,) what each row teaches once it is taken; NaN is a failed score.
        budget: Rows to take.
        rounds: Over which the budget is spread evenly, at least 1.
        temperature: As in `reweighted`.
    """
    left = np.bincount(cells)
    weights = left / left.sum()
    order = np.lexsort((np.arange(len(cells)), cells))
    next_of = np.concatenate([[0], np.cumsum(left)[:-1]])
    taken: list[Rows] = [np.empty(0, dtype=np.int64)]
    for number in range(rounds):
        due = quotas(left, min(budget, len(cells)) * (number + 1) // rounds - sum(map(len, taken)), weights)
        picked = np.concatenate([order[start : start + count] for start, count in zip(next_of, due, strict=True)])
        taken.append(picked)
        left, next_of = left - due, next_of + due
        weights = reweighted(weights, cells[picked], scores[picked], temperature)
    return np.sort(np.concatenate(taken))


def longest(cells: Rows, lengths: NDArray[np.int64], budget: int) -> Rows:
    """Return the longest rows of each cluster, in proportion to its size; ascending.

    Args:
        cells: (n,) cluster of each row.
        lengths: (n,) tokens of each row; equal lengths by lower row.
        budget: Rows to take.
    """
    return best(cells, lengths.astype(np.float64), budget)


def best(cells: Rows, scores: Float, budget: int, weights: Float | None = None) -> Rows:
    """Return the rows of highest score of each cluster, by quota; ascending. Equal scores by lower row."""
    sizes = np.bincount(cells, minlength=0 if weights is None else len(weights))
    due = quotas(sizes, budget, weights)
    order = np.lexsort((np.arange(len(cells)), -scores, cells))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    place = np.arange(len(cells)) - np.repeat(starts, sizes)
    return np.sort(order[place < np.repeat(due, sizes)])
