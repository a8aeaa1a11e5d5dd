"""A small store with every table filled, and its archive: what tests of lineage, audits and pages start from.

Three pages in a gzipped WARC, two seeds, groundings, instructions by both recipes (one with a demonstration, one with
neighbours), answers, scores, a selection and an exported file. Everything is named by content ids as in a real run.
"""

import atexit
import copy
import functools
import gzip
import json
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.storage import versions
from wellspring.tasks.io.storage.store import Store

RUN = content_id("run", "sample")
START = datetime(2026, 3, 1, 3, 0, 0)  # noqa: DTZ001 - the tables keep UTC without a zone
PAGES = {
    "https://bread.example/sourdough": (
        "A sourdough starter is fed with equal weights of flour and water. "
        "It doubles within six hours when the kitchen is warm. "
        "Bakers keep a cup of it back for the next loaf."
    ),
    "https://tides.example/moon": (
        "Tides follow the moon with a lag that differs from harbour to harbour. "
        "The spring tide comes a day or two after the full moon. "
        "Tables are computed from at least nineteen years of records."
    ),
    "https://bread.example/rye": (
        "Rye dough is sticky because its starches hold water that gluten would not. "
        "It is shaped with wet hands and baked in a tin. "
        "The crumb sets a day after it has left the oven."
    ),
}
SEEDS = ("Why does my starter not rise in winter?", "Plan a week of walks along a tidal coast.")


@dataclass
class Sample:
    """The store, its archive, and the ids that tests ask about."""

    store: Store
    archive: Path
    documents: dict[str, str] = field(default_factory=dict)
    seeds: list[str] = field(default_factory=list)
    groundings: list[str] = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)
    export_path: str = ""


def archive(path: Path) -> dict[str, tuple[int, int]]:
    """Write the pages as a gzipped WARC, one member each, and return offset and length by URL."""
    places: dict[str, tuple[int, int]] = {}
    with path.open("wb") as file:
        for url, text in PAGES.items():
            html = f"<html><title>{url}</title><body><p>{text}</p></body></html>".encode()
            http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + html
            head = (
                "WARC/1.0\r\nWARC-Type: response\r\n"
                f"WARC-Target-URI: {url}\r\nWARC-Record-ID: <urn:uuid:{content_id(url)}>\r\n"
                "WARC-Date: 2026-02-01T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\n"
                f"Content-Length: {len(http)}\r\n\r\n"
            ).encode()
            member = gzip.compress(head + http + b"\r\n\r\n", mtime=0)
            places[url] = (file.tell(), len(member))
            file.write(member)
    return places


@functools.lru_cache(maxsize=1)
def _template() -> tuple[Path, dict[str, Any]]:
    """Fill a store once; what tests get are copies of it."""
    folder = Path(tempfile.mkdtemp(prefix="sample-store-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sample = _filled(folder)
    sample.store.close()
    known = {f.name: getattr(sample, f.name) for f in fields(sample) if f.name not in {"store", "archive"}}
    return folder, known


def fill(directory: Path) -> Sample:
    """Make the store in `directory`/ws and its archive beside it."""
    template, known = _template()
    shutil.copytree(template, directory, dirs_exist_ok=True)
    sample = Sample(Store.open(directory / "ws"), directory / "pages.warc.gz", **copy.deepcopy(known))
    sample.store._connection.execute("UPDATE sources SET uri = ?", [str(sample.archive)])
    return sample


def _filled(directory: Path) -> Sample:
    directory.mkdir(parents=True, exist_ok=True)
    warc = directory / "pages.warc.gz"
    places = archive(warc)
    sample = Sample(Store.open(directory / "ws"), warc)
    _corpus(sample, warc, places)
    _grounding(sample)
    _synthesis(sample)
    _curation(sample)
    _history(sample)
    return sample


def _completion(sample: Sample, role: str, prompt: str, answer: str) -> str:
    completion_id = content_id("completion", role, prompt)
    row = records.Completion(
        completion_id=completion_id,
        sequence=sample.store.query("completions/watermark")["sequence"][0] + 1,
        role=role,
        model="sample-model",
        request=json.dumps({"messages": [{"role": "user", "content": prompt}]}, ensure_ascii=False),
        text=answer,
        finish_reason="stop",
        prompt_tokens=len(prompt.split()),
        completion_tokens=len(answer.split()),
        cached_tokens=0,
        cost_usd=0.001,
        attempts=1,
        latency_seconds=0.25,
        run_id=RUN,
    )
    sample.store.append("completions", [row])
    return completion_id


def _corpus(sample: Sample, warc: Path, places: dict[str, tuple[int, int]]) -> None:
    data = warc.read_bytes()
    digest = sha256(data).hexdigest()
    source_id = content_id("source", digest)
    sample.store.append(
        "sources", [records.Source(source_id, "pages", str(warc), "warc", "CC0-1.0", digest, len(data), RUN)]
    )
    for url, text in PAGES.items():
        document_id = content_id("document", url, text)
        sample.documents[url] = document_id
        offset, length = places[url]
        row = records.Document(
            document_id=document_id,
            fingerprint="extract-1",
            source_id=source_id,
            record_offset=offset,
            record_length=length,
            url=url,
            domain=url.split("/")[2],
            title=url.rsplit("/", 1)[1].title(),
            author=None,
            published_at=None,
            fetched_at="2026-02-01T00:00:00Z",
            language="en",
            license="CC0-1.0",
            text=text,
            tokens=len(text.split()),
            text_digest=sha256(text.encode()).hexdigest()[:20],
            duplicate_of=None,
            run_id=RUN,
        )
        sample.store.append("documents", [row])
        span = records.Passage(
            content_id("passage", document_id, 0), "split-1", document_id, 0, len(text), text, len(text.split()), RUN
        )
        sample.store.append("passages", [span])
        vector = [1.0, 0.0]
        sample.store.append("embeddings", [records.Embedding(span.passage_id, "passages", "hash-2", vector, RUN)])
    for line, text in enumerate(SEEDS):
        seed_id = content_id("seed", text)
        sample.seeds.append(seed_id)
        sample.store.append(
            "seeds",
            [records.Seed(seed_id, "read-1", source_id, line, text, None, "en", len(text.split()), RUN)],
        )


def _grounding(sample: Sample) -> None:
    for seed_id, text, document_id in zip(sample.seeds, SEEDS, sample.documents.values(), strict=False):
        completion_id = _completion(sample, "generator", f"attribute {text} to {_text_of(sample, document_id)}", "{}")
        grounding_id = content_id("grounding", seed_id, document_id)
        sample.groundings.append(grounding_id)
        row = records.Grounding(
            grounding_id=grounding_id,
            fingerprint="ground-1",
            seed_id=seed_id,
            document_id=document_id,
            intention="to bake at home",
            keywords=["starter", "winter"],
            scene="A baker in a cold kitchen wonders about yesterday's dough.",
            ability="explanation",
            knowledge="fermentation",
            output="a short answer",
            extra_information="none",
            agreement=None,
            completion_id=completion_id,
            run_id=RUN,
        )
        sample.store.append("groundings", [row])


def _synthesis(sample: Sample) -> None:
    _, second, third = sample.documents.values()
    plans = [
        (
            "attributed_grounding",
            third,
            [sample.groundings[0]],
            "My rye loaf is gummy on the first day. Should I wait?",
        ),
        ("attributed_grounding", second, [sample.groundings[1]], "When do I find the lowest water after a full moon?"),
        ("knn_instruct", None, sample.seeds, "Plan a baking week around the tides of my harbour."),
    ]
    for recipe, document_id, parents, text in plans:
        shown = " ".join([_text_of(sample, document_id) if document_id else "", *(_shown(sample, p) for p in parents)])
        completion_id = _completion(sample, "generator", f"write {recipe} {shown}", text)
        instruction_id = content_id("instruction", recipe, document_id, parents, 0)
        sample.instructions.append(instruction_id)
        row = records.Instruction(
            instruction_id=instruction_id,
            fingerprint=f"{recipe}-1",
            input_id=document_id or parents[0],
            recipe=recipe,
            draw=0,
            round=0,
            text=text,
            document_id=document_id,
            parent_ids=list(parents),
            scene=None,
            ability=None,
            knowledge=None,
            output=None,
            extra_information=None,
            completion_id=completion_id,
            run_id=RUN,
        )
        sample.store.append("instructions", [row])
        answer = f"It depends on the day: {text.lower()}"
        answered = _completion(sample, "responder", f"answer {text}", answer)
        response_id = content_id("response", instruction_id, "sample-model", 0)
        sample.responses.append(response_id)
        sample.store.append(
            "responses",
            [
                records.Response(
                    response_id, "respond-1", instruction_id, "sample-model", 0, answer, "stop", answered, RUN
                )
            ],
        )
        sample.store.append("verdicts", [records.Verdict(response_id, "checks-1", "not_refused", True, "", None, RUN)])
        judged = _completion(sample, "judge", f"judge {text}", "6")
        sample.store.append(
            "scores",
            [records.Score(instruction_id, "seven-1", "seven_criteria", "total", 6.0, "clear", judged, RUN)],
        )


def _shown(sample: Sample, parent_id: str) -> str:
    if parent_id in sample.seeds:
        return SEEDS[sample.seeds.index(parent_id)]
    return f"scene {parent_id}"


def _text_of(sample: Sample, document_id: str) -> str:
    url = next(url for url, known in sample.documents.items() if known == document_id)
    return PAGES[url]


def _curation(sample: Sample) -> None:
    chosen = sample.instructions
    for policy in ("best_per_topic", "random_0"):
        sample.store.append(
            "selections",
            [records.Selection(policy, "select-1", i, rank, rank % 2, RUN) for rank, i in enumerate(chosen)],
        )
    folder = sample.store.exports / "sample"
    folder.mkdir(parents=True)
    rows = sample.store.query("responses/of_ids", ids=sample.responses).sort("response_id").to_dicts()
    lines = [json.dumps({"messages": [{"role": "assistant", "content": r["text"]}]}) for r in rows]
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sample.export_path = "sample/train.jsonl"
    digest = sha256((folder / "train.jsonl").read_bytes()).hexdigest()
    sample.store.append(
        "exports",
        [
            records.Export(
                content_id(sample.export_path, n), "write-1", sample.export_path, digest, r["response_id"], n, RUN
            )
            for n, r in enumerate(rows, start=1)
        ],
    )


STAGES: dict[str, tuple[int, int, int]] = {
    "documents": (5, 3, 2),
    "passages": (3, 3, 0),
    "embeddings": (3, 3, 0),
    "seeds": (2, 2, 0),
    "groundings": (2, 2, 0),
    "instructions": (4, 3, 1),
    "responses": (3, 3, 0),
    "verdicts": (3, 3, 0),
    "scores": (3, 3, 0),
    "selections": (3, 3, 0),
    "exports": (3, 3, 0),
}
METHODS = {
    "documents": ["extract-1"],
    "passages": ["split-1"],
    "embeddings": ["hash-2"],
    "seeds": ["read-1"],
    "groundings": ["ground-1"],
    "instructions": ["attributed_grounding-1", "knn_instruct-1"],
    "responses": ["respond-1"],
    "verdicts": ["checks-1"],
    "scores": ["seven-1"],
    "selections": ["select-1"],
    "exports": ["write-1"],
}


def _history(sample: Sample) -> None:
    store = sample.store
    run = records.RunRow(
        run_id=RUN,
        flow="dataset",
        status="done",
        started_at=START,
        ended_at=START + timedelta(minutes=4),
        settings='{"pages": {"show_values": true}}',
        commit="0" * 40,
        versions='{"python": "3.11"}',
        owner="1@sample",
        error=None,
    )
    store.append("runs", [run])
    for stage, prints in METHODS.items():
        store.append("methods", [records.MethodRow(stage, p, p.split("-")[0], "{}", True, RUN) for p in prints])
    for n, (stage, (rows_in, rows_out, refused)) in enumerate(STAGES.items()):
        calls = rows_in if stage in {"groundings", "instructions", "responses", "scores"} else 0
        receipt: dict[str, Any] = {
            "rows_in": rows_in,
            "rows_out": rows_out,
            "rows_rejected": refused,
            "seconds": 1.5,
            "calls": calls,
            "cached_calls": 0,
            "prompt_tokens": 40 * calls,
            "completion_tokens": 20 * calls,
            "cost_usd": 0.001 * calls,
            "finished_at": START + timedelta(seconds=10 * (n + 1)),
        }
        store.append(
            "receipts", [records.ReceiptRow(run_id=RUN, stage=stage, fingerprint=METHODS[stage][0], **receipt)]
        )
    refused_rows = [
        ("documents", "r1", "extract-1", "too_short", "12 tokens"),
        ("documents", "r2", "extract-1", "unreadable_record", "offset 900"),
        ("instructions", "r3", "attributed_grounding-1", "unparsable_answer", "Sorry"),
    ]
    store.append("rejections", [records.RejectionRow(*row, RUN) for row in refused_rows])
    settle(store)


def settle(store: Store) -> None:
    """Say of rows that were written by hand what programs say of theirs, as an older store is brought up to date."""
    store._connection.execute("DELETE FROM settled; DELETE FROM steps")
    store._connection.execute(versions.upgrades("store")[4])
    store._connection.execute("UPDATE steps SET place = cast(rowid AS VARCHAR)")
    store._connection.execute("DELETE FROM publications WHERE noun IN ('settled', 'steps')")


def publish(sample: Sample, keep: Collection[str] = ()) -> None:
    """Say that the run's rows passed their audits, but for those of the tables to `keep`."""
    for noun in STAGES:
        if noun not in keep:
            sample.store.execute(f"{noun}/publish")
