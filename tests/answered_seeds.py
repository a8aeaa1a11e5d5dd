"""Seeds of the small store with answers of their own, and a program that takes them, run on them."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests import instruction_store
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Say = Callable[[str, str, dict[str, Any]], str | None]


def give(monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, str]) -> None:
    """Give seeds answers, by their subjects; a subject that is not named has none."""
    of = instruction_store._seed

    def seed(line: int, subject: str, source_id: str) -> records.Seed:
        return dataclasses.replace(of(line, subject, source_id), response=answers.get(subject))

    monkeypatch.setattr(instruction_store, "_seed", seed)


def subject_of(body: dict[str, Any]) -> str:
    """Return the subject of the seed that a request is about."""
    said = "\n".join(message["content"] for message in body["messages"])
    return next(name for name in instruction_store.SUBJECTS if f"about {name}" in said)


def run(recipe: ModuleType, say: Say, start: Start, settings: Callable[..., Settings], *knobs: str) -> Made:
    """Run a program on the six seeds with knobs such as `answers=2`; `say` is given subject, heading and request."""
    name = recipe.__name__.rpartition(".")[2]
    with answering(name, lambda heading, body: say(subject_of(body), heading, body)) as model:
        roles = {role: model.role(role) for role in recipe.ROLES}
        chosen = settings(*of_program(name, *(f"recipes.{name}.{one}" for one in knobs)), models=roles)
        return run_program(name, start, chosen)


def of_subjects(made: Made) -> dict[str, str]:
    """Return the subject of each instruction, by its id."""
    subjects = instruction_store.SUBJECTS
    texts = {row["instruction_id"]: f"{row['history']} {row['text']}" for row in made["instructions"]}
    return {id_: next(name for name in subjects if f"about {name}" in text) for id_, text in texts.items()}


def reasons_of(made: Made) -> dict[str, list[str]]:
    """Return the reasons of refusals, by the subject of the seed."""
    ids = {content_id("seed", f"What should I know about {name}?"): name for name in instruction_store.SUBJECTS}
    found: dict[str, list[str]] = {}
    for input_id, reason in sorted(made.refused):
        found.setdefault(ids[input_id.partition("#")[0]], []).append(reason)
    return found


def own(recipe: ModuleType) -> list[dict[str, Any]]:
    """Return the rows of a program's list."""
    text = Path(str(recipe.__file__)).with_suffix(".jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
