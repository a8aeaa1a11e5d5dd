"""Cut anywhere and gone on with: a build that was stopped after any number of calls ends with an uncut one's bytes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exported import exported
from tests.nights import KNN, build, built_once
from wellspring.tasks.contracts.errors import TransientError
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.standin.faults import FaultServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("unaudited", "pageless")]

STEP = 23  # calls: a prime, so that cuts fall anywhere within stages, rounds and draws


def test_a_build_that_is_cut_at_every_nth_call_ends_with_the_same_bytes(store_dir: Path, tmp_path: Path) -> None:
    chosen = (*KNN, "instructions.max_pool_cosine=0.93")
    with faults.running() as server:
        build(tmp_path / "uncut", tmp_path, 1, server.url, *chosen)
        needed = server.stats()["requests"]
        cuts, calls = 0, 0
        while True:
            calls += STEP
            try:
                build(store_dir, tmp_path, 1, server.url, *chosen, f"budget.max_calls={calls}")
            except TransientError:
                assert not (store_dir / "exports" / "wellspring-sample").exists()
                cuts += 1
                continue
            break

        assert server.stats()["requests"] == 2 * needed
    assert cuts == (needed - 1) // STEP > 2
    assert exported(store_dir) == exported(tmp_path / "uncut")


CROWDED = (*KNN, "instructions.max_pool_cosine=0.6")  # so low that many rows of both recipes refuse each other


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, FaultServer]]:
    """The inputs, beside what is exported of them where nothing is cut, and the server that was asked."""
    folder = tmp_path_factory.mktemp("crowded")
    with built_once(folder, lambda server: build(folder / "uncut", folder, 1, server.url, *CROWDED)) as shared:
        yield shared


@pytest.mark.parametrize("cap", [9, 31, 50])
def test_a_cut_within_the_second_recipe_changes_no_choice_between_both(
    cap: int, store_dir: Path, crowded: tuple[Path, FaultServer]
) -> None:
    folder, server = crowded
    with pytest.raises(TransientError):
        build(store_dir, folder, 1, server.url, *CROWDED, f"budget.max_calls={cap}")
    build(store_dir, folder, 1, server.url, *CROWDED)

    assert exported(store_dir) == exported(folder / "uncut")
