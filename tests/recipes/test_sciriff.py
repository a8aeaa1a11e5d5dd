"""SciRIFF: answers keep to the schema, quote the passage, and are right by a judge; else they stand below in a pair."""

import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.instruction_store import SUBJECTS
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import sciriff
from wellspring.tasks.recipes.sciriff import Knobs, broken, most_calls
from wellspring.tasks.spine.running.runs import Run

NAME = "sciriff"
Start = Callable[[Settings], AbstractContextManager[Run]]
PAGES = {content_id("document", subject): subject for subject in SUBJECTS}

pytestmark = pytest.mark.usefixtures("unaudited")


def test_with_the_stand_in_tasks_answers_pairs_and_verdicts_are_made(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, f"recipes.{NAME}.tasks=8", f"recipes.{NAME}.answers=3")))

    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert {row["passed"] for row in made["verdicts"]} == {True, False}
    assert {"breaks_schema", "not_in_passage", "no_answer_holds", "not_suited"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * most_calls(Knobs(tasks=8, answers=3))


def good(text: str, passage: str) -> dict[str, Any]:
    """Return an answer that holds, by the schema in a request."""
    quote = passage.split(". ", maxsplit=1)[0].upper()
    if '"entries"' in text:
        return {"entries": [quote]}
    if '"pairs"' in text:
        return {"pairs": [{"first": quote, "second": passage}]}
    if label := re.search(r'"label": \{"enum": \["([^"]+)"', text):
        return {"label": label[1], "evidence": [quote]}
    return {"answer": "So it is.", "evidence": [quote, passage]}


def say(heading: str, body: dict[str, Any]) -> str:
    """Answer for each page in another way: its second draw does not hold."""
    text = "\n".join(message["content"] for message in body["messages"])
    subject, passage = next((name, page) for name, page in SUBJECTS.items() if page in text)
    if heading == "fill":
        labels = ["dry", "dry"] if subject == "trains" else ["dry", "wet"]
        return json.dumps(
            {"suits": "no" if subject == "roofs" else "yes", "target": "what is\nsaid of it", "labels": labels}
        )
    if heading == "judge":
        right = {"tides": "no", "trains": "perhaps"}.get(subject, "yes") if " \\n" in text else "yes"
        return json.dumps({"reason": "as it is", "right": right})
    answer = json.dumps(good(text, passage))
    if subject == "bees":
        return f"Here it is: {answer}"
    if body["seed"] % 7919 not in ({1, 2} if subject == "pumps" else {1}):
        return answer
    quote = passage.split(". ", maxsplit=1)[0].upper()
    return {
        "pumps": f'{answer[:-1]}, "more": ""}}',
        "bread": answer.replace(quote, f"{quote}!"),
    }.get(subject, answer.replace(f'"{quote}', f'" \\n{quote}'))


def test_an_answer_that_breaks_the_schema_or_is_made_up_or_wrong_stands_below_one_that_holds(
    start: Start, settings: Callable[..., Settings]
) -> None:
    knobs = (f"recipes.{NAME}.tasks=8", f"recipes.{NAME}.answers=3")
    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in sciriff.ROLES}
        made = run_program(NAME, start, settings(*of_program(NAME, *knobs), models=roles))

    of = {row["instruction_id"]: PAGES[row["document_id"]] for row in made["instructions"]}
    assert Counter(of.values()) == {"pumps": 8, "bread": 8, "tides": 8, "trains": 7}
    assert Counter((PAGES[input_id.partition("#")[0]], reason) for input_id, reason in made.refused) == {
        ("bees", "no_answer_holds"): 8, ("roofs", "not_suited"): 8, ("trains", "not_suited"): 1,
        ("trains", "incomplete_answer"): 7,
    }  # fmt: skip
    subjects = {row["response_id"]: of[row["instruction_id"]] for row in made["responses"]}
    assert Counter((subjects[row["subject_id"]], row["detail"].partition(":")[0]) for row in made["verdicts"]) == {
        ("pumps", ""): 8, ("bread", ""): 8, ("tides", ""): 8, ("trains", ""): 7,
        ("pumps", "breaks_schema"): 8, ("bread", "not_in_passage"): 8, ("tides", "wrong_answer"): 8,
        ("trains", "undecided"): 7,
    }  # fmt: skip
    assert len(made["preferences"]) == 31
    assert {row["scene"] for row in made["instructions"]} == {
        "extraction", "question answering", "claim verification", "classification", "summarization",
    }  # fmt: skip
    assert all(row["text"].count(SUBJECTS[of[row["instruction_id"]]]) == 1 for row in made["instructions"])
    assert all(" said of it" in row["text"] and "{target}" not in row["text"] for row in made["instructions"])


ENTRIES = {"type": "object", "properties": {"entries": {"type": "array", "items": {"type": "string"}, "minItems": 1}}}


@pytest.mark.parametrize(
    ("value", "schema", "fault"),
    [
        ({"entries": ["\u6c34"]}, ENTRIES, ""),
        ({"entries": []}, ENTRIES, "entries is no list with an entry"),
        ({"entries": ["x", " "]}, ENTRIES, "entries[] is no text"),
        ({"entries": "x"}, ENTRIES, "entries is no list with an entry"),
        ({"entries": ["x"], "more": 1}, ENTRIES, "it has not the keys entries"),
        ({}, ENTRIES, "it has not the keys entries"),
        ([], ENTRIES, "it has not the keys entries"),
        ("yes", {"enum": ["yes", "no"]}, ""),
        ("maybe", {"enum": ["yes", "no"]}, "it is none of ['yes', 'no']"),
        (7, {"type": "string"}, "it is no text"),
    ],
)
def test_a_value_is_held_to_its_schema(value: object, schema: dict[str, Any], fault: str) -> None:
    assert broken(value, schema) == fault


def test_the_most_calls_are_those_of_all_tasks() -> None:
    assert most_calls(Knobs()) == 15
