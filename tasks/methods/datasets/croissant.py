"""The Croissant 1.1 file of a dataset, with its RAI fields: what files there are, what columns, and how it was made.

Each Parquet table is a file object with its digest, and a record set of its own: `messages/train.parquet` is the record
set `messages_train`. Columns of lists of turns are fields with sub-fields. The file holds no date but those that pages
and the publisher gave, so the same dataset has the same bytes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from wellspring.tasks.contracts.prompting import Row

VERSION = 1
CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty"),
    *("fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
    *("source", "subField", "transform"),
)
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_TYPES = ((pa.types.is_boolean, "sc:Boolean"), (pa.types.is_integer, "cr:Int64"), (pa.types.is_floating, "cr:Float64"))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file is made of.

    Attributes:
        name: The dataset.
        version: What tells this content from another: letters and digits.
        license: Its licence.
        languages: Its languages.
        tables: A row for each Parquet file: `path`, `bytes`, `sha256`, `rows`.
        schemas: Path of a table -> its columns.
        summary: The summary of its training content: statements, each with `section` and `text`.
        publisher: What the provider said of itself: `exports.publisher`.
        sources: A row for each source: `name`, `license`, `sha256`.
        period: When its pages were fetched, first and last; empty where nothing says so.
    """

    name: str
    version: str
    license: str
    languages: Sequence[str]
    tables: Sequence[Row]
    schemas: Mapping[str, pa.Schema]
    summary: Sequence[Row]
    publisher: Mapping[str, Any] = field(default_factory=dict)
    sources: Sequence[Row] = ()
    period: tuple[str, str] = ("", "")


def croissant(facts: Facts) -> str:
    """Write the file."""
    described = {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": facts.name,
        "description": _said(facts, "1.3"),
        "version": f"1.0.0+{facts.version}",
        "license": facts.license,
        "inLanguage": list(facts.languages),
        "isAccessibleForFree": True,
        **_published(facts.publisher),
        **_rai(facts),
        "prov:wasDerivedFrom": [_source(source) for source in facts.sources],
        "distribution": [_file(table) for table in facts.tables],
        "recordSet": [_record_set(table["path"], facts.schemas[table["path"]]) for table in facts.tables],
    }
    kept = {name: value for name, value in described.items() if value not in ("", [], None)}
    return json.dumps(kept, ensure_ascii=False, indent=2) + "\n"


def record_set(path: str) -> str:
    """Return the name of the record set of a Parquet file."""
    return path.removesuffix(".parquet").replace("/", "_")


def _said(facts: Facts, *sections: str) -> str:
    """Join what the summary says in these sections of rows and settings; single domains are left to the summary."""
    said = [row for row in facts.summary if row["section"] in sections and row["basis"] != "provider"]
    return " ".join(row["text"] for row in said if not _is_one_domain(row))


def _is_one_domain(row: Row) -> bool:
    return any(on["claim"] == "domain" and on["key"] for on in row["evidence"])


def _published(publisher: Mapping[str, Any]) -> dict[str, Any]:
    name, url = publisher.get("name") or "", publisher.get("url") or ""
    creator = {"@type": "sc:Organization", "name": name} if name else None
    return {
        "creator": creator,
        "publisher": creator,
        "url": url,
        "datePublished": publisher.get("published") or "",
        "citeAs": publisher.get("cite_as") or "",
    }


def _rai(facts: Facts) -> dict[str, Any]:
    first, last = facts.period
    return {
        "rai:dataCollection": _said(facts, "2.1", "2.2", "2.3", "2.4", "2.6"),
        "rai:dataCollectionType": ["Secondary Data analysis", "Others"],
        "rai:dataCollectionTimeFrame": [first, last] if first else [],
        "rai:dataPreprocessingProtocol": _said(facts, "3.2"),
        "rai:machineAnnotationTools": _said(facts, "2.5"),
        "rai:personalSensitiveInformation": _said(facts, "3.1"),
        "rai:dataUseCases": "Post-training of language models. A licence of a source may forbid some uses.",
        "rai:dataLimitations": "All instructions and answers are synthetic. Checks that ran are counted on the card.",
        "rai:dataBiases": _said(facts, "3.3"),
        "rai:dataReleaseMaintenancePlan": "A forgotten page takes its rows with it; a new version has none.",
    }


def _source(source: Row) -> dict[str, Any]:
    described = {"@type": "sc:Dataset", "name": source["name"], "license": source["license"]}
    return described | {"identifier": f"sha256:{source['sha256']}"}


def _file(table: Row) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": table["path"],
        "name": table["path"],
        "contentUrl": table["path"],
        "contentSize": f"{table['bytes']} B",
        "encodingFormat": "application/x-parquet",
        "sha256": table["sha256"],
    }


def _record_set(path: str, schema: pa.Schema) -> dict[str, Any]:
    name = record_set(path)
    fields = [_field(f"{name}/{column.name}", column.name, path, column.type) for column in schema]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(id_: str, column: str, path: str, kind: pa.DataType) -> dict[str, Any]:
    described: dict[str, Any] = {"@type": "cr:Field", "@id": id_, "name": id_}
    inner = kind.value_type if pa.types.is_list(kind) else kind
    described |= {"repeated": True} if inner is not kind else {}
    if pa.types.is_struct(inner):
        parts = [_part(id_, column, path, inner.field(number)) for number in range(inner.num_fields)]
        return described | {"subField": parts}
    source = {"fileObject": {"@id": path}, "extract": {"column": column}}
    return described | {"dataType": _type(inner), "source": source}


def _part(parent: str, column: str, path: str, part: pa.Field) -> dict[str, Any]:
    """Describe a part of a struct; one that is a list or struct itself is read as text."""
    transform = {"jsonPath": part.name}
    source = {"fileObject": {"@id": path}, "extract": {"column": column}, "transform": transform}
    id_ = f"{parent}/{part.name}"
    return {"@type": "cr:Field", "@id": id_, "name": id_, "dataType": _type(part.type), "source": source}


def _type(kind: pa.DataType) -> str:
    return next((name for is_it, name in _TYPES if is_it(kind)), "sc:Text")
