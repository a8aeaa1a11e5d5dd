"""Judges by name."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import instruction_store
from wellspring.tasks import scores
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges.loading import load_judge
from wellspring.tasks.spine.running.runs import Run


def test_a_judge_is_loaded_by_name_with_what_it_judges() -> None:
    seven, quality = load_judge("seven_criteria"), load_judge("response_quality")

    assert (seven.name, seven.subject, seven.best) == ("seven_criteria", "instruction", 7.0)
    assert (quality.name, quality.subject, quality.best) == ("response_quality", "response", 10.0)


def test_a_judge_of_verdicts_is_refused_where_marks_are_wanted() -> None:
    with pytest.raises(UsageError, match="verdicts, not marks") as caught:
        load_judge("moderation")

    assert "verdicts.judges" in caught.value.hint


def test_an_unknown_judge_names_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        load_judge("eight_criteria")

    assert "seven_criteria" in caught.value.hint


POLITE = '''
"""How polite an instruction is."""

from wellspring.tasks.contracts.prompting import Prompt, beside, fenced
from wellspring.tasks.judges.grading import graded

PAPER, VERSION, SUBJECT = "ours", 1, "instruction"
CRITERIA, LOWEST, HIGHEST, TOTAL = ("politeness",), 1, 5, "mean"
Marks = graded(CRITERIA, LOWEST, HIGHEST)
SCHEMA = Marks.identity()


def prompt(row, settings):
    return Prompt(beside(__file__).render(instruction=fenced("instruction", row["text"])), SCHEMA, "polite")


def parse(row, text):
    return Marks.read(text, beside(__file__)).columns()
'''


@pytest.fixture
def plugins(tmp_path: Path) -> str:
    (tmp_path / "polite.py").write_text(POLITE, encoding="utf-8")
    form = '{"politeness_analysis": "<where>", "politeness": "<1 to 5>"}'
    (tmp_path / "polite.md").write_text(f"# user\n\n$instruction\n\nMark it: {form}\n", encoding="utf-8")
    return str(tmp_path)


def test_a_judge_of_a_folder_marks_under_its_name(
    plugins: str,
    settings: Callable[..., Settings],
    start: Callable[[Settings], AbstractContextManager[Run]],
) -> None:
    chosen = settings(f"plugins={json.dumps([plugins])}", 'scores.judges=["polite"]')

    with start(chosen) as run:
        instruction_store.fill(run, 6)
        receipt = scores.judge(run)
        marks = run.store._connection.execute("SELECT judge, criterion, value FROM scores").fetchall()

    assert receipt.counts.rows_out == 6
    assert {(name, criterion) for name, criterion, _ in marks} == {("polite", "politeness"), ("polite", "total")}
    assert all(1 <= value <= 5 for _, _, value in marks)


def test_what_a_judge_of_a_folder_lacks_is_named(plugins: str) -> None:
    (Path(plugins) / "rude.py").write_text(POLITE.replace("HIGHEST, TOTAL", "HIGHEST, SUM"), encoding="utf-8")
    (Path(plugins) / "rude.md").write_text("# user\n\n$instruction\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"`rude` is not whole: it has no `TOTAL`"):
        load_judge("rude", [plugins])
    with pytest.raises(UsageError, match="there is no judge `polit`") as caught:
        load_judge("polit", [plugins])
    assert "did you mean polite" in str(caught.value.hint)
