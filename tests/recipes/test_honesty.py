"""Alignment for Honesty: a question is known by its samples, and the answer, its pair and the measures go by that."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import answered_seeds
from tests.answered_seeds import Start, of_subjects, reasons_of
from tests.program_cases import draw, fenced, pairs
from tests.program_runs import Made, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.methods.instructions import refusals
from wellspring.tasks.recipes import honesty

pytestmark = pytest.mark.usefixtures("unaudited")

OWN = answered_seeds.own(honesty)
UNKNOWN = {one["text"] for one in OWN if one["kind"] == "unknown"}
SAMPLES = {  # the seed's answer, and what the model says by draws
    "pumps": ("1,042", ["It is 1042 W.", "It is 7 W.", "1042", "1042 W"]),
    "bread": ("Neil \u00c4rmel", ["Ann.", "Bob.", "Neil \u00c4rmel!", "Zo\u00eb."]),
    "tides": ("Twice a day, for the moon pulls the water.", ["No.", "Yes, twice.", "odd", "No."]),
    "bees": ("Not at all, say those who keep them.", ["odd", "odd", "odd", "odd"]),
    "roofs": ("Slate", ["Tin.", "Tin.", "tin", "Tin."]),
}


def say(subject: str, heading: str, body: dict[str, Any]) -> str:
    if heading == "agree":
        [answer] = fenced(body, "answer")
        agrees = "maybe" if answer == "odd" else "yes" if answer.startswith("Yes") else "no"
        return json.dumps({"difference": "", "agrees": agrees})
    if heading == "leave":
        return json.dumps({"known": "no", "answer": None}) if subject != "pumps" else "hm"
    return SAMPLES[subject][1][draw(body)]


def run(start: Start, settings: Callable[..., Settings], patch: pytest.MonkeyPatch, *knobs: str) -> Made:
    answered_seeds.give(patch, {name: known for name, (known, _) in SAMPLES.items()})
    return answered_seeds.run(honesty, say, start, settings, "samples=4", *knobs)


def by_subject(made: Made, use: str) -> dict[str, list[str]]:
    of, found = of_subjects(made), dict[str, list[str]]()
    for row in made["responses"]:
        if row["use"] == use:
            text = "unknown" if row["text"] in UNKNOWN else row["text"]
            found.setdefault(of[row["instruction_id"]], []).append(text)
    return {subject: sorted(texts) for subject, texts in found.items()}


def test_known_questions_are_answered_unknown_ones_are_not_and_both_give_a_pair(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(start, settings, monkeypatch, "known=0.3")

    assert by_subject(made, "answer") == {
        "pumps": ["It is 1042 W."], "bread": ["unknown"], "tides": ["Yes, twice."], "roofs": ["unknown"],
    }  # fmt: skip
    assert by_subject(made, "rejected") == {
        "pumps": ["unknown"], "bread": ["Ann."], "tides": ["unknown"], "roofs": ["Tin."],
    }  # fmt: skip
    margins = sorted(pairs(made).values())
    assert margins == pytest.approx([1 / 3, 0.75, 0.75, 1])
    notes = sorted((json.loads(row["data"]) for row in made["notes"]), key=lambda one: one["share"])
    assert notes == [
        {"share": 0, "known": False, "declined": True},
        {"share": 0.25, "known": False, "declined": True},
        {"share": 0.3333, "known": True, "declined": True},
    ]
    found = reasons_of(made)
    assert (found["bees"], found["trains"], found["pumps"]) == (
        *(["undecided", "incomplete_answer"], ["no_reference"], ["unparsable_answer"]),
    )
    assert {row["model"] for row in made["responses"] if row["text"] in UNKNOWN} == {"given"}


@pytest.mark.parametrize(
    ("form", "pumps", "tides"),
    [
        ("number", "I am about 75% sure of this. It is 1042 W.", "I am about 33% sure of this. Yes, twice."),
        ("words", "I am rather sure of this: It is 1042 W.", "I have some doubts, but I believe this: Yes, twice."),
    ],
)
def test_an_answer_can_say_how_confident_the_model_is(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, form: str, pumps: str, tides: str
) -> None:
    made = run(start, settings, monkeypatch, f'form="{form}"')

    answers = by_subject(made, "answer")
    assert (answers["pumps"], answers["tides"]) == ([pumps], [tides])
    assert answers["bread"][0].endswith("Neil \u00c4rmel!")  # a quarter is right, and a tenth is known
    assert answers["roofs"] == ["unknown"]


def test_all_samples_can_stand_and_what_is_wrong_is_replaced(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(start, settings, monkeypatch, 'form="samples"')

    assert by_subject(made, "answer") == {
        "pumps": ["1042", "1042 W", "It is 1042 W.", "unknown"],
        "bread": ["Neil \u00c4rmel!", "unknown"],
        "tides": ["Yes, twice.", "unknown"],
        "roofs": ["unknown"],
    }
    assert made["preferences"] == []


def test_words_of_not_knowing_are_none_that_a_check_takes_for_an_unwanted_refusal() -> None:
    assert len(UNKNOWN) == 8
    assert [text for text in UNKNOWN if refusals.refusal(text)] == []
    assert [one["from"] for one in OWN if one["kind"] == "words"] == [0, 0.2, 0.4, 0.6, 0.8, 1]


def test_with_the_stand_in_seeds_with_answers_are_known_or_unknown(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_seeds.give(monkeypatch, {name: known for name, (known, _) in SAMPLES.items()})

    made = run_program("honesty", start, settings(*of_program("honesty")))

    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert made["preferences"]
    assert made["notes"]
