"""A random walk through the command line: whatever was done before, a store says how it is, goes on, and exports right.

    WALKS=20 WALK=100 pytest tests/test_walk.py  (twenty, from seed 100 on)

What brings something in (pages of a night, a form, a page that is forgotten) is done again in an empty store, in the
same order and with nothing between: both export the same bytes.
"""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from flows import cli
from tasks.contracts.errors import WellspringError
from tests.exported import exported
from tests.nights import KNN, SMALL, inputs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WALKS, FIRST = int(os.environ.get("WALKS", "1")), int(os.environ.get("WALK", "0"))
STEPS, NIGHTS = 12, 3
FORMS = ("alpaca", "sharegpt", "raw")
OF_NO_STORE = {"init", "serve", "offline-model"}  # they touch none, or serve until they are stopped


@dataclass
class Walk:
    """A store on its way, and what was brought into it."""

    store: Path
    inputs: Path
    chance: random.Random
    nights: int = 1
    brought: list[tuple[str, ...]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def run(self, *words: str, expect: set[int] | None = None) -> str:
        """Run a command in this process; its exit code has to be one that is expected, and no traceback is."""
        result = CliRunner().invoke(cli.app, [*words, "--store", str(self.store)])
        error = result.exception
        code = error.exit_code if isinstance(error, WellspringError) else result.exit_code
        self.said.append(f"{code}  {' '.join(words)[:100]}  {error if code else ''}"[:300])
        known = isinstance(error, WellspringError | SystemExit | None.__class__)
        assert known, (self.said, repr(error))
        assert code in (expect or {0}), self.said
        return result.output

    def settings(self, *chosen: str) -> list[str]:
        """The options of a build of all that was brought in so far."""
        wanted = [*inputs(self.inputs, self.nights), *SMALL, *KNN, *chosen]
        return ["--profile", "smoke", *(word for one in wanted for word in ("--set", one))]

    def build(self, *chosen: str, expect: set[int] | None = None) -> None:
        """Build, under other settings if some are named."""
        self.run("build", *self.settings(*chosen), expect=expect)

    def bring(self, *event: str) -> None:
        """Bring something in: it is remembered, to be done again in an empty store."""
        self.brought.append(event)
        what, *rest = event
        if what == "night":
            self.nights = int(rest[0])
        elif what == "form":
            self.run("export", "--format", rest[0])
        elif what == "forget":
            self.run("forget", "--url", rest[0], expect={0, 2})
        self.build()


def _night(walk: Walk) -> None:
    walk.bring("night", str(min(walk.nights + 1, NIGHTS)))


def _form(walk: Walk) -> None:
    walk.bring("form", walk.chance.choice(FORMS))


def _forget(walk: Walk) -> None:
    walk.bring("forget", walk.chance.choice(["https://sourdough-0.example/", "https://knee surgery-0.example/"]))


def _elsewhere(walk: Walk) -> None:
    walk.build(walk.chance.choice(["selections.controls=1", "exports.license=mit", "verdicts.required=[]", "seed=7"]))


def _cut(walk: Walk) -> None:
    walk.build(f"budget.max_calls={walk.chance.randint(1, 90)}", expect={0, 3})


def _lose(walk: Walk) -> None:
    lost = walk.store / walk.chance.choice(["exports", "indexes", "pages", "wellspring.duckdb", "marts"])
    if lost.is_dir():
        shutil.rmtree(lost)
    else:
        lost.unlink(missing_ok=True)
    walk.said.append(f"lost {lost.name}")


def _trace(walk: Walk) -> None:
    files = sorted(walk.store.glob("exports/*/messages/*.jsonl"))
    if files and (walk.store / "wellspring.duckdb").exists():
        walk.run("trace", f"{files[0]}:1", expect={0, 2})


MOVES: dict[str, Callable[[Walk], object]] = {
    "build": lambda walk: walk.build(),
    "night": _night,
    "export": _form,
    "forget": _forget,
    "elsewhere": _elsewhere,
    "cut": _cut,
    "lose": _lose,
    "retry": lambda walk: walk.run("retry", *walk.settings()),
    "trace": _trace,
    "impact": lambda walk: walk.run("impact", "--model", "offline-extractive", expect={0, 2}),
    "status": lambda walk: walk.run("status", expect={0, 2}),
    "dashboard": lambda walk: walk.run("dashboard", expect={0, 2}),
    "estimate": lambda walk: walk.run("estimate", *walk.settings()),
    "doctor": lambda walk: walk.run("doctor", "--profile", "smoke", expect={0, 1}),
    "batches": lambda walk: walk.run("batches", expect={0, 2}),
}


def test_the_walk_knows_every_command() -> None:
    commands = set(typer.main.get_group(cli.app).commands)

    assert commands - OF_NO_STORE <= MOVES.keys()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + WALKS))
def test_after_any_walk_the_export_is_that_of_its_inputs_alone(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    walk = Walk(tmp_path / "ws", tmp_path, chance)
    walk.build()
    for name in chance.choices(sorted(MOVES), k=STEPS):
        MOVES[name](walk)
    walk.build()

    alone = Walk(tmp_path / "alone", tmp_path, chance)
    alone.build()
    for event in walk.brought:
        alone.bring(*event)
    alone.build()
    assert exported(walk.store) == exported(alone.store), walk.said
