"""A crawl of a month by its name, on one machine: a thousandth of its files from loopback, and what all would take.

Run as `python -m tests.bench.crawl [files] [pages of a file]`. There are as many files as a thousandth of a month has,
but smaller ones. Their pages are real, and bytes are counted where they are served. It needs ../shared/data.
"""

import gzip
import math
import multiprocessing
import re
import sys
import tempfile
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from tests.bench import corpus

CRAWL = "CC-MAIN-2024-10"
SHARD_BYTES = 8 * 2**20
FETCHED = 2.15  # times: once to name a file by its bytes, once in ranges that read a megabyte ahead
MONTH_FILES, FILE_BYTES, MONTH_PAGES = 90_000, 10**9, 3_200_000_000  # about, as its publisher tells


class Served(BaseHTTPRequestHandler):
    """Files in ranges, as object storage sends them; `sent` counts the bytes, `asked` the requests."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]] = {}
    sent = asked = 0

    def do_GET(self) -> None:
        """Answer with a file, or a range of it."""
        whole, wanted = self.files.get(self.path.lstrip("/"), b""), self.headers.get("Range", "")
        first, last = (
            (int(n or len(whole) - 1) for n in re.findall(r"\d+|$", wanted)[:2]) if wanted else (0, len(whole))
        )
        part = whole[first : last + 1]
        self.send_response(404 if not whole else 206 if wanted else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{len(whole)}"')
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(whole)}")
        self.end_headers()
        Served.asked += 1
        if self.command == "GET":
            Served.sent += len(part)
            self.wfile.write(part)

    do_HEAD = do_GET  # noqa: N815 - its own name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
        """Say nothing."""


def archives(files: int, pages: int) -> dict[str, bytes]:
    """Return a crawl's list and its archives, cut from real pages; each page is served once under each address."""
    stored = (corpus.SHARED / "web/wcxb_dev_a.warc.gz").read_bytes()
    starts = [match.start() for match in re.finditer(rb"\x1f\x8b\x08", stored)]
    starts = [at for at in starts if _is_record(stored[at : at + 4096])][1:]
    names = [f"crawl-data/{CRAWL}/segments/1/warc/{number:05}.warc.gz" for number in range(files)]
    held = {f"crawl-data/{CRAWL}/warc.paths.gz": gzip.compress("\n".join(names).encode())}
    for number, name in enumerate(names):
        chosen = [(number * pages + i) % (len(starts) - 1) for i in range(pages)]
        whole = b"".join(stored[starts[i] : starts[i + 1]] for i in chosen)
        held[name] = (
            gzip.compress(b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 5\r\n\r\n%05d\r\n\r\n" % number) + whole
        )
    return held


def _is_record(start: bytes) -> bool:
    try:
        return zlib.decompressobj(wbits=31).decompress(start, 5) == b"WARC/"
    except zlib.error:
        return False


def read(path: str, store: str, answer: Any) -> None:
    """Read a crawl into a store, in a process of its own; answer items, documents, ranges and seconds."""
    from wellspring.tasks import documents, sources
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine.running import runs

    started = time.monotonic()
    chosen = settings.load(None, ["threads=2"], environment={}, extra={"sources": {"corpora": [{"path": path}]}})
    with runs.start("bench", chosen, store, quiet=True) as run:
        sources.register(run)
        looked = time.monotonic() - started
        counts = documents.extract(run).counts
        shards = run.store.query("shards/done", stage=documents.PARTS, fingerprint=_method(run)).height
    answer.put((counts.rows_in, counts.rows_out, shards, looked, time.monotonic() - started))


def _method(run: Any) -> str:
    return run.store.query("methods/active", stage="documents")["fingerprint"][0]


def main(files: int = MONTH_FILES // 1000, pages: int = 20) -> None:
    """Read, count, and plan."""
    Served.files = archives(files, pages)
    stored = sum(map(len, Served.files.values()))
    web = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")
        answer = context.Queue()
        where = f"http://127.0.0.1:{web.server_address[1]}/{CRAWL}"
        process = context.Process(target=read, args=(where, f"{folder}/ws", answer))
        process.start()
        items, found, ranges, looked, seconds = answer.get()
        process.join()
        kept = sum(file.stat().st_size for file in Path(folder, "ws").rglob("*") if file.is_file())
    web.shutdown()
    began = time.process_time()
    rate = corpus.pipeline(str(corpus.SHARED / "web/wcxb_dev_a.warc.gz"), "wellspring") / (time.process_time() - began)
    print(f"{files} files, {stored / 2**20:.0f} MB: {items} records, {found} documents, {ranges} ranges")
    print(
        f"  {Served.asked} requests, {Served.sent / stored:.2f} times the bytes; {seconds:.0f} s, {looked:.0f} to look"
    )
    print(f"  {rate:.0f} pages a CPU second; store {kept / max(1, found) / 1024:.1f} KB a document")
    for label, many in (("a thousandth", MONTH_FILES // 1000), ("a month", MONTH_FILES)):
        pages = MONTH_PAGES * many // MONTH_FILES
        ranges, fetched = many * math.ceil(FILE_BYTES / SHARD_BYTES), FETCHED * many * FILE_BYTES / 1e12
        print(
            f"{label}: {many} files, {ranges} ranges, {fetched:.1f} TB to fetch, {pages / rate / 3600:.0f} core hours"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
