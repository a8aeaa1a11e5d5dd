"""Seeds: instructions that people wrote, read from conversation sets (SynthQuestions, step A; KNN-Instruct's pool).

The first user turn of each conversation, its answer if it had one, and the turns about them. A line is refused with
its reason: damaged, of no known shape, incomplete, in another language, too short or too long, or the same as one
before. What is left is judged by the seven criteria where the profile sets a threshold; then only rows that met it are
in force. The marks of all that were judged, kept or not, are rows of `scores`.

Lines are read in shards, so that a large set is read by several workers and a kill costs little. A refused line is
named `<source_id>:<line>`; a refused seed is named by its id.

What stands before and after (`system`, `turns`, `tools`) is not judged. Turns that go on after the answer are a part
of a seed's id, and it is compared with them: so two lines with the same first turn and answer are two seeds where the
conversations differ later; else the first line is kept.
"""

import functools
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from wellspring.tasks.contracts import outside, records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.conversation import recalled
from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.io.corpora import conversations, streams
from wellspring.tasks.io.corpora.own_formats import NONE, Own
from wellspring.tasks.io.corpora.streams import Place
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.io.vectors import index
from wellspring.tasks.judges.loading import MARKED_BY, OF_SEEDS, Judge, load_judge
from wellspring.tasks.methods.instructions.completeness import incomplete
from wellspring.tasks.methods.pages import quality
from wellspring.tasks.methods.pages.languages import identify
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.methods.vectors.semantic_duplicates import repeats
from wellspring.tasks.spine.running import blame, page_limits
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.running.sharding import REFUSED, Produced, Shard, Work, compute, rejections
from wellspring.tasks.spine.vectors import ceilings, contamination, embedders, reads
from wellspring.tasks.spine.writing.programs import Ask, Program
from wellspring.tasks.spine.writing.runner import conduct

VERSION = 3
SHARD_LINES = 20_000  # about 20 MB of conversations
PACKED_SEEDS = 200  # as Arrow, while a shard is read: turns are long
COMPARED_WHOLE = 200_000  # seeds; 40 s on two cores
_SEED_COLUMNS = [name for name in records.schema("seeds").names if name not in {"fingerprint", "run_id"}]


@stage("seeds")
def ingest(run: Run) -> Counts:
    """Read what is new of the conversation sets that the profile names, compare it as a whole, and have it judged.

    Raises:
        UsageError: The profile names none.
        BrokenError: A file is missing, or has no field that could hold an instruction.
    """
    wanted = run.settings.seeds
    if not wanted.paths:
        raise UsageError(
            "no seeds are named", hint="add --seeds prompts.jsonl, or `paths` under [seeds] in the profile"
        )
    read = _reading(run.settings)
    judge = load_judge(OF_SEEDS)
    marks = judge.method.fingerprint(**run.settings.models.judge.asked, **raised(*MARKED_BY))
    judged = content_id("method", "seeds judged", read, marks, wanted.min_score)
    active = {judged: OF_SEEDS} if wanted.min_score else {read: "read"}
    run.activate("seeds", active, wanted.model_dump(exclude={"paths"}) | {"read": read})
    shards = [shard for path in conversations.files(wanted.paths) for shard in _shards(run, path)]
    # Committed in this order: of two equal lines the one of the lower source and line is credited, however paths stand.
    shards.sort(key=lambda shard: (shard.payload["source_id"], shard.payload["first"]))
    work = Work(_read, split=_split, refuse=_refuse, settle=functools.partial(_settle, read))
    counts = compute(run, stage="seeds", fingerprint=read, shards=shards, work=work)
    counts += _compare(run, read)
    if not wanted.min_score:
        return counts
    due = {"fingerprint": judged, "read": read, "marks": marks, "most": run.settings.limit}
    return counts + _mark(run, judge, due) + _choose(run, judge, due)


def _reading(settings: Settings) -> str:
    """Identity of reading and comparing under these settings; where the files lie does not count."""
    wanted = settings.seeds
    left_out = {
        "paths",
        "min_score",
        "columns",
        *(name for name in ("recasts", "quality") if not getattr(wanted, name)),
    }
    known = wanted.model_dump(exclude=left_out) | {"deduplicate_cosine": _ceiling(settings)}
    known |= {"columns": wanted.columns} if wanted.columns else {}
    if versions := Own.of_seeds(settings).versions:
        known |= {"formats": versions}
    benchmarks = contamination.fingerprint(settings)
    return content_id("method", "seeds", VERSION, known, benchmarks, *raised(*_rules(settings)).items())


def _ceiling(settings: Settings) -> float:
    return ceilings.cosine(settings, "seeds", settings.seeds.deduplicate_cosine)


def _rules(settings: Settings) -> list[str]:
    """Name the methods that a seed passes under these settings."""
    are_compared = _ceiling(settings) <= 1
    by_meaning = embedders.methods_of(settings.embeddings, "seeds")
    return [
        *("completeness", "languages", "tokens"),
        *(("quality", "language_rules") if settings.seeds.quality else ()),
        *(("semantic_duplicates",) if are_compared else ()),
        *(by_meaning if are_compared or contamination.texts(settings.benchmarks) else ()),
    ]


def _shards(run: Run, path: Place) -> Iterator[Shard]:
    """Register the file as a source, and cut it into shards of lines."""
    wanted = run.settings.seeds
    lines = conversations.survey(path, own=Own.of_seeds(run.settings), columns=wanted.columns)
    source = _source(path, run.run_id)
    if ("source", source.source_id) in run.store.query("documents/forgotten").rows():
        run.progress.note(f"seeds: {source.name} was forgotten, and is passed over")
        return
    run.store.append("sources", [source])
    run.store.execute("sources/move", source_id=source.source_id, uri=source.uri)
    for first in range(1, lines + 1, SHARD_LINES):
        yield Shard(
            content_id("seeds", source.source_id, first, SHARD_LINES),
            {
                "path": str(path.absolute() if isinstance(path, Path) else path),
                "source_id": source.source_id,
                "first": first,
                "last": min(first + SHARD_LINES - 1, lines),
                "languages": wanted.languages,
                "min_tokens": wanted.min_tokens,
                "max_tokens": wanted.max_tokens,
                "quality": wanted.quality,
                "benchmarks": run.settings.benchmarks,
                "own": Own.of_seeds(run.settings),
                "columns": wanted.columns,
            },
        )


def _source(path: Place, run_id: str) -> records.Source:
    with streams.stored(path) as file:
        digest, size = hashlib.sha256(), 0
        while piece := file.read(streams.READ_BYTES * 4):
            digest.update(piece)
            size += len(piece)
    return records.Source(
        source_id=content_id("source", digest.hexdigest()),
        name=str(path).rpartition("/")[2],
        uri=path.resolve().as_uri() if isinstance(path, Path) else path,
        kind="conversations",
        license=None,
        sha256=digest.hexdigest(),
        bytes=size,
        run_id=run_id,
    )


def _read(payload: Mapping[str, Any]) -> Produced:
    """Read the lines of a shard into seeds and rejections; every line is one or the other."""
    tables, seeds = list[pa.Table](), list[dict[str, Any]]()
    refused: list[dict[str, str]] = []
    killers = payload.get(REFUSED, {})
    path, own = streams.place_of(payload["path"]), payload.get("own", NONE)
    named = payload.get("columns", {})
    for line, item in conversations.read(path, payload["first"], payload["last"], own=own, columns=named):
        try:
            with page_limits.unit(str(line)), blame.refusing():
                seeds.append(_seed(killers.get(str(line), item), line, payload))
        except Rejection as refusal:
            refused.append(_refusal(f"{payload['source_id']}:{line}", refusal))
        if len(seeds) == PACKED_SEEDS:
            tables.append(_table(seeds))
            seeds = []
    found = pa.concat_tables([*tables, _table(seeds)])
    return Produced(found.num_rows + len(refused), {"seeds": found, "rejections": rejections(refused)})


def _split(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Cut a shard that breaks in the middle of its lines."""
    first, last = payload["first"], payload["last"]
    middle = (first + last) // 2
    return [{**payload, "last": middle}, {**payload, "first": middle + 1}] if first < last else []


def _refuse(payload: Mapping[str, Any], why: Rejection) -> Produced:
    """Refuse the one line that breaks its shard."""
    refused = [_refusal(f"{payload['source_id']}:{payload['first']}", why)]
    return Produced(1, {"seeds": _table([]), "rejections": rejections(refused)})


def _seed(turn: conversations.Turn | Rejection, line: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(turn, Rejection):
        raise turn
    if gap := incomplete(turn.text):
        raise Rejection(*gap)
    tokens = count_tokens(turn.text)
    if not payload["min_tokens"] <= tokens <= payload["max_tokens"]:
        reason = "too_short" if tokens < payload["min_tokens"] else "too_long"
        raise Rejection(reason, f"{tokens} tokens, {payload['min_tokens']} to {payload['max_tokens']} are kept")
    language = identify(turn.text)
    if payload["languages"] and language not in payload["languages"]:
        raise Rejection("other_language", f"{language}: {turn.text[:80]}")
    if turn.response and payload["quality"]:
        quality.check(turn.response, quality.rules(payload["quality"]), identify(turn.response))
    contamination.check(payload["benchmarks"], turn.text)
    return {
        "seed_id": content_id("seed", turn.text, turn.response, *filter(None, [_going_on(turn.later)])),
        "source_id": payload["source_id"],
        "line": line,
        "text": turn.text,
        "response": turn.response,
        "language": language,
        "tokens": tokens,
        "system": turn.system,
        "turns": turn.later,
        "tools": turn.tools,
    }


def _going_on(turns: str) -> str:
    """Return the turns after a first one, where others than the assistant speak in them; else ''."""
    return turns if turns and any(turn["role"] != "assistant" for turn in json.loads(turns)) else ""


def _told(seeds: pl.DataFrame) -> list[str]:
    """Return what seeds are compared by: the first turn, or the conversation where it goes on."""
    return [recalled("", text, _going_on(turns)) for text, turns in seeds["text", "turns"].rows()]


def _refusal(input_id: str, refusal: Rejection) -> dict[str, str]:
    return {"input_id": input_id, "reason": refusal.reason, "detail": outside.sound(refusal.detail[:500])}


def _table(seeds: list[dict[str, Any]]) -> pa.Table:
    schema = records.schema("seeds")
    return pa.Table.from_pylist(seeds, schema=pa.schema([schema.field(name) for name in _SEED_COLUMNS]))


def _settle(fingerprint: str, store: Store, produced: Produced) -> Produced:
    """Refuse what is there already, from another line; leave out lines that were read, and settled, before."""
    given = produced.tables
    present = store.query("seeds/present", fingerprint=fingerprint, seed_ids=given["seeds"]["seed_id"].to_pylist())
    seeds, read = _unread(store, fingerprint, given, set(present["line"].to_list()))
    ids = seeds["seed_id"].to_pylist()
    seen = set(present["seed_id"].to_list())
    is_new: list[bool] = []
    for seed_id in ids:
        is_new.append(seed_id not in seen)
        seen.add(seed_id)
    repeated = seeds.filter(pa.array([not new for new in is_new], pa.bool_()))
    refused = [
        _refusal(f"{row['source_id']}:{row['line']}", Rejection("duplicate", row["seed_id"]))
        for row in repeated.to_pylist()
    ]
    kept = seeds.filter(pa.array(is_new, pa.bool_()))
    return Produced(
        len(ids) + read.num_rows, {"seeds": kept, "rejections": pa.concat_tables([read, rejections(refused)])}
    )


def _unread(
    store: Store, fingerprint: str, given: Mapping[str, pa.Table], lines: set[str]
) -> tuple[pa.Table, pa.Table]:
    """Return the seeds and refusals of lines that are neither yet: a file is read once more for some of its lines."""
    rows = given["seeds"].select(["source_id", "line"]).to_pylist()
    named = [f"{row['source_id']}:{row['line']}" for row in rows], given["rejections"]["input_id"].to_pylist()
    known = {"stage": "seeds", "fingerprint": fingerprint, "input_ids": [*named[0], *named[1]]}
    over = lines | set(store.query("rejections/known", **known)["input_id"].to_list())
    is_new = [pa.array([one not in over for one in own], pa.bool_()) for own in named]
    return given["seeds"].filter(is_new[0]), given["rejections"].filter(is_new[1])


def _compare(run: Run, read: str) -> Counts:
    """Look at new seeds as a whole: refuse those that mean what a benchmark asks, and all but one of each community.

    New is what no audit has passed yet; what was published before stays, and a new seed that is near to it goes.
    """
    ceiling = _ceiling(run.settings)
    prompts = contamination.texts(run.settings.benchmarks)
    if ceiling > 1 and not prompts:
        return Counts()
    fresh = run.store.query("seeds/fresh", fingerprint=read)
    if fresh.is_empty():
        return Counts()
    texts = dict(fresh.select("seed_id", "text").rows())
    told = dict(zip(fresh["seed_id"], _told(fresh), strict=True))
    return reads.compared(run, "seeds", read, texts, lambda new: _repeated(run, read, new, told, prompts))


def _repeated(
    run: Run, read: str, fresh: Mapping[str, str], told: Mapping[str, str], prompts: Sequence[str]
) -> dict[int, Rejection]:
    """Return which of some new seeds are refused, by their place, and why.

    A benchmark's prompt is looked for in first turns, a repetition in the whole of a conversation that goes on.
    """
    ceiling, ids = _ceiling(run.settings), list(fresh)
    known = run.store.query("seeds/known", fingerprint=read, fresh_ids=ids)
    longer = [row for row, name in enumerate(ids) if told[name] != fresh[name]] if prompts else []
    texts = [_told(known), [told[name] for name in ids], prompts, [fresh[ids[row]] for row in longer]]
    vectors = embedders.of_texts(run, [text for part in texts for text in part]).vectors
    there, whole, asked, first = np.split(vectors, np.cumsum([len(part) for part in texts[:-1]]))
    looked_at = whole.copy()
    looked_at[longer] = first
    refused = dict(contamination.by_meaning(run.settings, "seeds", looked_at, asked))
    left = [row for row in range(len(ids)) if row not in refused]
    near = _near(whole[left], there, ceiling, run.settings.seed) if ceiling <= 1 else {}
    names = [*known["seed_id"].to_list(), *(ids[row] for row in left)]
    for row, other in near.items():
        refused[left[row]] = Rejection("near_duplicate", f"of {names[other]}, at a cosine of {ceiling} or more")
    return refused


def _near(fresh: Vectors, known: Vectors, threshold: float, chance: int) -> dict[int, int]:
    """Return the rows of `fresh` (n, d) to refuse: row -> the row it gives way to, of known then fresh.

    First what is near to something known; then of each community of the others all but the lowest row. Communities of
    a large set are looked for within the cells of a division, where comparing all pairs would take hours.
    """
    found: dict[int, int] = {}
    if len(fresh) and len(known):
        scores, rows = index.exact(np.ascontiguousarray(fresh), np.ascontiguousarray(known), 1)
        found = {int(row): int(rows[row, 0]) for row in np.flatnonzero(scores[:, 0] >= threshold)}
    left = [row for row in range(len(fresh)) if row not in found]
    rest = np.ascontiguousarray(fresh[left])
    cells = index.kmeans(rest, math.isqrt(len(rest)), chance)[1] if len(rest) > COMPARED_WHOLE else None
    repeated = repeats(rest, threshold, cells=cells)
    return found | {left[row]: len(known) + left[kept] for row, kept in repeated.items()}


def _mark(run: Run, judge: Judge, due: dict[str, Any]) -> Counts:
    """Have the criteria judged, for the first `limit` seeds only, since no stage reads more.

    Returns:
        Counts of calls, and of those whose judge failed; what becomes of the others is counted where it is decided.
    """

    async def body(row: Row, ask: Ask) -> None:
        def read(parsed: dict[str, Any], answer: Answer) -> list[records.Score]:
            of = (row["input_id"], due["marks"], judge.name)
            return [
                records.Score(*of, criterion, mark, why, answer.completion_id, run.run_id)
                for criterion, (mark, why) in judge.marked(parsed).items()
            ]

        await ask.write("scores", 1, judge.method, row, role="judge", settings=run.settings.scores, read=read)

    program = Program("seeds", judge.name, "read_seeds", due["fingerprint"], ("judge",), 1, body)
    counts = conduct(run, program, most=due["most"])
    return replace(counts, rows_in=counts.rows_rejected, rows_out=0)


def _choose(run: Run, judge: Judge, due: dict[str, Any]) -> Counts:
    """Write the seeds whose total meets the threshold once more, as rows in force; refuse the others."""
    least, judged, counts = run.settings.seeds.min_score, due["fingerprint"], Counts()
    for frame in run.store.stream("seeds/marked", **due):
        kept = [
            records.Seed(**{name: row[name] for name in _SEED_COLUMNS}, fingerprint=judged, run_id=run.run_id)
            for row in frame.filter(frame["total"] >= least).iter_rows(named=True)
        ]
        refused = [
            records.RejectionRow("seeds", seed_id, judged, "low_score", detail, run.run_id)
            for seed_id, total, missed in frame.filter(frame["total"] < least)["seed_id", "total", "missed"].rows()
            for detail in [f"{total:g} of {len(judge.criteria)}, without {missed}"]
        ]
        with run.store.transaction():
            run.store.append("seeds", kept)
            run.store.append("rejections", refused)
        counts += Counts(rows_in=len(frame), rows_out=len(kept), rows_rejected=len(refused))
    return counts
