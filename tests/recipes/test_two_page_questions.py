"""Questions over two pages: kept where both are needed, refused where one is enough or both disagree."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import instruction_store
from tests.program_cases import Start, fenced, reasons
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import two_page_questions

pytestmark = pytest.mark.usefixtures("unaudited")

BRIDGE = "It is known here that \u00e4ll of the Ohm Bridge was planned by Ada Reed in 1921 for the town."
WOMAN = "For many years of her life the engineer Ada Reed lived in Lund with 3 dogs."
SAID: dict[str, Any] = {
    "question": "Where did the planner of the Ohm Bridge live?",
    "kind": "text",
    "answer": "Lund",
    "first_quote": "the Ohm Bridge was planned by Ada Reed",
    "second_quote": "Ada Reed lived in Lund",
}


def run(
    start: Start,
    settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    *knobs: str,
    woman: str = WOMAN,
    said: dict[str, Any] = {},  # noqa: B006 - it stays as it is
    alone: str = "unknown",
    both: str = "Lund",
) -> Made:
    monkeypatch.setitem(instruction_store.SUBJECTS, "bees", BRIDGE)
    monkeypatch.setitem(instruction_store.SUBJECTS, "roofs", woman)

    def say(heading: str, body: dict[str, Any]) -> str:
        if heading == "write":
            return json.dumps(SAID | said) if fenced(body, "first") == [BRIDGE] else "none"
        shown = fenced(body, "passage")
        return f"Answer: {(alone if shown[0] in alone or alone in shown[0] else 'unknown') if shown else both}"

    with answering("two_page_questions", say) as model:
        roles = {role: model.role(role) for role in two_page_questions.ROLES}
        chosen = of_program("two_page_questions", *(f"recipes.two_page_questions.{one}" for one in knobs))
        return run_program("two_page_questions", start, settings(*chosen, models=roles))


def test_a_question_that_needs_both_pages_cites_both(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(start, settings, monkeypatch, "tries=2")

    [note], [instruction] = [json.loads(row["data"]) for row in made["notes"]], made["instructions"]
    assert verifiable.quoted(BRIDGE, note["cited"]) == [SAID["first_quote"]]
    [other] = note["elsewhere"]
    assert other["document_id"] == content_id("document", "roofs")
    assert other["document_id"] in instruction["parent_ids"]
    assert verifiable.quoted(WOMAN, other["cited"]) == [SAID["second_quote"]]
    assert note["facts"] == {"name": "Ada Reed", "first": [0, 2], "second": [0, 2], "both": [2, 2]}
    assert (note["kind"], note["known"]) == ("two pages text", "Lund")
    assert BRIDGE in instruction["text"]
    assert instruction["text"].endswith(WOMAN)
    assert reasons(made).count("no_neighbour") == 4


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("needs_one_page", {"alone": "Lund"}),
        ("needs_one_page", {"said": {"answer": "1921", "kind": "date", "first_quote": "in 1921"}, "alone": "1921"}),
        ("answers_disagree", {"both": "unknown"}),
        ("not_in_passage", {"said": {"second_quote": "lived in Malm\u00f6"}}),
        ("not_in_passage", {"said": {"answer": "Malm\u00f6"}}),
        ("no_neighbour", {"woman": WOMAN.replace("Ada Reed", "Eva Holm")}),
        ("no_neighbour", {"woman": BRIDGE.replace("1921", "1922")}),
    ],
)
def test_what_makes_no_task(
    reason: str,
    changed: dict[str, Any],
    start: Start,
    settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = run(start, settings, monkeypatch, **changed)

    assert made["instructions"] == []
    expected = [reason] if reason != "no_neighbour" else [reason] * 2
    assert [one for one in reasons(made) if one != "unparsable_answer"] == sorted([*expected, *["no_neighbour"] * 4])


def test_the_most_calls_of_a_page() -> None:
    assert two_page_questions.most_calls(two_page_questions.Knobs(tasks=2, tries=3)) == 20
