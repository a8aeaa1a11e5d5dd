"""Refusals: found where an answer opens with one, and nowhere else."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from wellspring.tasks.methods.instructions.refusals import refusal


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "I am sorry, but I cannot provide instructions for this.",
        "Sorry, I\u2019m unable to help with that request.",
        "As an AI language model, I do not have personal opinions on this.",
        "I cannot help you with breaking into an account.",
        "I must decline this request.",
        "Unfortunately, I am not able to open links.",
        "\u5bf9\u4e0d\u8d77\uff0c\u6211\u65e0\u6cd5\u56de\u7b54\u8fd9\u4e2a\u95ee\u9898\u3002",
        "Es tut mir leid, aber dabei kann ich leider nicht helfen.",
        "Je suis d\u00e9sol\u00e9, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudarte con eso.",
    ],
)
def test_a_refusal_is_found_by_its_opening(text: str) -> None:
    assert refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sorry to hear that your pump failed. First, check the valve.",
        "I can help with that: open the lid.",
        "You cannot open the valve by hand; use a wrench.",
        "The pump cannot provide enough pressure at 12 metres, so take the larger one.",
        "Dear team,\n\nI am sorry for the delay. We will deliver on Friday.",
        "Apologise first. Then say: I'm sorry, but I can't come.",
    ],
)
def test_an_answer_that_helps_is_none(text: str) -> None:
    assert refusal(text) is None


@pytest.mark.shared
def test_answers_written_by_people_are_hardly_ever_taken_for_refusals(shared: Path) -> None:
    answers = pl.read_parquet(shared / "instructions" / "pool_dolly_a.parquet")["output"].to_list()

    flagged = [answer for answer in answers if refusal(answer)]

    assert len(answers) > 1000
    assert len(flagged) / len(answers) < 0.002


@pytest.mark.shared
def test_refusals_of_a_model_are_found_in_answers_it_gave(shared: Path) -> None:
    """Alpaca's answers are a model's: some decline, in words that a reader spots by `language model` or `sorry`."""
    with gzip.open(shared / "instructions" / "pool_alpaca_a.jsonl.gz", "rt", encoding="utf-8") as rows:
        answers = [str(json.loads(row).get("output", "")) for row in rows]
    spotted = [
        a
        for a in answers
        if a[:40].lower().startswith(("sorry, i can", "i'm sorry, i can", "as an ai language model, i"))
    ]

    assert all(refusal(answer) for answer in spotted)
