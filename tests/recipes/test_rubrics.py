"""Rubrics: items stay that both judges keep in both orders, their weights are means, and agreement is computed."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.instruction_store import SUBJECTS
from tests.program_cases import Start, fenced, reasons
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import verify
from wellspring.tasks.recipes import rubrics

pytestmark = pytest.mark.usefixtures("unaudited")

PAGE = SUBJECTS["pumps"]
ITEMS = [
    ("It says how high the pump lifts water.", "lifts water 12 metres"),
    ("It says what power is used.", "uses 400 watts"),
    ("It names the valve.", "It needs a check valve."),
    ("It says that pumps are cheap.", "A submersible pump"),
]
SENTENCES = [item for item, _ in ITEMS]
JUDGE, SECOND = {0: 5, 1: 3, 2: 1}, {0: 4, 1: 4, 2: 2}  # weights of what is kept, by place


def run(
    start: Start,
    settings: Callable[..., Settings],
    *knobs: str,
    items: Sequence[tuple[str, str]] = ITEMS,
    judge: dict[int, int] = JUDGE,
    second: dict[int, int] = SECOND,
    later: dict[int, int] | None = None,
) -> Made:
    def say(heading: str, body: dict[str, Any]) -> str:
        if fenced(body, "passage") != [PAGE]:
            return "none"
        if heading == "write":
            listed = [{"item": item, "quote": quote} for item, quote in items]
            return json.dumps({"question": "What should somebody know about this pump?", "items": listed})
        if heading != "weigh":
            return "It lifts water 12 metres with 400 watts, and needs a check valve."
        lines = [line.partition(". ")[2] for line in fenced(body, "items")[0].split("\n")]
        is_later = later is not None and lines[0] != SENTENCES[0]
        of = (later or {}) if is_later else judge if body["model"] == "judge" else second
        places = [SENTENCES.index(line) for line in lines]
        said = [
            {"number": number, "keep": "yes" if at in of else "no", "weight": of.get(at, 1)}
            for number, at in enumerate(places, start=1)
        ]
        return json.dumps({"items": said})

    with answering("rubrics", say) as model:
        roles = {role: model.role(role) for role in ("generator", "responder", "judge")}
        chosen = of_program("rubrics", *(f"recipes.rubrics.{one}" for one in knobs))
        return run_program("rubrics", start, settings(*chosen, models=roles))


def test_items_that_both_judges_keep_are_a_rubric(start: Start, settings: Callable[..., Settings]) -> None:
    made = run(start, settings, "pass_share=0.6")

    [note], [instruction] = [json.loads(row["data"]) for row in made["notes"]], made["instructions"]
    facts = note["facts"]
    assert facts["rubric"] == [[SENTENCES[0], 4.5], [SENTENCES[1], 3.5], [SENTENCES[2], 1.5]]
    assert verifiable.quoted(PAGE, facts["cited"]) == [quote for _, quote in ITEMS[:3]]
    assert facts["cited"] == note["cited"]
    assert facts["agreement"] == {"items": 4, "share": 1, "kappa": 1, "weights": 0.8889, "same_in_both_orders": [4, 4]}
    assert note["claim"] == "\n".join(SENTENCES[:3])
    assert (instruction["text"], note["passage"]) == (f"{note['question']}\n\n{PAGE}", PAGE)
    assert [verify.verify(note["verifier"], "x", lambda _, met=met: f'{{"met": {met}}}') for met in ([1], [1, 2])] == [
        False,
        True,
    ]
    assert len(note["wrong"]) == 9


def test_a_judge_who_changes_with_the_order_keeps_nothing_by_it(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run(start, settings, "least_items=2", later={0: 5, 1: 3})

    [note] = [json.loads(row["data"]) for row in made["notes"]]
    assert [item for item, _ in note["facts"]["rubric"]] == SENTENCES[:2]
    assert note["facts"]["agreement"]["same_in_both_orders"] == [3, 3]


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        (["too_few_items"], {"second": {0: 4, 1: 4}}),
        (["judges_disagree"], {"second": {3: 4}}),
        (["not_in_passage", "too_few_items"], {"items": [*ITEMS[:2], ("It says more.", "cheap")]}),
        (["not_atomic", "too_few_items"], {"items": [*ITEMS[:2], ITEMS[1]]}),
        (["not_atomic", "too_few_items"], {"items": [*ITEMS[:2], ("It says " + "much " * 30, "uses 400 watts")]}),
    ],
)
def test_what_makes_no_task(
    reason: list[str], changed: dict[str, Any], start: Start, settings: Callable[..., Settings]
) -> None:
    made = run(start, settings, **changed)

    assert made["instructions"] == []
    assert [one for one in reasons(made) if one != "unparsable_answer"] == reason


def test_the_most_calls_of_a_page() -> None:
    assert rubrics.most_calls(rubrics.Knobs(tasks=2)) == 12
