"""Bradley-Terry over the matches of an arena: against another way to the likeliest ratings, and odd sets of matches."""

import json
import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from wellspring.tasks.methods.sets.bradley_terry import Knobs, groups, intervals, ratings, scores

MATCHES = [("a", "b")] * 6 + [("b", "a")] * 2 + [("b", "c")] * 5 + [("c", "b")] * 3 + [("a", "c")] * 4 + [("c", "a")]


def naive(matches: Sequence[tuple[str, str]]) -> dict[str, float]:
    """The greatest likelihood by a general search, a drawn match of each pair among the matches."""
    names = sorted({*sum(matches, ())})
    met = {frozenset(match) for match in matches}
    counted = [(one, other, 1.0) for one, other in matches]
    counted += [(one, other, 0.5) for pair in met for one, other in (sorted(pair), sorted(pair)[::-1])]

    def loss(rated: np.ndarray) -> float:
        of = dict(zip(names, rated, strict=True))
        return sum(w * math.log1p(10 ** ((of[loser] - of[winner]) / 400)) for winner, loser, w in counted)

    found = minimize(loss, np.full(len(names), 1000.0), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-10})
    return dict(zip(names, found.x - found.x.mean() + 1000, strict=True))


def tables(matches: Sequence[tuple[str, str]], models: Sequence[str]) -> dict[str, pl.DataFrame]:
    responses = pl.DataFrame({"subject_id": [f"r{at}" for at in range(len(models))], "model": list(models)})
    notes = [(f"n{at}", "i", "match", json.dumps({"won": won, "lost": lost})) for at, (won, lost) in enumerate(matches)]
    notes += [("n0", "another", *notes[0][2:])] if notes else []  # a note on two things is one match
    notes += [("x", "i", "tags", "[]")]
    columns = ["note_id", "subject_id", "kind", "data"]
    return {"responses": responses, "notes": pl.DataFrame(notes, columns, orient="row")}


def test_ratings_are_the_likeliest() -> None:
    assert ratings(MATCHES) == pytest.approx(naive(MATCHES), abs=0.05)


def test_who_never_lost_has_a_rating_and_who_never_met_stands_in_another_group() -> None:
    matches = [("a", "b")] * 9 + [("x", "y")]

    found = ratings(matches)
    assert groups(matches) == [["a", "b"], ["x", "y"]]
    assert found["a"] - found["b"] == pytest.approx(400 * math.log10(9.5 / 0.5))
    assert found["x"] + found["y"] == pytest.approx(2000)


def test_an_answer_has_its_models_rating_within_its_interval() -> None:
    found = scores(tables(MATCHES, ["a", "c", "d"]), Knobs(draws=50))

    value = {(row["subject_id"], row["criterion"]): row["value"] for row in found.iter_rows(named=True)}
    assert value["r0", "rating_low"] < value["r0", "total"] < value["r0", "rating_high"]
    assert value["r0", "total"] > value["r1", "total"]
    assert value["r2", "total"] is None
    assert found["reason"][0] == "a won 10 of 13 matches; rated beside b, c"
    assert scores(tables(MATCHES, ["a"]), Knobs(draws=50)).equals(found.filter(pl.col("subject_id") == "r0"))


def test_without_a_match_there_is_no_rating() -> None:
    assert scores(tables([], ["a"]), Knobs()).is_empty()
    assert scores(tables([("a", "a")], ["a"]), Knobs()).is_empty()


def test_intervals_are_narrower_with_more_matches_and_the_same_each_time() -> None:
    few, many = (intervals(MATCHES * times, 60)["a"] for times in (1, 16))

    assert few[1] - few[0] > 2 * (many[1] - many[0])
    assert intervals(MATCHES, 60)["a"] == few
