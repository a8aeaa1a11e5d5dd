"""Builds behind servers with three quirks at once: every row is made, or the run is parked in the server's words."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import quirks as bench
from tests.bench.quirks import Builds

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("unaudited", "pageless")]

SEED = int(os.environ.get("QUIRK_SEED", "50"))
COUNT = int(os.environ.get("QUIRK_THREES", "12"))

USUAL = 3  # of them; the others stand with what takes minutes
CASES = [
    pytest.param(
        typed,
        id=f"{'+'.join(typed)} (QUIRK_SEED={SEED})",
        marks=[pytest.mark.long] if number >= USUAL and "QUIRK_THREES" not in os.environ else [],
    )
    for number, typed in enumerate(bench.in_threes(COUNT, SEED))
]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    """Pages and seeds, read once, and what they become where the server is like any other."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(("WELLSPRING_", "OPENAI_"))]:
            environment.delenv(name)
        made: Path = tmp_path_factory.mktemp("quirks")
        yield Builds(made)


def test_without_quirks_every_page_and_seed_becomes_a_row(builds: Builds) -> None:
    plain = builds.plain

    assert (plain.code, plain.refused) == (0, {})
    assert plain.rows["instructions"] == plain.rows["responses"] == plain.rows["exports"] == 2 * bench.ROWS


@pytest.mark.parametrize("typed", CASES)
def test_a_server_of_three_quirks_costs_no_row_and_leaves_no_mark(builds: Builds, typed: tuple[str, ...]) -> None:
    outcome = builds.build(*typed)

    assert outcome.broken(builds.plain) == [], outcome.said
