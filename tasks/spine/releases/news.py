"""What is new since a release: the lines of an export that are added or changed, and the ids of those that went.

They lie beside the export, in `exports/NAME.since-RELEASE/`: each form with its splits, `removed.jsonl`, and a manifest
that names both sides. A trainer that has the release drops what `removed.jsonl` names, and takes these lines.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from wellspring.tasks.io import datasets
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.releases import differences
from wellspring.tasks.spine.releases.differences import CHANGED, REMOVED, Side

SINCE = ".since-"


def write(store: Store, source: Path, a: Side, b: Side) -> dict[str, Any]:
    """Write what is new since a release.

    Args:
        store: Whose exports it is put among.
        source: The files of side b, with their snapshot.
        a: The release.
        b: What is exported now.

    Returns:
        `folder`, `since`, `rows` (added, removed, changed, same), and `files` (path and rows of each).
    """
    found = differences.between(a, b)
    place = store.exports / f"{found['b']['name']}{SINCE}{a.name}"
    with datasets.staging(place) as dataset:
        for file, numbers in differences.new_lines(a, b).items():
            table = dataset.table(file, pq.read_schema(source / f"{file}.parquet"))
            for row in _lines(source / f"{file}.jsonl", numbers):
                table.append(row)
        dataset.close_tables()
        gone = [
            {"id": one["id_a"], "why": one["why"]}
            for one in found["changes"]
            if one["what"] == REMOVED or (one["what"] == CHANGED and one["id_a"] != one["id_b"])
        ]
        dataset.text("removed.jsonl", "".join(orjson.dumps(row).decode() + "\n" for row in gone))
        files = [{"path": f.path, "bytes": f.bytes, "sha256": f.sha256, "rows": f.rows} for f in dataset.files]
        said = {"since": found["a"], "name": found["b"]["name"], "rows": found["rows"], "why": found["why"]}
        dataset.text("manifest.json", orjson.dumps(said | {"files": files}, option=orjson.OPT_INDENT_2).decode() + "\n")
    datasets.put_in_place(place)
    shown = [
        {"path": str(place / f["path"]), "rows": f["rows"]} for f in files if f["rows"] and f["path"].endswith(".jsonl")
    ]
    return {"folder": str(place), "since": a.name, "rows": found["rows"], "files": shown}


def _lines(path: Path, numbers: Sequence[int]) -> Iterator[Any]:
    wanted = frozenset(numbers)
    with path.open("rb") as file:
        yield from (orjson.loads(line) for number, line in enumerate(file, start=1) if number in wanted)
