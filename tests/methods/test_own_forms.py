"""Forms of a user's own: found by name, held to their schema, and what is wrong with one said with its file and row."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.methods.test_formats import GIVEN
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.methods.datasets import own_forms
from wellspring.tasks.methods.datasets.formats import OURS

HEAD = """
import pyarrow as pa
VERSION = 1
OF = "rows"
SCHEMA = pa.schema([("text", pa.string()), ("score", pa.float32()), ("turns", pa.list_(pa.struct([("role", pa.string()),
    ("thought", pa.string())]))), ("n", pa.int64())])
"""


def written(
    folder: Path, line: str = "{}", name: str = "mine", head: str = HEAD, row_id: str = "row['response_id']"
) -> str:
    """Write a form that makes this line of each row; returns its folder."""
    folder.mkdir(exist_ok=True)
    body = f"{head}\ndef lines(row):\n    return [({row_id}, {line})]\n"
    (folder / f"{name}.py").write_text(body, encoding="utf-8")
    return str(folder)


def line_of(folder: Path, line: str, **parts: str) -> tuple[str, dict[str, Any]]:
    """The one line of a form that is written with this."""
    [made] = own_forms.find("mine", [written(folder, line, **parts)]).lines(GIVEN["rows"])
    return made


def test_a_file_of_a_folder_is_a_form_with_all_its_columns_after_the_id(tmp_path: Path) -> None:
    folder = written(tmp_path / "p", "{'n': 3, 'text': row['text'] + ' ' + str(row['weight']), 'score': 0.1}")
    form = own_forms.find("mine", [folder])
    [(row_id, line)] = form.lines(GIVEN["rows"])

    assert (form.of, form.version, form.schema.names) == ("rows", 1, ["id", "text", "score", "turns", "n"])
    assert list(line.items()) == [("id", "r1"), ("text", "Which pump? 1.0"), ("score", 0.1), ("turns", None), ("n", 3)]
    assert row_id == "r1"
    assert form.columns({"thought", "earlier", "weight"}) == form.schema
    assert own_forms.names([folder]) == dict.fromkeys(OURS, "ours") | {"mine": f"{folder}/mine.py"}


def test_other_files_of_the_folder_are_no_forms_and_ours_come_first(tmp_path: Path) -> None:
    folder = written(tmp_path / "p", name="dpo")
    (tmp_path / "p" / "helper.py").write_text("OFFICE = 1\n")

    assert own_forms.find("dpo", [folder]) is OURS["dpo"]
    assert own_forms.names([folder])["dpo"] == "ours"
    assert "helper" not in own_forms.names([folder])


@pytest.mark.parametrize(
    "line",
    [
        "{'turns': [{'role': 'user'}, {'role': 'assistant', 'thought': 'Hé? 修理 \\u2028'}]}",
        "{'turns': [], 'text': '', 'score': 1, 'n': -2**63}",
        "{'turns': ({'role': 'user'},)}",
    ],
)
def test_a_line_is_the_same_as_json_and_as_parquet(tmp_path: Path, line: str) -> None:
    _, made = line_of(tmp_path / "p", line)
    [kept] = pa.Table.from_pylist([made], schema=own_forms.find("mine", [str(tmp_path / "p")]).schema).to_pylist()

    assert json.loads(json.dumps(made)) == made
    assert [turn["role"] for turn in made["turns"]] == [turn["role"] for turn in kept["turns"]]
    assert {n: v for n, v in kept.items() if n != "turns"} == {n: v for n, v in made.items() if n != "turns"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{'colour': 1}", "the column 'colour' is not in its SCHEMA"),
        ("{'id': 'r1'}", "the column 'id' is not in its SCHEMA"),
        ("{'text': 3}", "the column 'text' (string) does not hold 3"),
        ("{'text': b'x'}", "the column 'text' (string) does not hold b'x'"),
        ("{'text': '\\ud800'}", "the column 'text' (string) does not hold"),
        ("{'text': float('nan')}", "the column 'text' (string) does not hold nan"),
        ("{'score': float('nan')}", "the column 'score' (float) does not hold nan"),
        ("{'score': True}", "the column 'score'"),
        ("{'n': 1.5}", "the column 'n' (int64) does not hold 1.5"),
        ("{'n': 2**63}", "the column 'n' (int64) does not hold 9223372036854775808"),
        ("{'n': True}", "the column 'n'"),
        ("{'n': '1'}", "the column 'n' (int64) does not hold '1'"),
        ("{'turns': [{'role': 'user', 'content': 'lost'}]}", "the column 'turns' (list<item: struct<"),
        ("{'turns': {'role': 'user'}}", "the column 'turns'"),
        ("row['colour']", "KeyError: 'colour'"),
        ("None", "TypeError"),
        ("[].clear() or {}[0]", "KeyError: 0"),
    ],
)
def test_a_wrong_line_is_named_with_its_file_and_its_row(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BrokenError) as caught:
        line_of(tmp_path / "p", line)

    assert said in caught.value.message
    assert str(tmp_path / "p" / "mine.py") in caught.value.message
    assert "of the row r1: " in caught.value.message


@pytest.mark.parametrize("row_id", ["''", "'r9'", "None", "row['text']", "['r1']"])
def test_a_line_without_the_id_of_its_row_could_not_be_traced(tmp_path: Path, row_id: str) -> None:
    with pytest.raises(BrokenError, match="is none of the row's"):
        line_of(tmp_path / "p", "{}", row_id=row_id)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("VERSION = 1", "VERSION = 0", "VERSION is no int"),
        ("VERSION = 1", "VERSION = True", "VERSION is no int"),
        ("VERSION = 1", "", "VERSION is no int"),
        ('"rows"', '"answers"', "OF is `answers`, not rows or pairs or raw or rewrites"),
        ("SCHEMA = ", "SCHEME = ", "SCHEMA is no pyarrow schema"),
        ('("text"', '("id"', "names a column twice, or `id`"),
        ('("text"', '("n"', "names a column twice, or `id`"),
        ("import pyarrow as pa", "import nothing_of_that_name as pa", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_before_a_row_is_read(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = written(tmp_path / "p", head=HEAD.replace(old, new))

    with pytest.raises(UsageError, match=r"mine\.py") as caught:
        own_forms.find("mine", [folder])

    assert said in caught.value.message


def test_a_file_without_its_function_is_no_form(tmp_path: Path) -> None:
    folder = written(tmp_path / "p")
    (tmp_path / "p" / "mine.py").write_text(HEAD)

    with pytest.raises(UsageError, match="no function `lines`"):
        own_forms.find("mine", [folder])


@pytest.mark.parametrize("name", ["controls", "controls_random_0", "1st", "ä", "a b"])
def test_a_form_is_a_folder_and_takes_no_name_that_cannot_be_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a folder"):
        own_forms.find(name, [written(tmp_path / "p", name=name)])


@pytest.mark.parametrize(("name", "near"), [("dpoo", "dpo"), ("mime", "mine"), ("", ""), ("../x", ""), ("formats", "")])
def test_an_unknown_form_is_named_with_the_nearest(tmp_path: Path, name: str, near: str) -> None:
    with pytest.raises(UsageError, match="there is no form") as caught:
        own_forms.find(name, [written(tmp_path / "p")])

    assert f"did you mean {near}" in caught.value.hint or not near
    assert "forms: alpaca, dpo, joint" in caught.value.hint
