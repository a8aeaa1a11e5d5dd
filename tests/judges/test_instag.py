"""InsTag: tags are counted once, in one form, with their explanations; what is no tag is refused."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "instag"

pytestmark = pytest.mark.usefixtures("unaudited")


def tagged(settings: Any, start: Start, *tags: tuple[str, str], history: str = "") -> tuple[Any, list[str]]:
    said = json.dumps({"tags": [{"tag": tag, "explanation": why} for tag, why in tags]})

    def put(run: Run) -> None:
        run.store._connection.execute("UPDATE instructions SET history = ?", [history])

    found, _, asked = judge_runs.play_all(NAME, settings, start, lambda *_: said, [["Yes."]], before=put)
    return found, asked


def test_an_instruction_is_as_complex_as_it_has_tags(settings: Callable[..., Settings], start: Start) -> None:
    found, asked = tagged(settings, start, ("Meal planning", "a week"), ("vegan", "no meat"), ("table", "its form"))

    [score] = found["scores"]
    assert (score["criterion"], score["value"], score["reason"]) == ("total", 3, "meal planning, vegan, table")
    [note] = found["notes"]
    assert (note["kind"], json.loads(note["data"])[0]) == ("tags", {"tag": "meal planning", "explanation": "a week"})
    assert len(asked) == 1


def test_a_tag_that_is_written_in_several_ways_counts_once(settings: Callable[..., Settings], start: Start) -> None:
    said = [("Time_Limit", "first"), ("time-limit.", "second"), (" TIME  limit", "third"), ("été 🐝", "")]

    found, _ = tagged(settings, start, *said)

    assert found["scores"][0]["value"] == 2
    assert json.loads(found["notes"][0]["data"])[0] == {"tag": "time limit", "explanation": "first"}


def test_a_sentence_is_no_tag(settings: Callable[..., Settings], start: Start) -> None:
    six, seven = "one two three four five six", "one two three four five six seven"

    found, _ = tagged(settings, start, (six, "kept"), (seven, "refused"), ("_", "nothing"))

    assert found["scores"][0]["reason"] == six
    assert sorted((row["reason"], row["detail"]) for row in found["rejections"]) == [
        ("not_a_tag", "_"),
        ("not_a_tag", seven),
    ]


def test_without_a_tag_there_is_no_mark(settings: Callable[..., Settings], start: Start) -> None:
    found, _ = tagged(settings, start)

    assert [(row["criterion"], row["value"]) for row in found["scores"]] == [("total", None)]
    assert [row["reason"] for row in found["rejections"]] == ["no_tags"]
    assert not [row for row in found["notes"] if row["kind"] == "tags"]


def test_the_turns_before_are_shown(settings: Callable[..., Settings], start: Start) -> None:
    turns = [{"role": "user", "content": "What lives in a hive?"}, {"role": "assistant", "content": "Bees."}]

    _, [asked] = tagged(settings, start, ("bees", "x"), history=json.dumps(turns))

    assert "What lives in a hive?" in asked
