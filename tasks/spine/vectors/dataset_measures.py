"""The portrait of a dataset: its measures beside those of its recipes and of random controls, its topics, its map.

The measures go on the card, so they are the same bytes on every machine: exact neighbours, rows in the order of their
ids, and four significant digits, which is where threads may differ. What is quadratic or needs a fixed size (MTLD,
distinct-n, Vendi score, distances) is taken of at most 10,000 rows of a part, those with the lowest ids: ids are
hashes, so that is a random sample, and the size that the papers report at.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean, median
from typing import Any

import numpy as np
import polars as pl

from wellspring.tasks.contracts.agreement import agreement
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.datasets import measures, topics
from wellspring.tasks.methods.datasets.projection import MOST_POINTS, projected
from wellspring.tasks.methods.vectors.coverage import mean_nearest_distance
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import contamination, embedders, retrieval
from wellspring.tasks.spine.vectors.retrieval import Matrix
from wellspring.tasks.spine.watching.saved_measures import DatasetMeasures, is_kept, save

BEST = "best_per_topic"
CONTROLS = "random"  # the mean of the controls
SAMPLE_ROWS = 10_000
TOPIC_TEXTS = 40  # that name a topic: phrases of more texts only cost memory
LABEL_CHARS = 160

__all__ = ["DatasetMeasures", "draw", "is_kept", "save"]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the parts of a dataset share: vectors, texts of their samples, and what stands in a benchmark."""

    vectors: Matrix
    seeds: Matrix
    texts: Mapping[str, str]
    contaminated: frozenset[str] | None


def draw(run: Run, judge: str) -> DatasetMeasures:
    """Measure the selection that is in force.

    Args:
        run: The run.
        judge: Whose total is the score of an instruction.
    """
    taken = run.store.query("exports/portrait", judge=judge).sort("policy", "instruction_id")
    vectors, seeds = retrieval.vectors(run, "instructions"), retrieval.vectors(run, "seeds")
    parts = _parts(taken)
    controls = [name for name in parts if name.startswith("random_")]
    known = _Known(vectors, seeds, _sampled(run, parts.values()), _contaminated(run, taken["instruction_id"]))
    rows = {name: _measured(part, taken["topic"].n_unique(), known) for name, part in parts.items()}
    shared = _agreed(run)
    table = [{"part": name, **row, **shared} for name, row in rows.items() if name not in controls]
    if controls:
        table.append({"part": CONTROLS, **_mean([rows[name] for name in controls]), **shared})
    best = parts.get("all", taken.clear())
    return DatasetMeasures(
        measures=table,
        topics=_topics(run, best, vectors) if len(best) else [],
        lengths={name: _lengths(part) for name, part in parts.items()},
        scores={name: _scores(part) for name, part in parts.items()},
        points=_points(run, best, vectors) if len(best) else [],
    )


def _parts(taken: pl.DataFrame) -> dict[str, pl.DataFrame]:
    best = taken.filter(pl.col("policy") == BEST)
    parts = {"all": best} if len(best) else {}
    parts |= {name: best.filter(pl.col("recipe") == name) for name in sorted(best["recipe"].unique())}
    controls = sorted(name for name in taken["policy"].unique() if name != BEST)
    return parts | {name: taken.filter(pl.col("policy") == name) for name in controls}


def _sample(part: pl.DataFrame) -> list[str]:
    return sorted(part["instruction_id"])[:SAMPLE_ROWS]


def _sampled(run: Run, parts: Iterable[pl.DataFrame]) -> dict[str, str]:
    """Return the texts of the samples of all parts by id: one query, since parts share most of their rows."""
    return _texts(run, {name for part in parts for name in _sample(part)})


def _texts(run: Run, ids: Iterable[str]) -> dict[str, str]:
    """Return the texts of instructions by their ids."""
    return dict(run.store.query("exports/texts", ids=sorted(ids)).iter_rows())


def _measured(part: pl.DataFrame, possible: int, known: _Known) -> dict[str, Any]:
    """Take every measure of one part."""
    sample, seeds = _sample(part), known.seeds
    words = [measures.tokens(known.texts[name]) for name in sample]
    own = known.vectors.of(sample)
    to_seeds = index.exact(own, np.ascontiguousarray(seeds.matrix), 1)[0][:, 0] if len(seeds.ids) else np.zeros(0)
    by_topic = measures.spread(part["topic"], possible)
    documents, domains = (measures.spread(part[name].drop_nulls()) for name in ("document_id", "domain"))
    lengths, scores = part["tokens"].to_list(), part["score"].drop_nulls().to_list()
    found = known.contaminated
    return {
        "rows": len(part),
        "mtld": _digits(measures.mtld([word for text in words for word in text])),
        "distinct_1": _digits(measures.distinct(words, 1)),
        "distinct_2": _digits(measures.distinct(words, 2)),
        "vendi_score": _digits(measures.vendi(own)),
        "topics": by_topic.groups,
        "topic_coverage": _digits(by_topic.groups / possible if possible else 0.0),
        "topic_entropy": _digits(by_topic.entropy),
        "distance_within": _digits(mean_nearest_distance(own, index.exact)) if len(own) > 1 else None,
        "distance_to_seeds": _digits(1 - float(to_seeds.astype(np.float64).mean())) if len(to_seeds) else None,
        "documents": documents.groups,
        "largest_document_share": _digits(documents.largest_share * _share_with(part, "document_id")),
        "domains": domains.groups,
        "largest_domain_share": _digits(domains.largest_share * _share_with(part, "domain")),
        "tokens_median": float(median(lengths)),
        "tokens_mean": _digits(mean(lengths)),
        "score_mean": _digits(mean(scores)) if scores else None,
        "contaminated": None if found is None else _digits(len(found & {*part["instruction_id"]}) / max(1, len(part))),
        "answers_refused": _digits(int(part["refused"].sum()) / max(1, int(part["answers"].sum()))),
    }


def _share_with(part: pl.DataFrame, column: str) -> float:
    """Return which share of the rows has a value there: shares are of all rows, not of those with a document."""
    return 1 - part[column].null_count() / max(1, len(part))


def _digits(value: float) -> float:
    """Keep four significant digits: threads change the last ones of a sum."""
    return float(f"{value:.4g}")


def _contaminated(run: Run, ids: pl.Series) -> frozenset[str] | None:
    """Return the instructions in which a benchmark of the profile stands; None where it names no benchmark."""
    if not run.settings.benchmarks.paths:
        return None
    every, found = ids.unique().sort().to_list(), set[str]()
    for start in range(0, len(every), SAMPLE_ROWS):
        for name, text in _texts(run, every[start : start + SAMPLE_ROWS]).items():
            try:
                contamination.check(run.settings.benchmarks, text)
            except Rejection:
                found.add(name)
    return frozenset(found)


def _mean(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the mean of each measure over rows that have it."""
    found: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows if row[name] is not None]
        found[name] = _digits(mean(values)) if values else None
    return found


def _agreed(run: Run) -> dict[str, Any]:
    """How far judges agree: kappa of pass or fail between every two of instructions; the share of pairs kept."""
    said = run.store.query("exports/agreement")
    wide = {name: dict(of.select("subject_id", "value").iter_rows()) for (name,), of in said.group_by("judge")}
    kappas = [
        agreement([_passes(wide[a], s) for s in shared], [_passes(wide[b], s) for s in shared]).kappa
        for a, b in combinations(sorted(wide), 2)
        if (shared := sorted(wide[a].keys() & wide[b].keys()))
    ]
    known = [kappa for kappa in kappas if kappa is not None]
    pairs = dict(run.store.query("exports/pair_outcomes").iter_rows())
    turned = sum(pairs.get(reason, 0) for reason in ("inconsistent_pair", "judged_worse"))
    asked, is_turned = pairs.get("kept", 0) + turned, run.settings.preferences.both_orders
    return {
        "judges_kappa": _digits(mean(known)) if known else None,
        "pairs_same_in_both_orders": _digits(pairs["kept"] / asked) if asked and is_turned else None,
    }


def _passes(totals: Mapping[str, float | None], subject: str) -> bool | None:
    """Whether a judge puts a subject in the upper half of what it gave; None where it failed."""
    value = totals[subject]
    return None if value is None else value >= median(v for v in totals.values() if v is not None)


def _lengths(part: pl.DataFrame) -> list[int]:
    return measures.histogram(part["tokens"].to_list(), [2**i for i in range(12)])


def _scores(part: pl.DataFrame) -> list[int]:
    return measures.histogram(part["score"].drop_nulls().to_list(), range(8))


def _topics(run: Run, best: pl.DataFrame, vectors: Matrix) -> list[dict[str, Any]]:
    """Name the topics by some of their texts, group them by the mean of all their vectors."""
    members = {int(topic): sorted(of["instruction_id"]) for (topic,), of in best.group_by("topic")}
    numbers = sorted(members)
    naming = {topic: members[topic][:TOPIC_TEXTS] for topic in numbers}
    said = _texts(run, {name for some in naming.values() for name in some})
    texts = {topic: [said[name] for name in some] for topic, some in naming.items()}
    means = [vectors.of(members[topic]).astype(np.float64).mean(axis=0) for topic in numbers]
    found = topics.hierarchy(texts, unit(np.stack(means)))
    rows = {topic.topic: len(members[topic.topic]) for topic in found}
    of_group: Counter[int] = Counter()
    for topic in found:
        of_group[topic.group] += rows[topic.topic]
    ordered = sorted(found, key=lambda t: (-of_group[t.group], t.group, -rows[t.topic], t.topic))
    return [
        {"group": topic.group_name, "topic": topic.name, "rows": rows[topic.topic], "number": topic.topic}
        for topic in ordered
    ]


def _points(run: Run, best: pl.DataFrame, vectors: Matrix) -> list[tuple[float, float, str, int, str]]:
    """Place instructions, seeds and documents on one map, all embedded as what people ask."""
    shown = best.sort("instruction_id").head(MOST_POINTS // 2)
    places = run.store.query("exports/places", at_most=MOST_POINTS // 4)
    others = embedders.embedder(run, "instructions").embed(places["text"].to_list()).vectors
    own = vectors.of(shown["instruction_id"].to_list())
    places_xy = projected(np.concatenate([own, others]) if len(places) else own).round(4).tolist()
    kinds = ["instruction"] * len(shown) + places["kind"].to_list()
    numbers = shown["topic"].to_list() + [-1] * len(places)
    said = _texts(run, shown["instruction_id"])
    labels = [label[:LABEL_CHARS] for label in (*(said[name] for name in shown["instruction_id"]), *places["label"])]
    return [
        (x, y, kind, topic, label) for (x, y), kind, topic, label in zip(places_xy, kinds, numbers, labels, strict=True)
    ]
