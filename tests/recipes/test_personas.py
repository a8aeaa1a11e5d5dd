"""Personas: people of a page and people near them send messages; who is named, or comes twice, sends none."""

import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import instruction_store
from tests.instruction_store import SUBJECTS
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import personas
from wellspring.tasks.recipes.personas import Knobs, most_calls
from wellspring.tasks.spine.running.runs import Run

NAME = "personas"
Start = Callable[[Settings], AbstractContextManager[Run]]
PAGES = {content_id("document", subject): subject for subject in SUBJECTS}

pytestmark = pytest.mark.usefixtures("unaudited")


def test_with_the_stand_in_people_send_messages_and_some_are_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME)))

    people = {row["note_id"]: json.loads(row["data"])["person"] for row in made["notes"]}
    assert made["instructions"]
    assert all(people[row["parent_ids"][0]] == row["scene"] for row in made["instructions"])
    assert {"repeats_person", "same_text"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * most_calls(Knobs())


def say(heading: str, body: dict[str, Any]) -> str:
    """Answer for each page in another way."""
    text = body["messages"][1]["content"]
    shown = re.sub(r"</?(?:text|person) \w+>", "", text).strip()
    subject = next(name for name in SUBJECTS if name in shown.lower() or SUBJECTS[name] in shown)
    if heading == "people":
        first = {"bees": "Anna M\u00fcller who keeps bees", "trains": "Anna Meier who takes trains"}.get(subject)
        return json.dumps({"people": [first or f"Somebody who sells {subject}", f"One who buys {subject}", "A third"]})
    if heading == "near":
        if "sells" in shown:
            return "nobody"
        return json.dumps({"people": [f"ONE WHO buys  {subject}" if subject == "tides" else f"A child near {subject}"]})
    person = shown.split("\n", maxsplit=1)[0]
    ask = f"How much is paid for {subject} in spring, and why does it rise?"
    return json.dumps({"situation": "", "message": f"I am: {person.upper()}. {ask}" if subject == "roofs" else ask})


def test_who_is_named_in_the_page_or_comes_twice_or_only_says_who_they_are_is_refused(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(instruction_store.SUBJECTS, "bees", f"{SUBJECTS['bees']} Anna M\u00fcller keeps some.")
    monkeypatch.setitem(instruction_store.SUBJECTS, "bread", " \n")
    with answering(NAME, say) as model:
        made = run_program(NAME, start, settings(*of_program(NAME), models={"generator": model.role("g")}))

    by_page = [(PAGES.get(input_id.partition("#")[0]), reason) for input_id, reason in made.refused]
    assert Counter(one for one in by_page if one[0]) == {  # others are messages that are like each other
        ("bread", "empty_text"): 1, ("pumps", "unparsable_answer"): 1, ("roofs", "unparsable_answer"): 1,
        ("tides", "unparsable_answer"): 1, ("tides", "same_text"): 1, ("bees", "names_somebody"): 1,
        ("bees", "same_text"): 1, ("trains", "same_text"): 1, ("roofs", "repeats_person"): 3,
    }  # fmt: skip
    assert Counter(PAGES[row["input_id"]] for row in made["notes"]) == {"pumps": 3, "tides": 2, "bees": 2, "trains": 3}
    assert {row["scene"] for row in made["instructions"]} >= {"Anna Meier who takes trains", "A child near pumps"}
    said = [body["messages"][-1]["content"].partition("an assistant: ")[2] for body in model.asked]
    assert {one.partition(". It comes")[0] for one in said} - {""} == {*personas.KINDS}


def test_the_most_calls_are_those_of_all_people() -> None:
    assert most_calls(Knobs()) == 7
    assert most_calls(Knobs(people=3, related=0)) == 4
