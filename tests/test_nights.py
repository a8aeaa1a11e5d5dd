"""The gate: three nights of pages and seeds, a kill in each, and a database that is lost: the same bytes, paid once.

Answers come in an order of chance. Nights that are killed export what calm ones do, whose answers come in another
order; and so does a store that has nothing left but its journal, while nobody is asked. The small variant crashes here;
the long one is of processes that are killed with `kill -9`, audited and with a judge, under two hash seeds.
"""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests import light
from tests.met import met
from tests.walking import Shuffled, Walk, differences
from wellspring.tasks.io.standin import faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NIGHTS, SMALL = (1, 2, 3), 5
DATABASE = "wellspring.duckdb"
# The stand-in searches for words out of its prompt; and what it writes is alike enough to be refused as a copy.
CHOSEN = ("groundings.min_fit=0", "instructions.max_pool_cosine=0.7")
JUDGED = (*CHOSEN, 'scores.judges=["seven_criteria"]')


@contextmanager
def begun(store: Path, shuffle: int, *, most: int = 99, as_processes: bool = False) -> Iterator[Walk]:
    """Yield a store before its first night, with a model server of its own that shuffles its answers."""
    server = Shuffled(shuffle)
    with faults.threaded(server):
        chance = random.Random(shuffle)
        walk = Walk(store, store.parent, server, chance, as_processes=as_processes, most=most)
        met(store, server.url)
        yield walk


def calm(walk: Walk, *chosen: str) -> list[int]:
    """Build every night; returns how many calls each took."""
    sent = [0]
    for walk.nights in NIGHTS:
        walk.build(*chosen)
        sent.append(walk.server.counts["requests"])
    return [after - before for before, after in pairwise(sent)]


def killed(walk: Walk, kills: list[int], *chosen: str) -> None:
    """Build every night, killed after so many calls in each; the database is lost after a night, and after a kill."""
    for walk.nights, calls in zip(NIGHTS, kills, strict=True):
        if walk.as_processes:
            assert walk.kill(*chosen, calls=calls), walk.tale("not killed")
        else:
            walk.crash(*chosen, calls=calls)
        if walk.nights == NIGHTS[-1]:
            (walk.store / DATABASE).unlink()
        walk.build(*chosen)
        if walk.nights == NIGHTS[0]:
            (walk.store / DATABASE).unlink()


def answers(walk: Walk) -> list[tuple[str, str]]:
    """Return all that the journal holds, in the order in which it came."""
    with closing(sqlite3.connect(walk.store / "completions.sqlite")) as connection:
        return connection.execute("SELECT completion_id, text FROM completions ORDER BY sequence").fetchall()


def hold(walk: Walk, other: Walk) -> None:
    """Hold a store that was killed against a calm one: what is exported, what was said, and what was paid."""
    assert not (found := differences(walk.store / "exports", other.store / "exports")), walk.tale(found)
    assert answers(walk) != answers(other)
    assert sorted(answers(walk)) == sorted(answers(other))
    assert other.server.stats()["repeated"] == 0
    walk.pays_once()


def rebuild(walk: Walk, store: Path, *chosen: str) -> None:
    """Make a copy of a store that has its answers left, and no more, anew: the same bytes, and nobody is asked."""
    asked = walk.server.stats()
    shutil.copytree(walk.store, store, ignore=shutil.ignore_patterns(DATABASE, "indexes", "exports"))
    copy = replace(walk, store=store, said=[*walk.said])
    copy.build(*chosen, "replay=true")

    assert walk.server.stats() == asked
    assert not (found := differences(store / "exports", walk.store / "exports")), copy.tale(found)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Walk, Walk]]:
    """A store of small nights that are calm, and one of nights that crash: early, in the middle, and late."""
    folder = tmp_path_factory.mktemp("nights")
    with begun(folder / "calm", 1, most=SMALL) as one, begun(folder / "crashed", 2, most=SMALL) as other:
        with light.unaudited(), light.pageless():
            calls = calm(one, *CHOSEN)
            killed(other, [calls * night // 4 for night, calls in zip(NIGHTS, calls, strict=True)], *CHOSEN)
        yield one, other


def test_nights_that_crash_export_what_calm_ones_do_and_pay_once(both: tuple[Walk, Walk]) -> None:
    one, other = both

    hold(other, one)


@pytest.mark.usefixtures("unaudited", "pageless")
def test_a_store_of_three_nights_is_made_anew_from_its_journal_and_asks_nobody(
    store_dir: Path, both: tuple[Walk, Walk]
) -> None:
    rebuild(both[1], store_dir, *CHOSEN)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [3, 4])
def test_nights_whose_processes_are_killed_export_what_calm_ones_do_under_any_hash_seed(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        begun(tmp_path / "calm", 1, as_processes=True) as one,
        begun(tmp_path / "killed", seed, as_processes=True) as other,
    ):
        monkeypatch.setenv("PYTHONHASHSEED", "1")
        kills = [other.chance.randint(1, calls - 1) for calls in calm(one, *JUDGED)]
        monkeypatch.setenv("PYTHONHASHSEED", str(seed))
        killed(other, kills, *JUDGED)
        hold(other, one)
        rebuild(other, tmp_path / "rebuilt", *JUDGED)
