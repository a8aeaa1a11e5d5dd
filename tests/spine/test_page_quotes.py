"""What pages say of texts: counts and quotations as a loop over pages, and an index that follows the pages."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import polars as pl
import pytest

from tests import instruction_store as store
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import page_quotes

Start = Callable[[Settings], AbstractContextManager[Run]]
PUMP = store.SUBJECTS["pumps"]
ANSWERS = {
    "whole": PUMP,
    "half": f"{PUMP[:40]} and then something else that no page of this store has",
    "short": "400 watts",
}


def naive_share(text: str) -> tuple[int, int]:
    runs = [text[i : i + 25] for i in range(len(text) - 24)]
    return len(runs), sum(any(run in page for page in store.SUBJECTS.values()) for run in runs)


@pytest.mark.slow
def test_counts_and_quotations_are_those_of_a_loop_and_change_with_the_pages(
    settings: Callable[..., Settings], start: Start
) -> None:
    texts = ["well", "The pump", "harbour tide", "pump tide", "of"]
    answers = pl.DataFrame({"subject_id": [*ANSWERS], "text": [*ANSWERS.values()]})
    with start(settings()) as run:
        store.fill(run, 2)
        counts = dict(page_quotes.counts(run, texts).rows())
        found = {one: (grams, held) for one, grams, held in page_quotes.quotes(run, answers).rows()}
        before = page_quotes.fingerprint(run)
        run.store._connection.execute("DELETE FROM documents WHERE text LIKE '%pump%'")
        after = {one: held for one, _, held in page_quotes.quotes(run, answers).rows()}

    pages = [{*page.lower().replace(".", "").replace(",", "").split()} for page in store.SUBJECTS.values()]
    assert counts == {text: sum({*text.lower().split()} <= page for page in pages) for text in texts} | {"": 6}
    assert found == {one: naive_share(text) for one, text in ANSWERS.items()}
    assert after["whole"] < 5
    assert before != ""
