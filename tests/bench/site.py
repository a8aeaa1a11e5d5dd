"""A site of very many rows: how long it takes to write, how large it is, how fast each view is. Made-up rows.

    python -m tests.bench.site --rows 1000000 --folder /tmp/site
    python -m tests.bench.site --rows 1000000 --folder /tmp/site --only views

The rows are made in the database itself, of words of a made-up language, by numbers: the same on every machine. Views
are opened in Chromium from a server on loopback, in frames of one page, and timed until what is looked for is there.
"""

import argparse
import functools
import json
import queue
import re
import resource
import socketserver
import statistics
import subprocess
import time
from datetime import timedelta
from pathlib import Path

from tests import sample_store
from tests.chromium import BROWSER, FLAGS, Quiet, arrived, serving
from wellspring.tasks.contracts import records
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import pages
from wellspring.tasks.site.browser import ROWS_A_PAGE

RUNS = 400
WORDS, VOCABULARY = 110, 20_000
TIMES = 3
# A word by its number; a text of words drawn by a hash, the commonest words much more often than the others.
MACROS = f"""
CREATE OR REPLACE TEMP MACRO word(n) AS concat(
    substr('bdfgklmnprstvz', 1 + n % 14, 1), substr('aeiou', 1 + n // 14 % 5, 1),
    substr('lmnrst', 1 + n // 70 % 6, 1), substr('aeiou', 1 + n // 420 % 5, 1), substr('dgklnst', 1 + n // 2100 % 10, 1)
);
CREATE OR REPLACE TEMP MACRO drawn(i, j) AS word(
    cast(floor({VOCABULARY} * power((hash(i * 1000 + j) % 1000003) / 1000003, 3)) AS BIGINT)
);
CREATE OR REPLACE TEMP MACRO said(i, many) AS array_to_string([drawn(i, j) FOR j IN range(many)], ' ');
CREATE OR REPLACE TEMP MACRO named(what, i) AS substr(md5(concat(what, i)), 1, 20);
"""
FILL = """
INSERT INTO sources SELECT named('source', i), concat('crawl-', i), concat('/crawl/', i, '.warc.gz'), 'warc', 'CC0-1.0',
    md5(concat(i)), 1000000, 'r0' FROM range(40) t(i);
INSERT INTO documents BY NAME SELECT named('doc', i) AS document_id, 'extract-1' AS fingerprint,
    named('source', i % 40) AS source_id, i AS record_offset, 900 AS record_length,
    concat('https://', word(i % 900), '.example/', i) AS url, concat(word(i % 900), '.example') AS domain,
    said(i, 6) AS title, '2026-02-01T00:00:00Z' AS fetched_at, ['en', 'de', 'fr', 'ja'][1 + i % 4] AS language,
    'CC0-1.0' AS license, said(i, 300) AS text, 300 AS tokens, md5(concat('t', i)) AS text_digest, 'r0' AS run_id
    FROM range($rows // 10) t(i);
INSERT INTO seeds BY NAME SELECT named('seed', i) AS seed_id, 'read-1' AS fingerprint, named('source', 0) AS source_id,
    i AS line, said(i, 20) AS text, 'en' AS language, 20 AS tokens, 'r0' AS run_id FROM range(1000) t(i);
INSERT INTO instructions BY NAME SELECT named('ask', i) AS instruction_id, 'attributed_grounding-1' AS fingerprint,
    named('doc', i // 10) AS input_id,
    ['attributed_grounding', 'knn_instruct', 'harder', 'wrap'][1 + i % 7 % 4] AS recipe,
    0 AS draw, 0 AS round, said(i, 30) AS text, named('doc', i // 10) AS document_id,
    [named('seed', i % 1000)] AS parent_ids,
    named('call', i) AS completion_id, concat('r', i * {runs} // $rows) AS run_id FROM range($rows) t(i);
INSERT INTO responses BY NAME SELECT named('answer', i) AS response_id, 'respond-1' AS fingerprint,
    named('ask', i) AS instruction_id, ['small', 'large'][1 + i % 2] AS model, 0 AS draw, said(i + 7, {words}) AS text,
    'stop' AS finish_reason, named('call', i) AS completion_id, concat('r', i * {runs} // $rows) AS run_id
    FROM range($rows) t(i);
INSERT INTO scores BY NAME SELECT named('ask', i) AS subject_id, 'seven-1' AS fingerprint, 'seven_criteria' AS judge,
    'total' AS criterion, hash(i) % 8 AS value, said(i + 3, 12) AS reason, concat('r', i * {runs} // $rows) AS run_id
    FROM range($rows) t(i);
INSERT INTO verdicts BY NAME SELECT named('answer', i) AS subject_id, 'checks-1' AS fingerprint,
    'not_refused' AS check_name, i % 50 <> 0 AS passed, '' AS detail, concat('r',
    i * {runs} // $rows) AS run_id FROM range($rows) t(i);
INSERT INTO selections BY NAME SELECT 'best_per_topic' AS policy, 'select-1' AS fingerprint,
    named('ask', i) AS instruction_id, i AS rank, hash(i // 3) % 120 AS topic, 'r0' AS run_id FROM range($rows) t(i);
INSERT INTO exports BY NAME SELECT named('line', i) AS export_id, 'write-1' AS fingerprint,
    'exports/site/messages/train.jsonl' AS path, md5('x') AS sha256, named('answer', i) AS row_id, i + 1 AS line,
    'r0' AS run_id FROM range($rows) t(i);
INSERT INTO rejections BY NAME SELECT ['documents', 'instructions', 'groundings'][1 + i % 3] AS stage,
    named('refused', i) AS input_id, 'f' AS fingerprint, concat('reason_', i % 17) AS reason,
    concat('/crawl/', i % 40, '.warc.gz at ', i, '+900 ', said(i, 8)) AS detail, concat('r', i % {runs}) AS run_id
    FROM range($rows // 5) t(i);
INSERT INTO preferences BY NAME SELECT named('ask', i) AS instruction_id, 'f' AS fingerprint,
    named('answer', i) AS chosen_id, named('answer', i + 1) AS rejected_id, 1.0 AS margin,
    'r0' AS run_id FROM range($rows // 20) t(i);
"""
FOUND = "#search-count:not(:empty)"  # said when the rows that are shown first are there
VIEWS = {  # name: address, and what has to be on the page
    "overview": ("index.html", "main .tiles"),
    "live": ("live.html", "#not-live"),
    "runs": ("runs.html", "#runs tbody tr"),
    "funnel": ("funnel.html", "main svg"),
    "quality": ("quality.html", "main p"),
    "spend": ("spend.html", "main .tiles"),
    "corpus": ("corpus.html", "main table"),
    "dataset": ("dataset.html", "main table"),
    "compare: two recipes, ten rows each": (
        "compare.html",
        "#sides .sides > section:nth-child(2) article:nth-of-type(10)",
    ),
    "rows": ("rows/index.html", "#browser .pager"),
    "rows, its last page": ("rows/index.html#p={last}", "#browser .pager"),
    "a row with its page and marks": ("rows/index.html#r={middle}", "#browser .reader .page-text"),
    "a row with its lineage": ("rows/index.html#r={middle}&t=1", "#browser svg.graph"),
    "one recipe": ("rows/index.html#recipe=harder", FOUND),
    "three facets, rows to read": (
        "rows/index.html#recipe=wrap&language=ja&score=7",
        "#browser article:nth-of-type(10)",
    ),
    "three facets, counted": ("rows/index.html#recipe=wrap&language=ja&score=7", FOUND),
    "a facet and a word": ("rows/index.html#recipe=wrap&q={word}", FOUND),
    "a recipe, weakest first": ("rows/index.html#recipe=harder&order=score", FOUND),
    "a rare word": ("rows/index.html#q={rare}", FOUND),
    "refused": ("lists.html#refused", "#lists tbody tr:nth-child(100)"),
    "refused for one reason": ("lists.html#refused/documents/reason_3", "#lists section tbody tr:nth-child(50)"),
    "the last instructions": ("lists.html#instructions?at={last_list}", "#lists tbody tr:nth-child(50)"),
    "a pair": ("pairs.html#{pair}", "#pairs .side"),
}
TIMING = """<!doctype html><title>x</title><script>
const places = %s, seen = {};
async function timed([name, [address, wanted]]) {
  const made = document.createElement("iframe");
  [made.width, made.height] = [1280, 900];
  document.body.append(made);
  const began = performance.now();
  made.src = address;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve));
    const page = made.contentDocument;
    if (page?.readyState === "complete" && page.URL !== "about:blank" && page.querySelector(wanted)) break;
    if (performance.now() - began > 20000) break;
  }
  (seen[name] ||= []).push(performance.now() - began);
  made.remove();
}
addEventListener("load", async () => {
  for (let n = 0; n < %d; n += 1) for (const one of Object.entries(places)) await timed(one);
  await fetch("seen", { method: "POST", body: JSON.stringify(seen) });
});
</script><body></body>"""


class Asking(Quiet):
    """A server of a folder that is told what a page has seen."""

    seen: queue.Queue[dict[str, list[float]]] = queue.Queue()

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        """Take down what was seen; called by the server."""
        self.seen.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()


def filled(folder: Path, rows: int) -> Store:
    """Make a store with so many exported rows."""
    sample = sample_store.fill(folder)
    store = sample.store
    run = store._connection.execute
    for table in ("exports", "selections", "scores", "verdicts", "responses", "instructions", "rejections", "sources"):
        run(f"DELETE FROM {table}")
    run("UPDATE methods SET active = fingerprint <> 'knn_instruct-1'")
    run("INSERT INTO methods VALUES ('preferences', 'f', 'pairs', '{}', TRUE, 'r0')")
    begun = [sample_store.START + timedelta(hours=8 * n) for n in range(RUNS)]
    settings = '{"pages": {"show_values": true}}'
    store.append(
        "runs",
        [
            records.RunRow(
                f"r{n}", "dataset", "done", at, at + timedelta(minutes=9), settings, "0" * 40, "{}", "1@x", None
            )
            for n, at in enumerate(begun)
        ],
    )
    store.append(
        "receipts",
        [
            records.ReceiptRow(f"r{n}", "exports", "write-1", 9, 9, 0, 1.0, 0, 0, 0, 0, 0.0, at)
            for n, at in enumerate(begun)
        ],
    )
    run(MACROS)
    for statement in FILL.replace("{runs}", str(RUNS)).replace("{words}", str(WORDS)).split(";\n"):
        if statement.strip():
            run(statement.replace("$rows", str(rows)))
    sample_store.publish(sample)
    store.execute("preferences/publish")
    return store


def sizes(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return by kind of file how many there are, all bytes together, and of the largest."""
    found: dict[str, list[int]] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            parts = path.relative_to(folder).parts
            found.setdefault(parts[0] if len(parts) > 1 else path.suffix, []).append(path.stat().st_size)
    return {name: (len(of), sum(of), max(of)) for name, of in sorted(found.items())}


def views(folder: Path, rows: int) -> dict[str, float]:
    """Return the milliseconds of each view, the median of several."""
    begins = arrived(folder / "words" / "index.js")
    common, rare = "bala", begins[len(begins) // 2]
    known = {"last": (rows - 1) // ROWS_A_PAGE, "middle": rows // 2, "word": common, "rare": rare}
    known |= {"last_list": rows - 60, "pair": rows // 40}
    places = {name: (re.sub(r"\{(\w+)\}", lambda m: str(known[m[1]]), at), what) for name, (at, what) in VIEWS.items()}
    (folder / "timing.html").write_text(TIMING % (json.dumps(places), TIMES), encoding="utf-8")
    handler = functools.partial(Asking, directory=str(folder))
    with (
        serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)) as port,
        subprocess.Popen(
            [
                BROWSER or "",
                *FLAGS,
                "--remote-debugging-port=0",
                f"--user-data-dir={folder.parents[1] / 'browser'}",
                f"http://127.0.0.1:{port}/timing.html",
            ],
            stderr=subprocess.DEVNULL,
        ) as browser,
    ):
        seen = Asking.seen.get(timeout=900)
        browser.terminate()
    (folder / "timing.html").unlink()
    return {name: statistics.median(of) for name, of in seen.items()}


def main() -> None:
    """Fill, write, write again, and look."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--only", choices=("views",))
    given = asked.parse_args()
    if given.only is None:
        given.folder.mkdir(parents=True)
        began = time.perf_counter()
        store = filled(given.folder, given.rows)
        print(f"made {time.perf_counter() - began:.1f} s", flush=True)
        for what in ("written", "again, with nothing changed"):
            began = time.perf_counter()
            unwritten = pages.write_site(store)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(
                f"{what} {time.perf_counter() - began:.1f} s, peak {peak:.2f} GB, not written {unwritten}", flush=True
            )
        store.close()
    for name, (count, whole, largest) in sizes(given.folder / "ws" / "pages").items():
        print(f"{name:12} {count:7} files  {whole / 2**20:8.1f} MB  largest {largest / 2**10:7.1f} KB", flush=True)
    for name, took in views(given.folder / "ws" / "pages", given.rows).items():
        print(f"{took:8.1f} ms  {name}", flush=True)


if __name__ == "__main__":
    main()
