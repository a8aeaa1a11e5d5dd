"""Rationales: easy questions are answered alone, hard ones with reasons that come to the label."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import answered_seeds
from tests.answered_seeds import Start, of_subjects, reasons_of
from tests.program_cases import draw, fenced
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import rationales

pytestmark = pytest.mark.usefixtures("unaudited")

ASKED = {  # label as the seed has it; answers alone; answers of the tries, the last of which goes on
    "pumps": ("So it is. #### 1,042", ["1042", "1042.0", "1042 W", "7"], ["7"]),
    "bread": (
        "It is a long story about a crust, and not about a figure.",
        ["12", "13", "12", "9"],
        ["13", "odd", "12 g"],
    ),
    "tides": ("42", ["41", "41", "41", "41"], ["41"]),
    "bees": ("Advice on bees, at great length, and in general.", [], []),
    "roofs": ("\u00dcber M\u00fcnchen", ["odd", "odd", "odd", "odd"], []),
}


def say(subject: str, heading: str, body: dict[str, Any]) -> str:
    _, alone, tries = ASKED[subject]
    if heading == "label":
        assert fenced(body, "answer") == [ASKED[subject][0]]
        return json.dumps({"label": "12" if subject == "bread" else None})
    said = "".join(message["content"] for message in body["messages"])
    number = int(said.partition("This is try ")[2].partition(";")[0] or 1)
    answer = alone[draw(body)] if heading == "short" else tries[min(number, len(tries)) - 1]
    return "no idea" if answer == "odd" else json.dumps({"steps": f"Try {number}.", "answer": answer})


def test_what_a_model_is_sure_of_and_right_is_answered_alone_and_else_with_reasons_that_come_to_the_label(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_seeds.give(monkeypatch, {name: given for name, (given, *_) in ASKED.items()})

    made = answered_seeds.run(rationales, say, start, settings, "samples=4", "tries=3", "easy=0.75")

    of, texts = of_subjects(made), {row["instruction_id"]: row["text"] for row in made["responses"]}
    assert {of[id_]: text for id_, text in texts.items()} == {
        "pumps": "1042",
        "bread": "Try 3.\n\nThe answer is: 12 g",
    }
    assert {row["text"] for row in made["instructions"]} == {
        f"What should I know about {name}?" for name in ("pumps", "bread")
    }
    assert sorted((json.loads(row["data"]) for row in made["notes"]), key=str) == [
        {"bin": 5, "hard": True, "right": True, "share": 0.5},
        {"bin": 7, "hard": False, "right": True, "share": 0.75},
    ]
    assert reasons_of(made) == {
        "bread": ["unparsable_answer", "wrong_answer"],
        "tides": ["no_right_answer", "wrong_answer", "wrong_answer", "wrong_answer"],
        "bees": ["no_reference"],
        "roofs": ["too_few_draws", *["unparsable_answer"] * 4],
        "trains": ["no_reference"],
    }


@pytest.mark.parametrize(
    ("answers", "most"),
    [
        (["7"], ("7", 1)),
        (["7", "8", "8.0", "acht"], ("8", 0.5)),
        (["a", "b"], ("a", 0.5)),
        (["Stra\u00dfe", "STRASSE", "..."], ("Stra\u00dfe", 2 / 3)),
    ],
)
def test_how_sure_a_model_is_of_its_most_frequent_answer(answers: list[str], most: tuple[str, float]) -> None:
    assert rationales.sure(answers) == (most[0], pytest.approx(most[1]))


@pytest.mark.parametrize(("easy", "forms"), [(0.9, {"hard"}), (0.0, {"easy", "hard"})])
def test_with_the_stand_in_seeds_with_a_label_are_answered(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, easy: float, forms: set[str]
) -> None:
    answered_seeds.give(monkeypatch, dict.fromkeys(ASKED, "It is so. #### 42"))

    made = run_program("rationales", start, settings(*of_program("rationales", f"recipes.rationales.easy={easy}")))

    assert {"hard" if "\n" in row["text"] else "easy" for row in made["responses"]} == forms
    assert {reason for _, reason in made.refused} <= {"no_reference", "wrong_answer", "no_right_answer"}
    assert made.calls <= made.settled * rationales.most_calls(rationales.Knobs())
