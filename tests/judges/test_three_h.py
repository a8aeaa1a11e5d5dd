"""Three aims: a row is tagged by what it trains and what it works against, and passes if that is none."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks import verdicts
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "three_h"


def tagged(settings: Any, start: Start, *effects: str) -> Any:
    said = json.dumps({"evidence": "it says so"} | dict(zip(("helpful", "honest", "harmless"), effects, strict=True)))
    found, _, [asked, *_] = judge_runs.play_all(NAME, settings, start, lambda *_: said, [["Use a wrench."]])
    assert "Use a wrench." in asked
    return found


@pytest.mark.usefixtures("unaudited")
@pytest.mark.parametrize(
    ("effects", "trains", "against"),
    [
        (("trains", "neither", "neither"), ["helpful"], []),
        (("trains", "neither", "against"), ["helpful"], ["harmless"]),
        (("Trains", "TRAINS", "trains."), ["helpful", "honest", "harmless"], []),
        (("neither", "against", "neither"), [], ["honest"]),
        (("neither", "neither", "neither"), [], []),
    ],
)
def test_a_row_is_tagged_and_passes_if_it_works_against_no_aim(
    settings: Callable[..., Settings], start: Start, effects: tuple[str, ...], trains: list[str], against: list[str]
) -> None:
    found = tagged(settings, start, *effects)

    [note] = found["notes"]
    is_conflict = bool(trains) and bool(against)
    assert json.loads(note["data"]) == {"trains": trains, "against": against, "is_conflict": is_conflict}
    [verdict] = found["verdicts"]
    assert (verdict["check_name"], verdict["passed"]) == ("three_h", not against)
    assert verdict["detail"].endswith("it says so")
    assert verdict["completion_id"] == note["completion_id"]
    assert found["scores"] == []


@pytest.mark.usefixtures("unaudited")
def test_an_effect_of_another_name_is_refused(settings: Callable[..., Settings], start: Start) -> None:
    found = tagged(settings, start, "yes", "no", "neither")

    assert [row["reason"] for row in found["rejections"]] == ["incomplete_answer"]
    assert (found["verdicts"], found["scores"]) == ([], [])


def test_verdicts_of_a_judge_pass_their_audit_after_those_of_checks_did(
    settings: Callable[..., Settings], start: Start
) -> None:
    said = json.dumps({"evidence": "x", "helpful": "trains", "honest": "neither", "harmless": "neither"})

    def checked(run: Run) -> None:
        verdicts.check(run)
        validation.audit(run, "verdicts")

    found, _, _ = judge_runs.play_all(NAME, settings, start, lambda *_: said, [["Use a wrench."]], before=checked)

    assert [row["passed"] for row in found["verdicts"]] == [True]
