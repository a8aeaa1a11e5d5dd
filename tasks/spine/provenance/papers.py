"""The papers of a dataset: what the law and its readers ask for, each figure of them with the rows that it counts.

The evidence is one table: claim, key, and the thing that it is about. It lies beside the papers as `evidence.parquet`,
so a dataset that was copied or released can still list the rows behind a sentence. The papers are part of the export:
when a page is forgotten or reserved, the evidence has another digest, and the next export writes all of them anew.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from wellspring.tasks.contracts.casting import without_directories
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import datasets
from wellspring.tasks.io.datasets import Dataset
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.datasets import croissant, training_summary

VERSION = 1
EVIDENCE, SUMMARY, OPT_OUTS, CROISSANT = "evidence.parquet", "training_summary", "opt_outs.jsonl", "croissant.json"
_STATED = ("ref", "section", "title", "text", "basis", "evidence", "rows", "setting")
_DONE = {
    "refused": "refused before a row was made of it",
    "document": "withdrawn: its row stays, and nothing reads it",
    "rule of a site": "asked of each page of the site",
}


@dataclass(frozen=True, slots=True)
class Papers:
    """What papers are made of.

    Attributes:
        settings: Those of the run.
        evidence: A row for each claim x key x thing.
        figures: A row for each claim, key and kind.
        license: The licence of the dataset.
        sources: A row for each source.
        fingerprint: Of the export.
        tables: Its Parquet files.
        schemas: Their columns, by path.
    """

    settings: Settings
    evidence: pl.DataFrame
    figures: Sequence[Row]
    license: str
    sources: Sequence[Row]
    fingerprint: str
    tables: Sequence[Row]
    schemas: Mapping[str, Any]


def evidence(store: Store, row_ids: Sequence[str], answer_ids: Sequence[str]) -> pl.DataFrame:
    """Return what the papers of a dataset say, row by row.

    Args:
        store: The store.
        row_ids: Instructions and rewrites that are in it.
        answer_ids: Answers that are in it.
    """
    found = store.query("papers/evidence", row_ids=list(row_ids), answer_ids=list(answer_ids))
    models = found.filter(claim="synthetic")["key"].unique().to_list()
    named = {model: without_directories(model) for model in models}
    shown = pl.when(claim="synthetic").then(pl.col("key").replace(named)).otherwise("key")
    return found.with_columns(shown.alias("key")).sort("claim", "key", "kind", "id")


def digest(found: pl.DataFrame) -> str:
    """Return what tells this evidence from another."""
    return hashlib.sha256(found.write_ndjson().encode()).hexdigest()


def figures(found: pl.DataFrame) -> list[dict[str, Any]]:
    """Count the evidence: rows, size, first and last moment of each claim, key and kind."""
    counted = found.group_by("claim", "key", "kind").agg(
        pl.len().alias("rows"),
        pl.col("size").sum(),
        pl.col("moment").min().alias("first"),
        pl.col("moment").max().alias("last"),
        pl.col("detail").first(),
    )
    return counted.sort("claim", "key", "kind").to_dicts()


def write(dataset: Dataset, papers: Papers) -> None:
    """Write the evidence and each paper into a dataset."""
    dataset.columns(EVIDENCE, papers.evidence.to_arrow())
    for name, writer in WRITERS.items():
        dataset.text(name, writer(papers))


def holds(folder: Path, ids: Collection[str]) -> bool:
    """Whether the papers of a dataset name one of these things."""
    place = folder / EVIDENCE
    try:
        return place.is_file() and pl.read_parquet(place, columns=["id"])["id"].is_in(list(ids)).any()
    except (pl.exceptions.PolarsError, OSError):
        return True  # nobody knows what it says


def statements(folder: Path) -> list[dict[str, Any]]:
    """Return what the summary in a folder says, each statement with its reference.

    Raises:
        BrokenError: The folder has no summary.
    """
    try:
        said = orjson.loads(_read(folder, f"{SUMMARY}.json"))["statements"]
        return [{name: one[name] for name in _STATED} for one in said]
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenError(f"the summary in {folder} is damaged", hint="export the dataset anew") from error


def rows(folder: Path, reference: str) -> pl.DataFrame:
    """List the rows that a statement of the summary rests on.

    Args:
        folder: An exported or released dataset.
        reference: Of the statement, such as `2.3-4`.

    Returns:
        `claim`, `key`, `kind`, `id`, `size`, `moment`, `detail`.

    Raises:
        UsageError: There is no such statement, or it rests on no rows.
        BrokenError: The folder has no papers.
    """
    found = {one["ref"]: one for one in statements(folder)}
    if reference not in found:
        raise UsageError(f"the summary has no statement {reference}", hint=f"`wellspring papers {folder}` lists them")
    chosen = found[reference]["evidence"]
    if not chosen:
        basis = found[reference]["setting"] or "the provider"
        raise UsageError(f"statement {reference} rests on no rows, but on {basis}", hint="choose one that says `rows`")
    _read(folder, EVIDENCE)
    try:
        return pl.read_parquet(folder / EVIDENCE).filter(pl.any_horizontal([_fits(one) for one in chosen]))
    except (pl.exceptions.PolarsError, KeyError, TypeError) as error:
        raise BrokenError(f"the evidence in {folder} is damaged", hint="export the dataset anew") from error


def _fits(selector: Mapping[str, str | None]) -> pl.Expr:
    return pl.all_horizontal(
        pl.col(name) == selector[name] for name in ("claim", "key", "kind") if selector[name] is not None
    )


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise BrokenError(
            f"{folder} has no {name}: {error.strerror}",
            hint="name the folder of an export or a release; `wellspring build` writes one",
        ) from error


def _summary(papers: Papers) -> dict[str, Any]:
    chosen = papers.settings
    return training_summary.summary(
        training_summary.Facts(
            name=chosen.exports.name,
            figures=papers.figures,
            publisher=chosen.exports.publisher.model_dump(),
            origins=chosen.exports.origins,
            documents=chosen.documents.model_dump(),
            benchmarks=sorted(chosen.benchmarks.paths),
            checks=chosen.verdicts.required,
        )
    )


def _opt_outs(papers: Papers) -> str:
    """Write which opt-outs were found, for which page or site, what said so, and what was done: a line each."""
    found = papers.evidence.filter(pl.col("claim").is_in(["opt-out", "rule of a site"]))
    return "".join(_lines(found))


def _lines(found: pl.DataFrame) -> Iterator[str]:
    for row in found.iter_rows(named=True):
        told = {"id": row["id"], "what": row["kind"], "protocol": row["key"], "evidence": row["detail"]}
        yield orjson.dumps(told | {"done": _DONE[row["kind"]], "fetched_at": row["moment"]}).decode() + "\n"


def _croissant(papers: Papers) -> str:
    pages = [row for row in papers.figures if row["claim"] == "domain" and row["first"]]
    period = (min(row["first"] for row in pages), max(row["last"] for row in pages)) if pages else ("", "")
    return croissant.croissant(
        croissant.Facts(
            name=papers.settings.exports.name,
            version=papers.fingerprint,
            license=papers.license,
            languages=sorted({row["key"] for row in papers.figures if row["claim"] == "language"}),
            tables=papers.tables,
            schemas=papers.schemas,
            summary=_summary(papers)["statements"],
            publisher=papers.settings.exports.publisher.model_dump(),
            sources=papers.sources,
            period=period,
        )
    )


WRITERS: Mapping[str, Callable[[Papers], str]] = {
    f"{SUMMARY}.json": lambda papers: training_summary.as_json(_summary(papers)),
    f"{SUMMARY}.md": lambda papers: training_summary.as_markdown(_summary(papers)),
    OPT_OUTS: _opt_outs,
    CROISSANT: _croissant,
}
FILES = frozenset({EVIDENCE, *WRITERS})


def described(dataset: Dataset) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the Parquet files of a dataset, and their columns by path."""
    tables = [
        {"path": file.path, "bytes": file.bytes, "sha256": file.sha256, "rows": file.rows}
        for file in dataset.files
        if file.path.endswith(datasets.TABLE)
    ]
    return tables, {f"{path}{datasets.TABLE}": schema for path, schema in dataset.schemas.items()}
