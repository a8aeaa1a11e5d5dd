"""Forms of a user's own, looked up by name beside ours, and held to what they say.

A form is a file `x.py` of a plug-in folder, or of an installed package that names it under `wellspring.forms`:

    VERSION = 1                                 raised when a line comes out otherwise
    OF = "rows"                                 or "pairs", "raw", "rewrites"
    SCHEMA = pa.schema([("text", pa.string())]) its columns, without `id`, which comes first
    def lines(row): ...                         -> [(id, {"text": ...})]; none where it has no place for the row

What a row holds, `formats.Form` says; `earlier`, `calls`, `tools`, `use` and `weight` are always there. The id is one
of the row's, so that each line can be traced. A line is the same as JSON and as Parquet: what its schema has no place
for, or what JSON cannot say (NaN), is no line. A column that a line lacks is null in it.
"""

import json
import math
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, cast, get_args

import pyarrow as pa

from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.plugins import FORMS
from wellspring.tasks.methods.datasets.formats import BESIDE, OURS, Form, Lines, Of, Row

VERSION = 1
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_PRECISION = 1e-3  # of the shortest floats
_TAKEN = "controls"  # the folder of what was chosen otherwise


def names(folders: Sequence[str] = ()) -> dict[str, str]:
    """Return every form that can be named, and where it is from: `ours`, a file, or what an installed package names."""
    return FORMS.names(folders)


def find(name: str, folders: Sequence[str] = ()) -> Form:
    """Return the form of this name; ours comes before a user's.

    Raises:
        UsageError: There is none, or its file is not as it should be.
    """
    if name in OURS:
        return OURS[name]
    if (found := FORMS.find(name, folders)) is None:
        hint = f"forms: {', '.join(sorted(names(folders)))}; `exports.added=drop` drops one that was added before"
        raise FORMS.unknown(name, sorted(names(folders)), hint)
    module = found[0]
    if faults := list(_faults(name, module)):
        raise UsageError(f"{module.__file__} is no form: {'; '.join(faults)}", hint="mend the file, and start again")
    schema = pa.schema([pa.field("id", pa.string()), *module.SCHEMA])
    return Form(name, module.OF, schema, _held(module, schema), version=module.VERSION)


def _faults(name: str, module: ModuleType) -> Iterator[str]:
    """Say what is wrong with a file of a form."""
    version, of = getattr(module, "VERSION", None), getattr(module, "OF", None)
    schema: Any = getattr(module, "SCHEMA", None)
    if not _NAME.fullmatch(name) or name.startswith(_TAKEN):
        yield f"`{name}` cannot be the name of a folder of a dataset"
    if type(version) is not int or version < 1:
        yield "its VERSION is no int from 1 on"
    if of not in get_args(Of):
        yield f"OF is `{of}`, not {' or '.join(get_args(Of))}"
    if not isinstance(schema, pa.Schema):
        yield "its SCHEMA is no pyarrow schema"
    elif "id" in schema.names or len({*schema.names}) < len(schema.names):
        yield "its SCHEMA names a column twice, or `id`, which every form has"
    if not callable(getattr(module, "lines", None)):
        yield "it has no function `lines`"


def _held(module: ModuleType, schema: pa.Schema) -> Callable[[Row], Lines]:
    """Have the lines of a file be as its schema says.

    Raises:
        BrokenError: When the function is called, and a line is not; or the file's function raises.
    """

    def lines(row: Row) -> Lines:
        ids = [str(value) for name, value in row.items() if (name == "id" or name.endswith("_id")) and value]
        try:
            return [_line(made, ids, schema) for made in module.lines(dict(BESIDE) | dict(row))]
        except Exception as error:
            where = _where(error, str(module.__file__))
            raise BrokenError(
                f"{where} makes no line of the row {next(iter(ids), '')}: {type(error).__name__}: {error}",
                hint="mend `lines` or SCHEMA, raise VERSION, and run again",
            ) from error

    return lines


def _where(error: Exception, file: str) -> str:
    """Return the file of a form, with its line where that is at fault."""
    said = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}:{said[-1]}" if said else file


def _line(made: tuple[str, Mapping[str, Any]], ids: Sequence[str], schema: pa.Schema) -> tuple[str, dict[str, Any]]:
    """Return a line with all columns of its schema, in their order.

    Raises:
        ValueError: It is no line of the schema; the message names the column.
    """
    row_id, columns = made
    if row_id not in ids:
        raise ValueError(f"the id {row_id!r} is none of the row's")
    if unknown := [name for name in columns if name not in schema.names or name == "id"]:
        raise ValueError(f"the column {unknown[0]!r} is not in its SCHEMA")
    return row_id, {field.name: _kept({**columns, "id": row_id}.get(field.name), field) for field in schema}


def _kept(value: object, field: pa.Field) -> Any:
    """Return a value as JSON has it, once it is the same in a column of this type.

    Raises:
        ValueError: It is not.
    """
    try:
        said = json.loads(json.dumps(value, allow_nan=False))
        kept = pa.array([value], type=field.type).to_pylist()[0]
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"the column {field.name!r} ({field.type}) does not hold {value!r:.100}") from error
    if not _same(said, kept) or (said is None and not field.nullable):
        raise ValueError(f"the column {field.name!r} ({field.type}) does not hold {value!r:.100}")
    return said


def _same(said: Any, kept: Any) -> bool:
    """Whether a value of JSON is what a column kept of it; what is not said may be null there."""
    if isinstance(said, dict) and isinstance(kept, dict):
        told, held = cast("dict[str, Any]", said), cast("dict[str, Any]", kept)
        return told.keys() <= held.keys() and all(_same(told.get(name), value) for name, value in held.items())
    if isinstance(said, list) and isinstance(kept, list):
        pairs = list(zip(cast("list[Any]", said), cast("list[Any]", kept), strict=False))
        return len(said) == len(kept) and all(_same(one, other) for one, other in pairs)
    if isinstance(kept, float) and isinstance(said, int | float) and not isinstance(said, bool):
        return math.isclose(said, kept, rel_tol=_PRECISION)
    return said == kept and isinstance(said, bool) == isinstance(kept, bool)
