"""Nights: a store that grew, and lost its database, is made anew from its journal: the same bytes, and nothing sent."""

import difflib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exported import exported
from tests.nights import KNN, build, built_once
from wellspring.tasks.io.faults import FaultServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("unaudited", "pageless")]


def _differences(store: Path, other: Path) -> str:
    found = ""
    for path in sorted(other.rglob("*")):
        mine = store / "exports" / path.relative_to(other)
        if path.suffix in {".md", ".json", ".jsonl"} and path.read_text() != mine.read_text():
            found += "\n".join(difflib.unified_diff(path.read_text().splitlines(), mine.read_text().splitlines(), n=0))
    return found[:6000]


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, FaultServer]]:
    """A folder with inputs, and a store of two nights; and the server that was asked."""
    folder = tmp_path_factory.mktemp("nights")

    def nights(server: FaultServer) -> None:
        build(folder / "ws", folder, 1, server.url, *KNN)
        one = exported(folder / "ws")
        build(folder / "ws", folder, 2, server.url, *KNN)
        assert one != exported(folder / "ws")

    with built_once(folder, nights) as shared:
        yield shared


@pytest.mark.parametrize("lost", ["database", "database and indexes"])
def test_a_store_of_two_nights_is_made_anew_from_its_journal_with_the_same_bytes(
    lost: str, store_dir: Path, two_nights: tuple[Path, FaultServer]
) -> None:
    folder, server = two_nights
    sent = server.stats()["requests"]
    shutil.copytree(folder / "ws", store_dir)
    (store_dir / "wellspring.duckdb").unlink()
    shutil.rmtree(store_dir / "exports")
    if "indexes" in lost:
        shutil.rmtree(store_dir / "indexes")
    build(store_dir, folder, 2, server.url, *KNN, "replay=true")

    assert server.stats()["requests"] == sent
    assert exported(store_dir) == exported(folder / "ws"), _differences(store_dir, folder / "ws" / "exports")
