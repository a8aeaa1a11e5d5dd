"""Deita: versions one from the other, all scored together in no telling order, and what is no score."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import deita
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "deita"

pytestmark = pytest.mark.usefixtures("unaudited")


def shown(body: dict[str, Any], kind: str) -> list[str]:
    return re.findall(rf"<{kind} \w+>\n(.*?)\n</", body["messages"][1]["content"], re.DOTALL)


def steps(text: str) -> int:
    return text.count(" More ")


def say(heading: str, body: dict[str, Any]) -> str:
    """Each version is the one before with `More`; the score of a version is how often that was, and 1."""
    if not heading:
        return f"{shown(body, 'text')[0]} More ö."
    versions = shown(body, "version")
    marks = [{"number": n, "why": "x", "score": steps(text) + 1} for n, text in enumerate(versions, start=1)]
    return json.dumps({"marks": marks[::-1]})


def test_five_versions_each_from_the_one_before_are_scored_together_with_the_first(
    settings: Callable[..., Settings], start: Start
) -> None:
    def three_better(heading: str, body: dict[str, Any]) -> str:
        found = json.loads(say(heading, body)) if heading == "rank_quality" else None
        return json.dumps({"marks": [one | {"score": 3} for one in found["marks"]]}) if found else say(heading, body)

    found, instruction, asked = judge_runs.play(NAME, settings, start, three_better, ["An answer."])

    assert len(asked) == 12 == deita.most_calls(deita.Knobs())
    marks = {row["criterion"]: row["value"] for row in found["scores"]}
    assert marks == {"complexity": 1, "quality": 3, "total": 3}
    assert {row["subject_id"] for row in found["scores"]} == {judge_runs.id_of(instruction, 0)}
    rankings = {note["of"]: note["scores"] for note in judge_runs.notes(found, "ranking")}
    assert sorted(steps(text) for text, _ in rankings["complexity"]) == list(range(6))
    assert all(score == steps(text) + 1 for text, score in rankings["complexity"])
    assert "An answer." in dict(rankings["quality"])


def test_a_version_that_was_there_before_falls_away(settings: Callable[..., Settings], start: Start) -> None:
    def stubborn(heading: str, body: dict[str, Any]) -> str:
        is_answer = bool(shown(body, "instruction"))
        text = shown(body, "text")[0] if not heading else ""
        return text.upper() if is_answer and steps(text) >= 2 else say(heading, body)

    found, _, asked = judge_runs.play(NAME, settings, start, stubborn, ["An answer."])

    assert [row["reason"] for row in found["rejections"]] == ["same_text"] * 3
    assert sorted(len(note["scores"]) for note in judge_runs.notes(found, "ranking")) == [3, 6]
    assert len(asked) == 12


def test_without_versions_there_is_no_score(settings: Callable[..., Settings], start: Start) -> None:
    def idle(heading: str, body: dict[str, Any]) -> str:
        return say(heading, body) if heading else shown(body, "text")[0]

    found, _, asked = judge_runs.play(NAME, settings, start, idle, ["An answer."])

    assert [row["reason"] for row in found["rejections"]] == ["too_few_draws", *["same_text"] * 10]
    assert [row["value"] for row in found["scores"]] == [None]
    assert len(asked) == 10


def test_a_version_that_ran_out_of_room_falls_away(settings: Callable[..., Settings], start: Start) -> None:
    def cut(heading: str, body: dict[str, Any]) -> Any:
        said = say(heading, body)
        return {"content": said, "finish_reason": "length"} if not heading and said.count("More") > 3 else said

    found, _, _ = judge_runs.play(NAME, settings, start, cut, ["An answer."])

    assert {row["reason"] for row in found["rejections"]} == {"cut_off"}
    assert [len(note["scores"]) for note in judge_runs.notes(found, "ranking")] == [4, 4]


def test_a_missing_score_is_null_and_no_default(settings: Callable[..., Settings], start: Start) -> None:
    def forgetful(heading: str, body: dict[str, Any]) -> str:
        said = say(heading, body)
        return json.dumps({"marks": json.loads(said)["marks"][1:]}) if heading == "rank_quality" else said

    found, _, _ = judge_runs.play(NAME, settings, start, forgetful, ["An answer."])

    assert [(row["criterion"], row["value"]) for row in found["scores"]] == [("total", None)]
    assert [row["reason"] for row in found["rejections"]] == ["incomplete_answer"]


def test_a_score_goes_with_its_number_and_each_number_has_one() -> None:
    def mark(number: int, score: int) -> deita.Mark:
        return deita.Mark(number=number, why="", score=score)

    assert deita.given([mark(2, 5), mark(1, 3)], 2) == [3, 5]
    for wrong in ([mark(1, 3)], [mark(1, 3), mark(1, 4)], [mark(0, 3), mark(1, 3)], []):
        with pytest.raises(Rejection, match="scores for"):
            deita.given(wrong, 2)


def test_the_order_that_is_shown_tells_nothing_of_the_age_of_a_version() -> None:
    versions = [f"version {n}" for n in range(6)]

    assert deita.shuffled(versions) == deita.shuffled(versions[::-1]) != versions
