"""Judges by name."""

import pytest

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.judges.panel import judge


def test_a_judge_is_loaded_by_name_with_what_it_judges() -> None:
    seven, quality = judge("seven_criteria"), judge("response_quality")

    assert (seven.name, seven.subject, seven.best) == ("seven_criteria", "instruction", 7.0)
    assert (quality.name, quality.subject, quality.best) == ("response_quality", "response", 10.0)


def test_a_judge_of_verdicts_is_refused_where_marks_are_wanted() -> None:
    with pytest.raises(UsageError, match="verdicts, not marks") as caught:
        judge("moderation")

    assert "verdicts.judges" in caught.value.hint


def test_an_unknown_judge_names_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        judge("eight_criteria")

    assert "seven_criteria" in caught.value.hint
