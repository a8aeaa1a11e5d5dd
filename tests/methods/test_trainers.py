"""Files for trainers: every table of a form that they read, where it lies, and how it is read."""

import json
from typing import NamedTuple

import yaml

from wellspring.tasks.methods.datasets.formats import OURS
from wellspring.tasks.methods.datasets.trainers import manifests


class File(NamedTuple):
    """A file of a dataset."""

    path: str
    columns: tuple[str, ...] = ()


def test_each_trainer_is_told_of_the_forms_that_it_reads_and_of_their_columns() -> None:
    forms = ("alpaca", "dpo", "messages", "sharegpt", "stepwise", "controls/random_0")
    paths = [f"{form}/{split}.{end}" for form in forms for split in ("train", "validation") for end in ("jsonl", "pq")]
    files = [File(path, ("id", "history") if "alpaca" in path else ("id", "tools")) for path in paths]
    found = manifests("mine", [*files, File("README.md")])
    info, axolotl = json.loads(found["dataset_info.json"]), yaml.safe_load(found["axolotl.yaml"])

    assert {one["file_name"] for one in info.values()} == {
        f"{form}/{split}.jsonl" for form in ("alpaca", "messages", "sharegpt") for split in ("train", "validation")
    }
    for one in info.values():
        form = one["file_name"].split("/")[0]
        more = {"history" if form == "alpaca" else "tools"}
        assert {*one["columns"].values()} - {*OURS[form].schema.names} == more
    assert info["mine_messages_train"]["tags"]["role_tag"] == "role"
    assert [one["path"] for one in axolotl["datasets"]] == [
        f"{form}/train.jsonl" for form in ("alpaca", "messages", "stepwise")
    ]
    assert [one["type"] for one in axolotl["test_datasets"]] == ["alpaca", "chat_template", "stepwise_supervised"]


def test_a_dataset_that_none_of_them_reads_has_no_such_file() -> None:
    assert manifests("mine", [File("raw/train.jsonl"), File("raw/train.parquet")]) == {}
