"""InstructMining: both rules against their formula, term by term."""

import math

import numpy as np
import polars as pl
import pytest

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.methods.sets import instruct_mining
from wellspring.tasks.methods.sets.instruct_mining import Knobs, scores, sixth

VECTORS = unit(np.random.default_rng(3).standard_normal((9, 5)))
TEXTS = [f"answer {'word ' * i}" for i in range(9)]


def tables() -> dict[str, pl.DataFrame]:
    answers = [(f"a{i}", f"q{i}", text, "answer") for i, text in enumerate(TEXTS)]
    marks = [(f"a{i}", "response_quality", "total", i / 2) for i in range(8)]  # the last has none
    marks += [(f"a{i}", "unieval", name, i / 10) for i in range(9) for name in ("naturalness", "coherence")]
    marks += [(f"a{i}", "unieval", "understandability", i / 5) for i in range(9)]
    return {
        "responses": pl.DataFrame(answers, ["subject_id", "instruction_id", "text", "use"], orient="row"),
        "scores": pl.DataFrame(marks, ["subject_id", "judge", "criterion", "value"], orient="row"),
        "instruction_vectors": pl.DataFrame({"subject_id": [f"q{i}" for i in range(9)], "vector": VECTORS}),
    }


def naive_sixth(one: int) -> float:
    others = [math.dist(VECTORS[one].tolist(), VECTORS[i].tolist()) for i in range(9) if i != one]
    return sorted(others)[5]


def test_each_distance_is_that_to_the_sixth_other_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instruct_mining, "BLOCK", 4)

    assert sixth(VECTORS).tolist() == pytest.approx([naive_sixth(i) for i in range(9)], abs=1e-6)


def by_rule(rule: str) -> list[tuple[str, str, float | None, str]]:
    return scores(tables(), Knobs.model_validate({"rule": rule})).rows()


def test_both_rules_are_the_formula_and_a_row_without_a_mark_has_none() -> None:
    rules = ("length", "quality")
    found = {(row[0], rule): row[2] for rule in rules for row in by_rule(rule)}

    for i in range(8):
        loss = 1.0694 - 0.1498 * i / 2 + 8.257e-5 * count_tokens(TEXTS[i]) - 0.9350 * naive_sixth(i)
        quality = 0.0274 - 0.0078 * i / 2 + 0.4421 * i / 5 - 0.3212 * i / 10 - 0.1520 * i / 10
        assert found[f"a{i}", "length"] == found[f"q{i}", "length"] == pytest.approx(-loss, abs=1e-5)
        assert found[f"a{i}", "quality"] == pytest.approx(-quality)
    assert found["a8", "length"] is None
    assert ("q8", "length") not in found
