"""What prompts and comparisons rested on: it has to be durable before anything that follows from it."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.spine.test_generation import instruction
from tests.spine.test_runner import run_program
from wellspring.tasks import instructions
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.store import JOURNAL
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import reads
from wellspring.tasks.spine.writing.programs import Ask

Start = Callable[[Settings], AbstractContextManager[Run]]
Refused = Callable[[str, str], tuple[list[str], list[str]]]  # in a store that was kept, and in one made anew
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
@pytest.mark.parametrize("refuse", [compare, look_up])
def test_a_refusal_is_in_the_database_only_once_what_it_rests_on_is_in_the_journal(
    refuse: Callable[[Run], None],
    start: Start,
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


def refused_after(run: Run, rows: dict[str, list[int]]) -> list[str]:
    """Let each recipe of the profile write so many of these rows, all of one text; return which are refused in all."""
    writers = instructions._writers(run.settings)
    run.activate("instructions", {writer.fingerprint: writer.program.name for writer in writers})
    for place, writer in enumerate(writers):
        made = [instruction(number, "How do tides work?") for number in rows.get(writer.program.name, [])]
        of_it = {"fingerprint": writer.fingerprint, "recipe": writer.program.name, "run_id": run.run_id}
        run.store.append("instructions", [replace(row, **of_it) for row in made])
        instructions._compare(run, writer, [before.fingerprint for before in writers[:place]])
    run.store.execute("instructions/publish")
    return sorted(run.store.query("rejections/all")["input_id"].to_list())


@pytest.fixture
def refused(start: Start, settings: Callable[..., Settings], store_dir: Path) -> Refused:
    """Let one recipe write a row in a first night, and one the same in a second; say what is refused in the second.

    Twice: on the store of the first night, and on one that has nothing left of it but its journal.
    """

    def of(first: str, second: str) -> tuple[list[str], list[str]]:
        recipes = 'instructions.recipes=["attributed_grounding", "knn_instruct"]'
        chosen = settings(recipes, "instructions.rounds=1", "instructions.max_pool_cosine=0.9")
        with start(chosen) as run:
            assert refused_after(run, {first: [1]}) == []
        journal = (store_dir / JOURNAL).read_bytes()
        with start(chosen) as run:
            kept = refused_after(run, {second: [2]})
        (store_dir / "wellspring.duckdb").unlink()
        (store_dir / JOURNAL).write_bytes(journal)
        with start(chosen) as run:
            return kept, refused_after(run, {first: [1, 2]} if first == second else {first: [1], second: [2]})

    return of


@pytest.mark.slow
@pytest.mark.parametrize("first", ["attributed_grounding", "knn_instruct"])
def test_a_row_that_repeats_one_of_an_earlier_night_is_refused_also_where_the_database_was_lost(
    first: str, refused: Refused
) -> None:
    assert refused(first, "knn_instruct") == (["i00002"], ["i00002"])


@pytest.mark.slow
def test_a_row_that_repeats_one_of_a_recipe_below_ends_the_same_whether_the_database_was_lost_or_not(
    refused: Refused,
) -> None:
    kept, rebuilt = refused("knn_instruct", "attributed_grounding")

    assert kept == rebuilt


def test_what_an_older_version_recorded_is_taken_over_once(start: Start, settings: Callable[..., Settings]) -> None:
    def read(run: Run, name: str, input_ids: list[str]) -> dict[str, list[str]]:
        anew = lambda due: {one: ["anew"] for one in due}  # noqa: E731
        is_there = lambda kept: [one for one, shown in kept.items() if shown != ["gone"]]  # noqa: E731
        return reads.recorded(run, "shown", name, input_ids, anew, is_there, former="older")

    with start(settings()) as run:
        reads.keep(run, "older", "settings of long ago", {"a": ["long ago"]})
        reads.keep(run, "older", "settings of last night", {"a": ["x"], "b": ["gone"], "c": ["z"]})
        first = read(run, "first", ["a", "b"])
        later = read(run, "first", ["a", "b", "c", "d"])
        other = read(run, "of other settings", ["a", "c"])

    assert first == {"a": ["x"], "b": ["anew"]}
    assert later == {"a": ["x"], "b": ["anew"], "c": ["z"], "d": ["anew"]}
    assert other == {"a": ["anew"], "c": ["anew"]}
