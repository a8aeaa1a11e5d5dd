"""Nights: a store that grew, and lost its database, is made anew from its journal: the same bytes, and nothing sent."""

import difflib
import shutil
from pathlib import Path

import pytest

from tasks.io import faults
from tests.exported import exported
from tests.nights import KNN, build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _differences(store: Path, other: Path) -> str:
    found = ""
    for path in sorted(other.rglob("*")):
        mine = store / "exports" / path.relative_to(other)
        if path.suffix in {".md", ".json", ".jsonl"} and path.read_text() != mine.read_text():
            found += "\n".join(difflib.unified_diff(path.read_text().splitlines(), mine.read_text().splitlines(), n=0))
    return found[:6000]


@pytest.mark.parametrize("lost", ["database", "database and indexes"])
def test_a_store_of_two_nights_is_made_anew_from_its_journal_with_the_same_bytes(
    lost: str, store_dir: Path, tmp_path: Path
) -> None:
    with faults.running() as server:
        build(store_dir, tmp_path, 1, server.url, *KNN)
        one = exported(store_dir)
        build(store_dir, tmp_path, 2, server.url, *KNN)
        two, sent = exported(store_dir), server.stats()["requests"]
        shutil.copytree(store_dir / "exports", tmp_path / "two")
        (store_dir / "wellspring.duckdb").unlink()
        shutil.rmtree(store_dir / "exports")
        if "indexes" in lost:
            shutil.rmtree(store_dir / "indexes")
        build(store_dir, tmp_path, 2, server.url, *KNN, "replay=true")

        assert server.stats()["requests"] == sent
    assert one != two
    assert exported(store_dir) == two, _differences(store_dir, tmp_path / "two")
