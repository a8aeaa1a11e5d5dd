"""Pairwise verdicts: in JSON, in words, in both orders; on recorded outputs of real judges."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import fenced
from wellspring.tasks.judges import pairwise

ROW = {"instruction": "Name a pump.", "first": "Pump A.", "second": "Pump B, for wells of 12 metres."}
CUT_AT_CHARS = 700  # the recorded outputs were cut there when they were collected


def recorded(shared: Path) -> Iterator[dict[str, str]]:
    """Real judge outputs, one a row: the words, and the winner by place that was recorded for them."""
    for name in ("natural", "gptinst"):
        with gzip.open(shared / "judge" / f"llmbar_{name}_judgements.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                for order in ("12", "21"):
                    places = {order[0]: "first", order[1]: "second"}
                    winner = places.get(row[f"winner_order{order}"])
                    yield {
                        "judge": f"{row['judge']}/{row['mode']}",
                        "text": row[f"completion_order{order}"],
                        "winner": winner,
                    }


def read(text: str) -> str | None:
    try:
        return pairwise.parse(ROW, text)["winner"]
    except Rejection as refused:
        return {"unparsable_answer": None}[refused.reason]


def test_the_prompt_shows_the_answers_in_the_order_of_the_row() -> None:
    user = pairwise.prompt(ROW, None).messages[-1].content

    assert user.index(fenced("first", ROW["first"])) < user.index(fenced("second", ROW["second"]))
    assert fenced("instruction", ROW["instruction"]) in user


@pytest.mark.parametrize(
    ("text", "winner"),
    [
        ('{"evidence": "B fits the well.", "winner": "second"}', "second"),
        ('{"evidence": "Same.", "winner": "Tie"}', "tie"),
        ('{"evidence": "A.", "winner": "Answer A"}', "first"),
        ("Output (b)", "second"),
        ("The first answer is vague. Therefore, the second answer is better.", "second"),
        ("Output (b) is better at first sight. But Output (a) is clearly the better one.", "first"),
        ("[[A]]", "first"),
        ("Both outputs are equally good for the given instruction.", "tie"),
    ],
)
def test_verdicts_are_read_as_json_and_in_words(text: str, winner: str) -> None:
    assert pairwise.parse(ROW, text)["winner"] == winner


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Output (a) gives many details and is well written.",
        "I cannot claim that either Output (a) or Output (b) is suitable.",
        '{"evidence": "?", "winner": "first or second"}',
    ],
)
def test_praise_without_a_conclusion_is_not_a_verdict(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ("first", "second", "first"),
        ("second", "first", "second"),
        ("first", "first", "tie"),
        ("second", "second", "tie"),
        ("tie", "tie", "tie"),
        ("first", "tie", "tie"),
        (None, "second", None),
        ("first", None, None),
    ],
)
def test_only_the_same_winner_in_both_orders_wins(one: str | None, other: str | None, joined: str | None) -> None:
    assert pairwise.consistent(one, other) == joined  # type: ignore[arg-type]


@given(st.text(max_size=400))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    assert read(text) in {"first", "second", "tie", None}


@pytest.mark.shared
def test_recorded_judge_outputs_are_read_as_they_were_recorded(shared: Path) -> None:
    """Outputs of five models. PaLM2's reasoned ones are left out: its recorded winners contradict its words."""
    rows = [row for row in recorded(shared) if row["judge"] != "PaLM2/CoT" and len(row["text"]) < CUT_AT_CHARS]

    outcome = Counter(
        "same" if (ours := read(row["text"])) == row["winner"] else f"{row['winner']} read as {ours}"
        for row in rows
        if row["winner"]
    )

    assert len(rows) > 2500
    assert set(outcome) == {"same"}


@pytest.mark.shared
def test_recorded_outputs_that_were_cut_before_their_verdict_are_refused_or_right(shared: Path) -> None:
    rows = [row for row in recorded(shared) if len(row["text"]) == CUT_AT_CHARS and row["winner"]]
    rows = [row for row in rows if row["judge"] != "PaLM2/CoT"]

    outcome = Counter({None: "refused", row["winner"]: "right"}.get(read(row["text"]), "wrong") for row in rows)

    assert outcome["refused"] > 200
    assert outcome["wrong"] <= 2  # two texts argue for both answers in turn and were cut between them
