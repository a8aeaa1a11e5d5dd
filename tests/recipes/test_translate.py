"""Translate: there and back, and what must stay stays; else question or answer is refused."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from tests import instruction_store
from tests.instruction_store import SUBJECTS
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import translate
from wellspring.tasks.recipes.translate import Knobs, most_calls, parts_lost
from wellspring.tasks.spine.running.runs import Run

NAME = "translate"
Start = Callable[[Settings], AbstractContextManager[Run]]
SEEDS = {content_id("seed", f"What should I know about {subject}?"): subject for subject in SUBJECTS}
MORE: dict[str, dict[str, Any]] = {
    "bread": {"language": "und"},
    "tides": {"tools": "[]"},
    "bees": {"system": "Be brief."},
}

pytestmark = pytest.mark.usefixtures("unaudited")


@pytest.fixture
def seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each seed of the small store an answer, and some of them more."""
    plain = instruction_store._seed

    def seed(line: int, subject: str, source_id: str) -> records.Seed:
        answer = f"It takes 25 minutes, see `{subject}`."
        return replace(plain(line, subject, source_id), response=answer, **MORE.get(subject, {}))

    monkeypatch.setattr(instruction_store, "_seed", seed)


@pytest.mark.usefixtures("seeds")
def test_with_the_stand_in_questions_and_answers_are_translated_and_some_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, f'recipes.{NAME}.languages=["nl"]')))

    assert made["instructions"]
    assert made["responses"]
    assert {row["passed"] for row in made["verdicts"]} == {True}
    assert {"not_translated", "loses_parts", "meaning_lost", "unsupported"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * most_calls(Knobs())


def said_by(cases: dict[str, str]) -> Callable[[str, dict[str, Any]], str]:
    """Return a model that does to the texts of a subject what its case says."""

    def say(heading: str, body: dict[str, Any]) -> str:
        text = body["messages"][1]["content"]
        case = next((one for subject, one in cases.items() if subject in text), "")
        if heading == "compare":
            is_answer = "minutes" in text
            return json.dumps({"difference": "", "same": "no" if case == f"lost {is_answer}" else "yes"})
        is_second = heading == "translate_answer"
        shown = text[text.index("It takes") :].split("\n")[0] if is_second else text.split("\n")[1]
        if heading == "back" or case == "same":
            return json.dumps({"text": shown})
        return json.dumps(
            {"text": f"Auf Deutsch gesagt: {shown.replace('25', 'viele') if case == 'number' else shown}"}
        )

    return say


@pytest.mark.usefixtures("seeds")
def test_what_comes_back_the_same_or_loses_its_meaning_or_a_number_is_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    cases = {"pumps": "number", "bees": "", "roofs": "lost False", "trains": "lost True"}
    with answering(NAME, said_by(cases)) as model:
        roles = {role: model.role(role) for role in translate.ROLES}
        wanted = f'recipes.{NAME}.languages=["en", "de"]'
        made = run_program(NAME, start, settings(*of_program(NAME, wanted), models=roles))

    assert {(SEEDS[input_id.partition("#")[0]], reason) for input_id, reason in made.refused} == {
        ("bread", "unsupported"), ("tides", "unsupported"), ("pumps", "loses_parts"), ("roofs", "meaning_lost"),
        ("trains", "meaning_lost"),
    }  # fmt: skip
    of = {row["instruction_id"]: SEEDS[row["input_id"]] for row in made["instructions"]}
    assert {*of.values()} == {"pumps", "bees", "trains"}
    assert [of[row["instruction_id"]] for row in made["responses"]] == ["bees"]
    histories = {of[row["instruction_id"]]: row["history"] for row in made["instructions"]}
    assert json.loads(histories["bees"]) == [{"role": "system", "content": "Auf Deutsch gesagt: Be brief."}]
    assert histories["pumps"] == ""
    assert {row["detail"] for row in made["verdicts"]} == {"en to de"}


@pytest.mark.parametrize(
    ("knob", "case", "reason"),
    [
        ('languages=["en"]', "", "no_other_language"),
        ("max_chars=100", "", None),
        ('languages=["de"]', "same", "not_translated"),
    ],
)
def test_a_seed_in_the_only_language_or_one_that_stays_as_it_was_is_refused(
    knob: str, case: str, reason: str | None, start: Start, settings: Callable[..., Settings]
) -> None:
    with answering(NAME, said_by(dict.fromkeys(SUBJECTS, case))) as model:
        roles = {role: model.role(role) for role in translate.ROLES}
        made = run_program(NAME, start, settings(*of_program(NAME, f"recipes.{NAME}.{knob}"), models=roles))

    assert Counter(found for _, found in made.refused) == ({reason: 6} if reason else {})
    assert len(made["instructions"]) == (0 if reason else 6)


@pytest.mark.parametrize(
    ("text", "translated", "lost"),
    [
        ("Use `len(x)` on {name} in PyTorch 2.", "In PyTorch 2 nimm `len(x)` auf {name}.", []),
        ("Use `len(x)` on {name}.", "Nimm `len (x)` auf {Name}.", ["`len(x)`", "{name}"]),
        ("See https://a.example/b?c=1.", "Siehe https://a.example/b?c=1!", []),
        ("Mail me@a.example, <city>, $x, %s, [NAME]", "", ["me@a.example", "<city>", "$x", "%s", "[NAME]"]),
        ("```py\n# hi\nx = 1\n```", "```py\n# hallo\nx = 1\n```", ["```py\n# hi\nx = 1\n```"]),
        ("1,000 of HTML5, 25%", "1.000 von HTML5, 26 %", ["25"]),
        ("\u00dcber 40 K\u00fche", "\u7d04\uff14\uff10\u982d\u306e\u725b", []),
    ],
)
def test_code_links_placeholders_names_of_programs_and_numbers_must_stay(
    text: str, translated: str, lost: list[str]
) -> None:
    assert parts_lost(text, translated) == lost
