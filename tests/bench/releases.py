"""Releases of many rows: seconds and memory of a release, of a diff of two, and of issuing one again.

    python -m tests.bench.releases [--rows 100000]

Rows are made by program: two exports of a store, each with the whole lineage of a page, an instruction and an answer.
In the second a tenth of the pages is new, and a tenth has another text. Each step runs in a process of its own, whose
peak of resident memory and whose seconds, of the clock and of the processor, are printed.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io import datasets
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.datasets.formats import OURS
from wellspring.tasks.spine.provenance import exclusions
from wellspring.tasks.spine.releases import differences, reissuing, releases
from wellspring.tasks.spine.releases.reissuing import Gone

RUN = "bench"
NAME = "wellspring-dataset"
METHODS = {"documents": "extract", "instructions": "attributed_grounding", "responses": "answer", "exports": NAME}
NOON = datetime(2026, 11, 30, 12)  # noqa: DTZ001 - the tables keep UTC without a zone
TENTH = 10
WORDS = "the river runs past the old mill where bread was baked and sold to those who came by boat in summer"
GONE = "https://site-7.example/7"


def pages(rows: int, night: int) -> Iterator[tuple[str, str]]:
    """Yield address and text of each page: on the second night a tenth is new, and a tenth has another text."""
    for n in range(rows):
        is_new, is_other = night and n % TENTH == 0, night and n % TENTH == 1
        number = n + rows * bool(is_new)
        text = f"{WORDS} {number} {'again' if is_other else ''} {WORDS[::-1]}"
        yield f"https://site-{number % 997}.example/{number}", text


def document(url: str, text: str) -> records.Document:
    """Return the row of a page."""
    id_ = content_id("document", url, text)
    offset, length = int(url.rpartition("/")[2]) * 100, 100
    domain = url.split("/")[2]
    named = ("extract", "source", offset, length, url, domain, None, None, None, None, "en", "CC0-1.0")
    return records.Document(id_, *named, text, 40, content_id(text), None, RUN)


def fill(store: Store, rows: int, night: int) -> None:
    """Put pages, instructions, answers and calls into a store, and export them."""
    store.append("sources", [records.Source("source", "bench", "/a.warc.gz", "warc", "CC0-1.0", "0" * 64, 1, RUN)])
    settings = json.dumps({"selections": {"min_score": 5 + night}})
    store.append("runs", [records.RunRow(RUN, "build", "done", NOON, NOON, settings, "c", "{}", "o", None)])
    documents = [document(url, text) for url, text in pages(rows, night)]
    made = [_instruction(one) for one in documents]
    answers = [_answer(one) for one in made]
    store.append("documents", documents)
    store.append("instructions", made)
    store.append("responses", answers)
    store.append("completions", _calls([*made, *answers]))
    print_ = f"export {night}"
    fingerprints = {**METHODS, "exports": print_}
    store.append("methods", [records.MethodRow(s, fingerprints[s], METHODS[s], "{}", True, RUN) for s in METHODS])
    store.execute("methods/activate", stage="exports", fingerprints=[print_], settings="{}")
    store.append("exports", _exported(store, documents, made, answers, print_))
    store.append("publications", [records.Publication(s, fingerprints[s], RUN) for s in METHODS])


def _instruction(page: records.Document) -> records.Instruction:
    id_ = content_id("instruction", page.document_id)
    text = f"Explain to a newcomer what {page.url} says: {page.text[:80]}"
    named = ("attributed_grounding", page.document_id, "attributed_grounding", 0, 0, text, page.document_id, [])
    return records.Instruction(id_, *named, None, None, None, None, None, f"call {id_}", RUN)


def _answer(one: records.Instruction) -> records.Response:
    id_ = content_id("response", one.instruction_id)
    return records.Response(id_, "answer", one.instruction_id, "m", 0, one.text * 3, "stop", f"call {id_}", RUN)


def _calls(rows: list[records.Instruction | records.Response]) -> pa.Table:
    ids = [row.completion_id for row in rows]
    usual = {"role": "generator", "model": "m", "request": "{}", "text": "{}", "finish_reason": "stop", "run_id": RUN}
    columns: dict[str, list[object]] = {}
    for one in records.schema("completions"):
        default: object = "" if one.type == pa.string() else 0
        columns[one.name] = [usual.get(one.name, default)] * len(ids)
    columns |= {"completion_id": [*ids], "sequence": [*range(1, len(ids) + 1)]}
    return pa.table(columns, schema=records.schema("completions"))


def _exported(
    store: Store,
    documents: list[records.Document],
    made: list[records.Instruction],
    answers: list[records.Response],
    print_: str,
) -> list[records.Export]:
    form, place = OURS["messages"], store.exports / NAME
    rows = list[records.Export]()
    with datasets.staging(place) as dataset:
        table = dataset.table("messages/train", form.columns())
        for page, asked, said in zip(documents, made, answers, strict=True):
            row = {
                "response_id": said.response_id,
                "text": asked.text,
                "response": said.text,
                "system": "",
                "model": "m",
            }
            row |= {"recipe": "r", "url": page.url, "license": "cc0-1.0", "score": 6.0, "instruction_model": "m"}
            for row_id, line in form.lines(row):
                number = table.append(line)
                path = f"exports/{NAME}/messages/train.jsonl"
                rows.append(records.Export(content_id(path, number, row_id), print_, path, "", row_id, number, RUN))
        dataset.close_tables()
        dataset.text("README.md", "# bench\n")
        files = [{"path": f.path, "bytes": f.bytes, "sha256": f.sha256, "rows": f.rows} for f in dataset.files]
        dataset.text("manifest.json", json.dumps({"name": NAME, "license": "cc0-1.0", "files": files}))
    datasets.put_in_place(place)
    return rows


def _fill(path: Path, rows: int, night: int) -> None:
    with Store.open(path) as store:
        fill(store, rows, night)


def _release(path: Path, name: str) -> None:
    with Store.open(path) as store:
        releases.make(store, name)


def _diff(path: Path) -> None:
    found = differences.between(differences.of_release(path, "v1"), differences.of_release(path, "v2"))
    print("   ", found["rows"], found["why"], flush=True)


def _look(path: Path) -> None:
    assert all(one["is_whole"] for one in releases.listed(path))


def _exclude(path: Path) -> None:
    with Store.open(path) as store:
        said = exclusions.exclude(store, where="url contains 'site-7.example'", reason="bench")
    print("   ", len(said["named"]), "rows meet the condition", flush=True)


def _reissue(path: Path) -> None:
    with Store.open(path) as store:
        print("   ", reissuing.reissue(store, Gone("url", GONE)), flush=True)


def measured(what: str, step: Callable[..., None], *given: object) -> None:
    """Run a step in a process of its own, and print what it took."""
    process = multiprocessing.get_context("spawn").Process(target=_timed, args=(what, step, *given))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{what} ended with {process.exitcode}")


def _timed(what: str, step: Callable[..., None], *given: object) -> None:
    before, started = time.process_time(), time.monotonic()
    step(*given)
    seconds, processor = time.monotonic() - started, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<28}{seconds:>8.1f} s{processor:>8.1f} s of processor{peak:>8.0f} MB", flush=True)


def main() -> None:
    """Make two exports, and measure what is done with them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="bench-releases-") as folder:
        path = Path(folder) / "ws"
        measured("fill, first night", _fill, path, rows, 0)
        measured("release v1", _release, path, "v1")
        measured("fill, second night", _fill, path, rows, 1)
        measured("release v2", _release, path, "v2")
        measured("diff v1 v2", _diff, path)
        measured("releases (all are read)", _look, path)
        measured("exclude --where", _exclude, path)
        measured("issue both again", _reissue, path)


if __name__ == "__main__":
    main()
