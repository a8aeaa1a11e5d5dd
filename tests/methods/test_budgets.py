"""Budgets by ability and by source: the best of each label, and weights that make a mixture."""

import polars as pl
import pytest

from wellspring.tasks.methods.sets import camels, dynamics

ROWS = {  # ability, tag, recipe, mark
    "a": ("code generation", "", "wrap", 5.0),
    "b": (None, "Code", "wrap", 7.0),
    "c": ("decoded speech", "", "wrap", 9.0),
    "d": ("mental maths", "", "autoif", 6.0),
    "e": (None, "maths", "autoif", None),
    "f": ("code", "maths", "spar", 6.5),
}


def tables() -> dict[str, pl.DataFrame]:
    origins = [(one, recipe, ability) for one, (ability, _, recipe, _) in ROWS.items()]
    tags = [(one, tag) for one, (_, tag, _, _) in ROWS.items() if tag]
    marks = [(one, "seven_criteria", "total", mark) for one, (*_, mark) in ROWS.items()]
    return {
        "origins": pl.DataFrame(origins, ["subject_id", "recipe", "ability"], orient="row"),
        "tags": pl.DataFrame(tags, ["subject_id", "tag"], orient="row"),
        "scores": pl.DataFrame(marks, ["subject_id", "judge", "criterion", "value"], orient="row"),
    }


def taken(found: pl.DataFrame) -> set[str]:
    return {one for one, name, value, _ in found.rows() if name == "total" and value == 1}


def test_an_ability_has_its_best_rows_within_its_budget() -> None:
    found = dynamics.scores(tables(), dynamics.Knobs(budgets={"code": 2, "maths": 5}))
    with_rest = dynamics.scores(tables(), dynamics.Knobs(budgets={"code": 0, "rest": 1}))

    assert taken(found) == {"b", "f", "d", "e"}  # not `a`, the third of its ability, nor `c`, which holds no name
    assert {one: why for one, _, _, why in found.rows()}["a"] == "code: 3 of 3, budget 2"
    assert taken(with_rest) == {"c"}


def test_a_mixture_takes_the_best_of_each_source_and_what_one_lacks_goes_to_the_others() -> None:
    alike = camels.scores(tables(), camels.Knobs(budget=3))
    mixed = camels.scores(tables(), camels.Knobs(budget=4, mixture={"wrap": 1.0, "spar": 3.0}))

    assert taken(alike) == {"c", "d", "f"}
    assert taken(mixed) == {"a", "b", "c", "f"}


@pytest.mark.parametrize("mixture", [{}, {"wrap": 2.0, "autoif": 1.0, "spar": 1.0}, {"wrap": 1.0, "nobody": 1.0}])
def test_weights_make_each_source_count_as_the_mixture_says(mixture: dict[str, float]) -> None:
    found = camels.scores(tables(), camels.Knobs(mixture=mixture)).filter(pl.col("criterion") == "weight")
    weights = dict(found.select("subject_id", "value").rows())
    wanted = mixture or {"wrap": 1.0, "autoif": 1.0, "spar": 1.0}
    there = {name: wanted.get(name, 0.0) for name in ("wrap", "autoif", "spar")}

    assert sum(weights.values()) == pytest.approx(len(ROWS))
    for name, weight in there.items():
        share = sum(weights[one] for one, row in ROWS.items() if row[2] == name) / len(ROWS)
        assert share == pytest.approx(weight / sum(there.values()))
