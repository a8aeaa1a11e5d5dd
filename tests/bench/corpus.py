"""Corpora: speed, near duplicates, benchmarks and memory, with the peers in the same run.

Run as `python -m tests.bench.corpus [part ...]`; the parts are in `PARTS`. It needs ../shared/data. How well texts are
found is in `extraction.py`.
"""

import gzip
import hashlib
import io
import json
import multiprocessing
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[3] / "shared" / "data"
LIMIT_BYTES = 16 * 2**20
PARTS = ("speed", "minhash", "contamination", "memory")
THRESHOLD = 0.8

Extractor = Callable[[str, str], str]


def lines(name: str) -> list[Any]:
    """Read a JSONL file of the shared data."""
    with gzip.open(SHARED / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def archived(name: str) -> Iterator[tuple[str, str]]:
    """Yield address and decoded page of an archive of the shared data."""
    from wellspring.tasks.contracts.charsets import decode
    from wellspring.tasks.io.corpora import messages, warc

    for record in warc.records(str(SHARED / name), LIMIT_BYTES):
        if isinstance(record, warc.Record) and record.kind == "response":
            page = messages.page(record, LIMIT_BYTES)
            yield record.url, decode(page.body, page.headers.get("content-type", ""))[0]


def ours(html: str, url: str) -> str:
    """Extract by our default."""
    from selectolax.lexbor import LexborHTMLParser

    from wellspring.tasks.methods.pages import main_text

    return main_text.extract(LexborHTMLParser(html), url)


def by_trafilatura(html: str, _url: str) -> str:
    """Extract by trafilatura as it is published with the golds: without comments."""
    import trafilatura

    return trafilatura.extract(html, include_comments=False) or ""


def by_resiliparse(html: str, _url: str) -> str:
    """Extract by Resiliparse's main content."""
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(html, main_content=True)


EXTRACTORS: dict[str, Extractor] = {"wellspring": ours, "trafilatura": by_trafilatura, "resiliparse": by_resiliparse}


def bare_loop(path: str, extractor: Extractor) -> int:
    """FastWARC and an extractor, nothing else: the floor."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    count = 0
    for record in ArchiveIterator(path, record_types=WarcRecordType.response, parse_http=True):
        body = record.reader.read()
        extractor(bytes_to_str(body, detect_encoding(body)), "")
        count += 1
    return count


def pipeline(path: str, extractor: str, **settings: Any) -> int:
    """Our shard function, whole: records to documents, language, personal data, opt-outs, signatures, Arrow tables."""
    from wellspring.tasks import documents
    from wellspring.tasks.contracts.settings import DocumentsSettings
    from wellspring.tasks.io.corpora import corpus_files

    method = DocumentsSettings(extractor=extractor, **settings).model_dump() | {
        "limit_bytes": LIMIT_BYTES,
        "page_seconds": 10.0,
        "benchmarks": {},
        "ngram_words": 13,
        "containment": 0.8,
    }
    file = corpus_files.look(path)
    part = {"source_id": "s", "uri": path, "part_id": "p", "kind": file.kind, "license": None}
    produced = documents._read({"parts": [part | {"start": 0, "stop": file.extent}], "method": method})
    return produced.rows_in - 1  # the warcinfo


def speed() -> None:
    """Documents a second from archive to text on one core, in processor seconds: the best of turns that alternate."""
    path = str(SHARED / "web/wcxb_dev_a.warc.gz")
    html = list(archived("web/wcxb_dev_a.warc.gz"))
    bare, traf = "bare loop: fastwarc + resiliparse", "bare loop: fastwarc + trafilatura"
    work: dict[str, Callable[[], int]] = {
        bare: lambda: bare_loop(path, by_resiliparse),
        "our pipeline, resiliparse": lambda: pipeline(path, "resiliparse"),
        "our pipeline, wellspring": lambda: pipeline(path, "wellspring"),
        "wellspring, extraction alone": lambda: len([ours(text, url) for url, text in html]),
        traf: lambda: bare_loop(path, by_trafilatura),
    }
    rates = dict.fromkeys(work, 0.0)
    for turn in range(4):
        for label, run in work.items():
            if label == traf and turn:
                continue  # it takes as long as all others together
            started = time.process_time()
            count = run()
            rates[label] = max(rates[label], count / (time.process_time() - started))
    print(f"{'WARC to text, documents/s':38}{'docs/s':>9}{'of bare':>9}{'of trafilatura':>16}")
    for label, rate in rates.items():
        print(f"{label:38}{rate:9.1f}{rate / rates[bare]:9.2f}{rate / rates[traf]:16.2f}")


def articles() -> list[str]:
    """15,000 documents: the news articles and documentation pages, then instructions and their answers."""
    names = ("mccormick_articles", "docs_nemo_curator", "docs_jest")
    texts = [row["text"] for name in names for row in lines(f"dedup/{name}.jsonl.gz")]
    texts += [
        f"{row['instruction']} {row['input']} {row['output']}" for row in lines("instructions/pool_alpaca_a.jsonl.gz")
    ]
    return texts[:15_000]


def by_ours(texts: list[str]) -> set[tuple[int, int]]:
    """Pairs by our bands, verified."""
    from wellspring.tasks.methods.pages import near_duplicates

    pairs = near_duplicates.candidates(near_duplicates.bands(texts))
    return {tuple(pair) for pair in pairs[near_duplicates.jaccard(texts, pairs) >= THRESHOLD].tolist()}


def shingled(text: str) -> list[str]:
    """Five-word shingles in Python, as the peers are fed."""
    found = re.findall(r"\w+", text.lower())
    return [" ".join(found[i : i + 5]) for i in range(max(1, len(found) - 4))]


def by_rensa(texts: list[str]) -> set[tuple[int, int]]:
    """Rensa's RMinHash at 112 permutations with its LSH, fed by Python shingling; candidates as they come."""
    import rensa

    index = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=112, num_bands=14)
    found = set[tuple[int, int]]()
    for i, text in enumerate(texts):
        hashed = rensa.RMinHash(num_perm=112, seed=1)
        hashed.update(shingled(text))
        found |= {(j, i) for j in index.query(hashed)}
        index.insert(i, hashed)
    return found


def by_datasketch(texts: list[str]) -> set[tuple[int, int]]:
    """Datasketch's MinHash and LSH at 112 permutations; candidates as they come."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(params=(14, 8), num_perm=112)
    found = set[tuple[int, int]]()
    for i, text in enumerate(texts):
        hashed = MinHash(num_perm=112)
        hashed.update_batch([shingle.encode() for shingle in shingled(text)])
        found |= {(int(j), i) for j in index.query(hashed)}
        index.insert(str(i), hashed)
    return found


def minhash() -> None:
    """Near duplicates: documents a second end to end, and what is found of what is there."""
    texts = articles()
    by_ours(texts[:10])  # compiles
    print(f"{'near duplicates, 15,000 documents':36}{'docs/s':>9}{'pairs':>8}{'of rensa':>10}")
    rates: dict[str, float] = {}
    for label, method in (
        ("rensa, Python shingling", by_rensa),
        ("datasketch", by_datasketch),
        ("wellspring, verified", by_ours),
    ):
        started = time.process_time()
        found = method(texts)
        rates[label] = len(texts) / (time.process_time() - started)
        print(f"{label:36}{rates[label]:9.0f}{len(found):8}{rates[label] / rates['rensa, Python shingling']:10.2f}")
    for name in ("docs_jest", "docs_nemo_curator"):
        rows = lines(f"dedup/{name}.jsonl.gz")
        places = {row["id"]: place for place, row in enumerate(rows)}
        table = gzip.decompress((SHARED / f"dedup/{name}.jaccard.tsv.gz").read_bytes()).decode()
        told = [line.split("\t") for line in table.splitlines()[1:]]
        truth = {tuple(sorted((places[a], places[b]))) for a, b, share, _ in told if float(share) >= THRESHOLD}
        found = by_ours([row["text"] for row in rows])
        print(
            f"{name:36} recall {len(found & truth) / len(truth):.3f}  precision {len(found & truth) / len(found):.3f}"
        )
    rows = lines("dedup/mccormick_articles.jsonl.gz")
    places = {row["id"]: place for place, row in enumerate(rows)}
    told = [line.split("\t") for line in (SHARED / "dedup/mccormick_truth.tsv").read_text().splitlines()[1:]]
    truth = {tuple(sorted((places[a], places[b]))) for a, b, *_ in told}
    print(f"{'McCormick':36} {len(by_ours([row['text'] for row in rows]) & truth)} of {len(truth)}")


def contamination() -> None:
    """Benchmark prompts: recall and precision on planted ones, natural ones found, rate."""
    from wellspring.tasks.io.corpora import benchmarks
    from wellspring.tasks.methods.pages import decontamination

    names = ("mt_bench", "ifeval", "alpaca_eval", "arena_hard_v01")
    rows = benchmarks.read({name: str(SHARED / f"instructions/bench_{name}.jsonl.gz") for name in names})
    known = decontamination.index(decontamination.Prompt(*row) for row in rows)
    planted = lines("instructions/contamination_planted.jsonl.gz")
    found = [match is not None for match in decontamination.find_all(known, [row["prompt"] for row in planted])]
    hits = sum(f and row["contaminated"] for f, row in zip(found, planted, strict=True))
    print(
        f"planted: recall {hits / sum(row['contaminated'] for row in planted):.4f}  precision {hits / sum(found):.4f}"
    )
    natural = lines("instructions/contamination_natural.jsonl.gz")
    count = 0
    for truth in natural:
        (row,) = (row for row in lines(f"instructions/{truth['file']}") if str(row["id"]) == str(truth["id"]))
        count += (
            decontamination.match_of(known, "\n".join(row[k] for k in ("prompt", "instruction", "input") if row.get(k)))
            is not None
        )
    print(f"natural: {count} of {len(natural)}")
    texts = [row["main_content"] or "" for row in lines("web/wcxb_dev_a.gold.jsonl.gz")]
    started = time.process_time()
    decontamination.find_all(known, texts)
    print(f"against {len(known.prompts)} prompts: {len(texts) / (time.process_time() - started):.0f} pages/s")


def synthetic(path: Path, count: int) -> None:
    """Write an archive of `count` different pages, built of the words of real ones."""
    vocabulary = sorted(
        {
            word
            for _, html in list(archived("web/trafilatura_eval.warc.gz"))[:30]
            for word in re.findall(r"[a-z]{3,12}", html)
        }
    )
    with path.open("wb") as file:
        for i in range(count):
            picks = hashlib.shake_128(str(i).encode()).digest(2 * 220)
            chosen = [
                vocabulary[int.from_bytes(picks[j : j + 2], "big") % len(vocabulary)] for j in range(0, len(picks), 2)
            ]
            text = "".join(f"<p>{' '.join(chosen[j : j + 22]).capitalize()}.</p>" for j in range(0, len(chosen), 22))
            html = f"<html><title>{i}</title><body>{text}</body></html>"
            block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{html}".encode()
            url = f"http://site{i % 997}.example/{i}"
            head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(block)}\r\n\r\n"
            out = io.BytesIO()
            with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as member:
                member.write(head.encode() + block + b"\r\n\r\n")
            file.write(out.getvalue())


def read_corpus(path: str, store: str, answer: Any) -> None:
    """Read an archive into a store, in a process of its own; answer rows, seconds, peak of it and of its workers."""
    from wellspring.tasks import documents, passages, sources
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine.running import runs

    started = time.monotonic()
    chosen = settings.load(None, ["threads=2"], environment={}, extra={"sources": {"corpora": [{"path": path}]}})
    with runs.start("bench", chosen, store, quiet=True) as run:
        sources.register(run)
        counts = documents.extract(run).counts
        passages.split(run)
    own = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())  # ru_maxrss begins at the parent's
    peaks = (int(own[1]) if own else 0, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    seconds = time.monotonic() - started
    answer.put((counts.rows_in, counts.rows_out, counts.rows_rejected, seconds, *(kb / 1024 for kb in peaks)))


def memory() -> None:
    """Peak memory of reading 1,000 and 100,000 documents into a store."""
    print(f"{'documents':>10}{'out':>9}{'refused':>9}{'seconds':>9}{'docs/s':>8}{'writer MB':>11}{'worker MB':>11}")
    for count in (1_000, 100_000):
        with tempfile.TemporaryDirectory() as folder:
            synthetic(Path(folder) / "a.warc.gz", count)
            context = multiprocessing.get_context("spawn")
            answer = context.Queue()
            process = context.Process(target=read_corpus, args=(f"{folder}/a.warc.gz", f"{folder}/ws", answer))
            process.start()
            rows_in, out, refused, seconds, writer, worker = answer.get()
            process.join()
            print(f"{rows_in:10}{out:9}{refused:9}{seconds:9.1f}{rows_in / seconds:8.0f}{writer:11.0f}{worker:11.0f}")


if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        print(f"\n== {part}")
        globals()[part]()
