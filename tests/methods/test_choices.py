"""Every way to choose takes as many rows as it is asked for, each once, the same ones each time."""

from pathlib import Path

import numpy as np
import pytest

from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.vectors import choices
from wellspring.tasks.methods.vectors.choices import Pool


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
        tags={name: [[f"tag {i % 5}", f"tag {i % len(name) // 2}"] for i in range(rows)] for name in choices.BY_TAGS},
    )


@pytest.mark.parametrize("name", choices.OURS)
def test_each_way_chooses_so_many_rows_each_once(name: str) -> None:
    rows = choices.choose(name, pool(90), 20)

    assert len(set(rows.tolist())) == len(rows) == 20
    assert rows.tolist() == choices.choose(name, pool(90), 20).tolist()


@pytest.mark.parametrize("name", choices.OURS)
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.slow
def test_a_pool_that_is_no_larger_is_taken_whole(name: str, size: int) -> None:
    assert sorted(choices.choose(name, pool(size), 2).tolist()) == list(range(size))


@pytest.mark.parametrize("name", sorted(choices.FOR_A_TARGET))
def test_where_nothing_is_wanted_nothing_is_chosen_for_it(name: str) -> None:
    assert choices.choose(name, pool(30, wanted=0), 3).size == 0


def test_what_is_targeted_begins_with_what_is_nearest_to_each_that_is_wanted() -> None:
    assert choices.choose("targeted", pool(60), 5).tolist() == [0, 1, 2, 3, 4]


def written(folder: Path, gives: str) -> list[str]:
    (folder / "mine.py").write_text(f"VERSION = 1\n\n\ndef choose(pool, size):\n    return {gives}\n")
    return [str(folder)]


def test_a_way_of_the_users_chooses(tmp_path: Path) -> None:
    folders = written(tmp_path, "pool.lengths.argsort()[:size]")
    chosen_from = pool(9)

    assert choices.choose("mine", chosen_from, 3, folders).tolist() == np.argsort(chosen_from.lengths)[:3].tolist()


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ("[0, 1]", "mine.py chooses 2 rows, not 3"),
        ("[0, 1, 1]", "mine.py chooses row 1 twice"),
        ("[0, 1, 9]", "mine.py chooses row 9, and there are rows 0 to 8"),
        ("[0, 1, -1]", "mine.py chooses row -1"),
        ("pool.scores[:size] + 0.5", "as the number of a row"),
        ("[[0], [1, 2], [3]]", r"mine.py gives \[0\] as the number of a row"),
        ("None", "mine.py gives None"),
    ],
)
def test_what_a_way_of_the_users_gives_wrongly_is_told_with_its_file(tmp_path: Path, gives: str, said: str) -> None:
    with pytest.raises(BrokenError, match=said):
        choices.choose("mine", pool(9), 3, written(tmp_path, gives))


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("divers", "there is no way to select `divers`", "did you mean diversified"),
        ("random_0", "`random_0` is a name of the selection's own", "another name"),
        ("best_per_topic", "`best_per_topic` is a name of the selection's own", "another name"),
    ],
)
def test_what_is_no_way_is_wrong_usage(name: str, said: str, hint: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        choices.choose(name, pool(9), 3)

    assert hint in caught.value.hint


def test_no_two_ways_choose_alike() -> None:
    found = {name: tuple(sorted(choices.choose(name, pool(90), 20).tolist())) for name in choices.OURS}

    assert len(set(found.values())) == len(choices.OURS)
