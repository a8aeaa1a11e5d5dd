"""The papers of a dataset: what the law and its readers ask for, each figure of them with the rows that it counts.

The evidence is one table: claim, key, and the thing that it is about. It lies beside the papers as `evidence.parquet`,
so a dataset that was copied or released can still list the rows behind a sentence. The papers are part of the export:
when a page is forgotten or reserved, the evidence has another digest, and the next export writes all of them anew.
The summary also says what the papers were made of beside the evidence (`made_of`), so those of a release from which
something was taken out can be written without the store.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow.parquet as pq

from wellspring.tasks.contracts.casting import without_directories
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import datasets
from wellspring.tasks.io.datasets import Dataset
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.datasets import croissant, training_summary

VERSION = 2
EVIDENCE, SUMMARY, OPT_OUTS, CROISSANT = "evidence.parquet", "training_summary", "opt_outs.jsonl", "croissant.json"
_STATED = ("ref", "section", "title", "text", "basis", "evidence", "rows", "setting")
_SAID_OF_READING = {"respect_opt_outs", "replace_personal_data", "quality"}
_OF_ROWS = ("source", "domain", "licence", "language", "synthetic", "personal data")  # claims of what rows rest on
_NAMED_BY = ("url", "domain", "source")
_MADE_OF = ("name", "license", "publisher", "origins", "documents", "benchmarks", "checks", "sources")
_DONE = {
    "refused": "refused before a row was made of it",
    "document": "withdrawn: its row stays, and nothing reads it",
    "rule of a site": "asked of each page of the site",
}


@dataclass(frozen=True, slots=True)
class Papers:
    """What papers are made of.

    Attributes:
        made_of: What they rest on beside rows, as `made_of` returns it.
        evidence: A row for each claim x key x thing.
        fingerprint: Of the export.
        tables: Its Parquet files: `path`, `bytes`, `sha256`, `rows`.
        schemas: Their columns, by path.
    """

    made_of: Mapping[str, Any]
    evidence: pl.DataFrame
    fingerprint: str
    tables: Sequence[Row]
    schemas: Mapping[str, Any]

    @property
    def figures(self) -> list[dict[str, Any]]:
        """The evidence, counted: rows, size, first and last moment of each claim, key and kind."""
        counted = self.evidence.group_by("claim", "key", "kind").agg(
            pl.len().alias("rows"),
            pl.col("size").sum(),
            pl.col("moment").min().alias("first"),
            pl.col("moment").max().alias("last"),
            pl.col("detail").first(),
        )
        return counted.sort("claim", "key", "kind").to_dicts()


def made_of(settings: Settings, license_: str, sources: Sequence[Row]) -> dict[str, Any]:
    """Return what papers say of a dataset beside what its rows say.

    Args:
        settings: Those of the run.
        license_: The licence of the dataset.
        sources: A row for each source: `name`, `license`, `sha256`.
    """
    return {
        "name": settings.exports.name,
        "license": license_,
        "publisher": settings.exports.publisher.model_dump(),
        "origins": dict(settings.exports.origins),
        "documents": settings.documents.model_dump(include=_SAID_OF_READING, mode="json"),
        "benchmarks": sorted(settings.benchmarks.paths),
        "checks": list(settings.verdicts.required),
        "sources": [{name: row[name] for name in ("name", "license", "sha256")} for row in sources],
    }


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


def write(dataset: Dataset, papers: Papers) -> None:
    """Write the evidence and each paper into a dataset."""
    dataset.columns(EVIDENCE, papers.evidence.to_arrow())
    for name, writer in WRITERS.items():
        dataset.text(name, writer(papers))


def write_rest(
    old: Path, new: Path, used: Collection[str], gone: Collection[str], by: tuple[str, Sequence[str]]
) -> None:
    """Write the papers of what is left of a dataset, where its own say what they were made of; else none.

    Args:
        old: The dataset from which something was taken out.
        new: The folder with the files that are left.
        used: What is left in it, and what that rests on.
        gone: What was taken out.
        by: How a person named it (`url`, `domain`, `source` or other), and short texts that may stand in no paper.
    """
    found, said = _known(old)
    if found is None:
        return
    way, texts = by
    told = pl.concat_str("key", "detail", separator="\n", ignore_nulls=True).str.contains_any(list(texts))
    rests = ~pl.col("claim").is_in(_OF_ROWS) | pl.col("id").is_in(list(used))
    kept = found.filter(rests, ~pl.col("id").is_in(list(gone)), *([~told] if texts else []))
    left = pl.concat([kept, _forgotten(found, way)]).sort("claim", "key", "kind", "id")
    names = set(left.filter(claim="source")["key"])
    said |= {"sources": [row for row in said["sources"] if row["name"] in names]}
    tables, schemas = _tables(new)
    version = hashlib.sha256("".join([digest(left), *(table["sha256"] for table in tables)]).encode()).hexdigest()
    rest = Papers(said, left, version, tables, schemas)
    pq.write_table(left.to_arrow(), new / EVIDENCE, compression="zstd")
    for name, writer in WRITERS.items():
        (new / name).write_text(writer(rest), encoding="utf-8")


def _known(folder: Path) -> tuple[pl.DataFrame | None, dict[str, Any]]:
    """Return the evidence of a dataset and what else its papers were made of, where both are there and whole."""
    try:
        said = orjson.loads((folder / f"{SUMMARY}.json").read_bytes())["made_of"]
        return pl.read_parquet(folder / EVIDENCE), {name: said[name] for name in _MADE_OF}
    except (pl.exceptions.PolarsError, OSError, ValueError, KeyError, TypeError):
        return None, {}


def _forgotten(found: pl.DataFrame, way: str) -> pl.DataFrame:
    """Return the row that counts one more forgotten thing, where the papers count what is named so."""
    known = found.filter(claim="forgotten", key=way).height
    row = {"claim": "forgotten", "key": way, "kind": "tombstone", "id": str(known + 1), "size": 0, "detail": ""}
    return pl.DataFrame([row] if way in _NAMED_BY else [], schema=found.schema)


def _tables(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the Parquet files of rows in a folder, as `described` does of a dataset."""
    tables, schemas = list[dict[str, Any]](), dict[str, Any]()
    for path in sorted(path.with_suffix(datasets.TABLE) for path in folder.rglob("*.jsonl")):
        if path.is_file():
            name, schema = path.relative_to(folder).as_posix(), pq.read_schema(path)
            rows = pq.read_metadata(path).num_rows
            tables.append({"path": name, "bytes": path.stat().st_size, "sha256": datasets.digest(path), "rows": rows})
            schemas[name] = schema
    return tables, schemas


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
    said = papers.made_of
    facts = {name: said[name] for name in ("name", "publisher", "origins", "documents", "benchmarks", "checks")}
    return training_summary.summary(training_summary.Facts(figures=papers.figures, **facts))


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
            name=papers.made_of["name"],
            version=papers.fingerprint,
            license=papers.made_of["license"],
            languages=sorted({row["key"] for row in papers.figures if row["claim"] == "language"}),
            tables=papers.tables,
            schemas=papers.schemas,
            summary=_summary(papers)["statements"],
            publisher=papers.made_of["publisher"],
            sources=papers.made_of["sources"],
            period=period,
        )
    )


WRITERS: Mapping[str, Callable[[Papers], str]] = {
    f"{SUMMARY}.json": lambda papers: training_summary.as_json({**_summary(papers), "made_of": papers.made_of}),
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
