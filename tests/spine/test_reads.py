"""What prompts and comparisons rested on: it has to be durable before anything that follows from it."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.spine.test_runner import run_program
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.store import JOURNAL
from wellspring.tasks.spine import reads
from wellspring.tasks.spine.programs import Ask
from wellspring.tasks.spine.runs import Run

UNWAITED = (
    "`reads.keep` only queues its write, and DuckDB commits what follows from it. A process that is killed between the"
    " two leaves a refusal whose comparison is not in the journal. A store that is made anew then compares again, with"
    " the pages of later nights, keeps what was refused, and asks for answers that nobody recorded."
)
BUSY_SECONDS = 0.5


@contextmanager
def busy(journal: Path) -> Iterator[None]:
    """Hold the journal's write lock for a while, as a slow disk does."""
    holder = sqlite3.connect(journal, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    let_go = threading.Timer(BUSY_SECONDS, holder.rollback)
    let_go.start()
    yield
    let_go.join()
    holder.close()


def on_disk(journal: Path) -> int:
    """Return how many reads another process would find in the journal now."""
    with closing(sqlite3.connect(journal)) as connection:
        return connection.execute("SELECT count(*) FROM reads").fetchone()[0]


def compare(run: Run) -> None:
    refused = {0: Rejection("too_near_the_pool", "cosine 0.990 with i2")}
    reads.compared(run, "instructions", "print", {"i1": "How do tides work?"}, lambda _: refused)


def look_up(run: Run) -> None:
    def look(asked: Sequence[tuple[str, Any]]) -> list[Any]:
        names = [input_id for input_id, _ in asked]
        found = reads.recorded(run, "candidates", "print", names, lambda due: {name: [] for name in due})
        return [found[name] for name in names]

    async def body(_: Row, ask: Ask) -> None:
        raise Rejection("no_page_fits", str(await ask.look(look, "tides")))

    run_program(run, body, inputs=1)


@pytest.mark.slow
@pytest.mark.xfail(reason=UNWAITED, strict=True)
@pytest.mark.parametrize("refuse", [compare, look_up])
def test_a_refusal_is_in_the_database_only_once_what_it_rests_on_is_in_the_journal(
    refuse: Callable[[Run], None],
    start: Callable[[Settings], AbstractContextManager[Run]],
    settings: Callable[..., Settings],
    store_dir: Path,
) -> None:
    with start(settings()) as run:
        assert on_disk(run.models.journal.writer.path) == 0
        with busy(store_dir / JOURNAL):
            refuse(run)
            refused = run.store.query("rejections/all").height
            kept = on_disk(store_dir / JOURNAL)

    assert (refused, kept) == (1, 1)
