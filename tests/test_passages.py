"""Documents are cut at sentences into passages whose offsets are true, once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from wellspring.tasks import documents, passages, sources
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Counts, Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]

TEXTS = [
    " ".join(template.format(i) for i in range(20))
    for template in (
        "The hive by gate {} gave two jars of honey, and its bees were as calm as they are every June.",
        "Train {} left the yard before dawn because a signal down the line had frozen in the night.",
        "At bend {} of the river the water slows, drops its sand and leaves a bank where herons stand.",
    )
]


def folder(tmp_path: Path) -> Path:
    room = tmp_path / "texts"
    room.mkdir(exist_ok=True)
    for i, text in enumerate(TEXTS):
        (room / f"{i}.txt").write_text(text)
    return room


def cut(start: Start, settings: Make, room: Path, *overrides: str) -> Counts:
    with start(settings("runner=thread", *overrides, sources={"corpora": [{"path": str(room)}]})) as run:
        sources.register(run)
        documents.extract(run)
        validation.audit(run, "documents")
        counts = passages.split(run).counts
        validation.audit(run, "passages")
        return counts


@pytest.mark.slow
def test_passages_are_spans_of_their_document_that_end_at_sentences(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    counts = cut(start, settings, folder(tmp_path), "passages.max_tokens=64")

    with start(settings()) as run:
        texts = {row["document_id"]: row["text"] for row in run.store.query("documents/all").to_dicts()}
        rows = run.store.query("passages/all").to_dicts()
    assert counts.rows_in == 3
    assert counts.rows_out == len(rows) > 9
    for row in rows:
        assert texts[row["document_id"]][row["start_chars"] : row["end_chars"]] == row["text"]
        assert row["tokens"] == count_tokens(row["text"]) <= 64
        assert row["text"].endswith(".")


@pytest.mark.slow
def test_twice_is_once_and_another_length_is_due_again(tmp_path: Path, settings: Make, start: Start) -> None:
    room = folder(tmp_path)
    cut(start, settings, room)

    again = cut(start, settings, room)
    longer = cut(start, settings, room, "passages.max_tokens=32")

    assert again == Counts()
    assert longer.rows_in == 3


@pytest.mark.slow
def test_a_limit_takes_the_same_documents_every_time(tmp_path: Path, settings: Make, start: Start) -> None:
    room = folder(tmp_path)
    first = cut(start, settings, room, "limit=2")

    again = cut(start, settings, room, "limit=2")

    assert first.rows_in == 2
    assert again == Counts()
