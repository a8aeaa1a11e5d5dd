"""How the whole pipeline grows: time and memory of every stage, from archived pages to exported files.

    python -m tests.bench.growth --documents 1000 10000 100000

Pages are of about 200 words, sentences of the sample corpus with a third of their words drawn anew, so that each is
another text and still English; seeds are a tenth as many, half of them with an answer. One build, as `wellspring build`
runs it, with the default profile: both recipes, answers, checks, scores, selection, controls, files, page. The model is
the built-in stand-in, which works in the same process: its CPU seconds are measured apart and taken off. Memory is the
resident memory of the build and its workers together, watched from outside twenty times a second, of each stage alone.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parents[2] / "deployments" / "sample"
SENTENCES = 14  # of a page
DOMAINS = 2_000
WATCH_SECONDS = 0.2
HEAD = f"{'documents':>9} {'stage':<20}{'in':>9}{'out':>9}{'seconds':>9}{'model':>9}{'ms/row':>8}{'peak MB':>9}"


def sentences() -> list[list[str]]:
    """Return the English sentences of the sample corpus, as words."""
    from tasks.methods.languages import identify

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
        from tasks.io.offline import StandIn

        self.seconds = 0.0
        answer = StandIn.respond

        def timed(*arguments: Any) -> Any:
            started = time.thread_time()
            try:
                return answer(*arguments)
            finally:
                self.seconds += time.thread_time() - started

        setattr(StandIn, "respond", timed)  # noqa: B010 - pyright is told nothing of it


def build(corpus: Path, seeds: Path, store: Path, overrides: list[str], send: Connection) -> None:
    """Run the main job, and say of each stage and each audit when it begins and what it did."""
    logging.disable()
    from flows.dataset import dataset
    from tasks.spine import runs, validation

    clock = ModelClock()

    @contextmanager
    def said(name: str, counts: Callable[[], Any] = lambda: None) -> Iterator[None]:
        send.send(("begin", name))
        started, spent = time.monotonic(), clock.seconds
        yield
        send.send(("end", name, counts(), time.monotonic() - started, clock.seconds - spent))

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
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
    try:
        with said("all"):
            dataset.fn(profile="defaults", store=str(store), overrides=chosen)
        runs._measured, validation._audit = measured, audited
        with said("again"):
            dataset.fn(profile="defaults", store=str(store), overrides=chosen)
        send.send(("done", ""))
    except Exception:
        send.send(("done", traceback.format_exc()))
        raise


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


def measure(documents: int, overrides: list[str], folder: Path) -> None:
    """Build a dataset from so many pages, and print a line for each stage."""
    corpus, seeds = write_corpus(folder, documents)
    receive, send = multiprocessing.Pipe(duplex=False)
    arguments = (corpus, seeds, folder / "ws", overrides, send)
    process = multiprocessing.get_context("spawn").Process(target=build, args=arguments)
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
            case ("end", name, counts, seconds, model):
                most = max(most, peak)
                said = line(documents, name, counts, seconds, model, most if name == "all" else peak)
                sys.stdout.write(f"{said}\n")
                sys.stdout.flush()
            case (_, problem):
                process.join()
                sys.stdout.write(problem)
                return


def line(documents: int, name: str, counts: Any, seconds: float, model: float, peak: float) -> str:
    """Return a line of the table; a row is an input of a stage, of the whole a document."""
    rows = documents if name in {"all", "again"} else counts.rows_in if counts else 0
    per_row = f"{1000 * (seconds - model) / rows:.2f}" if rows else ""
    out = f"{counts.rows_out:,}" if counts else ""
    return (
        f"{documents:>9,} {name:<20}{f'{rows:,}' if rows else '':>9}{out:>9}{seconds - model:>9.1f}{model:>9.1f}"
        f"{per_row:>8}{peak:>9,.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time and memory of every stage.")
    parser.add_argument("--documents", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="a setting, as key=value")
    chosen = parser.parse_args()
    sys.stdout.write(f"{HEAD}\n")
    for documents in chosen.documents:
        with tempfile.TemporaryDirectory() as folder:
            measure(documents, chosen.overrides, Path(folder))


if __name__ == "__main__":
    main()
