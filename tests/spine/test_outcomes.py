"""How a run ends is said first: what goes wrong beside it (a snapshot, what is due) is a warning."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage import snapshots
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]


def block(store: Path, what: str) -> None:
    """Put a file where the run wants a folder, or the other way round, so that this cannot be written by anyone."""
    if what == "snapshot":
        (store / "snapshot").touch()
    else:
        (store / what).mkdir()
        (store / what / "x").touch()


def status_of(store: Path, blocked: str) -> dict[str, Any]:
    if blocked == "snapshot":
        (store / "snapshot").unlink()
    with Store.read(store) as opened:
        return opened.query("runs/latest").to_dicts()[0]


BLOCKED = ["due.json", "snapshot"]


@pytest.mark.parametrize("blocked", BLOCKED)
@pytest.mark.slow
def test_a_run_that_is_done_is_done_though_something_beside_it_cannot_be_written(
    blocked: str, start: Start, settings: Callable[..., Settings], store_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store.open(store_dir).close()
    block(store_dir, blocked)

    with start(settings(), with_pages=True) as run:
        run.progress._console.quiet = False

    assert "warning: " in capsys.readouterr().err
    assert status_of(store_dir, blocked)["status"] == "done"


@pytest.mark.parametrize("blocked", BLOCKED)
@pytest.mark.parametrize("error", [TransientError("the budget"), BrokenError("an audit"), ValueError("a fault")])
@pytest.mark.slow
def test_what_ended_a_run_is_what_is_raised(
    blocked: str, error: Exception, start: Start, settings: Callable[..., Settings], store_dir: Path
) -> None:
    Store.open(store_dir).close()
    block(store_dir, blocked)

    with pytest.raises(type(error), match=str(error)), start(settings(), with_pages=True):
        raise error

    ended = status_of(store_dir, blocked)
    assert ended["status"] == ("parked" if isinstance(error, TransientError) else "failed")


def test_a_run_leaves_a_snapshot_of_its_end_that_names_it(
    start: Start, settings: Callable[..., Settings], store_dir: Path
) -> None:
    with start(settings(), with_pages=True) as run:
        first = snapshots.latest(store_dir)
    last = snapshots.latest(store_dir)

    assert first is not None
    assert last is not None
    assert first.file != last.file
    assert last.made_by == run.run_id
    with Store.read(store_dir) as opened:
        assert opened.snapshot == last
        assert opened.query("runs/latest")["status"][0] == "done"
