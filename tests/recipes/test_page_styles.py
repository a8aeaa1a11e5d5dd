"""Styles for pre-training: each has its form for certain, and what lost its piece, or counts wrong, is refused."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import page_styles
from wellspring.tasks.recipes.page_styles import STYLES, Knobs, most_calls
from wellspring.tasks.spine.running.runs import Run

NAME = "page_styles"
Start = Callable[[Settings], AbstractContextManager[Run]]
ALL = f"recipes.{NAME}.styles_of_piece=8"

pytestmark = pytest.mark.usefixtures("unaudited")


def run_styles(start: Start, settings: Callable[..., Settings], said: Mapping[str, Any], *more: str) -> Made:
    """Run the program on a model that answers a heading with an object; `PIECE` in it is what it was shown."""

    def say(heading: str, body: dict[str, Any]) -> str | None:
        piece = body["messages"][-1]["content"].split("\n", 1)[1].split("\n</", 1)[0]
        text = json.dumps(said[heading]) if heading in said else None
        return text and text.replace("PIECE", json.dumps(piece)[1:-1])

    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in page_styles.ROLES}
        return run_program(NAME, start, settings(*of_program(NAME, ALL, *more), models=roles))


def test_the_stand_in_writes_in_every_style_and_some_is_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, ALL)))

    assert {row["style"] for row in made["rewrites"]} == {*STYLES}
    assert {"too_short", "copy_of_document", "not_a_table"} & {reason for _, reason in made.refused}
    assert len(made["rewrites"]) + len(made.refused) == 6 * len(STYLES)
    assert made.settled == 6


ENTRY = {"question": "What | is it?", "answer": "PIECE"}
WHOLE = {
    "diverse_qa": {"entries": [ENTRY, {"question": "No more?", "answer": "No."}]},
    "knowledge_list": {"facts": ["One thing.", "PIECE", "One thing."]},
    "table": {"caption": "All", "header": ["a", "b"], "lines": [{"cells": ["x|y\nz", "PIECE"]}], **ENTRY},
    "tutorial": {"title": "Go", "steps": ["Begin.", "PIECE"]},
    "math": {"problem": "How much is 40 times 31?", "solution": "40 times 31 is 1240.", "result": "1,240 g"},
    "solve": {"working": "Easy.", "result": "It is 1240"},
}


def test_lists_tables_steps_and_questions_are_written_out(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_styles(start, settings, WHOLE, f"recipes.{NAME}.styles={json.dumps([*WHOLE][:5])}")

    piece = "A bee colony of 30000 workers needs 15 kilograms of honey to live through a winter of five months."
    texts = {row["style"]: row["text"] for row in made["rewrites"] if piece in row["text"] or row["style"] == "math"}
    assert made.refused == []
    assert len(made["rewrites"]) == 6 * 5
    assert texts == {
        "diverse_qa": f"**What | is it?**\n{piece}\n\n**No more?**\nNo.",
        "knowledge_list": f"- One thing.\n- {piece}\n- One thing.",
        "table": f"All\n\n| a | b |\n| --- | --- |\n| x/y z | {piece} |\n\n**What | is it?**\n{piece}",
        "tutorial": f"# Go\n\n1. Begin.\n2. {piece}",
        "math": "Problem: How much is 40 times 31?\n\nSolution: 40 times 31 is 1240.\n\nResult: 1,240 g",
    }


BROKEN = {
    "table": {**WHOLE["table"], "lines": [{"cells": ["x", "PIECE"]}, {"cells": ["PIECE"]}]},
    "tutorial": {"title": "Go", "steps": ["PIECE"]},
    "knowledge_list": {"facts": []},
    "faq": {"entries": [{"question": "Why?", "answer": "No."}]},
    "distilled": {"text": "PIECE"},
    "extract": {"text": "Of water, bread, bees, tides, roofs and trains there is much to say."},
    "math": {**WHOLE["math"], "result": "1241"},
    "solve": WHOLE["solve"],
}


def test_what_has_not_its_form_or_not_its_matter_is_refused(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_styles(start, settings, {**BROKEN, "diverse_qa": WHOLE["diverse_qa"]})

    kept = Counter(row["style"] for row in made["rewrites"])
    assert kept == {"diverse_qa": 6, "extract": 1}  # the page of tides has no number of two digits
    assert Counter(reason for _, reason in made.refused) == {
        "not_a_table": 6, "incomplete_answer": 12, "too_short": 6, "copy_of_document": 6, "loses_numbers": 5,
        "results_differ": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [("1,240 g", "It is 1240", True), ("-3.5", "3.5", False), ("x + y", " X +\nY", True), ("12", "twelve", False)],
)
def test_results_are_compared_by_their_last_number(one: str, other: str, *, is_same: bool) -> None:
    assert (page_styles._result(one) == page_styles._result(other)) is is_same


def test_the_most_calls_are_one_for_each_style_of_a_piece_and_one_more_for_a_problem() -> None:
    assert most_calls(Knobs()) == 16
    assert most_calls(Knobs(styles=("faq", "table", "faq"), styles_of_piece=8, pieces=3)) == 6
    assert most_calls(Knobs(styles_of_piece=8, pieces=1)) == 9
