"""Embeddings: a unit vector for every valid passage, seed and instruction, made once for each embedder.

That of an instruction with turns before it is of all its turns, the newest first.

What is due is a query: a text without a row, and without a rejection, under the embedder in force. A text that says
nothing (no letter, no digit) is refused, since its vector would be near to what it has nothing to do with.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.conversation import recalled
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.methods.vectors.hashing_embedder import Embedded, Fit
from wellspring.tasks.spine.running import sharding
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.running.sharding import Produced, Shard, Work
from wellspring.tasks.spine.vectors import contamination, embedders
from wellspring.tasks.spine.vectors.embedders import Embedder

Noun = Literal["passages", "seeds", "instructions"]

SHARD_TEXTS = 4096  # a second of work; fewer than two shards are not worth starting workers for
NO_WORDS = "no_words"


@stage("embeddings")
def embed(run: Run, *, of: Noun = "passages") -> Counts:
    """Embed the valid texts of a noun that the embedder in force has neither embedded nor refused."""
    mine = embedders.embedder(run, of)
    embedders.say_if_changed(run, of, mine)
    embedders.keep_what_goes(run, of)
    looks = contamination.passages_method(run.settings)
    in_force = {"in_force": embedders.named(run.settings.embeddings, run.settings.models.embedder.model)}
    run.activate("embeddings", embedders.active(run, of) | looks, run.settings.embeddings.model_dump() | in_force)
    due = run.store.query(f"embeddings/pending_{of}", model=mine.fingerprint)
    if of == "instructions":
        said = [recalled(history, text) for history, text in due["history", "text"].rows()]
        due = due.with_columns(text=pl.Series(said, dtype=pl.String))
    in_shards = mine.folder is not None and len(due) > SHARD_TEXTS
    counts = (_in_shards if in_shards else _here)(run, of, mine, due)
    return counts + contamination.refuse_passages(run) if of == "passages" else counts


def _here(run: Run, of: Noun, mine: Embedder, due: pl.DataFrame) -> Counts:
    """Embed in this process, a batch and a commit at a time: few texts, or an embedder that is a server."""
    counts, cut, began = Counts(), _cut_texts(run), time.monotonic()

    def tick(done: int) -> None:
        done, seconds = counts.rows_in + done, time.monotonic() - began
        left = {"seconds_left": (len(due) - done) * seconds / done if done else None}
        run.progress("embeddings", done, len(due), of=of, **_asking(run), **left)

    run.progress("embeddings", 0, len(due), of=of)
    for batch in due.iter_slices(SHARD_TEXTS):
        ids, texts = batch["text_id"].to_list(), batch["text"].to_list()
        produced = _tables(ids, of, mine.fingerprint, mine.embed(texts, tick))
        rejected = produced["rejections"].append_column(
            "stage", pa.array(["embeddings"] * produced["rejections"].num_rows)
        )
        with run.store.transaction():
            written = run.store.append("embeddings", _signed(produced["embeddings"], run))
            refused = run.store.append("rejections", _signed(rejected, run))
        counts += Counts(rows_in=len(ids), rows_out=written, rows_rejected=refused)
        run.progress("embeddings", counts.rows_in, len(due), of=of)
    if (more := _cut_texts(run) - cut) > 0:
        limit = f" ({of} of at most passages.max_tokens = {run.settings.passages.max_tokens})" * (of == "passages")
        run.progress.note(f"embeddings: {more} texts were longer than the server takes, and were cut for it{limit}")
    return counts


def _asking(run: Run) -> dict[str, Any]:
    return run.asking("embedder") if run.settings.embeddings.embedder == "endpoint" else {}


def _cut_texts(run: Run) -> int:
    return run.models.cut_texts() if run.settings.embeddings.embedder == "endpoint" else 0


def _in_shards(run: Run, of: Noun, mine: Embedder, due: pl.DataFrame) -> Counts:
    def shards() -> Iterable[Shard]:
        for batch in due.iter_slices(SHARD_TEXTS):
            ids = batch["text_id"].to_list()
            texts = batch["text"].to_list()
            payload = {"ids": ids, "texts": texts, "of": of, "model": mine.fingerprint, "fit": str(mine.folder)}
            yield Shard(content_id(of, ids), payload)

    return sharding.compute(
        run, stage="embeddings", fingerprint=mine.fingerprint, shards=shards(), work=Work(embed_shard)
    )


def embed_shard(payload: Mapping[str, Any]) -> Produced:
    """Embed the texts of a shard, in a worker that loads the fit once."""
    embedded = _loaded(payload["fit"]).embed(payload["texts"])
    return Produced(len(payload["ids"]), _tables(payload["ids"], payload["of"], payload["model"], embedded))


@lru_cache(maxsize=1)
def _loaded(folder: str) -> Fit:
    return embedders.load(Path(folder))


def _tables(ids: Sequence[str], of: str, model: str, embedded: Embedded) -> dict[str, pa.Table]:
    """Return rows and rejections of a batch, without the columns of the writer."""
    kept: list[int] = np.flatnonzero(~embedded.is_empty).tolist()
    why = {row: (reason, detail) for row, reason, detail in embedded.refused}
    bare = (NO_WORDS, f"a text of `{of}` without a letter or a digit")
    empty = [(ids[row], *why.get(row, bare)) for row in np.flatnonzero(embedded.is_empty).tolist()]
    rows = {
        "text_id": pa.array([ids[i] for i in kept], pa.string()),
        "noun": pa.array([of] * len(kept), pa.string()),
        "model": pa.array([model] * len(kept), pa.string()),
        "vector": _lists(embedded.vectors[kept]),
    }
    refused = {
        "input_id": [text_id for text_id, _, _ in empty],
        "fingerprint": [model] * len(empty),
        "reason": [reason for _, reason, _ in empty],
        "detail": [detail for _, _, detail in empty],
    }
    return {
        "embeddings": pa.table(rows),
        "rejections": pa.table({k: pa.array(v, pa.string()) for k, v in refused.items()}),
    }


def _lists(vectors: Vectors) -> pa.Array:
    """Put rows (n, d) into an Arrow list column, without a Python list of numbers."""
    ends = pa.array(np.arange(0, vectors.size + 1, vectors.shape[1]), pa.int32())
    return pa.ListArray.from_arrays(ends, pa.array(vectors.ravel(), pa.float32()))


def _signed(rows: pa.Table, run: Run) -> pa.Table:
    schema = records.schema("rejections" if "reason" in rows.column_names else "embeddings")
    return rows.append_column("run_id", pa.array([run.run_id] * rows.num_rows, pa.string())).select(schema.names)
