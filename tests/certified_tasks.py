"""A small store with one task that can be verified, over the page on pumps, and models that a test lets say things."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from tests import instruction_store, judge_runs
from tests.program_runs import answering
from wellspring.tasks.contracts import records, verifiable
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import verify
from wellspring.tasks.spine.running.runs import Run

PAGE = instruction_store.SUBJECTS["pumps"]
QUOTE = "lifts water 12 metres from the well"
START = PAGE.index(QUOTE)
ROLES = ("generator", "responder", "judge")


def a_task(**changed: Any) -> verifiable.Task:
    """Return the task, or another."""
    cited = [(START, START + len(QUOTE))]
    task = verifiable.short_answer("amount", "How high does the pump lift water?", PAGE, "12 metres", cited)
    return replace(task, **changed)


def note(run: Run, instruction_id: str, task: verifiable.Task) -> None:
    """Note that an instruction is a task."""
    keep_note(run, verifiable.NOTE, json.dumps(verifiable.noted(task, instruction_id)))


def keep_note(run: Run, kind: str, data: str) -> None:
    """Keep a note of the page on pumps."""
    of = (content_id("note", data), "attributed_grounding-1", content_id("document", "pumps"), kind, data)
    run.store.append("notes", [records.Note(*of, content_id("call", data), "w", [])])
    instruction_store.publish(run, "notes")


def certify(
    settings: Callable[..., Settings],
    start: Callable[[Settings], AbstractContextManager[Run]],
    say: Callable[[str, dict[str, Any]], Any],
    task: verifiable.Task,
    *more: str,
    history: str = "",
    after: Callable[[Run], object] = lambda _: None,
) -> Mapping[str, list[dict[str, Any]]]:
    """Have the judge look at the task; returns what it has made, by table."""
    with answering("certificate", say) as model:
        roles = {role: model.role(f"a-{role}") for role in ROLES}
        with start(settings(*judge_runs.of_judge("certificate", *more), models=roles)) as run:
            [instruction] = judge_runs.fill(run, [[task.reference]])
            note(run, instruction, task)
            run.store._connection.execute("UPDATE instructions SET history = ?", [history])
            found = judge_runs.judged(run, "certificate")
            after(run)
            return found


def rejected(noted: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return for each kind of mutants of a task how many the exported verifier rejects, and how many there are."""
    found: dict[str, list[int]] = {}
    for kind, text in noted["wrong"]:
        of = found.setdefault(kind, [0, 0])
        of[0], of[1] = of[0] + (verify.verify(noted["verifier"], text) is False), of[1] + 1
    return found
