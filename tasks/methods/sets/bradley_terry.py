"""Varco Arena's ranking: the matches of all prompts together say how strong each model is.

Paper: Varco Arena, also Arena-Lite (EMNLP 2025). The judge `varco_arena` plays a bracket for each prompt; here its
matches are pooled. By Bradley and Terry (1952) the chance that one model beats another is
1 / (1 + 10^((R_other - R_one) / 400)). The ratings R are those under which the matches are likeliest; their mean is
1,000. An answer's total is the rating of the model that wrote it; `rating_low` and `rating_high` are the 2.5th and the
97.5th percentile of the ratings of as many matches, drawn anew with replacement.

Ours differs: each pair of models that met has a drawn match besides, so that a model that never lost has a rating, too
(the paper's Elo has no such case). Models between which no chain of matches leads cannot be compared: where there are
several such groups, each has a mean of 1,000, and the reason says which models were met.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets.lifting import Scored, frame

SYSTEM = "Varco Arena"
PAPER = "Varco Arena (Arena-Lite), EMNLP 2025"
VERSION = 1
TAKES, SUBJECT = ("responses", "notes"), "response"
RESTS_ON = ("lifting",)
MEAN, SCALE, DIGITS = 1000.0, 400.0, 1
MOST_STEPS, CLOSE = 10_000, 1e-9

Match = tuple[str, str]  # who won, who lost
Float = NDArray[np.float64]


class Knobs(Section):
    """How the intervals are found, and how many matches make a rating."""

    draws: int = Field(default=200, ge=20, le=10_000, description="sets of matches drawn anew for an interval")
    least: int = Field(default=5, ge=1, description="a model with fewer matches has no rating")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the rating of each answer's model; NULL where it played too few matches."""
    notes = tables["notes"].filter(pl.col("kind") == "match").unique("note_id").sort("note_id")
    matches = [(said["won"], said["lost"]) for said in map(orjson.loads, notes["data"])]
    matches = [match for match in matches if match[0] != match[1]]
    if not matches:
        return frame(())
    played = Counter(model for match in matches for model in match)
    of = ratings(matches)
    spread = intervals(matches, knobs.draws)
    met = {model: sorted({*one} - {model}) for one in groups(matches) for model in one}
    found: list[Scored] = []
    for row in tables["responses"].iter_rows(named=True):
        model = row["model"]
        if played[model] < knobs.least:
            found.append((row["subject_id"], TOTAL, None, f"{model}: {played[model]} matches, at least {knobs.least}"))
            continue
        won = sum(winner == model for winner, _ in matches)
        why = f"{model} won {won} of {played[model]} matches; rated beside {', '.join(met[model])}"
        ends = zip((TOTAL, "rating_low", "rating_high"), (of[model], *spread[model]), strict=True)
        found += [(row["subject_id"], name, round(value, DIGITS), why) for name, value in ends]
    return frame(found)


def groups(matches: Iterable[Match]) -> list[list[str]]:
    """Return the models in groups within which a chain of matches leads from each to each, by name."""
    of = dict[str, set[str]]()
    for one, other in matches:
        joined = of.get(one, {one}) | of.get(other, {other})
        for model in joined:
            of[model] = joined
    return sorted({id(group): sorted(group) for group in of.values()}.values())


def ratings(matches: Sequence[Match]) -> dict[str, float]:
    """Return the rating of each model.

    By the steps of Zermelo (1929): each strength is the matches won, by the sum over opponents of matches by strengths.
    """
    found = dict[str, float]()
    for group in groups(matches):
        place = {model: at for at, model in enumerate(group)}
        won = np.zeros((len(group), len(group)))
        for winner, loser in matches:
            if winner in place:
                won[place[winner], place[loser]] += 1
        won += 0.5 * ((won + won.T) > 0)  # a drawn match of each pair that met
        found |= dict(zip(group, _rated(won).tolist(), strict=True))
    return found


def _rated(won: Float) -> Float:
    played, gains = won + won.T, won.sum(axis=1)
    strength = np.ones(len(won))
    for _ in range(MOST_STEPS):
        new = gains / (played / (strength[:, None] + strength[None, :])).sum(axis=1)
        new /= np.exp(np.log(new).mean())
        if np.abs(np.log(new / strength)).max() < CLOSE:
            break
        strength = new
    return MEAN + SCALE * np.log10(strength)


def intervals(matches: Sequence[Match], draws: int) -> dict[str, tuple[float, float]]:
    """Return the 2.5th and 97.5th percentile of each model's rating over matches drawn anew; always the same."""
    chosen = random.Random(len(matches))  # noqa: S311 - no secret
    found = defaultdict[str, list[float]](list)
    for _ in range(draws):
        for model, rating in ratings(chosen.choices(matches, k=len(matches))).items():
            found[model].append(rating)
    return {model: (float(low), float(high)) for model, of in found.items() for low, high in [_ends(of)]}


def _ends(values: Sequence[float]) -> Float:
    return np.percentile(values, [2.5, 97.5])
