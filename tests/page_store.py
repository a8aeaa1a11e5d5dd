"""A store with pages and seeds, published and embedded: what tests of groundings and instructions start from.

Pages and passages are put in as rows; seeds are read, audited and embedded by their own stages.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wellspring.tasks import embeddings, seeds
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Run

WRITER = "earlier-run"
SOURCE = content_id("source", "pages")
PAGES = {
    "sourdough": (
        "A sourdough starter is fed with equal weights of flour and water. It doubles within six hours when the "
        "kitchen is warm, and it may rest in the fridge for two weeks. A starter that smells of acetone is "
        "hungry. Bakers keep a spoon of it back for the next loaf, and dry some on paper before they leave for a "
        "longer holiday."
    ),
    "compound interest": (
        "An amount that grows at a rate for some years is multiplied by one plus the rate for every year. Fees "
        "that are taken each January lower the sum that earns interest. Savings plans are compared by what is "
        "there at the end, and the rule of 72 gives the years in which a sum doubles."
    ),
    "knee surgery": (
        "After a knee replacement walking starts on the day of surgery. Stairs are practised with a therapist on "
        "the third day. Swelling lasts for months, and a hot, painful calf is a reason to call the ward. Most "
        "patients drive again after six weeks and garden after twelve."
    ),
    "sqlite locks": (
        "SQLite lets one connection write at a time. A second writer waits for the busy timeout and then reports "
        "that the database is locked. Write-ahead logging lets readers go on while one connection writes, and "
        "short transactions keep the queue of writers short."
    ),
    "tides": (
        "Tides follow the moon with a lag that differs from harbour to harbour. The spring tide comes a day or "
        "two after the full moon. Tables are computed from nineteen years of records, and a strong wind from the "
        "sea adds half a metre to what the table says."
    ),
    "wedding speeches": (
        "A good wedding speech lasts four minutes and tells one story. The couple should come out of it as "
        "themselves, the guests should know why the speaker was asked, and nobody should have to explain a joke. "
        "Notes on cards work better than a telephone, and the glass is raised at the end."
    ),
}
ASKED = (
    "How do I keep my sourdough starter alive while I am away for three weeks in summer?",
    "Two savings plans differ in interest rate and yearly fee. From which sum on is the second better over ten years?",
    "My father has his knee replaced and lives on the second floor. Write a checklist for his first two weeks at home.",
    "Four worker processes share one SQLite file and one of them dies because the database is locked. What first?",
    "When is the safest hour to walk around the headland if the moon was full yesterday and the wind blows inland?",
    "Write a toast for my sister, a marine biologist who marries a tuba player she met on a delayed ferry.",
    "Which flour makes a rye loaf less sticky, and what does it do to the time in the oven?",
    "Explain to my choir why a fee of forty euros each January eats up a better interest rate.",
)


def document(subject: str, text: str, *, domain: str = "pages.example", language: str = "en") -> records.Document:
    """Return a page as its row."""
    url = f"https://{domain}/{subject.replace(' ', '-')}"
    return records.Document(
        document_id=content_id("document", url, text),
        fingerprint="extract-1",
        source_id=SOURCE,
        record_offset=0,
        record_length=len(text),
        url=url,
        domain=domain,
        title=subject.capitalize(),
        author=None,
        published_at=None,
        fetched_at=None,
        language=language,
        license=None,
        text=text,
        tokens=count_tokens(text),
        text_digest=content_id(text),
        duplicate_of=None,
        run_id=WRITER,
    )


def fill_pages(run: Run, pages: Sequence[records.Document] | None = None) -> list[str]:
    """Put pages and their passages (one each) into the store, embedded; returns the document ids."""
    rows = list(pages) if pages is not None else [document(name, text) for name, text in PAGES.items()]
    passages = [
        records.Passage(
            passage_id=content_id("passage", row.document_id),
            fingerprint="split-1",
            document_id=row.document_id,
            start_chars=0,
            end_chars=len(row.text),
            text=row.text,
            tokens=row.tokens,
            run_id=WRITER,
        )
        for row in rows
    ]
    store = run.store
    store.append("sources", [records.Source(SOURCE, "pages", "/a.warc.gz", "warc", "CC0-1.0", "0" * 64, 1, WRITER)])
    store.append("documents", rows)
    store.append("passages", passages)
    for stage, fingerprint in (("documents", "extract-1"), ("passages", "split-1")):
        store.append("methods", [records.MethodRow(stage, fingerprint, stage, "{}", True, WRITER)])
        store.execute(f"{stage}/publish")
    embeddings.embed(run, of="passages")
    validation.audit(run, "embeddings")
    return [row.document_id for row in rows]


def write_seeds(path: Path, asked: Sequence[str] = ASKED, answer: str | None = None) -> str:
    """Write a conversation set; with `answer`, every other message has one."""
    lines: list[dict[str, Any]] = []
    for i, text in enumerate(asked):
        lines.append({"prompt": text, "response": answer} if answer and i % 2 else {"prompt": text})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)


def fill_seeds(run: Run) -> None:
    """Read, audit and embed the seeds that the run's settings name."""
    seeds.ingest(run)
    validation.audit(run, "seeds")
    embeddings.embed(run, of="seeds")
    validation.audit(run, "embeddings")
