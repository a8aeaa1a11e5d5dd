"""The checks of an answer's text on labelled sets: floors of precision and recall, hostile texts, and real answers."""

from itertools import islice
from pathlib import Path

import polars as pl
import pytest

from tests import answer_sets
from tests.answer_sets import Case, cases
from tests.bench import answer_checks
from wellspring.tasks.contracts.settings import VerdictsSettings
from wellspring.tasks.methods.answers import checks

SETTINGS = VerdictsSettings()
FLOORS = {  # on the half for the report: recall, precision
    "has_substance": (0.94, 0.98),
    "not_refused": (0.97, 0.98),
    "not_looping": (0.98, 0.98),
    "same_language": (0.93, 0.98),
    "no_pointer": (0.97, 0.98),
    "no_echo": (0.97, 0.98),
    "no_debris": (0.98, 0.98),
    "not_truncated": (0.97, 0.96),
    "no_marks": (0.98, 0.95),
    "numbers": (0.98, 0.98),
    "knowledge_precision": (0.98, 0.98),
    "code_parses": (0.95, 0.98),
}
HOSTILE = {
    "one letter": "a" * 100_000,
    "one sign": "-" * 100_000,
    "new lines": "\n" * 100_000,
    "spaces": "I'm sorry" + " " * 100_000,
    "fences": "```\n~~~\n" * 12_000,
    "quotes": "\"'\u201c" * 33_000,
    "pointers": "the text " * 11_000,
    "brackets": "<[{(" * 25_000,
    "announcements": "here is let me sure " * 5_000,
    "han": "\u6c34" * 100_000,
    "bars": "| a " * 25_000,
    "counters": "1. " * 33_000,
    "words": " ".join(str(n) for n in range(20_000)),
}


def failed(check: str, case: Case) -> bool:
    return checks.checks([check])[check](case.row, SETTINGS).passed is False


@pytest.mark.parametrize("check", answer_sets.CHECKS)
def test_precision_and_recall_hold_on_the_half_that_rules_were_not_tuned_on(check: str) -> None:
    recall, precision = answer_checks.measured(check, "report")

    assert (recall >= FLOORS[check][0], precision >= FLOORS[check][1]) == (True, True), (recall, precision)
    assert min(answer_checks.measured(check, "tuning")) >= 0.85


@pytest.mark.parametrize("check", answer_sets.CHECKS)
def test_a_set_has_sixty_of_each_label_and_no_case_under_two_labels(check: str) -> None:
    found = cases(check)
    bad = {case._replace(is_bad=False) for case in found if case.is_bad}
    good = {case for case in found if not case.is_bad}

    assert min(len(bad), len(good)) >= 60
    assert not bad & good


@pytest.mark.parametrize(
    ("check", "instruction", "response"),
    [
        ("not_looping", "What does a pump do?", "The pump lifts water from the well. " * 150),
        (
            "same_language",
            "How high does the pump lift, and how much water?",
            "水泵可以把水提升十二米并且每小时抽一千升。",
        ),
        ("not_refused", "Summarise what matters about pumps.", "The passage is missing."),
        ("no_pointer", "What does a pump need?", "According to the passage above, it needs a valve."),
        ("has_substance", "How do I choose a pump?", "\u200b\u200c"),
        ("has_substance", "How do I choose a pump?", "```\n```"),
        ("no_echo", "How do I choose a pump for a deep well?", "How do I choose a pump for a deep well?"),
        ("no_debris", "Answer this question.", "])} }\n```\n\nI was unable to find an answer for what you asked."),
        ("no_debris", "Réécris cette page.", "1. On le pourrait végler les croisades avec le bon dÃ©ludes."),
    ],
)
def test_what_was_exported_before_fails_now(check: str, instruction: str, response: str) -> None:
    assert failed(check, Case(instruction, response, is_bad=True))


def test_the_page_of_methods_has_the_figures_of_every_computed_check() -> None:
    lines = answer_checks.PAGE.read_text(encoding="utf-8").splitlines()

    assert sorted(checks.OURS) == sorted(answer_sets.CHECKS)
    for name in checks.OURS:
        found = answer_checks.figures(name)
        assert any(line.startswith(found) for line in lines), f"{found}: {answer_checks.HOW}"


def test_a_text_too_short_for_a_language_is_one_that_the_check_does_not_apply_to() -> None:
    outcome = checks.checks(["same_language"])["same_language"](Case("How much?", "42", is_bad=False).row, SETTINGS)

    assert outcome.passed is None
    assert outcome.detail.startswith(checks.DOES_NOT_APPLY)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_of_100_kilobytes_comes_to_its_end(text: str) -> None:
    for instruction, response in (("How do I choose a pump?", text), (text, "Take the larger one of the two pumps.")):
        for check in checks.checks(answer_sets.CHECKS).values():
            check(Case(instruction, response, is_bad=False).row, SETTINGS)


@pytest.mark.shared
def test_answers_that_people_wrote_hardly_ever_fail(shared: Path) -> None:
    rows = pl.read_parquet(shared / "instructions" / "pool_dolly_a.parquet").to_dicts()
    found = dict.fromkeys(answer_sets.CHECKS, 0)
    for row in islice(rows, 0, None, 3):
        instruction = "\n\n".join(filter(None, (row["instruction"], row["input"])))
        for name in found:
            found[name] += failed(name, Case(instruction, row["output"], is_bad=False))

    assert max(found.values()) <= 2, found
