"""Arrow, as streams and as files: what `datasets.save_to_disk` writes. A record is a row, by its number."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import ipc

VERSION = 1
_FILE = b"ARROW1"
_STREAM = b"\xff\xff\xff\xff"


def is_this(name: str, start: bytes) -> bool:
    """Tell by the first bytes; those of a stream are few, so its name counts, too."""
    return start.startswith(_FILE) or (start.startswith(_STREAM) and name.lower().endswith((".arrow", ".arrows")))


def records(file: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows."""
    body = pa.py_buffer(file.read())
    if body[: len(_FILE)].to_pybytes() == _FILE:
        held = ipc.open_file(body)
        batches = (held.get_batch(i) for i in range(held.num_record_batches))
    else:
        batches = iter(ipc.open_stream(body))
    for batch in batches:
        for i in range(batch.num_rows):
            yield batch.slice(i, 1).to_pylist()[0]
