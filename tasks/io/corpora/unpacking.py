"""Parquet rows as they are unpacked: a few at a time, and never a file that unpacks to what no machine can hold.

A column names each of its values once and then counts: 300 bytes can stand for terabytes. What a file declares of its
columns says whether it may be such a bomb; where it may, the rows are unpacked until it is known. Text that is no UTF-8
is read all the same, with U+FFFD, and so is a time that Python does not have: the file's other rows are not to blame.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 32  # strings of a megabyte from a dictionary of one stay within 32 MB
MOST_ROWS = 2**13  # of a row group so small that each of them may hold all that it has
BATCH_BYTES = 2**26  # of a batch, if each row held all that its column has
PAGE_BYTES = 2**26  # of a column's unlike values, beyond which no batch is small
BOMB_BYTES = 2**30  # of a row group unpacked
VALUE_BYTES = 2**10  # of a column for each row: with more, rows are hardly alike
PACKED = 1_000  # times: text does not pack so well
UNPACKED = 10_000  # times: nor does it repeat so often
_UNREADABLE = (ValueError, OverflowError, LookupError)  # bytes, years, and zones that there are not


def bomb(file: pq.ParquetFile, columns: Sequence[str] | None) -> str:
    """Return what makes a file a bomb, if it is one; else nothing.

    Args:
        file: The file.
        columns: Those that are read; None is all.
    """
    for group in range(file.num_row_groups):
        about = file.metadata.row_group(group)
        for column in (about.column(i) for i in range(about.num_columns)):
            name = column.path_in_schema.split(".")[0]
            if column.physical_type == "BYTE_ARRAY" and (columns is None or name in columns):
                stored, large = column.total_compressed_size, column.total_uncompressed_size
                is_packed = large > PACKED * stored
                said = f"`{name}` of {stored} bytes unpacks to"
                if is_packed and large > PAGE_BYTES:
                    return f"{said} {large}, and each of {about.num_rows} rows may hold them all"
                is_likely = large * column.num_values > BOMB_BYTES and (
                    is_packed or large < VALUE_BYTES * column.num_values
                )
                most = max(BOMB_BYTES, UNPACKED * stored)
                if is_likely and _unpacked(file, group, name, most) > most:
                    return f"{said} over {most}"
    return ""


def _unpacked(file: pq.ParquetFile, group: int, name: str, most: int) -> int:
    """Return how many bytes a column of a row group has, or the bytes at which it had too many."""
    size = 0
    for batch in file.iter_batches(_rows_at_once(file, group), row_groups=[group], columns=[name], use_threads=False):
        size += batch.nbytes
        if size > most:
            break
    return size


def _rows_at_once(file: pq.ParquetFile, group: int) -> int:
    """Return how many rows are unpacked together: fewer where large values seem to be alike."""
    about = file.metadata.row_group(group)
    columns = [about.column(i) for i in range(about.num_columns)]
    alike = [one for one in columns if one.total_uncompressed_size > PACKED * one.total_compressed_size]
    large = max((one.total_uncompressed_size for one in alike), default=0)
    every = sum(one.total_uncompressed_size for one in columns)
    few = max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, large)))
    return max(few, min(MOST_ROWS, BATCH_BYTES // max(1, every)))


def batches(file: pq.ParquetFile, group: int, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a row group, a few at a time."""
    yield from file.iter_batches(_rows_at_once(file, group), row_groups=[group], columns=columns, use_threads=False)


def is_one(batch: pa.RecordBatch, before: pa.RecordBatch | None) -> bool:
    """Whether all rows of a batch are the row before it."""
    last = batch.num_rows - 1
    return before is not None and batch.slice(0, 1).equals(before) and batch.slice(1).equals(batch.slice(0, last))


def rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows of a batch; what is no UTF-8 in them is U+FFFD, and a time that no calendar has is a number."""
    try:
        return batch.to_pylist()
    except _UNREADABLE:
        columns = [[_value(cell) for cell in column] for column in batch.columns]
        return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _value(cell: Any) -> Any:
    """Return a value of a column as Python has it; of one that cannot be read so, what is in it, each by itself."""
    try:
        return cell.as_py()
    except _UNREADABLE:
        return _parts(cell) if isinstance(cell, pa.StructScalar | pa.ListScalar) else _bare(cell)


def _parts(cell: Any) -> Any:
    if isinstance(cell, pa.StructScalar):
        return {field.name: _value(cell[place]) for place, field in enumerate(cell.type)}  # pyright: ignore[reportArgumentType] - by place
    found = [_value(inner) for inner in cell.values]
    return [tuple(pair.values()) for pair in found] if isinstance(cell, pa.MapScalar) else found


def _bare(cell: Any) -> Any:
    if isinstance(cell, pa.DictionaryScalar):
        return _value(cell.dictionary[cell.index.as_py()])
    if isinstance(cell, pa.StringScalar):
        return cell.as_buffer().to_pybytes().decode("utf-8", "replace")
    return cell.value
