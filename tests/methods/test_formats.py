"""Forms of a dataset: what each line holds, as its reader documents it."""

import pyarrow as pa
import pytest

from tasks.methods.formats import OF_PAIRS, OF_ROWS, SCHEMAS, lines

ROW = {
    "response_id": "r1",
    "text": "Which pump?",
    "response": "Pump B.",
    "system": "",
    "recipe": "knn_instruct",
    "url": None,
    "license": "CC0-1.0",
    "score": 6.0,
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
}


@pytest.mark.parametrize("form", sorted(OF_ROWS | OF_PAIRS))
def test_every_line_begins_with_its_row_and_has_the_columns_of_its_schema(form: str) -> None:
    for row_id, line in lines(form, ROW if form in OF_ROWS else PAIR):
        assert list(line) == SCHEMAS[form].names
        assert line["id"] == row_id
        assert pa.Table.from_pylist([line], schema=SCHEMAS[form]).to_pylist() == [line]


def test_messages_have_a_system_turn_only_if_there_is_one() -> None:
    without, given = lines("messages", ROW), lines("messages", ROW | {"system": "Be brief."})

    assert [turn["role"] for turn in without[0][1]["messages"]] == ["user", "assistant"]
    assert [turn["role"] for turn in given[0][1]["messages"]] == ["system", "user", "assistant"]


def test_a_pair_becomes_a_wanted_and_an_unwanted_completion() -> None:
    assert [(row_id, line["label"], line["completion"][0]["content"]) for row_id, line in lines("kto", PAIR)] == [
        ("r1", True, "Pump B."),
        ("r2", False, "Any."),
    ]


def test_a_pair_is_told_twice_with_the_reward_that_is_asked_for() -> None:
    (_, better), (_, worse) = lines("reward_conditioned", PAIR)

    assert better["prompt"][0]["content"].startswith("Be brief.\n\n")
    assert "8.5 of 10" in better["prompt"][0]["content"]
    assert "3 of 10" in worse["prompt"][0]["content"]
    assert (better["chosen"], better["rejected"]) == (worse["rejected"], worse["chosen"])


def test_an_unknown_form_is_an_error() -> None:
    with pytest.raises(KeyError):
        lines("parquet", ROW)
