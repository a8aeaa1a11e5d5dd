"""Forms of a dataset: what each line holds, as its reader documents it."""

import json

import pyarrow as pa
import pytest

from wellspring.tasks.methods.datasets.formats import OURS

ROW = {
    "response_id": "r1",
    "text": "Which pump?",
    "response": "Pump B.",
    "system": "",
    "recipe": "knn_instruct",
    "url": None,
    "license": "CC0-1.0",
    "score": 6.0,
    "model": "answerer-8b",
    "instruction_model": "writer-8b",
}
RAW = {
    "id": "r1",
    "instruction_id": "i1",
    "recipe": "knn_instruct",
    "instruction": "Which pump?",
    "response": "Pump B.",
    "way": "answer",
    "draw": 0,
    "model": "answerer-8b",
    "instruction_model": "writer-8b",
    "finish_reason": "stop",
    "scores": [
        {"name": "response_quality.total", "value": 8.5},
        {"name": "prm.step_1", "value": 0.5},
        {"name": "broken.step_1", "value": None},
        {"name": "other.step_2", "value": 1.0},
    ],
    "verdicts": [],
    "system": "",
    "answer_judge": "response_quality",
    "judgements": [{"name": "response_quality", "value": 8.5, "reason": "It names one."}],
}
PAIR = {
    "chosen_id": "r1",
    "rejected_id": "r2",
    "text": "Which pump?",
    "chosen": "Pump B.",
    "rejected": "Any.",
    "system": "Be brief.",
    "score_chosen": 8.5,
    "score_rejected": 3.0,
    "best_score": 10.0,
    "chosen_model": "answerer-8b",
    "rejected_model": "/models/answerer-1b.gguf",
    "instruction_model": "writer-8b",
}
SAID_AGAIN = {
    "rewrite_id": "w1",
    "recipe": "wrap",
    "style": "easy",
    "text": "A pump lifts water.",
    "document_id": "d1",
    "url": "https://pumps.example",
    "license": "CC0-1.0",
    "model": "/models/writer-8b.gguf",
}
GIVEN = {"rows": ROW, "pairs": PAIR, "raw": RAW, "rewrites": SAID_AGAIN}
TASK = {"kind": "text", "reference": "Pump B.", "known": "", "verifier": "def evaluate(response):\n    return True\n"}
CERTIFIED = {"task": json.dumps(TASK), "certificate": json.dumps({"certified": True, "mutants": 3})}
ROWS = {name: GIVEN[form.of] for name, form in OURS.items()} | {"tasks": ROW | CERTIFIED}
ANSWERED = sorted(OURS.keys() - {"rewrites"})
HIDDEN = "First I compare the heads."


@pytest.mark.parametrize("form", sorted(OURS))
def test_every_line_begins_with_its_row_and_has_the_columns_of_its_schema(form: str) -> None:
    for row_id, line in OURS[form].lines(ROWS[form]):
        assert list(line) == OURS[form].schema.names
        assert line["id"] == row_id
        assert pa.Table.from_pylist([line], schema=OURS[form].schema).to_pylist() == [line]


@pytest.mark.parametrize("form", ANSWERED)
def test_every_line_says_who_answered_who_asked_and_that_it_is_synthetic(form: str) -> None:
    said = [(line["model"], line["instruction_model"], line["synthetic"]) for _, line in OURS[form].lines(ROWS[form])]

    assert said[0] == ("answerer-8b", "writer-8b", True)
    assert all(synthetic is True for _, _, synthetic in said)
    given = {name: "given" if name.endswith("model") else value for name, value in ROWS[form].items()}
    assert {line["synthetic"] for _, line in OURS[form].lines(given)} == {False}
    asked = given | {"instruction_model": "writer-8b"}
    assert {line["synthetic"] for _, line in OURS[form].lines(asked)} == {True}
    if form == "kto":
        assert said[1][0] == "answerer-1b.gguf"


@pytest.mark.parametrize("form", sorted({*ANSWERED} - {"stepwise", "tasks"}))
def test_a_thought_stands_where_trainers_look_for_it_and_fits_the_schema(form: str) -> None:
    thoughts = {"thought": HIDDEN, "chosen_thought": HIDDEN, "rejected_thought": None}
    found = [line for _, line in OURS[form].lines(ROWS[form] | thoughts)]
    table = pa.Table.from_pylist(found, schema=OURS[form].columns({"thought"})).to_pylist()
    inline = f"<think>\n{HIDDEN}\n</think>\n\nPump B."
    turn = {"role": "assistant", "content": "Pump B.", "reasoning_content": HIDDEN}
    places = {
        "messages": lambda line: line["messages"][-1] == turn,
        "sharegpt": lambda line: line["conversations"][-1]["value"] == inline,
        "alpaca": lambda line: line["output"] == inline,
        "dpo": lambda line: line["chosen"] == [turn],
        "joint": lambda line: line["chosen"][-1] == turn,
        "reward_conditioned": lambda line: line["chosen"] == [turn],
        "kto": lambda line: line["completion"] == [turn],
        "responses_only": lambda line: line["messages"] == [turn],
        "rewarded": lambda line: line["completion"] == [turn],
        "judged": lambda line: line["completion"] == [turn],
        "raw": lambda line: line["thought"] == HIDDEN,
    }

    assert places[form](found[0])
    assert places[form](table[0])
    assert str(found[0]).count(HIDDEN) == 1


@pytest.mark.parametrize("form", sorted(OURS))
def test_an_answer_without_a_thought_is_the_same_line_as_ever(form: str) -> None:
    nothing = dict.fromkeys(("thought", "chosen_thought", "rejected_thought"))

    assert OURS[form].lines(ROWS[form] | nothing) == OURS[form].lines(ROWS[form])
    assert "think" not in str(OURS[form].lines(ROWS[form]))


CALL = {"id": "c1", "type": "function", "function": {"name": "head", "arguments": '{"metres": 12}'}}
TOOL = {"type": "function", "function": {"name": "head", "parameters": {"type": "object"}}}
TRACE = [
    {"role": "user", "content": "How high?"},
    {"role": "assistant", "content": "", "thought": "I measure.", "tool_calls": [CALL]},
    {"role": "tool", "content": "12 m", "tool_call_id": "c1"},
    {"role": "tool", "content": "13 m", "tool_call_id": "c2"},
    {"role": "assistant", "content": "Twelve."},
]
CALLED = {"earlier": TRACE, "calls": True, "tools": [TOOL]}


@pytest.mark.parametrize("form", ["messages", "dpo", "joint", "kto", "reward_conditioned", "raw"])
def test_calls_of_tools_stand_in_turns_as_in_openais_chat_and_tools_beside_them(form: str) -> None:
    [(_, line), *_] = OURS[form].lines(ROWS[form] | CALLED | {"system": ""})
    [read] = pa.Table.from_pylist([line], schema=OURS[form].columns({*CALLED, "thought"})).to_pylist()
    turns = next(line[name] for name in ("messages", "prompt", "chosen", "history") if name in line)
    call, result = [turn for turn in turns if turn["role"] in {"assistant", "tool"}][:2]

    assert (call["content"], call["tool_calls"], call["reasoning_content"]) == ("", [CALL], "I measure.")
    assert result == {"role": "tool", "content": "12 m", "tool_call_id": "c1"}
    assert json.loads(line["tools"]) == [TOOL]
    assert read["tools"] == line["tools"]
    assert [CALL] in [turn["tool_calls"] for turn in read[next(n for n in line if line[n] is turns)]]


def test_sharegpt_says_calls_in_turns_of_their_own_with_what_the_tools_said_as_one() -> None:
    [(_, line)] = OURS["sharegpt"].lines(ROW | CALLED)
    roles = [turn["from"] for turn in line["conversations"]]

    assert roles == ["human", "function_call", "observation", "gpt", "human", "gpt"]
    assert line["conversations"][1]["value"] == (
        '<think>\nI measure.\n</think>\n\n{"name": "head", "arguments": {"metres": 12}}'
    )
    assert line["conversations"][2]["value"] == "12 m\n13 m"
    assert json.loads(line["tools"]) == [TOOL["function"]]


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("sharegpt", CALLED | {"earlier": [TRACE[0], TRACE[1] | {"content": "Wait."}]}),
        ("alpaca", CALLED),
        ("alpaca", {"tools": [TOOL]}),
    ],
)
def test_a_form_without_a_place_for_calls_leaves_the_row_out_and_says_why(form: str, row: dict[str, object]) -> None:
    assert OURS[form].lines(ROW | row) == []
    assert "tool" in OURS[form].leaves_out
    assert OURS[form].lines(ROW)


def test_messages_have_a_system_turn_only_if_there_is_one() -> None:
    without, given = OURS["messages"].lines(ROW), OURS["messages"].lines(ROW | {"system": "Be brief."})

    assert [turn["role"] for turn in without[0][1]["messages"]] == ["user", "assistant"]
    assert [turn["role"] for turn in given[0][1]["messages"]] == ["system", "user", "assistant"]


def test_a_pair_becomes_a_wanted_and_an_unwanted_completion() -> None:
    assert [(row_id, line["label"], line["completion"][0]["content"]) for row_id, line in OURS["kto"].lines(PAIR)] == [
        ("r1", True, "Pump B."),
        ("r2", False, "Any."),
    ]


def test_a_pair_is_told_twice_with_the_reward_that_is_asked_for() -> None:
    (_, better), (_, worse) = OURS["reward_conditioned"].lines(PAIR)

    assert better["prompt"][0]["content"].startswith("Be brief.\n\n")
    assert "8.5 of 10" in better["prompt"][0]["content"]
    assert "3 of 10" in worse["prompt"][0]["content"]
    assert (better["chosen"], better["rejected"]) == (worse["rejected"], worse["chosen"])


def test_a_page_said_again_names_its_style_its_page_and_its_model() -> None:
    [(_, line)] = OURS["rewrites"].lines(SAID_AGAIN)

    assert line == {
        "id": "w1",
        "style": "easy",
        "text": "A pump lifts water.",
        "recipe": "wrap",
        "url": "https://pumps.example",
        "license": "CC0-1.0",
        "document_id": "d1",
        "model": "writer-8b.gguf",
        "synthetic": True,
    }


def test_an_unknown_form_is_an_error() -> None:
    with pytest.raises(KeyError):
        OURS["parquet"].lines(ROW)


EARLIER = [
    {"role": "user", "content": "It hums.", "thought": None},
    {"role": "assistant", "content": "", "thought": HIDDEN},
    {"role": "user", "content": "Hé? 修理", "thought": None},
]
TURNS = [{"role": turn["role"], "content": turn["content"]} for turn in EARLIER]
INLINE = f"<think>\n{HIDDEN}\n</think>\n\n"


def turned(form: str, *, thoughts: bool) -> list[dict[str, object]]:
    """The lines of a row with turns before it, as its Parquet file gives them back."""
    earlier = [turn | ({} if thoughts else {"thought": None}) for turn in EARLIER]
    found = [line for _, line in OURS[form].lines(ROWS[form] | {"earlier": earlier, "system": "You mend."})]
    beside = {"earlier", "thought"} if thoughts else {"earlier"}
    read = pa.Table.from_pylist(found, schema=OURS[form].columns(beside)).to_pylist()
    assert thoughts or read == found
    return found


@pytest.mark.parametrize("form", ["messages", "dpo", "kto", "reward_conditioned", "raw"])
def test_earlier_turns_stand_between_the_system_prompt_and_the_instruction(form: str) -> None:
    column = {"messages": "messages", "raw": "history"}.get(form, "prompt")
    for line in turned(form, thoughts=False):
        system, *turns = line[column]  # pyright: ignore[reportGeneralTypeIssues]

        assert system["role"] == "system"
        assert system["content"].startswith("You mend.")
        assert turns[:3] == TURNS
        assert [turn["content"] for turn in turns[3:4]] == ["Which pump?"] * (form != "raw")

    thinking = turned(form, thoughts=True)[0][column]
    assert thinking[2] == {"role": "assistant", "content": "", "reasoning_content": HIDDEN}  # pyright: ignore[reportIndexIssue]


def test_sharegpt_has_earlier_turns_in_its_own_words_and_thoughts_inline() -> None:
    (line,), (thinking,) = turned("sharegpt", thoughts=False), turned("sharegpt", thoughts=True)

    values = ["It hums.", "", "Hé? 修理", "Which pump?", "Pump B."]
    speakers = ["human", "gpt", "human", "human", "gpt"]
    assert line["conversations"] == [{"from": a, "value": b} for a, b in zip(speakers, values, strict=True)]
    assert line["system"] == "You mend."
    assert thinking["conversations"][1] == {"from": "gpt", "value": INLINE}  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize(
    ("roles", "history"),
    [
        ("ua", [["0", "1"]]),
        ("uaua", [["0", "1"], ["2", "3"]]),
        ("uau", [["0", "1"], ["2", ""]]),
        ("a", [["", "0"]]),
        ("aau", [["", "0"], ["", "1"], ["2", ""]]),
        ("", []),
    ],
)
def test_alpaca_has_earlier_turns_in_pairs(roles: str, history: list[list[str]]) -> None:
    known = {"u": "user", "a": "assistant"}
    earlier = [{"role": known[role], "content": str(i), "thought": None} for i, role in enumerate(roles)]

    ((_, line),) = OURS["alpaca"].lines(ROW | {"earlier": earlier})

    assert line["history"] == history
    assert line["instruction"] == "Which pump?"
    assert pa.Table.from_pylist([line], schema=OURS["alpaca"].columns({"earlier"})).to_pylist() == [line]


@pytest.mark.parametrize("form", sorted(OURS))
def test_a_row_without_turns_is_the_same_line_in_a_dataset_that_has_some(form: str) -> None:
    found = [line for _, line in OURS[form].lines(ROWS[form])]
    read = pa.Table.from_pylist(found, schema=OURS[form].columns({"earlier", "use"})).to_pylist()

    assert OURS[form].columns() == OURS[form].schema
    assert [list(line) for line in found] == [OURS[form].schema.names] * len(found)
    assert [{name: row[name] for name in OURS[form].schema.names} for row in read] == found


def test_a_raw_answer_of_a_program_says_what_it_is_for() -> None:
    ((_, line),) = OURS["raw"].lines(RAW | {"use": "rejected"})

    assert line["use"] == "rejected"
    assert pa.Table.from_pylist([line], schema=OURS["raw"].columns({"use"})).to_pylist() == [line]


MISSING = {"chosen": {"chosen_id": "", "chosen": None, "score_chosen": None, "chosen_model": None}}
MISSING["rejected"] = {name.replace("chosen", "rejected"): value for name, value in MISSING["chosen"].items()}
APART = {"text": "Which bee?", "system": "", "earlier": EARLIER}


@pytest.mark.parametrize(("gone", "left"), [("chosen", ("r2", False, "Any.")), ("rejected", ("r1", True, "Pump B."))])
def test_of_a_pair_without_a_side_only_kto_has_a_line(gone: str, left: tuple[str, bool, str]) -> None:
    pair = PAIR | MISSING[gone]
    found = {name: form.lines(pair) for name, form in OURS.items() if form.of == "pairs"}

    assert [(row_id, line["label"], line["completion"][0]["content"]) for row_id, line in found.pop("kto")] == [left]
    assert found == {"dpo": [], "joint": [], "reward_conditioned": []}
    assert "a side is missing" in OURS["dpo"].leaves_out


def test_sides_with_instructions_of_their_own_have_their_own_turns_and_no_common_prompt() -> None:
    pair = PAIR | {"rejected_prompt": APART}
    found = {name: [line for _, line in form.lines(pair)] for name, form in OURS.items() if form.of == "pairs"}
    asked = [[turn["content"] for turn in line["prompt"]] for line in found["kto"]]
    [both] = found["joint"]

    assert found["dpo"] == found["reward_conditioned"] == []
    assert asked == [["Be brief.", "Which pump?"], [*(turn["content"] for turn in EARLIER), "Which bee?"]]
    assert [turn["content"] for turn in both["chosen"]] == [*asked[0], "Pump B."]
    assert [turn["content"] for turn in both["rejected"]] == [*asked[1], "Any."]
    assert pa.Table.from_pylist([both], schema=OURS["joint"].columns({"thought"})).num_rows == 1


@pytest.mark.parametrize("form", sorted(OURS))
def test_rows_have_their_weight_where_any_of_the_dataset_has_one(form: str) -> None:
    [(_, line), *_] = OURS[form].lines(ROWS[form] | {"weight": 0.25})

    assert line.get("weight") == (0.25 if OURS[form].of == "rows" else None)
    assert list(line) == OURS[form].columns({"weight"}).names
    assert "weight" not in OURS[form].columns({"thought", "earlier", "use"}).names


def lines_of(form: str, **more: object) -> list[dict]:
    return [line for _, line in OURS[form].lines(RAW | more)]


def test_an_answer_alone_is_learned_where_nobody_asks_for_it() -> None:
    [(_, line)] = OURS["responses_only"].lines(ROW | {"system": "Be brief."})

    assert line["messages"] == [{"role": "assistant", "content": "Pump B."}]


def test_outcomes_have_the_total_of_the_judge_of_answers_and_judgements_its_words() -> None:
    [rewarded], [judged] = lines_of("rewarded", system="Be brief."), lines_of("judged")

    assert [turn["role"] for turn in rewarded["prompt"]] == ["system", "user"]
    assert (rewarded["completion"][0]["content"], rewarded["reward"]) == ("Pump B.", 8.5)
    assert (judged["judge"], judged["judgement"], judged["score"]) == ("response_quality", "It names one.", 8.5)
    assert lines_of("rewarded", answer_judge="nobody") == lines_of("judged", judgements=None) == []


def test_steps_are_parts_between_empty_lines_and_each_has_its_mark() -> None:
    marks = [{"name": f"prm.step_{i}", "value": value} for i, value in ((2, -0.25), (1, 0.5), (3, 0.0))]
    [line] = lines_of("stepwise", response="First\nstep.\n\n Second. \n \n\nThird.", scores=marks, system="Count.")

    assert line["prompt"] == "Count.\n\nWhich pump?"
    assert line["completions"] == ["First\nstep.", "Second.", "Third."]
    assert line["labels"] == [True, False, False]
    assert line["rewards"] == [0.5, -0.25, 0.0]
    assert lines_of("stepwise", response="One.\n\nTwo.", scores=marks) == []  # a mark too many


def test_turns_in_which_tools_were_called_stand_between_the_question_and_its_answer() -> None:
    row = ROW | {"between": TRACE[1:3], "calls": True, "tools": [TOOL]}

    [(_, line)], [(_, shared)] = OURS["messages"].lines(row), OURS["sharegpt"].lines(row)

    assert [turn["role"] for turn in line["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert line["messages"][1]["tool_calls"] == [CALL]
    assert line["messages"][2]["tool_call_id"] == "c1"
    assert [turn["from"] for turn in shared["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert OURS["alpaca"].lines(row) == []
