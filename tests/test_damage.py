"""Random damage to every kind of file of a finished store: made good or named, and never a dataset that is wrong."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.exported import exported
from wellspring.flows.dataset import dataset
from wellspring.tasks.contracts.errors import WellspringError
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching import stage_status

pytestmark = pytest.mark.slow

SEEDS = int(os.environ.get("DAMAGES", "2"))  # of each kind
KINDS = {
    "journal": "completions.sqlite",
    "database": "wellspring.duckdb",
    "caches": "*.json",
    "indexes": "indexes/**/*",
    "exports": "exports/**/*",
    "events": "events/*",
    "shards": "shards/**/*",
    "pages": "pages/**/*",
    "locks": "*.lock",
}


def build(store: Path, *chosen: str) -> None:
    dataset.fn(profile="smoke", store=str(store), overrides=["runner=thread", "threads=1", "limit=8", *chosen])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("damage") / "ws"
    build(store)
    return store


def spoil(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data) or 1)
    match chance.choice(["cut", "flip", "zero", "garbage"]):
        case "cut":
            del data[at:]
        case "flip":
            data[at : at + 1] = bytes(byte ^ 4 for byte in data[at : at + 1])
        case "zero":
            data[at : at + 4096] = bytes(len(data[at : at + 4096]))
        case _:
            data[at : at + 64] = chance.randbytes(len(data[at : at + 64]))
    path.write_bytes(data)


@pytest.mark.parametrize("also", ["indexes pages", "indexes pages shards exports events due.json at_work.json"])
def test_a_database_that_is_lost_with_all_that_was_made_of_it_is_made_anew(
    finished: Path, tmp_path: Path, also: str
) -> None:
    """Vectors, fits, marts and pages go with it; answers come from the journal."""
    store = tmp_path / "ws"
    shutil.copytree(finished, store)
    for name in ("wellspring.duckdb", *also.split()):
        path = store / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    build(store, "replay=true")

    assert exported(store) == exported(finished)
    marts = {path.name for path in (finished / "pages" / "marts").iterdir()}
    assert marts == {path.name for path in (store / "pages" / "marts").iterdir()}


def look(store: Path) -> None:
    with Store.read(store) as opened:
        stage_status.of_store(opened)


def told(do: Callable[[Path], None], store: Path) -> str:
    """What an error on purpose says; any other fails the test."""
    try:
        do(store)
    except WellspringError as error:
        return error.message
    return ""


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", KINDS)
def test_random_damage_is_made_good_or_named(finished: Path, tmp_path: Path, kind: str, seed: int) -> None:
    store, chance, expected = tmp_path / "ws", random.Random(f"{kind} {seed}"), exported(finished)
    shutil.copytree(finished, store)
    spoil(chance.choice(sorted(path for path in store.glob(KINDS[kind]) if path.is_file())), chance)

    looked, built = told(look, store), told(build, store)
    if built:  # a damage that was met in the midst: the next run, or the way out, makes it good
        if kind == "database":
            (store / "wellspring.duckdb").rename(store / "away")
        build(store)

    assert all(kind in {"journal", "database"} and KINDS[kind] in said for said in (looked, built) if said)
    assert exported(store) == expected
