"""What was forgotten is known when it comes again elsewhere, though nothing is left of it that could be read."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import sample_store
from tests.sample_store import PAGES, Sample
from wellspring.tasks import documents, sources
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.journal import Journal
from wellspring.tasks.io.storage.store import JOURNAL
from wellspring.tasks.methods.pages import near_duplicates
from wellspring.tasks.spine.provenance import forgetting
from wellspring.tasks.spine.reading import near_copies
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]

URL = "http://site.example/kettle"
TOLD = [
    f"On day {n} the keeper wrote that lamp {n * 7} burned for {n * 3} hours before the oil ran out." for n in range(30)
]
RETOLD = [text.replace("keeper", "pilot").replace("burned", "shone") for text in TOLD]
PAGE = " ".join(TOLD)
COPIES = {
    "the same": PAGE,
    "the same, set otherwise": PAGE.upper().replace(" ", "\n", 5),
    "a word is another": PAGE.replace("day 9 ", "night 9 "),
    "a sentence more": f"{PAGE} Seen on a mirror of this site.",
    "a sentence less": " ".join(TOLD[1:]),
}
OTHERS = {
    "half of it": " ".join([*TOLD[:15], *RETOLD[15:]]),
    "its words in another order": " ".join(sorted(PAGE.split())),
    "another text": "Bread wants time more than flour: a slow dough tastes of more than a quick one of two hours. " * 5,
}


def extract(start: Start, settings: Any, path: Path, pages: dict[str, str]) -> dict[str, str]:
    """Read pages in a run of its own; return why those were refused that were, by address."""
    rows = [{"url": url, "text": text} for url, text in pages.items()]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    chosen = settings("runner=thread", "documents.quality=[]", sources={"corpora": [{"path": str(path)}]})
    with start(chosen) as run:
        sources.register(run)
        documents.extract(run)
        validation.audit(run, "documents")
        stand = set(run.store._connection.execute("SELECT url FROM documents").fetchall())
        refused = run.store.query("rejections/all").filter(run_id=run.run_id)
    assert set(refused["reason"]) <= {"forgotten"}
    assert len(refused) == len([url for url in pages if (url,) not in stand])
    return {url: "" if (url,) in stand else "forgotten" for url in pages}


def forgotten(start: Start, settings: Any, folder: Path, near: Any = "remove") -> None:
    extract(start, settings, folder / "1.jsonl", {URL: PAGE})
    with start(settings()) as run:
        forgetting.forget(run.store, url=URL, near_copies=near)


@pytest.mark.slow
@pytest.mark.parametrize("is_made_anew", [False, True], ids=["same database", "database made anew"])
def test_copies_and_near_copies_that_come_later_elsewhere_are_refused_and_others_are_not(
    *, is_made_anew: bool, tmp_path: Path, store_dir: Path, start: Start, settings: Any
) -> None:
    forgotten(start, settings, tmp_path)
    if is_made_anew:
        (store_dir / "wellspring.duckdb").unlink()
    come = {f"http://mirror.example/{n}": text for n, text in enumerate((COPIES | OTHERS).values())}

    found = extract(start, settings, tmp_path / "2.jsonl", come)

    assert list(found.values()) == ["forgotten"] * len(COPIES) + [""] * len(OTHERS)
    kept = (store_dir / JOURNAL).read_bytes()
    assert not [text for text in TOLD if text[:20].encode() in kept]


@pytest.mark.slow
def test_near_copies_that_were_only_to_be_named_may_come_later_too(tmp_path: Path, start: Start, settings: Any) -> None:
    forgotten(start, settings, tmp_path, near="name")

    found = extract(start, settings, tmp_path / "2.jsonl", {"http://b.example/1": COPIES["a word is another"],
                                                            "http://b.example/2": PAGE})  # fmt: skip

    assert list(found.values()) == ["", "forgotten"]


def test_likeness_by_sketches_is_what_it_is_by_texts() -> None:
    texts = [PAGE, *COPIES.values(), *OTHERS.values(), ""]
    pairs = np.array([(0, n) for n in range(len(texts) - 1)], np.int64)
    sketches = near_duplicates.sketches(texts)

    found = near_duplicates.likeness(sketches[0], np.frombuffer(b"".join(sketches), np.uint8).reshape(-1, 112))

    assert sketches[-1] == b""
    assert np.abs(found - near_duplicates.jaccard(texts, pairs)).max() < 4 * near_duplicates.SKETCH_ERROR
    assert near_copies.sketched(["", "..."]) == set()


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    filled = sample_store.fill(tmp_path)
    yield filled
    filled.store.close()


def test_vectors_that_a_server_gave_are_erased_and_those_of_other_texts_stay(sample: Sample) -> None:
    path, (bread, *others) = sample.store.path / JOURNAL, PAGES
    journal, said = Journal(path), dict[str, bytes]()
    for n, url in enumerate(PAGES):
        vector = np.array([n, 1], np.float32)
        sample.store._connection.execute(
            "UPDATE embeddings SET vector = ? FROM passages WHERE text_id = passage_id AND document_id = ?",
            [vector.tolist(), sample.documents[url]],
        )
        said[url] = vector.tobytes()

    async def recorded() -> None:
        call = {"role": "embedder", "model": "m", "request": "{}", "endpoint": "e", "run_id": "r"}
        attempt: Any = await journal.claim("texts", reserve=1, **call)
        await journal.remember(attempt, said.items(), reserve=1, paid=1)

    asyncio.run(recorded())
    journal.close()
    receipt = forgetting.forget(sample.store, url=bread)
    journal = Journal(path)
    left = journal.vectors(list(said))
    journal.close()

    assert (receipt.vectors_erased, receipt.as_dict()["vectors_erased"]) == (1, 1)
    assert left == {url: said[url] for url in others}
    assert said[bread] not in path.read_bytes()
