"""Agreement: with people on real judge outputs, by the very figures that were published beside them."""

import gzip
import json
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.judges import consistency
from wellspring.tasks.contracts.agreement import agreement, rank_correlation


def test_kappa_is_what_is_left_of_agreement_after_chance() -> None:
    one, other = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0, 0, 0, 0, 0]

    found = agreement(one, other)

    assert found.share == pytest.approx(0.8)
    assert found.kappa == pytest.approx((0.8 - 0.52) / (1 - 0.52))


def test_failed_judgements_are_left_out_not_counted_as_disagreement() -> None:
    assert agreement([1, None, 0], [1, 1, None]) == (1, 1.0, None)
    assert agreement([None], [1]) == (0, 0.0, None)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_agreement_is_symmetric_and_kappa_is_at_most_the_share(pairs: list[tuple[int, int]]) -> None:
    there = agreement([a for a, _ in pairs], [b for _, b in pairs])
    back = agreement([b for _, b in pairs], [a for a, _ in pairs])

    assert there.share == back.share
    assert there.kappa is None or there.kappa == pytest.approx(back.kappa)
    assert there.kappa is None or there.kappa <= there.share + 1e-12


def test_a_judge_that_follows_the_place_is_inconsistent_and_its_bias_is_seen() -> None:
    assert consistency([("first", "first")] * 4) == (4, 0.0, 1.0)
    assert consistency([("first", "second"), ("second", "first")]) == (2, 1.0, 0.5)
    assert consistency([("tie", "tie"), (None, "first")]) == (1, 1.0, 0.0)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["natural", "gptinst"])
def test_figures_of_recorded_judges_are_those_of_the_baselines(shared: Path, name: str) -> None:
    """Accuracy and consistency of ten judges, computed elsewhere from the same rows (baselines.json)."""
    file = f"llmbar_{name}_judgements.jsonl.gz"
    expected = json.loads((shared / "baselines.json").read_text())["judge_and_functions"][file]
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(shared / "judge" / file, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            rows[f"{row['judge']}/{row['mode']}"].append(row)

    assert set(rows) == set(expected)
    for judge, judged in rows.items():
        right = [row[order] == str(row["label"]) for row in judged for order in ("winner_order12", "winner_order21")]
        place = {"1": "first", "2": "second"}
        other = {"1": "second", "2": "first"}
        found = consistency([(place.get(row["winner_order12"]), other.get(row["winner_order21"])) for row in judged])

        failed_twice = sum(row["winner_order12"] is row["winner_order21"] is None for row in judged)  # the same to them

        assert sum(right) / len(right) == pytest.approx(expected[judge]["accuracy"], abs=1e-4)
        same = (found.consistent * found.pairs + failed_twice) / len(judged)
        assert same == pytest.approx(expected[judge]["same_winner_in_both_orders"], abs=1e-4)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ([1, 2, 3], [10, 20, 90], 1),
        ([1, 2, 3], [3, 2, 1], -1),
        ([1, 1, 2, 3], [1, 2, 3, 4], 0.9487),
        ([1, 1, 1], [1, 2, 3], None),
        ([1], [2], None),
    ],
)
def test_weights_are_compared_by_their_order(one: list[float], other: list[float], found: float | None) -> None:
    said = rank_correlation(one, other)

    assert (said if said is None else round(said, 4)) == found
    with pytest.raises(ValueError, match="argument 2"):
        rank_correlation(one, [*other, 1])
