"""The files of a dataset: whole or not at all, the same bytes for the same rows, damage seen."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wellspring.tasks.io import datasets
from wellspring.tasks.io.datasets import ROWS_IN_GROUP

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])


def written(folder: Path, rows: int) -> dict[str, str]:
    """Write a dataset of one table and a text; returns the digest of each file."""
    with datasets.staging(folder) as dataset:
        table = dataset.table("part/train", SCHEMA)
        lines = [table.append({"id": f"r{i}", "text": "\u00e4\n" * (i % 3)}) for i in range(rows)]
        dataset.close_tables()
        dataset.text("README.md", "# It\n")
    datasets.put_in_place(folder)
    assert lines == list(range(1, rows + 1))
    return {file.path: file.sha256 for file in dataset.files}


def test_lines_and_parquet_hold_the_same_rows(tmp_path: Path) -> None:
    written(tmp_path / "a", ROWS_IN_GROUP + 7)

    lines = [json.loads(line) for line in (tmp_path / "a/part/train.jsonl").read_text().split("\n")[:-1]]
    parquet = pq.ParquetFile(tmp_path / "a/part/train.parquet")
    assert pq.read_table(tmp_path / "a/part/train.parquet").to_pylist() == lines
    assert parquet.metadata.num_row_groups == 2


def test_the_same_rows_are_the_same_bytes_and_other_rows_are_not(tmp_path: Path) -> None:
    assert written(tmp_path / "a", 20) == written(tmp_path / "b", 20)
    assert written(tmp_path / "a", 20) != written(tmp_path / "b", 21)


def test_what_was_there_is_replaced_as_a_whole(tmp_path: Path) -> None:
    written(tmp_path / "a", 3)
    (tmp_path / "a/old.txt").write_text("from before")
    files = written(tmp_path / "a", 2)

    assert datasets.is_whole(tmp_path / "a", files)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_after_an_error_the_former_dataset_is_untouched(tmp_path: Path) -> None:
    files = written(tmp_path / "a", 3)

    with pytest.raises(FileNotFoundError), datasets.staging(tmp_path / "a") as dataset:  # noqa: PT012 - it has a middle
        dataset.table("part/train", SCHEMA).append({"id": "x", "text": "y"})
        dataset.text("nowhere/README.md", "# It\n")

    assert datasets.is_whole(tmp_path / "a", files)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_damage_is_seen(tmp_path: Path, damage: str) -> None:
    files = written(tmp_path / "a", 3)
    place = tmp_path / "a/part/train.jsonl"
    if damage == "changed":
        place.write_bytes(place.read_bytes().replace(b"r1", b"r7"))
    elif damage == "missing":
        place.unlink()
    else:
        (tmp_path / "a/more.txt").write_text("")

    assert not datasets.is_whole(tmp_path / "a", files)
    assert not datasets.is_whole(tmp_path / "nowhere", files)
