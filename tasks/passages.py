"""Documents -> passages: spans of at most N tokens that end where a sentence ends.

    {"passage_id": "77d0...", "document_id": "9f2c...", "start_chars": 0, "end_chars": 912,
     "text": "Sudo allows a system administrator to delegate authority ...", "tokens": 228}

`text` is the document's text from `start_chars` to `end_chars`, so a citation by offsets can be checked.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.methods.pages import spans
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.spine.running import sharding
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.running.sharding import Produced, Shard, Work

VERSION = 1
SHARD_DOCUMENTS = 256


@stage("passages")
def split(run: Run) -> Counts:
    """Cut every document that has no passages under these settings.

    Raises:
        BrokenError: A shard broke; the others are kept, and it is due again.
    """
    max_tokens = run.settings.passages.max_tokens
    fingerprint = content_id("passages", VERSION, max_tokens, *raised("spans", "tokens").items())
    run.activate("passages", {fingerprint: f"at most {max_tokens} tokens"}, {"max_tokens": max_tokens})
    due = run.store.query("passages/pending", fingerprint=fingerprint, at_most=run.settings.limit)["input_id"].to_list()
    batches = [due[i : i + SHARD_DOCUMENTS] for i in range(0, len(due), SHARD_DOCUMENTS)]
    return sharding.compute(
        run,
        stage="passages",
        fingerprint=fingerprint,
        shards=_shards(run, batches, max_tokens),
        work=Work(_cut, split=_halves, refuse=_refuse),
        total=len(batches),
    )


def _shards(run: Run, batches: list[list[str]], max_tokens: int) -> Iterator[Shard]:
    for ids in batches:
        rows = run.store.query("passages/texts", document_ids=ids).rows()
        yield Shard(content_id("passages", ids), {"documents": rows, "max_tokens": max_tokens})


def _cut(payload: Mapping[str, Any]) -> Produced:
    """Cut a shard's documents; every document has at least one passage, since none is blank."""
    rows: list[dict[str, Any]] = []
    for document_id, text in payload["documents"]:
        for start, end in spans.split(text, payload["max_tokens"]):
            rows.append(
                {
                    "passage_id": content_id("passage", document_id, start, end),
                    "document_id": document_id,
                    "start_chars": start,
                    "end_chars": end,
                    "text": text[start:end],
                    "tokens": count_tokens(text[start:end]),
                }
            )
    columns = pa.schema([f for f in records.schema("passages") if f.name not in {"run_id", "fingerprint"}])
    return Produced(len(payload["documents"]), {"passages": pa.Table.from_pylist(rows, schema=columns)})


def _refuse(payload: Mapping[str, Any], why: Rejection) -> Produced:
    """Refuse the one document that breaks its shard."""
    (document_id, _), *_ = payload["documents"]
    refused = [{"input_id": document_id, "reason": why.reason, "detail": why.detail}]
    return Produced(1, {"rejections": sharding.rejections(refused)})


def _halves(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    documents = payload["documents"]
    middle = len(documents) // 2
    return [{**payload, "documents": part} for part in (documents[:middle], documents[middle:]) if part]
