"""What answering, judging, choosing and exporting cost besides the model, at 1,000, 10,000 and 100,000 instructions.

    python -m tests.bench.curation [1000 10000 ...]

Documents, seeds and instructions are made of drawn words, so that texts differ; models are the built-in stand-in,
whose time is in the figures. Each size runs in a process of its own, so that its peak memory is its own.
"""

import multiprocessing
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from tasks import embeddings, exports, preferences, responses, scores, selections, verdicts
from tasks.contracts import records, settings
from tasks.contracts.records import content_id
from tasks.spine import runs
from tasks.spine.runs import Run
from tests.instruction_store import WRITER, publish

SIZES = (1_000, 10_000, 100_000)
STAGES = {
    "responses": responses.respond,
    "verdicts": verdicts.check,
    "scores": scores.judge,
    "embeddings": lambda run: embeddings.embed(run, of="instructions"),
    "selections": selections.select,
    "preferences": preferences.pair,
    "exports": exports.export,
}
SUBJECTS = 400
WORDS = 3_000


def text(draw: random.Random, subject: int, words: int) -> str:
    """A text about a subject: half of its words are the subject's own, with a full stop here and there."""
    own = [f"s{subject}w{i}" for i in range(12)]
    picked = [draw.choice(own) if draw.random() < 0.5 else f"w{draw.randrange(WORDS)}" for _ in range(words)]
    return " ".join(word + ("." if i % 11 == 10 else "") for i, word in enumerate(picked)).capitalize() + "."


def fill(run: Run, count: int) -> None:
    """Put `count` instructions, and a document for every other one, into the store."""
    draw, store = random.Random(7), run.store
    source = records.Source(content_id("s"), "bench", "bench", "warc", "CC0-1.0", "0" * 64, 1, WRITER)
    store.append("sources", [source])
    for start in range(0, count, 10_000):
        documents, instructions = [], []
        for i in range(start, min(count, start + 10_000)):
            subject = i % SUBJECTS
            document_id = content_id("document", i // 2)
            if i % 2 == 0:
                body = text(draw, subject, 400)
                documents.append(
                    records.Document(
                        document_id,
                        "extract-1",
                        source.source_id,
                        i,
                        1,
                        f"https://{subject}.example/{i}",
                        f"{subject}.example",
                        None,
                        None,
                        None,
                        None,
                        "en",
                        None,
                        body,
                        len(body) // 4,
                        content_id(body),
                        None,
                        WRITER,
                    )
                )
            instructions.append(
                records.Instruction(
                    content_id("instruction", i),
                    "attributed_grounding-1",
                    document_id,
                    "attributed_grounding",
                    0,
                    0,
                    text(draw, subject, 40),
                    document_id,
                    [],
                    None,
                    None,
                    None,
                    None,
                    None,
                    content_id("c", i),
                    WRITER,
                )
            )
        store.append("documents", documents)
        store.append("instructions", instructions)
    names = {"documents": "extract", "instructions": "attributed_grounding"}
    store.append("methods", [records.MethodRow(s, f"{n}-1", n, "{}", True, WRITER) for s, n in names.items()])
    publish(run, "documents", "instructions", writer=WRITER)


def measured(count: int, send: "multiprocessing.connection.Connection") -> None:
    """Run every stage once and again; sends (stage, seconds, seconds of the second run, peak MB) rows."""
    rows: list[tuple[str, float, float, float]] = []
    chosen = settings.load(None, ["exports.with_controls=false", "selections.min_score=4"], {})
    with tempfile.TemporaryDirectory() as folder, runs.start("bench", chosen, Path(folder) / "ws", quiet=True) as run:
        fill(run, count)
        for noun, stage in STAGES.items():
            started = time.perf_counter()
            stage(run)
            took = time.perf_counter() - started
            publish(run, noun)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            started = time.perf_counter()
            stage(run)
            publish(run, noun)
            rows.append((noun, took, time.perf_counter() - started, peak))
    send.send(rows)


def main() -> None:
    """Print the table."""
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    frames = []
    for size in sizes:
        receive, send = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=measured, args=(size, send))
        process.start()
        send.close()
        columns = {"stage": pl.String, "seconds": pl.Float64, "again": pl.Float64, "peak_mb": pl.Float64}
        frame = pl.DataFrame(receive.recv(), schema=columns, orient="row")
        process.join()
        frames.append(frame.with_columns(rows=pl.lit(size), rows_per_second=size / pl.col("seconds")))
    with pl.Config(tbl_rows=-1, float_precision=2, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        print(pl.concat(frames).select("rows", "stage", "seconds", "rows_per_second", "again", "peak_mb"))


if __name__ == "__main__":
    main()
