"""Easy2Hard-Bench (arXiv 2409.18433): how hard an instruction is, by who got it right.

By item response theory the chance that a model is right is 1 / (1 + exp(-a (ability - difficulty))); a is 1 for one
parameter, and each instruction's own for two. The total is the difficulty. By Glicko-2 (Glickman 2013) each answer is
a game between instruction and model, which the instruction wins if the answer is wrong; `glicko` and
`glicko_deviation` are its rating after all periods. The n-th answer of each model is in period n.

An answer is right if it passed the check `check`, or if `judge` gave it at least `least`. NULL does not count.

Ours differs: abilities, difficulties and the logarithm of a have normal priors and are found at the greatest chance;
the paper infers their distribution with priors of priors. Its games for Glicko-2 are of people on their own sites.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.lifting import Scored, frame

SYSTEM = "Easy2Hard-Bench"
PAPER = "arXiv 2409.18433"
VERSION = 1
TAKES, SUBJECT = ("responses", "scores", "verdicts"), "instruction"
RESTS_ON = ("lifting",)
SCALE, MIDDLE, CLOSE, DIGITS = 173.7178, 1500.0, 1e-6, 4

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class Knobs(Section):
    """When an answer is right, and the model of difficulty."""

    check: str = Field(default="", description="a check of answers whose pass is right; empty: by `judge`")
    judge: str = Field(default="response_quality", description="whose `total` says what is right")
    least: float = Field(default=5.0, description="the least total that is right")
    parameters: Literal[1, 2] = 1
    spread: float = Field(default=1.0, gt=0, description="standard deviation of the priors")
    change: float = Field(default=0.5, gt=0, description="tau of Glicko-2: how fast volatility changes")


class Player(NamedTuple):
    """A rating of Glicko-2."""

    rating: float = MIDDLE
    deviation: float = 350.0
    volatility: float = 0.06


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the difficulty of each instruction that has an answer which is right or wrong."""
    right = _right(tables, knobs)
    answers = [row for row in tables["responses"].iter_rows(named=True) if row["subject_id"] in right]
    if not answers:
        return frame(())
    tried = [(row["instruction_id"], row["model"], right[row["subject_id"]]) for row in answers]
    items, rows = np.unique([item for item, _, _ in tried], return_inverse=True)
    _, models = np.unique([model for _, model, _ in tried], return_inverse=True)
    hits = np.array([hit for _, _, hit in tried])
    difficulty, slope = difficulties(rows, models, hits, knobs.parameters, knobs.spread)[:2]
    players = played(tried, knobs.change)
    found: list[Scored] = []
    for i, item in enumerate(items.tolist()):
        own = rows == i
        why = f"{int(hits[own].sum())} of {int(own.sum())} answers are right"
        player = players[f"item {item}"]
        found.append((item, TOTAL, round(float(difficulty[i]), DIGITS), why))
        found.append((item, "glicko", round(player.rating, DIGITS), why))
        found.append((item, "glicko_deviation", round(player.deviation, DIGITS), why))
        if knobs.parameters > 1:
            found.append((item, "discrimination", round(float(slope[i]), DIGITS), why))
    return frame(found)


def _right(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> dict[str, bool]:
    """Return which answers are right, of those of which it is known."""
    if knobs.check:
        said = tables["verdicts"].filter(pl.col("check_name") == knobs.check, pl.col("passed").is_not_null())
        return dict(said.select("subject_id", "passed").rows())
    said = tables["scores"].filter(pl.col("judge") == knobs.judge, pl.col("criterion") == TOTAL)
    return dict(said.drop_nulls("value").select("subject_id", pl.col("value") >= knobs.least).rows())


def difficulties(
    items: Int, models: Int, hits: NDArray[np.bool_], parameters: int, spread: float
) -> tuple[Float, Float, Float]:
    """Return difficulty and slope of each item, and the ability of each model, at the greatest chance.

    Args:
        items: (n,) number of the item that was tried.
        models: (n,) number of who tried it.
        hits: (n,) whether it was right.
        parameters: 1, where every slope is 1, or 2.
        spread: Of the normal priors.
    """
    count, solvers = int(items.max()) + 1, int(models.max()) + 1
    signs = np.where(hits, 1.0, -1.0)

    def of(flat: Float) -> tuple[float, Float]:
        hard, logs, able = np.split(flat, [count, 2 * count])
        slopes, ahead = np.exp(logs)[items], able[models] - hard[items]
        lack = np.logaddexp(0.0, -signs * slopes * ahead).sum() + flat @ flat / (2 * spread**2)
        pull = -signs / (1 + np.exp(signs * slopes * ahead))  # of the logit
        parts = [np.bincount(items, -pull * slopes, count), np.bincount(items, pull * slopes * ahead, count)]
        parts[1] *= parameters - 1
        return float(lack), np.concatenate([*parts, np.bincount(models, pull * slopes, solvers)]) + flat / spread**2

    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-8, "maxfun": 10_000}
    found = np.asarray(minimize(of, np.zeros(2 * count + solvers), jac=True, method="L-BFGS-B", options=options).x)
    hard, logs, able = np.split(found, [count, 2 * count])
    return hard, np.exp(logs), able


def played(tried: Sequence[tuple[str, str, bool]], change: float) -> dict[str, Player]:
    """Return the ratings of items and models after all periods; names begin with `item ` or `model `."""
    turns = defaultdict[tuple[str, str], int](int)
    periods = defaultdict[int, list[tuple[str, str, float]]](list)
    for item, model, hit in tried:
        turns[item, model] += 1
        periods[turns[item, model]].append((f"item {item}", f"model {model}", float(hit)))
    players = {name: Player() for games in periods.values() for *names, _ in games for name in names}
    for period in sorted(periods):
        results = defaultdict[str, list[tuple[Player, float]]](list)
        for item, model, hit in periods[period]:
            results[item].append((players[model], 1.0 - hit))
            results[model].append((players[item], hit))
        players = {name: rated(player, results[name], change) for name, player in players.items()}
    return players


def rated(player: Player, games: Sequence[tuple[Player, float]], change: float) -> Player:
    """Return a player after one period of Glicko-2.

    Args:
        player: Before it.
        games: Against whom, and the result: 1 won, 0 lost.
        change: Tau.
    """
    place, deviation = (player.rating - MIDDLE) / SCALE, player.deviation / SCALE
    if not games:
        return player._replace(deviation=SCALE * math.hypot(deviation, player.volatility))
    information = gain = 0.0
    for other, result in games:
        weight = 1 / math.sqrt(1 + 3 * (other.deviation / SCALE) ** 2 / math.pi**2)
        chance = 1 / (1 + math.exp(-weight * (place - (other.rating - MIDDLE) / SCALE)))
        information += weight**2 * chance * (1 - chance)
        gain += weight * (result - chance)
    volatility = _volatility(player.volatility, deviation, 1 / information, gain / information, change)
    after = 1 / math.sqrt(1 / (deviation**2 + volatility**2) + information)
    return Player(MIDDLE + SCALE * (place + after**2 * gain), SCALE * after, volatility)


def _volatility(before: float, deviation: float, variance: float, gain: float, change: float) -> float:
    """Return the new volatility, by the search of step 5 (Illinois)."""
    start = math.log(before**2)

    def off(x: float) -> float:
        power, known = math.exp(x), deviation**2 + variance
        return power * (gain**2 - known - power) / (2 * (known + power) ** 2) - (x - start) / change**2

    low, high = start, start - change
    if gain**2 > deviation**2 + variance:
        high = math.log(gain**2 - deviation**2 - variance)
    else:
        while off(high) < 0:
            high -= change
    at_low, at_high = off(low), off(high)
    while abs(high - low) > CLOSE:
        middle = low + (low - high) * at_low / (at_high - at_low)
        at_middle = off(middle)
        if at_middle * at_high <= 0:
            low, at_low = high, at_high
        else:
            at_low /= 2
        high, at_high = middle, at_middle
    return math.exp(low / 2)
