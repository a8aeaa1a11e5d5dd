"""Conversation sets: every shape is read to its first user turn, and damage costs the damaged line only."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.io import conversations
from wellspring.tasks.io.conversations import Turn

CHAT = [
    {"role": "system", "content": "be kind"},
    {"role": "user", "content": "Hi?"},
    {"role": "assistant", "content": "Hello."},
]


def _lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("record", "turn"),
    [
        ({"id": 3, "prompt": " Name a river. "}, Turn("Name a river.", None)),
        ({"prompt": "One\x0cpage,\r\nanother\x1b line.\x00"}, Turn("One\npage,\nanother line.", None)),
        ({"prompt": "Name a river.", "completion": "The Po."}, Turn("Name a river.", "The Po.")),
        ({"instruction": "Sort these.", "input": "3, 1", "output": "1, 3"}, Turn("Sort these.\n\n3, 1", "1, 3")),
        ({"instruction": "Sort.", "input": "<noinput>", "output": ""}, Turn("Sort.", None)),
        ({"instruction": "Who won?", "context": "Ann won.", "response": "Ann."}, Turn("Who won?\n\nAnn won.", "Ann.")),
        ({"instruction": "Pair?", "instances": [{"input": "up", "output": "down"}]}, Turn("Pair?\n\nup", "down")),
        ({"messages": CHAT}, Turn("Hi?", "Hello.")),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "See?"}]}]}, Turn("See?", None)),
        ({"conversations": [{"from": "human", "value": "A"}, {"from": "gpt", "value": "B"}]}, Turn("A", "B")),
        ({"conversation": CHAT, "language": "English"}, Turn("Hi?", "Hello.")),
        (
            {
                "conversation_a": CHAT,
                "conversation_b": [CHAT[1], {"role": "assistant", "content": "Yo."}],
                "winner": "model_b",
            },
            Turn("Hi?", "Yo."),
        ),
        (
            {"prompt": {"text": "Q", "replies": [{"text": "worse", "rank": 1}, {"text": "best", "rank": 0}]}},
            Turn("Q", "best"),
        ),
        ({"message_id": "m", "parent_id": None, "text": "Root?", "role": "prompter"}, Turn("Root?", None)),
        ({"act": "Poet", "prompt": "Be a poet."}, Turn("Be a poet.", None)),
        ({"prompt": [{"role": "user", "content": "Listed."}]}, Turn("Listed.", None)),
    ],
)
def test_every_known_shape_is_read_to_its_first_user_turn(record: dict[str, Any], turn: Turn) -> None:
    assert conversations.first_turn(record) == turn


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"body": "x"}, "no_usable_field"),
        ({"prompt": None}, "no_usable_field"),
        ({"prompt": "  \x00 "}, "empty_text"),
        ({"messages": [{"role": "assistant", "content": "hm"}]}, "no_user_turn"),
        (
            {"conversations": [{"from": "gpt", "value": "so"}, {"from": "human", "value": "go on"}]},
            "starts_with_answer",
        ),
        ({"parent_id": "m1", "text": "And then?"}, "not_a_first_turn"),
        ({"messages": []}, "no_user_turn"),
        ({"messages": [{"role": "user", "content": None}]}, "empty_text"),
    ],
)
def test_a_record_that_cannot_be_used_says_why(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        conversations.first_turn(record)

    assert refused.value.reason == reason


def test_damage_costs_the_damaged_line_only(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    whole = b'{"prompt": "one"}'
    path.write_bytes(
        b"\xef\xbb\xbf" + whole + b"\n" + b'{"prompt": "tw\n' + b"\n" + b'{"prompt": "\xff\xfe"}\n' + b"[1]\n"
        b'{"prompt": "' + b"a" * 400 + b'"}\n' + b"[" * 200_000 + b"\n" + b'{"prompt": "sur\\ud83drogate"}'
    )

    items = list(conversations.read(path, max_line_bytes=300))

    assert [line for line, _ in items] == [1, 2, 3, 4, 5, 6, 7, 8]
    reasons = [item.reason if isinstance(item, Rejection) else item.text for _, item in items]
    assert reasons[:4] == ["one", "damaged_line", "empty_line", "damaged_line"]
    assert "at character 15" in items[1][1].detail  # of its own line
    assert reasons[4:] == ["damaged_line", "oversize_line", "oversize_line", "sur\ufffdrogate"]


def test_deep_nesting_is_one_refused_line(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_bytes(b"[" * 200_000 + b'\n{"prompt": "after"}\n')

    items = list(conversations.read(path))

    assert isinstance(items[0][1], Rejection)
    assert items[0][1].reason == "damaged_line"
    assert items[1][1] == Turn("after", None)


def test_a_gzip_that_ends_in_its_middle_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl.gz"
    noise = random.Random(7)
    # Random words, so that the stream is long enough to lose its end and keep its start.
    records = [{"prompt": f"{noise.random()}"} for _ in range(20_000)]
    path.write_bytes(gzip.compress("".join(json.dumps(r) + "\n" for r in records).encode())[:-20_000])

    items = list(conversations.read(path))

    assert isinstance(items[-1][1], Rejection)
    assert items[-1][1].reason == "damaged_file"
    assert 1_000 < sum(isinstance(item, Turn) for _, item in items) < len(records)


def test_parquet_is_known_by_its_first_bytes_and_nulls_are_refused_by_row(tmp_path: Path) -> None:
    path = tmp_path / "no_suffix"
    table = pa.table({"messages": pa.array([CHAT, None, CHAT]), "other": ["x", "y", "z"]})
    pq.write_table(table, path)

    items = list(conversations.read(path))

    assert [line for line, _ in items] == [1, 2, 3]
    assert items[0][1] == Turn("Hi?", "Hello.")
    assert isinstance(items[1][1], Rejection)


def test_a_file_without_a_usable_field_names_what_it_has_and_what_was_looked_for(tmp_path: Path) -> None:
    path = _lines(tmp_path / "docs.jsonl", {"url": "http://a.example", "body": "x"}, {"title": "t"})

    with pytest.raises(BrokenError) as broken:
        conversations.survey(path)

    assert "body, title, url" in broken.value.message
    assert "messages, conversations" in broken.value.hint


@pytest.mark.parametrize("content", [b"", b"not json\n", b"PAR1 but not"])
def test_a_file_that_is_no_conversation_set_is_broken(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(BrokenError, match=str(path)):
        conversations.survey(path)


def test_a_range_of_lines_is_what_the_whole_has_there(tmp_path: Path) -> None:
    jsonl = _lines(tmp_path / "set.jsonl", *({"prompt": str(n)} for n in range(1, 201)))
    parquet = tmp_path / "set.parquet"
    pq.write_table(pa.table({"prompt": [str(n) for n in range(1, 201)]}), parquet)

    for path in (jsonl, parquet):
        part = list(conversations.read(path, first=63, last=130))

        assert part == [(n, Turn(str(n), None)) for n in range(63, 131)]
        assert conversations.survey(path) == 200


@pytest.mark.parametrize("name", ["nowhere.jsonl", "no\x00where", "n" * 4096, "..", "con\u202egpj.lnosj", "a/b/../c"])
def test_a_file_that_cannot_be_opened_is_broken_whatever_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(BrokenError, match="cannot be read"):
        list(conversations.read(tmp_path / name))


@pytest.mark.parametrize("name", ["two words.jsonl", "quote'\".jsonl", "-rf", "\u202egpj", "%2e%2e", "CON", "\n.jsonl"])
def test_a_file_of_any_name_is_read(tmp_path: Path, name: str) -> None:
    path = _lines(tmp_path / name, {"prompt": "one"})

    assert conversations.survey(path) == 1
    assert list(conversations.read(path)) == [(1, Turn("one", None))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(conversations._COLUMNS)) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON.filter(lambda value: isinstance(value, dict)))
def test_any_json_object_is_a_turn_with_text_or_a_rejection(record: dict[str, Any]) -> None:
    try:
        turn = conversations.first_turn(record)
    except Rejection:
        return

    assert turn.text == turn.text.strip() != ""
    assert turn.text.encode("utf-8")


@pytest.mark.shared
def test_the_adversarial_lines_are_conserved(shared: Path) -> None:
    path = shared / "adversarial" / "bad_lines.jsonl.gz"
    with gzip.open(path, "rb") as file:
        lines = sum(1 for _ in file)

    records = list(conversations._records(path, 2**20))

    assert [line for line, _ in records] == list(range(1, lines + 1))
    expected = json.loads((shared / "adversarial" / "expected.json").read_text())["bad_lines.jsonl.gz"]["whole"]
    whole = [
        record["id"]
        for _, record in records
        if not isinstance(record, Rejection) and isinstance(record.get("text"), str)
    ]
    assert whole == expected


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "turns"),
    [
        ("seeds_knn_instruct_a.jsonl.gz", 2029),
        ("seeds_self_instruct_175.jsonl.gz", 175),
        ("seeds_oasst_en100.jsonl.gz", 99),
        ("seeds_prompts_chat_a.jsonl.gz", 573),
        ("pool_dolly_a.parquet", 1481),
    ],
)
def test_real_sets_are_read_whole(shared: Path, name: str, turns: int) -> None:
    items = list(conversations.read(shared / "instructions" / name))

    assert sum(isinstance(item, Turn) for _, item in items) == turns == len(items)
    assert conversations.survey(shared / "instructions" / name) == turns
