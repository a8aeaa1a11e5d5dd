"""How grounding and synthesis grow: time and memory of each stage, from a thousand documents up, with the stand-in.

    python -m tests.bench.synthesis 1000 10000

CPU time is what grows with the rows; wall time, on a machine that others use too, is what it was. Documents are made of
words of the sample pages, so that each is another text; seeds are as many as a tenth.
"""

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from tasks import embeddings, groundings, instructions, seeds
from tasks.contracts import settings
from tasks.contracts.records import Document
from tasks.spine import runs, validation
from tests import page_store

WORDS = " ".join(page_store.PAGES.values()).split()


def _documents(count: int) -> list[Document]:
    """Return pages of about 250 words, each of its own."""
    chance = random.Random(count)
    return [
        page_store.document(f"page {n}", ". ".join(" ".join(chance.choices(WORDS, k=12)) for _ in range(20)))
        for n in range(count)
    ]


def _seeds(folder: Path, count: int) -> str:
    chance = random.Random(count + 1)
    asked = [f"How do I {' '.join(chance.choices(WORDS, k=14))} in case {n}?" for n in range(count)]
    return page_store.write_seeds(folder / "seeds.jsonl", asked)


def measure(count: int) -> None:
    """Run the stages on `count` documents and print a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        path = _seeds(Path(folder), max(100, count // 10))
        chosen = settings.load(None, ["runner='thread'"], environment={}, extra={"seeds": {"paths": [path]}})
        with runs.start("bench", chosen, Path(folder) / "ws", quiet=True) as run:
            page_store.fill_pages(run, _documents(count))
            for noun, stage in (
                ("seeds", seeds.ingest),
                ("embeddings", lambda run: embeddings.embed(run, of="seeds")),
                ("groundings", groundings.attribute),
                ("instructions", instructions.synthesize),
            ):
                started, used = time.monotonic(), time.process_time()
                counts = stage(run).counts
                seconds, cpu = time.monotonic() - started, time.process_time() - used
                validation.audit(run, noun)
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(
                    f"{count:>8} {noun:<14}{counts.rows_in:>8}{counts.rows_out:>8}{seconds:>9.1f} s{cpu:>9.1f} s"
                    f"{1000 * cpu / max(1, counts.rows_in):>9.2f} ms/row{peak:>8.0f} MB"
                )


if __name__ == "__main__":
    print(f"{'docs':>8} {'stage':<14}{'in':>8}{'out':>8}{'wall':>11}{'CPU':>11}{'CPU per row':>15}{'peak':>11}")
    for size in [int(argument) for argument in sys.argv[1:]] or [1000, 10_000]:
        measure(size)
