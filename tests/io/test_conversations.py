"""Conversation sets: every shape is read to its first user turn and those about it; damage costs its own line only."""

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
from wellspring.tasks.io.corpora import conversations
from wellspring.tasks.io.corpora.conversations import Turn

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
    found = conversations.first_turn(record)

    assert (found.text, found.response) == (turn.text, turn.response)


TOOL = {"name": "tide", "parameters": {"type": "object"}}
CALLS = [{"id": "c1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}]
TRACE = [
    {"role": "assistant", "content": "", "tool_calls": CALLS},
    {"role": "tool", "content": "4.5", "tool_call_id": "c1"},
    {"role": "assistant", "content": "4.5 m."},
    {"role": "user", "content": "And at noon?"},
]
SHARE = [{"from": "human", "value": "Tide?"}, {"from": "gpt", "value": "High."}, {"from": "human", "value": "Why?"}]
SHARED_LATER = [{"role": "assistant", "content": "High."}, {"role": "user", "content": "Why?"}]
ANSWERED = [{"role": "assistant", "content": "B"}]
TREE = {
    "text": "A",
    "replies": [
        {"text": "worse", "rank": 1, "role": "assistant"},
        {"text": "B", "rank": 0, "replies": [{"text": "C", "role": "prompter", "replies": 5}, {"text": "not"}]},
    ],
}


@pytest.mark.parametrize(
    ("record", "system", "later", "tools"),
    [
        ({"prompt": "A"}, "", [], []),
        ({"prompt": "A", "completion": "B", "system_prompt": "S"}, "S", ANSWERED, []),
        ({"instruction": "A", "output": 7}, "", [{"role": "assistant", "content": "7"}], []),
        ({"prompt": "A", "completion": [*ANSWERED, CHAT[1]]}, "", [*ANSWERED, CHAT[1]], []),
        ({"instruction": "A", "instances": [{"input": "", "output": "B"}]}, "", ANSWERED, []),
        ({"messages": [*CHAT, *TRACE], "tools": [TOOL]}, "be kind", [CHAT[2], *TRACE], [TOOL]),
        ({"conversations": SHARE, "system": "S", "tools": json.dumps([TOOL])}, "S", SHARED_LATER, [TOOL]),
        ({"conversation": [*CHAT, CHAT[1]], "system": "S", "functions": TOOL}, "S\n\nbe kind", CHAT[2:0:-1], [TOOL]),
        ({"conversation_a": CHAT, "conversation_b": [CHAT[1], *TRACE], "winner": "model_b"}, "", TRACE, []),
        ({"prompt": CHAT[:2], "completion": ANSWERED}, "be kind", ANSWERED, []),
        ({"prompt": TREE, "system": "S"}, "S", [*ANSWERED, {"role": "user", "content": "C"}], []),
        ({"parent_id": None, "text": "A", "system": ["S", 1]}, "S\n1", [], []),
        ({"messages": [{"role": "user", "content": "A"}, None, 3, {"content": "x"}]}, "", ["3", "x"], []),
    ],
)
def test_what_stands_before_and_after_the_first_user_turn_is_kept_whole(
    record: dict[str, Any], system: str, later: list[Any], tools: list[Any]
) -> None:
    found = conversations.first_turn(record)

    told = [turn if isinstance(turn, dict) else {"role": "unknown", "content": turn} for turn in later]
    assert found.system == system
    assert json.loads(found.later or "[]") == told
    assert json.loads(found.tools or "[]") == tools
    assert "[]" not in {found.later, found.tools}


@pytest.mark.parametrize("odd", [5, "text", {"role": "user"}, None, [[]]])
def test_a_conversation_or_replies_of_an_odd_kind_break_nothing(odd: Any) -> None:
    tree = conversations.first_turn({"prompt": {"text": "A", "replies": odd}})

    assert (tree.text, tree.response, tree.later) == ("A", None, "")
    if odd is not None:
        with pytest.raises(Rejection, match="no_user_turn"):
            conversations.first_turn({"conversation_a": CHAT, "conversation_b": odd, "winner": "model_b"})


def test_turns_that_are_longer_than_a_line_may_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = conversations.first_turn({"messages": CHAT, "tools": [TOOL]})
    size = len(whole.system) + len(whole.later) + len(whole.tools)
    monkeypatch.setattr(conversations, "MAX_LINE_BYTES", size)
    within = conversations.first_turn({"messages": CHAT, "tools": [TOOL]})
    monkeypatch.setattr(conversations, "MAX_LINE_BYTES", size - 1)

    with pytest.raises(Rejection) as refused:
        conversations.first_turn({"messages": CHAT, "tools": [TOOL]})

    assert within == whole
    assert refused.value.reason == "oversize_line"


def test_a_parquet_set_gives_what_its_jsonl_does(tmp_path: Path) -> None:
    records = [{"messages": [*CHAT, *TRACE], "system": "S", "tools": [TOOL], "other": 1}, {"messages": CHAT[1:]}]
    jsonl, parquet = _lines(tmp_path / "set.jsonl", *records), tmp_path / "set.parquet"
    pq.write_table(pa.Table.from_pylist(records), parquet)

    assert list(conversations.read(parquet)) == list(conversations.read(jsonl))
    assert json.loads(next(conversations.read(parquet))[1].later) == [CHAT[2], *TRACE]  # pyright: ignore[reportAttributeAccessIssue]


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
    assert items[0][1] == Turn("Hi?", "Hello.", "be kind", json.dumps(CHAT[2:]))
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


def _printed(text: str) -> str:
    return "".join(char for char in text if char.isprintable() and not char.isspace())


def _later_of(record: dict[str, Any]) -> str:
    """The one later turn that a record of these sets has, as far as it is printed; they have no system, nor tools."""
    rows = record.get("instances") or [record]
    return _printed(next((rows[0][name] for name in ("output", "completion") if rows[0].get(name)), ""))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("seeds_knn_instruct_a.jsonl.gz", 0),
        ("seeds_self_instruct_175.jsonl.gz", 175),
        ("seeds_oasst_en100.jsonl.gz", 0),
        ("seeds_prompts_chat_a.jsonl.gz", 0),
        ("pool_alpaca_a.jsonl.gz", 20431),
        ("pool_t0_a.jsonl.gz", 10216),
        ("pool_dolly_a.parquet", 1481),
    ],
)
def test_no_turn_of_a_real_set_is_lost(shared: Path, name: str, later: int) -> None:
    path = shared / "instructions" / name
    if path.suffix == ".parquet":
        records = pq.read_table(path).to_pylist()
    else:
        records = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    plainly = [_later_of(record) for record in records]

    items = [item for _, item in conversations.read(path)]

    assert len(items) == len(records)
    found = [json.loads(item.later or "[]") if isinstance(item, Turn) else [] for item in items]
    assert [_printed(turn["content"]) for turns in found for turn in turns] == list(filter(None, plainly))
    assert sum(map(len, found)) == later
    assert {turn["role"] for turns in found for turn in turns} <= {"assistant"}
    assert not any(item.system or item.tools for item in items if isinstance(item, Turn))


@pytest.mark.shared
def test_conversations_of_real_texts_are_kept_turn_by_turn_in_each_form(shared: Path, tmp_path: Path) -> None:
    lines = gzip.decompress((shared / "instructions" / "seeds_knn_instruct_a.jsonl.gz").read_bytes()).splitlines()
    texts = [text for line in lines if (text := json.loads(line)["prompt"]).strip()]
    groups = [texts[i : i + 6] for i in range(0, len(texts) - 5, 6)]
    records: list[dict[str, Any]] = []
    for system, user, arguments, result, answer, more in groups:
        call = {"id": "c", "function": {"name": "f", "arguments": json.dumps({"q": arguments})}}
        turns = [("system", system), ("user", user), ("tool", result), ("assistant", answer), ("user", more)]
        said = [{"role": role, "content": text} for role, text in turns]
        said[2] |= {"tool_call_id": "c"}
        records.append(
            {"messages": [*said[:2], {"role": "assistant", "tool_calls": [call]}, *said[2:]], "tools": [TOOL]}
        )
        names = {"user": "human", "tool": "observation", "assistant": "gpt"}
        shared_ = [{"from": names[role], "value": text} for role, text in turns[1:]]
        asked = {"from": "function_call", "value": json.dumps(call["function"])}
        records.append(
            {"conversations": [shared_[0], asked, *shared_[1:]], "system": system, "tools": json.dumps([TOOL])}
        )
        leaf = {"text": answer, "replies": [{"text": more, "replies": []}]}
        records.append({"prompt": {"text": user, "replies": [leaf]}, "system": system})

    items = [item for _, item in conversations.read(_lines(tmp_path / "set.jsonl", *records))]

    for (system, user, arguments, result, answer, more), *forms in zip(
        groups, items[::3], items[1::3], items[2::3], strict=True
    ):
        for turn in forms:
            assert isinstance(turn, Turn)
            assert (_printed(turn.text), _printed(turn.system)) == (_printed(user), _printed(system))
        later = [json.loads(turn.later) for turn in forms if isinstance(turn, Turn)]
        told = [("tool", _printed(result)), ("assistant", _printed(answer)), ("user", _printed(more))]
        assert [[(t["role"], _printed(t["content"])) for t in one] for one in later] == [
            *([("assistant", ""), *told] for _ in range(2)),
            told[1:],
        ]
        functions = [later[0][0]["tool_calls"][0]["function"], later[1][0]["tool_calls"][0]]
        assert [json.loads(one["arguments"]) for one in functions] == [{"q": arguments}] * 2
        assert [later[0][1]["tool_call_id"], forms[0].tools, forms[1].tools] == ["c", *[json.dumps([TOOL])] * 2]  # pyright: ignore[reportAttributeAccessIssue]
