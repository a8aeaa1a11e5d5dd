"""Seeds: instructions that people wrote, read from conversation sets (SynthQuestions, step A; KNN-Instruct's pool).

The first user turn of each conversation, and its answer if it had one. A line is refused with its reason: damaged,
of no known shape, incomplete, in another language, too short or too long, or the same as one before. What is left is
judged by the seven criteria where the profile sets a threshold; then only rows that met it are in force.

Lines are read in shards, so that a large set is read by several workers and a kill costs little. A refused line is
named `<source_id>:<line>`; a refused seed is named by its id.
"""

import functools
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.contracts import records
from tasks.contracts.errors import Rejection, UsageError
from tasks.contracts.records import content_id
from tasks.contracts.settings import SeedsSettings
from tasks.io import conversations
from tasks.io.store import Store
from tasks.methods.completeness import incomplete
from tasks.methods.languages import identify
from tasks.methods.tokens import count_tokens
from tasks.spine.runs import Counts, Run, stage
from tasks.spine.sharding import Produced, Shard, Work, compute

VERSION = 1
SHARD_LINES = 20_000  # about 20 MB of conversations
_SEED_COLUMNS = [name for name in records.schema("seeds").names if name not in {"fingerprint", "run_id"}]


@stage("seeds")
def ingest(run: Run) -> Counts:
    """Read what is new of the conversation sets that the profile names.

    Raises:
        UsageError: The profile names none.
        BrokenError: A file is missing, or has no field that could hold an instruction.
    """
    wanted = run.settings.seeds
    if not wanted.paths:
        raise UsageError(
            "no seeds are named", hint="add --seeds prompts.jsonl, or `paths` under [seeds] in the profile"
        )
    fingerprint = _fingerprint(wanted)
    run.activate("seeds", {fingerprint: "read"}, wanted.model_dump(exclude={"paths"}))
    shards = [shard for path in wanted.paths for shard in _shards(run, Path(path))]
    work = Work(_read, settle=functools.partial(_settle, fingerprint))
    return compute(run, stage="seeds", fingerprint=fingerprint, shards=shards, work=work)


def _fingerprint(wanted: SeedsSettings) -> str:
    """Identity of reading under these settings; where the files lie does not count."""
    return content_id("method", "seeds", VERSION, wanted.languages, wanted.min_tokens, wanted.max_tokens)


def _shards(run: Run, path: Path) -> Iterator[Shard]:
    """Register the file as a source, and cut it into shards of lines."""
    lines = conversations.survey(path)
    source = _source(path, run.run_id)
    run.store.append("sources", [source])
    wanted = run.settings.seeds
    for first in range(1, lines + 1, SHARD_LINES):
        yield Shard(
            content_id("seeds", source.source_id, first, SHARD_LINES),
            {
                "path": str(path.absolute()),
                "source_id": source.source_id,
                "first": first,
                "last": min(first + SHARD_LINES - 1, lines),
                "languages": wanted.languages,
                "min_tokens": wanted.min_tokens,
                "max_tokens": wanted.max_tokens,
            },
        )


def _source(path: Path, run_id: str) -> records.Source:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return records.Source(
        source_id=content_id("source", digest),
        name=path.name,
        uri=path.absolute().as_uri(),
        kind="conversations",
        license=None,
        sha256=digest,
        bytes=path.stat().st_size,
        run_id=run_id,
    )


def _read(payload: Mapping[str, Any]) -> Produced:
    """Read the lines of a shard into seeds and rejections; every line is one or the other."""
    seeds: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for line, item in conversations.read(Path(payload["path"]), payload["first"], payload["last"]):
        try:
            if isinstance(item, Rejection):
                raise item
            seeds.append(_seed(item, line, payload))
        except Rejection as refusal:
            refused.append(_refusal(f"{payload['source_id']}:{line}", refusal))
    return Produced(len(seeds) + len(refused), {"seeds": _table(seeds), "rejections": _rejections(refused)})


def _seed(turn: conversations.Turn, line: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    if gap := incomplete(turn.text):
        raise Rejection(*gap)
    tokens = count_tokens(turn.text)
    if not payload["min_tokens"] <= tokens <= payload["max_tokens"]:
        reason = "too_short" if tokens < payload["min_tokens"] else "too_long"
        raise Rejection(reason, f"{tokens} tokens, {payload['min_tokens']} to {payload['max_tokens']} are kept")
    language = identify(turn.text)
    if payload["languages"] and language not in payload["languages"]:
        raise Rejection("other_language", f"{language}: {turn.text[:80]}")
    return {
        "seed_id": content_id("seed", turn.text, turn.response),
        "source_id": payload["source_id"],
        "line": line,
        "text": turn.text,
        "response": turn.response,
        "language": language,
        "tokens": tokens,
    }


def _refusal(input_id: str, refusal: Rejection) -> dict[str, str]:
    return {"input_id": input_id, "reason": refusal.reason, "detail": refusal.detail[:500]}


def _table(seeds: list[dict[str, Any]]) -> pa.Table:
    schema = records.schema("seeds")
    return pa.Table.from_pylist(seeds, schema=pa.schema([schema.field(name) for name in _SEED_COLUMNS]))


def _rejections(refused: list[dict[str, str]]) -> pa.Table:
    schema = records.schema("rejections")
    names = ("input_id", "reason", "detail")
    return pa.Table.from_pylist(refused, schema=pa.schema([schema.field(name) for name in names]))


def _settle(fingerprint: str, store: Store, tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Refuse what is there already, from this shard or one committed before it."""
    seeds = tables["seeds"]
    ids = seeds["seed_id"].to_pylist()
    seen = set(store.query("seeds/present", fingerprint=fingerprint, seed_ids=ids)["seed_id"].to_list())
    is_new: list[bool] = []
    for seed_id in ids:
        is_new.append(seed_id not in seen)
        seen.add(seed_id)
    repeated = seeds.filter(pa.array([not new for new in is_new], pa.bool_()))
    refused = [
        _refusal(f"{row['source_id']}:{row['line']}", Rejection("duplicate", row["seed_id"]))
        for row in repeated.to_pylist()
    ]
    return {
        "seeds": seeds.filter(pa.array(is_new, pa.bool_())),
        "rejections": pa.concat_tables([tables["rejections"], _rejections(refused)]),
    }
