"""What `wellspring status` says of a store, and what to type next."""

from typing import Any

import pytest

from wellspring.flows import terminal

STAGE = {
    "stage": "documents",
    **dict.fromkeys(("rows", "rows_valid", "rows_due", "rows_rejected", "shards_failed", "calls"), 0),
    "due_cost_usd": 0.0,
    "cost_usd": 0.0,
    "reasons": {},
}
RUN = {
    "run_id": "4fd1c09a77",
    "flow": "dataset",
    "status": "running",
    "started_at": "2026-03-01 03:00:00",
    "seconds": None,
    "exported": 0,
    "rows_rejected": 0,
    "cost_usd": 0.0,
    "error": None,
}
HOLDER = {"held_by": {"pid": 7, "host": "here", "owner": "4fd1c09a77"}}


def said_of(capsys: pytest.CaptureFixture[str], **known: Any) -> tuple[str, str]:
    facts = {"store": "ws", "held_by": None, "running": {}, "as_of": None, "seeds_funnel": []}
    facts |= {"unfinished_cost_usd": 0.0}
    terminal.standing(facts | {"stages": [STAGE], "runs": [RUN]} | known)
    told = capsys.readouterr()
    return told.out, " ".join(told.err.split())


def test_a_run_that_nobody_runs_any_more_was_killed_and_a_build_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    facts, hint = said_of(capsys)

    assert "killed" in facts
    assert "running" not in facts
    assert "wellspring build --profile ws/settings.json --store ws goes on where it stopped" in hint


def test_a_first_run_at_work_shows_no_empty_tables(capsys: pytest.CaptureFixture[str]) -> None:
    facts, hint = said_of(capsys, **HOLDER, stages=[], runs=[])

    assert facts.split("\n")[:2] == [
        "process 7 on here has the store open (4fd1c09a77)",
        "it has left nothing to read yet",
    ]
    assert "runs" not in facts
    assert hint == "hint: look again later"


def test_when_all_is_done_refusals_can_be_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    _, hint = said_of(capsys, stages=[STAGE | {"rows_rejected": 3}], runs=[RUN | {"status": "done"}])

    assert "wellspring retry --reason REASON --store ws" in hint


def test_a_receipt_names_the_tables_that_lost_rows_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.receipt({"rows": {"exports": 80, "seeds": 0}, "texts_left": 0, "datasets_withdrawn": ["a", "b"]})

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[2:]]

    assert lines == ["rows of exports 80", "texts left 0", "datasets withdrawn a, b"]


def test_what_parked_stages_spent_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    facts, _ = said_of(capsys, unfinished_cost_usd=0.0542)

    assert "spent besides, in stages that parked or were killed: $0.0542" in facts
