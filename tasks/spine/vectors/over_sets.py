"""Methods over sets: the tables that one takes, whether it is due, and the scores that it gives.

A set is all that is valid now. The digest of what a method takes is in its fingerprint, so a row more or less makes it
due as a whole, and what it gave of the set before is taken out. It takes the marks that judges gave in the same run
before these are audited: scores are published together, or not at all.
"""

import hashlib
import math
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from wellspring.tasks.contracts import outside, records
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.spine.running import blame, judging
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.judging import QUOTES, TEXTS, VECTORS, OverSets
from wellspring.tasks.spine.running.runs import Counts, Run
from wellspring.tasks.spine.vectors import embedders, page_quotes

VERSION = 1
COLUMNS = ("subject_id", "criterion", "value", "reason")
_CRITERION = re.compile(r"[a-z][a-z0-9_]*")
_BEFORE = frozenset({"scores", "verdicts", "notes", "tags"})  # tables that judges of the same run add to
Frames = dict[str, pl.DataFrame]


def scored(run: Run, before: Sequence[str]) -> tuple[dict[str, str], Counts]:
    """Have every method that the profile names score the set, where it has not scored this set before.

    Args:
        run: The run.
        before: Fingerprints of the judges whose marks count.

    Returns:
        Fingerprint -> name of the methods, and how many subjects got scores now.

    Raises:
        BrokenError: A method ends in an exception, or gives something else than scores.
    """
    named, counts = dict[str, str](), Counts()
    for name in run.settings.scores.computed:
        one = judging.over_sets(name, run.settings)
        frames = _frames(run, one, [*before, *named])
        print_ = _fingerprint(run, one, frames)
        if not run.store.query("scores/made", fingerprint=print_)["rows_made"][0]:
            counts += _written(run, one, print_, frames)
        named[print_] = name
    return named, counts


def _frames(run: Run, one: OverSets, before: list[str]) -> Frames:
    """Return the tables that a method takes, and those with the texts of the vectors that it takes."""
    taken: tuple[str, ...] = one.module.TAKES
    of = {name: VECTORS[name][0] for name in VECTORS} | {QUOTES: "responses"}
    names = sorted({of.get(name, name) for name in taken if name not in TEXTS})
    return {
        name: run.store.query(f"sets/{name}", **({"fingerprints": before} if name in _BEFORE else {})) for name in names
    }


def _fingerprint(run: Run, one: OverSets, frames: Frames) -> str:
    digest = hashlib.sha256()
    for name, frame in frames.items():
        digest.update(orjson.dumps([name, frame.columns]))
        for row in frame.iter_rows():
            digest.update(orjson.dumps(row))
    has_vectors = {*one.module.TAKES} & {*VECTORS, "text_vectors"}
    embedder = embedders.embedder(run, "instructions").fingerprint if has_vectors else ""
    said = (one.name, one.module.VERSION, one.module.TAKES, one.knobs.model_dump(), embedder, digest.hexdigest())
    said += (page_quotes.fingerprint(run),) if {*one.module.TAKES} & {QUOTES, "text_counts"} else ()
    return content_id("over sets", *said, *raised("spine.over_sets", *getattr(one.module, "RESTS_ON", ())).items())


def _written(run: Run, one: OverSets, fingerprint: str, frames: Frames) -> Counts:
    """Compute the scores of a set, and write them in place of those of the set before."""
    said = _said(run, one, frames)
    ids = said["subject_id"].unique().to_list()
    known = run.store.query("scores/subjects", ids=ids, fingerprint=fingerprint)["id"].to_list()
    if fault := _fault(said, {*known}):
        raise BrokenError(f"{one.module.__file__} {fault}", hint="mend `scores`: tasks/methods/README.md says its form")
    rows = [
        records.Score(subject_id, fingerprint, one.name, criterion, value, reason, None, run.run_id)
        for subject_id, criterion, value, reason in said.iter_rows()
    ]
    with run.store.transaction():
        run.store.execute("scores/leave", judge=one.name, fingerprint=fingerprint)
        run.store.append("scores", rows)
    return Counts(rows_in=len(ids), rows_out=len(ids))  # subjects, as of judges


def _given(run: Run, one: OverSets, frames: Frames) -> Frames:
    """Return all that a method takes, of the tables in the store."""
    taken: tuple[str, ...] = one.module.TAKES
    given = {name: frames[name] for name in taken if name in frames}
    given |= {name: _vectors(run, frames, *VECTORS[name]) for name in taken if name in VECTORS}
    given |= {QUOTES: page_quotes.quotes(run, frames["responses"])} if QUOTES in taken else {}
    if not {*taken} & {*TEXTS}:
        return given
    with _blamed(one):
        texts = sorted({*one.module.texts(given, one.knobs)})
    given |= {"text_counts": page_quotes.counts(run, texts)} if "text_counts" in taken else {}
    return given | ({"text_vectors": _embedded(run, "text", texts, texts)} if "text_vectors" in taken else {})


def _vectors(run: Run, frames: Frames, table: str, ids: str, words: str) -> pl.DataFrame:
    """Embed texts of a table; those that say nothing have no row."""
    texts = frames[table].select(pl.col(ids).alias("id"), pl.col(words).alias("words")).drop_nulls().unique().sort("id")
    return _embedded(run, ids, texts["id"].to_list(), texts["words"].to_list())


def _embedded(run: Run, name: str, ids: Sequence[str], texts: Sequence[str]) -> pl.DataFrame:
    """Embed texts as instructions are; a frame of ids, called so, and vectors."""
    embedded = embedders.embedder(run, "instructions").embed(texts)
    rows = np.flatnonzero(~embedded.is_empty)
    return pl.DataFrame({name: pl.Series(ids, dtype=pl.String)[rows], "vector": embedded.vectors[rows]})


def _said(run: Run, one: OverSets, frames: Frames) -> pl.DataFrame:
    """Return what a method says of a set, in the order of ids."""
    given = _given(run, one, frames)
    with _blamed(one):
        return _in_order(one, one.module.scores(given, one.knobs))


@contextmanager
def _blamed(one: OverSets) -> Generator[None]:
    """Stop the run at what a method raises, and name its file."""
    blame.programs.add(str(Path(str(one.module.__file__)).absolute()))
    try:
        with blame.refusing():
            yield
    except Rejection as refusal:
        raise blame.accused(f"the method over sets `{one.name}`", refusal.detail) from refusal


def _in_order(one: OverSets, said: Any) -> pl.DataFrame:
    if not isinstance(said, pl.DataFrame) or {*said.columns} != {*COLUMNS}:
        found = said.columns if isinstance(said, pl.DataFrame) else outside.shown(said)
        raise BrokenError(
            f"{one.module.__file__} gives {found}", hint=f"`scores` gives a frame of {', '.join(COLUMNS)}"
        )
    types = (pl.String, pl.String, pl.Float64, pl.String)
    return said.select(pl.col(name).cast(of) for name, of in zip(COLUMNS, types, strict=True)).sort(
        "subject_id", "criterion"
    )


def _fault(said: pl.DataFrame, known: set[str]) -> str:
    """Return what is wrong with the scores that a method gives."""
    seen = set[tuple[str, str]]()
    for subject_id, criterion, value, reason in said.iter_rows():
        if subject_id not in known:
            return f"scores {outside.shown(subject_id)}, which is no instruction or answer in force"
        if criterion is None or not _CRITERION.fullmatch(criterion):
            return f"names the criterion {outside.shown(criterion)}: small letters, digits and `_` make a name"
        if reason is None or (value is not None and not math.isfinite(value)):
            return f"gives {subject_id} the value {value} and the reason {outside.shown(reason)}"
        if (subject_id, criterion) in seen:
            return f"scores {subject_id} twice by `{criterion}`"
        seen.add((subject_id, criterion))
    return ""
