"""Short answers: a question is kept as a task where its answer stands in its quote, and the quote in the passage."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.instruction_store import SUBJECTS
from tests.program_cases import Start, fenced, reasons
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import short_answers

pytestmark = pytest.mark.usefixtures("unaudited")

SAID = {
    "pumps": ("How high does the pump lift water?", "12 metres", "lifts water 12 metres from the well"),
    "bread": ("How heavy is the loaf?", "1 kg", "A sourdough loaf of 900 grams"),
    "tides": ("When does the spring tide come?", "two days", "two days after the new moon"),
    "bees": ("What does a colony need?", "honey to live through a winter", "honey to live through a winter of five"),
    "roofs": ("What are the nails made of?", "copper", "nails are of copper"),
    "trains": ("When does it leave?", "at 21:40 and", "leaves at 21:40 and takes"),
}


def run(start: Start, settings: Callable[..., Settings], kind: str, *knobs: str) -> Made:
    def say(_: str, body: dict[str, Any]) -> str | None:
        [passage] = fenced(body, "passage")
        subject = next(name for name, text in SUBJECTS.items() if passage in text)
        if short_answers_kind(body) != kind:
            return "none"
        question, answer, quote = SAID[subject]
        return json.dumps({"question": question, "answer": answer, "quote": quote})

    with answering("short_answers", say) as model:
        roles = {"generator": model.role("m")}
        chosen = settings(
            *of_program("short_answers", *(f"recipes.short_answers.{one}" for one in knobs)), models=roles
        )
        return run_program("short_answers", start, chosen)


def short_answers_kind(body: dict[str, Any]) -> str:
    said = "\n".join(message["content"] for message in body["messages"])
    words = {"amount": "a number with its unit", "text": "a name, a term", "set": "all members", "date": "a day,"}
    return next(kind for kind, word in words.items() if f"Its answer is {word}" in said)


def test_an_amount_that_stands_in_its_quote_is_a_task(start: Start, settings: Callable[..., Settings]) -> None:
    made = run(start, settings, "amount")

    [note] = [json.loads(row["data"]) for row in made["notes"]]
    [instruction], [reference] = made["instructions"], made["responses"]
    assert instruction["text"] == f"{SAID['pumps'][0]}\n{verifiable.FORMS['amount']}\n\n{SUBJECTS['pumps']}"
    assert (reference["text"], reference["use"]) == ("Answer: 12 metres", "answer")
    assert note["instruction_id"] == instruction["instruction_id"] == reference["instruction_id"]
    assert verifiable.quoted(SUBJECTS["pumps"], note["cited"]) == ["lifts water 12 metres from the well"]
    assert reasons(made).count("not_of_kind") == 3
    assert reasons(made).count("not_in_passage") == 2


def test_of_texts_the_long_ones_are_refused(start: Start, settings: Callable[..., Settings]) -> None:
    made = run(start, settings, "text", "most_words=3")

    assert sorted(row["text"] for row in made["responses"]) == [
        "Answer: 12 metres",
        "Answer: at 21:40 and",
        "Answer: copper",
    ]
    assert reasons(made).count("too_long") == 1


@pytest.mark.parametrize(
    ("page", "quote", "found"),
    [("\u00e4 b c", "b", (3, 4)), ("a b", "c", None), ("a b", " ", None), ("\U0001f600x", "x", (4, 5))],
)
def test_a_quote_is_cited_in_bytes(page: str, quote: str, found: tuple[int, int] | None) -> None:
    assert verifiable.range_of(page, quote) == found
    if found:
        assert verifiable.quoted(page, [found]) == [quote]


def test_one_call_is_made_for_each_task() -> None:
    assert short_answers.most_calls(short_answers.Knobs(tasks=7)) == 7
