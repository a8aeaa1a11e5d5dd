"""CoDI-Eval: requests in several forms keep their constraints, and answers are held to each of them."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.instruction_store import SUBJECTS
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import codi_eval
from wellspring.tasks.recipes.codi_eval import CHECKS, Knobs, most_calls
from wellspring.tasks.spine.running.runs import Run

NAME = "codi_eval"
Start = Callable[[Settings], AbstractContextManager[Run]]
SEEDS = {content_id("seed", f"What should I know about {subject}?"): subject for subject in SUBJECTS}
LIST = Path(codi_eval.__file__).with_suffix(".jsonl")
CATEGORIES = {"sentiment", "topic", "reader", "length", "keyword", "avoided", "end"}

pytestmark = pytest.mark.usefixtures("unaudited")


def fenced(body: Mapping[str, Any], name: str) -> list[str]:
    said = "\n".join(message["content"] for message in body["messages"])
    return [text for _, text in re.findall(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", said, re.DOTALL)]


def fitting(request: str) -> str:
    """Return a text that keeps to all that code checks of a request."""
    count = 90 if "between 80 and 120" in request else 50
    words = ["Water", "first", "slowly", *["tree"] * (count - 3)]
    number = 4 if "exactly 4 sentences" in request else 2
    size = -(-len(words) // number)
    parts = [" ".join(words[at : at + size]) for at in range(0, len(words), size)]
    mark = {"question": "?", "exclamation": "!"}.get(request.partition(" mark.")[0].rpartition(" ")[2], ".")
    return (".\n\n" if "2 paragraphs" in request else ". ").join(parts) + mark


def say(heading: str, body: dict[str, Any]) -> str:
    """Answer for each subject in another way."""
    text = "\n".join(message["content"] for message in body["messages"])
    subject = next((one for one in SUBJECTS if f"about {one}" in text.lower()), "")
    if heading == "write":
        words = ["water", "first"] if subject == "roofs" else ["water", "first", "slowly"]
        demands = " ".join(fenced(body, "constraint"))
        said = {"words_to_use": words, "words_to_avoid": ["really", "basically"]}
        request = f"Please write a text about {subject}. {demands}"
        return json.dumps({"suits": "no" if subject == "bees" else "yes", "instruction": request, **said})
    if heading == "diversify":
        demands = " ".join(fenced(body, "constraint"))
        manner = text.partition("in another form: ")[2].partition(".")[0]
        lost = "first" if subject == "tides" else "~"
        return json.dumps({
            "instruction": f"Write about {subject}, {manner}: {demands.replace(lost, 'so')}"
        })  # fmt: skip
    if heading == "judge":
        of = fenced(body, "answer")[0].partition(" ")[0].strip(".")
        kept = {"bread": "no", "trains": "perhaps"}.get(of, "yes")
        return json.dumps({"evidence": "", "kept": kept})
    return [subject, f"{subject}. Really,", subject][body["seed"] % 7919] + " " + fitting(text)


def test_with_the_stand_in_requests_answers_pairs_and_verdicts_are_made(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, f"recipes.{NAME}.constraints=1")))

    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert {row["instruction_id"] for row in made["responses"]} == {
        row["instruction_id"] for row in made["instructions"]
    }
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert {row["passed"] for row in made["verdicts"]} == {True, False}
    assert made["notes"]
    assert {"fails_constraints", "loses_constraint", "same_text"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * most_calls(Knobs(constraints=1))


def test_a_form_keeps_its_constraints_and_an_answer_that_keeps_to_all_stands_above_one_that_does_not(
    start: Start, settings: Callable[..., Settings]
) -> None:
    knobs = (f"recipes.{NAME}.constraints=7", f"recipes.{NAME}.forms=2")
    with answering(NAME, say) as model:
        roles = {role: model.role(role) for role in codi_eval.ROLES}
        made = run_program(NAME, start, settings(*of_program(NAME, *knobs), models=roles))

    of = {row["instruction_id"]: SEEDS[row["input_id"]] for row in made["instructions"]}
    assert Counter(of.values()) == {"pumps": 2}
    assert {(SEEDS[input_id.partition("#")[0]], reason) for input_id, reason in made.refused} == {
        ("pumps", "same_text"), ("bread", "same_text"), ("bread", "fails_constraints"), ("tides", "loses_constraint"),
        ("bees", "not_suited"), ("roofs", "incomplete_answer"), ("trains", "same_text"),
        ("trains", "incomplete_answer"), ("trains", "fails_constraints"),
    }  # fmt: skip
    assert Counter(row["use"] for row in made["responses"]) == {"answer": 2, "rejected": 2}
    assert all(("Really" in row["text"]) == (row["use"] == "rejected") for row in made["responses"])
    assert {row["check_name"] for row in made["verdicts"] if row["passed"]} == CATEGORIES
    assert {row["detail"] for row in made["verdicts"] if not row["passed"]} == {"avoided"}
    assert {row["margin"] for row in made["preferences"]} == {1 / 4}


@pytest.mark.parametrize(
    ("check", "one", "passes", "fails"),
    [
        ("words", {"least": 2, "most": 3}, "a b", "a b c d"),
        ("sentences", {"least": 2, "most": 2}, 'Go! "Why?" ', "It is 3.5 m. So? No."),
        ("paragraphs", {"least": 2, "most": 2}, "a\n \n\nb\nc", "a\nb"),
        ("holds", {"words": ["Wasser", "\u00e9t\u00e9"]}, "WASSER im \u00c9t\u00e9.", "Wasserrad, \u00e9t\u00e9"),
        ("lacks", {"words": ["really"]}, "unreally", "Not REALLY."),
        ("ends", {"mark": "?"}, "Why?'*\n", "Why? So."),
    ],
)
def test_what_code_can_check_passes_or_fails(check: str, one: dict[str, Any], passes: str, fails: str) -> None:
    assert CHECKS[check](passes, one)
    assert not CHECKS[check](fails, one)


def test_constraints_are_of_different_categories() -> None:
    own = [json.loads(line) for line in LIST.read_text(encoding="utf-8").splitlines()]

    for mark in range(20):
        taken = codi_eval._taken(content_id("seed", str(mark)), own, 7)
        assert {one["category"] for one in taken} == CATEGORIES
    assert {one["check"] for one in own} == {*CHECKS, "judged"}


def test_the_most_calls_are_those_of_all_forms_and_answers() -> None:
    assert most_calls(Knobs()) == 21
    assert most_calls(Knobs(constraints=7, forms=1, answers=1)) == 10
