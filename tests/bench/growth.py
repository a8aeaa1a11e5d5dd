"""How the whole pipeline grows: time and memory of every stage, from archived pages to exported files.

    python -m tests.bench.growth --documents 1000 10000 100000
    python -m tests.bench.growth --documents --seeds 50000 --compared 100000 20000 --found 10000 200000

Pages are of about 200 words, sentences of the sample corpus with a third of their words drawn anew, so that each is
another text and still English; seeds are a tenth as many, half of them with an answer. One build, as `wellspring build`
runs it, with the default profile: both recipes, answers, checks, scores, selection, controls, files, page. The model is
the built-in stand-in, which works in the same process: its CPU seconds are measured apart and taken off. `CPU ms` are
milliseconds of processor time a row, of the build and its workers: they say what a stage costs where the machine has
other work, too.

The parts that compare many with many stand alone in the second command, in the functions that the stages call: lines of
seeds read and looked at together (all pairs of at most 200,000 new ones, beyond that within cells); new instructions
compared with a pool and each other; passages found for seeds. What is quadratic says by what in its line.

Memory is the resident memory of the build and its workers together, watched from outside five times a second, of each
stage alone.
"""

import argparse
import gzip
import json
import logging
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

SAMPLE = Path(__file__).parents[2] / "deployments" / "sample"
SENTENCES = 14  # of a page
DOMAINS = 2_000
WATCH_SECONDS = 0.2
FITTED = 5_000  # texts that the embedder learns from
HEAD = (
    f"{'documents':>9} {'stage':<27}{'in':>9}{'out':>9}{'seconds':>9}{'model':>9}"
    f"{'ms/row':>8}{'CPU ms':>8}{'peak MB':>9}"
)


def sentences() -> list[list[str]]:
    """Return the English sentences of the sample corpus, as words."""
    from wellspring.tasks.methods.pages.languages import identify

    found: list[list[str]] = []
    for page in sorted((SAMPLE / "pages").glob("*.html")):
        html = re.sub(
            r"<(script|style|nav|footer)\b.*?</\1>",
            " ",
            page.read_text(encoding="utf-8", errors="replace"),
            flags=re.DOTALL,
        )
        for part in re.findall(r"<p>(.*?)</p>", html, flags=re.DOTALL):
            text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>|&\w+;", "", part))
            if identify(text) == "en":
                found += [words for said in re.split(r"(?<=[.?!]) ", text) if 8 <= len(words := said.split()) <= 30]
    return found


class Writer:
    """Writes texts of its own: sentences of others, a third of whose words are drawn from all of them."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._sentences = sentences()
        self._words = [word for words in self._sentences for word in words if word.isalpha() and len(word) > 4]

    def sentence(self) -> str:
        """Return a sentence that no other is like."""
        draw, words = self._draw, self._draw.choice(self._sentences)
        return " ".join(draw.choice(self._words) if len(w) > 4 and draw.random() < 1 / 3 else w for w in words)

    def page(self, number: int) -> tuple[str, str]:
        """Return the address and the HTML of a page."""
        title = self.sentence()
        body = "".join(f"<p>{' '.join(self.sentence() for _ in range(SENTENCES // 2))}</p>" for _ in range(2))
        address = f"https://site-{number % DOMAINS}.example/{number}"
        return address, f"<html lang=en><title>{title}</title><body><main><h1>{title}</h1>{body}</main></body></html>"

    def seed(self, number: int) -> dict[str, str]:
        """Return a line of a conversation set."""
        why, then = self.sentence().rstrip("."), self.sentence()
        asked = {
            "prompt": f"Explain to me why {why}, and what I should do about it. My own case is number {number}: {then}"
        }
        return asked | ({"response": f"{self.sentence()} {self.sentence()}"} if number % 2 else {})


def write_corpus(folder: Path, documents: int) -> tuple[Path, Path]:
    """Write an archive of so many pages, and a tenth as many seeds; returns both paths."""
    writer = Writer(documents)
    corpus, seeds = folder / "corpus.warc.gz", folder / "seeds.jsonl"
    with corpus.open("wb") as file:
        for number in range(documents):
            address, html = writer.page(number)
            http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()
            head = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {address}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
                f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
            )
            file.write(gzip.compress(head.encode() + http + b"\r\n\r\n", compresslevel=1, mtime=0))
    lines = (json.dumps(writer.seed(number)) for number in range(max(100, documents // 10)))
    seeds.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return corpus, seeds


class ModelClock:
    """CPU seconds of the stand-in, taken in the thread that it works in."""

    def __init__(self) -> None:
        from wellspring.tasks.io.standin.offline import StandIn

        self.seconds = 0.0
        answer = StandIn.respond

        def timed(*arguments: Any) -> Any:
            started = time.thread_time()
            try:
                return answer(*arguments)
            finally:
                self.seconds += time.thread_time() - started

        setattr(StandIn, "respond", timed)  # noqa: B010 - pyright is told nothing of it


Said = Callable[..., Any]


def speaker(send: Connection, model_seconds: Callable[[], float] = lambda: 0.0) -> Said:
    """Return a context that says when a part begins, and what it did when it ends."""

    @contextmanager
    def said(name: str, counts: Callable[[], Any] = lambda: None) -> Iterator[None]:
        send.send(("begin", name))
        started, spent, worked = time.monotonic(), model_seconds(), worked_seconds(os.getpid())
        yield
        took = time.monotonic() - started, model_seconds() - spent, worked_seconds(os.getpid()) - worked
        send.send(("end", name, counts(), took))

    return said


def build(corpus: Path, seeds: Path, store: Path, overrides: list[str], send: Connection) -> None:
    """Run the main job, and say of each stage and each audit when it begins and what it did."""
    logging.disable()
    from wellspring.flows.dataset import dataset
    from wellspring.tasks.spine.running import runs, validation

    clock = ModelClock()
    said = speaker(send, lambda: clock.seconds)
    measured, audited = runs._measured, validation._audit

    def stage(noun: str, function: Any, run: Any, parameters: Any) -> Any:
        receipt: Any = None
        with said(f"{noun} of {parameters['of']}" if "of" in parameters else noun, lambda: receipt.counts):
            receipt = measured(noun, function, run, parameters)
        return receipt

    def audit(run: Any, noun: str, **parameters: Any) -> None:
        with said(f"audit {noun}"):
            audited(run, noun, **parameters)

    runs._measured, validation._audit = stage, audit
    chosen = [f"sources.corpora=[{{path = '{corpus}'}}]", f"seeds.paths=['{seeds}']", *overrides]
    with to_its_end(send):
        with said("all"):
            dataset.fn(profile="defaults", store=str(store), overrides=chosen)
        runs._measured, validation._audit = measured, audited
        with said("again"):
            dataset.fn(profile="defaults", store=str(store), overrides=chosen)


@contextmanager
def to_its_end(send: Connection) -> Iterator[None]:
    """Say when a process is done, or what broke it; what it writes for eyes goes nowhere."""
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
    try:
        yield
        send.send(("done", ""))
    except Exception:
        send.send(("done", traceback.format_exc()))
        raise


def read_seeds(lines: int, folder: Path, send: Connection) -> None:
    """Read so many lines of seeds into a store, and look at them together; then again, when nothing is new."""
    logging.disable()
    from wellspring.tasks import seeds
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine.running import runs, validation

    said, path = speaker(send), folder / "seeds.jsonl"
    writer = Writer(lines)
    path.write_text("".join(f"{json.dumps(writer.seed(number))}\n" for number in range(lines)), encoding="utf-8")
    chosen = settings.load("defaults", [f"seeds.paths=['{path}']"])
    with to_its_end(send):
        for name in ("seeds, by n n", "seeds again"):
            receipt: Any = None
            with runs.start("growth", chosen, folder / "ws", quiet=True) as run:
                with said(name, lambda: receipt.counts):  # noqa: B023 - called before the next turn
                    receipt = seeds.ingest(run)
                validation.audit(run, "seeds")


def compare(fresh: int, pool: int, folder: Path, send: Connection) -> None:  # noqa: ARG001 - as the others
    """Compare so many new instructions with a pool and with each other, as the stage does."""
    from wellspring.tasks.contracts.settings import Settings
    from wellspring.tasks.methods.instructions.novelty import repeats

    said, refused = speaker(send), dict[int, Any]()
    with to_its_end(send):
        with said("instructions in vectors", lambda: Did(fresh + pool, fresh + pool)):
            vectors = embedded(sentences_of(fresh + pool))
        with said("compared, by n (n + pool)", lambda: Did(fresh, fresh - len(refused))):
            refused = repeats(vectors[pool:], vectors[:pool], Settings().instructions.max_pool_cosine or 0.85)


def find(asked: int, passages: int, folder: Path, send: Connection) -> None:  # noqa: ARG001 - as the others
    """Find the passages that are nearest so many seeds, by vectors and by keywords, as deep as a search goes."""
    from wellspring.tasks.io.vectors import index
    from wellspring.tasks.io.vectors.keywords import KeywordIndex
    from wellspring.tasks.methods.vectors.words import words
    from wellspring.tasks.spine.vectors.retrieval import DEPTH

    said, texts = speaker(send), sentences_of(asked + passages)
    depth = min(DEPTH, passages)
    with to_its_end(send):
        with said("passages in vectors", lambda: Did(asked + passages, asked + passages)):
            vectors = embedded(texts)
        with said("index of vectors", lambda: Did(passages, passages)):
            built = index.Index.build([f"{row:09}" for row in range(passages)], vectors[asked:])
        with said(f"{built.kind}, by n x passages", lambda: Did(asked, asked)):
            built.search(vectors[:asked], depth)
        with said("index of keywords", lambda: Did(passages, passages)):
            keywords = KeywordIndex.build(words(text) for text in texts[asked:])
        with said("keywords, by n x passages", lambda: Did(asked, asked)):
            keywords.search([words(text) for text in texts[:asked]], depth)


class Did(NamedTuple):
    """Rows in and out of a part, as a receipt counts them."""

    rows_in: int
    rows_out: int


def sentences_of(count: int) -> list[str]:
    """Return so many sentences, the same each time."""
    writer = Writer(count)
    return [writer.sentence() for _ in range(count)]


def embedded(texts: Sequence[str]) -> Any:
    """Return the vectors of texts by the default embedder."""
    from wellspring.tasks.contracts.settings import Settings
    from wellspring.tasks.methods.vectors import hashing_embedder

    wanted = Settings().embeddings
    return hashing_embedder.fit(texts[:FITTED], wanted.dimensions, 2**16, 0).embed(texts).vectors


def held_mb(pid: int) -> float:
    """Return the memory of a process and all below it; pages that several of them map count once (PSS)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        children = {child for path in tasks for child in path.read_text(encoding="ascii").split()}
    except OSError:  # it has ended
        return 0.0
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own / 1024 + sum(held_mb(int(child)) for child in children)


def worked_seconds(pid: int) -> float:
    """Return the seconds of processor time of a process and of its children, those that have ended among them."""
    try:
        spent = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:15]
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        children = {child for path in tasks for child in path.read_text(encoding="ascii").split()}
    except OSError:  # it has ended
        return 0.0
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK") + sum(worked_seconds(int(child)) for child in children)


def measure(documents: int, overrides: list[str], folder: Path) -> None:
    """Build a dataset from so many pages, and print a line for each stage."""
    corpus, seeds = write_corpus(folder, documents)
    watch(documents, build, corpus, seeds, folder / "ws", overrides)


def watch(documents: int, function: Callable[..., None], *arguments: Any) -> None:
    """Call a function in a process of its own, and print a line for each part that it says it did."""
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=function, args=(*arguments, send))
    process.start()
    send.close()
    peak, most = 0.0, 0.0
    while True:
        peak = max(peak, held_mb(process.pid or 0))
        if not receive.poll(WATCH_SECONDS):
            continue
        match receive.recv():
            case ("begin", _):
                peak = 0.0
            case ("end", name, counts, took):
                most = max(most, peak)
                said = line(documents, name, counts, took, most if name == "all" else peak)
                sys.stdout.write(f"{said}\n")
                sys.stdout.flush()
            case (_, problem):
                process.join()
                sys.stdout.write(problem)
                return


def line(documents: int, name: str, counts: Any, took: tuple[float, float, float], peak: float) -> str:
    """Return a line of the table; a row is an input of a stage, of the whole a document."""
    seconds, model, worked = took
    rows = documents if name in {"all", "again"} else counts.rows_in if counts else 0
    per_row, of_cpu = (f"{1000 * (spent - model) / rows:.2f}" if rows else "" for spent in (seconds, worked))
    out = f"{counts.rows_out:,}" if counts else ""
    return (
        f"{documents:>9,} {name:<27}{f'{rows:,}' if rows else '':>9}{out:>9}{seconds - model:>9.1f}{model:>9.1f}"
        f"{per_row:>8}{of_cpu:>8}{peak:>9,.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time and memory of every stage.")
    parser.add_argument("--documents", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--seeds", type=int, nargs="*", default=[], help="lines to read and to look at together")
    parser.add_argument("--compared", type=int, nargs=2, metavar=("NEW", "POOL"), help="instructions to compare")
    parser.add_argument("--found", type=int, nargs=2, metavar=("SEEDS", "PASSAGES"), help="seeds to find passages for")
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="a setting, as key=value")
    chosen = parser.parse_args()
    sys.stdout.write(f"{HEAD}\n")
    for documents in chosen.documents:
        with tempfile.TemporaryDirectory() as folder:
            measure(documents, chosen.overrides, Path(folder))
    parts = [(read_seeds, [lines]) for lines in chosen.seeds]
    parts += [(part, sizes) for part, sizes in ((compare, chosen.compared), (find, chosen.found)) if sizes]
    for part, sizes in parts:
        with tempfile.TemporaryDirectory() as folder:
            watch(sizes[0], part, *sizes, Path(folder))


if __name__ == "__main__":
    main()
