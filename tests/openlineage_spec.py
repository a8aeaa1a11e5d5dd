"""Reading an event strictly with the classes that OpenLineage generates from its published JSON schemas."""

import types
import typing
from enum import Enum
from typing import Any

import attr
from openlineage.client.generated import (
    base,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
)

FACETS: dict[str, type] = {
    "schema": schema_dataset.SchemaDatasetFacet,
    "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet,
    "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "parent": parent_run.ParentRunFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
    "jobType": job_type_job.JobTypeJobFacet,
}


def read(event: dict[str, Any]) -> Any:
    """Build the event from its JSON.

    Raises:
        ValueError: A key is unknown or missing, a value has the wrong type or form, or a facet names another schema.
    """
    return _built(base.RunEvent, event, "event")


def _built(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if value is None else _built(options[0], value, where)
    if typing.get_origin(kind) is list:
        _expect(isinstance(value, list), where, "is no list")
        return [_built(typing.get_args(kind)[0], item, f"{where}[{n}]") for n, item in enumerate(value)]
    if typing.get_origin(kind) is dict:
        _expect(isinstance(value, dict), where, "is no object")
        inner = typing.get_args(kind)[1]
        is_facets = isinstance(inner, type) and issubclass(inner, base.BaseFacet)
        return {k: _built(FACETS[k] if is_facets else inner, v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(kind, type) and attr.has(kind):
        return _object(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(kind, type):
        exact = kind is not int or not isinstance(value, bool)
        _expect(isinstance(value, kind) and exact, where, f"is {value!r}, no {kind.__name__}")
    return value


def _object(kind: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), where, "is no object")
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in attr.fields(kind)}
    _expect(not value.keys() - known.keys(), where, f"has unknown {sorted(value.keys() - known.keys())}")
    required = {name for name, field in known.items() if field.default is attr.NOTHING}
    _expect(not required - value.keys(), where, f"lacks {sorted(required - value.keys())}")
    if issubclass(kind, base.BaseFacet):
        _expect({"_producer", "_schemaURL"} <= value.keys(), where, "says no producer or schema")
        _expect(value["_schemaURL"] == kind._get_schema(), where, f"names schema {value['_schemaURL']}")
    made = {
        known[name].alias or name.lstrip("_"): _built(hints[name], item, f"{where}.{name}")
        for name, item in value.items()
        if known[name].init
    }
    return kind(**made)


def _expect(holds: bool, where: str, what: str) -> None:  # noqa: FBT001 - it is what is checked
    if not holds:
        raise ValueError(f"{where} {what}")
