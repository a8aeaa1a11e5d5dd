"""A store that ends where answering begins: documents, seeds, instructions of two recipes and their vectors, published.

What tests of responses, verdicts, scores, selections, preferences and exports start from. Texts are about 6 subjects,
so that there are topics to find; vectors are those of the embedder that needs no download.
"""

from collections.abc import Sequence

from wellspring.tasks import embeddings
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.spine.running.runs import Run

WRITER = "earlier-run"
SUBJECTS = {
    "pumps": "A submersible pump lifts water 12 metres from the well and uses 400 watts. It needs a check valve.",
    "bread": "A sourdough loaf of 900 grams is baked for 45 minutes at 230 degrees. Steam keeps the crust soft.",
    "tides": "The spring tide comes two days after the full moon and rises 6 metres in the harbour of the bay.",
    "bees": "A bee colony of 30000 workers needs 15 kilograms of honey to live through a winter of five months.",
    "roofs": "A slate roof of 80 square metres weighs 4 tonnes and lasts a century if its nails are of copper.",
    "trains": "The night train leaves at 21:40 and takes 9 hours over the pass, since freight has the day track.",
}
ASKS = (
    "Explain to a newcomer what matters about {0} and name three mistakes to avoid, with a figure for each of them.",
    "Plan the first week of somebody who starts to work with {0}: one goal a day, and how to see that it is met.",
    "My neighbour says that everything about {0} is a matter of taste. Argue against it with facts and numbers.",
    "Compare two ways of dealing with {0} in a table of cost, effort and risk, then recommend one of them.",
)


def instructions(count: int) -> list[tuple[str, str, str]]:
    """Return (recipe, subject, text) of each instruction."""
    subjects = list(SUBJECTS)
    found: list[tuple[str, str, str]] = []
    for i in range(count):
        subject = subjects[i % len(subjects)]
        ask = ASKS[i // len(subjects) % len(ASKS)].format(subject)
        again = i // (len(subjects) * len(ASKS))
        recipe = "knn_instruct" if i % 3 == 2 else "attributed_grounding"
        found.append((recipe, subject, ask + (f" This is case {again} of {subject}." if again else "")))
    return found


def fill(run: Run, count: int = 24, *, reverse: bool = False) -> list[str]:
    """Put documents, seeds, `count` instructions and their vectors into the store; returns the instruction ids."""
    store = run.store
    source = records.Source(
        content_id("source"), "sample", "/somewhere/a.warc.gz", "warc", "CC0-1.0", "0" * 64, 1, WRITER
    )
    store.append("sources", [source])
    documents = {subject: _document(subject, text, source.source_id) for subject, text in SUBJECTS.items()}
    store.append("documents", list(documents.values()))
    seeds = [_seed(i, subject, source.source_id) for i, subject in enumerate(SUBJECTS)]
    store.append("seeds", seeds)
    rows = [
        _instruction(recipe, documents[subject].document_id, [seed.seed_id for seed in seeds[:2]], text)
        for recipe, subject, text in instructions(count)
    ]
    rows = rows[::-1] if reverse else rows
    store.append("instructions", rows)
    for stage, names in {
        "documents": ["extract"],
        "seeds": ["read"],
        "instructions": ["attributed_grounding", "knn_instruct"],
    }.items():
        store.append("methods", [records.MethodRow(stage, f"{name}-1", name, "{}", True, WRITER) for name in names])
    publish(run, "documents", "seeds", "instructions")
    for noun in ("seeds", "instructions"):
        embeddings.embed(run, of=noun)
    publish(run, "embeddings")
    return [row.instruction_id for row in rows]


def written_by(run: Run, model: str, served: str = "") -> None:
    """Say which model wrote the instructions: their completions, before all that the journal numbers."""
    rows = run.store._connection.execute("SELECT completion_id FROM instructions").fetchall()
    run.store.append(
        "completions",
        [
            records.Completion(
                *(completion_id, 0, "generator", model, "{}", "{}", "stop", 10, 10, 0, 0.0, 1, 0.1, WRITER),
                served=served,
            )
            for (completion_id,) in rows
        ],
    )


def call_of(run: Run, instruction_id: str) -> str:
    """Return the call that an instruction was said in."""
    query = "SELECT completion_id FROM instructions WHERE instruction_id = ?"
    return run.store._connection.execute(query, [instruction_id]).fetchall()[0][0]


def publish(run: Run, *nouns: str) -> None:
    """Say that what was written passed its audits."""
    for noun in nouns:
        run.store.execute(f"{noun}/publish")


def _document(subject: str, text: str, source_id: str) -> records.Document:
    return records.Document(
        document_id=content_id("document", subject),
        fingerprint="extract-1",
        source_id=source_id,
        record_offset=0,
        record_length=len(text),
        url=f"https://{subject}.example/page",
        domain=f"{subject}.example",
        title=subject.title(),
        author=None,
        published_at=None,
        fetched_at=None,
        language="en",
        license=None,
        text=text,
        tokens=len(text) // 4,
        text_digest=content_id(text),
        duplicate_of=None,
        run_id=WRITER,
    )


def _seed(line: int, subject: str, source_id: str) -> records.Seed:
    text = f"What should I know about {subject}?"
    return records.Seed(content_id("seed", text), "read-1", source_id, line, text, None, "en", 9, WRITER)


def _instruction(recipe: str, document_id: str, seeds: Sequence[str], text: str) -> records.Instruction:
    is_grounded = recipe == "attributed_grounding"
    return records.Instruction(
        instruction_id=content_id("instruction", recipe, text),
        fingerprint=f"{recipe}-1",
        input_id=document_id if is_grounded else seeds[0],
        recipe=recipe,
        draw=0,
        round=0 if is_grounded else 1,
        text=text,
        document_id=document_id if is_grounded else None,
        parent_ids=list(seeds),
        scene=None,
        ability=None,
        knowledge=None,
        output=None,
        extra_information=None,
        completion_id=content_id("completion", text),
        run_id=WRITER,
    )
