"""Builds that go on until so many rows are accepted: rounds, what ends them, and what they will probably cost."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import light, nights
from wellspring.flows import building
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import TransientError, UsageError
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.operations import wanting
from wellspring.tasks.spine.operations.wanting import Standing

SET = [*nights.SMALL, *nights.KNN, "embeddings.embedder=hashing"]


@pytest.mark.parametrize(
    ("accepted", "limit", "following"), [(0, 20, 80), (10, 20, 80), (50, 20, 42), (99, 100, 107), (100, 100, 105)]
)
def test_the_next_round_is_as_large_as_the_acceptance_says_and_never_four_times_the_last(
    accepted: int, limit: int, following: int
) -> None:
    assert wanting.following(100, accepted, limit) == following


def test_the_first_round_is_small_and_no_smaller_than_what_was_used() -> None:
    assert [wanting.first(1000, 0), wanting.first(10, 0), wanting.first(10, 70)] == [100, 20, 70]


def test_what_is_missing_is_counted_by_group_where_there_are_groups() -> None:
    of_all, of_each = Standing(7, {}, 9, 9, 9, 90, 1.8), Standing(7, {"a": 5, "b": 2, "c": 0}, 9, 9, 9, 90, 1.8)

    assert of_all.missing(10) == {"rows": 3}
    assert of_each.missing(4) == {"b": 2, "c": 4}
    assert (of_all.least(), of_each.least()) == (7, 0)
    assert of_all.missing(7) == {}


def test_the_cost_of_the_rest_goes_by_the_acceptance_so_far_and_is_unknown_without_any() -> None:
    said = wanting.expected(Standing(10, {}, 90, 95, 20, 100, 2.0), 40)
    unpriced = wanting.expected(Standing(10, {}, 90, 95, 20, 100, None), 40)
    nothing = wanting.expected(Standing(0, {}, 90, 95, 20, 100, 2.0), 40)

    assert (said["missing"], said["acceptance"], said["inputs"], said["calls"]) == (30, 0.5, 60, 300)
    assert said["cost_usd"] == pytest.approx(6.0)
    assert (unpriced["calls"], unpriced["cost_usd"]) == (300, None)
    assert (nothing["acceptance"], nothing["inputs"], nothing["calls"], nothing["cost_usd"]) == (None,) * 4


def test_more_than_the_selection_takes_cannot_be_wanted() -> None:
    chosen = settings.load(None, ["selections.budget=10"], {})

    with pytest.raises(UsageError, match=r"selections\.budget takes at most 10"):
        wanting.check(chosen, 11)


def sent(store: Path) -> int:
    """How many calls the journal says were sent."""
    with closing(sqlite3.connect(store / "completions.sqlite")) as connection:
        return connection.execute("SELECT value FROM ledger WHERE name = 'sent_calls'").fetchone()[0]


def standing(store: Path) -> Standing:
    with Store.read(store) as opened:
        return wanting.standing(opened, settings.load("smoke"))


@pytest.mark.slow
def test_a_build_goes_on_in_rounds_until_so_many_rows_are_there_or_the_inputs_or_the_budget_are_used_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wanting, "FEWEST", 3)
    store, said = tmp_path / "ws", list[str]()
    chosen = [*nights.inputs(tmp_path, 2), *SET]
    with light.unaudited(), light.pageless():
        reached = building.want("smoke", store, chosen, 30, say=said.append)
        again = building.want("smoke", store, chosen, 30)
        shutil.copytree(store, tmp_path / "poor")
        budget = [*chosen, f"budget.max_calls={sent(store) + 2}"]
        with pytest.raises(TransientError):
            building.want("smoke", tmp_path / "poor", budget, 500, say=said.append)
        ended = building.want("smoke", store, chosen, 500, by="recipe")
        before = standing(store)
        (store / "wellspring.duckdb").unlink()
        building.build("smoke", store, [*chosen, "limit=200", "replay=true"])
        anew = standing(store)

    limits = [one["limit"] for one in reached["want"]["rounds"]]
    assert reached["want"]["accepted"] >= 30
    assert (reached["want"]["missing"], reached["want"]["ended"]) == ({}, "reached")
    assert limits == sorted(set(limits))
    assert len(limits) > 1
    assert (again["is_idle"], again["want"]["accepted"]) == (True, reached["want"]["accepted"])
    assert said[-1].startswith("still missing: ")
    assert (anew.calls, anew.used) == (before.calls, before.used)
    assert before.calls == sent(store)
    assert ended["want"]["ended"] == "all inputs are used up: 12 pages and 18 seeds"
    assert set(ended["want"]["missing"]) == {"attributed_grounding", "knn_instruct"}
    assert ended["want"]["accepted"] >= reached["want"]["accepted"]
