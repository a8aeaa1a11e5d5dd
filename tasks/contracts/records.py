"""One frozen dataclass per table, and the content id by which every row is named.

The field order is the column order of `sql/<noun>/table.sql` (tests/test_house.py compares them). `X | None` is a
column that may be NULL. `run_id` is who wrote the row; `fingerprint` is the method that wrote it, settings included.
"""

import hashlib
import json
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import pyarrow as pa

ID_HEX_CHARS = 20  # 80 bits: at 10^9 rows two equal ids are expected 4e-7 times


def content_id(*parts: Any) -> str:
    """Return the id of a thing: a hash of what determines it, the same on every machine.

    Parts are hashed as canonical JSON (sorted keys, no spaces), so `("a", "bc")` and `("ab", "c")` differ.
    """
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:ID_HEX_CHARS]


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus file or URI, named by its bytes: the same archive in two places is one source."""

    source_id: str
    name: str
    uri: str
    kind: str
    license: str | None
    sha256: str
    bytes: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Document:
    """A page's text: URL x text digest. Offsets and lengths are bytes of the source as stored (compressed)."""

    document_id: str
    fingerprint: str
    source_id: str
    record_offset: int
    record_length: int
    url: str
    domain: str
    title: str | None
    author: str | None
    published_at: str | None
    fetched_at: str | None
    language: str
    license: str | None
    text: str
    tokens: int
    text_digest: str
    duplicate_of: str | None
    run_id: str


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What a file of a site (robots.txt, ai.txt, tdmrep.json) asks of those who train models, as `disallow: /b`."""

    site_rules_id: str
    host: str
    name: str
    rules: list[str]
    run_id: str


@dataclass(frozen=True, slots=True)
class Signature:
    """What near copies of a document share: a hash for each band of its MinHash signature."""

    document_id: str
    fingerprint: str
    bands: list[int]
    run_id: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A document that is nearly another one, which is kept; `similarity` is to its nearest, along a chain of copies."""

    document_id: str
    fingerprint: str
    duplicate_of: str
    similarity: float
    run_id: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """A page that was read again with the text that it had: where, and when it was fetched that time."""

    document_id: str
    fingerprint: str
    source_id: str
    record_offset: int
    fetched_at: str | None
    run_id: str


@dataclass(frozen=True, slots=True)
class Similarity:
    """Two documents whose texts are nearly the same: which of them is kept may change, that they are alike does not."""

    document_a: str
    document_b: str
    fingerprint: str
    similarity: float
    run_id: str


@dataclass(frozen=True, slots=True)
class Redaction:
    """Personal data of one kind that was replaced in a document, and how often."""

    document_id: str
    fingerprint: str
    kind: str
    count: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document, ended at sentences; offsets are characters of its text."""

    passage_id: str
    fingerprint: str
    document_id: str
    start_chars: int
    end_chars: int
    text: str
    tokens: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Embedding:
    """A unit vector (float32) of a text; `model` is the fingerprint of the embedder that made it."""

    text_id: str
    noun: str
    model: str
    vector: list[float]
    run_id: str


@dataclass(frozen=True, slots=True)
class Seed:
    """A human instruction: the first user turn of a conversation, and its answer if it had one.

    `system` is what stood before it. `turns` holds the turns after it, its answer among them, and `tools` the tools
    that were offered: JSON lists, or '' where there are none. Of the three only turns that go on after the answer are a
    part of its id.
    """

    seed_id: str
    fingerprint: str
    source_id: str
    line: int
    text: str
    response: str | None
    language: str
    tokens: int
    run_id: str
    system: str = ""
    turns: str = ""
    tools: str = ""


@dataclass(frozen=True, slots=True)
class Grounding:
    """A seed traced to a document, a user and a motivation (SynthQuestions, attribution)."""

    grounding_id: str
    fingerprint: str
    seed_id: str
    document_id: str
    intention: str
    keywords: list[str]
    scene: str
    ability: str
    knowledge: str
    output: str
    extra_information: str
    agreement: float | None
    completion_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """A synthetic instruction: recipe x inputs x draw. `input_id` is the row of a view that it was written for.

    `history` holds the turns before `text`, and `tools` the tools that are offered: JSON lists, or '' where none are.
    """

    instruction_id: str
    fingerprint: str
    input_id: str
    recipe: str
    draw: int
    round: int
    text: str
    document_id: str | None
    parent_ids: list[str]
    scene: str | None
    ability: str | None
    knowledge: str | None
    output: str | None
    extra_information: str | None
    completion_id: str
    run_id: str
    history: str = ""
    tools: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Note:
    """A thing on the way that a program wants an id for, such as a rubric; `data` is JSON text.

    `parent_ids` are of rows that the program was shown before, beside its input.
    """

    note_id: str
    fingerprint: str
    input_id: str
    kind: str
    data: str
    completion_id: str
    run_id: str
    parent_ids: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A page that a model said again in another style (WRAP)."""

    rewrite_id: str
    fingerprint: str
    document_id: str
    style: str
    text: str
    completion_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Response:
    """An answer to an instruction (or to a seed without one): instruction x model x draw.

    `use` is `answer`; or `draw`, one of several to make pairs of; or `rejected`, the worse side of a pair and no more.
    """

    response_id: str
    fingerprint: str
    instruction_id: str
    model: str
    draw: int
    text: str
    finish_reason: str
    completion_id: str
    run_id: str
    thought: str | None = None
    use: str = "answer"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check said of one response or instruction; NULL when the check could not say."""

    subject_id: str
    fingerprint: str
    check_name: str
    passed: bool | None
    detail: str
    completion_id: str | None
    run_id: str


@dataclass(frozen=True, slots=True)
class Score:
    """What one judge gave one subject for one criterion; NULL when the judge failed, never a default."""

    subject_id: str
    fingerprint: str
    judge: str
    criterion: str
    value: float | None
    reason: str
    completion_id: str | None
    run_id: str


@dataclass(frozen=True, slots=True)
class Selection:
    """An instruction that a policy took, at its rank (0 is first); `topic` is its cluster."""

    policy: str
    fingerprint: str
    instruction_id: str
    rank: int
    topic: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Preference:
    """A pair of answers, better first, and by how much the reward differs.

    `kind` says how it is known which is better: by `reward`, or as a program says (`contracts/program.py`, KINDS). A
    program's pair may lack a side, whose id is empty then; and its sides may answer instructions of their own:
    `instruction_id` is that of the better one, or of the one that is there.
    """

    instruction_id: str
    fingerprint: str
    chosen_id: str
    rejected_id: str
    margin: float
    run_id: str
    kind: str = "reward"


@dataclass(frozen=True, slots=True)
class Export:
    """One line of one exported file, and the row it came from."""

    export_id: str
    fingerprint: str
    path: str
    sha256: str
    row_id: str
    line: int
    run_id: str
    manifest: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """A model call, loaded from the journal; its id is a hash of the request, `sequence` its place in the journal.

    `thought`, `tool_calls` and `logprobs` are what the answer had beside its text; `served` is the model's name in it.
    """

    completion_id: str
    sequence: int
    role: str
    model: str
    request: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: float
    attempts: int
    latency_seconds: float
    run_id: str
    thought: str = ""
    tool_calls: str = ""
    logprobs: str = ""
    served: str = ""


@dataclass(frozen=True, slots=True)
class RejectionRow:
    """A refused input of a stage, under one fingerprint of its method, with the reason that people count by."""

    stage: str
    input_id: str
    fingerprint: str
    reason: str
    detail: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Settled:
    """An input that a program is done with: how often it asked, what it made, and how many draws it refused.

    `calls` counts recorded answers, too; `seconds` is the time from the first question to the last answer.
    """

    input_id: str
    fingerprint: str
    stage: str
    run_id: str
    calls: int
    made: int
    refused: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """A model call that a program made on its way, and its place there.

    `place` counts the calls of a program from 0; `2.1.0` is the first call in branch 1 of what was third. `heading` is
    the prompt's name.
    """

    input_id: str
    fingerprint: str
    place: str
    heading: str
    role: str
    completion_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A shard that broke as a whole; it is due again at the next run. Of stage `pages`: a page that was not written."""

    stage: str
    shard_id: str
    fingerprint: str
    error: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that is done: its Parquet file in the store, and how many rows went in and came out."""

    stage: str
    shard_id: str
    fingerprint: str
    path: str
    rows_in: int
    rows_out: int
    rows_rejected: int
    run_id: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run: what it ran, on which commit, with which settings (secrets are never in them), and how it ended."""

    run_id: str
    flow: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    settings: str
    commit: str
    versions: str
    owner: str
    error: str | None


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """Run x stage: rows in, out and refused; seconds, calls, tokens and cost."""

    run_id: str
    stage: str
    fingerprint: str
    rows_in: int
    rows_out: int
    rows_rejected: int
    seconds: float
    calls: int
    cached_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Validation:
    """Run x expectation: what was audited, what was observed, and whether it held."""

    run_id: str
    noun: str
    expectation: str
    column_name: str | None
    severity: str
    success: bool
    evaluated: int
    unexpected: int
    observed: str
    notes: str
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """The rows of a noun that a method wrote in a run and that passed their audit: only these are in `valid_<noun>`."""

    noun: str
    fingerprint: str
    run_id: str


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A stage's method under its settings; `active` marks those of the latest settings: only their rows are valid."""

    stage: str
    fingerprint: str
    name: str
    settings: str
    active: bool
    run_id: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A page, domain or source that was forgotten and must not come back."""

    kind: str
    value: str
    reason: str
    forgotten_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided of a row or a release: of one value the latest counts, so each can be taken back.

    `kind` is `exclude` or `include` of the id of anything, `rollback` to a release by its name, or `forward`.
    """

    kind: str
    value: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A version that the store's tables came to, from `upgraded_from`, or from nothing: they were made so."""

    version: int
    upgraded_from: int | None
    upgraded_at: datetime


TABLES: dict[str, type] = {
    "sources": Source,
    "documents": Document,
    "site_rules": SiteRules,
    "signatures": Signature,
    "duplicates": Duplicate,
    "repeats": Repeat,
    "similarities": Similarity,
    "redactions": Redaction,
    "passages": Passage,
    "embeddings": Embedding,
    "seeds": Seed,
    "groundings": Grounding,
    "instructions": Instruction,
    "notes": Note,
    "rewrites": Rewrite,
    "responses": Response,
    "verdicts": Verdict,
    "scores": Score,
    "selections": Selection,
    "preferences": Preference,
    "exports": Export,
    "completions": Completion,
    "settled": Settled,
    "steps": Step,
    "rejections": RejectionRow,
    "failures": Failure,
    "shards": Shard,
    "runs": RunRow,
    "receipts": ReceiptRow,
    "validations": Validation,
    "publications": Publication,
    "methods": MethodRow,
    "tombstones": Tombstone,
    "decisions": Decision,
    "upgrades": Upgrade,
}

_ARROW: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us"),  # UTC by convention: a zone needs an extension that DuckDB downloads
    list[str]: pa.list_(pa.string()),
    list[int]: pa.list_(pa.int64()),
    list[float]: pa.list_(pa.float32()),
}


@lru_cache(maxsize=64)
def schema(table: str) -> pa.Schema:
    """Return the Arrow schema of a table, read off its dataclass."""
    hints = typing.get_type_hints(TABLES[table])
    columns: list[pa.Field[Any]] = []
    for column in fields(TABLES[table]):
        kind = hints[column.name]
        nullable = isinstance(kind, types.UnionType)
        if nullable:
            kind = next(option for option in typing.get_args(kind) if option is not type(None))
        columns.append(pa.field(column.name, _ARROW[kind], nullable=nullable))
    return pa.schema(columns)


def to_arrow(table: str, rows: Iterable[Any]) -> pa.Table:
    """Put records (dataclasses of this table) into one Arrow table, in column order."""
    rows, columns = list(rows), schema(table)
    # By column: asdict() copies deeply, and was a quarter of the time that a stage spends beside its model.
    values = {name: [getattr(row, name) for row in rows] for name in columns.names}
    return pa.Table.from_pydict(values, schema=columns)
