"""Selections: a threshold, then the best of each topic, beside random controls of equal size.

A selection is a function of everything that could be chosen from, so it is computed as a whole and named by its
content: the same candidates under the same settings have the same fingerprint, and nothing is due. Topics are k-means
cells of the instructions' vectors; controls are drawn from the same instructions, whatever their score.
"""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.vectors import Rows, Vectors
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.datasets import quotas
from wellspring.tasks.methods.datasets.quotas import Candidate, Taken
from wellspring.tasks.methods.vectors import choices, tag_sampling
from wellspring.tasks.methods.vectors.choices import Pool
from wellspring.tasks.spine.running import blame, judging
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.vectors import contamination, retrieval

VERSION = 1
BEST = "best_per_topic"
MOST_TEXTS = 2**31
_UNFIT = ("failed_", "unchecked_", "no_answer", "not_embedded")  # what even a control cannot hold


@stage("selections")
def select(run: Run) -> Counts:
    """Choose anew if anything that is chosen from, or how, has changed."""
    pool = run.store.query(
        "selections/candidates",
        judge=judging.of_instructions(run.settings),
        min_score=run.settings.selections.min_score,
        required=list(run.settings.verdicts.required),
        owed=contamination.owed(run.settings),
    )
    matrix = retrieval.vectors(run, "instructions")
    pool = pool.with_columns(
        reason=pl.when(pl.col("instruction_id").is_in(matrix.ids)).then("reason").otherwise(pl.lit("not_embedded"))
    )
    fingerprint = _fingerprint(run, pool)
    run.activate("selections", {fingerprint: BEST}, run.settings.selections.model_dump())
    if run.store.query("selections/made", fingerprint=fingerprint)["rows_made"][0]:
        return Counts()
    fit = pool.filter(~pl.col("reason").fill_null("").str.contains(f"^(?:{'|'.join(_UNFIT)})"))
    policies = _policies(run, fit, matrix.of(fit["instruction_id"].to_list())) if len(fit) else {BEST: []}
    return _written(run, fingerprint, pool, policies)


def _fingerprint(run: Run, pool: pl.DataFrame) -> str:
    digest = hashlib.sha256()
    for row in pool.iter_rows():
        digest.update(orjson.dumps(row))
    embedder = sorted(run.store.query("methods/active", stage="embeddings")["fingerprint"])
    beside, folders = run.settings.selections.beside, run.settings.plugins
    theirs = sorted({*beside} - {*choices.OURS})
    if theirs or choices.FOR_A_TARGET & {*beside}:
        digest.update(retrieval.vectors(run, "seeds").fingerprint.encode())
    for row in _tags(run).iter_rows():
        digest.update(orjson.dumps(row))
    chosen = run.settings.selections.model_dump()
    versions = [*raised("quotas", *({"choices", *choices.OURS.methods(beside)} if beside else ())).items()]
    versions += [(name, choices.theirs(name, folders).VERSION) for name in theirs]
    return content_id("selections", VERSION, chosen, run.settings.seed, embedder, digest.hexdigest(), *versions)


def _policies(run: Run, fit: pl.DataFrame, vectors: Vectors) -> dict[str, list[Taken]]:
    """Take the best per topic and draw the controls; policy -> what it took."""
    chosen = run.settings.selections
    cells = chosen.topics or max(1, math.isqrt(len(fit)))
    _, topics = index.kmeans(vectors, cells, run.settings.seed)
    rows = zip(fit.iter_rows(named=True), topics.tolist(), novelty(vectors, topics), strict=True)
    candidates = [
        Candidate(row["instruction_id"], row["score"], new, topic, row["domain"])
        for row, topic, new in rows
        if row["reason"] is None
    ]
    best = quotas.best_per_topic(candidates, chosen.budget, chosen.per_topic, chosen.max_domain_share)
    among = zip(fit["instruction_id"], topics.tolist(), fit["reason"], strict=True)
    everyone = [(instruction_id, topic) for instruction_id, topic, reason in among if reason != "excluded"]
    controls = {
        f"random_{i}": quotas.control(everyone, len(best), f"{run.settings.seed}/{i}") for i in range(chosen.controls)
    }
    return {BEST: best} | controls | _beside(run, fit, vectors, topics, len(best))


def _beside(run: Run, fit: pl.DataFrame, vectors: Vectors, topics: Rows, size: int) -> dict[str, list[Taken]]:
    """Choose as many of the same candidates in the other ways that the profile names; policy -> what it took."""
    names = run.settings.selections.beside
    if not size or not names:
        return {}
    rows = np.flatnonzero(fit["reason"].is_null().to_numpy())
    own = fit[rows]
    pool = _pool(run, own, np.ascontiguousarray(vectors[rows]), topics[rows])
    ids = own["instruction_id"].to_list()
    return {
        name: [Taken(ids[row], rank, int(pool.cells[row])) for rank, row in enumerate(_way(run, name, pool, size))]
        for name in names
    }


def _way(run: Run, name: str, pool: Pool, size: int) -> list[int]:
    """Return the rows that a way chooses.

    Raises:
        BrokenError: It ends in an exception, or a way of the user chooses wrongly.
    """
    folders = run.settings.plugins
    if name not in choices.OURS:
        blame.programs.add(str(Path(str(choices.theirs(name, folders).__file__)).absolute()))
    try:
        with blame.refusing():
            return choices.choose(name, pool, size, folders).tolist()
    except Rejection as refusal:
        raise blame.accused(f"the way to select `{name}`", refusal.detail) from refusal


def _pool(run: Run, fit: pl.DataFrame, vectors: Vectors, topics: Rows) -> Pool:
    """Return what the ways choose from; the target of those that have one is the seeds."""
    ids = fit["instruction_id"].to_list()
    tags = {one: dict(rows.select("subject_id", "reason").rows()) for (one,), rows in _tags(run).group_by("judge")}
    texts, asked = _texts(run, "instructions"), _texts(run, "seeds")
    seeds = retrieval.vectors(run, "seeds")
    return Pool(
        vectors=vectors,
        cells=topics,
        scores=fit["score"].to_numpy(),
        lengths=fit["chars"].to_numpy(),
        texts=[texts[instruction_id] for instruction_id in ids],
        wanted=np.ascontiguousarray(seeds.matrix),
        wanted_texts=[asked[seed_id] for seed_id in seeds.ids],
        search=index.exact,
        tags={
            name: [list(filter(None, tags.get(name, {}).get(one, "").split(tag_sampling.BETWEEN))) for one in ids]
            for name in choices.BY_TAGS
        },
    )


def _tags(run: Run) -> pl.DataFrame:
    """Return the tags of instructions by the methods that a way of the profile looks at."""
    return run.store.query("selections/tags", names=sorted(choices.BY_TAGS & {*run.settings.selections.beside}))


def _texts(run: Run, noun: str) -> dict[str, str]:
    found = run.store.query(f"embeddings/texts_{noun}", at_most=MOST_TEXTS)
    return dict(zip(found["text_id"].to_list(), found["text"].to_list(), strict=True))


def novelty(vectors: Vectors, topics: Rows) -> list[float]:
    """Return 1 minus the cosine of each vector to the nearest other one of its topic; 1 where it is alone there."""
    new = np.ones(len(vectors), dtype=np.float64)
    for topic in np.unique(topics):
        members = np.flatnonzero(topics == topic)
        if len(members) > 1:
            own = np.ascontiguousarray(vectors[members])
            scores, rows = index.exact(own, own, 2)
            others = np.where(rows[:, 0] == np.arange(len(own)), scores[:, 1], scores[:, 0])
            new[members] = 1.0 - others.astype(np.float64)
    return new.tolist()


def _written(run: Run, fingerprint: str, pool: pl.DataFrame, policies: dict[str, list[Taken]]) -> Counts:
    """Write what each policy took, and for every candidate that the first did not take, why."""
    rows = [
        records.Selection(policy, fingerprint, taken.instruction_id, taken.rank, taken.topic, run.run_id)
        for policy, chosen in policies.items()
        for taken in chosen
    ]
    best = {taken.instruction_id for taken in policies[BEST]}
    refused = [
        _refusal(run, fingerprint, row) for row in pool.iter_rows(named=True) if row["instruction_id"] not in best
    ]
    with run.store.transaction():
        run.store.append("selections", rows)
        run.store.append("rejections", refused)
    return Counts(rows_in=len(pool), rows_out=len(best), rows_rejected=len(refused))


def _refusal(run: Run, fingerprint: str, row: dict[str, Any]) -> records.RejectionRow:
    reason = row["reason"] or "over_quota"
    detail = f"score {row['score']:g}" if reason in {"below_threshold", "over_quota"} else ""
    return records.RejectionRow("selections", row["instruction_id"], fingerprint, reason, detail, run.run_id)
