"""Every way to choose takes as many rows as it is asked for, each once, the same ones each time."""

import typing

import numpy as np
import pytest

from wellspring.tasks.contracts.settings import SelectionsSettings
from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.io import index
from wellspring.tasks.methods import choices
from wellspring.tasks.methods.choices import Pool


def pool(rows: int, wanted: int = 5) -> Pool:
    rng = np.random.default_rng(0)
    vectors = unit(rng.standard_normal((12, 16))[rng.integers(0, 12, rows)] + 0.4 * rng.standard_normal((rows, 16)))
    return Pool(
        vectors=vectors,
        cells=index.kmeans(vectors, 4, seed=0)[1],
        scores=rng.integers(0, 8, rows).astype(np.float64),
        lengths=rng.integers(5, 500, rows),
        texts=[f"text {i} about {i % 7}" for i in range(rows)],
        wanted=vectors[:wanted],
        wanted_texts=[f"wanted {i}" for i in range(wanted)],
        search=index.exact,
    )


@pytest.mark.parametrize("name", choices.WAYS)
def test_each_way_chooses_so_many_rows_each_once(name: str) -> None:
    rows = choices.choose(name, pool(90), 20)

    assert len(set(rows.tolist())) == len(rows) == 20
    assert rows.tolist() == choices.choose(name, pool(90), 20).tolist()


@pytest.mark.parametrize("name", choices.WAYS)
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.slow
def test_a_pool_that_is_no_larger_is_taken_whole(name: str, size: int) -> None:
    assert sorted(choices.choose(name, pool(size), 2).tolist()) == list(range(size))


def test_a_profile_can_name_each_way() -> None:
    names = typing.get_args(typing.get_args(SelectionsSettings.model_fields["beside"].annotation)[0])

    assert set(names) == set(choices.WAYS)


@pytest.mark.parametrize("name", sorted(choices.FOR_A_TARGET))
def test_where_nothing_is_wanted_nothing_is_chosen_for_it(name: str) -> None:
    assert choices.choose(name, pool(30, wanted=0), 3).size == 0


def test_what_is_targeted_begins_with_what_is_nearest_to_each_that_is_wanted() -> None:
    assert choices.choose("targeted", pool(60), 5).tolist() == [0, 1, 2, 3, 4]


def test_no_two_ways_choose_alike() -> None:
    found = {name: tuple(sorted(choices.choose(name, pool(90), 20).tolist())) for name in choices.WAYS}

    assert len(set(found.values())) == len(choices.WAYS)
