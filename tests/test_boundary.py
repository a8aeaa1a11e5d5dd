"""One boundary for values from outside: each is read, made sound or refused alone, and what stands beside it comes out.

Fields come from the readers' own lists and from the schemas of recipes and judges, so a new one is tested by itself.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hostile import ASKED, COLUMNS, VALUES, lines
from wellspring.tasks import documents, seeds
from wellspring.tasks.contracts import outside, prompting
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.plugins import JUDGING, RECIPES
from wellspring.tasks.contracts.prompting import PromptedMethod
from wellspring.tasks.contracts.settings import BenchmarksSettings, DocumentsSettings, Settings
from wellspring.tasks.io.corpora import benchmarks, conversations, corpus_files
from wellspring.tasks.methods.pages import metadata
from wellspring.tasks.spine.running import recipes

PROSE = (
    "The kettle stood on the stove for an hour before anyone thought of it. By then the water had boiled away, and the "
    "bottom had turned blue. She put it under the tap, where it hissed, and opened the window to let the steam out. "
)
METHOD = DocumentsSettings(min_tokens=1, quality=()).model_dump() | {
    "limit_bytes": 2**20, "page_seconds": 10.0, "benchmarks": {}, "ngram_words": 13, "containment": 0.8,
}  # fmt: skip
ROOMS = Path(prompting.__file__).parents[1]
PROMPTED = [
    (f"wellspring.tasks.{room}", path.stem)
    for room in ("recipes", "judges")
    for path in sorted((ROOMS / room).glob("*.md"))
    if path.stem != "README"
]
PROGRAMS = {name: kind for kind in (RECIPES, JUDGING) for name in kind.names()}


def read(path: Path, **more: Any) -> dict[str, list[dict[str, Any]]]:
    """Read a file as a shard would, and check that nothing is lost."""
    file = corpus_files.look(str(path))
    part = {"source_id": "s", "uri": str(path), "part_id": "p", "kind": file.kind, "license": None}
    produced = documents._read({"parts": [part | {"start": 0, "stop": file.extent}], "method": METHOD | more})
    rows = {name: table.to_pylist() for name, table in produced.tables.items()}
    assert produced.rows_in == len(rows["documents"]) + len(rows["rejections"])
    assert not [row for row in rows["rejections"] if row["reason"] == "method_error"]
    return rows


def number_of(hostile: list[str]) -> list[str]:
    return [line.replace("#", str(n)) for n, line in enumerate(hostile)]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["text", "html"])
def test_any_value_in_any_field_of_a_corpus_costs_its_own_line_at_most(tmp_path: Path, text: str) -> None:
    good = {text: f"<h1>Kettle #</h1><p>{PROSE * 3}</p>", "url": "http://site.example/#", "title": "Kettle"}
    written = number_of([*lines(good, sorted(corpus_files._DOCUMENT_FIELDS)), json.dumps(good)])
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(written), encoding="utf-8")

    rows = read(path)

    assert len(rows["documents"]) + len(rows["rejections"]) == len(written)
    assert rows["documents"][-1]["url"] == f"http://site.example/{len(written) - 1}"
    assert {"not_json", "not_text", "no_text"} >= {row["reason"] for row in rows["rejections"]} - {
        "too_short",
        "language",
    }
    assert "cut \ufffd" in {row["title"] for row in rows["documents"]}


@pytest.mark.slow
def test_any_value_in_the_linked_data_of_a_page_leaves_the_page_and_those_beside_it(tmp_path: Path) -> None:
    good = {"@type": "NewsArticle", "headline": "A kettle", "author": {"name": "Ann"}, "datePublished": "2021-02-03"}
    fields = [*good, "creator", "dateCreated", "license", "@graph", "mainEntity", "mainEntityOfPage"]
    said = [*lines(good, fields), json.dumps(good)]
    pages = [
        f'<html><head><script type="application/ld+json">{one}</script></head><body><h1>K</h1><p>{PROSE * 3}</p></body>'
        for one in said
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"html": page}) for page in pages), encoding="utf-8")

    rows = read(path)

    assert len(rows["documents"]) == len(pages)
    assert "cut \ufffd" in {row["title"] for row in rows["documents"]}


@pytest.mark.parametrize("name", [*metadata._TITLES[:1], *metadata._AUTHORS[:1], "license"])
def test_half_a_character_in_the_markup_of_a_page_leaves_it_a_page(tmp_path: Path, name: str) -> None:
    page = f'<html><head><meta name="{name}" content="cut \ud83d &#xd83d; \x00"></head><body><p>{PROSE * 3}</p></body>'
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"html": page}), encoding="utf-8")

    assert len(read(path)["documents"]) == 1


@pytest.mark.slow
def test_any_value_in_any_field_of_a_conversation_costs_its_own_line_at_most(tmp_path: Path) -> None:
    chat = [
        {"role": "user", "content": "How does a kettle whistle, and why?"},
        {"role": "assistant", "content": "Steam."},
    ]
    shapes: list[dict[str, Any]] = [
        {"prompt": "How does a kettle whistle, and why?", "response": "By steam."},
        {"text": "How does a kettle whistle?", "role": "prompter", "parent_id": None},
        *({name: chat} for name in conversations._CHATS),
    ]
    written = [line for shape in shapes for line in lines(shape, sorted(conversations._COLUMNS))]
    turns = lines(chat[0], ["role", "content", "from", "value"])
    written += [f'{{"messages": [{turn}, {json.dumps(chat[1])}]}}' for turn in turns]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(written), encoding="utf-8")
    payload = {"path": str(path), "source_id": "s", "first": 1, "last": len(written), "languages": (), "min_tokens": 1}

    produced = seeds._read(payload | {"max_tokens": 1000, "benchmarks": BenchmarksSettings(), "quality": ()})

    assert produced.rows_in == len(written)
    assert "method_error" not in produced.tables["rejections"]["reason"].to_pylist()
    assert any("\ufffd" in str(text) for text in produced.tables["seeds"]["text"].to_pylist())


@pytest.mark.parametrize("field", benchmarks.FIELDS)
def test_any_value_in_a_benchmark_is_a_prompt_or_refused(tmp_path: Path, field: str) -> None:
    for number, line in enumerate([*lines({"prompt": "one"}, [field]), *lines({field: "one"}, ["id", "input"])]):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(line, encoding="utf-8")
        with contextlib.suppress(BrokenError):  # which is what a benchmark without prompts is
            "".join(part for row in benchmarks.read({"mine": str(path)}) for part in row).encode()


def _example(schema: Mapping[str, Any], name: str = "") -> Any:
    """Return an answer in the form of a schema."""
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], name)
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {key: _example(inner, key) for key, inner in schema["properties"].items()}
    if schema["type"] == "array":
        return [_example(schema["items"], name), _example(schema["items"], name)]
    return {"string": f"What does {name} say of evaluate?", "integer": 1, "number": 1, "boolean": True}[schema["type"]]


def _answers(schema: Mapping[str, Any]) -> list[str]:
    good = _example(schema)
    found = list(lines(good, list(good)))
    for key, inner in schema["properties"].items():
        if inner.get("type") == "object":
            found += [
                json.dumps(good | {key: "@"}).replace('"@"', line)
                for line in lines(good[key], list(inner["properties"]))
            ]
        if inner.get("type") == "array":
            found += [json.dumps(good | {key: ["@"]}).replace('"@"', value) for value in VALUES.values()]
    return found


ROW = {"pages": ["a", "b"], "question": "Is it so?", "text": "t", "input_id": "0" * 20}


@pytest.mark.parametrize("name", PROGRAMS)
def test_any_value_in_any_field_that_a_program_asks_for_is_read_or_refused(name: str) -> None:
    found = recipes.find(name, Settings(), PROGRAMS[name])
    assert found is not None

    for form in recipes.answers(found.module):
        for answer in _answers(form.identity()):
            try:
                said = form.read(answer)
            except Rejection as refusal:
                outside.sound(refusal.detail).encode()
            else:
                outside.sound(said.model_dump_json()).encode()


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package, name in PROMPTED if name not in PROGRAMS],
    ids=lambda value: value.removeprefix("tasks."),
)
def test_any_value_in_any_field_of_an_answer_is_read_as_it_can_be_stored_or_refused(package: str, name: str) -> None:
    method: PromptedMethod = prompting.load(package, name)
    answers = _answers(method.schema) if method.schema else [*VALUES.values(), "1" * 401, "a:1e400, b:" + "9" * 400]
    if name == "moderation_endpoint":
        answers = list(lines({"flagged": True, "categories": {"hate": True}, "category_scores": {"hate": 0.5}},
                             ["flagged", "categories", "category_scores"]))  # fmt: skip
    for answer in answers:
        try:
            parsed = method.parse(ROW, answer)
        except Rejection as refusal:
            outside.sound(refusal.detail).encode()
            continue
        for value in parsed.get("values", {}).values():
            assert outside.number(value) == value


@pytest.mark.parametrize("judge", ["seven_criteria", "response_quality"])
@pytest.mark.parametrize("value", ["true", "false", "NaN", "Infinity", "1e400", "1" * 401, "null", '"one"', "[1]"])
def test_a_mark_is_a_number_and_nothing_else(judge: str, value: str) -> None:
    method = prompting.load("wellspring.tasks.judges", judge)
    assert method.schema is not None
    answer = json.dumps(_example(method.schema) | {list(method.schema["properties"])[-1]: "@"}).replace('"@"', value)

    with pytest.raises(Rejection, match=r"incomplete_answer|mark_out_of_range"):
        method.parse(ROW, answer)


def bomb(path: Path, megabytes: int, rows: int) -> Path:
    """Write one long value, once, that many rows name."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * (megabytes * 2**20)]))
    with pq.ParquetWriter(path, pa.schema([("text", column.type)]), compression="brotli", write_statistics=False,
                          dictionary_pagesize_limit=2**31 - 1, store_schema=False) as writer:  # fmt: skip
        writer.write_table(pa.table({"text": column}), row_group_size=rows)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("megabytes", "rows"), [(1, 200_000), (20, 100), (80, 3)])
def test_a_file_of_some_bytes_that_unpacks_to_gigabytes_is_one_refusal(
    tmp_path: Path, megabytes: int, rows: int
) -> None:
    path = bomb(tmp_path / "bomb.parquet", megabytes, rows)

    refused = read(path)["rejections"]

    assert path.stat().st_size < 2_000
    assert [row["reason"] for row in refused] == ["too_large"]
    assert "bomb" in refused[0]["detail"]
    with pytest.raises(BrokenError, match=r"bomb\.parquet"):
        conversations.survey(path)


def test_many_rows_that_are_alike_are_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "alike.parquet"
    texts = [f"{PROSE * 3} {n}" for n in range(50)]
    pq.write_table(pa.table({"text": texts * 4, "license": ["CC0-1.0"] * 200}), path)

    assert corpus_files.look(str(path)).extent == 200
    assert len(read(path)["documents"]) >= 50


def test_a_parquet_text_that_is_no_utf8_costs_no_other_row(tmp_path: Path) -> None:
    texts = [f"{PROSE * 3} {n}".encode() + (b" cut \xed\xa0\xbd." if n == 1 else b"") for n in range(4)]
    column = pa.array(texts, pa.binary()).view(pa.string())
    path = tmp_path / "cut.parquet"
    pq.write_table(pa.table({"text": column}), path)

    rows = read(path)

    assert len(rows["documents"]) == 4
    assert "\ufffd" in rows["documents"][1]["text"]


def _of_turns(texts: pa.Array, role: str, content: str) -> pa.Array:
    """Return chats of one turn each, as Hugging Face keeps them."""
    turns = pa.StructArray.from_arrays([texts, pa.array(["user", "user"])], [content, role])
    return pa.LargeListArray.from_arrays(pa.array([0, 1, 2], pa.int64()), turns)


@pytest.mark.slow
@pytest.mark.parametrize("name", COLUMNS)
def test_any_column_in_any_field_of_a_parquet_file_costs_its_own_row_at_most(tmp_path: Path, name: str) -> None:
    path, odd = tmp_path / "a.parquet", COLUMNS[name]
    text = {"text": pa.array([f"{PROSE * 3} {n}" for n in range(2)])}
    about = sorted(corpus_files._DOCUMENT_FIELDS - {*corpus_files.TEXT_FIELDS, *corpus_files.HTML_FIELDS})
    pq.write_table(pa.table(text | dict.fromkeys(about, odd)), path)
    described = read(path)
    kinds: set[str] = set()
    for field in (*corpus_files.TEXT_FIELDS, *corpus_files.HTML_FIELDS):
        pq.write_table(pa.table({field: odd, "url": pa.array(["http://a.example/0", "http://a.example/1"])}), path)
        rows = read(path)
        assert len(rows["documents"]) + len(rows["rejections"]) == 2
        kinds |= {row["reason"] for row in rows["rejections"]}

    assert len(described["documents"]) == 2
    assert kinds <= {"no_text", "too_short", "language"}


@pytest.mark.slow
@pytest.mark.parametrize("name", COLUMNS)
def test_any_column_of_a_parquet_file_of_conversations_costs_its_own_row_at_most(tmp_path: Path, name: str) -> None:
    path, odd = tmp_path / "a.parquet", COLUMNS[name]
    tables = [{field: odd} for field in sorted(conversations._COLUMNS)]
    tables += [{chat: _of_turns(odd, *keys)} for chat in conversations._CHATS for keys in
               (("role", "content"), ("from", "value"))]  # fmt: skip
    found: list[str] = []
    for number, columns in enumerate(tables):
        pq.write_table(pa.table({"beside": pa.array(["x", "y"]), **columns}), path)
        payload = {"path": str(path), "source_id": "s", "first": 1, "last": 2, "languages": (), "min_tokens": 1}
        produced = seeds._read(payload | {"max_tokens": 1000, "benchmarks": BenchmarksSettings()})
        assert produced.rows_in == 2, number
        assert "method_error" not in produced.tables["rejections"]["reason"].to_pylist()
        found += produced.tables["seeds"]["text"].to_pylist()

    if "text" in name:
        assert ASKED in found
    if name in {"texts", "large texts", "dictionary"}:
        assert any("\ufffd" in text for text in found)


@pytest.mark.slow
def test_an_exception_on_one_page_is_its_refusal_with_class_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n".join(json.dumps({"text": f"{PROSE * 3} {n}", "url": f"http://a.example/{n}"}) for n in range(3))
    )
    public = documents.page_text.public

    def raises(url: str) -> str:
        if url.endswith("/1"):
            raise IndexError("no such place")
        return public(url)

    monkeypatch.setattr(documents.page_text, "public", raises)
    file = corpus_files.look(str(path))
    part = {"source_id": "s", "uri": str(path), "part_id": "p", "kind": file.kind, "license": None}
    produced = documents._read({"parts": [part | {"start": 0, "stop": file.extent}], "method": METHOD})

    refused = produced.tables["rejections"].to_pylist()
    assert produced.tables["documents"].num_rows == 2
    assert [row["reason"] for row in refused] == ["method_error"]
    assert "IndexError at tests/test_boundary.py:" in refused[0]["detail"]
