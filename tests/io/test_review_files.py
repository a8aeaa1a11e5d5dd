"""Rows that go to people, and their marks that come back: each tool's own form, and what is damaged refused by name."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import review_files
from wellspring.tasks.io.review_files import Said

ROW: dict[str, Any] = {
    "id": "a1b2",
    "recipe": "knn_instruct",
    "model": "m",
    "url": None,
    "prompt": "Why <b>does</b>\u202e my $starter not rise?",
    "thought": None,
    "answer": "It is cold.",
    "page": None,
    "judges": "seven_criteria.total 6.0: clear",
}


def test_a_sample_for_argilla_is_a_folder_that_its_library_reads(tmp_path: Path) -> None:
    review_files.write_argilla([ROW], tmp_path / "s", "wellspring-ws")
    settings = json.loads((tmp_path / "s" / ".argilla" / "settings.json").read_text())
    (record,) = json.loads((tmp_path / "s" / "records.json").read_text())

    assert record["id"] == "a1b2"
    assert record["fields"].keys() == {one["name"] for one in settings["fields"]}
    assert record["metadata"].keys() == {one["name"] for one in settings["metadata"]}
    assert record["fields"]["prompt"] == "Why <b>does</b> my $starter not rise?"
    assert all(one["settings"]["use_markdown"] is False for one in settings["fields"])
    assert [one["value"] for one in settings["questions"][0]["settings"]["options"]] == list(review_files.MARKS)


def test_a_sample_for_label_studio_has_all_that_its_interface_shows(tmp_path: Path) -> None:
    review_files.write_label_studio([ROW], tmp_path / "s")
    (task,) = json.loads((tmp_path / "s" / "tasks.json").read_text())
    view = ET.parse(tmp_path / "s" / "interface.xml").getroot()

    shown = {one.get("value", "").removeprefix("$") for one in view.iter("Text")}
    assert shown == review_files.FIELDS.keys()
    assert all(task["data"][name] for name in shown)
    assert {one.get("toName") for one in (*view.iter("Choices"), *view.iter("TextArea"))} <= shown
    assert [one.get("value") for one in view.iter("Choice")] == list(review_files.MARKS)


def test_the_real_libraries_take_the_samples(tmp_path: Path) -> None:
    interface = pytest.importorskip("label_studio_sdk.label_interface").LabelInterface
    records = pytest.importorskip("argilla.records._io").JsonIO
    review_files.write_label_studio([ROW], tmp_path / "label-studio")
    review_files.write_argilla([ROW], tmp_path / "argilla", "x")
    view = interface((tmp_path / "label-studio" / "interface.xml").read_text())

    view.validate()
    assert view.validate_task(json.loads((tmp_path / "label-studio" / "tasks.json").read_text())[0])
    assert [one.id for one in records._records_from_json(tmp_path / "argilla" / "records.json")] == ["a1b2"]


ANNOTATED = {
    "id": 7,
    "data": {"row_id": "c3"},
    "annotations": [
        {
            "result": [
                {"from_name": "mark", "to_name": "answer", "type": "choices", "value": {"choices": ["bad"]}},
                {"from_name": "why", "to_name": "answer", "type": "textarea", "value": {"text": ["too long"]}},
            ]
        },
        {"was_cancelled": True, "result": [{"from_name": "mark", "value": {"choices": ["good"]}}]},
    ],
}
ANSWERED = {
    "id": "d4",
    "fields": {"prompt": "x"},
    "responses": {
        "mark": [{"value": "exclude", "user_id": "u"}, {"value": "good", "user_id": "v", "status": "draft"}],
        "why": [{"value": "a person's name", "user_id": "u"}],
    },
}


def test_marks_of_each_tool_come_back_as_what_was_said(tmp_path: Path) -> None:
    (tmp_path / "studio.json").write_text(json.dumps([ANNOTATED]))
    (tmp_path / "argilla").mkdir()
    (tmp_path / "argilla" / "records.json").write_text(json.dumps([ANSWERED]))
    lines = [
        {"id": "e5", "mark": "bad"},
        {"id": "e5", "mark": "good", "why": "on a second look"},
        {"id": "f>g", "mark": "right", "chosen_id": "f", "rejected_id": "g"},
        {"id": "h", "mark": "a mark of a later version"},
    ]
    (tmp_path / "marks.jsonl").write_text("\n".join(map(json.dumps, lines)))

    assert review_files.read(tmp_path / "studio.json") == [Said("c3", "bad", "too long")]
    assert review_files.read(tmp_path / "argilla") == [Said("d4", "exclude", "a person's name")]
    assert review_files.read(tmp_path / "marks.jsonl") == [
        Said("e5", "good", "on a second look"),
        Said("f", "right", "", "g"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "[1]", "{}", '{"id": 1}', "[{}]", '[{"data": {}, "annotations": [{"result": [{}]}]}]', "\xff", "[[["],
)
def test_a_file_that_holds_no_marks_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "marks.json"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(UsageError, match=r"the file of marks .*marks\.json: it (cannot be read|holds no marks)"):
        review_files.read(path)
